//! PyTorch's values and gradients of ops over one value or more: `data/ops.json`, which `scripts/torch_ops.py` wrote.

use crate::common::torch::{Number, agree};
use serde::Deserialize;
use std::collections::BTreeMap;
use wane_autodiff::ndarray::ArrayD;
use wane_autodiff::{Graph, Params, Tape, Var};

#[derive(Deserialize)]
struct Document {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    op: String,
    options: Vec<Number>,
    operands: Vec<Array>,
    weights: Array,
    value: Array,
    gradients: Vec<Option<Array>>,
}

#[derive(Deserialize)]
struct Array {
    dims: Vec<usize>,
    data: Vec<Number>,
}

impl Array {
    fn get(&self) -> ArrayD<f64> {
        let data = self.data.iter().map(|number| number.0).collect();
        ArrayD::from_shape_vec(self.dims.as_slice(), data).expect("the script's own shape")
    }
}

fn apply<'g>(graph: Graph<'g, f64>, case: &Case, v: &[Var<'g, f64>]) -> Var<'g, f64> {
    let options: Vec<f64> = case.options.iter().map(|number| number.0).collect();
    let axis = options.first().map_or(0, |&axis| axis as usize);
    match (case.op.as_str(), options.as_slice()) {
        ("clamp", &[min, max]) => v[0].clamp(min, max),
        ("powf", &[p]) => v[0].powf(p),
        ("gelu_tanh", []) => v[0].gelu_tanh(),
        ("maximum", []) => v[0].maximum(v[1]),
        ("minimum", []) => v[0].minimum(v[1]),
        ("where", []) => v[1].where_(v[0], v[2]),
        ("max", []) => v[0].max(),
        ("max_axis", [_]) => v[0].max_axis(axis),
        ("max_axis_keepdim", [_]) => v[0].max_axis_keepdim(axis),
        ("min", []) => v[0].min(),
        ("min_axis", [_]) => v[0].min_axis(axis),
        ("min_axis_keepdim", [_]) => v[0].min_axis_keepdim(axis),
        ("logsumexp", []) => v[0].logsumexp(),
        ("logsumexp_axis", [_]) => v[0].logsumexp_axis(axis),
        ("logsumexp_axis_keepdim", [_]) => v[0].logsumexp_axis_keepdim(axis),
        ("softmax", [_]) => v[0].softmax(axis),
        ("var", &[correction]) => v[0].var(correction),
        ("var_axis", &[_, correction]) => v[0].var_axis(axis, correction),
        ("var_axis_keepdim", &[_, correction]) => v[0].var_axis_keepdim(axis, correction),
        ("std", &[correction]) => v[0].std(correction),
        ("std_axis", &[_, correction]) => v[0].std_axis(axis, correction),
        ("std_axis_keepdim", &[_, correction]) => v[0].std_axis_keepdim(axis, correction),
        ("slice_axis", &[_, start, end]) => v[0].slice_axis(axis, start as usize..end as usize),
        ("select", [_, indices @ ..]) => {
            v[0].select(axis, &indices.iter().map(|&index| index as usize).collect::<Vec<_>>())
        }
        ("concat", [_]) => graph.concat(v, axis),
        ("stack", [_]) => graph.stack(v, axis),
        ("bmm", []) => v[0].bmm(v[1]),
        (op, options) => panic!("{op} {options:?}"),
    }
}

/// Whether two numbers agree: to 1e-14 of themselves, or, where terms cancel, of the largest beside them.
fn close(op: &str, ours: f64, torch: f64, largest: f64) -> bool {
    let slack = match op {
        "clamp" | "powf" | "maximum" | "minimum" | "where" => 0.0,
        // Both add 1 to a tanh near −1, and no two tanh round alike.
        "gelu_tanh" => 2e-16,
        _ => 1e-14 * largest,
    };
    agree(ours, torch) || (ours - torch).abs() <= slack
}

/// Compares two arrays, and says how many of wane's numbers differ on purpose.
fn compare(case: &Case, part: &str, ours: &ArrayD<f64>, torch: &Array, differences: &mut Vec<String>) -> usize {
    let (op, torch) = (case.op.as_str(), torch.get());
    assert_eq!(ours.shape(), torch.shape(), "{part} of {op}");
    let largest = torch.iter().filter(|x| x.is_finite()).fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let mut on_purpose = 0;
    for (i, (&ours, &torch)) in ours.iter().zip(&torch).enumerate() {
        if close(op, ours, torch, largest) {
            continue;
        }
        if differs_on_purpose(case, part, i, ours, torch) {
            on_purpose += 1;
        } else {
            let operands: Vec<_> = case.operands.iter().map(|array| array.get().into_raw_vec_and_offset().0).collect();
            let options: Vec<_> = case.options.iter().map(|number| number.0).collect();
            differences.push(format!("{part} {i} of {op} {options:?}: {ours:e}, PyTorch {torch:e}, at {operands:?}"));
        }
    }
    on_purpose
}

fn differs_on_purpose(case: &Case, part: &str, i: usize, ours: f64, torch: f64) -> bool {
    match case.op.as_str() {
        // PyTorch sends 0 to a NaN: it ends there, and every gradient before it looks sound.
        "clamp" => part == "gradient" && case.operands[0].data[i].0.is_nan() && torch == 0.0 && ours != 0.0,
        // Beside an infinite element, or among equal ones without a degree of freedom, there is nothing to derive:
        // PyTorch's infinities come of which way its mean rounds.
        "var_axis" => part == "gradient" && torch.is_infinite() && ours.is_nan(),
        // eˣ⁻ʸ of a y near 1e4, whose last bit is 1.8e-12: wane keeps what that rounds away.
        "logsumexp_axis" => part == "gradient" && ours.is_finite() && (ours - torch).abs() <= 1e-12 * torch.abs(),
        _ => false,
    }
}

#[test]
fn values_and_gradients_are_pytorchs() {
    let document: Document = serde_json::from_str(include_str!("../data/ops.json")).expect("the script's own format");
    let (params, mut tape, mut differences) = (Params::new(), Tape::new(), Vec::new());
    let (mut compared, mut on_purpose) = (0, BTreeMap::<&str, usize>::new());
    for case in &document.cases {
        let graph = tape.record(&params);
        let operands: Vec<_> = case.operands.iter().map(|array| graph.variable(&array.get())).collect();
        let y = apply(graph, case, &operands);
        y.backward_from(&case.weights.get(), &mut params.grads());
        let mut exceptions = compare(case, "value", &y.to_array(), &case.value, &mut differences);
        compared += case.value.data.len();
        for (operand, torch) in operands.iter().zip(&case.gradients) {
            match (operand.grad(), torch) {
                (Some(ours), Some(torch)) => {
                    exceptions += compare(case, "gradient", &ours, torch, &mut differences);
                    compared += torch.data.len();
                }
                (ours, torch) => assert_eq!(ours.is_some(), torch.is_some(), "gradient of {}", case.op),
            }
        }
        if exceptions > 0 {
            *on_purpose.entry(&case.op).or_default() += exceptions;
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert_eq!(on_purpose.into_iter().collect::<Vec<_>>(), [("clamp", 6), ("logsumexp_axis", 18), ("var_axis", 46)]);
    assert_eq!((document.cases.len(), compared), (298, 7719));
}

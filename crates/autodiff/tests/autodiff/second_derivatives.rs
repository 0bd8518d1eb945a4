//! Second derivatives of each op: PyTorch's numbers, and finite ones for large inputs.

use crate::common::config;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof, proptest};
use serde::Deserialize;
use wane_autodiff::ndarray::{Array1, Array2};
use wane_autodiff::{Classes, Dual, Float, Params, Tape, Var};

/// What `scripts/torch_second.py` wrote of one op.
#[derive(Deserialize)]
struct Row {
    op: String,
    option: Option<f64>,
    target: Option<f64>,
    x: Vec<f64>,
    second: Vec<f64>,
}

fn apply<'g, T: Float>(row: &Row, x: Var<'g, T>) -> Var<'g, T> {
    let option = row.option.unwrap_or(f64::NAN);
    // Losses are means; each element is to have the derivative of its own term.
    let target = || x.graph().input(&Array1::from_elem(row.x.len(), T::of(row.target.unwrap_or(f64::NAN))));
    let len = T::of(row.x.len() as f64);
    match row.op.as_str() {
        "relu" => x.relu(),
        "abs" => x.abs(),
        "square" => x.square(),
        "exp" => x.exp(),
        "ln" => x.ln(),
        "sqrt" => x.sqrt(),
        "tanh" => x.tanh(),
        "sigmoid" => x.sigmoid(),
        "gelu" => x.gelu(),
        "silu" => x.silu(),
        "softplus" => x.softplus(),
        "leaky_relu" => x.leaky_relu(option),
        "elu" => x.elu(option),
        "l1_loss" => x.l1_loss(target()) * len,
        "mse_loss" => x.mse_loss(target()) * len,
        "huber_loss" => x.huber_loss(target(), option) * len,
        "smooth_l1_loss" => x.smooth_l1_loss(target(), option) * len,
        "bce_with_logits_loss" => x.bce_with_logits_loss(target()) * len,
        other => panic!("no op {other}"),
    }
}

/// At the kink of elu and at the threshold of softplus, PyTorch's second derivative is that of the right side, though
/// its first one there is that of the left. Here both are the left side's.
fn expected(row: &Row, x: f64, second: f64) -> f64 {
    match row.op.as_str() {
        "elu" if x == 0.0 => row.option.unwrap(),
        "softplus" if x == 20.0 => 20.0_f64.exp() / (1.0 + 20.0_f64.exp()).powi(2),
        _ => second,
    }
}

#[test]
fn second_derivatives_are_pytorchs() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../data/second.json")).unwrap();
    assert_eq!(rows.len(), 26);
    for row in rows {
        let (params, mut tape) = (Params::new(), Tape::new());
        let x: Array1<_> = row.x.iter().map(|&x| Dual::new(x, 1.0)).collect();
        let x = tape.record(&params).variable(&x);
        apply(&row, x).sum().backward(&mut params.grads());
        let found = x.grad().unwrap();
        for ((found, &x), &second) in found.iter().zip(&row.x).zip(&row.second) {
            let (found, second) = (found.tangent, expected(&row, x, second));
            let what = format!("{} ({:?}, {:?}) at {x}", row.op, row.option, row.target);
            assert!((found - second).abs() <= 2e-15 + 1e-12 * second.abs(), "{what}: {found}, PyTorch {second}");
        }
    }
}

type Op<T> = for<'g> fn(Var<'g, Dual<T>>) -> Var<'g, Dual<T>>;

/// Functions whose derivatives are all bounded, or grow no faster than the input.
fn tame<T: Float>() -> [(&'static str, Op<T>); 9] {
    [
        ("sigmoid", |x| x.sigmoid()),
        ("tanh", |x| x.tanh()),
        ("gelu", |x| x.gelu()),
        ("silu", |x| x.silu()),
        ("softplus", |x| x.softplus()),
        ("elu", |x| x.elu(1.0)),
        ("log_softmax", |x| x.log_softmax(1)),
        ("cross_entropy_loss", |x| {
            let labels: Vec<_> = (0..x.shape().dims()[0]).map(|row| row % 3).collect();
            x.cross_entropy_loss(&Classes::new(&labels, 3).unwrap())
        }),
        ("bce_with_logits_loss", |x| x.bce_with_logits_loss(x.detach() * Dual::of(0.0) + Dual::of(1.0))),
    ]
}

fn stays_finite<T: Float>(rows: &[[(f64, f64); 3]]) {
    let x = Array2::from(rows.to_vec()).mapv(|(x, t)| Dual::new(T::of(x), T::of(t)));
    let (params, mut tape) = (Params::new(), Tape::new());
    for (name, f) in tame::<T>() {
        let x = tape.record(&params).variable(&x);
        let y = f(x);
        y.sum().backward(&mut params.grads());
        for (what, numbers) in [("value", y.to_array()), ("gradient", x.grad().unwrap())] {
            let finite = numbers.iter().all(|dual| dual.value.is_finite() && dual.tangent.is_finite());
            assert!(finite, "{what} of {name} in {}: {numbers}", T::NAME);
        }
    }
}

proptest! {
    #![proptest_config(config(512))]

    /// Half of the logits where exponentials do not overflow yet, some at the ends, some equal; some that do not move.
    #[test]
    fn large_inputs_give_finite_derivatives(rows in {
        let logit = || prop_oneof![4 => -90.0..90.0, 4 => -1e4..1e4, 1 => Just(1e4), 1 => Just(-1e4)];
        let tangent = || prop_oneof![3 => -1.0..1.0, 1 => Just(0.0)];
        let entry = move || (logit(), tangent()).prop_map(|entry: (f64, f64)| entry);
        vec([entry(), entry(), entry()], 1..8)
    }) {
        stays_finite::<f32>(&rows);
        stays_finite::<f64>(&rows);
    }
}

//! PyTorch's values and gradients where functions bend, overflow, or are not numbers: `data/kinks.json`, which
//! `scripts/torch_kinks.py` wrote.

use crate::common::torch::{Number, agree, plain};
use serde::Deserialize;
use wane_autodiff::ndarray::{Array1, ArrayD, Axis, arr1};
use wane_autodiff::{Classes, Params, Tape, Var};

#[derive(Deserialize)]
struct Document {
    unary: Vec<Unary>,
    pointwise: Vec<Pointwise>,
    cross_entropy: Vec<CrossEntropy>,
    log_softmax: Vec<LogSoftmax>,
}

#[derive(Deserialize)]
struct Unary {
    op: String,
    option: Option<f64>,
    x: Vec<Number>,
    value: Vec<Number>,
    gradient: Vec<Number>,
}

#[derive(Deserialize)]
struct Pointwise {
    op: String,
    option: Option<f64>,
    x: Vec<Number>,
    y: Vec<Number>,
    value: Vec<Number>,
    by_input: Vec<Number>,
    by_target: Vec<Number>,
}

#[derive(Deserialize)]
struct CrossEntropy {
    logits: Vec<Number>,
    label: usize,
    value: Number,
    gradient: Vec<Number>,
}

#[derive(Deserialize)]
struct LogSoftmax {
    logits: Vec<Number>,
    seed: Vec<Number>,
    value: Vec<Number>,
    gradient: Vec<Number>,
}

fn document() -> Document {
    serde_json::from_str(include_str!("../data/kinks.json")).expect("the script's own format")
}

/// What wane gives on purpose where PyTorch gives something else.
fn on_purpose(op: &str, option: Option<f64>, part: &str, x: f64, y: f64) -> Option<f64> {
    let is_abs = matches!((op, option), ("abs" | "l1_loss", None) | ("smooth_l1_loss", Some(0.0)));
    match op {
        // PyTorch's sign of NaN is 0: a NaN ends here, and every gradient before it looks sound.
        _ if is_abs && part != "value" && (x - y).is_nan() => Some(f64::NAN),
        // The limit. PyTorch subtracts ln σ(−∞) = −∞ from −∞.
        "bce_with_logits_loss" if part == "value" && x == f64::NEG_INFINITY && y > 0.0 => Some(f64::INFINITY),
        // softplus(x), as exactly as softplus has it. PyTorch subtracts ln σ(x), a number near x, from x.
        "bce_with_logits_loss" if part == "value" && (-100.0..-19.0).contains(&x) && y == 0.0 => Some(x.exp().ln_1p()),
        _ => None,
    }
}

/// Fails with all differences at once.
#[derive(Default)]
struct Comparison {
    compared: usize,
    on_purpose: usize,
    differences: Vec<String>,
}

impl Comparison {
    fn add(&mut self, what: impl Fn() -> String, ours: f64, torch: Number) {
        self.compared += 1;
        if !agree(ours, torch.0) {
            self.differences.push(format!("{}: {ours:e}, PyTorch {:e}", what(), torch.0));
        }
    }

    fn add_all(&mut self, what: impl Fn(usize) -> String, ours: &ArrayD<f64>, torch: &[Number]) {
        assert_eq!(ours.len(), torch.len());
        ours.iter().zip(torch).enumerate().for_each(|(i, (&ours, &torch))| self.add(|| what(i), ours, torch));
    }

    /// One number of an op with an entry in `on_purpose`, or without.
    fn add_op(&mut self, op: &str, option: Option<f64>, part: &str, at: (f64, f64), ours: f64, torch: Number) {
        let what = || format!("{part} of {op}({option:?}) at {at:?}");
        match on_purpose(op, option, part, at.0, at.1) {
            Some(wanes) if agree(wanes, torch.0) => panic!("{}: not an exception any more", what()),
            Some(wanes) => {
                self.on_purpose += 1;
                self.add(|| format!("on purpose, {}", what()), ours, Number(wanes));
            }
            None => self.add(what, ours, torch),
        }
    }

    fn finish(self, compared: usize, on_purpose: usize) {
        let Self { differences, .. } = self;
        assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
        assert_eq!((self.compared, self.on_purpose), (compared, on_purpose));
    }
}

fn unary<'g>(op: &str, option: Option<f64>, x: Var<'g, f64>) -> Var<'g, f64> {
    match (op, option) {
        ("relu", None) => x.relu(),
        ("abs", None) => x.abs(),
        ("square", None) => x.square(),
        ("exp", None) => x.exp(),
        ("ln", None) => x.ln(),
        ("sqrt", None) => x.sqrt(),
        ("tanh", None) => x.tanh(),
        ("sigmoid", None) => x.sigmoid(),
        ("gelu", None) => x.gelu(),
        ("silu", None) => x.silu(),
        ("softplus", None) => x.softplus(),
        ("leaky_relu", Some(slope)) => x.leaky_relu(slope),
        ("elu", Some(alpha)) => x.elu(alpha),
        _ => panic!("{op} {option:?}"),
    }
}

fn pointwise<'g>(op: &str, option: Option<f64>, x: Var<'g, f64>, y: Var<'g, f64>) -> Var<'g, f64> {
    match (op, option) {
        ("l1_loss", None) => x.l1_loss(y),
        ("mse_loss", None) => x.mse_loss(y),
        ("bce_with_logits_loss", None) => x.bce_with_logits_loss(y),
        ("huber_loss", Some(delta)) => x.huber_loss(y, delta),
        ("smooth_l1_loss", Some(beta)) => x.smooth_l1_loss(y, beta),
        _ => panic!("{op} {option:?}"),
    }
}

#[test]
fn unary_ops() {
    let (params, mut tape, mut comparison) = (Params::new(), Tape::new(), Comparison::default());
    for case in document().unary {
        let points = plain(&case.x);
        let x = tape.record(&params).variable(&points);
        let y = unary(&case.op, case.option, x);
        y.backward_from(&Array1::ones(points.len()), &mut params.grads());
        let (values, gradients) = (y.to_array(), x.grad().unwrap());
        for (i, &x) in points.iter().enumerate() {
            comparison.add_op(&case.op, case.option, "value", (x, 0.0), values[i], case.value[i]);
            comparison.add_op(&case.op, case.option, "gradient", (x, 0.0), gradients[i], case.gradient[i]);
        }
    }
    comparison.finish(17 * 23 * 2, 1);
}

#[test]
fn pointwise_losses() {
    let (params, mut tape, mut comparison) = (Params::new(), Tape::new(), Comparison::default());
    for case in document().pointwise {
        for (i, (&Number(x), &Number(y))) in case.x.iter().zip(&case.y).enumerate() {
            let graph = tape.record(&params);
            let (input, target) = (graph.variable(&arr1(&[x])), graph.variable(&arr1(&[y])));
            let loss = pointwise(&case.op, case.option, input, target);
            loss.backward(&mut params.grads());
            let mut add = |part, ours, torch| comparison.add_op(&case.op, case.option, part, (x, y), ours, torch);
            add("value", loss.item(), case.value[i]);
            add("∂input", input.grad().unwrap()[0], case.by_input[i]);
            add("∂target", target.grad().unwrap()[0], case.by_target[i]);
        }
    }
    comparison.finish((7 * 29 + 3 * 23) * 3, 2 * 3 * 2 + 2 + 5);
}

#[test]
fn cross_entropy() {
    let (params, mut tape, mut comparison) = (Params::new(), Tape::new(), Comparison::default());
    for case in document().cross_entropy {
        let logits = plain(&case.logits);
        let x = tape.record(&params).variable(&logits.view().insert_axis(Axis(0)));
        let loss = x.cross_entropy_loss(&Classes::new(&[case.label], 3).unwrap());
        loss.backward(&mut params.grads());
        let at = || format!("cross_entropy of {logits}, label {}", case.label);
        comparison.add(at, loss.item(), case.value);
        comparison.add_all(|i| format!("gradient {i} of {}", at()), &x.grad().unwrap(), &case.gradient);
    }
    comparison.finish(13 * 3 * 4, 0);
}

#[test]
fn log_softmax() {
    let (params, mut tape, mut comparison) = (Params::new(), Tape::new(), Comparison::default());
    for case in document().log_softmax {
        let logits = plain(&case.logits);
        let x = tape.record(&params).variable(&logits);
        let y = x.log_softmax(0);
        y.backward_from(&plain(&case.seed), &mut params.grads());
        let at = |i| format!("log_softmax of {logits} at {i}");
        comparison.add_all(at, &y.to_array(), &case.value);
        comparison.add_all(|i| format!("gradient of {}", at(i)), &x.grad().unwrap(), &case.gradient);
    }
    comparison.finish(13 * 3 * 2, 0);
}

//! Every op's gradient against central differences, at shapes and values drawn at random; `loss_laws.rs` has the losses'.
//!
//! What an op gives is multiplied by random weights before it is summed: each element has a gradient of its own.

use crate::common::config;
use crate::common::gradients::{Domain, broadcasting, check, dims, empty_dims, positive, signed, wide};
use proptest::prelude::proptest;
use wane_autodiff::ndarray::{ArrayD, Axis};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Activation, Classes, Penalty, Regularizer, Rng, Shape, Var};

type Unary = for<'g> fn(Var<'g, f64>) -> Var<'g, f64>;
type Binary = for<'g> fn(Var<'g, f64>, Var<'g, f64>) -> Var<'g, f64>;
type AlongAxis = for<'g> fn(Var<'g, f64>, usize) -> Var<'g, f64>;
const UNARY: [(&str, Domain, Unary); 34] = [
    ("-x", signed, |x| -x),
    ("x + c", signed, |x| x + 2.5),
    ("x - c", signed, |x| x - 2.5),
    ("x * c", signed, |x| x * 2.5),
    ("x / c", signed, |x| x / 2.5),
    ("c + x", signed, |x| 2.5 + x),
    ("c - x", signed, |x| 2.5 - x),
    ("c * x", signed, |x| 2.5 * x),
    ("c / x", signed, |x| 2.5 / x),
    ("abs", signed, |x| x.abs()),
    ("square", signed, |x| x.square()),
    ("exp", signed, |x| x.exp()),
    ("ln", positive, |x| x.ln()),
    ("sqrt", positive, |x| x.sqrt()),
    ("relu", signed, |x| x.relu()),
    ("tanh", signed, |x| x.tanh()),
    ("sigmoid", signed, |x| x.sigmoid()),
    ("leaky_relu", signed, |x| x.leaky_relu(0.01)),
    ("leaky_relu, rising on both sides", signed, |x| x.leaky_relu(-0.5)),
    ("elu", signed, |x| x.elu(1.0)),
    ("elu, bent", signed, |x| x.elu(0.5)),
    ("elu, rising on both sides", signed, |x| x.elu(-0.5)),
    ("gelu", signed, |x| x.gelu()),
    ("silu", signed, |x| x.silu()),
    ("softplus", signed, |x| x.softplus()),
    ("wide tanh", wide, |x| x.tanh()),
    ("wide sigmoid", wide, |x| x.sigmoid()),
    ("wide elu", wide, |x| x.elu(1.5)),
    ("wide gelu", wide, |x| x.gelu()),
    ("wide silu", wide, |x| x.silu()),
    ("wide softplus", wide, |x| x.softplus()),
    ("sum", signed, |x| x.sum()),
    ("mean", signed, |x| x.mean()),
    ("a value used three times", signed, |x| x.tanh() * x + x.tanh()),
];

const ACTIVATIONS: [Activation; 12] = [
    Activation::Relu,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::LeakyRelu(0.01),
    Activation::LeakyRelu(0.0),
    Activation::LeakyRelu(-0.5),
    Activation::Elu(1.0),
    Activation::Elu(0.0),
    Activation::Elu(-0.5),
    Activation::Gelu,
    Activation::Silu,
    Activation::Softplus,
];

fn unary_ops(dims: &[usize], seed: u64) {
    for (name, domain, f) in UNARY {
        check(name, seed, &[domain(&mut Rng::seed_from_u64(seed), dims)], |x| f(x[0]));
    }
    for activation in ACTIVATIONS {
        let x = signed(&mut Rng::seed_from_u64(seed), dims);
        check(&format!("{activation:?}"), seed, &[x], |x| x[0].activate(activation));
    }
}

const ALONG_AXIS: [(&str, AlongAxis); 5] = [
    ("sum_axis", |x, axis| x.sum_axis(axis)),
    ("sum_axis_keepdim", |x, axis| x.sum_axis_keepdim(axis)),
    ("mean_axis", |x, axis| x.mean_axis(axis)),
    ("mean_axis_keepdim", |x, axis| x.mean_axis_keepdim(axis)),
    ("log_softmax", |x, axis| x.log_softmax(axis)),
];

fn ops_along_axes(dims: &[usize], seed: u64) {
    let x = signed(&mut Rng::seed_from_u64(seed), dims);
    let check = |what: &str, f: &dyn for<'g> Fn(Var<'g, f64>) -> Var<'g, f64>| {
        check(what, seed, std::slice::from_ref(&x), |x| f(x[0]));
    };
    for axis in 0..dims.len() {
        for (name, f) in ALONG_AXIS {
            check(&format!("{name} {axis}"), &|x| f(x, axis));
        }
        for other in 0..dims.len() {
            check(&format!("transpose {axis} {other}"), &|x| x.transpose(axis, other));
        }
    }
    let reversed: Vec<_> = dims.iter().copied().rev().collect();
    for target in [&[x.len()][..], &[1, x.len()], &reversed] {
        check(&format!("reshape to {target:?}"), &|x| x.reshape(target));
    }
}

const BINARY: [(&str, Binary); 4] =
    [("x + y", |x, y| x + y), ("x - y", |x, y| x - y), ("x * y", |x, y| x * y), ("x / y", |x, y| x / y)];

fn binary_ops(left: &[usize], right: &[usize], seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    let operands = [signed(rng, left), signed(rng, right)];
    for (name, f) in BINARY {
        check(name, seed, &operands, |v| f(v[0], v[1]));
    }
}

fn products(m: usize, k: usize, n: usize, seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    check("matmul", seed, &[signed(rng, &[m, k]), signed(rng, &[k, n])], |v| v[0].matmul(v[1]));
    check("t", seed, &[signed(rng, &[m, k])], |v| v[0].t());
    let (biased, plain) = (linear_operands(rng, (m, k, n), true), linear_operands(rng, (m, k, n), false));
    for activation in ACTIVATIONS.into_iter().map(Some).chain([None]) {
        let what = format!("linear, {activation:?}");
        check(&what, seed, &biased, |v| v[0].linear(v[1], Some(v[2]), activation));
        check(&format!("{what}, without bias"), seed, &plain, |v| v[0].linear(v[1], None, activation));
    }
}

/// x: (batch, in), W: (out, in) and perhaps b: (out,), with no element of x·Wᵀ + b near 0, where activations bend.
fn linear_operands(rng: &mut Rng, (batch, inputs, out): (usize, usize, usize), biased: bool) -> Vec<ArrayD<f64>> {
    loop {
        let [x, w, b] = [&[batch, inputs][..], &[out, inputs], &[out]].map(|dims| signed(rng, dims));
        let z = |row: usize, column: usize| {
            let product = (&x.index_axis(Axis(0), row) * &w.index_axis(Axis(0), column)).sum();
            product + if biased { b[column] } else { 0.0 }
        };
        // Without inputs and bias all is 0, and there is nothing to derive by.
        let no_operand = inputs == 0 && !biased;
        if no_operand || (0..batch * out).all(|i| z(i / out, i % out).abs() > 1e-3) {
            return if biased { vec![x, w, b] } else { vec![x, w] };
        }
    }
}

/// λ·Σ |w|³, as a user writes it.
#[derive(Clone, Debug)]
struct Cubes(f64);

impl Regularizer<f64> for Cubes {
    fn name(&self) -> &'static str {
        "cubes"
    }

    fn value(&self, w: &[f64], shape: Shape) -> f64 {
        assert_eq!(w.len(), shape.len());
        self.0 * w.iter().map(|w| w.abs().powi(3)).sum::<f64>()
    }
}

impl Penalty<f64> for Cubes {
    fn add_gradient(&self, w: &[f64], shape: Shape, scale: f64, gradient: &mut [f64]) {
        assert_eq!(w.len(), shape.len());
        gradient.iter_mut().zip(w).for_each(|(gradient, w)| *gradient += scale * self.0 * 3.0 * w * w.abs());
    }
}

#[expect(clippy::eq_op, reason = "one operand taken twice is what is tested")]
const SAME_TWICE: [(&str, Unary); 10] = [
    ("x + x", |x| x + x),
    ("x - x", |x| x - x),
    ("x * x", |x| x * x),
    ("x / x", |x| x / x),
    ("x.matmul(x)", |x| x.matmul(x)),
    ("x.linear(x)", |x| x.linear(x, None, Some(Activation::Tanh))),
    ("x * x.t()", |x| x * x.t()),
    ("x * x.sum()", |x| x * x.sum()),
    ("x.mse_loss(x.square())", |x| x.mse_loss(x.square())),
    ("x.bce_with_logits_loss(x)", |x| x.bce_with_logits_loss(x)),
];

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn of_unary_ops(dims in dims(), seed: u64) {
        unary_ops(&dims, seed);
    }

    #[test]
    fn of_ops_along_axes(dims in dims(), seed: u64) {
        ops_along_axes(&dims, seed);
    }

    #[test]
    fn of_empty_values(dims in empty_dims(), seed: u64) {
        unary_ops(&dims, seed);
        ops_along_axes(&dims, seed);
    }

    #[test]
    fn of_products(m in 1..=5_usize, k in 1..=4_usize, n in 1..=5_usize, seed: u64) {
        products(m, k, n, seed);
    }

    #[test]
    fn of_empty_products(m in 0..=2_usize, k in 0..=2_usize, n in 0..=2_usize, seed: u64) {
        products(m, k, n, seed);
    }

    #[test]
    fn of_one_operand_taken_twice(n in 1..=3_usize, seed: u64) {
        let x = signed(&mut Rng::seed_from_u64(seed), &[n, n]);
        for (name, f) in SAME_TWICE {
            check(name, seed, std::slice::from_ref(&x), |x| f(x[0]));
        }
        // The parameter recorded once more.
        check("two calls of param", seed, &[x], |x| x[0] * x[0].graph().param(x[0].graph().params().ids()[0]).exp());
    }

    #[test]
    fn of_dropout(dims in dims(), seed: u64) {
        let x = signed(&mut Rng::seed_from_u64(seed), &dims);
        for p in [0.0, 0.3, 0.8, 1.0] {
            check(&format!("dropout {p}"), seed, std::slice::from_ref(&x), |x| {
                x[0].graph().training(&mut Rng::seed_from_u64(seed));
                x[0].dropout(p) * x[0].dropout(p)
            });
        }
    }

    /// Two losses in one recording, each with labels and saved numbers of its own.
    #[test]
    fn of_cross_entropy(rows in 1..=4_usize, classes in 1..=5_usize, seed: u64) {
        let rng = &mut Rng::seed_from_u64(seed);
        let [first, second] = [0, 1].map(|_| {
            let labels: Vec<_> = (0..rows).map(|_| rng.random_range(0..classes)).collect();
            Classes::new(&labels, classes).unwrap()
        });
        for domain in [signed, wide] {
            check("cross_entropy_loss", seed, &[domain(rng, &[rows, classes])], |x| {
                x[0].cross_entropy_loss(&first) * x[0].cross_entropy_loss(&second)
            });
        }
    }

    #[test]
    fn of_penalties(left in dims(), right in dims(), seed: u64) {
        let rng = &mut Rng::seed_from_u64(seed);
        check("penalty", seed, &[signed(rng, &left), signed(rng, &right)], |v| {
            let graph = v[0].graph();
            graph.penalty(&Cubes(0.7), &graph.params().ids()) * v[0].sum().sigmoid()
        });
    }

    #[test]
    fn of_broadcast_binary_ops((left, right) in broadcasting(1..=3), seed: u64) {
        binary_ops(&left, &right, seed);
    }

    #[test]
    fn of_empty_broadcast_binary_ops((left, right) in broadcasting(0..=2), seed: u64) {
        binary_ops(&left, &right, seed);
    }
}

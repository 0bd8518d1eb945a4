//! Large inputs give finite numbers, and NaN stays NaN, in f32 and in f64.

use crate::common::config;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof, proptest};
use wane_autodiff::ndarray::{Array2, ArrayD, array};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Activation, Classes, Float, Params, Rng, Tape, Var};

type Op<T> = for<'g> fn(Var<'g, T>) -> Var<'g, T>;

/// Labels 0, 1, 2, 0, … for every row of x: (rows, 3).
fn cross_entropy<T: Float>(x: Var<'_, T>) -> Var<'_, T> {
    let labels: Vec<_> = (0..x.shape().dims()[0]).map(|row| row % 3).collect();
    x.cross_entropy_loss(&Classes::new(&labels, 3).unwrap())
}

/// Bounded, or growing no faster than the input: finite wherever it is.
fn tame<T: Float>() -> [(&'static str, Op<T>); 11] {
    [
        ("sigmoid", |x| x.sigmoid()),
        ("tanh", |x| x.tanh()),
        ("gelu", |x| x.gelu()),
        ("silu", |x| x.silu()),
        ("softplus", |x| x.softplus()),
        ("elu", |x| x.elu(1.0)),
        ("log_softmax of rows", |x| x.log_softmax(1)),
        ("log_softmax of columns", |x| x.log_softmax(0)),
        ("cross_entropy_loss", cross_entropy),
        ("bce_with_logits_loss, target 1", |x| x.bce_with_logits_loss(x.detach() * T::zero() + T::one())),
        ("bce_with_logits_loss, target of its own", |x| x.bce_with_logits_loss(x.sigmoid())),
    ]
}

fn stays_finite<T: Float>(rows: &[[f64; 3]]) {
    let x = Array2::from(rows.to_vec()).mapv(T::of);
    let (params, mut tape) = (Params::new(), Tape::new());
    for (name, f) in tame::<T>() {
        let x = tape.record(&params).variable(&x);
        let y = f(x);
        y.sum().backward(&mut params.grads());
        for (what, numbers) in [("value", y.to_array()), ("gradient", x.grad().unwrap())] {
            assert!(numbers.iter().all(|number| number.is_finite()), "{what} of {name} in {}: {numbers}", T::NAME);
        }
    }
}

/// Up to ±1e4: half of them where exponentials do not overflow yet, some at the ends, some of them equal.
fn logits() -> impl Strategy<Value = Vec<[f64; 3]>> {
    let logit = || prop_oneof![4 => -90.0..90.0, 4 => -1e4..1e4, 1 => Just(1e4), 1 => Just(-1e4)];
    vec([logit(), logit(), logit()], 1..8)
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn large_inputs_give_finite_numbers(rows in logits()) {
        stays_finite::<f32>(&rows);
        stays_finite::<f64>(&rows);
    }
}

/// ln Σ eˣ of logits of one size: however large, the loss is ln 3 to the last bits.
#[test]
fn a_common_offset_leaves_cross_entropy_exact() {
    fn losses<T: Float>() -> Vec<f64> {
        let (params, mut tape) = (Params::<T>::new(), Tape::new());
        let offsets = [0.0, 1.0, -1.0, 100.0, -100.0, 1e4, -1e4];
        offsets.map(|x| cross_entropy(tape.record(&params).input(&array![[T::of(x); 3]])).item().widen()).to_vec()
    }
    for loss in losses::<f64>() {
        assert!((loss - 3.0_f64.ln()).abs() <= 2.0 * f64::EPSILON, "{loss}");
    }
    for loss in losses::<f32>() {
        assert!((loss - 3.0_f64.ln()).abs() <= 2.0 * f64::from(f32::EPSILON), "{loss}");
    }
}

/// Every op that makes an element of its own from each element.
fn elementwise<T: Float>() -> [(&'static str, Op<T>); 27] {
    [
        ("relu", |x| x.relu()),
        ("tanh", |x| x.tanh()),
        ("sigmoid", |x| x.sigmoid()),
        ("leaky_relu", |x| x.leaky_relu(0.01)),
        ("leaky_relu, slope 0", |x| x.leaky_relu(0.0)),
        ("elu", |x| x.elu(1.0)),
        ("elu, alpha 0", |x| x.elu(0.0)),
        ("gelu", |x| x.gelu()),
        ("silu", |x| x.silu()),
        ("softplus", |x| x.softplus()),
        ("abs", |x| x.abs()),
        ("square", |x| x.square()),
        ("exp", |x| x.exp()),
        ("ln", |x| x.ln()),
        ("sqrt", |x| x.sqrt()),
        ("neg", |x| -x),
        ("x + c", |x| x + T::one()),
        ("x - c", |x| x - T::one()),
        ("x * c", |x| x * T::zero()),
        ("x / c", |x| x / T::infinity()),
        ("x + y", |x| x + x.graph().scalar(T::one())),
        ("x - y", |x| x.graph().scalar(T::one()) - x),
        ("x * y", |x| x * x.graph().scalar(T::zero())),
        ("x / y", |x| x.graph().scalar(T::one()) / x),
        ("detach", |x| x.detach()),
        ("reshape and transpose", |x| x.reshape(&[3, 1]).t().transpose(0, 1).reshape(&[3])),
        ("dropout of everything", |x| {
            x.graph().training(&mut Rng::seed_from_u64(1));
            x.dropout(1.0)
        }),
    ]
}

/// Every op that makes one number from all elements (log_softmax: from all elements along an axis).
fn reductions<T: Float>() -> [(&'static str, Op<T>); 20] {
    fn zeros<T: Float>(x: Var<'_, T>) -> Var<'_, T> {
        x.graph().input(&ArrayD::from_elem(x.shape().dims(), T::zero()))
    }
    [
        ("sum", |x| x.sum()),
        ("sum_axis", |x| x.sum_axis(0)),
        ("sum_axis_keepdim", |x| x.sum_axis_keepdim(0)),
        ("mean", |x| x.mean()),
        ("mean_axis", |x| x.mean_axis(0)),
        ("mean_axis_keepdim", |x| x.mean_axis_keepdim(0)),
        ("log_softmax", |x| x.log_softmax(0)),
        ("matmul", |x| x.reshape(&[1, 3]).matmul(zeros(x).reshape(&[3, 1]))),
        ("linear, input", |x| x.reshape(&[1, 3]).linear(zeros(x).reshape(&[1, 3]), None, Some(Activation::Relu))),
        ("linear, weight", |x| zeros(x).reshape(&[1, 3]).linear(x.reshape(&[1, 3]), None, Some(Activation::Relu))),
        ("linear, bias", |x| {
            let (input, weight) = (zeros(x).reshape(&[1, 3]), x.graph().input(&Array2::zeros((3, 3))));
            input.linear(weight, Some(x), Some(Activation::Relu)).sum()
        }),
        ("mse_loss", |x| x.mse_loss(zeros(x))),
        ("l1_loss", |x| x.l1_loss(zeros(x))),
        ("smooth_l1_loss", |x| x.smooth_l1_loss(zeros(x), 1.0)),
        ("smooth_l1_loss, beta 0", |x| x.smooth_l1_loss(zeros(x), 0.0)),
        ("huber_loss", |x| x.huber_loss(zeros(x), 1.0)),
        ("mse_loss, target", |x| zeros(x).mse_loss(x)),
        ("bce_with_logits_loss", |x| x.bce_with_logits_loss(zeros(x))),
        ("bce_with_logits_loss, target", |x| zeros(x).bce_with_logits_loss(x)),
        ("cross_entropy_loss", |x| cross_entropy(x.reshape(&[1, 3]))),
    ]
}

fn nan_stays_nan<T: Float>() {
    let (params, mut tape) = (Params::new(), Tape::new());
    for at in 0..3 {
        let mut x = array![T::of(0.5), T::of(2.0), T::of(1.0)];
        x[at] = T::nan();
        for (name, op) in elementwise::<T>() {
            let y = op(tape.record(&params).input(&x)).to_array();
            let nan: Vec<_> = (0..3).filter(|&i| y[i].is_nan()).collect();
            assert_eq!(nan, [at], "{name} of {x} in {}: {y}", T::NAME);
        }
        for (name, op) in reductions::<T>() {
            let y = op(tape.record(&params).input(&x)).to_array();
            assert!(y.iter().all(|y| y.is_nan()), "{name} of {x} in {}: {y}", T::NAME);
        }
    }
}

#[test]
fn nan_in_nan_out() {
    nan_stays_nan::<f32>();
    nan_stays_nan::<f64>();
}

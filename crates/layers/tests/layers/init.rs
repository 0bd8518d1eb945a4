//! Initial weights and biases: U(−1/√in, 1/√in), as PyTorch's `nn.Linear` draws them, and a function of the seed.
//!
//! Bounds are five standard deviations of the statistic; the seeds are fixed.

use crate::common::{bits, built, rng};
use wane_autodiff::{Float, Params};
use wane_layers::Linear;

/// (inputs, outputs), for either of which the numbers suffice: 300 000 weights, and 100 000 biases.
const LARGE: [(usize, usize); 2] = [(300, 1000), (3, 100_000)];

/// A layer's weight and bias, in units of the bound.
fn drawn<T: Float>(seed: u64, (inputs, outputs): (usize, usize)) -> [Vec<f64>; 2] {
    let mut params = Params::<T>::new();
    let layer = Linear::new(params.root(), inputs, outputs, &mut rng(seed)).unwrap();
    let bound = T::of(1.0 / (inputs as f64).sqrt()).widen();
    [layer.weight(), layer.bias().unwrap()].map(|id| params.get(id).iter().map(|x| x.widen() / bound).collect())
}

/// Checks that `x` are independent draws from U(−1, 1), as far as their moments and a histogram tell.
fn check_uniform(what: &str, x: &[f64]) {
    let n = x.len() as f64;
    let mean = |f: &dyn Fn(usize) -> f64| (0..x.len()).map(f).sum::<f64>() / n;
    // Of U(−1, 1), x has variance 1/3, x² 4/45, and the product of two 1/9.
    let close = |law: &str, given: f64, expected: f64, variance: f64| {
        let bound = 5.0 * (variance / n).sqrt();
        assert!((given - expected).abs() < bound, "{what}: {law} is {given}, wanted {expected} ± {bound}");
    };
    close("mean", mean(&|i| x[i]), 0.0, 1.0 / 3.0);
    close("variance", mean(&|i| x[i] * x[i]), 1.0 / 3.0, 4.0 / 45.0);
    for lag in [1, 2, 3, 300] {
        close("autocovariance", mean(&|i| x[i] * x[(i + lag) % x.len()]), 0.0, 1.0 / 9.0);
    }

    let furthest = x.iter().fold([0.0, 0.0], |[low, high]: [f64; 2], &x| [low.min(x), high.max(x)]);
    // The odds against are e¹⁵.
    let missing = 30.0 / n;
    assert!(furthest[0] >= -1.0 && furthest[1] <= 1.0, "{what}: {furthest:?}");
    assert!(furthest[0] < -1.0 + missing && furthest[1] > 1.0 - missing, "{what}: {furthest:?}");

    let mut bins = [0.0; 20];
    x.iter().for_each(|x| bins[(((x + 1.0) * 10.0) as usize).min(19)] += 1.0);
    let expected = n / 20.0;
    // χ² of 19 degrees of freedom: mean 19, variance 38.
    let chi_squared: f64 = bins.iter().map(|count| (count - expected) * (count - expected) / expected).sum();
    assert!(chi_squared < 19.0 + 5.0 * 38.0_f64.sqrt(), "{what}: {bins:?}");
}

#[test]
fn weights_and_biases_are_uniform_within_1_over_root_inputs() {
    for dims in LARGE {
        let [weight, _] = drawn::<f64>(11, dims);
        check_uniform(&format!("weight of {dims:?}"), &weight);
        let [weight, _] = drawn::<f32>(12, dims);
        check_uniform(&format!("f32 weight of {dims:?}"), &weight);
    }
    for (seed, inputs) in [(13, 1), (14, 3), (15, 7)] {
        let [_, bias] = drawn::<f64>(seed, (inputs, 100_000));
        check_uniform(&format!("bias behind {inputs}"), &bias);
        let [_, bias] = drawn::<f32>(seed, (inputs, 100_000));
        check_uniform(&format!("f32 bias behind {inputs}"), &bias);
    }
}

#[test]
fn a_bias_is_drawn_apart_from_its_weight() {
    let [weight, bias] = drawn::<f64>(1, (1, 10_000));
    let covariance = weight.iter().zip(&bias).map(|(w, b)| w * b).sum::<f64>() / 10_000.0;
    assert!(covariance.abs() < 5.0 / 3.0 / 100.0, "{covariance}");
}

#[test]
fn a_layer_without_bias_has_the_same_weight() {
    let mut params = Params::<f64>::new();
    let layer = Linear::without_bias(params.root(), 5, 40, &mut rng(3)).unwrap();
    let [weight, _] = drawn::<f64>(3, (5, 40));
    let bound = 1.0 / 5.0_f64.sqrt();
    let without = params.get(layer.weight()).mapv(|x| x / bound);
    assert_eq!(bits(&without), bits(&weight));
}

#[test]
fn the_seed_alone_decides() {
    let flat = |seed| bits(built::<f64>(seed, |m| m.linear(20, 30).tanh().linear(30, 4)).0.as_slice());
    let (first, again, other) = (flat(5), flat(5), flat(6));
    assert_eq!(first, again);
    let equal = first.iter().zip(&other).filter(|(a, b)| a == b).count();
    assert_eq!(equal, 0);
}

/// No number of a model comes twice: each is drawn anew, weights and biases of all layers alike.
#[test]
fn every_number_is_drawn_anew() {
    let (params, _) = built::<f64>(5, |m| m.linear(6, 6).linear(6, 6).linear_without_bias(6, 6).linear(6, 6));
    let mut drawn = bits(params.as_slice());
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 4 * 36 + 3 * 6);
}

#[test]
fn activations_and_dropout_draw_nothing() {
    let (plain, _) = built::<f64>(9, |m| m.linear(4, 5).linear(5, 2));
    let (full, _) = built::<f64>(9, |m| m.dropout(0.5).linear(4, 5).relu().dropout(0.1).linear(5, 2).gelu());
    assert_eq!(bits(plain.as_slice()), bits(full.as_slice()));
}

#[test]
fn f32_weights_are_f64_weights_rounded() {
    let (wide, _) = built::<f64>(2, |m| m.linear(7, 50).relu().linear(50, 3));
    let (narrow, _) = built::<f32>(2, |m| m.linear(7, 50).relu().linear(50, 3));
    assert!(wide.as_slice().iter().zip(narrow.as_slice()).all(|(&wide, &narrow)| wide as f32 == narrow));
    assert_eq!(wide.as_slice().len(), narrow.as_slice().len());
    // And are not f32 from the beginning.
    let short = wide.as_slice().iter().filter(|&&wide| f64::from(wide as f32) == wide).count();
    assert_eq!(short, 0);
}

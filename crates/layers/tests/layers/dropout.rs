//! Dropout: nothing in evaluation; in training, masks of the right rate and scale, each from the one seed of its step.
//!
//! Bounds are five standard deviations of the statistic; the seeds are fixed.

use crate::common::{bits, built, rng, signed};
use wane_autodiff::ndarray::{Array2, ArrayD, array};
use wane_autodiff::rand::Rng as _;
use wane_autodiff::{Float, Graph, Params, Rng, Tape, Var};
use wane_layers::{Dropout, Module};

const N: usize = 100_000;

/// What `f` gives and its gradient by x = 1, 1, …, under a seed of 1, 1, …, in one step of training.
fn step<T: Float>(n: usize, rng: &mut Rng, f: impl for<'g> Fn(Var<'g, T>) -> Var<'g, T>) -> [Vec<T>; 2] {
    let (params, mut tape) = (Params::new(), Tape::new());
    let x = tape.record(&params).training(rng).variable(&Array2::ones((1, n)));
    let y = f(x);
    y.backward_from(&Array2::ones((1, n)), &mut params.grads());
    [y.to_array(), x.grad().unwrap()].map(|array| array.into_iter().collect())
}

/// Which elements a step of training zeroes.
fn mask(n: usize, p: f64, rng: &mut Rng) -> Vec<bool> {
    let layer = Dropout::new(p).unwrap();
    step::<f64>(n, rng, |x| layer.forward(x))[0].iter().map(|&y| y == 0.0).collect()
}

/// Checks that of `n` draws with probability `p` as many came out as do.
fn assert_binomial(what: &str, count: usize, n: usize, p: f64) {
    let (expected, deviation) = (n as f64 * p, (n as f64 * p * (1.0 - p)).sqrt());
    assert!((count as f64 - expected).abs() <= 5.0 * deviation, "{what}: {count}, wanted {expected} ± {deviation}");
}

fn rate_and_scale<T: Float>(p: f64, seed: u64) {
    let layer = Dropout::new(p).unwrap();
    let [y, dx] = step::<T>(N, &mut rng(seed), |x| layer.forward(x));
    let kept = T::of(1.0 / (1.0 - p));
    assert!(y.iter().all(|&y| y == T::zero() || y == kept), "{} p {p}", T::NAME);
    assert_binomial(&format!("{} p {p}", T::NAME), y.iter().filter(|&&y| y == T::zero()).count(), N, p);
    // The same mask, and the same scale, in the gradient.
    assert_eq!(y, dx, "{} p {p}", T::NAME);
}

#[test]
fn elements_are_zeroed_at_rate_p_and_the_others_scaled() {
    for (seed, p) in [0.01, 0.1, 0.25, 0.3, 0.5, 0.8, 0.99].into_iter().enumerate() {
        rate_and_scale::<f64>(p, seed as u64);
        rate_and_scale::<f32>(p, 100 + seed as u64);
    }
}

#[test]
fn a_kept_element_is_multiplied_once() {
    let x = signed(&mut rng(0), (30, 7));
    let (params, mut tape) = (Params::new(), Tape::new());
    let layer = Dropout::new(0.3).unwrap();
    let y = layer.forward(tape.record(&params).training(&mut rng(1)).input(&x)).to_array();
    let factor = 1.0 / (1.0 - 0.3);
    let as_expected = |(&y, &x): (&f64, &f64)| y == 0.0 || y == x * factor;
    assert!(y.iter().zip(&x).all(as_expected));
    let zeros = y.iter().filter(|&&y| y == 0.0).count();
    assert_binomial("zeros", zeros, 210, 0.3);
}

#[test]
fn evaluation_is_the_identity_in_every_bit() {
    let x = array![[1.5, -0.0, f64::NAN], [f64::INFINITY, 5e-324, -7.25]];
    for p in [0.0, 0.5, 1.0] {
        let (params, model) = built(0, |m| m.dropout(p).dropout(p));
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let graph = tape.record(&params);
        assert!(!graph.is_training());
        let x_var = graph.variable(&x);
        let y = model.forward(x_var);
        assert_eq!(bits(&y.to_array()), bits(&x));
        y.backward_from(&x, &mut grads);
        assert_eq!(bits(&x_var.grad().unwrap()), bits(&x));
    }
}

/// Training is a property of a recording: the next one evaluates unless it is told again.
#[test]
fn a_new_recording_evaluates() {
    let (params, layer) = (Params::<f64>::new(), Dropout::new(1.0).unwrap());
    let mut tape = Tape::new();
    let sum = |graph: Graph<'_, f64>| layer.forward(graph.input(&array![[1.0, 2.0]])).sum().item();
    assert_eq!(sum(tape.record(&params).training(&mut rng(0))), 0.0);
    assert_eq!(sum(tape.record(&params)), 3.0);
}

#[test]
fn p_of_0_is_the_identity_and_p_of_1_is_zero() {
    let x = array![[1.5, -3.0, 1e300]];
    for (p, expected) in [(0.0, 1.0), (1.0, 0.0)] {
        let layer = Dropout::new(p).unwrap();
        let (params, mut tape) = (Params::new(), Tape::new());
        let x_var = tape.record(&params).training(&mut rng(0)).variable(&x);
        let y = layer.forward(x_var);
        assert_eq!(y.to_array(), (&x * expected).into_dyn());
        y.sum().backward(&mut params.grads());
        assert_eq!(x_var.grad().unwrap(), ArrayD::from_elem(vec![1, 3], expected));
    }
}

#[test]
fn one_seed_is_one_mask() {
    let (first, again, other) = (mask(N, 0.5, &mut rng(3)), mask(N, 0.5, &mut rng(3)), mask(N, 0.5, &mut rng(4)));
    assert_eq!(first, again);
    assert_ne!(first, other);
}

/// The masks of two layers, of two calls of one layer, and of two steps are as masks drawn apart: both zero an element
/// at rate p², also where one is set off against the other.
#[test]
fn masks_are_drawn_apart() {
    const P: f64 = 0.4;
    let (n, layer) = (20_000, Dropout::new(P).unwrap());
    // A second layer sees the first one's output, so that its mask shows on ones beside it.
    let (params, mut tape, mut generator) = (Params::<f64>::new(), Tape::new(), rng(8));
    let mut masks = Vec::new();
    for _ in 0..3 {
        let graph = tape.record(&params).training(&mut generator);
        let ones = graph.input(&Array2::ones((1, n)));
        for _ in 0..3 {
            masks.push(layer.forward(ones).to_array().iter().map(|&y| y == 0.0).collect::<Vec<_>>());
        }
    }
    for (i, a) in masks.iter().enumerate() {
        assert_binomial(&format!("mask {i}"), a.iter().filter(|&&zero| zero).count(), n, P);
        for (j, b) in masks.iter().enumerate().skip(i) {
            // A lag of n − 1 is one of −1.
            for lag in (0..10).chain(n - 10..n).filter(|&lag| (i, lag) != (j, 0)) {
                let both = (0..n).filter(|&at| a[at] && b[(at + lag) % n]).count();
                assert_binomial(&format!("masks {i} and {j}, {lag} apart"), both, n, P * P);
            }
        }
    }
}

#[test]
fn layers_of_one_model_drop_apart() {
    let (_, model) = built(0, |m| m.dropout(0.5).dropout(0.5));
    let [y, dx] = step::<f64>(N, &mut rng(5), |x| model.forward(x));
    assert_eq!(y, dx);
    assert!(y.iter().all(|&y| y == 0.0 || y == 4.0));
    // Were the masks the same, half would be kept.
    assert_binomial("kept by both", y.iter().filter(|&&y| y != 0.0).count(), N, 0.25);
}

#[test]
fn masks_are_the_same_for_both_float_types() {
    let layer = Dropout::new(0.5).unwrap();
    let [wide, _] = step::<f64>(N, &mut rng(2), |x| layer.forward(x));
    let [narrow, _] = step::<f32>(N, &mut rng(2), |x| layer.forward(x));
    assert!(wide.iter().zip(&narrow).all(|(&wide, &narrow)| wide as f32 == narrow));
}

/// Adding a dropout layer does not move the draws that other things make from the generator.
#[test]
fn a_step_costs_the_generator_one_draw() {
    let mut expected = rng(6);
    expected.next_u64();
    let expected = expected.next_u64();
    for layers in [0, 1, 5] {
        let (_, model) = built(0, |m| (0..layers).fold(m, |m, _| m.dropout(0.5)));
        let mut generator = rng(6);
        step::<f64>(10, &mut generator, |x| model.forward(x));
        assert_eq!(generator.next_u64(), expected);
    }
    let (params, layer) = (Params::<f64>::new(), Dropout::new(0.5).unwrap());
    let (mut tape, mut generator) = (Tape::new(), rng(6));
    layer.forward(tape.record(&params).input(&array![[1.0]]));
    assert_eq!(generator.next_u64(), rng(6).next_u64());
}

#[test]
fn the_mean_over_steps_is_the_value() {
    const STEPS: usize = 4000;
    let x = array![[1.0, -2.0, 0.5, 3.0]];
    for (seed, p) in [(0, 0.2), (1, 0.5), (2, 0.9)] {
        let layer = Dropout::new(p).unwrap();
        let (params, mut tape, mut generator) = (Params::new(), Tape::new(), rng(seed));
        let mut sum = ArrayD::<f64>::zeros(vec![1, 4]);
        for _ in 0..STEPS {
            sum += &layer.forward(tape.record(&params).training(&mut generator).input(&x)).to_array();
        }
        for (sum, x) in sum.iter().zip(&x) {
            let deviation = x.abs() * (p / (1.0 - p) / STEPS as f64).sqrt();
            assert!((sum / STEPS as f64 - x).abs() < 5.0 * deviation, "p {p}: {sum} for {x}");
        }
    }
}

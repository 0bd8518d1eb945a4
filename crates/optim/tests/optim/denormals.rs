//! Averages of gradients that have stopped: they end at 0 and not among the numbers that processors are slow at, and the
//! weights are those of the equation that keeps such numbers.

use wane_autodiff::ndarray::Array1;
use wane_autodiff::{Float, Params};
use wane_optim::{AdamOptions, AdamW, AdamWOptions, Group, Optimizer, RmsPropOptions, Rule, SgdOptions};

const WEIGHTS: usize = 40;
const LIVE: usize = 20;
const STEPS: usize = 12_000;

/// Weights and gradients of ordinary sizes.
fn start<T: Float>(params: &mut Params<T>) -> (Array1<T>, Array1<T>) {
    let draw = |shift: f64| Array1::from_shape_fn(WEIGHTS, |i| T::of((i as f64 * 1.7 + shift).sin()));
    let (weights, gradient) = (draw(0.3), draw(1.1));
    params.root().add("weight", &weights).unwrap();
    (weights, gradient)
}

/// PyTorch's AdamW with its default options, every number kept.
fn adamw_that_keeps_all<T: Float>(mut theta: Array1<T>, gradient: &Array1<T>) -> Vec<T> {
    let (mut m, mut v) = (vec![T::zero(); WEIGHTS], vec![T::zero(); WEIGHTS]);
    let (fresh1, beta2, fresh2) = (T::of(1.0 - 0.9), T::of(0.999), T::of(1.0 - 0.999));
    let (lr, eps, shrink) = (1e-3, T::of(1e-8), T::of(1.0 - 1e-3 * 1e-2));
    for step in 1..=STEPS {
        let corrections = (1.0 - 0.9_f64.powf(step as f64), 1.0 - 0.999_f64.powf(step as f64));
        let (minus_step, root_correction) = (T::of(-(lr / corrections.0)), T::of(corrections.1.powf(0.5)));
        for i in 0..WEIGHTS {
            let g = if i < LIVE || step <= 10 { gradient[i] } else { T::zero() };
            m[i] = fresh1.mul_add(g - m[i], m[i]);
            v[i] = (fresh2 * g).mul_add(g, v[i] * beta2);
            let root = v[i].sqrt() / root_correction + eps;
            theta[i] = theta[i] * shrink + minus_step * m[i] / root;
        }
    }
    let stuck = m.iter().filter(|m| **m != T::zero() && m.abs() < T::min_positive_value()).count();
    assert_eq!(stuck, WEIGHTS - LIVE, "the effect is there");
    theta.to_vec()
}

fn run<T: Float, R: Rule>(options: R) -> (Optimizer<T, R>, Params<T>) {
    let mut params = Params::<T>::new();
    let (_, mut gradient) = start(&mut params);
    let id = params.ids()[0];
    let mut optimizer = Optimizer::new(options).unwrap().group(Group::all(&params)).unwrap();
    let mut grads = params.grads();
    for step in 1..=STEPS {
        if step == 11 {
            gradient.iter_mut().skip(LIVE).for_each(|g| *g = T::zero());
        }
        grads.set(id, &gradient).unwrap();
        optimizer.step(&mut params, &grads).unwrap();
    }
    (optimizer, params)
}

#[test]
fn weights_are_those_of_the_equation() {
    fn check<T: Float>() {
        let mut fresh = Params::<T>::new();
        let (weights, gradient) = start(&mut fresh);
        let (_, params) = run::<T, _>(AdamWOptions::default());
        assert_eq!(params.as_slice(), adamw_that_keeps_all(weights, &gradient));
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn averages_of_dead_weights_end_at_zero() {
    fn check<R: Rule>(options: R, averages: &[&str]) {
        let (optimizer, params) = run::<f32, R>(options);
        for &name in averages {
            let average = optimizer.state(params.ids()[0], name).unwrap();
            assert!(average.iter().all(|x| *x == 0.0 || x.is_normal()), "{} {name}: {average}", R::NAME);
            assert!(average.iter().skip(LIVE).all(|&x| x == 0.0 || name.ends_with("sq")), "{} {name}", R::NAME);
            assert!(average.iter().take(LIVE).all(|&x| x != 0.0), "{} {name}", R::NAME);
        }
    }
    check(AdamOptions::default(), &["exp_avg", "exp_avg_sq"]);
    check(AdamWOptions { amsgrad: true, ..Default::default() }, &["exp_avg", "exp_avg_sq"]);
    check(SgdOptions { momentum: 0.9, ..Default::default() }, &["momentum_buffer"]);
    check(RmsPropOptions { momentum: 0.9, ..Default::default() }, &["square_avg", "momentum_buffer"]);
}

/// Without eps there is nothing that swallows a small root: squares are kept to the last.
#[test]
fn squares_are_kept_where_they_count() {
    let mut params = Params::<f32>::new();
    let id = params.root().add("weight", &Array1::from_elem(3, 1.0_f32)).unwrap();
    let options = AdamWOptions { eps: 0.0, weight_decay: 0.0, ..Default::default() };
    let mut adamw = AdamW::new(options).unwrap().group(Group::all(&params)).unwrap();
    let mut grads = params.grads();
    grads.set(id, &Array1::from_elem(3, 1e-17_f32)).unwrap();
    adamw.step(&mut params, &grads).unwrap();
    assert!(adamw.state(id, "exp_avg_sq").unwrap().iter().all(|&v| v > 0.0));
    assert!(params.as_slice().iter().all(|w| (w - 0.999).abs() < 1e-6), "{:?}", params.as_slice());
}

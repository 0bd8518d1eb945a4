//! Shapes without elements or axes, and gradients that are no numbers.

use crate::common::{bits, constant, gradients, over_all, params_of, random, rng};
use wane_autodiff::ndarray::{ArrayD, arr0};
use wane_autodiff::{Float, Params};
use wane_optim::{AdagradOptions, AdamOptions, AdamWOptions, RmsPropOptions, Rule, SgdOptions};

/// `check(options)` for every optimizer, with and without its optional state.
macro_rules! for_every_optimizer {
    ($check:ident) => {
        $check(SgdOptions { lr: 0.1, weight_decay: 0.1, ..Default::default() });
        $check(SgdOptions { lr: 0.1, momentum: 0.9, nesterov: true, ..Default::default() });
        $check(AdamOptions { lr: 0.1, weight_decay: 0.1, ..Default::default() });
        $check(AdamOptions { lr: 0.1, amsgrad: true, ..Default::default() });
        $check(AdamWOptions { lr: 0.1, ..Default::default() });
        $check(AdamWOptions { lr: 0.1, amsgrad: true, ..Default::default() });
        $check(RmsPropOptions { lr: 0.1, weight_decay: 0.1, ..Default::default() });
        $check(RmsPropOptions { lr: 0.1, centered: true, momentum: 0.9, ..Default::default() });
        $check(AdagradOptions { lr: 0.1, initial_accumulator_value: 0.1, ..Default::default() });
    };
}

#[test]
fn parameters_without_elements_or_axes_step_like_any_other() {
    fn check<R: Rule>(options: R) {
        let mut rng = rng(1);
        let mut mixed = params_of::<f64>(&mut rng, &[&[0], &[], &[0, 3], &[2], &[2, 0]]);
        let (number, pair) = (mixed.ids()[1], mixed.ids()[3]);
        let mut plain = Params::new();
        plain.root().add("number", &mixed.get(number)).unwrap();
        plain.root().add("pair", &mixed.get(pair)).unwrap();
        let (mut one, mut other) = (over_all(options.clone(), &mixed), over_all(options, &plain));
        for step in 0..3 {
            let grads = gradients(&mut rng, &mixed);
            one.step(&mut mixed, &grads).unwrap();
            let mut rest = plain.grads();
            plain.ids().into_iter().zip([number, pair]).for_each(|(to, from)| {
                rest.set(to, &grads.get(from).unwrap()).unwrap();
            });
            other.step(&mut plain, &rest).unwrap();
            assert_eq!(bits(mixed.as_slice()), bits(plain.as_slice()), "{} {step}", R::NAME);
            assert_eq!(one.steps(mixed.ids()[0]), other.steps(plain.ids()[0]));
        }
    }
    for_every_optimizer!(check);
}

#[test]
fn parameters_all_without_elements_can_be_optimized() {
    fn check<R: Rule>(options: R) {
        let mut params = params_of::<f32>(&mut rng(2), &[&[0], &[3, 0]]);
        let mut optimizer = over_all(options, &params);
        let grads = gradients(&mut rng(3), &params);
        optimizer.step(&mut params, &grads).unwrap();
        assert!(params.as_slice().is_empty());
    }
    for_every_optimizer!(check);
}

/// A NaN among gradients makes its weight NaN for good, and no other; wherever it lies in a vector.
#[test]
fn a_nan_gradient_makes_a_nan_weight() {
    fn check<R: Rule>(options: R) {
        nan_at_each_place::<f64, R>(options.clone());
        nan_at_each_place::<f32, R>(options);
    }
    fn nan_at_each_place<T: Float, R: Rule>(options: R) {
        for place in [0, 7, 8, 15, 16, 31, 32] {
            let mut rng = rng(4);
            let mut sick = params_of::<T>(&mut rng, &[&[33]]);
            let (id, mut well) = (sick.ids()[0], sick.clone());
            let (mut one, mut other) = (over_all(options.clone(), &sick), over_all(options.clone(), &well));
            for step in 0..3 {
                let gradient = random::<T>(&mut rng, &[33]);
                let grads = constant(&well, |_| gradient.clone());
                other.step(&mut well, &grads).unwrap();
                let mut grads = grads;
                if step == 1 {
                    grads.as_mut_slice()[place] = T::nan();
                }
                one.step(&mut sick, &grads).unwrap();
            }
            for (i, (sick, well)) in sick.as_slice().iter().zip(well.as_slice()).enumerate() {
                assert!(if i == place { sick.is_nan() } else { sick == well }, "{} {place} {i}", R::NAME);
            }
            for &name in one.groups()[0].options().state() {
                let buffer = one.state(id, name).unwrap();
                let sick = Vec::from_iter((0..33).filter(|&i| buffer[[i]].is_nan()));
                assert_eq!(sick, [place], "{} {name}", R::NAME);
            }
        }
    }
    for_every_optimizer!(check);
}

/// v = ∞, then ∞·0 = NaN beside a finite m: only the largest v so far stands between the NaN and the weight.
#[test]
fn the_largest_second_moment_does_not_hide_a_nan() {
    let mut params = Params::<f64>::new();
    let id = params.root().add("w", &arr0(1.0)).unwrap();
    let mut optimizer = over_all(AdamOptions { betas: (0.9, 0.0), amsgrad: true, ..Default::default() }, &params);
    let mut step = |g: f64| {
        let grads = constant(&params, |_| arr0(g).into_dyn());
        optimizer.step(&mut params, &grads).unwrap();
        let held = |name: &str| optimizer.state(id, name).unwrap().sum();
        (params.get(id).sum(), held("exp_avg"), held("max_exp_avg_sq"))
    };
    let (theta, m, largest) = step(1e200);
    assert_eq!((theta, largest), (1.0, f64::INFINITY));
    assert!(m.is_finite());
    let (theta, m, largest) = step(1.0);
    assert!(m.is_finite() && largest.is_nan() && theta.is_nan(), "{theta} {m} {largest}");
}

#[test]
fn an_infinite_gradient_shows_too() {
    fn check<R: Rule>(options: R) {
        for g in [f64::INFINITY, f64::NEG_INFINITY] {
            let mut params = params_of::<f64>(&mut rng(5), &[&[2]]);
            let mut optimizer = over_all(options.clone(), &params);
            let grads = constant(&params, |_| ArrayD::from_shape_vec(vec![2], vec![g, 1.0]).unwrap());
            optimizer.step(&mut params, &grads).unwrap();
            assert!(!params.as_slice()[0].is_finite() && params.as_slice()[1].is_finite(), "{} {params:?}", R::NAME);
        }
    }
    for_every_optimizer!(check);
}

/// With an eps of 0 and no gradient yet the step is 0/0, as in PyTorch; with a gradient it is lr·sign(g).
#[test]
fn an_eps_of_zero_is_taken_at_its_word() {
    let mut params = Params::<f64>::new();
    params.root().add("w", &ArrayD::ones(vec![3])).unwrap();
    let mut optimizer = over_all(AdamOptions { lr: 0.5, eps: 0.0, ..Default::default() }, &params);
    let grads = constant(&params, |_| ArrayD::from_shape_vec(vec![3], vec![1e-3, 0.0, -1e9]).unwrap());
    optimizer.step(&mut params, &grads).unwrap();
    let [up, undefined, down] = params.as_slice() else { panic!("three weights") };
    assert!((up - 0.5).abs() <= 1e-15 && undefined.is_nan() && (down - 1.5).abs() <= 1e-15, "{params:?}");
}

/// A rate of 0 moves nothing and still remembers.
#[test]
fn a_learning_rate_of_zero_moves_nothing() {
    fn check<R: Rule>(mut options: R) {
        let mut rng = rng(6);
        *options.lr() = 0.0;
        let mut params = params_of::<f64>(&mut rng, &[&[9]]);
        let before = bits(params.as_slice());
        let mut optimizer = over_all(options, &params);
        for _ in 0..3 {
            let grads = gradients(&mut rng, &params);
            optimizer.step(&mut params, &grads).unwrap();
        }
        assert_eq!(bits(params.as_slice()), before, "{}", R::NAME);
    }
    for_every_optimizer!(check);
}

/// With β₁ = 0 the first moment is the gradient itself: m + 1·(g − m) would lose it beside a large m.
#[test]
fn a_beta_of_zero_remembers_nothing() {
    let mut params = Params::<f64>::new();
    let id = params.root().add("w", &arr0(1.0)).unwrap();
    let mut optimizer = over_all(AdamOptions { betas: (0.0, 0.0), ..Default::default() }, &params);
    for g in [1e20, 1.0, -3e-7] {
        let grads = constant(&params, |_| arr0(g).into_dyn());
        optimizer.step(&mut params, &grads).unwrap();
        assert_eq!(optimizer.state(id, "exp_avg").unwrap(), arr0(g).into_dyn());
        assert_eq!(optimizer.state(id, "exp_avg_sq").unwrap(), arr0(g * g).into_dyn());
    }
}

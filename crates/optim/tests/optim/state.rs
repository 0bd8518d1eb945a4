//! What an optimizer remembers, and what changes between steps.

use crate::common::{bits, constant, gradients, over_all, params_of, rng, zeros};
use wane_autodiff::ndarray::{ArrayD, arr0};
use wane_autodiff::{ParamId, Params};
use wane_optim::{
    AdagradOptions, Adam, AdamOptions, AdamWOptions, Decay, Group, GroupState, Optimizer, RmsPropOptions, Rule, Sgd,
    SgdOptions,
};

const NAMES: [&str; 7] =
    ["momentum_buffer", "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "square_avg", "grad_avg", "sum"];

/// The names under which there is state.
fn known<R: Rule>(optimizer: &Optimizer<f64, R>, id: ParamId) -> Vec<&'static str> {
    NAMES.into_iter().filter(|name| optimizer.state(id, name).is_some()).collect()
}

#[test]
fn state_goes_by_pytorchs_names() {
    fn check<R: Rule>(options: R, names: &[&str]) {
        let mut rng = rng(1);
        let mut params = params_of::<f64>(&mut rng, &[&[2, 3], &[], &[0, 4]]);
        let mut optimizer = over_all(options, &params);
        let ids = params.ids();
        assert!(ids.iter().all(|&id| known(&optimizer, id).is_empty() && optimizer.steps(id) == 0));
        for step in 1..=3 {
            let grads = gradients(&mut rng, &params);
            optimizer.step(&mut params, &grads).unwrap();
            for &id in &ids {
                assert_eq!(known(&optimizer, id), names, "{}", R::NAME);
                assert_eq!(optimizer.steps(id), if names.is_empty() { 0 } else { step });
                for name in names {
                    assert_eq!(optimizer.state(id, name).unwrap().shape(), params.get(id).shape());
                }
                for name in ["", "exp", "step", "exp_avg ", "weight"] {
                    assert!(optimizer.state(id, name).is_none());
                }
            }
        }
        let mut others = Params::<f64>::new();
        let stranger = others.root().add("stranger", &arr0(1.0)).unwrap();
        assert!(known(&optimizer, stranger).is_empty());
    }
    check(SgdOptions::default(), &[]);
    check(SgdOptions { momentum: 0.9, ..Default::default() }, &["momentum_buffer"]);
    check(AdamOptions::default(), &["exp_avg", "exp_avg_sq"]);
    check(AdamOptions { amsgrad: true, ..Default::default() }, &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]);
    check(AdamWOptions::default(), &["exp_avg", "exp_avg_sq"]);
    check(AdamWOptions { amsgrad: true, ..Default::default() }, &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]);
    check(RmsPropOptions::default(), &["square_avg"]);
    check(RmsPropOptions { centered: true, ..Default::default() }, &["square_avg", "grad_avg"]);
    let both = RmsPropOptions { centered: true, momentum: 0.9, ..Default::default() };
    check(both, &["momentum_buffer", "square_avg", "grad_avg"]);
    check(AdagradOptions::default(), &["sum"]);
}

/// One weight of 2, whose gradient is g in each step.
fn single<R: Rule>(options: R, gradients: &[f64]) -> (Optimizer<f64, R>, Params<f64>, ParamId) {
    let mut params = Params::new();
    let id = params.root().add("w", &arr0(2.0)).unwrap();
    let mut optimizer = over_all(options, &params);
    for &g in gradients {
        let grads = constant(&params, |_| arr0(g).into_dyn());
        optimizer.step(&mut params, &grads).unwrap();
    }
    (optimizer, params, id)
}

#[test]
fn the_first_steps_leave_the_values_that_the_equations_say() {
    let held = |value: Option<ArrayD<f64>>| value.unwrap().sum();
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-15 * b.abs(), "{a} is not {b}");

    // b = g + λθ = 3 + 0.5·2, undampened; later b = μb + (1 − τ)g.
    let options = SgdOptions { lr: 0.0, momentum: 0.5, dampening: 0.25, weight_decay: 0.5, ..Default::default() };
    for (gradients, b) in [(&[3.0][..], 4.0), (&[3.0, 1.0], 0.5 * 4.0 + 0.75 * 2.0)] {
        let (optimizer, _, id) = single(options, gradients);
        near(held(optimizer.state(id, "momentum_buffer").map(|b| b.to_owned())), b);
    }

    // Coupled decay is in the moments: g = 3 + 0.5·2. Decoupled is not: g = 3.
    let options = AdamOptions { lr: 0.0, betas: (0.75, 0.5), weight_decay: 0.5, amsgrad: true, ..Default::default() };
    let (optimizer, _, id) = single(options, &[3.0]);
    let state = |name: &str| held(optimizer.state(id, name).map(|b| b.to_owned()));
    near(state("exp_avg"), 0.25 * 4.0);
    near(state("exp_avg_sq"), 0.5 * 16.0);
    near(state("max_exp_avg_sq"), 8.0);
    let (optimizer, _, id) = single(crate::common::w(options), &[3.0, -1.0]);
    let state = |name: &str| held(optimizer.state(id, name).map(|b| b.to_owned()));
    near(state("exp_avg"), 0.75 * (0.25 * 3.0) - 0.25);
    near(state("exp_avg_sq"), 0.5 * (0.5 * 9.0) + 0.5);
    near(state("max_exp_avg_sq"), 4.5);
}

#[test]
fn later_steps_use_the_new_options() {
    let (mut sgd, mut params, id) = single(SgdOptions { lr: 0.5, ..Default::default() }, &[1.0]);
    assert_eq!(params.get(id).sum(), 1.5);
    let grads = constant(&params, |_| arr0(1.0).into_dyn());
    sgd.set_lr(0.25).unwrap();
    sgd.step(&mut params, &grads).unwrap();
    assert_eq!(params.get(id).sum(), 1.25);
    sgd.edit_group(0, |options| options.weight_decay = 0.8).unwrap();
    sgd.step(&mut params, &grads).unwrap();
    // g = 1 + 0.8·1.25 = 2
    assert_eq!(params.get(id).sum(), 0.75);
    sgd.edit_group(0, |options| (options.maximize, options.weight_decay) = (true, 0.0)).unwrap();
    sgd.step(&mut params, &grads).unwrap();
    assert_eq!(params.get(id).sum(), 1.0);
}

#[test]
fn set_lr_reaches_every_group_and_edit_group_one() {
    let params = params_of::<f64>(&mut rng(2), &[&[1], &[1], &[1]]);
    let mut optimizer: Adam<f64> = apart(AdamOptions::default(), &params);
    let lrs = |optimizer: &Adam<f64>| optimizer.groups().iter().map(|group| group.options().lr).collect::<Vec<_>>();
    optimizer.set_lr(0.5).unwrap();
    assert_eq!(lrs(&optimizer), [0.5; 3]);
    optimizer.edit_group(1, |options| options.lr = 0.25).unwrap();
    assert_eq!(lrs(&optimizer), [0.5, 0.25, 0.5]);

    // A group that comes later begins with the rate that was set.
    let ids = params.ids();
    let mut grown = Adam::<f64>::new(AdamOptions::default()).unwrap().group(Group::new(&ids[..1])).unwrap();
    grown.set_lr(0.125).unwrap();
    assert_eq!(lrs(&grown.group(Group::new(&ids[1..])).unwrap()), [0.125; 2]);
}

/// A gradient from before it was frozen does not move a parameter.
#[test]
fn what_is_frozen_after_backward_rests() {
    let mut rng = rng(6);
    let mut params = params_of::<f64>(&mut rng, &[&[3], &[2]]);
    let ids = params.ids();
    let mut optimizer = over_all(AdamWOptions::default(), &params);
    let grads = gradients(&mut rng, &params);
    params.freeze(&ids[..1]).unwrap();
    let before = params.clone();
    optimizer.step(&mut params, &grads).unwrap();
    assert_eq!(params.get(ids[0]), before.get(ids[0]));
    assert_ne!(params.get(ids[1]), before.get(ids[1]));
    assert_eq!((optimizer.steps(ids[0]), optimizer.steps(ids[1])), (0, 1));
}

/// After a refusal everything is as before: the options, and the steps that follow.
#[test]
fn a_refused_change_changes_nothing() {
    let mut rng = rng(3);
    let mut params = params_of::<f64>(&mut rng, &[&[5], &[4]]);
    let ids = params.ids();
    let options = SgdOptions { lr: 0.1, momentum: 0.9, ..Default::default() };
    let mut optimizer = Sgd::new(options).unwrap().group(Group::new(&ids[..1])).unwrap();
    optimizer = optimizer.group(Group::new(&ids[1..]).decay(Decay::decoupled(2.0).unwrap())).unwrap();
    let grads = gradients(&mut rng, &params);
    optimizer.step(&mut params, &grads).unwrap();
    let (mut control, mut expected) = (optimizer.clone(), params.clone());

    // Group 0 would take this rate.
    assert_eq!(
        optimizer.set_lr(0.75).unwrap_err().to_string(),
        "Sgd group 1: weight_decay is 2 at lr 0.75; expected at most 1/lr = 1.3333333333333333, or decay would \
         overshoot zero"
    );
    for lr in [f64::NAN, f64::INFINITY, -0.1] {
        let message = format!("Sgd: lr is {lr}; expected a finite number, 0 or above");
        assert_eq!(optimizer.set_lr(lr).unwrap_err().to_string(), message);
    }
    let error = optimizer.edit_group(0, |options| (options.lr, options.momentum) = (0.2, -1.0)).unwrap_err();
    assert_eq!(error.to_string(), "Sgd group 0: momentum is -1; expected a finite number, 0 or above");
    let error = optimizer.edit_group(1, |options| (options.momentum, options.weight_decay) = (0.5, 16.0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Sgd group 1: weight_decay is 16 at lr 0.1; expected at most 1/lr = 10, or decay would overshoot zero"
    );
    let error = optimizer.edit_group(2, |options| options.lr = 0.2).unwrap_err();
    assert_eq!(error.to_string(), "Sgd group is 2; expected a number below 2, the number of groups");

    for (group, control) in optimizer.groups().iter().zip(control.groups()) {
        let held = |group: &GroupState<f64, SgdOptions>| (*group.options(), group.lr(), group.decay_rate());
        assert_eq!(held(group), held(control));
    }
    for _ in 0..3 {
        let grads = gradients(&mut rng, &params);
        optimizer.step(&mut params, &grads).unwrap();
        control.step(&mut expected, &grads).unwrap();
        assert_eq!(bits(params.as_slice()), bits(expected.as_slice()));
    }
}

/// A clone goes its own way, from the same state.
#[test]
fn clones_share_nothing() {
    let mut rng = rng(4);
    let mut params = params_of::<f64>(&mut rng, &[&[9]]);
    let id = params.ids()[0];
    let mut optimizer = over_all(AdamWOptions::default(), &params);
    let grads = gradients(&mut rng, &params);
    optimizer.step(&mut params, &grads).unwrap();
    let before = optimizer.state(id, "exp_avg").unwrap().to_owned();
    let (mut copy, mut copied) = (optimizer.clone(), params.clone());
    copy.step(&mut copied, &grads).unwrap();
    assert_eq!((optimizer.steps(id), copy.steps(id)), (1, 2));
    assert_eq!(optimizer.state(id, "exp_avg").unwrap(), before);
    optimizer.step(&mut params, &grads).unwrap();
    assert_eq!(bits(params.as_slice()), bits(copied.as_slice()));
}

/// An optimizer with a group for each parameter.
fn apart<R: Rule>(options: R, params: &Params<f64>) -> Optimizer<f64, R> {
    let optimizer = Optimizer::new(options).unwrap();
    params.ids().into_iter().fold(optimizer, |optimizer, id| optimizer.group(Group::new(&[id])).unwrap())
}

/// What is switched on midway has state from then on, of its own group only; what is switched off keeps it unseen.
#[test]
fn momentum_and_amsgrad_switch_on_and_off() {
    let mut rng = rng(5);
    let mut params = params_of::<f64>(&mut rng, &[&[4], &[5]]);
    let ids = params.ids();
    let mut sgd = apart(SgdOptions::default(), &params);
    let first = gradients(&mut rng, &params);
    sgd.step(&mut params, &first).unwrap();
    sgd.edit_group(1, |options| options.momentum = 0.9).unwrap();
    assert!(known(&sgd, ids[1]).is_empty());
    let second = gradients(&mut rng, &params);
    sgd.step(&mut params, &second).unwrap();
    assert!(known(&sgd, ids[0]).is_empty());
    assert_eq!(sgd.state(ids[1], "momentum_buffer"), second.get(ids[1]));
    sgd.edit_group(1, |options| options.momentum = 0.0).unwrap();
    sgd.step(&mut params, &first).unwrap();
    assert!(known(&sgd, ids[1]).is_empty());
    sgd.edit_group(1, |options| options.momentum = 0.9).unwrap();
    assert_eq!(sgd.state(ids[1], "momentum_buffer"), second.get(ids[1]));

    let mut adam = apart(AdamWOptions::default(), &params);
    adam.step(&mut params, &first).unwrap();
    adam.edit_group(0, |options| options.amsgrad = true).unwrap();
    assert!(adam.state(ids[0], "max_exp_avg_sq").is_none());
    let grads = zeros(&params);
    adam.step(&mut params, &grads).unwrap();
    // v shrinks in a step without gradient, and the largest since amsgrad is on is the shrunken one.
    assert_eq!(adam.state(ids[0], "max_exp_avg_sq"), adam.state(ids[0], "exp_avg_sq"));
    assert!(adam.state(ids[1], "max_exp_avg_sq").is_none());
    let grads = zeros(&params);
    adam.step(&mut params, &grads).unwrap();
    let [largest, now] = ["max_exp_avg_sq", "exp_avg_sq"].map(|name| adam.state(ids[0], name).unwrap());
    assert!(largest.iter().zip(&now).all(|(largest, now)| largest > now));
}

/// 1 − β and 1 − dampening are computed in f64 and rounded once: in f32 they are not one minus the rounded option.
#[test]
fn constants_are_rounded_once() {
    assert_ne!((1.0 - 0.999) as f32, 1.0 - 0.999_f32);
    let mut params = Params::<f32>::new();
    let id = params.root().add("w", &arr0(2.0)).unwrap();
    let grads = constant(&params, |_| arr0(1.0).into_dyn());
    let mut adam = over_all(AdamOptions::default(), &params);
    adam.step(&mut params, &grads).unwrap();
    assert_eq!(adam.state(id, "exp_avg").unwrap().sum(), (1.0 - 0.9) as f32);
    assert_eq!(adam.state(id, "exp_avg_sq").unwrap().sum(), (1.0 - 0.999) as f32);

    let options = SgdOptions { momentum: 1.0, dampening: 0.999, ..Default::default() };
    let mut sgd = over_all(options, &params);
    let none = zeros(&params);
    sgd.step(&mut params, &none).unwrap();
    sgd.step(&mut params, &grads).unwrap();
    assert_eq!(sgd.state(id, "momentum_buffer").unwrap().sum(), (1.0 - 0.999) as f32);
}

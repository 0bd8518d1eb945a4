//! Every kind of decay, with every strength and toward everything, against its formula applied by hand in f64.

use crate::common::{bits, gradients, of, params_of, rng, zeros};
use wane_autodiff::ndarray::{Array2, array};
use wane_autodiff::{Params, Tape};
use wane_optim::{
    Adagrad, AdagradOptions, AdamOptions, AdamWOptions, Cyclic, Decay, DecayKind, Group, OneCycle, Optimizer,
    RmsPropOptions, Rule, Schedule, Sgd, SgdOptions,
};

const KINDS: [DecayKind; 3] = [DecayKind::Coupled, DecayKind::Decoupled, DecayKind::FullyDecoupled];
const LR: f64 = 0.1;
const LAMBDA: f64 = 0.037;

/// The schedules of a run of 50 steps, each with its factor written out.
type Factor = fn(f64) -> f64;
fn schedules() -> [(Schedule, Factor); 4] {
    [
        (Schedule::constant(), |_| 1.0),
        (Schedule::cosine(50, 0.0).unwrap(), |t| (1.0 + (std::f64::consts::PI * t / 50.0).cos()) / 2.0),
        (Schedule::exponential(0.9).unwrap(), |t| 0.9_f64.powf(t)),
        (Schedule::linear(0.25, 1.0, 20).unwrap(), |t| 0.25 + 0.75 * (t / 20.0).min(1.0)),
    ]
}

/// One step of SGD with decay, for one weight: an `add` with a factor rounds once, as in PyTorch.
fn stepped(kind: DecayKind, theta: f64, origin: f64, g: f64, lr: f64, lambda: f64) -> f64 {
    let rate = match kind {
        DecayKind::Coupled => return (theta - origin).mul_add(lambda, g).mul_add(-lr, theta),
        DecayKind::Decoupled => lr * lambda,
        _ => lr / LR * lambda,
    };
    let shrunk = if origin == 0.0 { theta * (1.0 - rate) } else { (theta - origin).mul_add(-rate, theta) };
    g.mul_add(-lr, shrunk)
}

#[test]
fn every_kind_with_schedules_is_its_formula_over_50_steps() {
    let mut compared = 0;
    for kind in KINDS {
        for (lr_schedule, lr_factor) in schedules() {
            for (decay_schedule, decay_factor) in schedules() {
                for toward in [false, true] {
                    let mut rng = rng(compared);
                    let mut params = params_of::<f64>(&mut rng, &[&[3, 5], &[], &[4]]);
                    let mut reference = params_of::<f64>(&mut rng, &[&[3, 5], &[], &[4]]);
                    if !toward {
                        reference.as_mut_slice().fill(0.0);
                    }
                    let mut decay = of(kind, LAMBDA).scheduled(decay_schedule.clone());
                    if toward {
                        decay = decay.toward(&reference);
                    }
                    let mut optimizer = Sgd::new(SgdOptions { lr: LR, ..Default::default() })
                        .unwrap()
                        .schedule(lr_schedule.clone())
                        .unwrap()
                        .group(Group::all(&params).decay(decay))
                        .unwrap();
                    let mut by_hand = params.as_slice().to_vec();
                    for t in 0..50 {
                        let grads = gradients(&mut rng, &params);
                        let (lr, lambda) = (LR * lr_factor(t.into()), LAMBDA * decay_factor(t.into()));
                        for ((theta, &origin), &g) in by_hand.iter_mut().zip(reference.as_slice()).zip(grads.as_slice())
                        {
                            *theta = stepped(kind, *theta, origin, g, lr, lambda);
                        }
                        optimizer.step(&mut params, &grads).unwrap();
                        optimizer.advance().unwrap();
                    }
                    for (got, expected) in params.as_slice().iter().zip(&by_hand) {
                        let error = ((got - expected) / expected).abs();
                        assert!(error <= 1e-15, "{kind:?}, {lr_schedule:?}, {decay_schedule:?}: {error:e}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert_eq!(compared, 3 * 4 * 4 * 2 * 20);
}

/// Decay alone: 50 factors, multiplied by hand, to the last bit.
#[test]
fn decay_alone_is_a_product_of_factors() {
    for kind in [DecayKind::Decoupled, DecayKind::FullyDecoupled] {
        for (lr_schedule, _) in schedules() {
            for (decay_schedule, _) in schedules() {
                let mut params = params_of::<f64>(&mut rng(1), &[&[7]]);
                let grads = zeros(&params);
                let mut expected = params.as_slice().to_vec();
                let mut optimizer = Optimizer::new(AdamWOptions { lr: LR, ..Default::default() })
                    .unwrap()
                    .group(
                        Group::all(&params)
                            .decay(of(kind, LAMBDA).scheduled(decay_schedule.clone()))
                            .schedule(lr_schedule.clone()),
                    )
                    .unwrap();
                for t in 0..50 {
                    let lr = lr_schedule.at(t, LR);
                    let rate = if kind == DecayKind::Decoupled { lr } else { lr / LR } * decay_schedule.at(t, LAMBDA);
                    expected.iter_mut().for_each(|theta| *theta *= 1.0 - rate);
                    optimizer.step(&mut params, &grads).unwrap();
                    optimizer.advance().unwrap();
                }
                assert_eq!(bits(params.as_slice()), bits(&expected), "{kind:?}");
            }
        }
    }
}

#[test]
fn without_gradient_the_rate_does_not_matter_to_fully_decoupled_decay() {
    fn end<R: Rule>(mut options: R, lr: f64, kind: DecayKind) -> Vec<u64> {
        *options.lr() = lr;
        let mut params = params_of::<f64>(&mut rng(2), &[&[9]]);
        let grads = zeros(&params);
        let group = Group::all(&params).decay(of(kind, LAMBDA));
        let mut optimizer =
            Optimizer::new(options).unwrap().group(group).unwrap().schedule(Schedule::step(3, 0.5).unwrap()).unwrap();
        for _ in 0..10 {
            optimizer.step(&mut params, &grads).unwrap();
            optimizer.advance().unwrap();
        }
        bits(params.as_slice())
    }
    fn check<R: Rule>(options: R) {
        let kind = DecayKind::FullyDecoupled;
        // Powers of two: lr/lr₀ is the schedule's factor to the last bit.
        let ends = [0.5, 0.125, 1.0 / 1024.0].map(|lr| end(options.clone(), lr, kind));
        assert!(ends.iter().all(|other| *other == ends[0]), "{}", R::NAME);
        assert_ne!(end(options.clone(), 0.5, DecayKind::Decoupled), end(options, 0.125, DecayKind::Decoupled));
    }
    check(SgdOptions::default());
    check(SgdOptions { momentum: 0.9, ..Default::default() });
    check(AdamOptions::default());
    check(AdamWOptions::default());
    check(RmsPropOptions::default());
    check(AdagradOptions::default());
}

/// Toward its reference, every optimizer does with θ − θ⁰ what it does with θ toward zero.
#[test]
fn a_reference_shifts_the_origin() {
    fn check<R: Rule>(options: R) {
        for kind in KINDS {
            for maximize in [false, true] {
                let mut rng = rng(3);
                let mut centred = params_of::<f64>(&mut rng, &[&[4, 3], &[5]]);
                let (mut shifted, mut reference) = (centred.clone(), centred.clone());
                reference.as_mut_slice().fill(0.75);
                shifted.as_mut_slice().iter_mut().for_each(|theta| *theta += 0.75);
                let decay = of(kind, LAMBDA);
                let over = |params: &Params<f64>, decay: Decay| {
                    Optimizer::new(options.clone()).unwrap().group(Group::all(params).decay(decay)).unwrap()
                };
                let (mut one, mut other) =
                    (over(&centred, decay.clone()), over(&shifted, decay.clone().toward(&reference)));
                let mut without = over(&shifted, decay);
                let mut apart = shifted.clone();
                for _ in 0..8 {
                    let mut grads = gradients(&mut rng, &centred);
                    if maximize {
                        grads.as_mut_slice().iter_mut().for_each(|g| *g = -*g);
                    }
                    one.step(&mut centred, &grads).unwrap();
                    other.step(&mut shifted, &grads).unwrap();
                    without.step(&mut apart, &grads).unwrap();
                }
                let distance = |a: &Params<f64>, b: &Params<f64>| {
                    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
                };
                centred.as_mut_slice().iter_mut().for_each(|theta| *theta += 0.75);
                assert!(distance(&centred, &shifted) < 1e-13, "{} {kind:?}", R::NAME);
                assert!(distance(&centred, &apart) > 1e-5, "{} {kind:?}: the reference has an effect", R::NAME);
            }
        }
    }
    for maximize in [false, true] {
        check(SgdOptions { lr: LR, maximize, ..Default::default() });
        check(SgdOptions { lr: LR, momentum: 0.9, nesterov: true, maximize, ..Default::default() });
        check(AdamOptions { lr: LR, maximize, ..Default::default() });
        check(AdamWOptions { lr: LR, maximize, ..Default::default() });
        check(RmsPropOptions { lr: LR, maximize, ..Default::default() });
        check(AdagradOptions { lr: LR, maximize, ..Default::default() });
    }
}

#[test]
fn a_weight_at_its_reference_rests() {
    for kind in KINDS {
        let mut params = params_of::<f32>(&mut rng(4), &[&[33]]);
        let before = params.as_slice().to_vec();
        let group = Group::all(&params).decay(of(kind, 0.3).toward(&params));
        let mut optimizer = Adagrad::new(AdagradOptions::default()).unwrap().group(group).unwrap();
        let grads = zeros(&params);
        (0..5).for_each(|_| optimizer.step(&mut params, &grads).unwrap());
        assert_eq!(params.as_slice(), before, "{kind:?}");
    }
}

#[test]
fn a_group_added_later_has_its_reference() {
    let mut params = params_of::<f64>(&mut rng(5), &[&[3], &[3]]);
    let mut reference = params.clone();
    reference.as_mut_slice().fill(2.0);
    let ids = params.ids();
    let mut optimizer = Sgd::new(SgdOptions { lr: 1.0, ..Default::default() }).unwrap();
    optimizer = optimizer.group(Group::new(&ids[..1])).unwrap();
    let grads = zeros(&params);
    optimizer.step(&mut params, &grads).unwrap();
    let decay = Decay::decoupled(1.0).unwrap().toward(&reference);
    optimizer = optimizer.group(Group::new(&ids[1..]).decay(decay)).unwrap();
    optimizer.step(&mut params, &grads).unwrap();
    assert_eq!(params.as_slice()[3..], [2.0; 3]);
}

#[test]
fn normalised_decay_is_its_formula() {
    let decay = Decay::normalised(0.05, 32, 400, 25).unwrap();
    assert_eq!(
        (decay.kind(), decay.strength()),
        (DecayKind::FullyDecoupled, 0.05 * (32.0_f64 / (400.0 * 25.0)).sqrt())
    );
    // Each restart has a budget of its own: √(b/(B·Tᵢ)).
    let restarts = decay.scheduled(Schedule::normalised_restarts(25, 2).unwrap());
    let lambda = |t| restarts.schedule().unwrap().at(t, restarts.strength());
    for (t, budget) in [(0, 25.0), (24, 25.0), (25, 50.0), (74, 50.0), (75, 100.0)] {
        let expected = 0.05 * (32.0_f64 / (400.0 * budget)).sqrt();
        assert!((lambda(t) - expected).abs() <= 1e-16, "at {t}");
    }
}

fn message<V: std::fmt::Debug>(result: Result<V, wane_autodiff::Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn bad_decays_are_refused_by_name() {
    let not_negative = "expected a finite number, 0 or above";
    assert_eq!(message(Decay::fully_decoupled(-1.0)), format!("fully decoupled decay is -1; {not_negative}"));
    assert_eq!(message(Decay::normalised(f64::NAN, 1, 1, 1)), format!("normalised decay is NaN; {not_negative}"));
    assert_eq!(
        message(Decay::normalised(0.1, 0, 10, 1)),
        "batch size of a normalised decay is 0; expected 1 to 10, the rows"
    );
    assert_eq!(
        message(Decay::normalised(0.1, 11, 10, 1)),
        "batch size of a normalised decay is 11; expected 1 to 10, the rows"
    );
    assert_eq!(message(Decay::normalised(0.1, 5, 10, 0)), "epochs of a normalised decay is 0; expected at least 1");

    let params = params_of::<f64>(&mut rng(6), &[&[3]]);
    let sgd = || Sgd::<f64>::new(SgdOptions { lr: 0.5, ..Default::default() }).unwrap();
    let group = |decay: Decay| Group::all(&params).decay(decay);
    assert_eq!(
        message(sgd().group(group(of(DecayKind::FullyDecoupled, 1.5)))),
        "Sgd group 0: weight_decay is 1.5 at lr 0.5; expected at most 1, for lr/lr₀ = 1, or decay would overshoot zero"
    );

    // A schedule that would bring a rate or a decay out of range is refused when its time comes, and nothing changes.
    let doubling = Schedule::lambda(|t| 2.0_f64.powf(t as f64));
    let mut optimizer = sgd().schedule(doubling).unwrap().group(group(of(DecayKind::FullyDecoupled, 0.4))).unwrap();
    optimizer.advance().unwrap();
    assert_eq!(
        message(optimizer.advance()),
        "Sgd group 0: weight_decay is 0.4 at lr 2; expected at most 0.25, for lr/lr₀ = 4, or decay would overshoot zero"
    );
    assert_eq!((optimizer.time(), optimizer.groups()[0].lr(), optimizer.groups()[0].decay_rate()), (1, 1.0, 0.8));
    let negative = Schedule::lambda(|t| 1.0 - t as f64);
    let decay = of(DecayKind::Coupled, 0.1).scheduled(negative.clone());
    let mut optimizer = sgd().group(group(decay)).unwrap();
    optimizer.advance().unwrap();
    assert_eq!(message(optimizer.advance()), format!("Sgd group 0: weight_decay is -0.1; {not_negative}"));
    let mut optimizer = sgd().group(Group::all(&params)).unwrap().schedule(negative).unwrap();
    optimizer.advance().unwrap();
    assert_eq!(message(optimizer.advance()), format!("Sgd group 0: lr is -0.5; {not_negative}"));

    // Weights to decay toward that are no numbers.
    let mut sick = params.clone();
    sick.as_mut_slice()[1] = f64::NAN;
    let mut optimizer = sgd().group(group(of(DecayKind::Coupled, 0.1).toward(&sick))).unwrap();
    let (mut own, grads) = (params.clone(), zeros(&params));
    assert_eq!(
        message(optimizer.step(&mut own, &grads)),
        "Sgd group 0: weight that decay is toward is NaN; expected a finite number"
    );
    // Another model's weights to decay toward.
    let stranger = params_of::<f64>(&mut rng(6), &[&[4]]);
    let mut optimizer = sgd().group(group(of(DecayKind::Coupled, 0.1).toward(&stranger))).unwrap();
    let mut own = params.clone();
    let grads = zeros(&params);
    assert_eq!(
        message(optimizer.step(&mut own, &grads)),
        "Sgd group 0: layout of the decay's reference is 0 (4,); expected 0 (3,)"
    );
}

/// The values are absolute, so that lr₀ is their peak, whatever rate the group was given.
#[test]
fn the_peak_of_an_absolute_schedule_is_its_factor_of_one() {
    for schedule in [
        Schedule::one_cycle(OneCycle { max_lr: 0.4, total_steps: 10, ..Default::default() }).unwrap(),
        Schedule::cyclic(Cyclic { base_lr: 0.1, max_lr: 0.4, step_size_up: 3, ..Default::default() }).unwrap(),
        Schedule::one_cycle(OneCycle { max_lr: 0.4, total_steps: 10, ..Default::default() })
            .unwrap()
            .after_warmup(2, 0.5, 12)
            .unwrap(),
    ] {
        let params = params_of::<f64>(&mut rng(7), &[&[3]]);
        let group = Group::all(&params).decay(of(DecayKind::FullyDecoupled, 0.1));
        let mut optimizer =
            Sgd::<f64>::new(SgdOptions { lr: 0.01, ..Default::default() }).unwrap().group(group).unwrap();
        optimizer = optimizer.schedule(schedule.clone()).unwrap();
        for t in 0..10 {
            let (lr, rate) = (optimizer.groups()[0].lr(), optimizer.groups()[0].decay_rate());
            assert_eq!((lr, rate), (schedule.at(t, 0.01), lr / 0.4 * 0.1));
            optimizer.advance().unwrap();
        }
    }
}

/// scikit-learn's `Ridge(alpha)` solves (XᵀX + alpha·I)W = XᵀY: there the mean squared error over n rows and k outputs and
/// a coupled decay of 2·alpha/(n·k) hold each other, and of another strength do not.
#[test]
fn ridges_alpha_converts() {
    let x = array![[1.0, 2.0], [0.5, -1.0], [-2.0, 0.25], [1.5, 1.0]];
    let y = array![[1.0, 0.5, -1.0], [2.0, -0.5, 0.0], [-1.0, 1.0, 2.0], [0.0, 3.0, 1.0]];
    let alpha = 0.7;
    let gram: Array2<f64> = x.t().dot(&x) + Array2::<f64>::eye(2) * alpha;
    let determinant = gram[[0, 0]] * gram[[1, 1]] - gram[[0, 1]] * gram[[1, 0]];
    let inverse = array![[gram[[1, 1]], -gram[[0, 1]]], [-gram[[1, 0]], gram[[0, 0]]]] / determinant;
    let solution = inverse.dot(&x.t().dot(&y));
    for (lambda, rests) in [(2.0 * alpha / (4.0 * 3.0), true), (2.0 * alpha / 4.0, false), (alpha / 12.0, false)] {
        let mut params = Params::new();
        let w = params.root().add("w", &solution.t()).unwrap();
        let group = Group::all(&params).decay(of(DecayKind::Coupled, lambda));
        let mut optimizer = Sgd::new(SgdOptions { lr: 1.0, ..Default::default() }).unwrap().group(group).unwrap();
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let graph = tape.record(&params);
        let output = graph.input(&x).linear(graph.param(w), None, None);
        output.mse_loss(graph.input(&y)).backward(&mut grads);
        optimizer.step(&mut params, &grads).unwrap();
        let moved = (&params.get(w) - &solution.t()).iter().fold(0.0, |max: f64, x| max.max(x.abs()));
        assert!(if rests { moved < 1e-15 } else { moved > 1e-3 }, "{lambda}: moved by {moved:e}");
    }
}

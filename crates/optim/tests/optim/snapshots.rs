//! What an optimizer remembers goes through a file and comes back to the last bit.

use crate::common::{bits, gradients, params_of, rng};
use wane_autodiff::Params;
use wane_optim::{
    AdagradOptions, Adam, AdamOptions, AdamWOptions, DecayKind, Ema, Group, Optimizer, OptimizerSnapshot, Plateau,
    PlateauOptions, RmsPropOptions, Rule, Schedule, SgdOptions,
};

const SHAPES: [&[usize]; 4] = [&[3, 5], &[5], &[], &[2, 2]];

/// The optimizer that a program builds, before its first run and after it was started again.
fn built<R: Rule>(options: &R, params: &Params<f64>, kind: DecayKind) -> Optimizer<f64, R> {
    let ids = params.ids();
    let decay = crate::common::of(kind, 0.05).scheduled(Schedule::cosine(10, 0.0).unwrap()).toward(params);
    Optimizer::new(options.clone())
        .unwrap()
        .schedule(Schedule::exponential(0.9).unwrap())
        .unwrap()
        .group(Group::new(&ids[..2]).decay(decay))
        .unwrap()
        .group(Group::new(&ids[2..]).with(|options: &mut R| *options.lr() *= 0.5))
        .unwrap()
}

/// Steps `from..to` of a run. Some parameters have no gradient in some steps; at step 4 the rate is changed by hand.
fn run<R: Rule>(optimizer: &mut Optimizer<f64, R>, params: &mut Params<f64>, steps: std::ops::Range<u64>) {
    for step in steps {
        let all = gradients(&mut rng(step), params);
        let mut grads = params.grads();
        for id in params.ids().into_iter().filter(|id| !(step + id.index() as u64).is_multiple_of(3)) {
            grads.set(id, &all.get(id).unwrap()).unwrap();
        }
        optimizer.step(params, &grads).unwrap();
        optimizer.advance().unwrap();
        if step == 4 {
            optimizer.set_lr(0.02).unwrap();
        }
    }
}

#[test]
fn a_run_goes_on_from_a_snapshot_bit_for_bit() {
    fn check<R: Rule>(options: R) {
        for kind in [DecayKind::Coupled, DecayKind::Decoupled, DecayKind::FullyDecoupled] {
            for stop in [0, 1, 6] {
                let start = params_of::<f64>(&mut rng(1), &SHAPES);
                let (mut straight, mut whole) = (start.clone(), built(&options, &start, kind));
                run(&mut whole, &mut straight, 0..12);

                let (mut params, mut first) = (start.clone(), built(&options, &start, kind));
                run(&mut first, &mut params, 0..stop);
                let text = serde_json::to_string(&first.snapshot(&params).unwrap()).unwrap();
                let snapshot: OptimizerSnapshot<f64, R> = serde_json::from_str(&text).unwrap();
                // Built over the weights as they are by now: what decay is toward comes from the snapshot.
                let mut second = built(&options, &params, kind);
                second.restore(&params, &snapshot).unwrap();
                assert_eq!(serde_json::to_string(&second.snapshot(&params).unwrap()).unwrap(), text);
                run(&mut second, &mut params, stop..12);
                assert_eq!(bits(params.as_slice()), bits(straight.as_slice()), "{} {kind:?} {stop}", R::NAME);
            }
        }
    }
    check(SgdOptions { lr: 0.1, ..Default::default() });
    check(SgdOptions { lr: 0.1, momentum: 0.9, dampening: 0.1, ..Default::default() });
    check(AdamOptions { lr: 0.1, amsgrad: true, ..Default::default() });
    check(AdamWOptions { lr: 0.1, ..Default::default() });
    check(RmsPropOptions { lr: 0.1, centered: true, momentum: 0.9, ..Default::default() });
    check(AdagradOptions { lr: 0.1, lr_decay: 0.1, initial_accumulator_value: 0.1, ..Default::default() });
}

#[test]
fn a_snapshot_that_does_not_fit_is_refused_and_nothing_changes() {
    let options = AdamOptions { lr: 0.1, ..Default::default() };
    let mut params = params_of::<f64>(&mut rng(2), &SHAPES);
    let mut optimizer = built(&options, &params, DecayKind::Decoupled);
    run(&mut optimizer, &mut params, 0..3);
    let good = optimizer.snapshot(&params).unwrap();
    let before = serde_json::to_string(&good).unwrap();
    type Fault = fn(&mut OptimizerSnapshot<f64, AdamOptions>);
    let faults: [(Fault, &str); 13] = [
        (
            |s| s.groups[0].decay = DecayKind::Coupled,
            "group 0: decay is Coupled toward weights; expected Decoupled toward weights",
        ),
        (
            |s| s.groups[0].reference = None,
            "group 0: decay is Decoupled toward zero; expected Decoupled toward weights",
        ),
        (|s| s.rule = "Sgd".to_owned(), "rule is \"Sgd\"; expected \"Adam\""),
        (|s| drop(s.groups.pop()), "number of groups is 1; expected 2"),
        (|s| drop(s.groups[0].params.pop()), "group 0: parameters is [\"0\"]; expected [\"0\", \"1\"]"),
        (|s| s.groups[1].options.betas.0 = 1.0, "group 1: betas.0 is 1; expected at least 0 and below 1"),
        (|s| s.groups[0].initial_lr = f64::NAN, "group 0: initial_lr is NaN; expected a finite number, 0 or above"),
        (
            |s| s.groups[0].options.lr = 1e9,
            "group 0: weight_decay is 0.03969463130731183 at lr 729000000.0000001; expected at most",
        ),
        (
            |s| s.groups[0].reference.as_mut().unwrap().truncate(24),
            "group 0: numbers that decay is toward is 24; expected 25",
        ),
        (|s| s.params[0].name = "9".to_owned(), "parameter name is \"9\"; expected one of 0, 1, 2, 3"),
        (|s| drop(s.params[0].buffers.pop()), "state of 0 is [\"exp_avg\"]; expected [\"exp_avg\", \"exp_avg_sq\"]"),
        (|s| s.params[0].buffers[1].1.truncate(14), "numbers in 0.exp_avg_sq is 14; expected 15"),
        (
            |s| s.params[0].buffers[0].0 = "momentum".to_owned(),
            "state of 0 is [\"exp_avg_sq\", \"momentum\"]; expected [\"exp_avg\", \"exp_avg_sq\"]",
        ),
    ];
    for (fault, message) in faults {
        let mut bad = good.clone();
        fault(&mut bad);
        let error = optimizer.restore(&params, &bad).unwrap_err().to_string();
        assert!(error.starts_with(&format!("Adam snapshot: {message}")), "{error}");
        assert_eq!(serde_json::to_string(&optimizer.snapshot(&params).unwrap()).unwrap(), before);
    }
    // A parameter of none of the groups has no state to come back to.
    let few = Adam::<f64>::new(options).unwrap().group(Group::new(&params.ids()[..2])).unwrap();
    let few = few.group(Group::new(&params.ids()[2..3])).unwrap();
    let mut bad = good.clone();
    drop(bad.groups[1].params.pop());
    (bad.groups[0].decay, bad.groups[0].reference) = (DecayKind::Coupled, None);
    let error = few.clone().restore(&params, &bad).unwrap_err().to_string();
    assert_eq!(error, "Adam snapshot: parameter is \"3\"; expected a parameter of one of the groups");
}

#[test]
fn averages_and_plateaus_come_back() {
    let mut params = params_of::<f32>(&mut rng(3), &SHAPES);
    let mut ema = Ema::new(&params, 0.9).unwrap();
    ema.update(&params).unwrap();
    let text = serde_json::to_string(&ema.snapshot()).unwrap();
    let mut restored = Ema::restore(&params, serde_json::from_str(&text).unwrap()).unwrap();
    params.as_mut_slice().iter_mut().for_each(|theta| *theta += 1.0);
    [&mut ema, &mut restored].into_iter().for_each(|ema| ema.update(&params).unwrap());
    assert_eq!((ema.as_slice(), ema.updates()), (restored.as_slice(), restored.updates()));
    let mut short = ema.snapshot();
    short.average.pop();
    let error = Ema::restore(&params, short).unwrap_err().to_string();
    assert_eq!(error, "ema snapshot: number of weights is 24; expected 25");

    let mut plateau = Plateau::new(PlateauOptions { patience: 1, ..Default::default() }).unwrap();
    [1.0, 1.0].iter().for_each(|&metric| assert!(!plateau.observe(metric)));
    let mut again: Plateau = serde_json::from_str(&serde_json::to_string(&plateau).unwrap()).unwrap();
    assert_eq!(again, plateau);
    assert!(again.observe(1.0) && plateau.observe(1.0));
}

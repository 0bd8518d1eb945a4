//! Schedules beyond PyTorch's values, which parity replays: bounds, time, refusals.

use crate::common::{params_of, rng};
use wane_autodiff::Params;
use wane_optim::{
    Anneal, Better, Cyclic, CyclicMode, Group, OneCycle, Optimizer, Plateau, PlateauOptions, Schedule, Sgd, SgdOptions,
};

fn message<V: std::fmt::Debug>(result: Result<V, wane_autodiff::Error>) -> String {
    result.unwrap_err().to_string()
}

fn values(schedule: &Schedule, times: std::ops::Range<u64>) -> Vec<f64> {
    times.map(|t| schedule.at(t, 2.0)).collect()
}

#[test]
fn by_hand() {
    assert_eq!(values(&Schedule::constant(), 0..3), [2.0; 3]);
    assert_eq!(values(&Schedule::constant_until(0.25, 2).unwrap(), 0..4), [0.5, 0.5, 2.0, 2.0]);
    assert_eq!(values(&Schedule::step(2, 0.5).unwrap(), 0..5), [2.0, 2.0, 1.0, 1.0, 0.5]);
    assert_eq!(values(&Schedule::multi_step(&[1, 3], 0.5).unwrap(), 0..5), [2.0, 1.0, 1.0, 0.5, 0.5]);
    assert_eq!(values(&Schedule::exponential(0.5).unwrap(), 0..3), [2.0, 1.0, 0.5]);
    assert_eq!(values(&Schedule::polynomial(4, 2.0).unwrap(), 0..6), [2.0, 1.125, 0.5, 0.125, 0.0, 0.0]);
    assert_eq!(values(&Schedule::linear(0.5, 1.0, 2).unwrap(), 0..4), [1.0, 1.5, 2.0, 2.0]);
    assert_eq!(values(&Schedule::lambda(|t| t as f64), 0..3), [0.0, 2.0, 4.0]);
    let two = Schedule::sequential(vec![Schedule::constant(), Schedule::exponential(0.5).unwrap()], &[2]).unwrap();
    assert_eq!(values(&two, 0..5), [2.0, 2.0, 2.0, 1.0, 0.5]);
    let warm = Schedule::step(1, 0.5).unwrap().after_warmup(2, 0.5, 10).unwrap();
    assert_eq!(values(&warm, 0..5), [1.0, 1.5, 2.0, 1.0, 0.5]);
}

/// A late time costs nothing and loses nothing.
#[test]
fn late_times() {
    let far = 1 << 60;
    let cosine = Schedule::cosine(1 << 20, 0.0).unwrap();
    assert_eq!((cosine.at(far, 2.0), cosine.at(far + (1 << 20), 2.0)), (2.0, 0.0));
    let restarts = Schedule::cosine_restarts(1, 2, 0.0).unwrap();
    // Runs of 1, 2, 4, … begin at 0, 1, 3, 7, …: one less than powers of two.
    assert_eq!(restarts.at(far - 1, 2.0), 2.0);
    assert!(restarts.at(far - 2, 2.0) < 1e-15);
    assert_eq!(Schedule::cosine_restarts(5, u64::MAX, 0.0).unwrap().at(5, 2.0), 2.0);
    assert_eq!(Schedule::step(1, 0.5).unwrap().at(u64::MAX, 2.0), 0.0);
    let cycle = OneCycle { max_lr: 1.0, total_steps: 10, ..Default::default() };
    let cycle = Schedule::one_cycle(cycle).unwrap();
    assert_eq!(cycle.at(u64::MAX, 0.0), cycle.at(9, 0.0));
}

#[test]
fn bad_schedules_are_refused_by_name() {
    let none = "expected at least 1";
    let not_negative = "expected a finite number, 0 or above";
    let cycle = |edit: fn(&mut OneCycle)| {
        let mut options = OneCycle::default();
        edit(&mut options);
        message(Schedule::one_cycle(options))
    };
    let cyclic = |edit: fn(&mut Cyclic)| {
        let mut options = Cyclic::default();
        edit(&mut options);
        message(Schedule::cyclic(options))
    };
    for (given, expected) in [
        (message(Schedule::constant_until(1.5, 3)), "schedule factor is 1.5; expected a factor, 0 to 1".to_owned()),
        (message(Schedule::constant_until(0.5, 0)), format!("schedule total is 0; {none}")),
        (message(Schedule::step(0, 0.1)), format!("schedule step size is 0; {none}")),
        (message(Schedule::step(1, f64::NAN)), format!("schedule gamma is NaN; {not_negative}")),
        (
            message(Schedule::multi_step(&[2, 5, 5], 0.1)),
            "schedule milestone is 5 after 5; expected milestones that increase".to_owned(),
        ),
        (message(Schedule::exponential(-0.1)), format!("schedule gamma is -0.1; {not_negative}")),
        (message(Schedule::polynomial(0, 1.0)), format!("schedule total is 0; {none}")),
        (message(Schedule::polynomial(1, -1.0)), format!("schedule power is -1; {not_negative}")),
        (message(Schedule::cosine(0, 0.0)), format!("schedule half period is 0; {none}")),
        (message(Schedule::cosine(1, f64::INFINITY)), format!("schedule min is inf; {not_negative}")),
        (message(Schedule::cosine_restarts(0, 1, 0.0)), format!("schedule first is 0; {none}")),
        (message(Schedule::cosine_restarts(1, 0, 0.0)), format!("schedule growth is 0; {none}")),
        (message(Schedule::normalised_restarts(0, 1)), format!("schedule first is 0; {none}")),
        (
            message(Schedule::linear(0.0, 1.0, 5)),
            "schedule start is 0; expected a factor above 0, at most 1".to_owned(),
        ),
        (message(Schedule::linear(0.5, 1.5, 5)), "schedule end is 1.5; expected a factor, 0 to 1".to_owned()),
        (message(Schedule::linear(0.5, 1.0, 0)), format!("schedule total is 0; {none}")),
        (
            message(Schedule::sequential(vec![], &[])),
            "number of schedules is 0; expected 1, one more than milestones".to_owned(),
        ),
        (
            message(Schedule::sequential(vec![Schedule::constant(), Schedule::constant()], &[3, 1])),
            "number of schedules is 2; expected 3, one more than milestones".to_owned(),
        ),
        (
            message(Schedule::sequential(vec![Schedule::constant(); 3], &[3, 1])),
            "schedule milestone is 1 after 3; expected milestones that increase".to_owned(),
        ),
        (
            message(Schedule::constant().after_warmup(10, 0.1, 10)),
            "warm-up steps is 10; expected at least 1 and below 10, the whole run".to_owned(),
        ),
        (
            message(Schedule::constant().after_warmup(0, 0.1, 10)),
            "warm-up steps is 0; expected at least 1 and below 10, the whole run".to_owned(),
        ),
        (cycle(|options| options.max_lr = -1.0), format!("schedule max_lr is -1; {not_negative}")),
        (cycle(|options| options.total_steps = 1), "schedule total_steps is 1; expected at least 2".to_owned()),
        (
            cycle(|options| options.pct_start = 0.01),
            "schedule pct_start is 0.01; expected between 0 and 1, so that each part of 100 steps has at least one"
                .to_owned(),
        ),
        (
            cycle(|options| (options.pct_start, options.three_phase) = (0.6, true)),
            "schedule pct_start is 0.6; expected between 0 and 1, so that each part of 100 steps has at least one"
                .to_owned(),
        ),
        (
            cycle(|options| options.div_factor = 0.0),
            "schedule div_factor is 0; expected a finite number above 0".to_owned(),
        ),
        (
            cycle(|options| options.div_factor = 1e-310),
            "schedule div_factor is 1e-310; expected one by which max_lr and the start can be divided".to_owned(),
        ),
        (
            cycle(|options| options.final_div_factor = f64::NAN),
            "schedule final_div_factor is NaN; expected a finite number above 0".to_owned(),
        ),
        (cyclic(|options| options.base_lr = f64::NAN), format!("schedule base_lr is NaN; {not_negative}")),
        (cyclic(|options| options.step_size_up = 0), format!("schedule step_size_up is 0; {none}")),
        (cyclic(|options| options.step_size_down = Some(0)), format!("schedule step_size_down is 0; {none}")),
        (cyclic(|options| options.mode = CyclicMode::ExpRange(-1.0)), format!("schedule gamma is -1; {not_negative}")),
    ] {
        assert_eq!(given, expected);
    }
}

/// Any accepted cycle has finite values within its bounds at all times.
#[test]
fn cycles_stay_within_their_bounds() {
    for total_steps in 2..40 {
        for pct_start in [0.01, 0.1, 0.25, 0.3, 0.5, 0.51, 0.9, 0.99] {
            for (anneal_strategy, three_phase) in
                [(Anneal::Cos, false), (Anneal::Linear, false), (Anneal::Cos, true), (Anneal::Linear, true)]
            {
                let options = OneCycle {
                    max_lr: 0.5,
                    total_steps,
                    pct_start,
                    anneal_strategy,
                    three_phase,
                    ..Default::default()
                };
                let Ok(schedule) = Schedule::one_cycle(options) else { continue };
                for t in 0..total_steps + 3 {
                    let lr = schedule.at(t, f64::NAN);
                    assert!((0.5 / 25.0 / 1e4 - 1e-15..=0.5 + 1e-15).contains(&lr), "{options:?} at {t}: {lr}");
                }
            }
        }
    }
}

fn sgd(params: &Params<f64>, lr: f64) -> Optimizer<f64, SgdOptions> {
    let ids = params.ids();
    let options = SgdOptions { lr, ..Default::default() };
    let optimizer = Sgd::new(options).unwrap().group(Group::new(&ids[..1])).unwrap();
    optimizer.group(Group::new(&ids[1..]).lr(lr / 2.0).schedule(Schedule::exponential(0.5).unwrap())).unwrap()
}

#[test]
fn time_moves_all_groups_each_by_its_own_schedule() {
    let params = params_of::<f64>(&mut rng(1), &[&[2], &[3]]);
    let lrs = |optimizer: &Optimizer<f64, SgdOptions>| [0, 1].map(|group| optimizer.groups()[group].lr());
    let mut optimizer = sgd(&params, 0.5).schedule(Schedule::step(2, 0.5).unwrap()).unwrap();
    let mut seen = Vec::new();
    for time in 0..4 {
        assert_eq!(optimizer.time(), time);
        seen.push(lrs(&optimizer));
        optimizer.advance().unwrap();
    }
    assert_eq!(seen, [[0.5, 0.25], [0.5, 0.125], [0.25, 0.0625], [0.25, 0.03125]]);
    optimizer.set_time(1).unwrap();
    assert_eq!(lrs(&optimizer), [0.5, 0.125]);
    // The base moves under the schedule.
    optimizer.set_lr(1.0).unwrap();
    assert_eq!(lrs(&optimizer), [1.0, 0.5]);
    assert_eq!(optimizer.groups()[1].options().lr, 1.0);
    // A group added late is at the present time.
    let own = Optimizer::<f64, _>::new(SgdOptions { lr: 1.0, ..Default::default() }).unwrap();
    let mut late = own.schedule(Schedule::exponential(0.5).unwrap()).unwrap();
    late.set_time(3).unwrap();
    assert_eq!(late.group(Group::all(&params)).unwrap().groups()[0].lr(), 0.125);
}

#[test]
fn a_plateau_reduces_rates_or_decays() {
    let params = params_of::<f64>(&mut rng(2), &[&[2], &[3]]);
    let options = SgdOptions { lr: 0.5, weight_decay: 0.5, ..Default::default() };
    let mut optimizer = Sgd::<f64>::new(options).unwrap().decay_matrices_only(&params).unwrap();
    let half = PlateauOptions { factor: 0.5, patience: 0, min_lr: 0.2, ..Default::default() };
    let (mut rates, mut decays) = (Plateau::new(half).unwrap(), Plateau::new(half).unwrap());
    let state = |optimizer: &Optimizer<f64, SgdOptions>| {
        let group = &optimizer.groups()[1];
        (group.lr(), group.options().weight_decay)
    };
    assert!(!rates.step(1.0, &mut optimizer).unwrap());
    assert!(rates.step(1.0, &mut optimizer).unwrap());
    assert_eq!(state(&optimizer), (0.25, 0.0));
    assert!(rates.step(f64::NAN, &mut optimizer).unwrap(), "a NaN is no improvement");
    assert_eq!((state(&optimizer), rates.best()), ((0.2, 0.0), 1.0));
    assert!(!rates.step(1.0, &mut optimizer).unwrap(), "at the least rate there is nothing to reduce");

    optimizer.edit_group(1, |options| options.weight_decay = 0.5).unwrap();
    decays.step_decay(1.0, &mut optimizer).unwrap();
    decays.step_decay(1.0, &mut optimizer).unwrap();
    assert_eq!(state(&optimizer), (0.2, 0.25));
}

#[test]
fn bad_plateaus_are_refused_by_name() {
    let refusal = |edit: fn(&mut PlateauOptions)| {
        let mut options = PlateauOptions { mode: Better::Max, ..Default::default() };
        edit(&mut options);
        message(Plateau::new(options))
    };
    assert_eq!(refusal(|options| options.factor = 1.0), "plateau factor is 1; expected at least 0 and below 1");
    assert_eq!(refusal(|options| options.factor = f64::NAN), "plateau factor is NaN; expected at least 0 and below 1");
    assert_eq!(
        refusal(|options| options.threshold = -1.0),
        "plateau threshold is -1; expected a finite number, 0 or above"
    );
    assert_eq!(refusal(|options| options.min_lr = -1.0), "plateau min_lr is -1; expected a finite number, 0 or above");
    assert_eq!(refusal(|options| options.eps = f64::NAN), "plateau eps is NaN; expected a finite number, 0 or above");
}

//! What is refused, in whole sentences.

use super::{study, study_with};
use std::sync::Arc;
use wane_autodiff::Error;
use wane_search::pruners::{
    HyperbandOptions, HyperbandPruner, MedianPruner, PercentileOptions, PercentilePruner, SuccessiveHalvingOptions,
    SuccessiveHalvingPruner,
};
use wane_search::samplers::GridSampler;
use wane_search::storage::{InMemory, Operation, Storage};
use wane_search::{Choice, Direction, Distribution, OptimizeOptions, Study, StudyOptions, TrialState};

fn text<T>(result: Result<T, Error>) -> String {
    result.map(|_| "accepted").unwrap_err().to_string()
}

#[test]
fn distributions_are_refused_by_what_is_wrong() {
    let (nan, infinite) = (f64::NAN, f64::INFINITY);
    let cases = [
        (Distribution::float(nan, 1.0), "low is NaN; expected a finite number"),
        (Distribution::float(0.0, infinite), "high is inf; expected a finite number"),
        (Distribution::float(2.0, 1.0), "low is 2; expected at most high, 1"),
        (Distribution::float_log(0.0, 1.0), "low is 0; expected a number above 0, for it has a logarithm"),
        (Distribution::float_step(0.0, 1.0, 0.0), "step is 0; expected a finite number above 0"),
        (Distribution::float_step(0.0, 1.0, nan), "step is NaN; expected a finite number above 0"),
        (
            Distribution::Float { low: 1.0, high: 2.0, log: true, step: Some(0.5) }.checked(),
            "step is 0.5; expected none, with log",
        ),
        (Distribution::int(3, 2), "low is 3; expected at most high, 2"),
        (Distribution::int(0, i64::MAX), "high is 9223372036854775807; expected within ±2^53"),
        (Distribution::int_log(0, 4), "low is 0; expected at least 1, for it has a logarithm"),
        (Distribution::int_step(0, 4, -1), "step is -1; expected at least 1"),
        (Distribution::Int { low: 1, high: 2, log: true, step: 2 }.checked(), "step is 2; expected 1, with log"),
        (Distribution::categorical([0; 0]), "number of choices is 0; expected at least 1"),
    ];
    for (result, message) in cases {
        assert_eq!(text(result), message);
    }
}

#[test]
fn a_suggestion_is_refused_by_its_name() {
    let study = study();
    study.optimize(1, |trial| Ok(trial.suggest_float("x", 0.0..=1.0)?)).unwrap();
    let mut trial = study.ask().unwrap();
    let like = "expected one like float 0..=1, as it was in this study before";
    assert_eq!(text(trial.suggest_int("x", 0..=4)), format!("x: distribution is int 0..=4; {like}"));
    assert_eq!(
        text(trial.suggest_float_log("x", 0.5..=1.0)),
        format!("x: distribution is float 0.5..=1 by log; {like}")
    );
    assert_eq!(text(trial.suggest_float("x", 1.0..=0.0)), "x: low is 1; expected at most high, 0");
    trial.suggest_categorical("kind", &["a", "b"]).unwrap();
    let message =
        r#"kind: distribution is one of "a", "c"; expected one like one of "a", "b", as it was in this study before"#;
    assert_eq!(text(trial.suggest_categorical("kind", &["a", "c"])), message);
    trial.report(3, 1.0).unwrap();
    trial.report(3, 2.0).unwrap();
    assert_eq!(trial.record().last_intermediate(), Some((3, 1.0)));
    study.tell(trial.number(), 1.0).unwrap();
    let finished = "trial 1 is complete; expected running or waiting: a finished trial doesn't change";
    assert_eq!(text(trial.suggest_float("y", 0.0..=1.0)), finished);
    assert_eq!([text(trial.report(4, 1.0)), text(trial.set_user_attr("a", 1))], [finished, finished]);
}

#[test]
fn what_comes_from_the_queue_must_fit() {
    let study = study();
    let twice = [("x", Choice::Int(1)), ("x", Choice::Int(2))];
    assert_eq!(text(study.enqueue(twice)), r#"params is "x", twice; expected every name once"#);
    assert_eq!(text(study.enqueue([("x", f64::NAN.into())])), "x: value is NaN; expected a finite number");
    study.enqueue([("x", "big".into()), ("log", 0.into()), ("kind", "c".into())]).unwrap();
    let mut trial = study.ask().unwrap();
    assert_eq!(text(trial.suggest_float("x", 0.0..=1.0)), r#"x: value is "big"; expected a number"#);
    assert_eq!(text(trial.suggest_int_log("log", 1..=3)), "log: value is 0; expected a number above 0");
    let message = r#"kind: value is "c"; expected one of "a", "b""#;
    assert_eq!(text(trial.suggest_categorical("kind", &["a", "b"])), message);
}

#[test]
fn a_study_is_refused_by_what_does_not_fit() {
    let storage = Arc::new(InMemory::new());
    let options = StudyOptions { name: "ridge".into(), storage: storage.clone(), ..Default::default() };
    let study = Study::create(options.clone()).unwrap();
    let taken = r#"study: name is "ridge"; expected a name that no study of the storage has yet"#;
    assert_eq!(text(Study::create(options.clone())), taken);
    let maximize = StudyOptions { direction: Direction::Maximize, load_if_exists: true, ..options };
    let message = r#"direction is Maximize; expected [Minimize], as the storage has it for the study "ridge""#;
    assert_eq!(text(Study::create(maximize)), message);
    assert_eq!(text(study.best_trial()), "number of complete trials is 0; expected at least 1 of 0");
    assert_eq!(text(study.tell(0, 1.0)), "trial is 0; expected the number of one of the study's 0 trials");
    let number = study.enqueue([]).unwrap();
    assert_eq!(text(study.tell(number, 1.0)), "trial 0 is waiting; expected running");
    let options = OptimizeOptions { n_jobs: 0, ..Default::default() };
    assert_eq!(text(study.optimize(options, |_| Ok(0.0))), "n_jobs is 0; expected at least 1");
    let fixed = Operation::SetTrialAttr {
        trial: 0,
        kind: wane_search::AttrKind::System,
        name: "fixed_params".into(),
        value: 3.into(),
    };
    storage.apply(fixed).unwrap();
    assert_eq!(text(study.ask()), "fixed_params is 3; expected an object with the value of each parameter");
    assert_eq!(study.trials().unwrap()[0].state, TrialState::Fail);
}

#[test]
fn a_storage_refuses_what_is_not_there() {
    let storage = InMemory::new();
    let create = |name: &str, directions| Operation::CreateStudy { name: name.into(), directions };
    assert_eq!(text(storage.apply(create("a", vec![]))), "number of directions is 0; expected at least 1");
    storage.apply(create("a", vec![Direction::Minimize])).unwrap();
    storage.apply(Operation::DeleteStudy { study: 0 }).unwrap();
    let no_study = "study is 0; expected the id of a study of the storage";
    assert_eq!(
        [text(storage.trials(0)), text(storage.apply(Operation::DeleteStudy { study: 0 }))],
        [no_study, no_study]
    );
    let report = Operation::SetIntermediate { trial: 4, step: 0, value: 0.0 };
    let no_trial = "trial is 4; expected the id of a trial of the storage";
    assert_eq!([text(storage.apply(report)), text(storage.trial(4))], [no_trial, no_trial]);
}

#[test]
fn pruners_are_refused_by_option() {
    let percentile = |percentile| PercentilePruner::new(percentile, PercentileOptions::default()).map(drop);
    let halving = |options| SuccessiveHalvingPruner::new(options).map(drop);
    let (asha, hyperband) = (SuccessiveHalvingOptions::default(), HyperbandOptions::default());
    let band = |options| HyperbandPruner::new(options).map(drop);
    let median = |options| MedianPruner::new(options).map(drop);
    let cases = [
        (percentile(101.0), "percentile is 101; expected from 0 to 100"),
        (percentile(f64::NAN), "percentile is NaN; expected from 0 to 100"),
        (
            median(PercentileOptions { interval_steps: 0, ..Default::default() }),
            "interval_steps is 0; expected at least 1",
        ),
        (median(PercentileOptions { n_min_trials: 0, ..Default::default() }), "n_min_trials is 0; expected at least 1"),
        (halving(SuccessiveHalvingOptions { min_resource: Some(0), ..asha }), "min_resource is 0; expected at least 1"),
        (
            halving(SuccessiveHalvingOptions { reduction_factor: 1, ..asha }),
            "reduction_factor is 1; expected at least 2",
        ),
        (
            halving(SuccessiveHalvingOptions { bootstrap_count: 2, ..asha }),
            "bootstrap_count is 2; expected 0, without min_resource",
        ),
        (band(HyperbandOptions { min_resource: 0, ..hyperband }), "min_resource is 0; expected at least 1"),
        (
            band(HyperbandOptions { min_resource: 5, max_resource: Some(4), ..hyperband }),
            "max_resource is 4; expected at least min_resource, 5",
        ),
        (band(HyperbandOptions { reduction_factor: 0, ..hyperband }), "reduction_factor is 0; expected at least 2"),
        (
            band(HyperbandOptions { bootstrap_count: 1, ..hyperband }),
            "bootstrap_count is 1; expected 0, without max_resource",
        ),
    ];
    for (result, message) in cases {
        assert_eq!(text(result), message);
    }
}

#[test]
fn grids_are_refused_by_name() {
    let new = |grid: &[(&'static str, Vec<Choice>)]| GridSampler::new(grid.to_vec());
    let one = || vec![Choice::Int(1)];
    assert_eq!(text(new(&[])), "number of names is 0; expected at least 1");
    assert_eq!(text(new(&[("a", vec![])])), "a: number of values is 0; expected at least 1");
    assert_eq!(text(new(&[("a", one()), ("a", one())])), r#"grid is "a", twice; expected every name once"#);
    let study = study_with(new(&[("a", one()), ("b", vec![9.into()])]).unwrap());
    let mut trial = study.ask().unwrap();
    let missing = r#"c: grid is without this parameter; expected one of ["a", "b"]"#;
    assert_eq!(text(trial.suggest_int("c", 0..=3)), missing);
    assert_eq!(text(trial.suggest_int("b", 0..=3)), "b: value of the grid is 9; expected one of int 0..=3");
}

//! What a trial suggests and records.

use super::{bare, study};
use serde_json::json;
use wane_search::{Choice, Distribution, Outcome, TrialState};

#[test]
fn every_kind_of_parameter_is_suggested_and_recorded() {
    let study = study();
    let mut trial = study.ask().unwrap();
    let decay = trial.suggest_float_log("decay", 1e-6..=1e-1).unwrap();
    let dropout = trial.suggest_float_step("dropout", 0.0..=0.5, 0.2).unwrap();
    let rate = trial.suggest_float("rate", -1.0..=1.0).unwrap();
    let depth = trial.suggest_int("depth", 1..=5).unwrap();
    let width = trial.suggest_int_log("width", 8..=512).unwrap();
    let batch = trial.suggest_int_step("batch", 16..=70, 16).unwrap();
    let penalty = trial.suggest_categorical("penalty", &["l1", "l2"]).unwrap();
    let fixed = trial.suggest_int("fixed", 3..=3).unwrap();
    assert!((1e-6..=1e-1).contains(&decay) && (-1.0..=1.0).contains(&rate), "{decay} {rate}");
    assert!([0.0, 0.2, 0.4].contains(&dropout) && (1..=5).contains(&depth), "{dropout} {depth}");
    assert!((8..=512).contains(&width) && [16, 32, 48, 64].contains(&batch) && fixed == 3, "{width} {batch}");
    trial.set_user_attr("note", "first").unwrap();
    let record = study.tell(trial.number(), 0.25).unwrap();
    let expected: [(&str, Choice); 8] = [
        ("batch", batch.into()),
        ("decay", decay.into()),
        ("depth", depth.into()),
        ("dropout", dropout.into()),
        ("fixed", 3.into()),
        ("penalty", penalty.into()),
        ("rate", rate.into()),
        ("width", width.into()),
    ];
    let params = study.best_params().unwrap();
    assert_eq!(params.into_iter().collect::<Vec<_>>(), expected.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(
        (record.state, record.value(), &record.user_attrs["note"]),
        (TrialState::Complete, Some(0.25), &json!("first"))
    );
    assert!(record.started <= record.completed && record.started.is_some());
}

#[test]
fn a_parameter_asked_for_again_is_the_same() {
    let study = study();
    let mut trial = study.ask().unwrap();
    let first = trial.suggest_float("x", 0.0..=1.0).unwrap();
    assert_eq!(trial.suggest_float("x", 5.0..=6.0).unwrap(), first);
    assert_eq!(trial.suggest("x", Distribution::float(0.0, 2.0).unwrap()).unwrap(), first.into());
    assert_eq!(trial.record().params.len(), 1);
}

#[test]
fn the_queue_comes_first_and_the_sampler_fills_in() {
    let study = study();
    study.enqueue([("x", 7.5.into()), ("penalty", "l2".into())]).unwrap();
    study.enqueue([("x", 2.into())]).unwrap();
    let seen = std::sync::Mutex::new(Vec::new());
    study
        .optimize(3, |trial| {
            let x = trial.suggest_float("x", 0.0..=5.0)?;
            let penalty = trial.suggest_categorical("penalty", &["l1", "l2"])?;
            seen.lock().unwrap().push((trial.number(), x, penalty));
            Ok(x)
        })
        .unwrap();
    let seen = seen.into_inner().unwrap();
    // Beyond the range, as Optuna has it.
    assert_eq!((seen[0], seen[1].0, seen[1].1), ((0, 7.5, "l2"), 1, 2.0));
    assert!(seen[2].0 == 2 && (0.0..=5.0).contains(&seen[2].1));
    assert_eq!(bare(&study)[0].system_attrs["fixed_params"], json!({"x": 7.5, "penalty": "l2"}));
}

#[test]
fn a_trial_is_told_as_optuna_does() {
    let study = study();
    let begin = |reports: &[f64]| {
        let mut trial = study.ask().unwrap();
        reports.iter().enumerate().for_each(|(step, &value)| trial.report(step as u64, value).unwrap());
        trial.number()
    };
    let infinite = f64::INFINITY;
    let cases = [
        (begin(&[]), Outcome::Value(1.0), (TrialState::Complete, Some(1.0), None)),
        (begin(&[]), Outcome::Value(infinite), (TrialState::Complete, Some(infinite), None)),
        (begin(&[2.0]), Outcome::Value(f64::NAN), (TrialState::Fail, None, Some("the value is NaN"))),
        (begin(&[2.0, 3.0]), Outcome::Pruned, (TrialState::Pruned, Some(3.0), None)),
        (begin(&[2.0, f64::NAN]), Outcome::Pruned, (TrialState::Pruned, None, None)),
        (begin(&[]), Outcome::Pruned, (TrialState::Pruned, None, None)),
        (begin(&[2.0]), Outcome::Fail("no memory".into()), (TrialState::Fail, None, Some("no memory"))),
    ];
    for (number, outcome, expected) in cases {
        let record = study.tell(number, outcome).unwrap();
        assert_eq!((record.state, record.value(), record.fail_reason()), expected, "trial {number}");
        let error = study.tell(number, 0.0).unwrap_err();
        assert_eq!(error.to_string(), format!("trial {number} is {}; expected running", record.state));
    }
}

#[test]
fn the_best_is_the_first_of_equals_in_the_direction() {
    use wane_search::{Direction, Study, StudyOptions};
    for (direction, best) in [(Direction::Minimize, 2), (Direction::Maximize, 1)] {
        let study = Study::create(StudyOptions { direction, ..Default::default() }).unwrap();
        for outcome in [Outcome::Value(2.0), 3.0.into(), 1.0.into(), 3.0.into(), 1.0.into(), Outcome::Pruned] {
            let mut trial = study.ask().unwrap();
            trial.report(0, if direction == Direction::Minimize { -9.0 } else { 9.0 }).unwrap();
            study.tell(trial.number(), outcome).unwrap();
        }
        assert_eq!(study.best_trial().unwrap().number, best);
    }
}

/// As Optuna's workers write them.
#[test]
fn a_trial_that_violates_a_constraint_is_not_the_best() {
    use wane_search::storage::{InMemory, Operation, Storage};
    use wane_search::{AttrKind, Study, StudyOptions};
    let storage = std::sync::Arc::new(InMemory::new());
    let study = Study::create(StudyOptions { storage: storage.clone(), ..Default::default() }).unwrap();
    let constraints = [
        ("constraints", serde_json::json!([-1, 0.5])),
        ("constraints:size", 2.into()),
        ("constraints", serde_json::json!([0])),
    ];
    for (value, (name, constraint)) in constraints.into_iter().enumerate() {
        let trial = study.ask().unwrap();
        let (trial, number, name) = (trial.record().id, trial.number(), name.to_owned());
        storage.apply(Operation::SetTrialAttr { trial, kind: AttrKind::System, name, value: constraint }).unwrap();
        study.tell(number, value as f64).unwrap();
    }
    let trials = study.trials().unwrap();
    assert_eq!(trials.iter().map(|trial| trial.violation()).collect::<Vec<_>>(), [0.5, 2.0, 0.0]);
    assert_eq!(study.best_trial().unwrap().number, 2);
}

//! How a study runs its objective: what it survives, where it stops, and what it goes on from.

use super::{bare, study, study_with};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wane_autodiff::Error;
use wane_search::samplers::{GridSampler, RandomSampler};
use wane_search::storage::{Applied, InMemory, Operation, Storage};
use wane_search::{OptimizeOptions, Study, StudyOptions, StudyRecord, Trial, TrialError, TrialRecord, TrialState};

fn square(trial: &mut Trial) -> Result<f64, TrialError> {
    let x = trial.suggest_float("x", -3.0..=3.0)?;
    let scale = match trial.suggest_categorical("kind", &["plain", "scaled"])? {
        "scaled" => trial.suggest_int_log("scale", 1..=100)? as f64,
        _ => 1.0,
    };
    Ok((x - 1.0).powi(2) * scale)
}

#[test]
fn a_failed_trial_keeps_its_reason_and_the_study_goes_on() {
    let study = study();
    study
        .optimize(5, |trial| match trial.number() {
            0 => Err(Error::option("alpha", -1, "at least 0").into()),
            1 => panic!("index {} is out of range", 7),
            2 => Ok(f64::NAN),
            3 => Err(TrialError::Pruned),
            _ => Ok(1.0),
        })
        .unwrap();
    let got: Vec<_> = bare(&study).iter().map(|trial| (trial.state, trial.fail_reason().map(str::to_owned))).collect();
    let failed = |reason: &str| (TrialState::Fail, Some(reason.to_owned()));
    let expected = [
        failed("alpha is -1; expected at least 0"),
        failed("panicked: index 7 is out of range"),
        failed("the value is NaN"),
        (TrialState::Pruned, None),
        (TrialState::Complete, None),
    ];
    assert_eq!(got, expected);
}

#[test]
fn the_same_seed_gives_the_same_study_and_another_one_another() {
    let run = |seed: u64, n_jobs: usize| {
        let study =
            Study::create(StudyOptions { seed, sampler: Arc::new(RandomSampler), ..Default::default() }).unwrap();
        study.optimize(OptimizeOptions { n_trials: Some(40), n_jobs, ..Default::default() }, square).unwrap();
        bare(&study)
    };
    let one = run(5, 1);
    assert_eq!(one, run(5, 1));
    // Not the ids: they are given in any order.
    let params =
        |trials: &[TrialRecord]| trials.iter().map(|trial| (trial.params.clone(), trial.value())).collect::<Vec<_>>();
    assert_eq!(params(&one), params(&run(5, 3)));
    assert_ne!(params(&one)[0], params(&run(6, 1))[0]);
    let distinct: BTreeSet<u64> = one.iter().map(|trial| trial.params["x"].internal.to_bits()).collect();
    assert_eq!(distinct.len(), 40);
}

#[test]
fn a_study_taken_up_again_goes_on_as_it_would_have() {
    let whole = study();
    whole.optimize(10, square).unwrap();
    let storage = Arc::new(InMemory::new());
    let open = || {
        let storage = storage.clone();
        Study::create(StudyOptions { storage, load_if_exists: true, ..Default::default() }).unwrap()
    };
    open().optimize(4, square).unwrap();
    open().optimize(6, square).unwrap();
    assert_eq!(bare(&open()), bare(&whole));
}

#[test]
fn a_trial_left_running_is_run_again_as_it_would_have_been() {
    let whole = study();
    whole.optimize(3, square).unwrap();
    let study = study();
    study.optimize(2, square).unwrap();
    let mut left = study.ask().unwrap();
    left.suggest_float("x", -3.0..=3.0).unwrap();
    left.set_user_attr("note", 1).unwrap();
    assert_eq!(study.requeue_running().unwrap(), [3]);
    study.optimize(1, square).unwrap();
    let (trials, expected) = (bare(&study), bare(&whole));
    assert_eq!(trials[2].fail_reason(), Some("left running"));
    assert_eq!((&trials[3].params, trials[3].value()), (&expected[2].params, expected[2].value()));
    assert_eq!(trials[3].user_attrs["note"], 1);
    assert!(study.requeue_running().unwrap().is_empty());
}

/// Killed between its two writes, or by the trial itself.
#[test]
fn a_trial_is_queued_again_once_and_three_times_at_most() {
    let storage = Arc::new(InMemory::new());
    let study = Study::create(StudyOptions { storage: storage.clone(), ..Default::default() }).unwrap();
    let enqueue = |state, history: Value| {
        let mut trial = TrialRecord::new(state);
        trial.system_attrs.insert("retry_history".into(), history);
        storage.apply(Operation::CreateTrial { study: 0, trial: trial.into() }).unwrap();
    };
    study.ask().unwrap();
    enqueue(TrialState::Waiting, json!([0]));
    enqueue(TrialState::Running, json!([7, 8, 9]));
    enqueue(TrialState::Running, json!([7, 8]));
    assert_eq!(study.requeue_running().unwrap(), [4]);
    let trials = study.trials().unwrap();
    assert!([0, 2, 3].iter().all(|&trial| trials[trial].state == TrialState::Fail));
    assert_eq!(trials[4].system_attrs["retry_history"], json!([7, 8, 3]));
}

#[test]
fn a_choice_that_json_cannot_hold_is_chosen_again() {
    let study = study();
    let choices = [f64::INFINITY, f64::NEG_INFINITY];
    let choice = study.ask().unwrap().suggest_categorical("scale", &choices).unwrap();
    assert_eq!(study.requeue_running().unwrap(), [1]);
    assert_eq!(study.ask().unwrap().suggest_categorical("scale", &choices).unwrap(), choice);
}

#[test]
fn trials_run_at_the_same_time() {
    let study = study();
    let (to_second, first) = channel();
    let (to_first, second) = channel();
    let ends = [Mutex::new((to_second, second)), Mutex::new((to_first, first))];
    let objective = |trial: &mut Trial| {
        let end = ends[trial.number()].lock().unwrap();
        end.0.send(trial.number()).unwrap();
        // Only if the other trial has begun, and could suggest something.
        trial.suggest_float("x", 0.0..=1.0)?;
        Ok(end.1.recv_timeout(Duration::from_secs(60))? as f64)
    };
    study.optimize(OptimizeOptions { n_trials: Some(2), n_jobs: 2, ..Default::default() }, objective).unwrap();
    assert_eq!(bare(&study).iter().map(TrialRecord::value).collect::<Vec<_>>(), [Some(1.0), Some(0.0)]);
}

#[test]
fn a_callback_sees_every_trial_and_can_stop() {
    let study = study();
    let seen = Mutex::new(Vec::new());
    let callback = |_: &Study, trial: &TrialRecord| {
        seen.lock().unwrap().push(trial.number);
        if trial.number == 6 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    study.optimize(OptimizeOptions { callback: Some(&callback), ..Default::default() }, square).unwrap();
    assert_eq!((seen.into_inner().unwrap(), bare(&study).len()), ((0..7).collect(), 7));
    let timeout = Some(Duration::ZERO);
    study.optimize(OptimizeOptions { timeout, ..Default::default() }, square).unwrap();
    assert_eq!(bare(&study).len(), 7);
}

#[test]
fn a_grid_is_walked_once_by_all_workers_together() {
    let storage = Arc::new(InMemory::new());
    let grid =
        || GridSampler::new([("b", vec![1.into(), 2.into(), 3.into()]), ("a", (0..20).map(Into::into).collect())]);
    let worker = || {
        let (storage, sampler) = (storage.clone(), Arc::new(grid().unwrap()));
        let study =
            Study::create(StudyOptions { storage, sampler, load_if_exists: true, ..Default::default() }).unwrap();
        let objective =
            |trial: &mut Trial| Ok((trial.suggest_int("a", 0..=19)? * 10 + trial.suggest_int("b", 0..=9)?) as f64);
        study.optimize(OptimizeOptions { n_jobs: 2, ..Default::default() }, objective).unwrap();
    };
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(worker))));
    let study = Study::create(StudyOptions { storage, load_if_exists: true, ..Default::default() }).unwrap();
    let mut values: Vec<i64> = bare(&study).iter().filter_map(TrialRecord::value).map(|value| value as i64).collect();
    values.sort_unstable();
    let expected: Vec<i64> = (0..20).flat_map(|a| (1..=3).map(move |b| a * 10 + b)).collect();
    assert_eq!(values, expected);
    let beyond = "the sampler has no parameters for another trial";
    assert!(bare(&study).iter().skip(60).all(|trial| trial.fail_reason() == Some(beyond)));
}

#[test]
fn a_sampler_that_cannot_choose_ends_the_study() {
    use std::collections::BTreeMap;
    use wane_autodiff::Rng;
    use wane_search::samplers::Sampler;
    use wane_search::{Distribution, Param, StudyView};

    #[derive(Debug)]
    struct Broken;
    impl Sampler for Broken {
        fn sample_relative(&self, _: &StudyView<'_>, _: &mut Rng) -> Result<BTreeMap<String, Param>, Error> {
            Err(Error::data("kernel", "singular", "one that is not"))
        }
        fn sample_independent(&self, _: &StudyView<'_>, _: &str, _: &Distribution, _: &mut Rng) -> Result<f64, Error> {
            Ok(0.0)
        }
    }
    let study = study_with(Broken);
    let error =
        study.optimize(OptimizeOptions { n_trials: Some(9), n_jobs: 2, ..Default::default() }, square).unwrap_err();
    assert_eq!(error.to_string(), "kernel is singular; expected one that is not");
    let trials = bare(&study);
    assert!(trials.len() <= 2 && trials.iter().all(|trial| trial.fail_reason() == Some(&error.to_string())));
}

/// Even if the objective does with something else.
#[test]
fn a_grid_without_the_parameter_ends_the_study() {
    let study = study_with(GridSampler::new([("alpha", vec![1.into(), 2.into()])]).unwrap());
    let error = study.optimize(9, |trial| Ok(trial.suggest_int("alhpa", 0..=3).unwrap_or(7) as f64)).unwrap_err();
    assert_eq!(error.to_string(), r#"grid is without this parameter; expected one of ["alpha"]"#);
    let trials = bare(&study);
    assert_eq!((trials.len(), trials[0].fail_reason()), (1, Some(error.to_string().as_str())));
}

/// A storage in which another worker fails each trial just before it is told.
#[derive(Debug)]
struct Burying(InMemory);

impl Storage for Burying {
    fn apply(&self, operation: Operation) -> Result<Applied, Error> {
        if let Operation::SetState { trial, state: TrialState::Complete, time, .. } = operation {
            self.0.apply(Operation::SetState { trial, state: TrialState::Fail, values: None, time })?;
        }
        self.0.apply(operation)
    }
    fn studies(&self) -> Result<Vec<StudyRecord>, Error> {
        self.0.studies()
    }
    fn trials(&self, study: u64) -> Result<Vec<Arc<TrialRecord>>, Error> {
        self.0.trials(study)
    }
    fn trial(&self, trial: u64) -> Result<Arc<TrialRecord>, Error> {
        self.0.trial(trial)
    }
}

#[test]
fn a_trial_that_another_worker_has_failed_does_not_end_the_study() {
    let storage = Arc::new(Burying(InMemory::new()));
    let study = Study::create(StudyOptions { storage, ..Default::default() }).unwrap();
    study.optimize(3, square).unwrap();
    assert_eq!(bare(&study).iter().map(|trial| trial.state).collect::<Vec<_>>(), [TrialState::Fail; 3]);
}

#[test]
fn the_median_stops_the_worse_half() {
    let study = study();
    let steps = AtomicUsize::new(0);
    study
        .optimize(30, |trial| {
            let x = trial.suggest_float("x", 0.0..=1.0)?;
            for step in 0..10 {
                steps.fetch_add(1, Ordering::Relaxed);
                trial.report(step, x)?;
                if trial.should_prune()? {
                    return Err(TrialError::Pruned);
                }
            }
            Ok(x)
        })
        .unwrap();
    let trials = bare(&study);
    let mut complete: Vec<f64> = Vec::new();
    for trial in &trials {
        let x = trial.params["x"].internal;
        let mut sorted = complete.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = |n: usize| (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
        let is_pruned = complete.len() >= 5 && x > middle(complete.len());
        assert_eq!(trial.state, if is_pruned { TrialState::Pruned } else { TrialState::Complete });
        assert_eq!((trial.value(), trial.intermediates.len()), (Some(x), if is_pruned { 1 } else { 10 }));
        if !is_pruned {
            complete.push(x);
        }
    }
    assert!(complete.len() < 25 && steps.into_inner() == complete.len() * 10 + (30 - complete.len()));
}

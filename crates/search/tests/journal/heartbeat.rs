//! Trials whose workers have died, and trials that only look like it.

use crate::{created, folder, state, study, trial};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use wane_search::storage::{Applied, JournalOptions, JournalStorage, Operation, Storage};
use wane_search::{AttrKind, Distribution, OptimizeOptions, Param, Study, StudyOptions, TrialRecord, TrialState};

const BEAT: Duration = Duration::from_millis(200);
const GRACE: Duration = Duration::from_millis(600);

fn open(path: &Path, heartbeat: Option<Duration>) -> JournalStorage {
    let options = JournalOptions { heartbeat, lock_grace: GRACE, max_retry: 1, ..Default::default() };
    JournalStorage::open_with(path, options).unwrap()
}

/// A trial of a worker that dies: of one that says it beats this often, and never does again.
fn dead(path: &Path, every: Option<Duration>) -> u64 {
    let storage = open(path, None);
    let trial = created(&storage, trial());
    let param = Param { distribution: Distribution::categorical(["l1", "l2"]).unwrap(), internal: 1.0 };
    storage.apply(Operation::SetParam { trial, name: "penalty".into(), param }).unwrap();
    set(&storage, trial, AttrKind::User, "note", json!("kept"));
    if let Some(every) = every {
        set(&storage, trial, AttrKind::System, "wane:heartbeat", json!({ "beat": 3, "every": every.as_secs_f64() }));
    }
    trial
}

fn set(storage: &JournalStorage, trial: u64, kind: AttrKind, name: &str, value: Value) {
    storage.apply(Operation::SetTrialAttr { trial, kind, name: name.into(), value }).unwrap();
}

/// Waits until it is so.
fn until(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < Duration::from_secs(30), "it never comes");
        sleep(BEAT / 10);
    }
}

fn waiting(storage: &JournalStorage) -> Vec<TrialRecord> {
    let trials = storage.trials(0).unwrap();
    trials.iter().filter(|trial| trial.state == TrialState::Waiting).map(|trial| (**trial).clone()).collect()
}

#[test]
fn a_trial_whose_worker_has_died_fails_and_is_queued_again_with_its_parameters() {
    let path = folder("dead").join("journal");
    let storage = open(&path, Some(BEAT));
    created(&storage, study("s"));
    let dead = dead(&path, Some(BEAT));
    let slow = self::dead(&path, None);
    created(&storage, trial());
    until(|| storage.trial(dead).unwrap().state == TrialState::Fail);
    let failed = storage.trial(dead).unwrap();
    assert_eq!(failed.fail_reason(), Some("its worker shows no sign of life"));
    let again = waiting(&storage);
    let [again] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!(again.system_attrs["fixed_params"], json!({ "penalty": "l2" }));
    assert_eq!(again.system_attrs["failed_trial"], json!(dead));
    assert_eq!(again.system_attrs["retry_history"], json!([dead]));
    assert_eq!(again.user_attrs["note"], json!("kept"));
    assert!(again.params.is_empty() && !again.system_attrs.contains_key("wane:heartbeat"));

    // A trial without a heartbeat may be a slow one of Optuna's.
    sleep(GRACE + 4 * BEAT);
    assert_eq!(storage.trial(slow).unwrap().state, TrialState::Running);
    assert_eq!(waiting(&storage).len(), 1);
}

/// What a trial is retried for may be what kills its worker.
#[test]
fn it_is_queued_again_so_often_and_no_more() {
    let path = folder("retries").join("journal");
    let storage = open(&path, Some(BEAT));
    created(&storage, study("s"));
    let first = dead(&path, Some(BEAT));
    created(&storage, trial());
    until(|| !waiting(&storage).is_empty());
    let again = waiting(&storage)[0].id;
    let other = open(&path, None);
    assert_eq!(other.apply(state(again, TrialState::Running, None)).unwrap(), Applied::Done);
    set(&other, again, AttrKind::System, "wane:heartbeat", json!({ "beat": 0, "every": BEAT.as_secs_f64() }));
    until(|| storage.trial(again).unwrap().state == TrialState::Fail);
    sleep(2 * BEAT);
    assert!(waiting(&storage).is_empty());
    assert_eq!(storage.trial(again).unwrap().system_attrs["retry_history"], json!([first]));
}

/// Whoever buried it was killed too, when its successor was written and its end was not.
#[test]
fn a_trial_that_is_queued_again_already_only_fails() {
    let path = folder("halfway").join("journal");
    let storage = open(&path, Some(BEAT));
    created(&storage, study("s"));
    let dead = dead(&path, Some(BEAT));
    let mut again = TrialRecord::new(TrialState::Waiting);
    again.system_attrs.insert("retry_history".into(), json!([dead]));
    created(&storage, Operation::CreateTrial { study: 0, trial: Box::new(again) });
    created(&storage, trial());
    until(|| storage.trial(dead).unwrap().state == TrialState::Fail);
    assert_eq!(waiting(&storage).len(), 1);
}

/// Several survivors see it at once; under the lock one of them is first.
#[test]
fn of_many_that_notice_one_queues_it_again() {
    let path = folder("many").join("journal");
    let storages: Vec<_> = (0..4).map(|_| open(&path, Some(BEAT))).collect();
    created(&storages[0], study("s"));
    let dead = dead(&path, Some(BEAT));
    for storage in &storages {
        created(storage, trial());
    }
    until(|| storages[0].trial(dead).unwrap().state == TrialState::Fail);
    sleep(4 * BEAT);
    assert_eq!(waiting(&storages[0]).len(), 1);
    assert_eq!(storages[0].trials(0).unwrap().iter().filter(|trial| trial.state == TrialState::Running).count(), 4);
}

#[test]
fn a_worker_that_is_busy_is_alive_and_one_that_claims_is_too() {
    let path = folder("busy").join("journal");
    let busy = open(&path, Some(BEAT));
    created(&busy, study("s"));
    let own = created(&busy, trial());
    let queued = TrialRecord::new(TrialState::Waiting);
    let queued = created(&busy, Operation::CreateTrial { study: 0, trial: Box::new(queued) });
    let claimer = open(&path, Some(BEAT));
    assert_eq!(claimer.apply(state(queued, TrialState::Running, None)).unwrap(), Applied::Done);
    assert_eq!(busy.apply(state(queued, TrialState::Running, None)).unwrap(), Applied::TooLate);
    sleep(GRACE + 6 * BEAT);
    for trial in [own, queued] {
        let trial = claimer.trial(trial).unwrap();
        assert_eq!(trial.state, TrialState::Running);
        let beat = trial.system_attrs["wane:heartbeat"]["beat"].as_u64().unwrap();
        assert!((2..=9).contains(&beat), "{beat}");
    }
    // Finished, it needs no sign of life, and there is no thread that writes one.
    claimer.apply(state(queued, TrialState::Complete, Some(1.0))).unwrap();
    busy.apply(state(own, TrialState::Complete, Some(1.0))).unwrap();
    let size = std::fs::metadata(&path).unwrap().len();
    sleep(3 * BEAT);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), size);
}

/// To claim a trial in vain must not put a heartbeat on it: it may be running elsewhere without one.
#[test]
fn a_claim_in_vain_leaves_no_mark() {
    let path = folder("vain").join("journal");
    let storage = open(&path, Some(BEAT));
    created(&storage, study("s"));
    let slow = dead(&path, None);
    assert_eq!(storage.apply(state(slow, TrialState::Running, None)).unwrap(), Applied::TooLate);
    assert!(!storage.trial(slow).unwrap().system_attrs.contains_key("wane:heartbeat"));
}

/// A worker on another machine may have another interval; what counts is the one it has named.
#[test]
fn a_heart_that_beats_slowly_is_given_its_time() {
    let path = folder("slowly").join("journal");
    let storage = open(&path, Some(BEAT));
    created(&storage, study("s"));
    let odd = [json!(null), json!(7), json!({ "every": 0 }), json!({ "every": -1.0 }), json!({ "every": 1e300 })];
    let slow = dead(&path, Some(100 * BEAT));
    let others = odd.map(|beat| {
        let trial = dead(&path, None);
        set(&storage, trial, AttrKind::System, "wane:heartbeat", beat);
        trial
    });
    created(&storage, trial());
    sleep(GRACE + 5 * BEAT);
    for trial in others.into_iter().chain([slow]) {
        assert_eq!(storage.trial(trial).unwrap().state, TrialState::Running);
    }
}

/// It doesn't wait for the next beat.
#[test]
fn a_storage_that_is_dropped_stops_at_once() {
    let path = folder("dropped").join("journal");
    let storage = open(&path, Some(Duration::from_secs(3600)));
    created(&storage, study("s"));
    created(&storage, trial());
    let began = Instant::now();
    drop(storage);
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// A process that was suspended goes on with the next trial, and leaves what others have made of the last as it is.
#[test]
fn a_worker_that_was_taken_for_dead_goes_on() {
    let path = folder("suspended").join("journal");
    let (storage, other) = (Arc::new(open(&path, Some(BEAT))), open(&path, None));
    let study = Study::create(StudyOptions { storage, ..Default::default() }).unwrap();
    let options = OptimizeOptions { n_trials: Some(3), progress: false, ..Default::default() };
    let run = study.optimize(options, |trial| {
        if trial.number() == 1 {
            other.apply(state(1, TrialState::Fail, None))?;
        }
        Ok(trial.suggest_float("x", 0.0..=1.0)?)
    });
    run.unwrap();
    let states: Vec<_> = study.trials().unwrap().iter().map(|trial| trial.state).collect();
    assert_eq!(states, [TrialState::Complete, TrialState::Fail, TrialState::Complete]);
}

/// For who has no trial of his own yet; those whose workers live, or show nothing, are left alone.
#[test]
fn a_process_without_a_trial_can_wait_for_the_dead() {
    let path = folder("waits").join("journal");
    let busy = open(&path, Some(BEAT));
    created(&busy, study("s"));
    let taker = open(&path, None);
    let dead = dead(&path, Some(BEAT));
    let others = [self::dead(&path, None), self::dead(&path, Some(Duration::MAX))];
    let began = Instant::now();
    assert_eq!(taker.requeue_dead().unwrap(), [dead]);
    assert!(began.elapsed() > 3 * BEAT + GRACE);
    let alive = created(&busy, trial());
    assert!(taker.requeue_dead().unwrap().is_empty());
    let is_running = |trial: &u64| taker.trial(*trial).unwrap().state == TrialState::Running;
    assert!(others.iter().chain([&alive]).all(is_running));
    assert_eq!(taker.trial(dead).unwrap().fail_reason(), Some("its worker shows no sign of life"));
    let again = waiting(&taker);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].system_attrs["retry_history"], json!([dead]));
}

//! Threads and processes that write to one journal at once.

use crate::{created, folder, state, study, trial};
use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use wane_search::storage::{Applied, JournalOptions, JournalStorage, Operation, Storage};
use wane_search::{TrialRecord, TrialState};

const JOURNAL: &str = "WANE_TEST_JOURNAL";
const TRIALS: usize = 12;
const QUEUED: u64 = 8;

/// A process that works on the journal.
fn child(path: &Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "workers::child_process", "--ignored", "--quiet"]).env(JOURNAL, path).spawn().unwrap()
}

/// Claims what it can of the queue, then creates trials, and finishes each with its number as its value.
fn work(storage: &JournalStorage) -> Vec<u64> {
    let claim =
        |trial: &u64| storage.apply(state(*trial, TrialState::Running, None)).is_ok_and(|done| done == Applied::Done);
    let mut own: Vec<u64> = (0..QUEUED).filter(claim).collect();
    own.extend((0..TRIALS).map(|_| created(storage, trial())));
    for &trial in &own {
        let number = storage.trial(trial).unwrap().number;
        storage.apply(state(trial, TrialState::Complete, Some(number as f64))).unwrap();
    }
    own
}

#[test]
#[ignore = "the process of the test below"]
fn child_process() {
    let path = PathBuf::from(env::var_os(JOURNAL).expect("only run by the other test"));
    work(&JournalStorage::open(path).unwrap());
}

/// Two processes, two storages and two threads of one: each trial and each number is one worker's.
#[test]
fn no_trial_is_lost_and_none_is_anybody_elses() {
    let path = folder("workers").join("journal");
    let storage = JournalStorage::open(&path).unwrap();
    created(&storage, study("s"));
    for _ in 0..QUEUED {
        let queued = Box::new(TrialRecord::new(TrialState::Waiting));
        created(&storage, Operation::CreateTrial { study: 0, trial: queued });
    }
    let mut children = [child(&path), child(&path)];
    let other = JournalStorage::open_with(&path, JournalOptions { heartbeat: None, ..Default::default() }).unwrap();
    let own: Vec<Vec<u64>> = thread::scope(|scope| {
        let threads = [&storage, &storage, &other].map(|storage| scope.spawn(move || work(storage)));
        threads.map(|thread| thread.join().unwrap()).into()
    });
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));

    let trials = storage.trials(0).unwrap();
    assert_eq!(trials.len(), QUEUED as usize + 5 * TRIALS);
    for (number, trial) in trials.iter().enumerate() {
        assert_eq!((trial.number, trial.state, trial.value()), (number, TrialState::Complete, Some(number as f64)));
    }
    let all: Vec<u64> = own.into_iter().flatten().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    let reopened = JournalStorage::open(&path).unwrap().trials(0).unwrap();
    assert_eq!(reopened, trials);
}

//! Studies that are shared through Optuna's journal.

mod faults;
mod heartbeat;
mod mending;
mod odd;
mod replay;
mod workers;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wane_search::storage::{Applied, JournalStorage, Operation, Storage};
use wane_search::{Direction, TrialRecord, TrialState};

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("journal-{name}"));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn study(name: &str) -> Operation {
    Operation::CreateStudy { name: name.into(), directions: vec![Direction::Minimize] }
}

/// A trial that begins now.
fn trial() -> Operation {
    let trial = TrialRecord { started: Some(SystemTime::now()), ..TrialRecord::new(TrialState::Running) };
    Operation::CreateTrial { study: 0, trial: Box::new(trial) }
}

fn state(trial: u64, state: TrialState, value: Option<f64>) -> Operation {
    Operation::SetState { trial, state, values: value.map(|value| vec![value]), time: SystemTime::now() }
}

fn created(storage: &JournalStorage, operation: Operation) -> u64 {
    match storage.apply(operation).unwrap() {
        Applied::Created(id) => id,
        other => panic!("{other:?}"),
    }
}

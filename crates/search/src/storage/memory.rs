use super::{Applied, Operation, Records, Storage};
use crate::{StudyRecord, TrialRecord};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wane_autodiff::Error;

/// A storage in memory, which ends with the process.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<Records>);

impl InMemory {
    /// Without a study.
    pub fn new() -> Self {
        Self::default()
    }

    /// An operation that panics has changed nothing, so the records of a poisoned lock are good.
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for InMemory {
    fn apply(&self, operation: Operation) -> Result<Applied, Error> {
        self.records().apply(&operation)
    }

    fn studies(&self) -> Result<Vec<StudyRecord>, Error> {
        Ok(self.records().studies().cloned().collect())
    }

    fn trials(&self, study: u64) -> Result<Vec<Arc<TrialRecord>>, Error> {
        self.records().trials(study).map(<[_]>::to_vec)
    }

    fn trial(&self, trial: u64) -> Result<Arc<TrialRecord>, Error> {
        self.records().trial(trial).cloned()
    }
}

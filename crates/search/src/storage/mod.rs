//! Where studies and their trials are kept.

mod bury;
mod memory;
mod records;

pub use crate::journal::{JournalOptions, JournalStorage, LockKind};
pub(crate) use bury::{MAX_RETRY, bury};
pub use memory::InMemory;
pub use records::Records;

use crate::{AttrKind, Direction, Param, StudyRecord, TrialRecord, TrialState};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;
use wane_autodiff::Error;

/// A place for studies and their trials, which several threads, or several processes, can share.
///
/// All that changes it is an [`Operation`], and [`Records`] says what each does: a storage only has to bring the
/// operations of everyone into one order. [`InMemory`] has a lock for that; a file that all append to is another way.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Puts an operation after all others, and applies it.
    ///
    /// # Errors
    /// What [`Records::apply`] refuses: then nothing has changed. What keeps the storage from being read or written.
    fn apply(&self, operation: Operation) -> Result<Applied, Error>;

    /// All studies, by id.
    ///
    /// # Errors
    /// What keeps the storage from being read.
    fn studies(&self) -> Result<Vec<StudyRecord>, Error>;

    /// All trials of a study, by number, as they stand now.
    ///
    /// # Errors
    /// No such study; what keeps the storage from being read.
    fn trials(&self, study: u64) -> Result<Vec<Arc<TrialRecord>>, Error>;

    /// A trial by its id, as it stands now.
    ///
    /// # Errors
    /// No such trial; what keeps the storage from being read.
    fn trial(&self, trial: u64) -> Result<Arc<TrialRecord>, Error>;
}

/// A change of a [`Storage`], one for each operation of Optuna's journal. Studies and trials are named by their ids.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// A new study, with the next id.
    CreateStudy {
        /// A name that no study has.
        name: String,
        /// At least one.
        directions: Vec<Direction>,
    },
    /// Away with a study. Its trials keep their ids.
    DeleteStudy {
        /// The study.
        study: u64,
    },
    /// An attribute of a study, in place of one with the same name.
    SetStudyAttr {
        /// The study.
        study: u64,
        /// Whose attribute.
        kind: AttrKind,
        /// The attribute's name.
        name: String,
        /// What it holds.
        value: Value,
    },
    /// A new trial, with the next id and the study's next number in place of its own.
    CreateTrial {
        /// The study.
        study: u64,
        /// All there is about the trial so far.
        trial: Box<TrialRecord>,
    },
    /// A parameter of a trial that isn't finished.
    SetParam {
        /// The trial.
        trial: u64,
        /// The parameter's name.
        name: String,
        /// The parameter; its distribution fits earlier ones of the same name.
        param: Param,
    },
    /// Where a trial that isn't finished stands now: [`Running`](TrialState::Running) claims one that is waiting.
    SetState {
        /// The trial.
        trial: u64,
        /// The new state.
        state: TrialState,
        /// Its values, if there are new ones.
        values: Option<Vec<f64>>,
        /// When it began, if it is running, or finished.
        time: SystemTime,
    },
    /// A value that a trial that isn't finished has reported.
    SetIntermediate {
        /// The trial.
        trial: u64,
        /// After which step.
        step: u64,
        /// The value, in place of one of the same step.
        value: f64,
    },
    /// An attribute of a trial that isn't finished, in place of one with the same name.
    SetTrialAttr {
        /// The trial.
        trial: u64,
        /// Whose attribute.
        kind: AttrKind,
        /// The attribute's name.
        name: String,
        /// What it holds.
        value: Value,
    },
}

/// What an [`Operation`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// There is a new study, or a new trial, with this id.
    Created(u64),
    /// It is as the operation says.
    Done,
    /// Nothing has changed: another worker had claimed the trial before.
    TooLate,
}

//! A search: its trials, and how the next one comes about.

mod ask;
mod best;
mod optimize;
mod strength;
mod trial;

pub use optimize::OptimizeOptions;
pub(crate) use strength::StrengthCurve;
pub use trial::{Outcome, Trial, TrialError};

use crate::pruners::{MedianPruner, Pruner};
use crate::samplers::{Sampler, TpeSampler};
use crate::storage::{Applied, InMemory, Operation, Storage};
use crate::{AttrKind, Attrs, Direction, TrialRecord};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use wane_autodiff::Error;

/// What a [`Study`] is.
#[derive(Clone, Debug)]
pub struct StudyOptions {
    /// Its name, which no other study of the storage has.
    pub name: String,
    /// Whether it looks for the least or the greatest value.
    pub direction: Direction,
    /// How parameters are chosen; by [`TpeSampler`] unless said otherwise, as in Optuna.
    pub sampler: Arc<dyn Sampler>,
    /// Which trials are stopped early.
    pub pruner: Arc<dyn Pruner>,
    /// Where the trials are kept.
    pub storage: Arc<dyn Storage>,
    /// What all random numbers come from. Those for a parameter of a trial depend on this, the trial's number and the
    /// parameter's name only, so that several workers with the same seed don't choose the same.
    pub seed: u64,
    /// Whether a study of this name that the storage has already is taken up again.
    pub load_if_exists: bool,
}

/// A new study in memory, for the least value.
impl Default for StudyOptions {
    fn default() -> Self {
        Self {
            name: "study".into(),
            direction: Direction::Minimize,
            sampler: Arc::new(TpeSampler::default()),
            pruner: Arc::new(MedianPruner::default()),
            storage: Arc::new(InMemory::new()),
            seed: 0,
            load_if_exists: false,
        }
    }
}

/// A search for the parameters with the best value, as Optuna's `Study`.
///
/// [`optimize`](Self::optimize) runs an objective, trial by trial; [`ask`](Self::ask) and [`tell`](Self::tell) are for
/// those who run it themselves. A clone is the same study. All that is known of it is in its storage: a study in a file
/// can be taken up again, by several processes at once.
///
/// With one worker, the same seed gives the same trials, bit for bit, and so does a study that was interrupted and taken
/// up again. With several, a trial's random numbers are still its own, but what its sampler and its pruner know of the
/// other trials depends on how far these are.
///
/// ```
/// use wane_search::{Study, StudyOptions};
///
/// let study = Study::create(StudyOptions { seed: 3, ..Default::default() })?;
/// study.enqueue([("x", 0.0.into())])?;
/// study.optimize(20, |trial| {
///     let x = trial.suggest_float("x", -3.0..=3.0)?;
///     Ok((x - 1.0).powi(2))
/// })?;
/// let best = study.best_trial()?;
/// assert!(best.value() <= Some(1.0));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Study(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: u64,
    name: String,
    direction: Direction,
    sampler: Arc<dyn Sampler>,
    pruner: Arc<dyn Pruner>,
    storage: Arc<dyn Storage>,
    seed: u64,
    /// Held while a trial is created, so that a sampler's limit holds among the threads of a process.
    asking: Mutex<()>,
}

impl Study {
    /// A new study, or one that is taken up again.
    ///
    /// # Errors
    /// A name that the storage has already, without `load_if_exists`; a study that is taken up again and has another
    /// direction, or several; what keeps the storage from being read or written.
    pub fn create(options: StudyOptions) -> Result<Self, Error> {
        let StudyOptions { name, direction, sampler, pruner, storage, seed, load_if_exists } = options;
        let known = || find(storage.as_ref(), &name, direction);
        let found = if load_if_exists { known()? } else { None };
        let id = match found {
            Some(id) => id,
            None => {
                let operation = Operation::CreateStudy { name: name.clone(), directions: vec![direction] };
                match storage.apply(operation) {
                    Ok(applied) => id_of(applied)?,
                    // Another worker may have been faster.
                    Err(error) if load_if_exists => known()?.ok_or(error)?,
                    Err(error) => return Err(error.within("study")),
                }
            }
        };
        Ok(Self(Arc::new(Inner { id, name, direction, sampler, pruner, storage, seed, asking: Mutex::new(()) })))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it looks for the least or the greatest value.
    pub fn direction(&self) -> Direction {
        self.0.direction
    }

    /// All trials as they stand now, by number.
    ///
    /// # Errors
    /// What keeps the storage from being read.
    pub fn trials(&self) -> Result<Vec<Arc<TrialRecord>>, Error> {
        self.0.storage.trials(self.0.id)
    }

    /// What its maker keeps with it.
    ///
    /// # Errors
    /// What keeps the storage from being read; a study that was deleted.
    pub fn user_attrs(&self) -> Result<Attrs, Error> {
        let study = self.0.storage.studies()?.into_iter().find(|study| study.id == self.0.id);
        let fault = || Error::parameter("study", format!("{:?}", self.0.name), "one that was not deleted");
        study.map(|study| study.user_attrs).ok_or_else(fault)
    }

    /// Keeps something with the study, in place of what had the same name.
    ///
    /// # Errors
    /// What keeps the storage from being written.
    pub fn set_user_attr(&self, name: &str, value: impl Into<Value>) -> Result<(), Error> {
        let (study, name, value) = (self.0.id, name.into(), value.into());
        self.0.storage.apply(Operation::SetStudyAttr { study, kind: AttrKind::User, name, value })?;
        Ok(())
    }

    /// A trial by its number.
    fn trial(&self, number: usize) -> Result<Arc<TrialRecord>, Error> {
        let trials = self.trials()?;
        let expected = || format!("the number of one of the study's {} trials", trials.len());
        trials.get(number).cloned().ok_or_else(|| Error::parameter("trial", number, expected()))
    }
}

/// The id of the study of this name.
fn find(storage: &dyn Storage, name: &str, direction: Direction) -> Result<Option<u64>, Error> {
    match storage.studies()?.into_iter().find(|study| study.name == name) {
        Some(study) if study.directions != [direction] => {
            let expected = format!("{:?}, as the storage has it for the study {name:?}", study.directions);
            Err(Error::option("direction", format!("{direction:?}"), expected))
        }
        found => Ok(found.map(|study| study.id)),
    }
}

/// Of what was created.
fn id_of(applied: Applied) -> Result<u64, Error> {
    match applied {
        Applied::Created(id) => Ok(id),
        Applied::Done | Applied::TooLate => {
            Err(Error::data("what the storage created", format!("{applied:?}"), "something with an id"))
        }
    }
}

use crate::storage::{Operation, Storage};
use crate::{AttrKind, Direction, TrialRecord};
use serde_json::Value;
use std::sync::Arc;
use wane_autodiff::Error;

/// A study as its sampler and its pruner see it, from one of its trials.
#[derive(Clone, Copy, Debug)]
pub struct StudyView<'a> {
    /// The study's name.
    pub study_name: &'a str,
    /// What the study looks for.
    pub direction: Direction,
    /// The trial in question, as it stands now.
    pub trial: &'a TrialRecord,
    /// The trials of the study, by number, the one in question among them, perhaps as it stood before. A sampler sees the
    /// same ones through a whole trial: those there were when it began.
    pub trials: &'a [Arc<TrialRecord>],
    /// Of a sampler with a [sequence](crate::samplers::Sampler::sequence): how many trials of it came before this one; nothing
    /// if this one has its parameters from the queue. It is this trial's alone, and the same to everyone, since trials are
    /// created in one order.
    pub rank: Option<usize>,
    /// Where the study is kept.
    pub storage: &'a dyn Storage,
}

impl StudyView<'_> {
    /// Keeps something with the trial in question, for other workers to see.
    ///
    /// # Errors
    /// Those of [`Storage::apply`].
    pub fn set_system_attr(&self, name: &str, value: Value) -> Result<(), Error> {
        let (trial, name) = (self.trial.id, name.into());
        self.storage.apply(Operation::SetTrialAttr { trial, kind: AttrKind::System, name, value })?;
        Ok(())
    }
}

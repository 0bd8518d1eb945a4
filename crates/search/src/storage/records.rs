use super::{Applied, Operation};
use crate::{AttrKind, Attrs, Direction, Distribution, StudyRecord, TrialRecord, TrialState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;
use wane_autodiff::Error;

/// Studies and trials as a sequence of operations has made them. The same operations always make the same records.
///
/// ```
/// use wane_search::storage::{Applied, Operation, Records};
/// use wane_search::{Direction, TrialRecord, TrialState};
///
/// let mut records = Records::new();
/// records.apply(&Operation::CreateStudy { name: "lambda".into(), directions: vec![Direction::Minimize] })?;
/// let trial = Box::new(TrialRecord::new(TrialState::Waiting));
/// assert_eq!(records.apply(&Operation::CreateTrial { study: 0, trial })?, Applied::Created(0));
/// let time = std::time::SystemTime::now();
/// let claim = Operation::SetState { trial: 0, state: TrialState::Running, values: None, time };
/// assert_eq!(records.apply(&claim)?, Applied::Done);
/// assert_eq!(records.apply(&claim)?, Applied::TooLate);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Records {
    studies: BTreeMap<u64, Study>,
    next_study: u64,
    /// By id.
    trials: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Study {
    record: StudyRecord,
    /// By number.
    trials: Vec<Arc<TrialRecord>>,
    /// What each parameter was first.
    distributions: BTreeMap<String, Distribution>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    study: u64,
    number: usize,
}

impl Records {
    /// Without a study.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the change that the operation says.
    ///
    /// # Errors
    /// Then nothing has changed: no study or trial with the id; a study's name that is taken; a study without directions;
    /// a trial that is finished already; a parameter whose distribution doesn't fit an earlier one of the same name in the
    /// study, or without a value in it.
    pub fn apply(&mut self, operation: &Operation) -> Result<Applied, Error> {
        let applied = self.check(operation)?;
        if applied == Applied::TooLate {
            return Ok(applied);
        }
        match operation {
            Operation::CreateStudy { name, directions } => self.create_study(name, directions),
            Operation::DeleteStudy { study } => {
                self.studies.remove(study);
            }
            Operation::SetStudyAttr { study, kind, name, value } => {
                let record = &mut self.study_mut(*study)?.record;
                set(&mut record.user_attrs, &mut record.system_attrs, *kind, (name, value));
            }
            Operation::CreateTrial { study, trial } => self.create_trial(*study, trial)?,
            Operation::SetParam { trial, name, param } => {
                let distributions = &mut self.study_mut(self.place(*trial)?.study)?.distributions;
                distributions.entry(name.clone()).or_insert_with(|| param.distribution.clone());
                self.trial_mut(*trial)?.params.insert(name.clone(), param.clone());
            }
            Operation::SetState { trial, state, values, time } => {
                set_state(self.trial_mut(*trial)?, *state, values.as_deref(), *time);
            }
            &Operation::SetIntermediate { trial, step, value } => {
                self.trial_mut(trial)?.intermediates.insert(step, value);
            }
            Operation::SetTrialAttr { trial, kind, name, value } => {
                let record = self.trial_mut(*trial)?;
                set(&mut record.user_attrs, &mut record.system_attrs, *kind, (name, value));
            }
        }
        Ok(applied)
    }

    /// What [`apply`](Self::apply) would come to. Nothing changes.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply).
    pub fn check(&self, operation: &Operation) -> Result<Applied, Error> {
        match operation {
            Operation::CreateStudy { name, directions } => {
                if self.studies().any(|study| study.name == *name) {
                    let expected = "a name that no study of the storage has yet";
                    return Err(Error::option("name", format!("{name:?}"), expected));
                }
                if directions.is_empty() {
                    return Err(Error::option("number of directions", 0, "at least 1"));
                }
                Ok(Applied::Created(self.next_study))
            }
            Operation::DeleteStudy { study } | Operation::SetStudyAttr { study, .. } => {
                self.study(*study).map(|_| Applied::Done)
            }
            Operation::CreateTrial { study, trial } => {
                for (name, param) in &trial.params {
                    param.value().map_err(|error| error.within(name))?;
                }
                self.study(*study).map(|_| Applied::Created(self.trials.len() as u64))
            }
            Operation::SetParam { trial, name, param } => {
                param.value().map_err(|error| error.within(name))?;
                self.open_trial(*trial)?;
                let first = self.study(self.place(*trial)?.study)?.distributions.get(name);
                let fits = first.map_or(Ok(()), |first| first.check_compatible(&param.distribution));
                fits.map_err(|error| error.within(name)).map(|()| Applied::Done)
            }
            Operation::SetState { trial, state, .. } => {
                let is_taken = self.open_trial(*trial)?.state == TrialState::Running && *state == TrialState::Running;
                Ok(if is_taken { Applied::TooLate } else { Applied::Done })
            }
            Operation::SetIntermediate { trial, .. } | Operation::SetTrialAttr { trial, .. } => {
                self.open_trial(*trial).map(|_| Applied::Done)
            }
        }
    }

    /// All studies, by id.
    pub fn studies(&self) -> impl Iterator<Item = &StudyRecord> {
        self.studies.values().map(|study| &study.record)
    }

    /// All trials of a study, by number.
    ///
    /// # Errors
    /// No study with the id.
    pub fn trials(&self, study: u64) -> Result<&[Arc<TrialRecord>], Error> {
        self.study(study).map(|study| study.trials.as_slice())
    }

    /// A trial by its id.
    ///
    /// # Errors
    /// No trial with the id, or its study has been deleted.
    pub fn trial(&self, trial: u64) -> Result<&Arc<TrialRecord>, Error> {
        let place = self.place(trial)?;
        let study = self.studies.get(&place.study);
        study.and_then(|study| study.trials.get(place.number)).ok_or_else(|| no_trial(trial))
    }

    fn create_study(&mut self, name: &str, directions: &[Direction]) {
        let id = self.next_study;
        self.next_study += 1;
        let record = StudyRecord {
            id,
            name: name.into(),
            directions: directions.to_vec(),
            user_attrs: Attrs::new(),
            system_attrs: Attrs::new(),
        };
        self.studies.insert(id, Study { record, trials: Vec::new(), distributions: BTreeMap::new() });
    }

    fn create_trial(&mut self, study: u64, template: &TrialRecord) -> Result<(), Error> {
        let id = self.trials.len() as u64;
        let entry = self.study_mut(study)?;
        let number = entry.trials.len();
        for (name, param) in &template.params {
            entry.distributions.entry(name.clone()).or_insert_with(|| param.distribution.clone());
        }
        entry.trials.push(Arc::new(TrialRecord { id, number, ..template.clone() }));
        self.trials.push(Place { study, number });
        Ok(())
    }

    fn study(&self, study: u64) -> Result<&Study, Error> {
        self.studies.get(&study).ok_or_else(|| no_study(study))
    }

    fn study_mut(&mut self, study: u64) -> Result<&mut Study, Error> {
        self.studies.get_mut(&study).ok_or_else(|| no_study(study))
    }

    fn place(&self, trial: u64) -> Result<Place, Error> {
        let place = usize::try_from(trial).ok().and_then(|trial| self.trials.get(trial));
        place.copied().ok_or_else(|| no_trial(trial))
    }

    /// A trial that can change.
    fn open_trial(&self, trial: u64) -> Result<&TrialRecord, Error> {
        let record = self.trial(trial)?;
        if record.state.is_finished() {
            let expected = "running or waiting: a finished trial doesn't change";
            return Err(Error::parameter(format!("trial {}", record.number), record.state, expected));
        }
        Ok(record)
    }

    fn trial_mut(&mut self, trial: u64) -> Result<&mut TrialRecord, Error> {
        let place = self.place(trial)?;
        let study = self.studies.get_mut(&place.study);
        let record = study.and_then(|study| study.trials.get_mut(place.number)).ok_or_else(|| no_trial(trial))?;
        Ok(Arc::make_mut(record))
    }
}

fn set_state(trial: &mut TrialRecord, state: TrialState, values: Option<&[f64]>, time: SystemTime) {
    if state == TrialState::Running {
        trial.started = Some(time);
    }
    if state.is_finished() {
        trial.completed = Some(time);
    }
    trial.state = state;
    if let Some(values) = values {
        trial.values = Some(values.to_vec());
    }
}

fn set(user: &mut Attrs, system: &mut Attrs, kind: AttrKind, (name, value): (&str, &Value)) {
    let attrs = match kind {
        AttrKind::User => user,
        AttrKind::System => system,
    };
    attrs.insert(name.into(), value.clone());
}

fn no_study(study: u64) -> Error {
    Error::parameter("study", study, "the id of a study of the storage")
}

fn no_trial(trial: u64) -> Error {
    Error::parameter("trial", trial, "the id of a trial of the storage")
}

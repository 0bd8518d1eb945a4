use super::{Outcome, Study, Trial, id_of};
use crate::record::{FAIL_REASON, FIXED_PARAMS, SEQUENCE};
use crate::samplers::Sequence;
use crate::storage::{Applied, MAX_RETRY, Operation, bury};
use crate::{AttrKind, Choice, TrialRecord, TrialState};
use serde_json::{Map, Value};
use std::cmp::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;
use wane_autodiff::Error;

impl Study {
    /// The next trial: the first that is waiting, or a new one. Whoever asks runs it and [tells](Self::tell) how it went.
    ///
    /// # Errors
    /// A sampler that has no parameters for another trial; what keeps the storage from being read or written.
    pub fn ask(&self) -> Result<Trial, Error> {
        let fault = || {
            let limit = self.0.sampler.sequence().map_or(0, |sequence| sequence.len);
            Error::option(
                "number of trials",
                format!("more than {limit}"),
                "no more than the sampler has parameters for",
            )
        };
        self.next_trial()?.ok_or_else(fault)
    }

    /// How a running trial went, by its number: a value, or what an [`Outcome`] says. Then it doesn't change any more.
    ///
    /// NaN is no value: the trial fails. A pruned trial has the last value it has reported, unless that is NaN.
    ///
    /// # Errors
    /// A trial that isn't running; what keeps the storage from being read or written.
    ///
    /// ```
    /// use wane_search::{Outcome, Study, StudyOptions, TrialState};
    ///
    /// let study = Study::create(StudyOptions::default())?;
    /// let mut trial = study.ask()?;
    /// let x = trial.suggest_float("x", -1.0..=1.0)?;
    /// study.tell(trial.number(), x * x)?;
    ///
    /// let mut trial = study.ask()?;
    /// trial.report(0, 3.0)?;
    /// let record = study.tell(trial.number(), Outcome::Pruned)?;
    /// assert_eq!((record.state, record.value()), (TrialState::Pruned, Some(3.0)));
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    pub fn tell(&self, number: usize, outcome: impl Into<Outcome>) -> Result<Arc<TrialRecord>, Error> {
        self.finish(&*self.trial(number)?, outcome.into())
    }

    /// As [`tell`](Self::tell) of the trial as it stands now.
    pub(super) fn finish(&self, trial: &TrialRecord, outcome: Outcome) -> Result<Arc<TrialRecord>, Error> {
        if trial.state != TrialState::Running {
            return Err(Error::parameter(format!("trial {}", trial.number), trial.state, "running"));
        }
        let (state, values) = match outcome {
            Outcome::Value(value) if value.is_nan() => {
                self.set_fail_reason(trial.id, "the value is NaN")?;
                (TrialState::Fail, None)
            }
            Outcome::Value(value) => (TrialState::Complete, Some(vec![value])),
            Outcome::Pruned => {
                let last = trial.last_intermediate().filter(|(_, value)| !value.is_nan());
                (TrialState::Pruned, last.map(|(_, value)| vec![value]))
            }
            Outcome::Fail(reason) => {
                self.set_fail_reason(trial.id, &reason)?;
                (TrialState::Fail, None)
            }
        };
        let time = SystemTime::now();
        self.0.storage.apply(Operation::SetState { trial: trial.id, state, values, time })?;
        self.0.storage.trial(trial.id)
    }

    /// Puts a trial with these parameters into the queue, and gives its number. The sampler chooses those that are
    /// missing. A number outside the range that the objective asks for is used all the same.
    ///
    /// # Errors
    /// A parameter that is twice there, or not finite; what keeps the storage from being read or written.
    pub fn enqueue<'a>(&self, params: impl IntoIterator<Item = (&'a str, Choice)>) -> Result<usize, Error> {
        let mut fixed = Map::new();
        for (name, value) in params {
            let value = value.to_json().map_err(|error| error.within(name))?;
            if fixed.insert(name.into(), value).is_some() {
                return Err(Error::parameter("params", format!("{name:?}, twice"), "every name once"));
            }
        }
        let mut trial = TrialRecord::new(TrialState::Waiting);
        trial.system_attrs.insert(FIXED_PARAMS.into(), fixed.into());
        let id = self.create_trial(trial)?;
        Ok(self.0.storage.trial(id)?.number)
    }

    /// Puts every trial that is said to run into the queue again, and gives their new numbers: for trials that a process
    /// left behind when it ended, while **no other process works on the study**. (With others at work there is
    /// [`JournalStorage::requeue_dead`](crate::storage::JournalStorage::requeue_dead).) The trial that was left fails. Its
    /// successor has the parameters it had, and then chooses as it would have. One that was queued again three times
    /// already only fails: it may be what its process ends of.
    ///
    /// # Errors
    /// What keeps the storage from being read or written.
    pub fn requeue_running(&self) -> Result<Vec<usize>, Error> {
        let trials = self.trials()?;
        let mut numbers = Vec::new();
        for left in trials.iter().filter(|trial| trial.state == TrialState::Running) {
            for operation in bury(self.0.id, left, &trials, MAX_RETRY, "left running") {
                if let Applied::Created(id) = self.0.storage.apply(operation)? {
                    numbers.push(self.0.storage.trial(id)?.number);
                }
            }
        }
        Ok(numbers)
    }

    /// The next trial, if the sampler has parameters for one.
    pub(super) fn next_trial(&self) -> Result<Option<Trial>, Error> {
        let asking = self.0.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let trials = self.trials()?;
        for waiting in trials.iter().filter(|trial| trial.state == TrialState::Waiting) {
            if self.claim(waiting.id)? {
                let id = waiting.id;
                return self.begin(id, trials);
            }
        }
        let mut trial = TrialRecord::new(TrialState::Running);
        trial.started = Some(SystemTime::now());
        if let Some(sequence) = self.0.sampler.sequence() {
            if trials.iter().filter(|trial| is_of(trial, &sequence)).count() >= sequence.len {
                return Ok(None);
            }
            trial.system_attrs.insert(SEQUENCE.into(), sequence.name.into());
        }
        let id = self.create_trial(trial)?;
        drop(asking);
        self.begin(id, trials)
    }

    /// Whether the waiting trial is now this worker's.
    fn claim(&self, trial: u64) -> Result<bool, Error> {
        let time = SystemTime::now();
        match self.0.storage.apply(Operation::SetState { trial, state: TrialState::Running, values: None, time }) {
            Ok(applied) => Ok(applied != Applied::TooLate),
            // Another worker may have claimed and finished it.
            Err(_) if self.0.storage.trial(trial)?.state != TrialState::Waiting => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The trial, unless other processes have taken all that the sampler has parameters for. `trials` are those of a
    /// moment ago.
    fn begin(&self, id: u64, mut trials: Vec<Arc<TrialRecord>>) -> Result<Option<Trial>, Error> {
        let record = self.0.storage.trial(id)?;
        match record.number.cmp(&trials.len()) {
            Ordering::Less => trials[record.number] = record.clone(),
            Ordering::Equal => trials.push(record.clone()),
            Ordering::Greater => trials = self.trials()?,
        }
        let sequence = self.0.sampler.sequence();
        let rank = sequence.as_ref().and_then(|sequence| rank(&record, &trials, sequence));
        if sequence.zip(rank).is_some_and(|(sequence, rank)| rank >= sequence.len) {
            self.finish(&record, Outcome::Fail("the sampler has no parameters for another trial".into()))?;
            return Ok(None);
        }
        match Trial::begin(self.clone(), &record, rank, trials) {
            Ok(trial) => Ok(Some(trial)),
            Err(error) => {
                self.finish(&record, Outcome::Fail(error.to_string()))?;
                Err(error)
            }
        }
    }

    fn create_trial(&self, trial: TrialRecord) -> Result<u64, Error> {
        id_of(self.0.storage.apply(Operation::CreateTrial { study: self.0.id, trial: Box::new(trial) })?)
    }

    fn set_fail_reason(&self, trial: u64, reason: &str) -> Result<(), Error> {
        let (kind, name, value) = (AttrKind::System, FAIL_REASON.into(), reason.into());
        self.0.storage.apply(Operation::SetTrialAttr { trial, kind, name, value })?;
        Ok(())
    }
}

/// As [`StudyView::rank`](crate::StudyView::rank).
fn rank(record: &TrialRecord, trials: &[Arc<TrialRecord>], sequence: &Sequence) -> Option<usize> {
    let origin = record.origin();
    let first = if origin == record.number { record } else { trials.get(origin)? };
    is_of(first, sequence).then(|| trials.iter().take(origin).filter(|trial| is_of(trial, sequence)).count())
}

/// Whether one of the sequence's points is the trial's.
fn is_of(trial: &TrialRecord, sequence: &Sequence) -> bool {
    let mark = trial.system_attrs.get(SEQUENCE).and_then(Value::as_str);
    !trial.is_enqueued() && mark == Some(sequence.name.as_str())
}

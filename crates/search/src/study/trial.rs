use super::Study;
use crate::cv::mean;
use crate::record::{FIXED_PARAMS, FOLD_VALUES};
use crate::storage::Operation;
use crate::{AttrKind, Choice, Distribution, Param, StudyView, TrialRecord};
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use wane_autodiff::{Error, ErrorKind, Rng, number};

/// How a trial went.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It has this value.
    Value(f64),
    /// It was stopped early.
    Pruned,
    /// It has no value, for this reason, which [`TrialRecord::fail_reason`] gives.
    Fail(String),
}

impl From<f64> for Outcome {
    fn from(value: f64) -> Self {
        Self::Value(value)
    }
}

/// Why an objective has no value. What implements [`std::error::Error`] becomes this with `?`, and an error in a box
/// by [`failed`](Self::failed).
#[derive(Debug)]
pub enum TrialError {
    /// It was stopped early.
    Pruned,
    /// Something went wrong.
    Failed(Box<dyn StdError + Send + Sync>),
}

impl<E: StdError + Send + Sync + 'static> From<E> for TrialError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl TrialError {
    /// Something went wrong: an error in a box (`anyhow`'s too), or what becomes one, as a text does.
    ///
    /// ```
    /// use wane_search::{Study, StudyOptions, TrialError};
    ///
    /// fn train(_: f64) -> Result<f64, Box<dyn std::error::Error + Send + Sync>> {
    ///     Err("out of paper".into())
    /// }
    /// let study = Study::create(StudyOptions::default())?;
    /// study.optimize(1, |trial| train(trial.suggest_float("x", 0.0..=1.0)?).map_err(TrialError::failed))?;
    /// assert_eq!(study.trials()?[0].fail_reason(), Some("out of paper"));
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    pub fn failed(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

impl fmt::Display for TrialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pruned => f.write_str("pruned"),
            Self::Failed(error) => {
                write!(f, "{error}")?;
                let mut source = error.source();
                while let Some(error) = source {
                    write!(f, ": {error}")?;
                    source = error.source();
                }
                Ok(())
            }
        }
    }
}

/// A trial that runs: what an objective gets its parameters from, and reports to.
///
/// The space of a study is what its objectives ask for: which parameters there are may depend on the values of others.
///
/// ```
/// use wane_search::{Study, StudyOptions, TrialError};
///
/// let study = Study::create(StudyOptions::default())?;
/// study.optimize(5, |trial| {
///     let decay = trial.suggest_float_log("decay", 1e-6..=1e-1)?;
///     let depth = trial.suggest_int("depth", 1..=3)?;
///     let l1 = match trial.suggest_categorical("penalty", &["l2", "elastic"])? {
///         "elastic" => trial.suggest_float("l1_ratio", 0.1..=1.0)?,
///         _ => 0.0,
///     };
///     let mut loss = 1.0;
///     for epoch in 0..10 {
///         loss *= 1.0 - 0.1 * decay - 0.01 * l1 * depth as f64;
///         trial.report(epoch, loss)?;
///         if trial.should_prune()? {
///             return Err(TrialError::Pruned);
///         }
///     }
///     Ok(loss)
/// })?;
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Debug)]
pub struct Trial {
    study: Study,
    record: TrialRecord,
    rank: Option<usize>,
    /// Whether its parameters, or those of the trial that it is run for again, come from the queue.
    is_queued: bool,
    /// What the sampler sees.
    trials: Vec<Arc<TrialRecord>>,
    fixed: Map<String, Value>,
    /// What the sampler has chosen together, once a parameter has been asked for that is not fixed.
    relative: Option<BTreeMap<String, Param>>,
    /// Why the sampler could not choose, whatever the objective makes of it.
    fault: Option<Error>,
}

impl Trial {
    pub(super) fn begin(
        study: Study,
        record: &TrialRecord,
        rank: Option<usize>,
        trials: Vec<Arc<TrialRecord>>,
    ) -> Result<Self, Error> {
        let fixed = match record.system_attrs.get(FIXED_PARAMS) {
            None => Map::new(),
            Some(Value::Object(fixed)) => fixed.clone(),
            Some(other) => return Err(Error::data(FIXED_PARAMS, other, "an object with the value of each parameter")),
        };
        let is_queued = trials.get(record.origin()).is_some_and(|first| first.is_enqueued());
        Ok(Self { study, record: record.clone(), rank, is_queued, trials, fixed, relative: None, fault: None })
    }

    /// Why the sampler could not choose a parameter, if so.
    pub(super) fn take_fault(&mut self) -> Option<Error> {
        self.fault.take()
    }

    /// Its number among the trials of its study, from 0.
    pub fn number(&self) -> usize {
        self.record.number
    }

    /// What is known of it so far.
    pub fn record(&self) -> &TrialRecord {
        &self.record
    }

    /// A number of the range.
    ///
    /// # Errors
    /// Those of [`suggest`](Self::suggest) and of [`Distribution::float`].
    pub fn suggest_float(&mut self, name: &str, range: RangeInclusive<f64>) -> Result<f64, Error> {
        self.internal(name, Distribution::float(*range.start(), *range.end()))
    }

    /// A number of the range, by its logarithm.
    ///
    /// # Errors
    /// Those of [`suggest`](Self::suggest) and of [`Distribution::float_log`].
    pub fn suggest_float_log(&mut self, name: &str, range: RangeInclusive<f64>) -> Result<f64, Error> {
        self.internal(name, Distribution::float_log(*range.start(), *range.end()))
    }

    /// The start of the range, or any number of steps above it within the range.
    ///
    /// # Errors
    /// Those of [`suggest`](Self::suggest) and of [`Distribution::float_step`].
    pub fn suggest_float_step(&mut self, name: &str, range: RangeInclusive<f64>, step: f64) -> Result<f64, Error> {
        self.internal(name, Distribution::float_step(*range.start(), *range.end(), step))
    }

    /// A whole number of the range.
    ///
    /// # Errors
    /// Those of [`suggest`](Self::suggest) and of [`Distribution::int`].
    pub fn suggest_int(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<i64, Error> {
        Ok(self.internal(name, Distribution::int(*range.start(), *range.end()))? as i64)
    }

    /// A whole number of the range, by its logarithm.
    ///
    /// # Errors
    /// Those of [`suggest`](Self::suggest) and of [`Distribution::int_log`].
    pub fn suggest_int_log(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<i64, Error> {
        Ok(self.internal(name, Distribution::int_log(*range.start(), *range.end()))? as i64)
    }

    /// The start of the range, or any number of steps above it within the range.
    ///
    /// # Errors
    /// Those of [`suggest`](Self::suggest) and of [`Distribution::int_step`].
    pub fn suggest_int_step(&mut self, name: &str, range: RangeInclusive<i64>, step: i64) -> Result<i64, Error> {
        Ok(self.internal(name, Distribution::int_step(*range.start(), *range.end(), step))? as i64)
    }

    /// One of the choices.
    ///
    /// # Errors
    /// Those of [`suggest`](Self::suggest) and of [`Distribution::categorical`].
    pub fn suggest_categorical<C: Clone + Into<Choice>>(&mut self, name: &str, choices: &[C]) -> Result<C, Error> {
        let index = self.internal(name, Distribution::categorical(choices.iter().cloned()))?;
        let fault = || Error::data(name, number(index), format!("the index of one of {} choices", choices.len()));
        choices.get(index as usize).cloned().ok_or_else(fault)
    }

    /// The value of a parameter of any distribution. Asked again in the same trial, it is the same value, even if the range
    /// is another.
    ///
    /// # Errors
    /// The parameter's name before what is wrong: a distribution that isn't one; one that doesn't fit what the study had
    /// under this name ([`Distribution::check_compatible`]); a value from the queue that is none of the choices, or no
    /// number; a sampler that cannot choose; a finished trial; what keeps the storage from being written.
    pub fn suggest(&mut self, name: &str, distribution: Distribution) -> Result<Choice, Error> {
        let internal = self.internal(name, distribution.clone().checked())?;
        distribution.external(internal).map_err(|error| error.within(name))
    }

    fn internal(&mut self, name: &str, distribution: Result<Distribution, Error>) -> Result<f64, Error> {
        let within = |error: Error| error.within(name);
        let distribution = distribution.map_err(within)?;
        if let Some(param) = self.record.params.get(name) {
            param.distribution.check_compatible(&distribution).map_err(within)?;
            return Ok(param.internal);
        }
        let internal = self.choose(name, &distribution).map_err(within)?;
        let param = Param { distribution, internal };
        let (trial, name) = (self.record.id, name.to_owned());
        self.study.0.storage.apply(Operation::SetParam { trial, name: name.clone(), param: param.clone() })?;
        self.record.params.insert(name, param);
        Ok(internal)
    }

    fn choose(&mut self, name: &str, distribution: &Distribution) -> Result<f64, Error> {
        if let Some(value) = self.fixed.get(name) {
            return distribution.internal(&Choice::from_json(value));
        }
        if distribution.is_single() {
            return Ok(distribution.first());
        }
        let (seed, origin) = (self.study.0.seed, self.record.origin());
        let mut relative = match self.relative.take() {
            Some(relative) => Ok(relative),
            None => self.study.0.sampler.sample_relative(&self.view(), &mut rng(seed, origin, "")),
        };
        let known = relative.as_mut().ok().and_then(|relative| relative.get(name).cloned());
        self.relative = Some(relative.map_err(|error| self.keep(error))?);
        if let Some(param) = known {
            param.distribution.check_compatible(distribution)?;
            if distribution.contains(param.internal) {
                return Ok(param.internal);
            }
        }
        let mut rng = rng(seed, origin, name);
        let chosen = self.study.0.sampler.sample_independent(&self.view(), name, distribution, &mut rng);
        // The queue may have left out what the sampler has no value for.
        if self.is_queued { chosen } else { chosen.map_err(|error| self.keep(error)) }
    }

    /// Keeps what the sampler says for [`take_fault`](Self::take_fault), and gives the objective the same.
    fn keep(&mut self, error: Error) -> Error {
        let copy = same(&error);
        self.fault = Some(error);
        copy
    }

    /// Reports a value after a step, which need not be the step after the last one, for the pruner to see. Of a step that
    /// has been reported the first value stays, as in Optuna.
    ///
    /// # Errors
    /// A finished trial; what keeps the storage from being written.
    pub fn report(&mut self, step: u64, value: f64) -> Result<(), Error> {
        if self.record.intermediates.contains_key(&step) {
            return Ok(());
        }
        self.study.0.storage.apply(Operation::SetIntermediate { trial: self.record.id, step, value })?;
        self.record.intermediates.insert(step, value);
        Ok(())
    }

    /// Whether the study's pruner would stop the trial now. The objective then returns [`TrialError::Pruned`].
    ///
    /// # Errors
    /// What keeps the storage from being read or written.
    pub fn should_prune(&self) -> Result<bool, Error> {
        let record = self.study.0.storage.trial(self.record.id)?;
        let trials = self.study.trials()?;
        self.study.0.pruner.prune(&StudyView { trial: &record, trials: &trials, ..self.view() })
    }

    /// Keeps something with the trial, in place of what had the same name.
    ///
    /// # Errors
    /// A finished trial; what keeps the storage from being written.
    pub fn set_user_attr(&mut self, name: &str, value: impl Into<Value>) -> Result<(), Error> {
        let (trial, value) = (self.record.id, value.into());
        let operation =
            Operation::SetTrialAttr { trial, kind: AttrKind::User, name: name.into(), value: value.clone() };
        self.study.0.storage.apply(operation)?;
        self.record.user_attrs.insert(name.into(), value);
        Ok(())
    }

    /// Keeps the value of each fold of a cross-validation with the trial, and gives their mean, for the objective to return:
    /// then [`Study::one_standard_error`] and [`Study::report`] know how sure it is.
    ///
    /// # Errors
    /// No folds; a finished trial; what keeps the storage from being written.
    pub fn set_fold_values(&mut self, values: &[f64]) -> Result<f64, Error> {
        if values.is_empty() {
            return Err(Error::data("number of folds", 0, "at least 1"));
        }
        let (trial, value) = (self.record.id, Value::from(values));
        let (kind, name) = (AttrKind::System, FOLD_VALUES.into());
        self.study.0.storage.apply(Operation::SetTrialAttr { trial, kind, name, value: value.clone() })?;
        self.record.system_attrs.insert(FOLD_VALUES.into(), value);
        Ok(mean(values))
    }

    fn view(&self) -> StudyView<'_> {
        let study = &self.study.0;
        StudyView {
            study_name: &study.name,
            direction: study.direction,
            trial: &self.record,
            trials: &self.trials,
            rank: self.rank,
            storage: study.storage.as_ref(),
        }
    }
}

/// An error with the same words.
fn same(error: &Error) -> Error {
    let (field, given, expected) = (error.field(), error.given(), error.expected());
    match error.kind() {
        ErrorKind::Option => Error::option(field, given, expected),
        ErrorKind::Parameter => Error::parameter(field, given, expected),
        _ => Error::data(field, given, expected),
    }
}

/// A generator for each parameter of each trial, so that none changes with those chosen before it.
fn rng(seed: u64, trial: usize, name: &str) -> Rng {
    let word = |seed: u64| Rng::seed_from_u64(seed).random::<u64>();
    let name = crc32fast::hash(name.as_bytes()).into();
    Rng::seed_from_u64(word(seed) ^ word(trial as u64).rotate_left(21) ^ word(name).rotate_left(42))
}

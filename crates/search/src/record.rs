use crate::cv::std;
use crate::{Choice, Distribution};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;
use wane_autodiff::Error;

/// Named JSON values that go with a study or a trial.
pub type Attrs = BTreeMap<String, Value>;

/// Which of the two sets of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttrKind {
    /// Those of whoever made the study.
    User,
    /// Those of samplers, pruners and the study itself.
    System,
}

/// Whether a study looks for the least or the greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// For the least.
    #[default]
    Minimize,
    /// For the greatest.
    Maximize,
}

impl Direction {
    /// Whether `a` is a better value than `b`; NaN is better than nothing, and nothing better than it.
    pub fn is_better(self, a: f64, b: f64) -> bool {
        match self {
            Self::Minimize => a < b,
            Self::Maximize => a > b,
        }
    }
}

/// Where a trial stands. `state as u8` is Optuna's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialState {
    /// Its objective is being computed, or the process that did so has died.
    Running = 0,
    /// Finished with a value.
    Complete = 1,
    /// Stopped early since it did not look good.
    Pruned = 2,
    /// Finished without a value.
    Fail = 3,
    /// Put in the queue; the next to ask gets it.
    Waiting = 4,
}

impl TrialState {
    /// Whether nothing about the trial can change any more.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Complete | Self::Pruned | Self::Fail)
    }

    /// The state with Optuna's code.
    pub fn from_code(code: u64) -> Option<Self> {
        match code {
            0 => Some(Self::Running),
            1 => Some(Self::Complete),
            2 => Some(Self::Pruned),
            3 => Some(Self::Fail),
            4 => Some(Self::Waiting),
            _ => None,
        }
    }
}

impl fmt::Display for TrialState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Fail => "failed",
            Self::Waiting => "waiting",
        })
    }
}

/// A parameter of a trial: what it could have been, and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// What it could have been.
    pub distribution: Distribution,
    /// What it is, as [`Distribution`] represents it internally.
    pub internal: f64,
}

impl Param {
    /// The value itself.
    ///
    /// # Errors
    /// Those of [`Distribution::external`].
    pub fn value(&self) -> Result<Choice, Error> {
        self.distribution.external(self.internal)
    }
}

/// A study, as a storage holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyRecord {
    /// Its number among all studies of the storage, the deleted ones included, from 0.
    pub id: u64,
    /// Its name, which no other study of the storage has.
    pub name: String,
    /// What each of its values is wanted to be; mostly one.
    pub directions: Vec<Direction>,
    /// What its maker keeps with it.
    pub user_attrs: Attrs,
    /// What wane or Optuna keeps with it.
    pub system_attrs: Attrs,
}

/// A trial, as a storage holds it: Optuna's `FrozenTrial`.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRecord {
    /// Its number among all trials of the storage, from 0.
    pub id: u64,
    /// Its number among the trials of its study, from 0.
    pub number: usize,
    /// Where it stands.
    pub state: TrialState,
    /// Its values, one for each direction of the study; there are none if it isn't complete, or one if it was pruned
    /// after an intermediate value.
    pub values: Option<Vec<f64>>,
    /// Its parameters by name.
    pub params: BTreeMap<String, Param>,
    /// What it has reported, by step.
    pub intermediates: BTreeMap<u64, f64>,
    /// What its maker keeps with it.
    pub user_attrs: Attrs,
    /// What wane or Optuna keeps with it.
    pub system_attrs: Attrs,
    /// When it began to run.
    pub started: Option<SystemTime>,
    /// When it finished.
    pub completed: Option<SystemTime>,
}

impl TrialRecord {
    /// A trial without anything, to be put into a storage, which gives it its numbers.
    pub fn new(state: TrialState) -> Self {
        Self {
            id: 0,
            number: 0,
            state,
            values: None,
            params: BTreeMap::new(),
            intermediates: BTreeMap::new(),
            user_attrs: Attrs::new(),
            system_attrs: Attrs::new(),
            started: None,
            completed: None,
        }
    }

    /// Its value, in a study with one direction.
    pub fn value(&self) -> Option<f64> {
        match self.values.as_deref() {
            Some(&[value]) => Some(value),
            _ => None,
        }
    }

    /// The largest step it has reported a value of, and that value.
    pub fn last_intermediate(&self) -> Option<(u64, f64)> {
        self.intermediates.last_key_value().map(|(&step, &value)| (step, value))
    }

    /// Why it failed, in words, if it did so in a study of wane's.
    pub fn fail_reason(&self) -> Option<&str> {
        self.system_attrs.get(FAIL_REASON)?.as_str()
    }

    /// The values of its folds, if it [keeps](crate::Trial::set_fold_values) those of at least two, and all are finite.
    pub fn fold_values(&self) -> Option<Vec<f64>> {
        let values = self.system_attrs.get(FOLD_VALUES)?.as_array()?;
        let values = values.iter().map(|value| value.as_f64().filter(|value| value.is_finite()));
        values.collect::<Option<Vec<_>>>().filter(|values| values.len() >= 2)
    }

    /// The standard error of the mean of its [folds](Self::fold_values), taken as independent: their deviation over k − 1,
    /// by √k.
    pub fn standard_error(&self) -> Option<f64> {
        let values = self.fold_values()?;
        Some(std(&values) / (values.len() as f64 - 1.0).sqrt())
    }

    /// How far it is from what its constraints allow, 0 if it keeps to them: the sum of those above 0 (Optuna's
    /// `Trial.set_constraint`, and what its samplers' `constraints_func` gave).
    pub fn violation(&self) -> f64 {
        let listed = self.system_attrs.get(CONSTRAINTS).and_then(Value::as_array).into_iter().flatten();
        // One that is kept under its own name is in place of the one with its number in the list.
        let listed = listed.enumerate().filter(|(i, _)| !self.system_attrs.contains_key(&format!("{CONSTRAINTS}:{i}")));
        let is_named = |name: &str| name.strip_prefix(CONSTRAINTS).is_some_and(|rest| rest.starts_with(':'));
        let named = self.system_attrs.iter().filter(|(name, _)| is_named(name)).map(|(_, value)| value);
        let values = listed.map(|(_, value)| value).chain(named).filter_map(Value::as_f64);
        values.filter(|&value| value > 0.0).sum()
    }

    /// Whether its parameters came from the queue, at least in part, rather than from the sampler.
    pub fn is_enqueued(&self) -> bool {
        self.system_attrs.contains_key(FIXED_PARAMS)
    }

    /// A trial for the queue that is run in place of this one: with the parameters this one has or was to have, and what
    /// its maker keeps with it. A parameter that JSON cannot hold is chosen again, from the same random numbers.
    pub(crate) fn successor(&self) -> Self {
        let mut fixed = match self.system_attrs.get(FIXED_PARAMS) {
            Some(Value::Object(fixed)) => fixed.clone(),
            _ => Map::new(),
        };
        let held = |param: &Param| param.value().and_then(|value| value.to_json()).ok();
        fixed.extend(self.params.iter().filter_map(|(name, param)| Some((name.clone(), held(param)?))));
        let mut successor = Self::new(TrialState::Waiting);
        successor.user_attrs.clone_from(&self.user_attrs);
        successor.system_attrs.insert(FIXED_PARAMS.into(), fixed.into());
        successor.system_attrs.insert(FAILED_TRIAL.into(), self.origin().into());
        successor
    }

    /// The number of the trial whose place it takes, mostly its own.
    pub(crate) fn origin(&self) -> usize {
        let failed = self.system_attrs.get(FAILED_TRIAL).and_then(Value::as_u64);
        failed.and_then(|number| usize::try_from(number).ok()).unwrap_or(self.number)
    }
}

/// The system attribute that holds the parameters of a trial from the queue, by name.
pub(crate) const FIXED_PARAMS: &str = "fixed_params";
/// The system attribute that holds whose points the trial takes part in, of a sampler that takes one after the other.
pub(crate) const SEQUENCE: &str = "wane:sequence";
/// The system attribute that holds the value of each fold of a cross-validation.
pub(crate) const FOLD_VALUES: &str = "wane:fold_values";
/// The system attribute that holds what constraints came to, in a list; or one each, behind `:` and a name.
const CONSTRAINTS: &str = "constraints";
/// The system attribute that says why a trial failed.
pub(crate) const FAIL_REASON: &str = "fail_reason";
/// The system attribute that holds the number of the trial that this one is run for again.
const FAILED_TRIAL: &str = "failed_trial";

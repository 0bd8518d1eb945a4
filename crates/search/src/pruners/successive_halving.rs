use super::Pruner;
use crate::{Direction, StudyView, TrialRecord, TrialState};
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use wane_autodiff::Error;

/// The options of [`SuccessiveHalvingPruner`], under Optuna's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuccessiveHalvingOptions {
    /// The step of the first rung, at least 1. Without it, a hundredth of the most steps that a complete trial has reported
    /// when the pruner first needs it, at least 1; until a trial is complete, none is pruned.
    pub min_resource: Option<u64>,
    /// η: the part of the trials that a rung lets pass is one of so many, and the next rung is so many times as far; at
    /// least 2.
    pub reduction_factor: u64,
    /// How many rungs are left out at the start.
    pub min_early_stopping_rate: u32,
    /// How many trials must have reached a rung before it lets one pass. Not without `min_resource`, unless 0.
    pub bootstrap_count: usize,
}

impl Default for SuccessiveHalvingOptions {
    fn default() -> Self {
        Self { min_resource: None, reduction_factor: 4, min_early_stopping_rate: 0, bootstrap_count: 0 }
    }
}

/// Asynchronous successive halving (ASHA; Li et al. 2020, <https://arxiv.org/abs/1810.05934>), as Optuna does it.
///
/// At step min_resource·η^(rate + k), k = 0, 1, …, a trial stands on rung k. It goes on if its value there is among the
/// best n/η of the n that have come there so far, itself included, ties too; while n < η, if it is the best. A trial that
/// reaches several rungs at once is measured on each with the value of its last step. A value of NaN stops it.
///
/// The values are kept in the system attributes `completed_rung_{k}`; an infinite one, which JSON has not, as the largest
/// f64.
#[derive(Debug)]
pub struct SuccessiveHalvingPruner {
    options: SuccessiveHalvingOptions,
    min_resource: OnceLock<u64>,
}

impl SuccessiveHalvingPruner {
    /// With these options.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(options: SuccessiveHalvingOptions) -> Result<Self, Error> {
        let SuccessiveHalvingOptions { min_resource, reduction_factor, bootstrap_count, .. } = options;
        if min_resource == Some(0) {
            return Err(Error::option("min_resource", 0, "at least 1"));
        }
        check_reduction_factor(reduction_factor)?;
        if bootstrap_count > 0 && min_resource.is_none() {
            return Err(Error::option("bootstrap_count", bootstrap_count, "0, without min_resource"));
        }
        Ok(Self { options, min_resource: min_resource.map_or_else(OnceLock::new, OnceLock::from) })
    }
}

pub(super) fn check_reduction_factor(reduction_factor: u64) -> Result<(), Error> {
    if reduction_factor < 2 {
        return Err(Error::option("reduction_factor", reduction_factor, "at least 2"));
    }
    Ok(())
}

impl Pruner for SuccessiveHalvingPruner {
    fn prune(&self, view: &StudyView<'_>) -> Result<bool, Error> {
        if view.trial.intermediates.is_empty() {
            return Ok(false);
        }
        let most_steps = || most_steps(view.trials).map(|steps| (steps / 100).max(1));
        let known = self.min_resource.get().copied();
        let Some(min_resource) = known.or_else(|| most_steps().map(|steps| *self.min_resource.get_or_init(|| steps)))
        else {
            return Ok(false);
        };
        let SuccessiveHalvingOptions { reduction_factor, min_early_stopping_rate, bootstrap_count, .. } = self.options;
        Rungs { min_resource, reduction_factor, min_early_stopping_rate, bootstrap_count }.prune(view)
    }
}

/// The largest step that a complete trial has reported.
pub(super) fn most_steps(trials: &[Arc<TrialRecord>]) -> Option<u64> {
    let complete = trials.iter().filter(|trial| trial.state == TrialState::Complete);
    complete.filter_map(|trial| trial.last_intermediate()).map(|(step, _)| step).max()
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Rungs {
    pub(super) min_resource: u64,
    pub(super) reduction_factor: u64,
    pub(super) min_early_stopping_rate: u32,
    pub(super) bootstrap_count: usize,
}

impl Rungs {
    pub(super) fn prune(&self, view: &StudyView<'_>) -> Result<bool, Error> {
        let Some((step, value)) = view.trial.last_intermediate() else { return Ok(false) };
        let completed = |rung: &u32| view.trial.system_attrs.contains_key(&key(*rung));
        let mut rung = (0..).find(|rung| !completed(rung)).unwrap_or(u32::MAX);
        while self.step(rung).is_some_and(|wanted| step >= wanted) {
            if value.is_nan() {
                return Ok(true);
            }
            let value = value.clamp(f64::MIN, f64::MAX);
            let key = key(rung);
            view.set_system_attr(&key, value.into())?;
            let mut competing: Vec<f64> =
                view.trials.iter().filter_map(|trial| number(trial.system_attrs.get(&key)?)).collect();
            competing.push(value);
            if competing.len() <= self.bootstrap_count || !self.is_promoted(value, competing, view.direction) {
                return Ok(true);
            }
            rung += 1;
        }
        Ok(false)
    }

    /// Of a rung, if any trial can reach it.
    fn step(&self, rung: u32) -> Option<u64> {
        let rungs = self.min_early_stopping_rate.checked_add(rung)?;
        self.min_resource.checked_mul(self.reduction_factor.checked_pow(rungs)?)
    }

    fn is_promoted(&self, value: f64, mut competing: Vec<f64>, direction: Direction) -> bool {
        let passing = (competing.len() as u64 / self.reduction_factor).max(1) as usize;
        competing.sort_by(f64::total_cmp);
        match direction {
            Direction::Minimize => value <= competing[passing - 1],
            Direction::Maximize => value >= competing[competing.len() - passing],
        }
    }
}

fn key(rung: u32) -> String {
    format!("completed_rung_{rung}")
}

/// A finite number as the rungs keep it, whoever wrote it.
fn number(value: &Value) -> Option<f64> {
    let value = match value {
        Value::String(text) => text.parse().ok()?,
        other => other.as_f64()?,
    };
    (!value.is_nan()).then(|| value.clamp(f64::MIN, f64::MAX))
}

//! `pruner` files: a table of intermediate values, and when each of its trials was pruned.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::tensor::{not_empty, same_length};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use wane_search::pruners::{
    HyperbandOptions, HyperbandPruner, MedianPruner, PercentileOptions, PercentilePruner, Pruner,
    SuccessiveHalvingOptions, SuccessiveHalvingPruner,
};
use wane_search::{Direction, Outcome, Study, StudyOptions};

#[derive(Debug, Deserialize)]
struct Table {
    /// A row a trial; null is NaN.
    table: Vec<Vec<Option<f64>>>,
    pruned_at_step: Vec<Option<u64>>,
    arguments: Arguments,
    #[serde(default)]
    direction: Wanted,
    study_name: Option<String>,
    /// Of a row's values; 0, 1, 2, … without it.
    steps: Option<Vec<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    #[default]
    Minimize,
    Maximize,
}

/// A pruner, known by its arguments. Where they are not given they are Optuna's defaults.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    percentile: Option<f64>,
    n_startup_trials: Option<usize>,
    n_warmup_steps: Option<u64>,
    interval_steps: Option<u64>,
    n_min_trials: Option<usize>,
    min_resource: Option<Resource>,
    max_resource: Option<Resource>,
    reduction_factor: Option<u64>,
    min_early_stopping_rate: Option<u32>,
    bootstrap_count: Option<usize>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Resource {
    Steps(u64),
    Auto(Auto),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Auto {
    Auto,
}

impl Resource {
    fn steps(self) -> Option<u64> {
        match self {
            Self::Steps(steps) => Some(steps),
            Self::Auto(Auto::Auto) => None,
        }
    }
}

impl Arguments {
    fn pruner(&self) -> Result<Arc<dyn Pruner>, Failure> {
        let bootstrap_count = self.bootstrap_count.unwrap_or(0);
        if let Some(max_resource) = self.max_resource {
            let min_resource = self.min_resource.and_then(Resource::steps).unwrap_or(1);
            let (max_resource, reduction_factor) = (max_resource.steps(), self.reduction_factor.unwrap_or(3));
            let options = HyperbandOptions { min_resource, max_resource, reduction_factor, bootstrap_count };
            return Ok(Arc::new(HyperbandPruner::new(options)?));
        }
        if let Some(reduction_factor) = self.reduction_factor {
            let min_resource = self.min_resource.and_then(Resource::steps);
            let min_early_stopping_rate = self.min_early_stopping_rate.unwrap_or(0);
            let options =
                SuccessiveHalvingOptions { min_resource, reduction_factor, min_early_stopping_rate, bootstrap_count };
            return Ok(Arc::new(SuccessiveHalvingPruner::new(options)?));
        }
        let default = PercentileOptions::default();
        let options = PercentileOptions {
            n_startup_trials: self.n_startup_trials.unwrap_or(default.n_startup_trials),
            n_warmup_steps: self.n_warmup_steps.unwrap_or(default.n_warmup_steps),
            interval_steps: self.interval_steps.unwrap_or(default.interval_steps),
            n_min_trials: self.n_min_trials.unwrap_or(default.n_min_trials),
        };
        match self.percentile {
            Some(percentile) => Ok(Arc::new(PercentilePruner::new(percentile, options)?)),
            None => Ok(Arc::new(MedianPruner::new(options)?)),
        }
    }
}

const SAME: Tolerance = Tolerance { relative: 0.0, absolute: 0.0 };

/// A trial that was not pruned counts as step -1.
pub(crate) fn replay(file: Value) -> Result<Difference, Failure> {
    let Table { table, pruned_at_step, arguments, direction, study_name, steps } = serde_json::from_value(file)?;
    not_empty("table", &table)?;
    same_length("pruned_at_step", table.len(), pruned_at_step.len())?;
    let direction = match direction {
        Wanted::Minimize => Direction::Minimize,
        Wanted::Maximize => Direction::Maximize,
    };
    let name = study_name.unwrap_or_else(|| "study".into());
    let study = Study::create(StudyOptions { name, direction, pruner: arguments.pruner()?, ..Default::default() })?;
    let mut difference = Difference::new(SAME);
    for (row, reference) in table.iter().zip(pruned_at_step) {
        let steps = steps.clone().unwrap_or_else(|| (0..row.len() as u64).collect());
        same_length("steps", row.len(), steps.len())?;
        let mut trial = study.ask()?;
        let (mut outcome, mut pruned_at) = (Outcome::Value(f64::NAN), None);
        for (&step, value) in steps.iter().zip(row) {
            let value = value.unwrap_or(f64::NAN);
            trial.report(step, value)?;
            outcome = Outcome::Value(value);
            if trial.should_prune()? {
                (outcome, pruned_at) = (Outcome::Pruned, Some(step));
                break;
            }
        }
        study.tell(trial.number(), outcome)?;
        let number = |step: Option<u64>| step.map_or(-1.0, |step| step as f64);
        difference.add(number(pruned_at), number(reference));
    }
    Ok(difference)
}

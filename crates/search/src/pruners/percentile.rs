use super::Pruner;
use crate::{Direction, StudyView, TrialRecord, TrialState};
use std::sync::Arc;
use wane_autodiff::{Error, number};

/// The options of [`PercentilePruner`] and [`MedianPruner`], under Optuna's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PercentileOptions {
    /// Before so many trials are complete, none is pruned.
    pub n_startup_trials: usize,
    /// Before this step, no trial is pruned.
    pub n_warmup_steps: u64,
    /// How many steps there are from one check to the next, counted from the end of the warm-up, at least 1. Where the trial
    /// reports nothing at the time, the check waits until it does.
    pub interval_steps: u64,
    /// How many complete trials must have reported a value at the step, at least 1.
    pub n_min_trials: usize,
}

impl Default for PercentileOptions {
    fn default() -> Self {
        Self { n_startup_trials: 5, n_warmup_steps: 0, interval_steps: 1, n_min_trials: 1 }
    }
}

/// Stops a trial whose best value so far is worse than the percentile of the values that complete trials have reported
/// after the same step.
///
/// NaN counts for nothing; a trial with nothing else is stopped. The percentile is NumPy's, linear between two values.
#[derive(Clone, Copy, Debug)]
pub struct PercentilePruner {
    percentile: f64,
    options: PercentileOptions,
}

impl PercentilePruner {
    /// `percentile`: how much of a hundred may go on, from 0 to 100.
    ///
    /// # Errors
    /// Any other percentile; an option outside its range.
    pub fn new(percentile: f64, options: PercentileOptions) -> Result<Self, Error> {
        if !(0.0..=100.0).contains(&percentile) {
            return Err(Error::option("percentile", number(percentile), "from 0 to 100"));
        }
        let PercentileOptions { interval_steps, n_min_trials, .. } = options;
        for (field, value) in [("interval_steps", interval_steps), ("n_min_trials", n_min_trials as u64)] {
            if value == 0 {
                return Err(Error::option(field, 0, "at least 1"));
            }
        }
        Ok(Self { percentile, options })
    }

    /// Whether the trial has reported nothing yet since the time for this check came.
    fn is_due(&self, step: u64, trial: &TrialRecord) -> bool {
        let PercentileOptions { n_warmup_steps, interval_steps, .. } = self.options;
        let due = (step - n_warmup_steps) / interval_steps * interval_steps + n_warmup_steps;
        trial.intermediates.range(..step).next_back().is_none_or(|(&before, _)| before < due)
    }
}

impl Pruner for PercentilePruner {
    fn prune(&self, view: &StudyView<'_>) -> Result<bool, Error> {
        let PercentileOptions { n_startup_trials, n_warmup_steps, n_min_trials, .. } = self.options;
        let complete: Vec<_> = view.trials.iter().filter(|trial| trial.state == TrialState::Complete).collect();
        let Some((step, _)) = view.trial.last_intermediate() else { return Ok(false) };
        let is_early = complete.is_empty() || complete.len() < n_startup_trials || step < n_warmup_steps;
        if is_early || !self.is_due(step, view.trial) {
            return Ok(false);
        }
        let better = |a: f64, b: f64| if view.direction.is_better(a, b) { a } else { b };
        let own = view.trial.intermediates.values().copied().filter(|value| !value.is_nan());
        let Some(best) = own.reduce(better) else { return Ok(true) };
        let limit = self.limit(view.direction, step, &complete, n_min_trials);
        Ok(limit.is_some_and(|limit| view.direction.is_better(limit, best)))
    }
}

impl PercentilePruner {
    /// The worst value that goes on; NaN if infinite values are in the way, which stops none.
    fn limit(
        &self,
        direction: Direction,
        step: u64,
        complete: &[&Arc<TrialRecord>],
        n_min_trials: usize,
    ) -> Option<f64> {
        let mut values: Vec<f64> =
            complete.iter().filter_map(|trial| trial.intermediates.get(&step).copied()).collect();
        if values.len() < n_min_trials {
            return None;
        }
        values.retain(|value| !value.is_nan());
        values.sort_by(f64::total_cmp);
        let percentile = match direction {
            Direction::Minimize => self.percentile,
            Direction::Maximize => 100.0 - self.percentile,
        };
        let last = values.len().checked_sub(1)?;
        let place = last as f64 * (percentile / 100.0);
        let below = (place as usize).min(last);
        let (a, b) = (values[below], values[(below + 1).min(last)]);
        let part = place - below as f64;
        // From the nearer end, to the bit as NumPy.
        Some(if part >= 0.5 { b - (b - a) * (1.0 - part) } else { a + (b - a) * part })
    }
}

/// The [`PercentilePruner`] of 50: the worse half stops.
#[derive(Clone, Copy, Debug)]
pub struct MedianPruner(PercentilePruner);

impl MedianPruner {
    /// With these options.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(options: PercentileOptions) -> Result<Self, Error> {
        Ok(Self(PercentilePruner::new(50.0, options)?))
    }
}

impl Default for MedianPruner {
    fn default() -> Self {
        Self(PercentilePruner { percentile: 50.0, options: PercentileOptions::default() })
    }
}

impl Pruner for MedianPruner {
    fn prune(&self, view: &StudyView<'_>) -> Result<bool, Error> {
        self.0.prune(view)
    }
}

use super::Study;
use crate::{Choice, TrialRecord, TrialState};
use std::collections::BTreeMap;
use std::sync::Arc;
use wane_autodiff::Error;

impl Study {
    /// The complete trial with the best value, the first of equals, without those that [violate](TrialRecord::violation) a
    /// constraint.
    ///
    /// # Errors
    /// No such trial; what keeps the storage from being read.
    pub fn best_trial(&self) -> Result<Arc<TrialRecord>, Error> {
        let trials = self.trials()?;
        let fault = || Error::data("number of complete trials", 0, format!("at least 1 of {}", trials.len()));
        self.best_of(&trials).cloned().ok_or_else(fault)
    }

    /// The value of [`best_trial`](Self::best_trial).
    ///
    /// # Errors
    /// As of that.
    pub fn best_value(&self) -> Result<f64, Error> {
        let best = self.best_trial()?;
        best.value().ok_or_else(|| Error::data("number of values", best.values.iter().flatten().count(), "1"))
    }

    /// The parameters of [`best_trial`](Self::best_trial).
    ///
    /// # Errors
    /// As of that.
    pub fn best_params(&self) -> Result<BTreeMap<String, Choice>, Error> {
        let best = self.best_trial()?;
        best.params.iter().map(|(name, param)| Ok((name.clone(), param.value()?))).collect()
    }

    pub(crate) fn best_of<'a>(&self, trials: &'a [Arc<TrialRecord>]) -> Option<&'a Arc<TrialRecord>> {
        let is_candidate = |trial: &&Arc<TrialRecord>| trial.state == TrialState::Complete && trial.violation() <= 0.0;
        let complete = trials.iter().filter(is_candidate);
        let valued = complete.filter_map(|trial| Some((trial, trial.value()?)));
        let better = |best: Option<(&'a Arc<TrialRecord>, f64)>, next: (&'a Arc<TrialRecord>, f64)| match best {
            Some(best) if !self.direction().is_better(next.1, best.1) => Some(best),
            _ => Some(next),
        };
        valued.fold(None, better).map(|(trial, _)| trial)
    }
}

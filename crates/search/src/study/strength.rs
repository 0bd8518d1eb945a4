use super::Study;
use crate::cv::strongest;
use crate::{Direction, TrialRecord};
use std::sync::Arc;
use wane_autodiff::Error;

/// Of trials that differ in one parameter, the strength of a penalty, what their folds say.
#[derive(Debug)]
pub(crate) struct StrengthCurve {
    pub(crate) points: Vec<StrengthPoint>,
    /// The place of the best mean, of equals that of the largest strength.
    pub(crate) best: usize,
    /// The place of the largest strength whose mean is within one standard error of the best.
    pub(crate) one_standard_error: usize,
}

#[derive(Debug)]
pub(crate) struct StrengthPoint {
    pub(crate) trial: Arc<TrialRecord>,
    pub(crate) strength: f64,
    pub(crate) mean: f64,
    pub(crate) standard_error: f64,
}

impl StrengthCurve {
    /// The complete trials that keep their folds and have the best one's parameters, all but `strength`.
    ///
    /// # Errors
    /// As of [`Study::one_standard_error`].
    pub(crate) fn of(
        trials: &[Arc<TrialRecord>],
        best: &TrialRecord,
        strength: &str,
        direction: Direction,
    ) -> Result<Self, Error> {
        let number = |trial: &TrialRecord| trial.params.get(strength)?.value().ok()?.number();
        if number(best).is_none() {
            let known = Vec::from_iter(best.params.keys());
            return Err(Error::option("strength", format!("{strength:?}"), format!("a number among {known:?}")));
        }
        let is_beside = |trial: &TrialRecord| {
            let others = |trial: &TrialRecord| {
                let others = trial.params.iter().filter(|(name, _)| *name != strength);
                Vec::from_iter(others.map(|(name, param)| (name.clone(), param.internal.to_bits())))
            };
            others(trial) == others(best)
        };
        let point = |trial: &Arc<TrialRecord>| {
            let (mean, standard_error) = (trial.value()?, trial.standard_error()?);
            Some(StrengthPoint { trial: trial.clone(), strength: number(trial)?, mean, standard_error })
        };
        let complete = trials.iter().filter(|trial| trial.state == crate::TrialState::Complete && is_beside(trial));
        let points = Vec::from_iter(complete.filter_map(point));
        let score = |point: &StrengthPoint| match direction {
            Direction::Minimize => -point.mean,
            Direction::Maximize => point.mean,
        };
        let scored = Vec::from_iter(points.iter().map(|point| [point.strength, score(point), point.standard_error]));
        let fault = || Error::data("number of trials that keep the values of their folds", 0, "at least 1");
        let (best, one_standard_error) = strongest(&scored).ok_or_else(fault)?;
        Ok(Self { points, best, one_standard_error })
    }
}

impl Study {
    /// The complete trial with the largest `strength` whose value is within one standard error of the best, among those
    /// that [keep the values of their folds](crate::Trial::set_fold_values) and have the parameters of the
    /// [best](Self::best_trial), all but `strength` (glmnet's `lambda.1se`). The error is that of the best mean; of equally
    /// good ones, of the one with the largest `strength`.
    ///
    /// The rule asks for a simpler model that is no worse as far as the folds can tell: `strength` is a penalty's.
    ///
    /// # Errors
    /// No complete trial; a parameter that the best trial doesn't have, or that isn't a number; no trial that keeps the values
    /// of at least two folds; what keeps the storage from being read.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use wane_data::Dataset;
    /// use wane_search::{CvOptions, KFold, Ridge, Study, StudyOptions, cross_validate};
    ///
    /// let x = Array2::from_shape_fn((30, 2), |(row, column)| ((3 * row + 7 * column * row) % 11) as f64);
    /// let y = Array2::from_shape_fn((30, 1), |(row, _)| 2.0 * x[(row, 0)] - x[(row, 1)] + (row * row % 7) as f64);
    /// let data = Dataset::new(x, y)?;
    /// let study = Study::create(StudyOptions::default())?;
    /// study.optimize(20, |trial| {
    ///     let alpha = trial.suggest_float_log("alpha", 1e-3..=1e3)?;
    ///     let scores = cross_validate(&Ridge { alpha }, &data, &KFold::new(5)?, &CvOptions::default())?;
    ///     let errors: Vec<f64> = scores.test_scores().iter().map(|score| -score).collect();
    ///     Ok(trial.set_fold_values(&errors)?)
    /// })?;
    /// let (best, chosen) = (study.best_trial()?, study.one_standard_error("alpha")?);
    /// assert!(chosen.params["alpha"].internal >= best.params["alpha"].internal);
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    pub fn one_standard_error(&self, strength: &str) -> Result<Arc<TrialRecord>, Error> {
        let best = self.best_trial()?;
        let mut curve = StrengthCurve::of(&self.trials()?, &best, strength, self.direction())?;
        Ok(curve.points.swap_remove(curve.one_standard_error).trial)
    }
}

mod ascent;
mod cube;
mod log_ei;
mod minimise;
mod regressor;
#[cfg(test)]
mod tests;

use super::{RandomSampler, Sampler, shared};
use crate::space::{SearchSpace, intersection};
use crate::{Direction, Distribution, Param, StudyView, TrialRecord, TrialState};
use cube::Cube;
use log_ei::LogEi;
#[cfg(test)]
pub(crate) use log_ei::log_h;
use ndarray::{Array1, Array2};
use regressor::Observed;
use std::collections::BTreeMap;
use wane_autodiff::{Error, Rng};

/// Where Optuna's `GPSampler` keeps parameters chosen together.
const SHARED: &str = "gp:relative_params";

/// The options of [`GpSampler`], under Optuna's names and with its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpOptions {
    /// How many trials have to be complete before their values are looked at; until then parameters are random.
    pub n_startup_trials: usize,
    /// Whether the same parameters always give the same value: the process then has hardly any noise.
    pub deterministic_objective: bool,
}

impl Default for GpOptions {
    fn default() -> Self {
        Self { n_startup_trials: 10, deterministic_objective: false }
    }
}

/// Bayesian optimization by a Gaussian process, with the model of Optuna 5's `GPSampler`: for costly objectives of a few
/// parameters and up to some hundred trials, since the time of a suggestion grows with the cube of their number.
///
/// The process has a Matérn kernel of smoothness 5/2 with a length for each parameter, over the unit cube: parameters with
/// `log` by their logarithm, choices only equal or different. Its lengths, scale and noise are the most likely ones under
/// Optuna's priors, given the standardised values of complete trials; an infinite value counts as the worst, or best,
/// finite one. The next trial is where the logarithm of the expected improvement (Ament et al., 2023) is largest, as found
/// by local searches from the best of 2048 evenly spread points.
///
/// Where another trial is running, its expected value counts as observed; Optuna takes the mean of the improvement over
/// 128 values that it may turn out to have. Each fit of the lengths starts anew, where Optuna's starts from the last.
/// Constraints and several objectives are left out.
///
/// Parameters that not all complete trials have in common, from one distribution, are random.
#[derive(Clone, Debug, Default)]
pub struct GpSampler {
    options: GpOptions,
}

impl GpSampler {
    /// A sampler with these options.
    pub fn new(options: GpOptions) -> Self {
        Self { options }
    }

    /// The internal values of the next point, in the order of `space`.
    fn choose(&self, view: &StudyView<'_>, space: &SearchSpace, rng: &mut Rng) -> Result<Vec<f64>, Error> {
        let cube = Cube::of(space);
        let (mut x, mut y, mut running) = (Vec::new(), Vec::new(), Vec::new());
        for trial in view.trials.iter().filter(|trial| trial.number != view.trial.number) {
            let Some(point) = shared::point(trial, space, Some(SHARED)) else { continue };
            match trial.state {
                TrialState::Complete => {
                    x.extend(cube.place(&point));
                    y.push(score(trial, view.direction));
                }
                TrialState::Running => running.extend(cube.place(&point)),
                _ => {}
            }
        }
        let rows = |values: Vec<f64>| {
            let shape = (values.len() / space.len(), space.len());
            Array2::from_shape_vec(shape, values).expect("whole rows were added")
        };
        let (x, y) = (rows(x), standardise(y));
        let best = (1..y.len()).fold(0, |best, i| if y[i] > y[best] { i } else { best });
        let (known, value) = (x.row(best).to_owned(), y[best]);
        let observed = Observed { x, y, is_categorical: cube.is_categorical() };
        let mut regressor = observed.fit(self.options.deterministic_objective)?;
        if !running.is_empty() {
            regressor = regressor.believing(&rows(running))?;
        }
        let place: Array1<f64> = ascent::ascend(&cube, &LogEi { regressor, best: value }, known, rng);
        Ok(cube.internal(&place.to_vec()))
    }
}

impl Sampler for GpSampler {
    fn sample_relative(&self, view: &StudyView<'_>, rng: &mut Rng) -> Result<BTreeMap<String, Param>, Error> {
        let is_complete = |trial: &&TrialRecord| trial.state == TrialState::Complete;
        let trials = || view.trials.iter().map(AsRef::as_ref);
        let space = intersection(trials(), &[TrialState::Complete]);
        if space.is_empty() || trials().filter(is_complete).count() < self.options.n_startup_trials {
            return Ok(BTreeMap::new());
        }
        let chosen = self.choose(view, &space, rng)?;
        let params = shared::params(space, chosen);
        shared::share(view, SHARED, &params)?;
        Ok(params)
    }

    fn sample_independent(
        &self,
        view: &StudyView<'_>,
        name: &str,
        distribution: &Distribution,
        rng: &mut Rng,
    ) -> Result<f64, Error> {
        RandomSampler.sample_independent(view, name, distribution, rng)
    }
}

/// The trial's value; larger is better.
fn score(trial: &TrialRecord, direction: Direction) -> f64 {
    let value = trial.values.as_ref().and_then(|values| values.first()).copied().unwrap_or(f64::NAN);
    match direction {
        _ if value.is_nan() => f64::NEG_INFINITY,
        Direction::Minimize => -value,
        Direction::Maximize => value,
    }
}

/// The scores with mean 0 and variance 1, infinite ones first taken for the nearest finite one.
fn standardise(mut scores: Vec<f64>) -> Vec<f64> {
    let finite = || scores.iter().copied().filter(|score| score.is_finite());
    let (low, high) = (finite().reduce(f64::min).unwrap_or(0.0), finite().reduce(f64::max).unwrap_or(0.0));
    scores.iter_mut().for_each(|score| *score = score.clamp(low, high));
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let variance = scores.iter().map(|score| (score - mean) * (score - mean)).sum::<f64>() / n;
    scores.iter().map(|score| (score - mean) / variance.sqrt().max(1e-12)).collect()
}

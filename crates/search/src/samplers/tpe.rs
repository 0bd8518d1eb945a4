use super::{RandomSampler, Sampler, shared};
use crate::parzen::{ParzenEstimator, ParzenOptions, n_below};
use crate::space::{SearchSpace, intersection};
use crate::{Direction, Distribution, Param, StudyView, TrialRecord, TrialState};
use ndarray::Array2;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use wane_autodiff::{Error, Rng};

/// Where Optuna's `TPESampler` keeps parameters chosen together.
const SHARED: &str = "tpe:relative_params";

/// The options of [`TpeSampler`], under Optuna's names and with its defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct TpeOptions {
    /// How many trials have to be complete or pruned before their values are looked at; until then parameters are random.
    pub n_startup_trials: usize,
    /// How many candidates compete, at least 1.
    pub n_ei_candidates: usize,
    /// Whether the parameters that all finished trials have in common are chosen together, by a joint density.
    pub multivariate: bool,
    /// Whether running trials count as bad ones, so that workers keep out of each other's way.
    pub constant_liar: bool,
    /// How densities are made.
    pub parzen: ParzenOptions,
}

impl Default for TpeOptions {
    fn default() -> Self {
        Self {
            n_startup_trials: 10,
            n_ei_candidates: 24,
            multivariate: true,
            constant_liar: true,
            parzen: ParzenOptions::default(),
        }
    }
}

/// The tree-structured Parzen estimator (Bergstra et al., 2011), with the densities of Optuna 5's `TPESampler`.
///
/// Of N trials that are complete or pruned the best ⌈N/10⌉, at most 25, make the density l, the others g: a
/// [`ParzenEstimator`] each. Candidates are drawn from l, and the one with the largest l/g is chosen. Complete trials are
/// ranked by value, and before pruned ones, which are ranked by how far they came, then by their last value; behind both
/// are those that [violate](TrialRecord::violation) a constraint, the least violation first. A trial has a say about the
/// parameters that it has.
///
/// Parameters that all trials have in common, from one distribution, are chosen together; others, as those of one branch of
/// a conditional space, each by itself. Optuna's `group` (the parameters of one branch together), `gamma`, `weights`,
/// `categorical_distance_func` and several objectives are left out.
///
/// ```
/// use wane_search::samplers::{TpeOptions, TpeSampler};
/// let univariate = TpeSampler::new(TpeOptions { multivariate: false, ..Default::default() })?;
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TpeSampler {
    options: TpeOptions,
}

impl TpeSampler {
    /// A sampler with these options.
    ///
    /// # Errors
    /// No candidates; a `prior_weight` below 0 or not finite.
    pub fn new(options: TpeOptions) -> Result<Self, Error> {
        if options.n_ei_candidates == 0 {
            return Err(Error::option("n_ei_candidates", 0, "at least 1"));
        }
        options.parzen.check()?;
        Ok(Self { options })
    }

    /// The densities of good trials, l, and of the others, g, over the parameters of `space`.
    ///
    /// # Errors
    /// Those of [`ParzenEstimator::new`].
    pub fn estimators(
        &self,
        view: &StudyView<'_>,
        space: &SearchSpace,
    ) -> Result<(ParzenEstimator, ParzenEstimator), Error> {
        let is_counted = |trial: &&TrialRecord| match trial.state {
            TrialState::Running => self.options.constant_liar && trial.number != view.trial.number,
            state => is_scored(state),
        };
        let trials: Vec<&TrialRecord> = view.trials.iter().map(AsRef::as_ref).filter(is_counted).collect();
        let is_good = good(&trials, view.direction);
        let (mut below, mut above) = (Vec::new(), Vec::new());
        let key = self.options.multivariate.then_some(SHARED);
        for (trial, is_good) in trials.iter().zip(is_good) {
            if let Some(point) = shared::point(trial, space, key) {
                if is_good { &mut below } else { &mut above }.extend(point);
            }
        }
        let estimator = |values: Vec<f64>| {
            let shape = (values.len() / space.len().max(1), space.len());
            let observations = Array2::from_shape_vec(shape, values).expect("whole rows were added");
            ParzenEstimator::new(space, observations.view(), &self.options.parzen)
        };
        Ok((estimator(below)?, estimator(above)?))
    }

    fn is_starting(&self, view: &StudyView<'_>) -> bool {
        view.trials.iter().filter(|trial| is_scored(trial.state)).count() < self.options.n_startup_trials
    }

    /// The best of the candidates, in the order of `space`.
    fn choose(&self, view: &StudyView<'_>, space: &SearchSpace, rng: &mut Rng) -> Result<Vec<f64>, Error> {
        let (below, above) = self.estimators(view, space)?;
        let candidates = below.sample(self.options.n_ei_candidates, rng);
        let scores = below.log_pdf(candidates.view())? - above.log_pdf(candidates.view())?;
        let mut best = 0;
        for (i, &score) in scores.iter().enumerate() {
            if score > scores[best] {
                best = i;
            }
        }
        Ok(candidates.row(best).to_vec())
    }
}

impl Sampler for TpeSampler {
    fn sample_relative(&self, view: &StudyView<'_>, rng: &mut Rng) -> Result<BTreeMap<String, Param>, Error> {
        if !self.options.multivariate || self.is_starting(view) {
            return Ok(BTreeMap::new());
        }
        let trials = view.trials.iter().map(AsRef::as_ref);
        let space = intersection(trials, &[TrialState::Complete, TrialState::Pruned]);
        if space.is_empty() {
            return Ok(BTreeMap::new());
        }
        let chosen = self.choose(view, &space, rng)?;
        let params = shared::params(space, chosen);
        if self.options.constant_liar {
            shared::share(view, SHARED, &params)?;
        }
        Ok(params)
    }

    fn sample_independent(
        &self,
        view: &StudyView<'_>,
        name: &str,
        distribution: &Distribution,
        rng: &mut Rng,
    ) -> Result<f64, Error> {
        if self.is_starting(view) {
            return RandomSampler.sample_independent(view, name, distribution, rng);
        }
        let space = SearchSpace::from([(name.to_owned(), distribution.clone())]);
        Ok(self.choose(view, &space, rng)?[0])
    }
}

fn is_scored(state: TrialState) -> bool {
    matches!(state, TrialState::Complete | TrialState::Pruned)
}

/// Which trials are among the good ones.
fn good(trials: &[&TrialRecord], direction: Direction) -> Vec<bool> {
    let mut ranked: Vec<(usize, [f64; 3])> = trials
        .iter()
        .enumerate()
        .filter(|(_, trial)| is_scored(trial.state))
        .map(|(i, trial)| (i, rank(trial, direction)))
        .collect();
    // The sort is stable: of equals the older comes first.
    ranked.sort_by(|(_, a), (_, b)| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    let mut is_good = vec![false; trials.len()];
    ranked.iter().take(n_below(ranked.len())).for_each(|&(i, _)| is_good[i] = true);
    is_good
}

/// Smaller is better, the first number before the second and so on. NaN is as bad as can be.
fn rank(trial: &TrialRecord, direction: Direction) -> [f64; 3] {
    let loss = |value: f64| match direction {
        _ if value.is_nan() => f64::INFINITY,
        Direction::Minimize => value,
        Direction::Maximize => -value,
    };
    let value = trial.values.as_ref().and_then(|values| values.first());
    let violation = trial.violation();
    if violation > 0.0 {
        return [2.0, violation, 0.0];
    }
    match (trial.state, trial.intermediates.last_key_value()) {
        (TrialState::Complete, _) => [0.0, loss(value.copied().unwrap_or(f64::NAN)), 0.0],
        (_, Some((&step, &value))) => [1.0, -(step as f64), loss(value)],
        (_, None) => [1.0, 1.0, 0.0],
    }
}

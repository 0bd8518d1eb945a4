//! Parzen estimators, the densities of TPE, with Optuna's kernels.

mod bandwidth;
mod kernels;

use crate::range::Range;
use crate::{Distribution, SearchSpace};
pub(crate) use kernels::pick;
use kernels::{Kernels, Normals, Rows};
use ndarray::{Array1, Array2, ArrayView2};
use wane_autodiff::{Error, Rng, non_negative, number};

/// How a [`ParzenEstimator`] makes kernels of observations; by default as Optuna's `TPESampler` does.
#[derive(Clone, Debug, PartialEq)]
pub struct ParzenOptions {
    /// The prior's weight beside an observation's 1: finite, 0 or above.
    pub prior_weight: f64,
    /// Whether the narrowest kernel is 1/min(100, n + 2) of the interval wide; otherwise it may be 1e-12.
    pub consider_magic_clip: bool,
    /// Whether the outermost of several observations reach to the ends of the interval.
    pub consider_endpoints: bool,
}

impl Default for ParzenOptions {
    fn default() -> Self {
        Self { prior_weight: 1.0, consider_magic_clip: true, consider_endpoints: false }
    }
}

impl ParzenOptions {
    pub(crate) fn check(&self) -> Result<(), Error> {
        non_negative("prior_weight", self.prior_weight).map(drop)
    }
}

/// A density over a search space, made of n observations (Optuna's `_ParzenEstimator`): Σᵢ wᵢ Πⱼ kᵢⱼ(xⱼ), a component an
/// observation and, last, the prior's.
///
/// A numerical parameter's kernel is a normal distribution about the observation, truncated to the parameter's interval
/// and normalised there: its density, or, of a grid with a step, the mass of the value's cell, half a step to either side.
/// A parameter with `log` has them over ln x, without the Jacobian 1/x, which a ratio of two estimators has twice. The prior
/// lies about the middle of the interval, as wide as it. A categorical kernel has `prior_weight`/(n + 1) at every choice and
/// 1 more at its own, normalised; its prior is uniform.
///
/// ```
/// use ndarray::array;
/// use wane_search::{Distribution, ParzenEstimator, ParzenOptions, SearchSpace};
///
/// let x = Distribution::Float { low: 0.0, high: 1.0, log: false, step: None };
/// let space = SearchSpace::from([("x".to_owned(), x)]);
/// let observations = array![[0.1], [0.9], [0.45], [0.4]];
/// let estimator = ParzenEstimator::new(&space, observations.view(), &ParzenOptions::default())?;
/// let log_pdf = estimator.log_pdf(array![[0.5]].view())?;
/// assert!((log_pdf[0] - 0.112111336539).abs() < 1e-12);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParzenEstimator {
    space: SearchSpace,
    weights: Vec<f64>,
    kernels: Vec<Kernels>,
}

impl ParzenEstimator {
    /// The estimator of `observations`: (observations, parameters), oldest first, in the internal representation and in the
    /// order of `space`.
    ///
    /// # Errors
    /// Options out of their range; another number of columns than parameters; an observation that its parameter cannot
    /// have: not finite, not above 0 where the parameter has `log`, or no index of a choice; a continuous parameter
    /// whose `low` is its `high`.
    pub fn new(space: &SearchSpace, observations: ArrayView2<'_, f64>, options: &ParzenOptions) -> Result<Self, Error> {
        options.check()?;
        check(space, observations).map_err(|error| error.within("observations"))?;
        let mut kernels = Vec::with_capacity(space.len());
        for ((name, distribution), column) in space.iter().zip(observations.columns()) {
            kernels.push(match (Range::of(distribution), distribution) {
                (Some(range), _) => {
                    let (low, high) = range.bounds();
                    if low >= high {
                        let given = format!("{} to {}", number(range.low), number(range.high));
                        return Err(Error::parameter(name, given, "a range of more than one value"));
                    }
                    Kernels::Numerical(Normals::new(range, column.iter().copied(), options))
                }
                (None, Distribution::Categorical { choices }) => {
                    Kernels::Categorical(Rows::new(choices.len(), &column.to_vec(), options))
                }
                (None, _) => unreachable!("every other distribution has a range"),
            });
        }
        let mut weights = default_weights(observations.nrows());
        weights.push(if weights.is_empty() { 1.0 } else { options.prior_weight });
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Ok(Self { space: space.clone(), weights, kernels })
    }

    /// Each component's weight; they add up to 1, and the prior's is the last.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The log density at each row of x: (points, parameters), in the internal representation and in the order of the
    /// space; −∞ beyond a continuous range.
    ///
    /// # Errors
    /// Another number of columns than parameters; a value that its parameter cannot have, as in [`new`](Self::new).
    pub fn log_pdf(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>, Error> {
        check(&self.space, x).map_err(|error| error.within("x"))?;
        let log_weights: Vec<f64> = self.weights.iter().map(|weight| weight.ln()).collect();
        let mut terms = log_weights.clone();
        let log_pdf = x.rows().into_iter().map(|row| {
            terms.copy_from_slice(&log_weights);
            self.kernels.iter().zip(row).for_each(|(kernels, &x)| kernels.add_log_pdf(x, &mut terms));
            log_sum_exp(&terms)
        });
        Ok(log_pdf.collect())
    }

    /// `n` points drawn from the density: (n, parameters).
    pub fn sample(&self, n: usize, rng: &mut Rng) -> Array2<f64> {
        let mut samples = Array2::zeros((n, self.kernels.len()));
        for mut row in samples.rows_mut() {
            let component = pick(self.weights.iter().copied(), rng);
            self.kernels.iter().zip(&mut row).for_each(|(kernels, x)| *x = kernels.sample(component, rng));
        }
        samples
    }
}

/// How many of n finished trials are the good ones: ⌈n/10⌉, at most 25 (Optuna's `default_gamma`).
pub fn n_below(n: usize) -> usize {
    // As Python has it: 0.1·n is above a whole number for some n that 10 divides, but rounds to it.
    ((0.1 * n as f64).ceil() as usize).min(25)
}

/// The weights of n observations, oldest first (Optuna's `default_weights`): the youngest 25 have 1, those before them a
/// ramp from 1/n to 1.
pub fn default_weights(n: usize) -> Vec<f64> {
    let (ramp, start) = (n.saturating_sub(25), 1.0 / n as f64);
    let step = (1.0 - start) / (ramp.max(2) - 1) as f64;
    let is_on_ramp = |i: usize| i + 1 < ramp || (i, ramp) == (0, 1);
    (0..n).map(|i| if is_on_ramp(i) { i as f64 * step + start } else { 1.0 }).collect()
}

fn log_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
}

/// That every value is one that its parameter's kernels can be asked about.
fn check(space: &SearchSpace, values: ArrayView2<'_, f64>) -> Result<(), Error> {
    if values.ncols() != space.len() {
        let expected = format!("{}, one a parameter", space.len());
        return Err(Error::data("number of columns", values.ncols(), expected));
    }
    for ((name, distribution), column) in space.iter().zip(values.columns()) {
        let (is_good, expected): (Box<dyn Fn(f64) -> bool>, _) = match distribution {
            Distribution::Categorical { choices } => {
                let n = choices.len();
                (Box::new(move |x| x >= 0.0 && x < n as f64 && x.fract() == 0.0), format!("an index below {n}"))
            }
            Distribution::Float { log: true, .. } | Distribution::Int { log: true, .. } => {
                (Box::new(|x| x > 0.0 && x.is_finite()), "a finite number above 0".to_owned())
            }
            _ => (Box::new(f64::is_finite), "a finite number".to_owned()),
        };
        if let Some((row, &value)) = column.iter().enumerate().find(|&(_, &value)| !is_good(value)) {
            return Err(Error::data(format!("row {row} of {name:?}"), number(value), expected));
        }
    }
    Ok(())
}

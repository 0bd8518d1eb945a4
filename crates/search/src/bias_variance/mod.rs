//! Where a test error comes from: bias, variance and noise.

mod draw;
mod parts;
mod statistics;
mod test_points;

pub use draw::{bootstrap, subsample};
pub use parts::{BiasVariance, Decomposition, ErrorParts};
#[cfg(feature = "plot")]
pub use plot::plot_bias_variance;
pub use test_points::TestPoints;

use crate::{Estimator, Predict, Workspace, sweep};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use statistics::Fits;
use wane_autodiff::{Error, Rng, number};
use wane_data::Dataset;

#[cfg(feature = "plot")]
mod plot;

/// How often [`bias_variance`] fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BiasVarianceOptions {
    /// How many training sets are drawn, at least 3: R.
    pub training_sets: usize,
    /// How many fits each of them gets, with random numbers of their own, at least 1: S. From 2 on, the variance that the
    /// random numbers make is told apart.
    pub seeds: usize,
    /// What all random numbers start from.
    pub seed: u64,
}

impl Default for BiasVarianceOptions {
    fn default() -> Self {
        Self { training_sets: 100, seeds: 1, seed: 0 }
    }
}

/// Splits the expected squared error of an estimator at given test points into bias², variance and noise (Geman,
/// Bienenstock and Doursat, *Neural Networks and the Bias/Variance Dilemma*, 1992), by fits to training sets that `draw`
/// makes:
///
/// E(y − f̂(x))² = (f(x) − E f̂(x))² + var f̂(x) + var(y − f(x)).
///
/// With a truth that can be sampled, `draw` is a closure that makes fresh sets. With one data set, it is
/// [`bootstrap`] or [`subsample`]: the parts are then those given these data, and test points should not be among them.
/// Set r has the same rows for every estimator, so that differences between settings are sharper than their standard
/// errors say.
///
/// Sets are fitted side by side as [`sweep`] does. The bits of the result do not depend on the number of threads.
///
/// # Errors
/// Options out of range; a set that can't be drawn or fitted, by its number; predictions of another shape than the test
/// points' targets, not finite, or so large that their squares are not.
///
/// ```
/// use std::f64::consts::TAU;
/// use wane_autodiff::{Rng, rand::SeedableRng};
/// use wane_data::synthetic::{SineOptions, sine};
/// use wane_search::{BiasVarianceOptions, Ridge, TestPoints, bias_variance};
///
/// let options = SineOptions { rows: 30, low: 0.0, high: 1.0, angular_frequency: TAU, noise: 0.3 };
/// let points = sine::<f64>(&options, &mut Rng::seed_from_u64(1))?;
/// let test = TestPoints::known(points.dataset.x().to_owned(), points.truth, 0.09)?;
/// let draw = |rng: &mut Rng| Ok(sine(&options, rng)?.dataset);
/// // A line through a sine: its error is bias.
/// let parts = bias_variance(&Ridge { alpha: 0.1 }, draw, &test, &BiasVarianceOptions::default())?;
/// let average = &parts.average.unbiased;
/// assert!(average.bias_squared > 0.1 && average.variance < 0.05);
/// assert!(parts.residual() < 1e-12);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
pub fn bias_variance<E: Estimator>(
    estimator: &E,
    draw: impl Fn(&mut Rng) -> Result<Dataset<f64>, Error> + Sync,
    test: &TestPoints,
    options: &BiasVarianceOptions,
) -> Result<BiasVariance, Error> {
    for (field, given, least) in [("training_sets", options.training_sets, 3), ("seeds", options.seeds, 1)] {
        if given < least {
            return Err(Error::option(field, given, format!("at least {least}")));
        }
    }
    let numbers = Vec::from_iter(0..options.training_sets);
    let fits = sweep(&numbers, |&set, workspace| {
        let word = |seed| Rng::seed_from_u64(seed).random::<u64>();
        let mut seeds = Rng::seed_from_u64(word(options.seed) ^ word(set as u64).rotate_left(21));
        let train = draw(&mut Rng::seed_from_u64(seeds.random()));
        train
            .and_then(|train| fit_set(estimator, &train, test, options.seeds, &mut seeds, workspace))
            .map_err(|error| error.within(format!("training set {set}")))
    })?;
    statistics::decompose(&fits.into_iter().collect::<Result<Vec<_>, _>>()?, test, options.seeds)
}

/// The fits to one training set.
fn fit_set<E: Estimator>(
    estimator: &E,
    train: &Dataset<f64>,
    test: &TestPoints,
    count: usize,
    seeds: &mut Rng,
    workspace: &mut Workspace,
) -> Result<Fits, Error> {
    let mut fits = Fits::new(test);
    for seed in 0..count {
        let prediction = estimator
            .fit(train, &mut Rng::seed_from_u64(seeds.random()), workspace)
            .and_then(|model| model.predict(test.x()))
            .and_then(|prediction| checked(prediction, test))
            .map_err(|error| if count > 1 { error.within(format!("seed {seed}")) } else { error })?;
        fits.add(&prediction, test);
    }
    Ok(fits.finish())
}

fn checked(prediction: Array2<f64>, test: &TestPoints) -> Result<Array2<f64>, Error> {
    if prediction.dim() != test.center().dim() {
        let (rows, outputs) = test.center().dim();
        let expected = format!("({rows}, {outputs}), as the test points' targets have");
        return Err(Error::data("shape of the predictions", format!("{:?}", prediction.dim()), expected));
    }
    match prediction.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, _), &value)) => {
            Err(Error::data(format!("prediction for test point {row}"), number(value), "a finite number"))
        }
        None => Ok(prediction),
    }
}

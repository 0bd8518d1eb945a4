use crate::Ridge;
use ndarray::{Array2, ArrayView1, ArrayView2, Zip};
use wane_autodiff::Error;
use wane_linear::RidgeSmoother;

/// A mean squared error and its parts: mse = bias² + variance + noise. `A` is a number, or an array with one number for
/// each test point and output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorParts<A> {
    /// The mean squared error against new targets. Where noise is not known, against those that there are.
    pub mse: A,
    /// The square of what predictions are off in the mean; bias² + noise where noise is not known.
    pub bias_squared: A,
    /// How predictions vary with training set and random numbers.
    pub variance: A,
    /// The part of the variance that an estimator's random numbers make (initial weights, the order of batches), if there
    /// are several fits a training set.
    pub init_variance: Option<A>,
    /// The variance of targets about the truth, where it is known or there are several targets a point.
    pub noise: Option<A>,
}

/// The parts in two forms, and what is known of the better one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Decomposition<A> {
    /// Estimates that are right in the mean, for any numbers of sets R, seeds S and repeated targets K. With m_r the mean
    /// prediction of set r, B = Σ(m_r − m)²/(R − 1), and W the mean over sets of the variance between seeds, over S − 1:
    ///
    /// - bias² = (m − f)² − B/R. The first term alone is too large by the variance of m; this one can be below 0. About the
    ///   mean of K targets, noise/K is taken off too;
    /// - initialisation variance = W, data variance = B − W/S (law of total variance), variance = their sum;
    /// - noise = Σ(y − ȳ)²/(K − 1).
    pub unbiased: ErrorParts<A>,
    /// The parts of these very predictions: squares of means, and variances over their count instead of their count − 1.
    /// The mean squared error is the same.
    pub plug_in: ErrorParts<A>,
    /// The standard errors of the unbiased parts, over training sets; test points and their targets are taken as given.
    /// By the jackknife that leaves out one set at a time (Efron and Stein 1981).
    ///
    /// That of the average noise, if it is estimated, is the standard error of a mean over test points; that of one
    /// point's is not known.
    pub standard_errors: ErrorParts<A>,
}

/// What [`bias_variance`](super::bias_variance) finds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BiasVariance {
    /// Means over test points and outputs.
    pub average: Decomposition<f64>,
    /// One number for each test point and output: (points, outputs).
    pub points: Decomposition<Array2<f64>>,
    /// The mean of all predictions, (points, outputs).
    pub mean_prediction: Array2<f64>,
}

impl BiasVariance {
    /// By how much mse and bias² + variance + noise differ, relative to mse: the most of all points and averages, in both
    /// forms. The identity is exact; what is left is rounding.
    pub fn residual(&self) -> f64 {
        let mut most = 0.0_f64;
        for parts in [&self.average.unbiased, &self.average.plug_in] {
            most = most.max(residual(parts.mse, parts.bias_squared + parts.variance + parts.noise.unwrap_or(0.0)));
        }
        for parts in [&self.points.unbiased, &self.points.plug_in] {
            let mut sum = &parts.bias_squared + &parts.variance;
            if let Some(noise) = &parts.noise {
                sum += noise;
            }
            Zip::from(&parts.mse).and(&sum).for_each(|&mse, &sum| most = most.max(residual(mse, sum)));
        }
        most
    }
}

fn residual(mse: f64, sum: f64) -> f64 {
    if mse == sum { 0.0 } else { ((mse - sum) / mse).abs() }
}

impl<A> ErrorParts<A> {
    /// Every part, made into something else.
    pub(super) fn map<B>(&self, mut f: impl FnMut(&A) -> B) -> ErrorParts<B> {
        ErrorParts {
            mse: f(&self.mse),
            bias_squared: f(&self.bias_squared),
            variance: f(&self.variance),
            init_variance: self.init_variance.as_ref().map(&mut f),
            noise: self.noise.as_ref().map(&mut f),
        }
    }
}

impl ErrorParts<f64> {
    /// The part of the variance that the training sets make, if the rest is known.
    pub fn data_variance(&self) -> Option<f64> {
        self.init_variance.map(|init| self.variance - init)
    }
}

impl Ridge {
    /// The average parts of this ridge's error in closed form, at the rows that it is fitted on: x: (rows, columns) is
    /// fixed, targets are truth + ε with independent ε of this variance; truth: (rows,).
    ///
    /// It is what [`bias_variance`](super::bias_variance) estimates where every training set has these rows, which are the
    /// test points too ([`RidgeSmoother::risk`]).
    ///
    /// # Errors
    /// Those of [`RidgeSmoother::new`] and [`RidgeSmoother::risk`].
    ///
    /// ```
    /// use ndarray::array;
    /// use wane_search::Ridge;
    ///
    /// let (x, truth) = (array![[0.0], [1.0], [2.0]], array![0.0, 1.0, 2.0]);
    /// let parts = Ridge { alpha: 2.0 }.error_parts(x.view(), truth.view(), 0.3)?;
    /// // Half of the slope is lost, at both ends; S = 11ᵀ/3 + xxᵀ/4.
    /// assert!((parts.bias_squared - 2.0 * 0.25 / 3.0).abs() < 1e-15);
    /// assert!((parts.variance - 0.3 * 1.25 / 3.0).abs() < 1e-15);
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    pub fn error_parts(
        &self,
        x: ArrayView2<'_, f64>,
        truth: ArrayView1<'_, f64>,
        noise_variance: f64,
    ) -> Result<ErrorParts<f64>, Error> {
        let risk = RidgeSmoother::new(x, self.alpha)?.risk(truth, noise_variance)?;
        Ok(ErrorParts {
            mse: risk.test_error,
            bias_squared: risk.bias_squared,
            variance: risk.variance,
            init_variance: Some(0.0),
            noise: Some(noise_variance),
        })
    }
}

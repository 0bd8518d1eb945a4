use super::regressor::Regressor;
use crate::normal::{HALF_LN_2PI, log_ndtr, log_pdf, tail};
use libm::erfc;
use ndarray::{Array1, Array2};
use std::f64::consts::FRAC_1_SQRT_2;

/// Keeps the deviation above 0 at the observations.
const LEAST_VARIANCE: f64 = 1e-12;

/// ln E max(0, u + z) of a standard normal u, without the underflow of its plain form (Ament et al., 2023).
pub(crate) fn log_h(z: f64) -> f64 {
    if z < -25.0 {
        log_pdf(z) + tail(z).ln()
    } else {
        (0.5 * z * erfc(-z * FRAC_1_SQRT_2) + (-0.5 * z * z - HALF_LN_2PI).exp()).ln()
    }
}

/// The logarithm of the expected improvement over the best value so far.
#[derive(Debug)]
pub(super) struct LogEi {
    pub(super) regressor: Regressor,
    /// The best value; larger is better.
    pub(super) best: f64,
}

impl LogEi {
    /// At each row of x.
    pub(super) fn values(&self, x: &Array2<f64>) -> Vec<f64> {
        let (mean, variance) = self.regressor.posterior(x);
        let value = |(mean, variance): (f64, f64)| {
            let deviation = (variance + LEAST_VARIANCE).sqrt();
            log_h((mean - self.best) / deviation) + deviation.ln()
        };
        mean.into_iter().zip(variance).map(value).collect()
    }

    /// At x, with its gradient.
    pub(super) fn gradient(&self, x: &Array1<f64>) -> (f64, Array1<f64>) {
        let [(mean, mean_by_x), (variance, variance_by_x)] = self.regressor.posterior_gradient(x);
        let variance = variance + LEAST_VARIANCE;
        let deviation = variance.sqrt();
        let z = (mean - self.best) / deviation;
        let log_h = log_h(z);
        // h′ = Φ.
        let by_z = (log_ndtr(z) - log_h).exp();
        let gradient = mean_by_x * (by_z / deviation) + variance_by_x * ((1.0 - z * by_z) / (2.0 * variance));
        (log_h + deviation.ln(), gradient)
    }
}

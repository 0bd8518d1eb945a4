use super::minimise::minimise;
use faer::linalg::solvers::{DenseSolveCore, Llt, Solve};
use faer::{Mat, MatRef, Side};
use ndarray::{Array1, Array2, ArrayView1};
use wane_autodiff::Error;

/// What the variance of the noise is at least.
const LEAST_NOISE: f64 = 1e-6;
/// At which gradient of the log posterior its maximum is found.
const TOLERANCE: f64 = 1e-2;

/// What a Gaussian process is fitted to.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    /// (observations, parameters), on the unit cube.
    pub(super) x: Array2<f64>,
    /// Standardised: mean 0 and variance 1.
    pub(super) y: Vec<f64>,
    /// Which parameters are only equal or different.
    pub(super) is_categorical: Vec<bool>,
}

/// k(a, b) = scale·M(Σⱼ relevanceⱼ dⱼ²) with Matérn's M of smoothness 5/2, and noise on the diagonal; dⱼ = aⱼ − bⱼ, or 1
/// between two different choices.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hyper {
    /// 1/ℓⱼ².
    pub(super) relevance: Vec<f64>,
    pub(super) scale: f64,
    pub(super) noise: f64,
}

/// M(d²) = (1 + √5 d + 5/3 d²) exp(−√5 d), and its derivative by d².
pub(super) fn matern52(square: f64) -> (f64, f64) {
    let root = (5.0 * square).sqrt();
    let decay = (-root).exp();
    (decay * (5.0 / 3.0 * square + root + 1.0), -5.0 / 6.0 * (root + 1.0) * decay)
}

impl Hyper {
    /// Of logarithms: the relevances, the scale and what noise there is above the least; none of it if the objective is
    /// deterministic.
    fn from_logs(logs: &[f64], is_deterministic: bool) -> Self {
        let n = logs.len() - 2;
        let above = if is_deterministic { 0.0 } else { logs[n + 1].exp() };
        Self {
            relevance: logs[..n].iter().map(|log| log.exp()).collect(),
            scale: logs[n].exp(),
            noise: above + LEAST_NOISE,
        }
    }

    /// −ln of Optuna's prior, up to a constant, and its derivatives by relevances, scale and noise: a barrier on both sides
    /// of each relevance, Gamma(2, 1) for the scale and Gamma(1.1, 30) for the noise.
    fn loss(&self) -> (f64, Vec<f64>) {
        let mut loss = self.scale - self.scale.ln() + 30.0 * self.noise - 0.1 * self.noise.ln();
        let mut gradient: Vec<f64> = self.relevance.iter().map(|r| 0.1 - 0.1 / (r * r)).collect();
        loss += self.relevance.iter().map(|r| 0.1 / r + 0.1 * r).sum::<f64>();
        gradient.extend([1.0 - 1.0 / self.scale, 30.0 - 0.1 / self.noise]);
        (loss, gradient)
    }
}

impl Observed {
    /// dⱼ².
    pub(super) fn square(&self, j: usize, a: f64, b: f64) -> f64 {
        if self.is_categorical[j] { f64::from(u8::from(a != b)) } else { (a - b) * (a - b) }
    }

    fn distance(&self, relevance: &[f64], a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
        relevance.iter().enumerate().map(|(j, r)| r * self.square(j, a[j], b[j])).sum()
    }

    /// The lower triangle of the covariance of the observations, factored. None if it is not positive definite in f64.
    fn factor(&self, hyper: &Hyper) -> Option<Llt<f64>> {
        let n = self.y.len();
        let covariance = Mat::from_fn(n, n, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => hyper.scale + hyper.noise,
            std::cmp::Ordering::Greater => {
                hyper.scale * matern52(self.distance(&hyper.relevance, self.x.row(i), self.x.row(j))).0
            }
        });
        covariance.llt(Side::Lower).ok()
    }

    fn column(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.y, self.y.len(), 1)
    }

    /// −(ln marginal likelihood + ln prior) up to constants, and its gradient by the logarithms of [`Hyper::from_logs`]; ∞
    /// where that cannot be computed.
    pub(super) fn loss(&self, logs: &Array1<f64>, is_deterministic: bool, gradient: &mut Array1<f64>) -> f64 {
        let hyper = Hyper::from_logs(logs.as_slice().unwrap_or_default(), is_deterministic);
        let Some(factor) = self.factor(&hyper) else { return f64::INFINITY };
        let weights = factor.solve(self.column());
        let half_log_det: f64 = factor.L().diagonal().column_vector().iter().map(|pivot| pivot.ln()).sum();
        let fit: f64 = (0..self.y.len()).map(|i| 0.5 * self.y[i] * weights[(i, 0)]).sum();
        let (prior, by_hyper) = hyper.loss();
        let (inverse, d) = (factor.inverse(), hyper.relevance.len());
        // ∂/∂θ of the likelihood's part is ½ tr((C⁻¹ − ww^T) ∂C/∂θ).
        let outer = |i: usize, j: usize| inverse[(i, j)] - weights[(i, 0)] * weights[(j, 0)];
        gradient.assign(&Array1::from_vec(by_hyper));
        for i in 0..self.y.len() {
            let diagonal = 0.5 * outer(i, i);
            gradient[d] += diagonal;
            gradient[d + 1] += diagonal;
            for j in 0..i {
                let (a, b) = (self.x.row(i), self.x.row(j));
                let (value, derivative) = matern52(self.distance(&hyper.relevance, a, b));
                let weight = outer(i, j);
                gradient[d] += weight * value;
                (0..d).for_each(|k| gradient[k] += weight * hyper.scale * derivative * self.square(k, a[k], b[k]));
            }
        }
        (0..d).for_each(|k| gradient[k] *= hyper.relevance[k]);
        gradient[d] *= hyper.scale;
        gradient[d + 1] *= hyper.noise - LEAST_NOISE;
        half_log_det + fit + prior
    }

    /// The process whose hyperparameters are the most likely, from 1 for each (a maximum a posteriori).
    pub(super) fn fit(self, is_deterministic: bool) -> Result<Regressor, Error> {
        let n = self.x.ncols() + 2;
        let mut start = Array1::zeros(n);
        start[n - 1] = (1.0 - 0.99 * LEAST_NOISE).ln();
        let bounds = vec![(f64::NEG_INFINITY, f64::INFINITY); n];
        let loss = |logs: &Array1<f64>, gradient: &mut Array1<f64>| self.loss(logs, is_deterministic, gradient);
        let (logs, _) = minimise(loss, start, &bounds, TOLERANCE);
        Regressor::new(self, Hyper::from_logs(logs.as_slice().unwrap_or_default(), is_deterministic))
    }
}

/// A Gaussian process, given what was observed.
#[derive(Debug)]
pub(super) struct Regressor {
    observed: Observed,
    hyper: Hyper,
    factor: Llt<f64>,
    /// C⁻¹y.
    weights: Mat<f64>,
}

impl Regressor {
    pub(super) fn new(observed: Observed, hyper: Hyper) -> Result<Self, Error> {
        let Some(factor) = observed.factor(&hyper) else {
            let given = format!("not positive definite for {} trials", observed.y.len());
            return Err(Error::data("covariance of the Gaussian process", given, "trials that f64 can tell apart"));
        };
        let weights = factor.solve(observed.column());
        Ok(Self { observed, hyper, factor, weights })
    }

    /// The process that has also observed, at each row of x, what it expects there.
    pub(super) fn believing(self, x: &Array2<f64>) -> Result<Self, Error> {
        let (mean, _) = self.posterior(x);
        let Self { mut observed, hyper, .. } = self;
        observed.x = ndarray::concatenate![ndarray::Axis(0), observed.x, *x];
        observed.y.extend(mean);
        Self::new(observed, hyper)
    }

    #[cfg(test)]
    pub(super) fn hyper(&self) -> &Hyper {
        &self.hyper
    }

    /// ℓⱼ.
    pub(super) fn length(&self, j: usize) -> f64 {
        1.0 / self.hyper.relevance[j].sqrt()
    }

    /// Mean and variance at each row of x: (points, parameters), without noise.
    pub(super) fn posterior(&self, x: &Array2<f64>) -> (Vec<f64>, Vec<f64>) {
        let Self { observed, hyper, .. } = self;
        let mut covariance = Mat::from_fn(observed.y.len(), x.nrows(), |i, j| {
            hyper.scale * matern52(observed.distance(&hyper.relevance, observed.x.row(i), x.row(j))).0
        });
        let mean = (covariance.transpose() * &self.weights).col(0).iter().copied().collect();
        self.factor.L().solve_lower_triangular_in_place(covariance.as_mut());
        let variance = |column: faer::ColRef<'_, f64>| (hyper.scale - column.squared_norm_l2()).max(0.0);
        (mean, covariance.col_iter().map(variance).collect())
    }

    /// Mean and variance at x, and their gradients.
    pub(super) fn posterior_gradient(&self, x: &Array1<f64>) -> [(f64, Array1<f64>); 2] {
        let Self { observed, hyper, weights, .. } = self;
        let (n, d) = (observed.y.len(), x.len());
        let kernel = |i: usize| matern52(observed.distance(&hyper.relevance, observed.x.row(i), x.view()));
        let kernels: Vec<(f64, f64)> = (0..n).map(kernel).collect();
        let covariance = Mat::from_fn(n, 1, |i, _| hyper.scale * kernels[i].0);
        let solved = self.factor.solve(&covariance);
        let (mut mean, mut variance) = ((0.0, Array1::zeros(d)), (hyper.scale, Array1::zeros(d)));
        for (i, (_, derivative)) in kernels.into_iter().enumerate() {
            mean.0 += covariance[(i, 0)] * weights[(i, 0)];
            variance.0 -= covariance[(i, 0)] * solved[(i, 0)];
            for j in 0..d {
                if !observed.is_categorical[j] {
                    let by_x = hyper.scale * derivative * 2.0 * hyper.relevance[j] * (x[j] - observed.x[(i, j)]);
                    mean.1[j] += by_x * weights[(i, 0)];
                    variance.1[j] -= 2.0 * by_x * solved[(i, 0)];
                }
            }
        }
        if variance.0 <= 0.0 {
            variance = (0.0, Array1::zeros(d));
        }
        [mean, variance]
    }
}

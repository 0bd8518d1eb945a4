use super::ParzenOptions;
use super::bandwidth::bandwidths;
use crate::normal::{HALF_LN_2PI, log_mass, truncated_quantile};
use crate::range::Range;
use wane_autodiff::Rng;
use wane_autodiff::rand::RngExt;

/// One parameter's factor of every component: a kernel an observation, and the prior's last.
#[derive(Clone, Debug)]
pub(super) enum Kernels {
    Numerical(Normals),
    Categorical(Rows),
}

impl Kernels {
    /// Adds each component's log density at `x` to `log_pdf`.
    pub(super) fn add_log_pdf(&self, x: f64, log_pdf: &mut [f64]) {
        match self {
            Self::Numerical(normals) => normals.add_log_pdf(x, log_pdf),
            Self::Categorical(rows) => rows.add_log_pdf(x as usize, log_pdf),
        }
    }

    /// A value drawn from one component.
    pub(super) fn sample(&self, component: usize, rng: &mut Rng) -> f64 {
        match self {
            Self::Numerical(normals) => normals.sample(component, rng),
            Self::Categorical(rows) => rows.sample(component, rng),
        }
    }
}

/// Normal distributions truncated to one interval, each normalised by itself.
#[derive(Clone, Debug)]
pub(super) struct Normals {
    range: Range,
    mu: Vec<f64>,
    sigma: Vec<f64>,
    /// What each density is divided by: the mass in the interval, times σ√2π where the values are continuous.
    log_norm: Vec<f64>,
}

/// How many widths of the interval a kernel's centre lies outside at most: from 2⁵³ on, the interval's ends would be at the
/// same distance from it.
const FAR: f64 = 1e6;

impl Normals {
    pub(super) fn new(range: Range, observations: impl Iterator<Item = f64>, options: &ParzenOptions) -> Self {
        let (low, high) = range.bounds();
        let mut mu: Vec<f64> = observations.map(|value| range.transform(value)).collect();
        let mut sigma = bandwidths(&mu, (low, high), options);
        let far = FAR * (high - low);
        mu.iter_mut().for_each(|mu| *mu = mu.clamp(low - far, high + far));
        mu.push(0.5 * (low + high));
        sigma.push(high - low);
        let log_norm = mu.iter().zip(&sigma).map(|(mu, sigma)| {
            let mass = log_mass((low - mu) / sigma, (high - mu) / sigma);
            if range.step.is_some() { mass } else { mass + sigma.ln() + HALF_LN_2PI }
        });
        Self { range, log_norm: log_norm.collect(), mu, sigma }
    }

    fn add_log_pdf(&self, x: f64, log_pdf: &mut [f64]) {
        let kernels = self.mu.iter().zip(&self.sigma).zip(&self.log_norm);
        let log_pdf = log_pdf.iter_mut().zip(kernels);
        if let Some(step) = self.range.step {
            let left = self.range.transform(x - step / 2.0);
            let right = self.range.transform(x + step / 2.0);
            log_pdf.for_each(|(sum, ((mu, sigma), norm))| {
                *sum += log_mass((left - mu) / sigma, (right - mu) / sigma) - norm;
            });
        } else if x < self.range.low || x > self.range.high {
            log_pdf.for_each(|(sum, _)| *sum = f64::NEG_INFINITY);
        } else {
            let x = self.range.transform(x);
            log_pdf.for_each(|(sum, ((mu, sigma), norm))| {
                let z = (x - mu) / sigma;
                *sum += -0.5 * z * z - norm;
            });
        }
    }

    fn sample(&self, component: usize, rng: &mut Rng) -> f64 {
        let ((low, high), mu, sigma) = (self.range.bounds(), self.mu[component], self.sigma[component]);
        let z = truncated_quantile(rng.random(), (low - mu) / sigma, (high - mu) / sigma);
        self.range.value(mu + sigma * z)
    }
}

/// Probabilities of choices.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    choices: usize,
    /// (components, choices).
    probability: Vec<f64>,
}

impl Rows {
    /// A kernel has `prior_weight`/components everywhere and 1 more at its choice, normalised; the prior is uniform.
    pub(super) fn new(choices: usize, observations: &[f64], options: &ParzenOptions) -> Self {
        let components = observations.len() + 1;
        let everywhere = options.prior_weight / components as f64;
        let mut probability = vec![1.0 / choices as f64; components * choices];
        for (row, &observed) in probability.chunks_exact_mut(choices).zip(observations) {
            row.fill(everywhere);
            row[observed as usize] += 1.0;
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|p| *p /= sum);
        }
        Self { choices, probability }
    }

    fn add_log_pdf(&self, choice: usize, log_pdf: &mut [f64]) {
        let rows = self.probability.chunks_exact(self.choices);
        log_pdf.iter_mut().zip(rows).for_each(|(sum, row)| *sum += row[choice].ln());
    }

    fn sample(&self, component: usize, rng: &mut Rng) -> f64 {
        let row = &self.probability[component * self.choices..][..self.choices];
        pick(row.iter().copied(), rng) as f64
    }
}

/// An index drawn by probabilities that add up to 1.
pub(crate) fn pick(probability: impl Iterator<Item = f64>, rng: &mut Rng) -> usize {
    let mut left: f64 = rng.random();
    let mut last = 0;
    for (i, p) in probability.enumerate() {
        if p > 0.0 {
            if left < p {
                return i;
            }
            last = i;
        }
        left -= p;
    }
    // Rounding left something over.
    last
}

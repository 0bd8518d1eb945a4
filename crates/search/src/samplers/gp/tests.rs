use super::regressor::{Hyper, Regressor, matern52};
use super::*;
use crate::Choice;
use rand::SeedableRng;
use serde::Deserialize;

/// What Optuna 5.0 has; scripts/optuna_samplers.py wrote it.
#[derive(Debug, Deserialize)]
struct Reference {
    space: BTreeMap<String, Written>,
    deterministic: bool,
    trials: Vec<Vec<f64>>,
    values: Vec<f64>,
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    logs: Vec<f64>,
    hyper: Vec<f64>,
    kernel_row: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
    at: Vec<Vec<f64>>,
    mean: Vec<f64>,
    variance: Vec<f64>,
    log_ei: Vec<f64>,
    /// None where PyTorch has none.
    log_ei_gradient: Vec<Vec<Option<f64>>>,
    best_loss: f64,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "name", content = "attributes")]
enum Written {
    #[serde(rename = "FloatDistribution")]
    Float { low: f64, high: f64, log: bool, step: Option<f64> },
    #[serde(rename = "IntDistribution")]
    Int { low: i64, high: i64, log: bool, step: i64 },
    #[serde(rename = "CategoricalDistribution")]
    Categorical { choices: Vec<String> },
}

impl Reference {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../../../tests/data/gp.json")).unwrap()
    }

    fn space(&self) -> SearchSpace {
        let read = |written: &Written| match *written {
            Written::Float { low, high, log, step } => Distribution::Float { low, high, log, step },
            Written::Int { low, high, log, step } => Distribution::Int { low, high, log, step },
            Written::Categorical { ref choices } => {
                Distribution::Categorical { choices: choices.iter().map(|text| Choice::from(text.as_str())).collect() }
            }
        };
        self.space.iter().map(|(name, written)| (name.clone(), read(written))).collect()
    }

    fn observed(&self) -> Observed {
        let is_categorical = Cube::of(&self.space()).is_categorical();
        Observed { x: rows(&self.x), y: self.y.clone(), is_categorical }
    }

    fn hyper(&self) -> Hyper {
        let n = self.hyper.len() - 2;
        Hyper { relevance: self.hyper[..n].to_vec(), scale: self.hyper[n], noise: self.hyper[n + 1] }
    }
}

fn rows(values: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((values.len(), values[0].len()), |(i, j)| values[i][j])
}

fn assert_close(what: &str, got: impl IntoIterator<Item = f64>, reference: &[f64], tolerance: f64) {
    let got: Vec<f64> = got.into_iter().collect();
    assert_eq!(got.len(), reference.len(), "{what}");
    for (got, reference) in got.iter().zip(reference) {
        let off = (got - reference).abs() / reference.abs().max(1.0);
        assert!(off <= tolerance, "{what}: {got:e}, not {reference:e}: off by {off:e}");
    }
}

#[test]
fn points_and_scores_are_optunas() {
    for reference in Reference::all() {
        let cube = Cube::of(&reference.space());
        for (trial, place) in reference.trials.iter().zip(&reference.x) {
            assert_close("place", cube.place(trial), place, 1e-15);
            assert_close("back again", cube.internal(place), trial, 1e-14);
        }
        let scores = reference.values.iter().map(|value| -value).collect();
        assert_close("scores", standardise(scores), &reference.y, 1e-14);
    }
}

#[test]
fn likelihood_prior_and_their_gradient_are_optunas() {
    for reference in Reference::all() {
        let observed = reference.observed();
        let Hyper { relevance, scale, noise } = reference.hyper();
        let row = (0..observed.y.len()).map(|i| {
            let squares =
                (0..relevance.len()).map(|j| relevance[j] * observed.square(j, reference.x[0][j], reference.x[i][j]));
            scale * matern52(squares.sum()).0 + if i == 0 { noise } else { 0.0 }
        });
        let mut kernel_row = reference.kernel_row.clone();
        kernel_row[0] += noise;
        assert_close("kernel", row, &kernel_row, 1e-15);
        let logs = Array1::from_vec(reference.logs.clone());
        let mut gradient = Array1::zeros(logs.len());
        let loss = observed.loss(&logs, reference.deterministic, &mut gradient);
        assert_close("loss", [loss], &[reference.loss], 1e-12);
        assert_close("gradient", gradient, &reference.gradient, 1e-11);
    }
}

#[test]
fn posterior_and_log_ei_and_its_gradient_are_optunas() {
    for reference in Reference::all() {
        let regressor = Regressor::new(reference.observed(), reference.hyper()).unwrap();
        let at = rows(&reference.at);
        let (mean, variance) = regressor.posterior(&at);
        assert_close("mean", mean, &reference.mean, 1e-12);
        assert_close("variance", variance, &reference.variance, 1e-12);
        let best = reference.y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let criterion = LogEi { regressor, best };
        // At an observation the variance is a difference of nearly equal numbers.
        assert_close("log EI", criterion.values(&at), &reference.log_ei, 1e-9);
        let is_categorical = Cube::of(&reference.space()).is_categorical();
        for (i, by_x) in reference.log_ei_gradient.iter().enumerate() {
            let (value, mut gradient) = criterion.gradient(&at.row(i).to_owned());
            assert_close("log EI", [value], &reference.log_ei[i..=i], 1e-9);
            // Of a choice's index there is no derivative.
            gradient.iter_mut().zip(&is_categorical).filter(|(_, is)| **is).for_each(|(g, _)| *g = 0.0);
            for (&got, reference) in gradient.iter().zip(by_x) {
                reference.iter().for_each(|&reference| assert_close("gradient of log EI", [got], &[reference], 1e-8));
            }
        }
    }
}

#[test]
fn the_fit_is_as_likely_as_optunas() {
    for reference in Reference::all() {
        let observed = reference.observed();
        let regressor = observed.clone().fit(reference.deterministic).unwrap();
        let Hyper { relevance, scale, noise } = regressor.hyper();
        let mut logs: Vec<f64> = relevance.iter().chain([scale]).map(|value| value.ln()).collect();
        logs.push((noise - 1e-6).max(f64::MIN_POSITIVE).ln());
        let logs = Array1::from_vec(logs);
        let loss = observed.loss(&logs, reference.deterministic, &mut Array1::zeros(logs.len()));
        assert!(loss <= reference.best_loss + 1e-3, "{loss}, where Optuna has {}", reference.best_loss);
    }
}

#[test]
fn no_point_of_a_fine_cloud_is_better_than_what_the_search_finds() {
    for (seed, reference) in Reference::all().iter().enumerate() {
        let cube = Cube::of(&reference.space());
        let regressor = Regressor::new(reference.observed(), reference.hyper()).unwrap();
        let best = (0..reference.y.len()).fold(0, |best, i| if reference.y[i] > reference.y[best] { i } else { best });
        let criterion = LogEi { regressor, best: reference.y[best] };
        let mut rng = Rng::seed_from_u64(seed as u64);
        let known = Array1::from_vec(reference.x[best].clone());
        let found = ascent::ascend(&cube, &criterion, known, &mut rng);
        let cloud = criterion.values(&cube.fill(1 << 14, &mut Rng::seed_from_u64(99))).into_iter();
        let (found, cloud) =
            (criterion.values(&found.insert_axis(ndarray::Axis(0)))[0], cloud.fold(f64::NEG_INFINITY, f64::max));
        assert!(found > cloud - 1e-6, "{found}, where the cloud has {cloud}");
    }
}

#[test]
fn a_belief_leaves_the_mean_and_lessens_the_doubt() {
    for reference in Reference::all() {
        let new = || Regressor::new(reference.observed(), reference.hyper()).unwrap();
        let at = rows(&reference.at);
        let (mean, variance) = new().posterior(&at);
        let (believed, doubt) = new().believing(&at).unwrap().posterior(&at);
        assert_close("mean", believed, &mean, 1e-6);
        assert!(doubt.iter().zip(&variance).all(|(less, more)| *less <= more + 1e-9), "{doubt:?}, {variance:?}");
        assert!(doubt.iter().sum::<f64>() < 0.9 * variance.iter().sum::<f64>(), "{doubt:?}, {variance:?}");
    }
}

//! Where the error of a network that learns a noisy sine comes from, under more and more L2: bias², variance and noise; and
//! the same by formula and by experiment for ridge.

use std::f64::consts::TAU;
use wane::data::synthetic::{SineOptions, sine};
use wane::ndarray::{Array2, ArrayView1, Axis, concatenate};
use wane::prelude::*;
use wane::search::{
    BiasVariance, BiasVarianceOptions, MlpRegressor, Ridge, TestPoints, bias_variance, plot_bias_variance,
};

const NOISE: f64 = 0.4;
const SINE: SineOptions = SineOptions { rows: 20, low: -1.0, high: 1.0, angular_frequency: TAU / 2.0, noise: NOISE };
const LAMBDAS: [f64; 8] = [0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];
const ALPHAS: [f64; 7] = [0.0, 0.01, 0.1, 0.3, 1.0, 3.0, 30.0];
const FOURIER: BiasVarianceOptions = BiasVarianceOptions { training_sets: 1000, seeds: 1, seed: 0 };
const NETWORK: BiasVarianceOptions = BiasVarianceOptions { training_sets: 30, seeds: 3, seed: 0 };

fn main() -> Result<(), Error> {
    network()?;
    ridge()
}

/// Fresh sets of 20 rows, several starts for each, and the error at 200 other points.
fn network() -> Result<(), Error> {
    let BiasVarianceOptions { training_sets, seeds, .. } = NETWORK;
    println!(
        "A 1-32-1 network (tanh, Adam) learns sin(πx) from 20 rows with noise of deviation {NOISE}: {training_sets}"
    );
    println!(
        "training sets, {seeds} starts for each. Penalty λ/(2·20)·‖W‖², parts of the squared error ± standard error.\n"
    );
    println!("      λ   test error          bias²               variance            of it: starts");
    let points = sine::<f64>(&SineOptions { rows: 200, ..SINE }, &mut Rng::seed_from_u64(1))?;
    let test = TestPoints::known(points.dataset.x().to_owned(), points.truth, NOISE * NOISE)?;
    let draw = |rng: &mut Rng| Ok(sine(&SINE, rng)?.dataset);
    let decompose = |&alpha: &f64| {
        let network = MlpRegressor {
            hidden: vec![32],
            activation: Activation::Tanh,
            alpha,
            lr: 0.02,
            batch_size: 20,
            epochs: 1000,
            ..Default::default()
        };
        let found = bias_variance(&network, draw, &test, &NETWORK)?;
        let (parts, errors) = (&found.average.unbiased, &found.average.standard_errors);
        print!(
            "{alpha:>7}   {:.4} ± {:.4}   {:>7.4} ± {:.4}",
            parts.mse, errors.mse, parts.bias_squared, errors.bias_squared
        );
        let starts = parts.init_variance.unwrap_or(0.0);
        println!("    {:.4} ± {:.4}    {starts:.4}", parts.variance, errors.variance);
        Ok(found)
    };
    let found = LAMBDAS.iter().map(decompose).collect::<Result<Vec<_>, Error>>()?;
    let residual = found.iter().map(BiasVariance::residual).fold(0.0, f64::max);
    println!("\nnoise {:.4}; test error − (bias² + variance + noise): {residual:.0e} of it at most.", NOISE * NOISE);
    let of = |part: fn(&BiasVariance) -> f64| Vec::from_iter(found.iter().map(part));
    let errors = of(|found| found.average.unbiased.mse);
    let best = (0..errors.len()).min_by(|&a, &b| errors[a].total_cmp(&errors[b])).unwrap_or(0);
    let (bias, variance) =
        (of(|found| found.average.unbiased.bias_squared), of(|found| found.average.unbiased.variance));
    let last = errors.len() - 1;
    println!(
        "From λ = 0 to {}: bias² {:.4} → {:.4}, variance {:.4} → {:.4}.",
        LAMBDAS[last], bias[0], bias[last], variance[0], variance[last]
    );
    println!(
        "Least test error at λ = {}, with both ends above it: {}.",
        LAMBDAS[best],
        if best > 0 && best < last { "yes" } else { "no" }
    );
    let path = std::env::temp_dir().join("wane-bias-variance.svg");
    plot_bias_variance(&LAMBDAS, &found, &path)?;
    println!("Drawn: {}\n", path.display());
    Ok(())
}

/// Ridge on sines and cosines, at fixed points: what theory predicts, beside what many training sets show.
fn ridge() -> Result<(), Error> {
    println!(
        "Ridge on sin(kπx), cos(kπx), k ≤ 8, and x, at 40 fixed points: predicted, and found by {} sets.\n",
        FOURIER.training_sets
    );
    println!("      α   test error          bias²               variance");
    let points = sine::<f64>(&SineOptions { rows: 40, ..SINE }, &mut Rng::seed_from_u64(2))?;
    let x = features(points.dataset.x().column(0))?;
    let test = TestPoints::known(x.clone(), points.truth.clone(), NOISE * NOISE)?;
    let draw = |rng: &mut Rng| {
        let drawn = sine::<f64>(&SineOptions { rows: 40, ..SINE }, rng)?;
        Dataset::new(x.clone(), &points.truth + &drawn.dataset.y() - &drawn.truth)
    };
    let mut most = 0.0_f64;
    for alpha in ALPHAS {
        let theory = Ridge { alpha }.error_parts(x.view(), points.truth.column(0), NOISE * NOISE)?;
        let found = bias_variance(&Ridge { alpha }, draw, &test, &FOURIER)?.average;
        let (parts, errors) = (found.unbiased, found.standard_errors);
        let rows = [
            (theory.mse, parts.mse, errors.mse),
            (theory.bias_squared, parts.bias_squared, errors.bias_squared),
            (theory.variance, parts.variance, errors.variance),
        ];
        let line = rows.map(|(theory, found, _)| format!("{theory:.4}   {found:>7.4}   "));
        println!("{alpha:>7}   {}", line.concat());
        let apart = |&(theory, found, error): &(f64, f64, f64)| (theory - found).abs() / error.max(1e-12);
        most = rows.iter().map(apart).fold(most, f64::max);
    }
    println!("\nThe most that the two differ: {most:.1} standard errors.");
    Ok(())
}

/// x, and sines and cosines of 8 frequencies.
fn features(x: ArrayView1<'_, f64>) -> Result<Array2<f64>, Error> {
    let wave = |(row, column): (usize, usize)| {
        let angle = (column / 2 + 1) as f64 * TAU / 2.0 * x[row];
        if column % 2 == 0 { angle.sin() } else { angle.cos() }
    };
    let waves = Array2::from_shape_fn((x.len(), 16), wave);
    concatenate(Axis(1), &[x.insert_axis(Axis(1)), waves.view()])
        .map_err(|error| Error::data("features", error, "as many rows of each"))
}

//! Paths of λ over networks, LassoNet, and what is left of a model and its data after a selection of features.

mod lasso_net;
mod path;
mod selection;

use wane_autodiff::ndarray::{Array2, Axis};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Float, Params, Rng};
use wane_data::Dataset;
use wane_layers::Sequential;
use wane_train::TrainerOptions;

fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}

/// y = 3x₀ − x₁ + ½x₂² + noise, and three features that say nothing.
fn data(rows: usize, seed: u64) -> Dataset<f64> {
    let mut rng = rng(seed);
    let x = Array2::from_shape_simple_fn((rows, 6), || rng.random_range(-1.5..1.5));
    let y = x.map_axis(Axis(1), |x| 3.0 * x[0] - x[1] + 0.5 * x[2] * x[2] + 0.1 * rng.random_range(-1.0..1.0));
    Dataset::new(x, y.insert_axis(Axis(1))).unwrap()
}

fn network(seed: u64) -> (Sequential<f64>, Params<f64>) {
    let mut params = Params::new();
    let builder = Sequential::new().linear(6, 12).relu().linear(12, 8).tanh().linear(8, 1);
    let model = builder.build(params.root(), &mut rng(seed)).unwrap();
    (model, params)
}

/// Without a progress bar.
fn options(epochs: usize, batch_size: usize) -> TrainerOptions {
    TrainerOptions { epochs, batch_size, progress: false, ..Default::default() }
}

/// How far weights w of a linear model with an intercept are from the optimum of mean squared error + λ‖w‖₁, by its conditions
/// on the gradient.
fn violation(data: &Dataset<f64>, (w, b): (&[f64], f64), lambda: f64) -> f64 {
    let n = data.len() as f64;
    let residuals: Vec<f64> = data
        .x()
        .rows()
        .into_iter()
        .zip(data.y())
        .map(|(x, y)| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>() + b - y)
        .collect();
    let of_b = 2.0 / n * residuals.iter().sum::<f64>();
    let of_w = w.iter().enumerate().map(|(j, &w)| {
        let g = 2.0 / n * data.x().column(j).iter().zip(&residuals).map(|(x, r)| x * r).sum::<f64>();
        if w == 0.0 { (g.abs() - lambda).max(0.0) } else { (g + lambda * w.signum()).abs() }
    });
    of_w.fold(of_b.abs(), f64::max)
}

fn bits<T: Float>(values: &[T]) -> Vec<u64> {
    values.iter().map(|value| value.widen().to_bits()).collect()
}

//! Data and places that the tests share.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::PathBuf;
use wane_autodiff::ndarray::{Array2, Axis, concatenate};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Classes, Float, Params, Rng};
use wane_data::Dataset;
use wane_layers::Sequential;

/// Numbers that a small network can learn: y = x₀² + x₁.
pub(crate) fn regression<T: Float>(rows: usize, seed: u64) -> Dataset<T> {
    let mut rng = Rng::seed_from_u64(seed);
    let x = Array2::from_shape_simple_fn((rows, 2), || rng.random_range(-1.0..1.0));
    let y = x.map_axis(Axis(1), |row| row[0] * row[0] + row[1]).insert_axis(Axis(1));
    Dataset::new(x.mapv(T::of), y.mapv(T::of)).unwrap()
}

/// Three classes that lie apart along the first axis.
pub(crate) fn classification<T: Float>(rows: usize, seed: u64) -> Dataset<T> {
    let mut rng = Rng::seed_from_u64(seed);
    let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
    let first = Array2::from_shape_fn((rows, 1), |(row, _)| labels[row] as f64 + rng.random_range(-0.6..0.6));
    let second = Array2::from_shape_simple_fn((rows, 1), || rng.random_range(-1.0..1.0));
    let x = concatenate(Axis(1), &[first.view(), second.view()]).unwrap();
    Dataset::with_classes(x.mapv(T::of), Classes::new(&labels, 3).unwrap()).unwrap()
}

pub(crate) fn network<T: Float>(outputs: usize, dropout: f64, rng: &mut Rng) -> (Sequential<T>, Params<T>) {
    let mut params = Params::new();
    let builder = Sequential::new().linear(2, 6).tanh().dropout(dropout).linear(6, outputs);
    let model = builder.build(params.root(), rng).unwrap();
    (model, params)
}

/// A file of its own for each test, in a folder that exists.
pub(crate) fn place(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("train-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

pub(crate) fn bits<T: Float>(values: &[T]) -> Vec<u64> {
    values.iter().map(|value| value.widen().to_bits()).collect()
}

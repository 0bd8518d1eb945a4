//! Problems to solve, and the objective as its definition says it.

use ndarray::{Array1, Array2, ArrayView1, Axis};
use proptest::collection::vec;
use proptest::prelude::*;
use wane_data::Dataset;
use wane_linear::{ElasticNetOptions, Fit};

/// x and y of random shape. Half of the problems hold small whole numbers only: their columns are often constant, equal,
/// or dependent on others.
pub(crate) fn problem(columns: std::ops::Range<usize>) -> impl Strategy<Value = (Array2<f64>, Array1<f64>)> {
    (2..14_usize, columns, any::<bool>()).prop_flat_map(|(n, p, whole)| {
        let number = (-3.0..3.0_f64).prop_map(move |x| if whole { x.round() } else { x });
        (vec(number.clone(), n * p), vec(number, n))
            .prop_map(move |(x, y)| (Array2::from_shape_vec((n, p), x).unwrap(), Array1::from_vec(y)))
    })
}

/// alpha and l1_ratio, lasso more often than not.
pub(crate) fn options() -> impl Strategy<Value = ElasticNetOptions> {
    let l1_ratio = prop_oneof![Just(1.0), 0.05..1.0_f64];
    (0.001..1.5_f64, l1_ratio, any::<bool>()).prop_map(|(alpha, l1_ratio, fit_intercept)| ElasticNetOptions {
        alpha,
        l1_ratio,
        fit_intercept,
        ..Default::default()
    })
}

/// The default options with another l1_ratio.
pub(crate) fn with_ratio(l1_ratio: f64) -> ElasticNetOptions {
    ElasticNetOptions { l1_ratio, ..Default::default() }
}

pub(crate) fn objective(
    x: &Array2<f64>,
    y: &Array1<f64>,
    weights: &Array1<f64>,
    intercept: f64,
    options: &ElasticNetOptions,
) -> f64 {
    let residual = y - &x.dot(weights) - intercept;
    let l1: f64 = weights.iter().map(|w| w.abs()).sum();
    let &ElasticNetOptions { alpha, l1_ratio, .. } = options;
    0.5 * residual.dot(&residual) / y.len() as f64
        + alpha * l1_ratio * l1
        + 0.5 * alpha * (1.0 - l1_ratio) * weights.dot(weights)
}

/// The gradient of the smooth part, over w.
pub(crate) fn gradient(x: &Array2<f64>, y: &Array1<f64>, fit: &Fit, options: &ElasticNetOptions) -> Array1<f64> {
    let residual = y - &x.dot(&fit.weights) - fit.intercept;
    -x.t().dot(&residual) / y.len() as f64 + options.alpha * (1.0 - options.l1_ratio) * &fit.weights
}

/// The diabetes data, features with mean 0 and standard deviation 1 (over n); and the features' names.
pub(crate) fn diabetes() -> (Array2<f64>, Array1<f64>, Vec<String>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/diabetes.csv");
    let data = Dataset::<f64>::from_csv(path, "progression").unwrap();
    let mut x = data.x().to_owned();
    for mut column in x.columns_mut() {
        let mean = column.mean().unwrap();
        column -= mean;
        let scale = (column.dot(&column) / column.len() as f64).sqrt();
        column /= scale;
    }
    (x, data.y().index_axis(Axis(1), 0).to_owned(), data.feature_names().to_vec())
}

pub(crate) fn close(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>, tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

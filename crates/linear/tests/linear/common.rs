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

/// The objective minus what no weights are below, from definitions alone: the greater of Fenchel's dual and least squares.
///
/// In sums over rows the dual is θ·y − ½‖θ‖² − Σ (|x_j·θ| − l1)₊²/(2·l2), for any θ that adds up to 0 where there is an
/// intercept: the residual, and without an ℓ2 part, which wants |x_j·θ| ≤ l1, as much of it as that allows.
pub(crate) fn duality_gap(x: &Array2<f64>, y: &Array1<f64>, fit: &Fit, options: &ElasticNetOptions) -> f64 {
    let n = y.len() as f64;
    let (l1, l2) = (n * options.alpha * options.l1_ratio, n * options.alpha * (1.0 - options.l1_ratio));
    let centred = |values: &Array1<f64>| {
        if options.fit_intercept { values - values.mean().unwrap() } else { values.clone() }
    };
    let mut theta = centred(&(y - &x.dot(&fit.weights)));
    let mut pulls = x.t().dot(&theta);
    let largest = pulls.iter().fold(0.0, |largest: f64, pull| largest.max(pull.abs()));
    if l2 == 0.0 && largest > l1 {
        theta *= l1 / largest;
        pulls *= l1 / largest;
    }
    let excess = |pull: &f64| if l2 > 0.0 { (pull.abs() - l1).max(0.0).powi(2) / (2.0 * l2) } else { 0.0 };
    let dual = theta.dot(y) - 0.5 * theta.dot(&theta) - pulls.iter().map(excess).sum::<f64>();
    let mut rest = centred(y);
    let columns: Vec<Array1<f64>> = x.columns().into_iter().map(|column| centred(&column.to_owned())).collect();
    take_off(&mut rest, &independent(&columns));
    let least_squares = 0.5 * rest.dot(&rest);
    objective(x, y, &fit.weights, fit.intercept, options) - dual.max(least_squares) / n
}

/// An orthonormal basis of what the columns span: as many vectors as their rank.
pub(crate) fn independent(columns: &[Array1<f64>]) -> Vec<Array1<f64>> {
    let mut basis: Vec<Array1<f64>> = Vec::new();
    for column in columns {
        let mut rest = column.clone();
        take_off(&mut rest, &basis);
        let norm = rest.dot(&rest).sqrt();
        if norm > 1e-9 * column.dot(column).sqrt() {
            basis.push(rest / norm);
        }
    }
    basis
}

/// Takes off what lies in the span of an orthonormal basis; twice, for what rounding leaves.
fn take_off(values: &mut Array1<f64>, basis: &[Array1<f64>]) {
    for q in basis.iter().chain(basis) {
        let along = q.dot(values);
        values.scaled_add(-along, q);
    }
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

use super::cube::{Axis, Cube};
use super::log_ei::LogEi;
use super::minimise::minimise;
use crate::parzen::pick;
use ndarray::{Array1, Array2};
use wane_autodiff::Rng;

/// How many points the search begins with.
const POINTS: usize = 2048;
/// How many local searches there are, at most.
const SEARCHES: usize = 10;
/// How often one goes over all parameters, at most.
const ROUNDS: usize = 100;
/// At which gradient one is at a maximum, by continuous parameters in units of their lengths.
const TOLERANCE: f64 = 1e-2;
/// Up to how many values of a grid are all tried.
const FEW: usize = 16;

/// A place with the largest value that local searches find: from the best of many points, from others that are drawn by
/// their expected improvement, and from the best place known.
pub(super) fn ascend(cube: &Cube, criterion: &LogEi, known: Array1<f64>, rng: &mut Rng) -> Array1<f64> {
    let points = cube.fill(POINTS, rng);
    let values = criterion.values(&points);
    let mut best = 0;
    for (i, &value) in values.iter().enumerate() {
        if value > values[best] {
            best = i;
        }
    }
    let mut chances: Vec<f64> = values.iter().map(|value| (value - values[best]).exp()).collect();
    let mut starts = vec![points.row(best).to_owned()];
    let mut last = best;
    while starts.len() + 1 < SEARCHES {
        chances[last] = 0.0;
        let sum: f64 = chances.iter().sum();
        if sum.is_nan() || sum <= 0.0 {
            break;
        }
        last = pick(chances.iter().map(|chance| chance / sum), rng);
        starts.push(points.row(last).to_owned());
    }
    starts.push(known);
    let found = starts.into_iter().map(|start| climb(cube, criterion, start));
    let better = |a: (Array1<f64>, f64), b: (Array1<f64>, f64)| if b.1 > a.1 { b } else { a };
    found.reduce(better).map(|(place, _)| place).expect("there is a start")
}

/// A local maximum by the continuous parameters together and each other one by itself, and its value.
fn climb(cube: &Cube, criterion: &LogEi, start: Array1<f64>) -> (Array1<f64>, f64) {
    let value = criterion.values(&start.view().insert_axis(ndarray::Axis(0)).to_owned())[0];
    let mut best = (start, value);
    for _ in 0..ROUNDS {
        let mut is_better = climb_continuous(cube, criterion, &mut best);
        for (j, axis) in cube.axes().iter().enumerate() {
            is_better |= climb_axis(criterion, &mut best, j, axis);
        }
        if !is_better {
            break;
        }
    }
    best
}

/// Whether there was something better.
fn climb_continuous(cube: &Cube, criterion: &LogEi, best: &mut (Array1<f64>, f64)) -> bool {
    let axes = cube.axes().iter().enumerate();
    let free: Vec<usize> = axes.filter(|(_, axis)| matches!(axis, Axis::Continuous(_))).map(|(j, _)| j).collect();
    if free.is_empty() {
        return false;
    }
    // In units of lengths the criterion curves alike in all directions.
    let length = |j: usize| criterion.regressor.length(j);
    let bounds: Vec<(f64, f64)> = free.iter().map(|&j| (0.0, 1.0 / length(j))).collect();
    let start = free.iter().map(|&j| best.0[j] / length(j)).collect();
    let mut place = best.0.clone();
    let mut put = |scaled: &Array1<f64>| {
        free.iter().zip(scaled).for_each(|(&j, scaled)| place[j] = (scaled * length(j)).clamp(0.0, 1.0));
        place.clone()
    };
    let loss = |scaled: &Array1<f64>, gradient: &mut Array1<f64>| {
        let (value, by_place) = criterion.gradient(&put(scaled));
        free.iter().zip(gradient).for_each(|(&j, gradient)| *gradient = -by_place[j] * length(j));
        -value
    };
    let (scaled, loss) = minimise(loss, start, &bounds, TOLERANCE);
    // What is at rounding is no progress.
    let is_better = -loss > best.1 + 1e-9 * best.1.abs();
    if is_better {
        *best = (put(&scaled), -loss);
    }
    is_better
}

/// Tries all values of an axis that has few, or else of one of a grid those ever closer to the present one.
fn climb_axis(criterion: &LogEi, best: &mut (Array1<f64>, f64), j: usize, axis: &Axis) -> bool {
    let Some(n) = axis.len() else { return false };
    if n <= FEW || matches!(axis, Axis::Choices(_)) {
        return try_values(criterion, best, j, (0..n).map(|i| axis.nth(i)));
    }
    let (mut stride, mut is_better) = (n / 4, false);
    while stride > 0 {
        let i = axis.index(best.0[j]);
        let around = [i.checked_sub(stride), Some(i + stride).filter(|&i| i < n)];
        if try_values(criterion, best, j, around.into_iter().flatten().map(|i| axis.nth(i))) {
            is_better = true;
        } else {
            stride /= 2;
        }
    }
    is_better
}

fn try_values(criterion: &LogEi, best: &mut (Array1<f64>, f64), j: usize, places: impl Iterator<Item = f64>) -> bool {
    let places: Vec<f64> = places.filter(|&place| place != best.0[j]).collect();
    let x = Array2::from_shape_fn((places.len(), best.0.len()), |(i, k)| if k == j { places[i] } else { best.0[k] });
    let mut is_better = false;
    for (value, row) in criterion.values(&x).into_iter().zip(x.rows()) {
        if value > best.1 {
            *best = (row.to_owned(), value);
            is_better = true;
        }
    }
    is_better
}

//! The factors of two: where each penalty puts the optimum of a linear model, and what other libraries' strengths mean.

use crate::common::{close, config};
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert, proptest};
use wane_autodiff::ndarray::{Array2, Axis, arr2};
use wane_autodiff::{Params, Penalty, Tape};
use wane_penalties::{ElasticNet, GroupLasso, L1, L2};

/// A linear model without bias: `x` is (n, in), `y` (n, out), the weight `w` (out, in).
#[derive(Debug)]
struct Linear {
    x: Array2<f64>,
    y: Array2<f64>,
}

impl Linear {
    /// The mean squared error plus the penalty, and the gradient by the weight.
    fn loss<P: Penalty<f64> + Clone + 'static>(&self, w: &Array2<f64>, penalty: Option<&P>) -> (f64, Array2<f64>) {
        let mut params = Params::new();
        let id = params.root().add("weight", w).unwrap();
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let graph = tape.record(&params);
        let error = graph.input(&self.x).linear(graph.param(id), None, None).mse_loss(graph.input(&self.y));
        let loss = penalty.map_or(error, |penalty| error + graph.penalty(penalty, &[id]));
        loss.backward(&mut grads);
        (loss.item(), grads.get(id).unwrap().into_dimensionality().unwrap().to_owned())
    }

    fn squared_errors(&self, w: &Array2<f64>) -> f64 {
        (self.x.dot(&w.t()) - &self.y).mapv(|r| r * r).sum()
    }
}

/// Gaussian elimination with row pivoting: the solution of a·x = b.
fn solve(mut a: Array2<f64>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[[i, k]].abs().total_cmp(&a[[j, k]].abs())).unwrap();
        for j in 0..n {
            a.swap([k, j], [pivot, j]);
        }
        b.swap(k, pivot);
        for i in k + 1..n {
            let factor = a[[i, k]] / a[[k, k]];
            for j in k..n {
                a[[i, j]] -= factor * a[[k, j]];
            }
            b[i] -= factor * b[k];
        }
    }
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| a[[k, j]] * b[j]).sum();
        b[k] = (b[k] - known) / a[[k, k]];
    }
    b
}

fn matrix(rows: usize, columns: usize) -> impl Strategy<Value = Array2<f64>> {
    vec(-2.0..2.0_f64, rows * columns).prop_map(move |values| Array2::from_shape_vec((rows, columns), values).unwrap())
}

/// A problem of two or three features and five to eight rows.
fn problem() -> impl Strategy<Value = Linear> {
    (5..9_usize, 2..4_usize).prop_flat_map(|(n, p)| (matrix(n, p), matrix(n, 1)).prop_map(|(x, y)| Linear { x, y }))
}

/// Columns of ±1 of which each pair is orthogonal: XᵀX = 8·I.
fn orthogonal() -> Array2<f64> {
    Array2::from_shape_fn((8, 4), |(row, column)| match column {
        3 => [1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0][row],
        bit => {
            if row >> bit & 1 == 0 {
                1.0
            } else {
                -1.0
            }
        }
    })
}

proptest! {
    #![proptest_config(config(64))]

    /// Ridge's alpha, beside a sum of squares, is n·λ.
    #[test]
    fn the_ridge_solution_is_where_l2_beside_the_mean_squared_error_is_flat(problem in problem(), lambda in 0.05..2.0) {
        let (n, p) = problem.x.dim();
        let mut gram = problem.x.t().dot(&problem.x);
        gram.diag_mut().mapv_inplace(|d| d + n as f64 * lambda);
        let moments = problem.x.t().dot(&problem.y);
        let w = Array2::from_shape_vec((1, p), solve(gram, moments.iter().copied().collect())).unwrap();

        let scale = moments.iter().fold(0.0_f64, |max, m| max.max(m.abs())) * 2.0 / n as f64;
        let largest = |gradient: &Array2<f64>| gradient.iter().fold(0.0_f64, |max, g| max.max(g.abs()));
        let (_, flat) = problem.loss(&w, Some(&L2::new(lambda).unwrap()));
        prop_assert!(largest(&flat) <= 1e-14 * scale.max(1.0), "{flat}");
        // Half or twice the strength is not flat there: the slope is λw then, or −2λw.
        let w_max = largest(&w);
        let (_, weak) = problem.loss(&w, Some(&L2::new(lambda / 2.0).unwrap()));
        prop_assert!(close(largest(&weak), lambda * w_max, 1e-9), "{weak} at {w}");
    }

    #[test]
    fn strengths_of_other_libraries_convert_as_the_table_says(
        problem in problem(), weight in matrix(1, 3), alpha in 0.05..2.0_f64, l1_ratio in 0.05..0.95_f64,
    ) {
        let (n, p) = problem.x.dim();
        let w = weight.select(Axis(1), &Vec::from_iter(0..p));
        let (rows, squares) = (n as f64, problem.squared_errors(&w));
        let (l1, l2) = (w.mapv(f64::abs).sum(), w.mapv(|w| w * w).sum());

        // scikit-learn's Ridge is n times the loss with λ = alpha/n.
        let (ours, _) = problem.loss(&w, Some(&L2::new(alpha / rows).unwrap()));
        prop_assert!(close(rows * ours, squares + alpha * l2, 1e-14));
        // Its ElasticNet is half the loss with alpha·l1_ratio = λ₁/2 and alpha(1 − l1_ratio) = λ₂.
        let ratio = alpha * l1_ratio;
        let elastic = ElasticNet::new(2.0 * ratio, alpha - ratio).unwrap();
        let (ours, _) = problem.loss(&w, Some(&elastic));
        let theirs = squares / (2.0 * rows) + ratio * l1 + (alpha - ratio) / 2.0 * l2;
        prop_assert!(close(ours / 2.0, theirs, 1e-14));
        // Its MLPRegressor is half the loss with λ = alpha/n.
        let (ours, _) = problem.loss(&w, Some(&L2::new(alpha / rows).unwrap()));
        prop_assert!(close(ours / 2.0, squares / (2.0 * rows) + alpha / (2.0 * rows) * l2, 1e-14));
        // PyTorch's weight_decay is 2λ.
        let (ours, slope) = problem.loss(&w, Some(&L2::new(alpha / 2.0).unwrap()));
        let (plain, plain_slope) = problem.loss(&w, None::<&L2>);
        prop_assert!(close(ours, plain + alpha / 2.0 * l2, 1e-14));
        for ((&slope, &plain), &w) in slope.iter().zip(&plain_slope).zip(&w) {
            prop_assert!((slope - (plain + alpha * w)).abs() <= 1e-15 * (plain.abs() + alpha * w.abs()));
        }
    }
}

/// With XᵀX = n·I the lasso is the soft threshold of z = Xᵀy/n by λ/2.
#[test]
fn the_soft_threshold_satisfies_the_subgradient_condition_of_l1() {
    let (x, z, lambda) = (orthogonal(), [1.5, -0.9, 0.2, -0.25], 0.6);
    let y = x.dot(&arr2(&[z]).t());
    let w = arr2(&[z.map(|z: f64| z.signum() * (z.abs() - lambda / 2.0).max(0.0))]);
    assert_eq!(w.mapv(|w| w != 0.0), arr2(&[[true, true, false, false]]));

    let problem = Linear { x, y };
    let (_, bare) = problem.loss(&w, None::<&L1>);
    let (_, whole) = problem.loss(&w, Some(&L1::new(lambda).unwrap()));
    for ((&w, &bare), &whole) in w.iter().zip(&bare).zip(&whole) {
        if w == 0.0 {
            assert!(bare.abs() <= lambda && bare.abs() > 0.3, "{bare} at a zero weight");
            assert_eq!(whole, bare);
        } else {
            assert!((bare + lambda * w.signum()).abs() <= 2e-15, "{bare} at {w}");
            assert!(whole.abs() <= 2e-15, "{whole} at {w}");
        }
    }
}

/// With XᵀX = n·I each feature's column of z = yᵀX/n shrinks by λ√m·m/2 of its norm, m being the number of outputs.
#[test]
fn the_block_soft_threshold_is_where_group_lasso_is_flat() {
    let x = orthogonal();
    let z: Array2<f64> = arr2(&[[3.0, 0.1, -1.0, 0.0], [-4.0, 0.2, 2.0, 0.3], [0.5, -0.1, 0.0, 0.0]]);
    let (lambda, outputs) = (0.2, 3.0_f64);
    let threshold = lambda * outputs.sqrt() * outputs / 2.0;
    let mut w: Array2<f64> = z.clone();
    for mut column in w.columns_mut() {
        let norm = column.iter().map(|z| z * z).sum::<f64>().sqrt();
        column.mapv_inplace(|z| z * (1.0 - threshold / norm).max(0.0));
    }
    let problem = Linear { y: x.dot(&z.t()), x };
    let (_, bare) = problem.loss(&w, None::<&GroupLasso>);
    let (_, whole) = problem.loss(&w, Some(&GroupLasso::columns(lambda).unwrap()));
    for ((w, bare), whole) in w.columns().into_iter().zip(bare.columns()).zip(whole.columns()) {
        if w.iter().all(|&w| w == 0.0) {
            let norm = bare.mapv(|g| g * g).sum().sqrt();
            assert!(norm <= lambda * outputs.sqrt() && norm > 0.1, "{norm} at a dead feature");
        } else {
            assert!(whole.iter().all(|g| g.abs() <= 3e-15), "{whole} at {w}");
        }
    }
    assert_eq!(w.columns().into_iter().filter(|w| w.iter().all(|&w| w == 0.0)).count(), 2);
}

use crate::certificate::{Certificate, Conditions, Part, Subject};
use crate::design::check_finite;
use crate::face;
use crate::problem::{Problem, Strengths, check_l1_ratio, support};
use crate::search::Limits;
use ndarray::{Array1, ArrayView1, ArrayView2, Axis};
use wane_autodiff::{Error, non_negative};

/// The options of [`elastic_net`]. alpha, l1_ratio and fit_intercept have scikit-learn's names and defaults; tol is stricter
/// than its own, and max_iterations is its `max_iter`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElasticNetOptions {
    /// The strength of the penalty, finite and ≥ 0. At 0 it is least squares.
    pub alpha: f64,
    /// Which part of it is ℓ1, from 0 to 1: 1 is the lasso. At 0 it is ridge, whose weights are not made zero.
    pub l1_ratio: f64,
    /// A solution is one whose duality gap is at most tol·‖y − ȳ‖²/n (‖y‖²/n without an intercept), finite and ≥ 0. Each
    /// optimality condition is then met to tol·‖x_j − x̄_j‖‖y − ȳ‖/n, where rounding lets it be.
    pub tol: f64,
    /// How many rounds may be made, at least 1. Most problems take one or two.
    pub max_iterations: usize,
    /// Whether there is an intercept; it is not penalised.
    pub fit_intercept: bool,
}

impl Default for ElasticNetOptions {
    fn default() -> Self {
        Self { alpha: 1.0, l1_ratio: 0.5, tol: 1e-10, max_iterations: 1000, fit_intercept: true }
    }
}

impl ElasticNetOptions {
    /// The alpha and l1_ratio that have the optimum of a mean squared error + l1 Σ_g v_g ‖W_g‖ + l2 ‖W‖², its mean being over
    /// rows and k outputs: alpha·l1_ratio = k·l1/2 and alpha(1 − l1_ratio) = k·l2. With [`elastic_net`], k = 1 and the norms
    /// are ‖w‖₁; the other options are the defaults.
    ///
    /// # Errors
    /// A strength that is negative, NaN or infinite; no outputs; an alpha beyond f64.
    pub fn beside_mse(l1: f64, l2: f64, outputs: usize) -> Result<Self, Error> {
        let outputs = check_outputs(outputs)?;
        let (l1, l2) = (0.5 * outputs * non_negative("l1", l1)?, outputs * non_negative("l2", l2)?);
        let alpha = non_negative("alpha", l1 + l2)?;
        let l1_ratio = if alpha == 0.0 { 1.0 } else { l1 / alpha };
        Ok(Self { alpha, l1_ratio, ..Default::default() })
    }

    /// The l1 and l2 that, beside a mean squared error of so many outputs, have this optimum: the inverse of
    /// [`beside_mse`](Self::beside_mse).
    ///
    /// # Errors
    /// No outputs.
    pub fn penalties_beside_mse(&self, outputs: usize) -> Result<(f64, f64), Error> {
        let outputs = check_outputs(outputs)?;
        Ok((2.0 * self.alpha * self.l1_ratio / outputs, self.alpha * (1.0 - self.l1_ratio) / outputs))
    }

    pub(crate) fn check(&self) -> Result<Limits, Error> {
        non_negative("alpha", self.alpha)?;
        check_l1_ratio(self.l1_ratio)?;
        Limits::new(self.tol, self.max_iterations)
    }
}

fn check_outputs(outputs: usize) -> Result<f64, Error> {
    match outputs {
        0 => Err(Error::option("number of outputs", 0, "at least 1")),
        _ => Ok(outputs as f64),
    }
}

/// A linear model that was fitted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fit {
    /// (columns,). A weight that the penalty makes zero is +0.
    pub weights: Array1<f64>,
    /// 0 without an intercept.
    pub intercept: f64,
    /// How far from the optimum this can be.
    pub certificate: Certificate,
    /// How many rounds were made; 0 where the solution is a closed form.
    pub iterations: usize,
}

impl Fit {
    /// The columns whose weights are not 0.
    pub fn support(&self) -> Vec<usize> {
        support(&self.weights)
    }

    /// xw + b, with x: (rows, columns), of shape (rows,).
    ///
    /// # Errors
    /// Another number of columns than was fitted; a value that is not finite.
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>, Error> {
        predict(x, &self.weights, self.intercept)
    }
}

pub(crate) fn predict(x: ArrayView2<'_, f64>, weights: &Array1<f64>, intercept: f64) -> Result<Array1<f64>, Error> {
    check_rows(x, weights.len())?;
    Ok(x.dot(weights) + intercept)
}

/// Checks rows of as many columns as the model that is to predict has.
pub(crate) fn check_rows(x: ArrayView2<'_, f64>, columns: usize) -> Result<(), Error> {
    if x.ncols() != columns {
        return Err(Error::data("number of columns of x", x.ncols(), format!("{columns}, as was fitted")));
    }
    check_finite(x)
}

/// The minimum of 1/(2n) ‖y − Xw − b‖² + alpha·l1_ratio ‖w‖₁ + alpha(1 − l1_ratio)/2 ‖w‖² over w and b, with x: (rows,
/// columns) and y: (rows,) (scikit-learn's `ElasticNet`).
///
/// Columns are not scaled: bring them to one scale first if the penalty is to mean the same for each.
///
/// A round is two sweeps of coordinate descent (Friedman, Hastie and Tibshirani, *Regularization Paths for Generalized
/// Linear Models via Coordinate Descent*, 2010), which find the support, and Newton's method on the weights found, which
/// ends at the optimum once they have the right signs. A round takes O(rows·columns + rows·k² + k³) for k weights that are
/// not 0. Where lasso solutions are many, as with equal columns, this gives one whose columns are independent. With
/// alpha·l1_ratio = 0 the solution is a closed form: of many solutions without a penalty, the one of the least ‖w‖.
///
/// # Errors
/// x without rows or columns; another number of rows in y; a value that is not finite, or whose square overflows; options
/// out of range. A gap above `tol` after `max_iterations`, with the gap that was reached: a fit returned is a solution.
pub fn elastic_net(x: ArrayView2<'_, f64>, y: ArrayView1<'_, f64>, options: &ElasticNetOptions) -> Result<Fit, Error> {
    elastic_net_from(x, y, ArrayView1::from(&vec![0.0; x.ncols()]), options)
}

/// [`elastic_net`], from weights that are near the solution: (columns,).
///
/// # Errors
/// Those of [`elastic_net`]; another number of weights than of columns; a weight that is not finite.
pub fn elastic_net_from(
    x: ArrayView2<'_, f64>,
    y: ArrayView1<'_, f64>,
    start: ArrayView1<'_, f64>,
    options: &ElasticNetOptions,
) -> Result<Fit, Error> {
    options.check()?;
    let problem = Problem::new(x, y, options.fit_intercept)?;
    if start.len() != x.ncols() {
        return Err(Error::data("number of starting weights", start.len(), format!("{}, one a column", x.ncols())));
    }
    if let Some((column, w)) = start.indexed_iter().find(|(_, w)| !w.is_finite()) {
        return Err(Error::data(format!("starting weight {column}"), w, "a finite number"));
    }
    solve(&problem, start.to_owned(), options)
}

/// The solution of a problem.
pub(crate) fn solve(problem: &Problem, start: Array1<f64>, options: &ElasticNetOptions) -> Result<Fit, Error> {
    let limits = options.check()?;
    let strengths = problem.design.strengths(options.alpha, options.l1_ratio);
    let mut weights = start;
    let (certificate, iterations) = if strengths.l1 == 0.0 {
        weights = problem.design.spectrum()?.ridge(&problem.y, strengths.l2);
        let residual = problem.residual(&weights);
        (limits.closed(&conditions(problem, strengths, &weights, &residual))?, 0)
    } else {
        let mut residual = problem.residual(&weights);
        limits.search(|| {
            sweep(problem, strengths, &mut weights, &mut residual, |_| true);
            sweep(problem, strengths, &mut weights, &mut residual, |w| w != 0.0);
            face::descend(problem, strengths, &mut weights, &residual);
            residual = problem.residual(&weights);
            conditions(problem, strengths, &weights, &residual)
        })?
    };
    Ok(Fit { intercept: problem.intercept(&weights), weights, certificate, iterations })
}

/// The optimality conditions of weights, with their residual.
pub(crate) fn conditions<'a>(
    problem: &'a Problem,
    strengths: Strengths,
    weights: &Array1<f64>,
    residual: &Array1<f64>,
) -> Conditions<'a> {
    let (Problem { design, y_square, .. }, Strengths { l1, l2 }) = (problem, strengths);
    let part = |j: usize| {
        let w = weights[j];
        let q = design.product(j, residual) - l2 * w;
        let violation = if w == 0.0 { (q.abs() - l1).max(0.0) } else { (q - l1.copysign(w)).abs() };
        let square = design.squares[j];
        Part { threshold: l1, norm: w.abs(), pull: q.abs(), along: w * q, violation, square }
    };
    let parts = (0..design.columns()).map(part).collect();
    let subject = Subject { design, y_square: *y_square, strengths, members: None };
    Conditions::new(subject, parts, residual.view().insert_axis(Axis(0)), weights.iter().map(|w| l2 * w * w).sum())
}

/// Each weight in turn to its optimum beside the others: S(x_j·r + ‖x_j‖²w_j, l1) / (‖x_j‖² + l2).
fn sweep(
    problem: &Problem,
    Strengths { l1, l2 }: Strengths,
    weights: &mut Array1<f64>,
    residual: &mut Array1<f64>,
    takes: impl Fn(f64) -> bool,
) {
    for (j, &square) in problem.design.squares.iter().enumerate() {
        let old = weights[j];
        if !takes(old) {
            continue;
        }
        let next = if square == 0.0 {
            0.0
        } else {
            soft_threshold(problem.design.product(j, residual) + square * old, l1) / (square + l2)
        };
        // What underflows is +0 too.
        weights[j] = if next == 0.0 { 0.0 } else { next };
        if next != old {
            residual.scaled_add(old - next, &problem.design.x.row(j));
        }
    }
}

/// sign(z) max(|z| − λ, 0).
fn soft_threshold(z: f64, lambda: f64) -> f64 {
    if z.abs() <= lambda { 0.0 } else { z - lambda.copysign(z) }
}

use crate::basis::Basis;
use crate::cholesky::Cholesky;
use crate::elastic_net::predict;
use crate::problem::Problem;
use ndarray::{Array1, ArrayView1, ArrayView2};
use wane_autodiff::{Error, non_negative};

/// A ridge regression that was fitted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RidgeFit {
    /// (columns,).
    pub weights: Array1<f64>,
    /// The intercept, which is not penalised.
    pub intercept: f64,
    /// The effective degrees of freedom, tr X(XᵀX + alpha·I)⁻¹Xᵀ with X centred: those of the weights, without the
    /// intercept's one.
    pub degrees_of_freedom: f64,
}

impl RidgeFit {
    /// xw + b, with x: (rows, columns), of shape (rows,).
    ///
    /// # Errors
    /// Another number of columns than was fitted.
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>, Error> {
        predict(x, &self.weights, self.intercept)
    }
}

/// The minimum of ‖y − Xw − b‖² + alpha ‖w‖² over w and b, with x: (rows, columns) and y: (rows,) (scikit-learn's
/// `Ridge`).
///
/// The closed form: O(rows·columns·min + min³) with min the smaller of rows and columns. With alpha = 0 it is least
/// squares, and a column that depends on those before it gets weight 0.
///
/// # Errors
/// x without rows or columns; another number of rows in y; a value that is not finite, or whose square overflows; an alpha
/// that is negative, NaN or infinite.
///
/// ```
/// use ndarray::array;
/// let fit = wane_linear::ridge(array![[0.0], [1.0], [2.0]].view(), array![1.0, 3.0, 5.0].view(), 2.0)?;
/// // The slope is 4/(2 + alpha), the mean is kept.
/// assert_eq!((fit.weights[0], fit.intercept, fit.degrees_of_freedom), (1.0, 2.0, 0.5));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
pub fn ridge(x: ArrayView2<'_, f64>, y: ArrayView1<'_, f64>, alpha: f64) -> Result<RidgeFit, Error> {
    non_negative("alpha", alpha)?;
    let problem = Problem::new(x, y, true)?;
    let (weights, degrees_of_freedom) = solve(&problem, alpha);
    Ok(RidgeFit { intercept: problem.intercept(&weights), weights, degrees_of_freedom })
}

/// The weights, and their degrees of freedom.
pub(crate) fn solve(problem: &Problem, alpha: f64) -> (Array1<f64>, f64) {
    if alpha == 0.0 {
        let basis = Basis::of(problem);
        return (basis.least_squares(problem), basis.rank() as f64);
    }
    let by_rows = if problem.y.len() < problem.columns() { by_rows(problem, alpha) } else { None };
    by_rows.unwrap_or_else(|| by_columns(problem, alpha))
}

/// w = (XᵀX + alpha·I)⁻¹Xᵀy, and k − alpha·tr (XᵀX + alpha·I)⁻¹, over all k columns but those that depend on others to
/// where alpha is lost beside them.
fn by_columns(problem: &Problem, alpha: f64) -> (Array1<f64>, f64) {
    let all: Vec<usize> = (0..problem.columns()).collect();
    let gram = problem.gram(&all, alpha);
    let (mut columns, mut factor) = (Vec::new(), Cholesky::default());
    for j in all {
        let row = columns.iter().chain([&j]).map(|&i| gram[(j, i)]).collect();
        if factor.push(row, 0.0).is_ok() {
            columns.push(j);
        }
    }
    let mut weights = Array1::zeros(problem.columns());
    // The second time takes off the rounding of the first.
    for _ in 0..2 {
        let residual = problem.residual(&weights);
        let descent = columns.iter().map(|&j| problem.product(j, &residual) - alpha * weights[j]).collect();
        columns.iter().zip(factor.solve(descent)).for_each(|(&j, step)| weights[j] += step);
    }
    let shrunk: f64 = factor.inverse_diagonal().iter().map(|inverse| alpha * inverse).sum();
    (weights, (columns.len() as f64 - shrunk).max(0.0))
}

/// w = Xᵀ(XXᵀ + alpha·I)⁻¹y, and n − alpha·tr (XXᵀ + alpha·I)⁻¹: the smaller system if there are more columns than rows.
/// None if alpha is lost beside XXᵀ.
fn by_rows(problem: &Problem, alpha: f64) -> Option<(Array1<f64>, f64)> {
    let mut gram = problem.x.t().dot(&problem.x);
    gram.diag_mut().iter_mut().for_each(|square| *square += alpha);
    let mut factor = Cholesky::default();
    for (i, row) in gram.rows().into_iter().enumerate() {
        factor.push(row.iter().take(i + 1).copied().collect(), 0.0).ok()?;
    }
    let mut dual = Array1::<f64>::zeros(problem.y.len());
    for _ in 0..2 {
        let left = &problem.y - &gram.dot(&dual);
        dual += &Array1::from_vec(factor.solve(left.to_vec()));
    }
    let shrunk: f64 = factor.inverse_diagonal().iter().map(|inverse| alpha * inverse).sum();
    Some((problem.x.dot(&dual), (problem.rows() - shrunk).max(0.0)))
}

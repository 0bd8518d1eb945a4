use crate::certificate::Certificate;
use crate::elastic_net::{conditions, predict};
use crate::problem::{Problem, Strengths};
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
    /// How far from the optimum this can be, as a solution of [`elastic_net`](crate::elastic_net) with alpha/n and l1_ratio 0:
    /// the objective is ridge's over 2n. No gap is refused: of an alpha that is nearly lost beside ‖x_j‖² of columns nearly
    /// dependent, f64 proves little.
    pub certificate: Certificate,
}

impl RidgeFit {
    /// xw + b, with x: (rows, columns), of shape (rows,).
    ///
    /// # Errors
    /// Another number of columns than was fitted; a value that is not finite.
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>, Error> {
        predict(x, &self.weights, self.intercept)
    }
}

/// The minimum of ‖y − Xw − b‖² + alpha ‖w‖² over w and b, with x: (rows, columns) and y: (rows,) (scikit-learn's
/// `Ridge`).
///
/// The closed form, by a singular value decomposition: O(rows·columns·min) with min the smaller of rows and columns. With
/// alpha = 0 it is least squares, by the weights of the least ‖w‖ (scikit-learn's `LinearRegression`). There is always an
/// intercept: without one it is [`elastic_net`](crate::elastic_net) with alpha/n, l1_ratio 0 and no `fit_intercept`.
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
    let spectrum = problem.design.spectrum()?;
    let weights = spectrum.ridge(&problem.y, alpha);
    let residual = problem.residual(&weights);
    let certificate = conditions(&problem, Strengths { l1: 0.0, l2: alpha }, &weights, &residual).certificate();
    let (intercept, degrees_of_freedom) = (problem.intercept(&weights), spectrum.degrees_of_freedom(alpha));
    Ok(RidgeFit { weights, intercept, degrees_of_freedom, certificate })
}

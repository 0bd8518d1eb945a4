use crate::design::Design;
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
/// The closed form, by a singular value decomposition: O(rows·columns·min) with min the smaller of rows and columns. With
/// alpha = 0 it is least squares, and a column that depends on those before it gets weight 0.
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
    let (weights, degrees_of_freedom) = solve(&problem.design, &problem.y, alpha)?;
    Ok(RidgeFit { intercept: problem.intercept(&weights), weights, degrees_of_freedom })
}

/// The weights, and their degrees of freedom.
///
/// # Errors
/// A singular value decomposition that is not found.
pub(crate) fn solve(design: &Design, y: &Array1<f64>, alpha: f64) -> Result<(Array1<f64>, f64), Error> {
    if alpha == 0.0 {
        let basis = design.basis();
        return Ok((basis.least_squares(y, design.columns()), basis.rank() as f64));
    }
    let spectrum = design.spectrum()?;
    Ok((spectrum.ridge(y, alpha), spectrum.degrees_of_freedom(alpha)))
}

use crate::design::Design;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use wane_autodiff::{Error, non_negative, number};

/// The linear map S from targets to the fitted values of [`ridge`](crate::ridge), ŷ = Sy: what is known of a ridge before any
/// target is seen, and its leave-one-out errors in closed form.
///
/// S = 11ᵀ/n + X(XᵀX + alpha·I)⁻¹Xᵀ with X: (rows, columns), centred.
///
/// ```
/// use ndarray::array;
/// use wane_linear::RidgeSmoother;
///
/// let x = array![[0.0], [1.0], [2.0]];
/// let smoother = RidgeSmoother::new(x.view(), 2.0)?;
/// assert!((smoother.degrees_of_freedom() - 0.5).abs() < 1e-15);
/// // Without the first row the slope is 1/(0.5 + 2)·1 about (1.5, 4).
/// let left_out = smoother.leave_one_out(array![1.0, 3.0, 5.0].view())?;
/// assert!((left_out[0] - (1.0 - (4.0 - 1.5 * 0.4))).abs() < 1e-14);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RidgeSmoother {
    /// s/√(s² + alpha) u of each singular value s of the centred X and its u, (rank, rows): S = 11ᵀ/n + VᵀV.
    v: Array2<f64>,
}

/// What a ridge's errors are at the rows that it was fitted on, over the noise of their targets.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RidgeRisk {
    /// ‖(S − I)f‖²/n.
    pub bias_squared: f64,
    /// σ² tr S²/n.
    pub variance: f64,
    /// The expected squared error of new targets at the same rows: bias² + variance + σ².
    pub test_error: f64,
    /// The expected squared error of the targets that were fitted: the test error without the optimism.
    pub training_error: f64,
    /// 2σ² tr S/n (Efron, *How Biased Is the Apparent Error Rate of a Prediction Rule?*, 1986).
    pub optimism: f64,
}

impl RidgeSmoother {
    /// The map of ridges of this alpha on these rows; x: (rows, columns). O(rows·columns·min) with min the smaller of both.
    ///
    /// # Errors
    /// x without rows or columns; a value that is not finite, or whose square overflows; an alpha that is negative, NaN or
    /// infinite.
    pub fn new(x: ArrayView2<'_, f64>, alpha: f64) -> Result<Self, Error> {
        non_negative("alpha", alpha)?;
        let design = Design::new(x, Array1::zeros(x.nrows()).view().into_dyn(), true)?;
        Ok(Self { v: design.spectrum()?.smoother(alpha) })
    }

    fn rows(&self) -> f64 {
        self.v.ncols() as f64
    }

    /// tr S − 1: the degrees of freedom of the weights, without the intercept's one.
    pub fn degrees_of_freedom(&self) -> f64 {
        self.v.iter().map(|v| v * v).sum()
    }

    /// The diagonal of S, (rows,): by how much a fitted value follows its own target.
    pub fn leverages(&self) -> Array1<f64> {
        self.v.columns().into_iter().map(|row| 1.0 / self.rows() + row.dot(&row)).collect()
    }

    /// Sy, with y: (rows,).
    ///
    /// # Errors
    /// Another number of rows than x had; a value that is not finite.
    pub fn fitted(&self, y: ArrayView1<'_, f64>) -> Result<Array1<f64>, Error> {
        self.check("y", y)?;
        let mean = y[0] + (&y - y[0]).sum() / self.rows();
        Ok(self.v.t().dot(&self.v.dot(&(&y - mean))) + mean)
    }

    /// Each target minus what a ridge that was fitted without its row predicts for it, (rows,): (y − Sy)ᵢ/(1 − Sᵢᵢ).
    ///
    /// # Errors
    /// Another number of rows than x had; a value that is not finite; a row that decides its fitted value alone, of which
    /// nothing is known without it.
    pub fn leave_one_out(&self, y: ArrayView1<'_, f64>) -> Result<Array1<f64>, Error> {
        let (fitted, leverages) = (self.fitted(y)?, self.leverages());
        if let Some((row, leverage)) = leverages.iter().enumerate().find(|&(_, leverage)| *leverage > 1.0 - 1e-10) {
            let expected = "one below 1, so that the other rows say something of it: a larger alpha has it";
            return Err(Error::data(format!("leverage of row {row}"), number(*leverage), expected));
        }
        Ok((&y - &fitted) / (1.0 - leverages))
    }

    /// What to expect where targets are f + ε with independent ε of mean 0 and variance σ², rows being fixed; `truth` is f:
    /// (rows,).
    ///
    /// # Errors
    /// Another number of rows than x had; a value that is not finite; a variance that is negative, NaN or infinite.
    pub fn risk(&self, truth: ArrayView1<'_, f64>, noise_variance: f64) -> Result<RidgeRisk, Error> {
        non_negative("noise_variance", noise_variance)?;
        self.check("truth", truth)?;
        let missed = self.fitted(truth)? - truth;
        let gram = self.v.dot(&self.v.t());
        let square: f64 = gram.iter().map(|g| g * g).sum();
        let bias_squared = missed.dot(&missed) / self.rows();
        let variance = noise_variance * (1.0 + square) / self.rows();
        let optimism = 2.0 * noise_variance * (1.0 + self.degrees_of_freedom()) / self.rows();
        let test_error = bias_squared + variance + noise_variance;
        Ok(RidgeRisk { bias_squared, variance, test_error, training_error: test_error - optimism, optimism })
    }

    fn check(&self, name: &str, values: ArrayView1<'_, f64>) -> Result<(), Error> {
        if values.len() != self.v.ncols() {
            return Err(Error::data(
                format!("number of rows of {name}"),
                values.len(),
                format!("{}, as in x", self.v.ncols()),
            ));
        }
        match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
            Some((row, value)) => Err(Error::data(format!("row {row} of {name}"), value, "a finite number")),
            None => Ok(()),
        }
    }
}

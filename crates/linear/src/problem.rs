use crate::design::{Design, centre};
use ndarray::{Array1, ArrayView1, ArrayView2, ArrayViewD};
use wane_autodiff::{Error, number};

/// Checked data with one output, centred if there is an intercept: the best intercept is then known for any weights.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) design: Design,
    pub(crate) y: Array1<f64>,
    /// ‖y‖².
    pub(crate) y_square: f64,
    y_mean: f64,
}

/// The penalties of an objective that sums over rows: ½‖y − Xw‖² + l1 ‖w‖₁ + l2/2 ‖w‖².
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strengths {
    pub(crate) l1: f64,
    pub(crate) l2: f64,
}

impl Problem {
    /// x: (rows, columns), y: (rows,).
    pub(crate) fn new(x: ArrayView2<'_, f64>, y: ArrayView1<'_, f64>, fit_intercept: bool) -> Result<Self, Error> {
        let design = Design::new(x, y.into_dyn(), fit_intercept)?;
        let mut y = y.to_owned();
        let y_mean = if fit_intercept { centre(y.view_mut()) } else { 0.0 };
        let y_square = target_square(y.view().into_dyn())?;
        Ok(Self { design, y, y_square, y_mean })
    }

    /// y − Xw.
    pub(crate) fn residual(&self, weights: &Array1<f64>) -> Array1<f64> {
        let mut residual = self.y.clone();
        for (column, &w) in self.design.x.rows().into_iter().zip(weights) {
            if w != 0.0 {
                residual.scaled_add(-w, &column);
            }
        }
        residual
    }

    /// The intercept that is best beside the weights.
    pub(crate) fn intercept(&self, weights: &Array1<f64>) -> f64 {
        self.y_mean - self.design.mean.dot(weights)
    }
}

/// ‖y‖², of one output or of several.
pub(crate) fn target_square(y: ArrayViewD<'_, f64>) -> Result<f64, Error> {
    let square = y.iter().map(|y| y * y).sum();
    check_square("y", square, || y.iter().all(|&y| y == 0.0))?;
    Ok(square)
}

/// Checks a sum of squares, and that it is not 0 for want of range alone.
pub(crate) fn check_square(field: impl Into<String>, square: f64, is_zero: impl Fn() -> bool) -> Result<(), Error> {
    let expected = "values whose squares can be added up in f64";
    if !square.is_finite() {
        return Err(Error::data(field, "beyond f64", expected));
    }
    if square < f64::MIN_POSITIVE && !is_zero() {
        return Err(Error::data(field, "too small for f64", expected));
    }
    Ok(())
}

/// The support: where weights are not 0.
pub(crate) fn support(weights: &Array1<f64>) -> Vec<usize> {
    (0..weights.len()).filter(|&j| weights[j] != 0.0).collect()
}

/// Checks an `l1_ratio`.
pub(crate) fn check_l1_ratio(l1_ratio: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&l1_ratio) {
        Ok(())
    } else {
        Err(Error::option("l1_ratio", number(l1_ratio), "a number from 0 to 1"))
    }
}

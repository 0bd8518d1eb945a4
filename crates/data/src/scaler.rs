use crate::dataset::check_matrix;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Zip};
use wane_autodiff::{Error, Float};

/// Columns brought to mean 0 and standard deviation 1 (scikit-learn's `StandardScaler`): z = (x − mean) / scale.
///
/// `scale` is the standard deviation over n, not n − 1. A column that varies by no more than f64's rounding of n sums gets
/// scale 1, as in scikit-learn: a constant becomes 0, and not NaN or noise.
///
/// Means and scales are f64, whatever the data: the arithmetic is f64's, and each result is rounded once.
///
/// ```
/// use ndarray::array;
/// use wane_data::StandardScaler;
///
/// let x = array![[1.0_f32, 7.0], [3.0, 7.0]];
/// let scaler = StandardScaler::fit(x.view())?;
/// assert_eq!((scaler.mean(), scaler.scale()), (&[2.0, 7.0][..], &[1.0, 1.0][..]));
/// let z = scaler.transform(x.view())?;
/// assert_eq!(z, array![[-1.0, 0.0], [1.0, 0.0]]);
/// assert_eq!(scaler.inverse_transform(z.view())?, x);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StandardScaler {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl StandardScaler {
    /// The mean and scale of each column of x: (rows, columns).
    ///
    /// # Errors
    /// No row or no column; a value that is not finite; a column whose squares overflow f64.
    pub fn fit<T: Float>(x: ArrayView2<'_, T>) -> Result<Self, Error> {
        check_matrix("the data to scale", x, |column| column.to_string())?;
        let (mean, scale): (Vec<_>, Vec<_>) = x.columns().into_iter().map(mean_and_scale).unzip();
        match mean.iter().zip(&scale).position(|(mean, scale)| !(mean.is_finite() && scale.is_finite())) {
            Some(column) => {
                let field = format!("standard deviation of column {column}");
                Err(Error::data(field, "beyond f64", "values whose squares can be added up in f64"))
            }
            None => Ok(Self { mean, scale }),
        }
    }

    /// A scaler of known means and scales, such as scikit-learn's `mean_` and `scale_`.
    ///
    /// # Errors
    /// No column; other numbers of means and of scales; a mean that is not finite; a scale that is not finite and
    /// above 0.
    pub fn from_parts(mean: Vec<f64>, scale: Vec<f64>) -> Result<Self, Error> {
        if mean.is_empty() || mean.len() != scale.len() {
            let expected = format!("{}, as many as there are means, and at least 1", mean.len());
            return Err(Error::data("number of scales", scale.len(), expected));
        }
        for (column, (&mean, &scale)) in mean.iter().zip(&scale).enumerate() {
            if !mean.is_finite() {
                return Err(Error::data(format!("mean of column {column}"), mean, "a finite number"));
            }
            if !(scale.is_finite() && scale > 0.0) {
                return Err(Error::data(format!("scale of column {column}"), scale, "a finite number above 0"));
            }
        }
        Ok(Self { mean, scale })
    }

    /// The mean of each column.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// What each column is divided by: its standard deviation, or 1.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// (x − mean) / scale, with x: (rows, columns). A NaN stays NaN, and what does not fit in `T` becomes infinite.
    ///
    /// # Errors
    /// Another number of columns than the scaler was fitted on.
    pub fn transform<T: Float>(&self, x: ArrayView2<'_, T>) -> Result<Array2<T>, Error> {
        let mut z = Array2::zeros(x.raw_dim());
        self.transform_into(x, z.view_mut())?;
        Ok(z)
    }

    /// [`transform`](Self::transform) into an array that is there, of the same shape.
    ///
    /// # Errors
    /// Another number of columns than the scaler was fitted on; arrays of different shapes.
    pub fn transform_into<T: Float>(&self, x: ArrayView2<'_, T>, z: ArrayViewMut2<'_, T>) -> Result<(), Error> {
        self.map(x, z, |x, mean, scale| (x - mean) / scale)
    }

    /// z · scale + mean, with z: (rows, columns): the inverse of [`transform`](Self::transform).
    ///
    /// # Errors
    /// Another number of columns than the scaler was fitted on.
    pub fn inverse_transform<T: Float>(&self, z: ArrayView2<'_, T>) -> Result<Array2<T>, Error> {
        let mut x = Array2::zeros(z.raw_dim());
        self.inverse_transform_into(z, x.view_mut())?;
        Ok(x)
    }

    /// [`inverse_transform`](Self::inverse_transform) into an array that is there, of the same shape.
    ///
    /// # Errors
    /// Another number of columns than the scaler was fitted on; arrays of different shapes.
    pub fn inverse_transform_into<T: Float>(&self, z: ArrayView2<'_, T>, x: ArrayViewMut2<'_, T>) -> Result<(), Error> {
        self.map(z, x, |z, mean, scale| z * scale + mean)
    }

    fn map<T: Float>(
        &self,
        x: ArrayView2<'_, T>,
        mut result: ArrayViewMut2<'_, T>,
        f: impl Fn(f64, f64, f64) -> f64,
    ) -> Result<(), Error> {
        if x.ncols() != self.mean.len() {
            let expected = format!("{}, as the scaler was fitted on", self.mean.len());
            return Err(Error::data("number of columns", x.ncols(), expected));
        }
        if result.dim() != x.dim() {
            return Err(Error::data("shape of the result", format!("{:?}", result.dim()), format!("{:?}", x.dim())));
        }
        let (mean, scale) = (ArrayView1::from(&self.mean), ArrayView1::from(&self.scale));
        for (from, to) in x.rows().into_iter().zip(result.rows_mut()) {
            Zip::from(to).and(from).and(mean).and(scale).for_each(|to, &from, &mean, &scale| {
                *to = T::of(f(from.widen(), mean, scale));
            });
        }
        Ok(())
    }
}

/// Two passes over the distances from the first value: small beside a large offset, and exactly zero if constant.
fn mean_and_scale<T: Float>(column: ArrayView1<'_, T>) -> (f64, f64) {
    let (first, rows) = (column[0].widen(), column.len() as f64);
    let distances = || column.iter().map(|x| x.widen() - first);
    let shift = distances().sum::<f64>() / rows;
    let variance = distances().map(|d| (d - shift) * (d - shift)).sum::<f64>() / rows;
    let mean = first + shift;
    let rounding = rows * f64::EPSILON * variance + (rows * mean * f64::EPSILON).powi(2);
    (mean, if variance.is_finite() && variance <= rounding { 1.0 } else { variance.sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Axis, array};

    fn column<T: Float>(values: &[f64]) -> Array2<T> {
        Array1::from_iter(values.iter().map(|&x| T::of(x))).insert_axis(Axis(1))
    }

    #[test]
    fn a_large_offset_costs_nothing() {
        // The deviation of 0, 1, …, 4 is √2. A one-pass formula in f64 gives 0 or NaN here.
        for offset in [0.0, 1e6, -1e9, 1e14] {
            let x = column::<f64>(&[offset, offset + 1.0, offset + 2.0, offset + 3.0, offset + 4.0]);
            let scaler = StandardScaler::fit(x.view()).unwrap();
            assert_eq!(scaler.mean(), [offset + 2.0]);
            assert_eq!(scaler.scale(), [2.0_f64.sqrt()]);
        }
        let x = column::<f32>(&[1e6, 1e6 + 1.0, 1e6 + 2.0, 1e6 + 3.0, 1e6 + 4.0]);
        assert_eq!(StandardScaler::fit(x.view()).unwrap().scale(), [2.0_f64.sqrt()]);
        // Seconds since 1970: f32 knows them to 128, and that is a variation like any other.
        let x = column::<f32>(&[1.7e9, 1.7e9 + 128.0, 1.7e9, 1.7e9 + 128.0]);
        assert_eq!(StandardScaler::fit(x.view()).unwrap().scale(), [64.0]);
    }

    #[test]
    fn a_constant_column_becomes_zero() {
        // The mean of three times 0.1 is not 0.1 in f64; 0.1 + 0.2 is not 0.3, but differs by rounding only.
        for values in [&[0.1, 0.1, 0.1][..], &[0.0, 0.0], &[5.0], &[-1e300, -1e300]] {
            let x = column::<f64>(values);
            let scaler = StandardScaler::fit(x.view()).unwrap();
            assert_eq!((scaler.mean(), scaler.scale()), (&values[..1], &[1.0][..]));
            assert!(scaler.transform(x.view()).unwrap().iter().all(|&z| z == 0.0));
        }
        let x = column::<f64>(&[0.3, 0.1 + 0.2, 0.3, 0.3]);
        assert_eq!(StandardScaler::fit(x.view()).unwrap().scale(), [1.0]);
        let x = column::<f64>(&[0.0, 1e-30]);
        assert_eq!(StandardScaler::fit(x.view()).unwrap().scale(), [0.5e-30]);
    }

    #[test]
    fn faults_are_named() {
        let message = |x: Array2<f64>| StandardScaler::fit(x.view()).unwrap_err().to_string();
        assert_eq!(message(Array2::zeros((0, 1))), "number of rows of the data to scale is 0; expected at least 1");
        assert_eq!(message(array![[0.0, f64::INFINITY]]), "row 0, column 1 is inf; expected a finite number");
        for beyond in [&[-1e300, 1e300][..], &[0.0, 1e308, 1e308], &[f64::MIN, f64::MAX]] {
            assert_eq!(
                message(column(beyond)),
                "standard deviation of column 0 is beyond f64; expected values whose squares can be added up in f64"
            );
        }
        let scaler = StandardScaler::fit(array![[1.0_f64, 2.0]].view()).unwrap();
        let expected = "number of columns is 1; expected 2, as the scaler was fitted on";
        assert_eq!(scaler.transform(column::<f64>(&[1.0]).view()).unwrap_err().to_string(), expected);
        assert_eq!(scaler.inverse_transform(column::<f64>(&[1.0]).view()).unwrap_err().to_string(), expected);
    }

    #[test]
    fn known_parts_are_checked() {
        let x = array![[1.0_f64, 7.0], [4.0, 9.0]];
        let fitted = StandardScaler::fit(x.view()).unwrap();
        let same = StandardScaler::from_parts(fitted.mean().to_vec(), fitted.scale().to_vec()).unwrap();
        assert_eq!(same, fitted);
        let mut wrong = Array2::<f64>::zeros((1, 2));
        let message = same.transform_into(x.view(), wrong.view_mut()).unwrap_err().to_string();
        assert_eq!(message, "shape of the result is (1, 2); expected (2, 2)");
        let message = |mean: &[f64], scale: &[f64]| {
            StandardScaler::from_parts(mean.to_vec(), scale.to_vec()).unwrap_err().to_string()
        };
        assert_eq!(message(&[0.0], &[-1.0]), "scale of column 0 is -1; expected a finite number above 0");
        assert_eq!(message(&[f64::NAN], &[1.0]), "mean of column 0 is NaN; expected a finite number");
        assert!(message(&[], &[]).starts_with("number of scales is 0; expected 0, as many as there are means"));
    }
}

use crate::design::Design;
use faer::MatRef;
use ndarray::{Array1, Array2, ArrayView1};
use wane_autodiff::Error;

/// X = USVᵀ over the singular values that are not rounding: ridge for any strength at the cost of two products.
#[derive(Debug)]
pub(crate) struct Spectrum {
    /// (rank, rows): U's columns.
    u: Array2<f64>,
    /// (rank,), falling.
    s: Array1<f64>,
    /// (columns, rank).
    v: Array2<f64>,
}

impl Spectrum {
    /// # Errors
    /// An iteration that does not end.
    pub(crate) fn of(design: &Design) -> Result<Self, Error> {
        let largest = design.x.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        // By a power of two, which rounds nothing: singular values of any scale have squares then.
        let scale = if largest > 0.0 { 2.0_f64.powi(largest.log2().floor() as i32) } else { 1.0 };
        let (columns, rows) = design.x.dim();
        let scaled = design.x.mapv(|x| x / scale);
        let svd = MatRef::from_row_major_slice(scaled.as_slice().unwrap_or_default(), columns, rows).thin_svd();
        let svd = svd.map_err(|error| {
            Error::data("x", format!("{error:?} in its singular value decomposition"), "another scale of its columns")
        })?;
        // Those of Xᵀ: left and right change places.
        let (v, s, u) = (svd.U(), svd.S().column_vector(), svd.V());
        let rounding = f64::EPSILON * rows.max(columns) as f64 * s.iter().copied().fold(0.0, f64::max);
        let rank = s.iter().filter(|&&s| s > rounding).count();
        Ok(Self {
            u: Array2::from_shape_fn((rank, rows), |(i, row)| u[(row, i)]),
            s: s.iter().take(rank).map(|s| s * scale).collect(),
            v: Array2::from_shape_fn((columns, rank), |(j, i)| if design.squares[j] == 0.0 { 0.0 } else { v[(j, i)] }),
        })
    }

    /// The weights of ridge, V(S² + alpha)⁻¹SUᵀy: with alpha = 0, of all that are least squares those of the least ‖w‖.
    pub(crate) fn ridge(&self, y: &Array1<f64>, alpha: f64) -> Array1<f64> {
        let mut along = self.u.dot(y);
        along.zip_mut_with(&self.s, |along, &s| *along /= s + alpha / s);
        // A zero is +0.
        self.v.dot(&along) + 0.0
    }

    /// The diagonal of (XᵀX + l2·I)⁻¹, (columns,); None if there is no inverse.
    pub(crate) fn inverse_diagonal(&self, l2: f64) -> Option<Vec<f64>> {
        let is_whole = self.s.len() == self.v.nrows();
        let of_column = |v: ArrayView1<'_, f64>| {
            let within: f64 = v.iter().zip(&self.s).map(|(v, s)| v / (s + l2 / s) * (v / s)).sum();
            // A direction without a singular value has l2 alone.
            within + if is_whole { 0.0 } else { (1.0 - v.dot(&v)).max(0.0) / l2 }
        };
        (is_whole || l2 > 0.0).then(|| self.v.rows().into_iter().map(of_column).collect())
    }

    /// diag(s/√(s² + alpha))Uᵀ, (rank, rows): V with VᵀV = X(XᵀX + alpha·I)⁻¹Xᵀ.
    pub(crate) fn smoother(&self, alpha: f64) -> Array2<f64> {
        let mut v = self.u.clone();
        for (mut row, s) in v.rows_mut().into_iter().zip(&self.s) {
            row *= (1.0 + alpha / s / s).sqrt().recip();
        }
        v
    }

    /// Σ s²/(s² + alpha).
    pub(crate) fn degrees_of_freedom(&self, alpha: f64) -> f64 {
        self.s.iter().map(|s| 1.0 / (1.0 + alpha / s / s)).sum()
    }
}

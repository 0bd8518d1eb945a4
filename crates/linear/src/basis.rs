use crate::cholesky::Cholesky;
use crate::design::Design;
use ndarray::{Array1, ArrayView1};

/// How far rounding may take a column from those that it depends on, as a part of what it is made of.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

/// X = QR over the columns that do not depend on those before them: how near to least squares weights are, without squaring X's
/// condition number.
#[derive(Debug)]
pub(crate) struct Basis {
    columns: Vec<usize>,
    /// Q's columns, orthonormal.
    q: Vec<Array1<f64>>,
    /// R, as RᵀR = XᵀX.
    factor: Cholesky,
}

impl Basis {
    /// By Gram and Schmidt.
    pub(crate) fn of(design: &Design) -> Self {
        // A column's rounding, centring's included, is a part of this.
        let root = design.rows().sqrt();
        let size = |j: usize| design.squares[j].sqrt() + root * design.mean[j].abs();
        let mut basis = Self { columns: Vec::new(), q: Vec::new(), factor: Cholesky::default() };
        for (j, column) in design.x.rows().into_iter().enumerate() {
            let mut rest = column.to_owned();
            let mut row = vec![0.0; basis.q.len()];
            // The second time takes off what rounding left of the first.
            for _ in 0..2 {
                for (q, r) in basis.q.iter().zip(&mut row) {
                    let along = q.dot(&rest);
                    rest.scaled_add(-along, q);
                    *r += along;
                }
            }
            let norm = rest.dot(&rest).sqrt();
            let mut made_of = row.clone();
            basis.factor.backward(&mut made_of);
            let made_of = basis.columns.iter().zip(made_of).map(|(&i, part)| part.abs() * size(i)).sum::<f64>();
            if norm > ROUNDING * (size(j) + made_of) {
                row.push(norm);
                basis.factor.append(row);
                basis.columns.push(j);
                basis.q.push(rest / norm);
            }
        }
        basis
    }

    /// ‖Qᵀr‖²: by how much the square of a residual can fall.
    pub(crate) fn square_within(&self, residual: ArrayView1<'_, f64>) -> f64 {
        self.q.iter().map(|q| q.dot(&residual)).map(|along| along * along).sum()
    }
}

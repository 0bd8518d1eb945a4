use crate::cholesky::Cholesky;
use crate::problem::Problem;
use ndarray::Array1;

/// A column whose part beside those before it is at most this part of it is taken to depend on them.
const DEPENDENT: f64 = 1e-9;

/// X = QR over the columns that do not depend on those before them: least squares without squaring X's condition number.
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
    pub(crate) fn of(problem: &Problem) -> Self {
        let mut basis = Self { columns: Vec::new(), q: Vec::new(), factor: Cholesky::default() };
        for (j, column) in problem.x.rows().into_iter().enumerate() {
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
            if norm > DEPENDENT * problem.squares[j].sqrt() {
                row.push(norm);
                basis.factor.append(row);
                basis.columns.push(j);
                basis.q.push(rest / norm);
            }
        }
        basis
    }

    pub(crate) fn rank(&self) -> usize {
        self.columns.len()
    }

    /// R⁻¹Qᵀy: the weights of least squares, 0 for columns left out.
    pub(crate) fn least_squares(&self, problem: &Problem) -> Array1<f64> {
        let mut found = self.coordinates(&problem.y);
        self.factor.backward(&mut found);
        let mut weights = Array1::zeros(problem.columns());
        self.columns.iter().zip(found).for_each(|(&j, w)| weights[j] = w + 0.0);
        weights
    }

    /// ‖Qᵀr‖²: by how much the square of a residual can fall.
    pub(crate) fn square_within(&self, residual: &Array1<f64>) -> f64 {
        self.coordinates(residual).iter().map(|c| c * c).sum()
    }

    fn coordinates(&self, r: &Array1<f64>) -> Vec<f64> {
        self.q.iter().map(|q| q.dot(r)).collect()
    }
}

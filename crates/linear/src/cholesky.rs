//! A = LLᵀ, grown by a row and column at a time.

use ndarray::aview1;

/// The factor L of a positive definite A, by rows: row i has i + 1 entries.
#[derive(Debug, Default)]
pub(crate) struct Cholesky {
    rows: Vec<Vec<f64>>,
}

/// A column that, but for rounding, is a combination of those before it.
#[derive(Debug)]
pub(crate) struct Dependent {
    /// Its coefficients on them.
    pub(crate) coefficients: Vec<f64>,
    /// What is left of its square beside them: little but rounding, of either sign.
    pub(crate) pivot: f64,
    /// How far rounding may take that off.
    pub(crate) rounding: f64,
}

/// The square of the sine below which a column is taken to lie among others: beyond what rounding makes of A if those
/// others are not far from dependence themselves.
pub(crate) const NEAR: f64 = 1e-12;

impl Cholesky {
    /// Takes in the next row of A up to its diagonal. A pivot of at most `least` times the diagonal is dependence.
    ///
    /// # Errors
    /// A column that depends on those before it: it is not taken in.
    pub(crate) fn push(&mut self, mut row: Vec<f64>, least: f64) -> Result<(), Dependent> {
        let size = self.rows.len();
        let square = row[size];
        self.forward(&mut row[..size]);
        let pivot = square - dot(&row[..size], &row[..size]);
        let rounding = 8.0 * (size + 1) as f64 * f64::EPSILON;
        if pivot <= least.max(rounding) * square {
            row.truncate(size);
            self.backward(&mut row);
            return Err(Dependent { coefficients: row, pivot, rounding: rounding * square });
        }
        row[size] = pivot.sqrt();
        self.append(row);
        Ok(())
    }

    /// Takes in the next row of L itself.
    pub(crate) fn append(&mut self, row: Vec<f64>) {
        self.rows.push(row);
    }

    /// A⁻¹b.
    pub(crate) fn solve(&self, mut b: Vec<f64>) -> Vec<f64> {
        self.forward(&mut b);
        self.backward(&mut b);
        b
    }

    /// The diagonal of A⁻¹ = L⁻ᵀL⁻¹: the squares of L⁻¹'s columns.
    pub(crate) fn inverse_diagonal(&self) -> Vec<f64> {
        let size = self.rows.len();
        let unit = |j: usize| {
            let mut column = vec![0.0; size];
            column[j] = 1.0;
            self.forward(&mut column);
            dot(&column, &column)
        };
        (0..size).map(unit).collect()
    }

    /// b ← L⁻¹b.
    pub(crate) fn forward(&self, b: &mut [f64]) {
        for (i, row) in self.rows.iter().enumerate() {
            let (known, rest) = b.split_at_mut(i);
            rest[0] = (rest[0] - dot(&row[..i], known)) / row[i];
        }
    }

    /// b ← L⁻ᵀb.
    pub(crate) fn backward(&self, b: &mut [f64]) {
        for (i, row) in self.rows.iter().enumerate().rev() {
            let (rest, found) = b.split_at_mut(i);
            found[0] /= row[i];
            rest.iter_mut().zip(row).for_each(|(b, l)| *b -= l * found[0]);
        }
    }
}

/// By several sums at a time.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    aview1(a).dot(&aview1(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_solved_and_dependence_is_found() {
        let mut factor = Cholesky::default();
        factor.push(vec![4.0], 0.0).unwrap();
        factor.push(vec![2.0, 5.0], 0.0).unwrap();
        // A = [[4, 2], [2, 5]], A⁻¹ = [[5, −2], [−2, 4]]/16.
        assert_eq!(factor.solve(vec![8.0, 12.0]), [1.0, 2.0]);
        assert_eq!(factor.inverse_diagonal(), [5.0 / 16.0, 0.25]);
        // The sum of the first two.
        let dependent = factor.push(vec![6.0, 7.0, 13.0], 0.0).unwrap_err();
        assert_eq!(dependent.coefficients, [1.0, 1.0]);
        assert!(dependent.pivot.abs() <= dependent.rounding && dependent.rounding < 1e-13);
        assert!(factor.push(vec![6.0, 7.0, 13.0 + 1e-12], 0.0).is_ok());
        assert!(factor.push(vec![0.0; 4], 0.0).is_err(), "nothing depends on everything");
    }
}

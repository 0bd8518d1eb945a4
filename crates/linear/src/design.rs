use crate::basis::Basis;
use crate::problem::{Strengths, check_square};
use crate::spectrum::Spectrum;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewD, ArrayViewMut1, Axis};
use std::cell::OnceCell;
use wane_autodiff::Error;

/// Checked columns, centred if there is an intercept, and what follows from them alone.
#[derive(Debug)]
pub(crate) struct Design {
    /// (columns, rows): each column contiguous.
    pub(crate) x: Array2<f64>,
    /// ‖x_j‖².
    pub(crate) squares: Vec<f64>,
    /// What centring took off.
    pub(crate) mean: Array1<f64>,
    /// XᵀX, if it is no larger than x and was worth its O(rows·columns²).
    gram: OnceCell<Array2<f64>>,
    basis: OnceCell<Basis>,
    spectrum: OnceCell<Spectrum>,
}

impl Design {
    /// x: (rows, columns), y: (rows, ..), which is checked beside it.
    pub(crate) fn new(x: ArrayView2<'_, f64>, y: ArrayViewD<'_, f64>, fit_intercept: bool) -> Result<Self, Error> {
        check(x, y)?;
        let mut centred = x.t().as_standard_layout().into_owned();
        let mut mean = Array1::zeros(x.ncols());
        if fit_intercept {
            mean = centred.rows_mut().into_iter().map(centre).collect();
        }
        let squares: Vec<f64> = centred.rows().into_iter().map(|column| column.dot(&column)).collect();
        for (j, &square) in squares.iter().enumerate() {
            check_square(format!("column {j} of x"), square, || centred.row(j).iter().all(|&x| x == 0.0))?;
        }
        let (gram, basis, spectrum) = Default::default();
        Ok(Self { x: centred, squares, mean, gram, basis, spectrum })
    }

    pub(crate) fn rows(&self) -> f64 {
        self.x.ncols() as f64
    }

    pub(crate) fn columns(&self) -> usize {
        self.squares.len()
    }

    /// The strengths that `alpha` and `l1_ratio` stand for.
    pub(crate) fn strengths(&self, alpha: f64, l1_ratio: f64) -> Strengths {
        // Beyond f64 there is no other solution than at its end, and 0·∞ is NaN.
        let of = |share: f64| (self.rows() * alpha * share).min(f64::MAX);
        Strengths { l1: of(l1_ratio), l2: of(1.0 - l1_ratio) }
    }

    /// The smallest alpha whose strength l1 is about `largest`, and enough by a solver's own rounding.
    pub(crate) fn alpha_of(&self, largest: f64, l1_ratio: f64, is_enough: impl Fn(f64) -> bool) -> f64 {
        let mut alpha = largest / (self.rows() * l1_ratio);
        while alpha.is_finite() && !is_enough(self.strengths(alpha, l1_ratio).l1) {
            alpha = alpha.next_up();
        }
        alpha
    }

    /// x_j·r, by one and the same sum wherever it is asked for.
    pub(crate) fn product(&self, column: usize, r: &Array1<f64>) -> f64 {
        self.x.row(column).dot(r)
    }

    /// XᵀX + l2·I over the given columns, in O(rows·k²) for k of them.
    pub(crate) fn gram(&self, columns: &[usize], l2: f64) -> Array2<f64> {
        if 2 * columns.len() >= self.columns() {
            self.keep_gram();
        }
        let mut gram = match self.gram.get() {
            Some(whole) => {
                Array2::from_shape_fn((columns.len(), columns.len()), |(i, j)| whole[(columns[i], columns[j])])
            }
            None => {
                let x = self.x.select(Axis(0), columns);
                x.dot(&x.t())
            }
        };
        gram.diag_mut().iter_mut().for_each(|square| *square += l2);
        gram
    }

    /// Forms XᵀX for all that will be asked of it, if it is no larger than x.
    pub(crate) fn keep_gram(&self) {
        if self.columns() <= self.x.ncols() {
            self.gram.get_or_init(|| self.x.dot(&self.x.t()));
        }
    }

    pub(crate) fn basis(&self) -> &Basis {
        self.basis.get_or_init(|| Basis::of(self))
    }

    /// # Errors
    /// Those of [`Spectrum::of`].
    pub(crate) fn spectrum(&self) -> Result<&Spectrum, Error> {
        match self.spectrum.get() {
            Some(spectrum) => Ok(spectrum),
            None => {
                let spectrum = Spectrum::of(self)?;
                Ok(self.spectrum.get_or_init(|| spectrum))
            }
        }
    }
}

/// Takes the mean off and gives it. Distances from the first value come first: a constant becomes 0 and not rounding.
pub(crate) fn centre(mut values: ArrayViewMut1<'_, f64>) -> f64 {
    let first = values[0];
    values -= first;
    let shift = values.sum() / values.len() as f64;
    values -= shift;
    first + shift
}

/// Checks that all of x: (rows, columns) is finite.
pub(crate) fn check_finite(x: ArrayView2<'_, f64>) -> Result<(), Error> {
    match x.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), value)) => {
            Err(Error::data(format!("row {row}, column {column} of x"), value, "a finite number"))
        }
        None => Ok(()),
    }
}

fn check(x: ArrayView2<'_, f64>, y: ArrayViewD<'_, f64>) -> Result<(), Error> {
    for (axis, length) in [("rows", x.nrows()), ("columns", x.ncols())] {
        if length == 0 {
            return Err(Error::data(format!("number of {axis} of x"), 0, "at least 1"));
        }
    }
    if y.len_of(Axis(0)) != x.nrows() {
        return Err(Error::data("number of rows of y", y.len_of(Axis(0)), format!("{}, as in x", x.nrows())));
    }
    if y.is_empty() {
        return Err(Error::data("number of columns of y", 0, "at least 1"));
    }
    check_finite(x)?;
    if let Some((at, value)) = y.indexed_iter().find(|(_, value)| !value.is_finite()) {
        let column = if y.ndim() > 1 { format!(", column {}", at[1]) } else { String::new() };
        return Err(Error::data(format!("row {}{column} of y", at[0]), value, "a finite number"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::elastic_net::{self, ElasticNetOptions};
    use crate::group_elastic_net;
    use crate::group_problem::GroupProblem;
    use crate::groups::Groups;
    use crate::problem::Problem;
    use ndarray::{Array1, Array2, Axis};

    /// One fit of a few weights among many asks for no product of all columns; what needs most of them forms it once.
    #[test]
    fn all_products_are_formed_only_where_they_pay() {
        let x = Array2::from_shape_fn((60, 20), |(i, j)| (0.37 * ((i * 20 + j) as f64).powi(2)).sin());
        let y = &x.column(3) * 2.0 - x.column(7);
        let (one, y2) = (Groups::each(20), y.view().insert_axis(Axis(1)));
        for (alpha, at_most, forms) in [(0.5, 5, false), (1e-6, 20, true)] {
            let options = ElasticNetOptions { alpha, ..Default::default() };
            let problem = Problem::new(x.view(), y.view(), true).unwrap();
            let fit = elastic_net::solve(&problem, Array1::zeros(20), &options).unwrap();
            assert!((2..=at_most).contains(&fit.support().len()), "{}", fit.weights);
            assert_eq!(problem.design.gram.get().is_some(), forms);
            let problem = GroupProblem::new(x.view(), y2, &one, true).unwrap();
            assert!(problem.design.gram.get().is_none());
            group_elastic_net::solve(&problem, Array2::zeros((20, 1)), &options).unwrap();
            assert_eq!(problem.design.gram.get().is_some(), forms);
        }
    }
}

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut1, Axis};
use std::cell::OnceCell;
use wane_autodiff::{Error, non_negative};

/// Checked data, centred if there is an intercept: the best intercept is then known for any weights.
#[derive(Debug)]
pub(crate) struct Problem {
    /// (columns, rows): each column contiguous.
    pub(crate) x: Array2<f64>,
    pub(crate) y: Array1<f64>,
    /// ‖x_j‖².
    pub(crate) squares: Vec<f64>,
    /// ‖y‖².
    pub(crate) y_square: f64,
    x_mean: Array1<f64>,
    y_mean: f64,
    /// XᵀX, if it is no larger than x.
    gram: OnceCell<Array2<f64>>,
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
        check(x, y)?;
        let mut centred = x.t().as_standard_layout().into_owned();
        let mut y = y.to_owned();
        let (mut x_mean, mut y_mean) = (Array1::zeros(x.ncols()), 0.0);
        if fit_intercept {
            x_mean = centred.rows_mut().into_iter().map(centre).collect();
            y_mean = centre(y.view_mut());
        }
        let squares: Vec<f64> = centred.rows().into_iter().map(|column| column.dot(&column)).collect();
        let y_square = y.dot(&y);
        let beyond = |field: String| Error::data(field, "beyond f64", "values whose squares can be added up in f64");
        if let Some(column) = squares.iter().position(|square| !square.is_finite()) {
            return Err(beyond(format!("column {column} of x")));
        }
        if !y_square.is_finite() {
            return Err(beyond("y".to_owned()));
        }
        Ok(Self { x: centred, y, squares, y_square, x_mean, y_mean, gram: OnceCell::new() })
    }

    pub(crate) fn rows(&self) -> f64 {
        self.y.len() as f64
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

    /// The smallest alpha at which all weights are 0: max |x_j·y| / (n·l1_ratio), rounded up.
    pub(crate) fn lambda_max(&self, l1_ratio: f64) -> f64 {
        let largest = (0..self.columns()).map(|j| self.product(j, &self.y).abs()).fold(0.0, f64::max);
        let mut alpha = largest / (self.rows() * l1_ratio);
        while self.strengths(alpha, l1_ratio).l1 < largest {
            alpha = alpha.next_up();
        }
        alpha
    }

    /// x_j·r, by one and the same sum wherever it is asked for.
    pub(crate) fn product(&self, column: usize, r: &Array1<f64>) -> f64 {
        self.x.row(column).dot(r)
    }

    /// y − Xw.
    pub(crate) fn residual(&self, weights: &Array1<f64>) -> Array1<f64> {
        let mut residual = self.y.clone();
        for (column, &w) in self.x.rows().into_iter().zip(weights) {
            if w != 0.0 {
                residual.scaled_add(-w, &column);
            }
        }
        residual
    }

    /// XᵀX + l2·I over the given columns.
    pub(crate) fn gram(&self, columns: &[usize], l2: f64) -> Array2<f64> {
        let mut gram = if self.columns() <= self.y.len() {
            let whole = self.gram.get_or_init(|| self.x.dot(&self.x.t()));
            Array2::from_shape_fn((columns.len(), columns.len()), |(i, j)| whole[(columns[i], columns[j])])
        } else {
            let x = self.x.select(Axis(0), columns);
            x.dot(&x.t())
        };
        gram.diag_mut().iter_mut().for_each(|square| *square += l2);
        gram
    }

    /// The intercept that is best beside the weights.
    pub(crate) fn intercept(&self, weights: &Array1<f64>) -> f64 {
        self.y_mean - self.x_mean.dot(weights)
    }
}

/// Takes the mean off and gives it. Distances from the first value come first: a constant becomes 0 and not rounding.
fn centre(mut values: ArrayViewMut1<'_, f64>) -> f64 {
    let first = values[0];
    values -= first;
    let shift = values.sum() / values.len() as f64;
    values -= shift;
    first + shift
}

/// The support: where weights are not 0.
pub(crate) fn support(weights: &Array1<f64>) -> Vec<usize> {
    (0..weights.len()).filter(|&j| weights[j] != 0.0).collect()
}

fn check(x: ArrayView2<'_, f64>, y: ArrayView1<'_, f64>) -> Result<(), Error> {
    for (axis, length) in [("rows", x.nrows()), ("columns", x.ncols())] {
        if length == 0 {
            return Err(Error::data(format!("number of {axis} of x"), 0, "at least 1"));
        }
    }
    if y.len() != x.nrows() {
        return Err(Error::data("number of rows of y", y.len(), format!("{}, as in x", x.nrows())));
    }
    if let Some(((row, column), value)) = x.indexed_iter().find(|(_, value)| !value.is_finite()) {
        return Err(Error::data(format!("row {row}, column {column} of x"), value, "a finite number"));
    }
    if let Some((row, value)) = y.indexed_iter().find(|(_, value)| !value.is_finite()) {
        return Err(Error::data(format!("row {row} of y"), value, "a finite number"));
    }
    Ok(())
}

/// Checks an `l1_ratio`.
pub(crate) fn check_l1_ratio(l1_ratio: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&l1_ratio) {
        Ok(())
    } else {
        Err(Error::option("l1_ratio", wane_autodiff::number(l1_ratio), "a number from 0 to 1"))
    }
}

/// Checks what any search for a solution is given.
pub(crate) fn check_limits(tol: f64, max_iterations: usize) -> Result<(), Error> {
    non_negative("tol", tol)?;
    if max_iterations == 0 {
        return Err(Error::option("max_iterations", 0, "at least 1"));
    }
    Ok(())
}

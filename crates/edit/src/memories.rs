use serde::{Deserialize, Serialize};
use wane_autodiff::Error;
use wane_autodiff::ndarray::{Array2, ArrayView2, Axis, concatenate};

/// What a layer is to give for some keys: each edit is a key k and the value z* that Wk + b is to be there.
///
/// A key may be the mean of several contexts' keys ([`Site::keys`](crate::Site::keys) of perturbed copies, say), as ROME
/// takes it: it is then the mean that is sent to its value exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Memories {
    /// (edits, inputs).
    keys: Array2<f64>,
    /// (edits, outputs).
    values: Array2<f64>,
}

impl Memories {
    /// Keys, (edits, inputs of the layer), and their values, (edits, outputs of the layer).
    ///
    /// # Errors
    /// No edit; another number of values than of keys; a number that is not finite.
    pub fn new(keys: Array2<f64>, values: Array2<f64>) -> Result<Self, Error> {
        if keys.nrows() == 0 {
            return Err(Error::data("number of edits", 0, "at least 1"));
        }
        if values.nrows() != keys.nrows() {
            return Err(Error::data("number of values", values.nrows(), format!("{}, one a key", keys.nrows())));
        }
        for (what, matrix) in [("key", &keys), ("value", &values)] {
            if let Some(((edit, unit), value)) = matrix.indexed_iter().find(|(_, value)| !value.is_finite()) {
                return Err(Error::data(format!("unit {unit} of the {what} of edit {edit}"), value, "a finite number"));
            }
        }
        Ok(Self { keys, values })
    }

    /// (edits, inputs).
    pub fn keys(&self) -> ArrayView2<'_, f64> {
        self.keys.view()
    }

    /// (edits, outputs).
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// The number of edits, at least 1.
    pub fn len(&self) -> usize {
        self.keys.nrows()
    }

    /// Whether there is no edit: never so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Several, all of one layer, as one; `None` of none.
    pub(crate) fn joined<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Option<Self> {
        let keys: Vec<_> = all.clone().map(|memories| memories.keys()).collect();
        let values: Vec<_> = all.map(|memories| memories.values()).collect();
        let join = |views: &[ArrayView2<'_, f64>]| concatenate(Axis(0), views).ok();
        Some(Self { keys: join(&keys)?, values: join(&values)? })
    }

    /// Refuses edits of a layer of other widths.
    pub(crate) fn check(&self, (inputs, outputs): (usize, usize)) -> Result<(), Error> {
        for (what, given, wanted) in [("keys", self.keys.ncols(), inputs), ("values", self.values.ncols(), outputs)] {
            if given != wanted {
                return Err(Error::data(format!("width of the {what}"), given, format!("{wanted}, as the layer has")));
            }
        }
        Ok(())
    }
}

/// A matrix as files have it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Table {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Table {
    pub(crate) fn of(matrix: ArrayView2<'_, f64>) -> Self {
        Self { rows: matrix.nrows(), columns: matrix.ncols(), values: matrix.iter().copied().collect() }
    }

    /// # Errors
    /// Numbers that do not make such a matrix, or that are not finite.
    pub(crate) fn matrix(self, what: &str) -> Result<Array2<f64>, Error> {
        let Self { rows, columns, values } = self;
        if rows == 0 || columns == 0 || rows.checked_mul(columns) != Some(values.len()) {
            let given = format!("({rows}, {columns}) of {} numbers", values.len());
            return Err(Error::data(format!("shape of the {what}"), given, "rows and columns that make these numbers"));
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::data(format!("a number of the {what}"), value, "a finite number"));
        }
        Ok(Array2::from_shape_vec((rows, columns), values).expect("as many numbers"))
    }
}

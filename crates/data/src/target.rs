use crate::dataset::gather;
use ndarray::{Array2, ArrayView2, s};
use wane_autodiff::{Classes, Float};

/// What a model learns to predict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a, T> {
    /// Numbers, (rows, outputs): regression.
    Values(ArrayView2<'a, T>),
    /// One class a row: classification.
    Classes(&'a Classes),
}

impl<'a, T: Float> Target<'a, T> {
    /// The numbers, (rows, outputs).
    ///
    /// # Panics
    /// The target is classes.
    #[track_caller]
    pub fn values(self) -> ArrayView2<'a, T> {
        match self {
            Self::Values(values) => values,
            Self::Classes(_) => panic!("y: the target is classes, not numbers; classes() has them"),
        }
    }

    /// The classes.
    ///
    /// # Panics
    /// The target is numbers.
    #[track_caller]
    pub fn classes(self) -> &'a Classes {
        match self {
            Self::Classes(classes) => classes,
            Self::Values(_) => panic!("classes: the target is numbers, not classes; y() has them"),
        }
    }
}

/// A [`Target`] that is held.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OwnedTarget<T> {
    /// (rows, outputs), row-major.
    Values(Array2<T>),
    Classes(Classes),
}

impl<T: Float> OwnedTarget<T> {
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Values(values) => values.nrows(),
            Self::Classes(classes) => classes.len(),
        }
    }

    /// The number of target columns.
    pub(crate) fn columns(&self) -> usize {
        match self {
            Self::Values(values) => values.ncols(),
            Self::Classes(_) => 1,
        }
    }

    /// The first `rows` rows.
    pub(crate) fn view(&self, rows: usize) -> Target<'_, T> {
        match self {
            Self::Values(values) => Target::Values(values.slice(s![..rows, ..])),
            Self::Classes(classes) => Target::Classes(classes),
        }
    }

    /// A target of the same kind with room for `rows` rows.
    pub(crate) fn buffer(&self, rows: usize) -> Self {
        match self {
            Self::Values(values) => Self::Values(Array2::zeros((rows, values.ncols()))),
            Self::Classes(classes) => Self::Classes(classes.clone()),
        }
    }

    /// Writes the given rows of `source`, which is of the same kind, over the first rows of this buffer.
    pub(crate) fn gather(&mut self, source: &Self, rows: &[usize]) {
        match (self, source) {
            (Self::Values(to), Self::Values(from)) => gather(from, rows, to),
            (Self::Classes(to), Self::Classes(from)) => to.gather(from, rows),
            _ => unreachable!("a buffer is of its source's kind"),
        }
    }
}

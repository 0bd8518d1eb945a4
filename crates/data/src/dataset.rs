use crate::target::OwnedTarget;
use crate::text::first_unfit;
use crate::{StandardScaler, Target};
use ndarray::{Array2, ArrayView2, Axis};
use wane_autodiff::{Classes, Error, Float};

/// Rows of features, each with a target; both with their columns' names.
///
/// The target is numbers ([`Dataset::new`]) or classes ([`Dataset::with_classes`]).
///
/// ```
/// use ndarray::array;
/// use wane_data::{Classes, Dataset};
///
/// let x = array![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]];
/// let regression = Dataset::new(x.clone(), array![[0.1], [0.2], [0.3]])?;
/// assert_eq!(regression.y(), array![[0.1], [0.2], [0.3]]);
/// let classification = Dataset::with_classes(x.clone(), Classes::new(&[0, 1, 1], 2)?)?;
/// assert_eq!(classification.classes().labels(), [0, 1, 1]);
///
/// let error = Dataset::new(x, array![[0.1], [f64::NAN], [0.3]]).unwrap_err();
/// assert_eq!(error.to_string(), "row 1, column \"y\" is NaN; expected a finite number");
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset<T> {
    /// (rows, features), row-major.
    pub(crate) x: Array2<T>,
    pub(crate) target: OwnedTarget<T>,
    names: Names,
}

/// What columns and classes are called: every transformation of a data set passes it on whole.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Names {
    /// One a column of x, each of its own.
    pub(crate) features: Vec<String>,
    /// One a column of y, each of its own.
    pub(crate) targets: Vec<String>,
    /// One a class, each of its own; none where the classes have none, and where the target is numbers.
    pub(crate) classes: Vec<String>,
}

impl<T: Float> Dataset<T> {
    /// A regression data set, with x: (rows, features) and y: (rows, outputs).
    ///
    /// Columns are called `x0`, `x1`, … and `y` (`y0`, `y1`, … if there are several), until
    /// [`with_names`](Self::with_names).
    ///
    /// # Errors
    /// No row, no feature or no output; a different number of rows in x and y; a value that is not finite.
    pub fn new(x: Array2<T>, y: Array2<T>) -> Result<Self, Error> {
        let targets = if y.ncols() == 1 { vec!["y".to_owned()] } else { numbered("y", y.ncols()) };
        let names = Names { features: numbered("x", x.ncols()), targets, classes: Vec::new() };
        Self::checked(x, OwnedTarget::Values(row_major(y)), names)
    }

    /// A classification data set, with x: (rows, features) and one class a row.
    ///
    /// Columns are called `x0`, `x1`, … and `y`, until [`with_names`](Self::with_names); classes have no names, until
    /// [`with_class_names`](Self::with_class_names).
    ///
    /// # Errors
    /// No row or no feature; a number of classes that differs from the rows of x; a value that is not finite.
    pub fn with_classes(x: Array2<T>, classes: Classes) -> Result<Self, Error> {
        let features = numbered("x", x.ncols());
        let names = Names { features, targets: vec!["y".to_owned()], classes: Vec::new() };
        Self::checked(x, OwnedTarget::Classes(classes), names)
    }

    /// The way in for every data set, whose `names` are as [`Names`] wants them.
    pub(crate) fn checked(x: Array2<T>, target: OwnedTarget<T>, names: Names) -> Result<Self, Error> {
        check_matrix("x", x.view(), |column| format!("{:?}", names.features[column]))?;
        if target.rows() != x.nrows() {
            return Err(Error::data("number of rows of y", target.rows(), format!("{}, as in x", x.nrows())));
        }
        if let OwnedTarget::Values(y) = &target {
            check_matrix("y", y.view(), |column| format!("{:?}", names.targets[column]))?;
        }
        Ok(Self { x: row_major(x), target, names })
    }

    /// The same data under other names.
    ///
    /// # Errors
    /// Another number of names than of columns; a name that is empty or used twice.
    pub fn with_names(mut self, features: &[impl AsRef<str>], targets: &[impl AsRef<str>]) -> Result<Self, Error> {
        for (what, given, wanted) in
            [("feature", features.len(), self.x.ncols()), ("target", targets.len(), self.target.columns())]
        {
            if given != wanted {
                return Err(Error::data(format!("number of {what} names"), given, format!("{wanted}, one a column")));
            }
        }
        let names = Vec::from_iter(features.iter().map(AsRef::as_ref).chain(targets.iter().map(AsRef::as_ref)));
        if let Some(name) = first_unfit(&names) {
            return Err(Error::data("column name", format!("{name:?}"), "a name that no other column has"));
        }
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let (features, targets) = names.split_at(features.len());
        (self.names.features, self.names.targets) = (owned(features), owned(targets));
        Ok(self)
    }

    /// The same data with a name for each class, in the order of their indices.
    ///
    /// # Errors
    /// A target that is numbers; another number of names than of classes; a name that is empty or used twice.
    pub fn with_class_names(mut self, names: &[impl AsRef<str>]) -> Result<Self, Error> {
        let Target::Classes(classes) = self.target() else {
            return Err(Error::data("target", "numbers", "classes, which can have names"));
        };
        if names.len() != classes.count() {
            return Err(Error::data("number of class names", names.len(), format!("{}, one a class", classes.count())));
        }
        if let Some(name) = first_unfit(names) {
            return Err(Error::data("class name", format!("{name:?}"), "a name that no other class has"));
        }
        self.names.classes = names.iter().map(|name| name.as_ref().to_owned()).collect();
        Ok(self)
    }

    /// The features, (rows, features).
    pub fn x(&self) -> ArrayView2<'_, T> {
        self.x.view()
    }

    /// The target of a regression, (rows, outputs).
    ///
    /// # Panics
    /// The target is classes.
    #[track_caller]
    pub fn y(&self) -> ArrayView2<'_, T> {
        self.target().values()
    }

    /// The target of a classification.
    ///
    /// # Panics
    /// The target is numbers.
    #[track_caller]
    pub fn classes(&self) -> &Classes {
        self.target().classes()
    }

    /// The target, whichever it is.
    pub fn target(&self) -> Target<'_, T> {
        self.target.view(self.len())
    }

    /// The name of each feature.
    pub fn feature_names(&self) -> &[String] {
        &self.names.features
    }

    /// The name of each output; one name for classes.
    pub fn target_names(&self) -> &[String] {
        &self.names.targets
    }

    /// The name of each class, in the order of their indices; none where the classes have none, and where the target is
    /// numbers.
    pub fn class_names(&self) -> &[String] {
        &self.names.classes
    }

    /// The number of rows, at least 1.
    pub fn len(&self) -> usize {
        self.x.nrows()
    }

    /// Whether there is no row: never so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The given rows, in the given order; a row may be given more than once.
    ///
    /// # Errors
    /// No row; a row beyond the last.
    pub fn select(&self, rows: &[usize]) -> Result<Self, Error> {
        if rows.is_empty() {
            return Err(Error::option("number of rows selected", 0, "at least 1"));
        }
        if let Some(row) = rows.iter().find(|&&row| row >= self.len()) {
            return Err(Error::option("selected row", row, format!("a row below {}", self.len())));
        }
        let mut x = Array2::zeros((rows.len(), self.x.ncols()));
        gather(&self.x, rows, &mut x);
        let mut target = self.target.buffer(rows.len());
        target.gather(&self.target, rows);
        Ok(Self { x, target, names: self.names.clone() })
    }

    /// The given columns of x, in the given order, with their names: what a selection of features has left.
    ///
    /// # Errors
    /// No column; a column beyond the last, or given twice.
    pub fn select_features(&self, columns: &[usize]) -> Result<Self, Error> {
        if columns.is_empty() {
            return Err(Error::option("number of features selected", 0, "at least 1"));
        }
        let count = self.x.ncols();
        for (i, &column) in columns.iter().enumerate() {
            if column >= count {
                return Err(Error::option("selected feature", column, format!("a column below {count}")));
            }
            if columns[..i].contains(&column) {
                return Err(Error::option("selected feature", format!("{column}, given twice"), "each column once"));
            }
        }
        let features = columns.iter().map(|&column| self.names.features[column].clone()).collect();
        let x = row_major(self.x.select(Axis(1), columns));
        Ok(Self { x, target: self.target.clone(), names: Names { features, ..self.names.clone() } })
    }

    /// The same rows with the features transformed by `scaler`.
    ///
    /// # Errors
    /// A scaler of another number of columns.
    pub fn scale_x(&self, scaler: &StandardScaler) -> Result<Self, Error> {
        let x = scaler.transform(self.x()).map_err(|error| error.within("x"))?;
        Self::checked(x, self.target.clone(), self.names.clone())
    }

    /// The same rows with the target transformed by `scaler`, whose `inverse_transform` brings predictions back.
    ///
    /// # Errors
    /// A target that is classes; a scaler of another number of columns.
    pub fn scale_y(&self, scaler: &StandardScaler) -> Result<Self, Error> {
        let Target::Values(y) = self.target() else {
            return Err(Error::data("target", "classes", "numbers, which can be scaled"));
        };
        let y = scaler.transform(y).map_err(|error| error.within("y"))?;
        Self::checked(self.x.clone(), OwnedTarget::Values(y), self.names.clone())
    }
}

/// Refuses an array without rows or columns, and any value that is not finite, by the column's name.
pub(crate) fn check_matrix<T: Float>(
    what: &str,
    array: ArrayView2<'_, T>,
    name: impl Fn(usize) -> String,
) -> Result<(), Error> {
    for (axis, length) in [("rows", array.nrows()), ("columns", array.ncols())] {
        if length == 0 {
            return Err(Error::data(format!("number of {axis} of {what}"), 0, "at least 1"));
        }
    }
    match array.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), value)) => {
            Err(Error::data(format!("row {row}, column {}", name(column)), value, "a finite number"))
        }
        None => Ok(()),
    }
}

/// Writes the given rows of `from` over the first rows of `to`; both are row-major and of one width.
pub(crate) fn gather<T: Float>(from: &Array2<T>, rows: &[usize], to: &mut Array2<T>) {
    let width = from.ncols();
    let from = from.as_slice().expect("a data set is row-major");
    let to = to.as_slice_mut().expect("a buffer is row-major");
    for (to, &row) in to.chunks_exact_mut(width).zip(rows) {
        to.copy_from_slice(&from[row * width..][..width]);
    }
}

fn row_major<T: Float>(array: Array2<T>) -> Array2<T> {
    if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() }
}

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|column| format!("{prefix}{column}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, array};

    fn small() -> Dataset<f64> {
        Dataset::new(array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], array![[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]).unwrap()
    }

    fn message<V: std::fmt::Debug>(result: Result<V, Error>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn faults_are_named() {
        let (x, y) = (Array2::<f32>::zeros((2, 2)), Array2::<f32>::zeros((2, 1)));
        let none = |shape| Array2::<f32>::zeros(shape);
        let with = |mut array: Array2<f32>, value| {
            let last = array.ncols() - 1;
            array[[1, last]] = value;
            array
        };
        for (given, expected) in [
            (Dataset::new(none((0, 2)), none((0, 1))), "number of rows of x is 0; expected at least 1"),
            (Dataset::new(none((2, 0)), y.clone()), "number of columns of x is 0; expected at least 1"),
            (Dataset::new(x.clone(), none((2, 0))), "number of columns of y is 0; expected at least 1"),
            (Dataset::new(x.clone(), none((3, 1))), "number of rows of y is 3; expected 2, as in x"),
            (
                Dataset::new(with(x.clone(), f32::NAN), y.clone()),
                "row 1, column \"x1\" is NaN; expected a finite number",
            ),
            (
                Dataset::new(x.clone(), with(none((2, 3)), f32::NEG_INFINITY)),
                "row 1, column \"y2\" is -inf; expected a finite number",
            ),
            (
                Dataset::with_classes(x.clone(), Classes::new(&[0], 2).unwrap()),
                "number of rows of y is 1; expected 2, as in x",
            ),
        ] {
            assert_eq!(message(given), expected);
        }
    }

    #[test]
    fn names_are_checked_and_kept() {
        let data = small();
        assert_eq!(data.feature_names(), ["x0", "x1"]);
        assert_eq!(data.target_names(), ["y0", "y1"]);
        for (features, targets, expected) in [
            (&["a"][..], &["c", "d"][..], "number of feature names is 1; expected 2, one a column"),
            (&["a", "b"], &["c"], "number of target names is 1; expected 2, one a column"),
            (&["a", "b"], &["c", "a"], "column name is \"a\"; expected a name that no other column has"),
            (&["a", ""], &["c", "d"], "column name is \"\"; expected a name that no other column has"),
        ] {
            assert_eq!(message(data.clone().with_names(features, targets)), expected);
        }
        let data = data.with_names(&["a", "b"], &["c", "d"]).unwrap();
        let scaled = data.scale_x(&StandardScaler::fit(data.x()).unwrap()).unwrap();
        let scaled = scaled.scale_y(&StandardScaler::fit(data.y()).unwrap()).unwrap();
        for kept in [data.select(&[2, 0]).unwrap(), scaled] {
            assert_eq!(kept.feature_names(), ["a", "b"]);
            assert_eq!(kept.target_names(), ["c", "d"]);
        }
    }

    #[test]
    fn rows_are_selected_in_order() {
        let data = small();
        let some = data.select(&[2, 0, 2]).unwrap();
        assert_eq!(some.x(), array![[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]);
        assert_eq!(some.y(), array![[0.5, 0.6], [0.1, 0.2], [0.5, 0.6]]);
        assert_eq!(message(data.select(&[])), "number of rows selected is 0; expected at least 1");
        assert_eq!(message(data.select(&[0, 3])), "selected row is 3; expected a row below 3");

        let x = Array2::<f64>::zeros((3, 1));
        let data = Dataset::with_classes(x, Classes::new(&[2, 0, 1], 4).unwrap()).unwrap();
        assert_eq!(*data.select(&[1, 0]).unwrap().classes(), Classes::new(&[0, 2], 4).unwrap());
    }

    #[test]
    fn any_memory_layout_is_taken() {
        let x = Array1::from_iter(0..6).mapv(f64::from).into_shape_with_order((2, 3)).unwrap();
        let data = Dataset::new(x.clone().reversed_axes(), x.reversed_axes()).unwrap();
        assert_eq!(data.select(&[1]).unwrap().x(), array![[1.0, 4.0]]);
        assert_eq!(data.select(&[2]).unwrap().y(), array![[2.0, 5.0]]);
    }

    #[test]
    fn scaling_faults_are_named() {
        let data = small();
        let narrow = StandardScaler::fit(array![[1.0], [2.0]].view()).unwrap();
        let expected = "number of columns is 2; expected 1, as the scaler was fitted on";
        assert_eq!(message(data.scale_x(&narrow)), format!("x: {expected}"));
        assert_eq!(message(data.scale_y(&narrow)), format!("y: {expected}"));
        let classes = Dataset::with_classes(data.x().to_owned(), Classes::new(&[0, 1, 0], 2).unwrap()).unwrap();
        assert_eq!(message(classes.scale_y(&narrow)), "target is classes; expected numbers, which can be scaled");
    }

    #[test]
    #[should_panic = "y: the target is classes, not numbers; classes() has them"]
    fn classes_are_no_numbers() {
        Dataset::with_classes(array![[0.0]], Classes::new(&[0], 1).unwrap()).unwrap().y();
    }

    #[test]
    #[should_panic = "classes: the target is numbers, not classes; y() has them"]
    fn numbers_are_no_classes() {
        small().classes();
    }
}

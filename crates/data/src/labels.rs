use crate::text::{first_unfit, listed, shown};
use ndarray::Array2;
use std::collections::HashMap;
use wane_autodiff::{Classes, Error, Float};

/// Text labels as class numbers (scikit-learn's `LabelEncoder`): class i is the i-th label in sorted order.
///
/// ```
/// use ndarray::array;
/// use wane_data::{Dataset, LabelEncoder};
///
/// let labels = ["setosa", "virginica", "setosa"];
/// let encoder = LabelEncoder::fit(&labels)?;
/// let classes = encoder.transform(&labels)?;
/// assert_eq!(classes.labels(), [0, 1, 0]);
/// assert_eq!(encoder.inverse_transform(&classes)?, labels);
///
/// let data = Dataset::with_classes(array![[5.1], [6.3], [4.9]], classes)?.with_class_names(encoder.names())?;
/// assert_eq!(data.class_names(), ["setosa", "virginica"]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelEncoder {
    names: Vec<String>,
    index: HashMap<String, usize>,
}

impl LabelEncoder {
    /// The distinct labels, sorted by code points as Python sorts.
    ///
    /// # Errors
    /// No label; an empty one.
    pub fn fit(labels: &[impl AsRef<str>]) -> Result<Self, Error> {
        if let Some(row) = labels.iter().position(|label| label.as_ref().is_empty()) {
            return Err(Error::data(format!("label of row {row}"), "empty", "some text"));
        }
        let mut names = Vec::from_iter(labels.iter().map(AsRef::as_ref));
        names.sort_unstable();
        names.dedup();
        Self::new(&names)
    }

    /// The given classes, in the given order.
    ///
    /// # Errors
    /// No name; one that is empty or there twice.
    pub fn new(names: &[impl AsRef<str>]) -> Result<Self, Error> {
        if names.is_empty() {
            return Err(Error::data("number of labels", 0, "at least 1"));
        }
        if let Some(name) = first_unfit(names) {
            return Err(Error::data("label", shown(name), "a text that no other class has"));
        }
        let names = Vec::from_iter(names.iter().map(|name| name.as_ref().to_owned()));
        let index = names.iter().cloned().zip(0..).collect();
        Ok(Self { names, index })
    }

    /// The label of each class.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The class of each label.
    ///
    /// # Errors
    /// A label of no class.
    pub fn transform(&self, labels: &[impl AsRef<str>]) -> Result<Classes, Error> {
        let find = |(row, label): (usize, &str)| {
            self.find(label).map_err(|expected| Error::data(format!("label of row {row}"), shown(label), expected))
        };
        let rows = labels.iter().map(AsRef::as_ref).enumerate();
        Classes::new(&rows.map(find).collect::<Result<Vec<_>, _>>()?, self.names.len())
    }

    /// The label of each class number: the inverse of [`transform`](Self::transform).
    ///
    /// # Errors
    /// A class number without a label.
    pub fn inverse_transform(&self, classes: &Classes) -> Result<Vec<&str>, Error> {
        let name = |(row, &class): (usize, &u32)| {
            self.names.get(class as usize).map(String::as_str).ok_or_else(|| {
                let expected = format!("an index below {}", self.names.len());
                Error::data(format!("class index of row {row}"), class, expected)
            })
        };
        classes.labels().iter().enumerate().map(name).collect()
    }

    /// The class of one label; on failure, what would be one.
    pub(crate) fn find(&self, label: &str) -> Result<usize, String> {
        self.index.get(label).copied().ok_or_else(|| format!("one of {}", listed(&self.names)))
    }
}

/// A row of zeros with a 1 at its class for each label, (rows, classes) (PyTorch's `one_hot`); zeros alone for an
/// ignored one.
///
/// ```
/// use ndarray::array;
/// use wane_data::{Classes, one_hot};
///
/// let classes = Classes::new(&[2, 0], 3)?;
/// assert_eq!(one_hot::<f32>(&classes), array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
pub fn one_hot<T: Float>(classes: &Classes) -> Array2<T> {
    let hot = |(row, class): (usize, usize)| if classes.labels()[row] as usize == class { T::one() } else { T::zero() };
    Array2::from_shape_fn((classes.len(), classes.count()), hot)
}

use crate::Error;

/// Class labels, checked once: every label lies below the number of classes.
///
/// ```
/// use wane_autodiff::Classes;
/// let classes = Classes::new(&[0, 2, 1], 3)?;
/// assert_eq!(classes.labels(), &[0, 2, 1]);
/// assert!(Classes::new(&[0, 3], 3).is_err());
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    labels: Vec<u32>,
    count: usize,
}

impl Classes {
    /// Labels of a data set with `count` classes.
    ///
    /// # Errors
    /// A label of `count` or above, by its position; `count` of zero.
    pub fn new(labels: &[usize], count: usize) -> Result<Self, Error> {
        if count == 0 || u32::try_from(count).is_err() {
            return Err(Error::data("number of classes", count, "at least 1 and below 2^32"));
        }
        if let Some((row, label)) = labels.iter().enumerate().find(|&(_, &label)| label >= count) {
            return Err(Error::data(format!("class index of row {row}"), label, format!("an index below {count}")));
        }
        Ok(Self { labels: labels.iter().map(|&label| label as u32).collect(), count })
    }

    /// The labels, in row order.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The number of classes.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Replaces the labels by those of `source` at `rows`, in that order, reusing the memory held.
    ///
    /// # Panics
    /// A row beyond `source`.
    pub fn gather(&mut self, source: &Self, rows: &[usize]) {
        self.count = source.count;
        self.labels.clear();
        self.labels.extend(rows.iter().map(|&row| source.labels[row]));
    }
}

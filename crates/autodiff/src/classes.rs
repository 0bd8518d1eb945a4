use crate::Error;

/// Class labels, checked once: every label lies below the number of classes, or its row is ignored.
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
    /// What [`labels`](Self::labels) has for an ignored row; never a class.
    pub const IGNORED: u32 = u32::MAX;

    /// Labels of a data set with `count` classes.
    ///
    /// # Errors
    /// A label of `count` or above, by its position; `count` of zero.
    pub fn new(labels: &[usize], count: usize) -> Result<Self, Error> {
        check_count(count)?;
        if let Some((row, label)) = labels.iter().enumerate().find(|&(_, &label)| label >= count) {
            return Err(Error::data(format!("class index of row {row}"), label, format!("an index below {count}")));
        }
        Ok(Self { labels: labels.iter().map(|&label| label as u32).collect(), count })
    }

    /// Labels of which some say that their row is not labelled: rows with `ignore_index` take no part in a loss (PyTorch's
    /// `ignore_index`, whose default is −100).
    ///
    /// ```
    /// use wane_autodiff::Classes;
    /// let classes = Classes::with_ignored(&[0, -100, 1], 2, -100)?;
    /// assert_eq!(classes.labels(), [0, Classes::IGNORED, 1]);
    /// let error = Classes::with_ignored(&[0, -1, 1], 2, -100).unwrap_err();
    /// assert_eq!(error.to_string(), "class index of row 1 is -1; expected an index below 2, or -100 to ignore the row");
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// A label that is neither `ignore_index` nor in `0..count`, by its position; `count` of zero.
    pub fn with_ignored(labels: &[i64], count: usize, ignore_index: i64) -> Result<Self, Error> {
        check_count(count)?;
        let read = |(row, &label): (usize, &i64)| match u32::try_from(label) {
            _ if label == ignore_index => Ok(Self::IGNORED),
            Ok(label) if (label as usize) < count => Ok(label),
            _ => {
                let expected = format!("an index below {count}, or {ignore_index} to ignore the row");
                Err(Error::data(format!("class index of row {row}"), label, expected))
            }
        };
        Ok(Self { labels: labels.iter().enumerate().map(read).collect::<Result<_, _>>()?, count })
    }

    /// The labels, in row order; that of an ignored row is [`IGNORED`](Self::IGNORED).
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

fn check_count(count: usize) -> Result<(), Error> {
    if count == 0 || u32::try_from(count).is_err() {
        return Err(Error::data("number of classes", count, "at least 1 and below 2^32"));
    }
    Ok(())
}

use crate::metric::largest;
use std::fmt;
use wane_autodiff::ndarray::{Array2, ArrayView2, Axis};
use wane_autodiff::{Classes, Error, Float};

/// How often each class (row) was taken for each class (column), and what follows from it, as scikit-learn's
/// `classification_report` defines it. Its `Display` is a table of both.
///
/// ```
/// use wane_autodiff::ndarray::array;
/// use wane_train::ConfusionMatrix;
/// let matrix = ConfusionMatrix::new(array![[4, 1], [0, 3]])?.with_labels(&["cat", "dog"])?;
/// assert_eq!((matrix.accuracy(), matrix.scores(1).precision), (0.875, 0.75));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    /// (classes, classes): the label's row, the prediction's column.
    counts: Array2<u64>,
    labels: Vec<String>,
}

/// How well a [`ConfusionMatrix`] says that one class is told from the others.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassScores {
    /// The share of the rows taken for the class that are of it; 0 where none was.
    pub precision: f64,
    /// The share of the class's rows that were taken for it; 0 where there is none.
    pub recall: f64,
    /// 2·hits/(rows of the class + rows taken for it), the harmonic mean of both; 0 where there is neither.
    pub f1: f64,
    /// How many rows are of the class.
    pub support: u64,
}

impl ConfusionMatrix {
    /// A matrix of the given counts, (classes, classes), such as [`confusion_matrix`] gives and sums of these.
    ///
    /// # Errors
    /// No class; another number of rows than of columns.
    pub fn new(counts: Array2<u64>) -> Result<Self, Error> {
        if !counts.is_square() || counts.is_empty() {
            let given = format!("{:?}", counts.dim());
            return Err(Error::data("shape of the counts", given, "a row and a column a class"));
        }
        Ok(Self { counts, labels: Vec::new() })
    }

    /// The same matrix with a label for each class, for its `Display`.
    ///
    /// # Errors
    /// Another number of labels than of classes.
    pub fn with_labels(mut self, labels: &[impl AsRef<str>]) -> Result<Self, Error> {
        let classes = self.counts.nrows();
        if labels.len() != classes {
            return Err(Error::data("number of labels", labels.len(), format!("{classes}, one a class")));
        }
        self.labels = labels.iter().map(|label| label.as_ref().to_owned()).collect();
        Ok(self)
    }

    /// How often each class (row) was taken for each class (column), (classes, classes).
    pub fn counts(&self) -> ArrayView2<'_, u64> {
        self.counts.view()
    }

    /// The label of each class; none if they were given none.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The share of rows that were taken for what they are; NaN without a row. scikit-learn's `accuracy_score`.
    pub fn accuracy(&self) -> f64 {
        self.counts.diag().sum() as f64 / self.counts.sum() as f64
    }

    /// Precision, recall, F1 and support of a class: scikit-learn's `precision_recall_fscore_support`.
    ///
    /// # Panics
    /// A class beyond the last.
    #[track_caller]
    pub fn scores(&self, class: usize) -> ClassScores {
        let classes = self.counts.nrows();
        assert!(class < classes, "scores: class {class}, where there are {classes}");
        let hits = self.counts[[class, class]];
        let (support, taken) = (self.counts.row(class).sum(), self.counts.column(class).sum());
        let share = |part: u64, of: u64| if of == 0 { 0.0 } else { part as f64 / of as f64 };
        ClassScores {
            precision: share(hits, taken),
            recall: share(hits, support),
            f1: share(2 * hits, support + taken),
            support,
        }
    }

    fn label(&self, class: usize) -> String {
        self.labels.get(class).cloned().unwrap_or_else(|| class.to_string())
    }
}

/// A line a class: its label, its counts, its scores; then the accuracy.
impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = Vec::from_iter((0..self.counts.nrows()).map(|class| self.label(class)));
        let width = |texts: &mut dyn Iterator<Item = String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
        let first = width(&mut labels.iter().cloned().chain(["accuracy".to_owned()]));
        let columns = Vec::from_iter(self.counts.axis_iter(Axis(1)).zip(&labels).map(|(column, label)| {
            let counts = column.into_iter().map(u64::to_string);
            width(&mut counts.chain([label.clone()]))
        }));
        write!(f, "{:first$}", "")?;
        labels.iter().zip(&columns).try_for_each(|(label, width)| write!(f, "  {label:>width$}"))?;
        writeln!(f, "  precision  recall      f1  support")?;
        for (class, row) in self.counts.rows().into_iter().enumerate() {
            write!(f, "{:first$}", labels[class])?;
            row.iter().zip(&columns).try_for_each(|(count, width)| write!(f, "  {count:>width$}"))?;
            let ClassScores { precision, recall, f1, support } = self.scores(class);
            writeln!(f, "  {precision:>9.4}  {recall:>6.4}  {f1:>6.4}  {support:>7}")?;
        }
        write!(f, "{:first$}  {:.4}", "accuracy", self.accuracy())
    }
}

/// How often each class (row) was taken for each class (column), (classes, classes): scikit-learn's `confusion_matrix`.
/// `output` has the logits, (rows, classes); ignored rows take no part.
///
/// # Errors
/// An output of another shape.
pub fn confusion_matrix<T: Float>(output: ArrayView2<'_, T>, classes: &Classes) -> Result<Array2<u64>, Error> {
    let (given, wanted) = (output.dim(), (classes.len(), classes.count()));
    if given != wanted {
        let given = format!("{given:?}");
        return Err(Error::data("shape of the output", given, format!("{wanted:?}: a row a label, a column a class")));
    }
    let mut matrix = Array2::zeros((classes.count(), classes.count()));
    for (row, &label) in output.rows().into_iter().zip(classes.labels()) {
        if label != Classes::IGNORED {
            matrix[[label as usize, largest(row.iter().copied())]] += 1;
        }
    }
    Ok(matrix)
}

use serde::{Deserialize, Serialize};
use std::fmt;
use wane_autodiff::ndarray::ArrayView2;
use wane_autodiff::{Classes, Error, Float};
use wane_data::Target;
use wane_optim::Better;

/// What is measured beside the loss, with scikit-learn's meaning. Sums are taken in f64.
///
/// ```
/// use wane_autodiff::ndarray::array;
/// use wane_data::Target;
/// use wane_train::Metric;
/// let (output, y) = (array![[1.0], [2.0]], array![[1.0], [4.0]]);
/// assert_eq!(Metric::Mse.of(output.view(), Target::Values(y.view()))?, 2.0);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Metric {
    /// The mean of (y − ŷ)². scikit-learn's `mean_squared_error`.
    Mse,
    /// The mean of |y − ŷ|. scikit-learn's `mean_absolute_error`.
    Mae,
    /// √mse of each output, then their mean. scikit-learn's `root_mean_squared_error`.
    Rmse,
    /// 1 − Σ(y − ŷ)²/Σ(y − ȳ)² of each output, then their mean; NaN for a single row. Where y is constant, 1 if ŷ is the
    /// same and 0 if not. scikit-learn's `r2_score`.
    R2,
    /// The share of rows whose largest logit is the label's, the first of equals counting as the largest. scikit-learn's
    /// `accuracy_score`.
    Accuracy,
    /// The mean of −ln softmax(logits)\[label\]. scikit-learn's `log_loss`.
    LogLoss,
}

impl Metric {
    /// The name in tables, files and charts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Rmse => "rmse",
            Self::R2 => "r2",
            Self::Accuracy => "accuracy",
            Self::LogLoss => "log_loss",
        }
    }

    /// The metric of a model's output, (rows, outputs): numbers, or the logits of classes. Ignored rows take no part.
    ///
    /// # Errors
    /// A target of the other kind; shapes that differ.
    pub fn of<T: Float>(self, output: ArrayView2<'_, T>, target: Target<'_, T>) -> Result<f64, Error> {
        self.check(&target)?;
        let mut tally = Tally::default();
        tally.add(output, target)?;
        Ok(tally.metric(self))
    }

    /// Which of two values is better: the larger of R² and accuracy, the smaller of the others.
    pub fn better(self) -> Better {
        match self {
            Self::Mse | Self::Mae | Self::Rmse | Self::LogLoss => Better::Min,
            Self::R2 | Self::Accuracy => Better::Max,
        }
    }

    pub(crate) fn check<T>(self, target: &Target<'_, T>) -> Result<(), Error> {
        let of_classes = matches!(self, Self::Accuracy | Self::LogLoss);
        match (target, of_classes) {
            (Target::Values(_), true) => Err(Error::option("metric", self, "one of numbers, as the target is")),
            (Target::Classes(_), false) => Err(Error::option("metric", self, "one of classes, as the target is")),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// NumPy's `argmax`: the first of equals, and the first NaN if there is one.
pub(crate) fn largest<T: Float>(row: impl Iterator<Item = T>) -> usize {
    let mut best = (0, T::neg_infinity());
    for (place, value) in row.enumerate() {
        if value.is_nan() {
            return place;
        }
        if value > best.1 {
            best = (place, value);
        }
    }
    best.0
}

/// All that the metrics need of the rows seen so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    rows: u64,
    columns: Vec<Column>,
    correct: u64,
    log_loss: f64,
}

/// One output: the moments of its target (Welford 1962) and the sums of its errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Column {
    mean: f64,
    scatter: f64,
    squared: f64,
    absolute: f64,
}

impl Tally {
    /// Forgets all rows and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.columns.fill(Column::default());
        (self.rows, self.correct, self.log_loss) = (0, 0, 0.0);
    }

    /// How many rows were added; what counts some of them counts no more.
    pub(crate) fn rows(&self) -> u64 {
        self.rows.max(self.correct)
    }

    /// # Errors
    /// An output of another shape than the target has.
    pub(crate) fn add<T: Float>(&mut self, output: ArrayView2<'_, T>, target: Target<'_, T>) -> Result<(), Error> {
        let wanted = match &target {
            Target::Values(y) => y.dim(),
            Target::Classes(classes) => (classes.len(), classes.count()),
        };
        if output.dim() != wanted {
            let given = format!("{:?}", output.dim());
            return Err(Error::data("shape of the output", given, format!("{wanted:?}, as the target has it")));
        }
        match target {
            Target::Values(y) => self.add_values(output, y),
            Target::Classes(classes) => self.add_classes(output, classes),
        }
        Ok(())
    }

    fn add_values<T: Float>(&mut self, output: ArrayView2<'_, T>, y: ArrayView2<'_, T>) {
        self.columns.resize(y.ncols(), Column::default());
        for (output, y) in output.rows().into_iter().zip(y.rows()) {
            self.rows += 1;
            for (column, (&output, &y)) in self.columns.iter_mut().zip(output.iter().zip(y)) {
                let (error, from_mean) = (y.widen() - output.widen(), y.widen() - column.mean);
                column.mean += from_mean / self.rows as f64;
                column.scatter += from_mean * (y.widen() - column.mean);
                column.squared += error * error;
                column.absolute += error.abs();
            }
        }
    }

    fn add_classes<T: Float>(&mut self, output: ArrayView2<'_, T>, classes: &Classes) {
        for (row, &label) in output.rows().into_iter().zip(classes.labels()) {
            if label == Classes::IGNORED {
                continue;
            }
            let place = largest(row.iter().copied());
            let (label, top) = (label as usize, row[place].widen());
            let rest: f64 = row.iter().map(|&x| (x.widen() - top).exp()).sum();
            self.rows += 1;
            self.correct += u64::from(place == label);
            self.log_loss += rest.ln() - (row[label].widen() - top);
        }
    }

    pub(crate) fn metric(&self, metric: Metric) -> f64 {
        let rows = self.rows as f64;
        let mean = |of: &dyn Fn(&Column) -> f64| self.columns.iter().map(of).sum::<f64>() / self.columns.len() as f64;
        match metric {
            Metric::Mse => mean(&|column| column.squared / rows),
            Metric::Mae => mean(&|column| column.absolute / rows),
            Metric::Rmse => mean(&|column| (column.squared / rows).sqrt()),
            Metric::R2 if self.rows < 2 => f64::NAN,
            Metric::R2 => mean(&|column| match (column.squared, column.scatter) {
                (0.0, 0.0) => 1.0,
                (_, 0.0) => 0.0,
                (squared, scatter) => 1.0 - squared / scatter,
            }),
            Metric::Accuracy => self.correct as f64 / rows,
            Metric::LogLoss => self.log_loss / rows,
        }
    }
}

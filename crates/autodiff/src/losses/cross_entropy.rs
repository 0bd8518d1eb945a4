use super::labels::Labels;
use super::{CrossEntropyOptions, LossOptions, Reduction};
use crate::ops::log_softmax::log_sum_exp;
use crate::{Backward, Classes, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};
use std::panic::Location;

/// The mean over rows that are not ignored of ln Σ eˣ − x[label], with x: (rows, classes).
#[derive(Clone, Copy, Debug)]
struct CrossEntropy(Labels);

const NAME: &str = "cross_entropy_loss";

impl<T: Float> Op<T> for CrossEntropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        self.0.check(operands.shape(0)).map(|()| Shape::SCALAR)
    }

    /// The two parts of ln Σ eˣ of each row, for backward.
    fn saved_len(&self, _operands: &Operands<'_, T>) -> usize {
        2 * self.0.indices.len()
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, labels) = (pass.input(0), pass.indices(self.0.indices));
        let (output, parts) = pass.output_and_saved();
        let (parts, _) = parts.as_chunks_mut::<2>();
        for (row, part) in x.chunks_exact(self.0.classes).zip(parts.iter_mut()) {
            *part = log_sum_exp(row.len(), |i| row[i]).into();
        }
        let loss = |row: usize| {
            let [max, rest] = parts[row];
            match labels[row] {
                Classes::IGNORED => T::zero(),
                label => rest - (x[row * self.0.classes + label as usize] - max),
            }
        };
        output[0] = reduce::sum_by(0, labels.len(), &loss) / T::of(self.0.kept as f64);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, labels, (parts, _)) = (pass.input(0), pass.indices(self.0.indices), pass.saved().as_chunks::<2>());
        let scale = pass.output_grad()[0] / T::of(self.0.kept as f64);
        let Some(dx) = pass.input_grad(0) else { return };
        let rows = dx.chunks_exact_mut(self.0.classes).zip(x.chunks_exact(self.0.classes));
        for ((dx, x), (&label, &[max, rest])) in rows.zip(labels.iter().zip(parts)) {
            // An ignored row's gradient is 0·softmax: NaN logits show even there.
            let is_kept = label != Classes::IGNORED;
            let scale = if is_kept { scale } else { T::zero() };
            dx.iter_mut().zip(x).for_each(|(dx, &x)| *dx += scale * (x - max - rest).exp());
            if is_kept {
                dx[label as usize] -= scale;
            }
        }
    }
}

impl<'g, T: Float> Var<'g, T> {
    /// The mean cross-entropy of softmax(x) and class labels, over the rows that are not ignored, with x: (rows, classes)
    /// being logits (PyTorch's `CrossEntropyLoss` on class indices). NaN if every row is ignored.
    ///
    /// # Panics
    /// An input that is not (number of labels, number of classes).
    #[track_caller]
    pub fn cross_entropy_loss(self, labels: &Classes) -> Self {
        self.apply1(CrossEntropy(Labels::keep(self.graph, labels)))
    }

    /// The cross-entropy with class weights w, label smoothing ε, sample weights s of shape (rows,), and any reduction
    /// (PyTorch's `CrossEntropyLoss`, to which sample weights are added).
    ///
    /// Row r with label y has the loss ℓ = −(1 − ε)·w_y·ln p_y − ε/classes·Σ_c w_c·ln p_c, where p is the softmax of its
    /// logits; an ignored row (see [`Classes::with_ignored`]) has 0. The sum is Σ s·ℓ and the mean Σ s·ℓ / Σ s·w_y, over
    /// the rows that are not ignored; it is NaN if there is none.
    ///
    /// ```
    /// use wane_autodiff::{Classes, CrossEntropyOptions, Params, Reduction, Tape, ndarray::Array2};
    ///
    /// let labels = Classes::with_ignored(&[0, 1, -100], 2, -100)?;
    /// let options = CrossEntropyOptions::default().class_weights(&[1.0, 3.0], labels.count())?;
    /// let params = Params::<f64>::new();
    /// let mut tape = Tape::new();
    /// let logits = tape.record(&params).input(&Array2::zeros((3, 2)));
    /// let total = logits.cross_entropy_loss_with(&labels, &options, Reduction::Sum);
    /// assert!((total.item() - 4.0 * 2_f64.ln()).abs() < 1e-15);
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`cross_entropy_loss`](Self::cross_entropy_loss); class weights of another number of classes; weights that do
    /// not broadcast to (rows,).
    #[track_caller]
    pub fn cross_entropy_loss_with(
        self,
        labels: &Classes,
        classes: &CrossEntropyOptions,
        options: impl Into<LossOptions<'g, T>>,
    ) -> Self {
        let (labels, options) = (Labels::keep(self.graph, labels), options.into());
        let is_plain = options.reduction == Reduction::Mean && options.weights.is_none();
        if is_plain && *classes == CrossEntropyOptions::default() {
            return self.apply1(CrossEntropy(labels));
        }
        if let Err(fault) = labels.check(self.shape()) {
            self.graph.refuse(NAME, &fault, &[self]);
        }
        let site = Location::caller();
        self.graph.attribute(site, || self.log_softmax(1).label_loss(NAME, labels, classes, options))
    }
}

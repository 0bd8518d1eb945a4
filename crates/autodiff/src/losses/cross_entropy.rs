use crate::op::Indices;
use crate::ops::log_softmax::log_sum_exp;
use crate::{Backward, Classes, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};

/// The mean over rows of ln Σ eˣ − x[label], with x: (rows, classes).
#[derive(Clone, Copy, Debug)]
struct CrossEntropy {
    labels: Indices,
    classes: usize,
}

impl<T: Float> Op<T> for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy_loss"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let wanted = (self.labels.len(), self.classes);
        if operands.matrix(0, "input")? != wanted {
            let (rows, classes) = wanted;
            let input = operands.shape(0);
            let message = format!("input is {input}, {rows} labels of {classes} classes want ({rows}, {classes})");
            return Err(ShapeFault::new(message));
        }
        Ok(Shape::SCALAR)
    }

    /// One ln Σ eˣ a row, for backward.
    fn saved_len(&self, _operands: &Operands<'_, T>) -> usize {
        self.labels.len()
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, labels) = (pass.input(0), pass.indices(self.labels));
        let (output, totals) = pass.output_and_saved();
        for (row, total) in x.chunks_exact(self.classes).zip(totals.iter_mut()) {
            *total = log_sum_exp(row.len(), |i| row[i]);
        }
        let loss = |row: usize| totals[row] - x[row * self.classes + labels[row] as usize];
        output[0] = reduce::sum_by(0, labels.len(), &loss) / T::of(labels.len() as f64);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, labels, totals) = (pass.input(0), pass.indices(self.labels), pass.saved());
        let scale = pass.output_grad()[0] / T::of(labels.len() as f64);
        let Some(dx) = pass.input_grad(0) else { return };
        let rows = dx.chunks_exact_mut(self.classes).zip(x.chunks_exact(self.classes));
        for ((dx, x), (&label, &total)) in rows.zip(labels.iter().zip(totals)) {
            dx.iter_mut().zip(x).for_each(|(dx, &x)| *dx += scale * (x - total).exp());
            dx[label as usize] -= scale;
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// The mean cross-entropy of softmax(x) and class labels, with x: (rows, classes) being logits (PyTorch's
    /// `CrossEntropyLoss` on class indices).
    ///
    /// # Panics
    /// An input that is not (number of labels, number of classes).
    #[track_caller]
    pub fn cross_entropy_loss(self, labels: &Classes) -> Self {
        let kept = self.graph.indices(labels.labels().iter().copied());
        self.apply1(CrossEntropy { labels: kept, classes: labels.count() })
    }
}

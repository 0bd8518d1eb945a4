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

    /// The two parts of ln Σ eˣ of each row, for backward.
    fn saved_len(&self, _operands: &Operands<'_, T>) -> usize {
        2 * self.labels.len()
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, labels) = (pass.input(0), pass.indices(self.labels));
        let (output, parts) = pass.output_and_saved();
        let (parts, _) = parts.as_chunks_mut::<2>();
        for (row, part) in x.chunks_exact(self.classes).zip(parts.iter_mut()) {
            *part = log_sum_exp(row.len(), |i| row[i]).into();
        }
        let loss = |row: usize| {
            let [max, rest] = parts[row];
            rest - (x[row * self.classes + labels[row] as usize] - max)
        };
        output[0] = reduce::sum_by(0, labels.len(), &loss) / T::of(labels.len() as f64);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, labels, (parts, _)) = (pass.input(0), pass.indices(self.labels), pass.saved().as_chunks::<2>());
        let scale = pass.output_grad()[0] / T::of(labels.len() as f64);
        let Some(dx) = pass.input_grad(0) else { return };
        let rows = dx.chunks_exact_mut(self.classes).zip(x.chunks_exact(self.classes));
        for ((dx, x), (&label, &[max, rest])) in rows.zip(labels.iter().zip(parts)) {
            dx.iter_mut().zip(x).for_each(|(dx, &x)| *dx += scale * (x - max - rest).exp());
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

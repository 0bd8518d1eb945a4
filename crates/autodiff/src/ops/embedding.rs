use crate::op::Indices;
use crate::{Backward, Classes, Float, Forward, Op, Operands, Shape, ShapeFault, Var};

/// The rows of a weight of shape (num, dim) that labels ask for.
#[derive(Clone, Copy, Debug)]
struct Embedding {
    labels: Indices,
    num: usize,
}

impl<T: Float> Op<T> for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let (num, dim) = operands.matrix(0, "weight")?;
        if num != self.num {
            let message = format!("weight is {}, labels of {} classes want ({1}, _)", operands.shape(0), self.num);
            return Err(ShapeFault::new(message));
        }
        Ok(Shape::from_dims(&[self.labels.len(), dim]).expect("two axes"))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (weight, labels, dim) = (pass.input(0), pass.indices(self.labels), pass.shape().dims()[1]);
        for (row, &label) in labels.iter().enumerate() {
            let to = &mut pass.output()[row * dim..(row + 1) * dim];
            match label {
                Classes::IGNORED => to.fill(T::zero()),
                label => to.copy_from_slice(&weight[label as usize * dim..][..dim]),
            }
        }
    }

    /// One row may be asked for by every label there is, and a plain running sum would lose what f32 has below it:
    /// each sum keeps what its last addition rounded away (Kahan 1965).
    fn backward(&self, mut pass: Backward<'_, T>) {
        if !pass.wants(0) {
            return;
        }
        let (dy, labels, dim) = (pass.output_grad(), pass.indices(self.labels), pass.shape().dims()[1]);
        let mut excess = pass.take_buffer(self.num * dim);
        excess[..self.num * dim].fill(T::zero());
        let dw = pass.input_grad(0).expect("asked above");
        for (row, &label) in labels.iter().enumerate().filter(|&(_, &label)| label != Classes::IGNORED) {
            let (from, to) = (row * dim..(row + 1) * dim, label as usize * dim..(label as usize + 1) * dim);
            for ((dw, excess), &dy) in dw[to.clone()].iter_mut().zip(&mut excess[to]).zip(&dy[from]) {
                let term = dy - *excess;
                let sum = *dw + term;
                // An infinite sum has no rounding to keep.
                *excess = if sum.is_finite() { (sum - *dw) - term } else { T::zero() };
                *dw = sum;
            }
        }
        pass.give_back(excess);
    }
}

impl<T: Float> Var<'_, T> {
    /// The rows of this (num, dim) weight that `labels` ask for, (number of labels, dim), with a dense gradient
    /// (PyTorch's `torch.nn.functional.embedding`). An ignored label gives zeros (PyTorch's `padding_idx`).
    ///
    /// # Panics
    /// A weight that is not (number of classes, _).
    #[track_caller]
    pub fn embedding(self, labels: &Classes) -> Self {
        let kept = self.graph.indices(labels.labels().iter().copied());
        self.apply1(Embedding { labels: kept, num: labels.count() })
    }
}

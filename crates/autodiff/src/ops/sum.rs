use super::along::Along;
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};

/// The sum of all elements, or along one axis.
#[derive(Clone, Copy, Debug)]
struct Sum(Along);

impl<T: Float> Op<T> for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        self.0.reduced(operands.shape(0))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (_, n, inner) = self.0.around(pass.input_shape(0));
        let x = pass.input(0);
        reduce::sum_middle(x, n, inner, pass.output(), |to, sum| *to = sum);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (_, n, inner) = self.0.around(pass.input_shape(0));
        let dy = pass.output_grad();
        if n * inner == 0 {
            return;
        }
        if let Some(dx) = pass.input_grad(0) {
            for (block, dy) in dx.chunks_exact_mut(n * inner).zip(dy.chunks_exact(inner)) {
                for row in block.chunks_exact_mut(inner) {
                    row.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy);
                }
            }
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// The sum of all elements, as a scalar.
    #[track_caller]
    pub fn sum(self) -> Self {
        self.apply1(Sum(Along::All))
    }

    /// The sums along `axis`, which disappears.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn sum_axis(self, axis: usize) -> Self {
        self.apply1(Sum(Along::Axis(axis)))
    }

    /// The sums along `axis`, which stays with length 1 (PyTorch's `keepdim=True`).
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn sum_axis_keepdim(self, axis: usize) -> Self {
        self.apply1(Sum(Along::KeptAxis(axis)))
    }

    /// The mean of all elements, as a scalar: NaN if there is none.
    #[track_caller]
    pub fn mean(self) -> Self {
        self.sum() / T::of(self.shape().len() as f64)
    }

    /// The means along `axis`, which disappears.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn mean_axis(self, axis: usize) -> Self {
        let sum = self.sum_axis(axis);
        sum / T::of(self.shape().dims()[axis] as f64)
    }

    /// The means along `axis`, which stays with length 1.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn mean_axis_keepdim(self, axis: usize) -> Self {
        let sum = self.sum_axis_keepdim(axis);
        sum / T::of(self.shape().dims()[axis] as f64)
    }
}

//! Losses, each one op: the mean over all elements (or rows), its gradient, and its stable form.

mod bce_with_logits;
mod cross_entropy;
mod huber;
mod l1;
mod mse;
mod smooth_l1;

use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};
use std::fmt::Debug;

/// A loss that is the mean of a function of (input, target) over all elements.
pub(crate) trait Pointwise<T: Float>: Copy + Debug + Send + 'static {
    const NAME: &'static str;

    fn value(&self, x: T, y: T) -> T;

    /// The derivative by the input.
    fn by_input(&self, x: T, y: T) -> T;

    /// The derivative by the target.
    fn by_target(&self, x: T, y: T) -> T;
}

#[derive(Clone, Copy, Debug)]
struct MeanOf<L>(L);

impl<T: Float, L: Pointwise<T>> Op<T> for MeanOf<L> {
    fn name(&self) -> &'static str {
        L::NAME
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        operands.same(0, 1).map(|_| Shape::SCALAR)
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, y) = (pass.input(0), pass.input(1));
        let sum = reduce::sum_by(0, x.len(), &|i| self.0.value(x[i], y[i]));
        pass.output()[0] = sum / T::of(x.len() as f64);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, y) = (pass.input(0), pass.input(1));
        let scale = pass.output_grad()[0] / T::of(x.len() as f64);
        if let Some(dx) = pass.input_grad(0) {
            for (dx, (&x, &y)) in dx.iter_mut().zip(x.iter().zip(y)) {
                *dx += scale * self.0.by_input(x, y);
            }
        }
        if let Some(dy) = pass.input_grad(1) {
            for (dy, (&x, &y)) in dy.iter_mut().zip(x.iter().zip(y)) {
                *dy += scale * self.0.by_target(x, y);
            }
        }
    }
}

impl<T: Float> Var<'_, T> {
    #[track_caller]
    fn mean_loss<L: Pointwise<T>>(self, loss: L, target: Self) -> Self {
        self.apply2(MeanOf(loss), target)
    }
}

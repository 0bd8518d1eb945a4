//! Losses: element-wise ones by name, those of class labels, and how each is weighted and reduced.

mod bce_with_logits;
mod cosine_embedding;
mod cross_entropy;
mod cross_entropy_options;
mod hinge;
mod hinge_embedding;
mod huber;
mod kl_div;
mod l1;
mod labels;
mod loss;
mod loss_options;
mod mse;
mod nll;
mod poisson_nll;
mod quantile;
mod smooth_l1;

pub use cross_entropy_options::CrossEntropyOptions;
pub use loss::Loss;
pub use loss_options::{LossOptions, Reduction};

use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};
use std::fmt::Debug;

/// A loss that is a function of one input and its target.
trait Pointwise<T: Float>: Copy + Debug + Send + 'static {
    fn value(&self, x: T, y: T) -> T;

    /// The derivative by the input.
    fn by_input(&self, x: T, y: T) -> T;

    /// The derivative by the target.
    fn by_target(&self, x: T, y: T) -> T;
}

/// A [`Pointwise`] as an op: reduced in the pass that computes it.
#[derive(Clone, Copy, Debug)]
struct Reduced<L> {
    name: &'static str,
    loss: L,
    reduction: Reduction,
}

impl<T: Float, L: Pointwise<T>> Op<T> for Reduced<L> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let shape = operands.same(0, 1)?;
        Ok(if self.reduction == Reduction::None { shape } else { Shape::SCALAR })
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, y, divisor) = (pass.input(0), pass.input(1), self.reduction.divisor(pass.input_shape(0)));
        if self.reduction == Reduction::None {
            pass.output().iter_mut().zip(x.iter().zip(y)).for_each(|(l, (&x, &y))| *l = self.loss.value(x, y));
        } else {
            pass.output()[0] = reduce::sum_of_pairs(x, y, &|x, y| self.loss.value(x, y)) / divisor;
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (dl, divisor) = (pass.output_grad(), self.reduction.divisor(pass.input_shape(0)));
        if self.reduction == Reduction::None {
            self.send(&mut pass, dl.iter().copied());
        } else {
            self.send(&mut pass, std::iter::repeat(dl[0] / divisor));
        }
    }
}

impl<L> Reduced<L> {
    /// Adds to both gradients, where `dl` has each element's.
    #[inline(always)]
    fn send<T: Float>(&self, pass: &mut Backward<'_, T>, dl: impl Iterator<Item = T> + Clone)
    where
        L: Pointwise<T>,
    {
        let (x, y, loss) = (pass.input(0), pass.input(1), self.loss);
        if let Some(dx) = pass.input_grad(0) {
            for ((dx, dl), (&x, &y)) in dx.iter_mut().zip(dl.clone()).zip(x.iter().zip(y)) {
                *dx += dl * loss.by_input(x, y);
            }
        }
        if let Some(dy) = pass.input_grad(1) {
            for ((dy, dl), (&x, &y)) in dy.iter_mut().zip(dl).zip(x.iter().zip(y)) {
                *dy += dl * loss.by_target(x, y);
            }
        }
    }
}

impl<'g, T: Float> Var<'g, T> {
    #[track_caller]
    fn pointwise<L: Pointwise<T>>(
        self,
        name: &'static str,
        loss: L,
        target: Self,
        options: LossOptions<'g, T>,
    ) -> Self {
        let reduction = if options.weights.is_some() { Reduction::None } else { options.reduction };
        let reduced = self.apply2(Reduced { name, loss, reduction }, target);
        if options.weights.is_some() { options.reduce(name, reduced, None) } else { reduced }
    }
}

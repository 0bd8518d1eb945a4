use super::{Loss, Pointwise};
use crate::{Float, Var};

#[derive(Clone, Copy, Debug)]
pub(super) struct BceWithLogits;

impl<T: Float> Pointwise<T> for BceWithLogits {
    /// −y·ln σ(x) − (1−y)·ln(1−σ(x)), with the exponential of a negative number only.
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        let linear = if x > T::zero() { (T::one() - y) * x } else { -y * x };
        linear + (-x.abs()).exp().ln_1p()
    }

    #[inline(always)]
    fn by_input(&self, x: T, y: T) -> T {
        T::one() / (T::one() + (-x).exp()) - y
    }

    #[inline(always)]
    fn by_target(&self, x: T, _y: T) -> T {
        -x
    }
}

impl<T: Float> Var<'_, T> {
    /// The mean binary cross-entropy of logits x and targets y in 0..=1, over all elements (PyTorch's
    /// `BCEWithLogitsLoss`).
    ///
    /// # Panics
    /// Shapes that differ.
    #[track_caller]
    pub fn bce_with_logits_loss(self, target: Self) -> Self {
        self.loss(Loss::BceWithLogits, target)
    }
}

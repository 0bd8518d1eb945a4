use super::{Loss, Pointwise};
use crate::{Float, Var};

#[derive(Clone, Copy, Debug)]
pub(super) struct L1;

impl<T: Float> Pointwise<T> for L1 {
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        (x - y).abs()
    }

    #[inline(always)]
    fn by_input(&self, x: T, y: T) -> T {
        (x - y).sign()
    }

    #[inline(always)]
    fn by_target(&self, x: T, y: T) -> T {
        self.by_input(y, x)
    }
}

impl<T: Float> Var<'_, T> {
    /// The mean of |x − y| over all elements (PyTorch's `L1Loss`); the gradient where they are equal is 0.
    ///
    /// # Panics
    /// Shapes that differ.
    #[track_caller]
    pub fn l1_loss(self, target: Self) -> Self {
        self.loss(Loss::L1, target)
    }
}

use super::{Loss, Pointwise};
use crate::{Float, Var};

#[derive(Clone, Copy, Debug)]
pub(super) struct Mse;

impl<T: Float> Pointwise<T> for Mse {
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        (x - y) * (x - y)
    }

    #[inline(always)]
    fn by_input(&self, x: T, y: T) -> T {
        let d = x - y;
        d + d
    }

    #[inline(always)]
    fn by_target(&self, x: T, y: T) -> T {
        self.by_input(y, x)
    }
}

impl<T: Float> Var<'_, T> {
    /// The mean of (x − y)² over all elements; input and target have the same shape (PyTorch's `MSELoss`).
    ///
    /// # Panics
    /// Shapes that differ: nothing is broadcast.
    #[track_caller]
    pub fn mse_loss(self, target: Self) -> Self {
        self.loss(Loss::Mse, target)
    }
}

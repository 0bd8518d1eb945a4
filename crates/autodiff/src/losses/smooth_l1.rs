use super::{Loss, Pointwise};
use crate::{Float, Var};

#[derive(Clone, Copy, Debug)]
pub(super) struct SmoothL1<T> {
    pub(super) beta: T,
}

impl<T: Float> Pointwise<T> for SmoothL1<T> {
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        let d = (x - y).abs();
        if d < self.beta { T::of(0.5) * d * d / self.beta } else { d - T::of(0.5) * self.beta }
    }

    #[inline(always)]
    fn by_input(&self, x: T, y: T) -> T {
        let d = x - y;
        // `sign` is 0 at 0, which is beyond beta only where beta is 0: the L1 loss.
        if d.abs() < self.beta { d / self.beta } else { d.sign() }
    }

    #[inline(always)]
    fn by_target(&self, x: T, y: T) -> T {
        self.by_input(y, x)
    }
}

impl<T: Float> Var<'_, T> {
    /// The mean over all elements of d²/(2·beta) where d = |x − y| is below `beta`, and d − beta/2 elsewhere
    /// (PyTorch's `SmoothL1Loss`, whose default beta is 1; with beta 0, the L1 loss).
    ///
    /// # Panics
    /// Shapes that differ; a beta that is negative or not finite.
    #[track_caller]
    pub fn smooth_l1_loss(self, target: Self, beta: f64) -> Self {
        self.loss(Loss::SmoothL1(beta), target)
    }
}

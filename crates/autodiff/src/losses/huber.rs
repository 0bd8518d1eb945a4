use super::{Loss, Pointwise};
use crate::{Float, Var};

#[derive(Clone, Copy, Debug)]
pub(super) struct Huber<T> {
    pub(super) delta: T,
}

impl<T: Float> Pointwise<T> for Huber<T> {
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        let d = (x - y).abs();
        if d < self.delta { T::of(0.5) * d * d } else { self.delta * (d - T::of(0.5) * self.delta) }
    }

    #[inline(always)]
    fn by_input(&self, x: T, y: T) -> T {
        let d = x - y;
        if d.abs() < self.delta { d } else { self.delta * d.signum() }
    }

    #[inline(always)]
    fn by_target(&self, x: T, y: T) -> T {
        self.by_input(y, x)
    }
}

impl<T: Float> Var<'_, T> {
    /// The mean over all elements of d²/2 where d = |x − y| is below `delta`, and delta·(d − delta/2) elsewhere
    /// (PyTorch's `HuberLoss`, whose default delta is 1).
    ///
    /// # Panics
    /// Shapes that differ; a delta that is not positive and finite.
    #[track_caller]
    pub fn huber_loss(self, target: Self, delta: f64) -> Self {
        self.loss(Loss::Huber(delta), target)
    }
}

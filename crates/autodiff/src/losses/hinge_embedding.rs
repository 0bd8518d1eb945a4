use super::Pointwise;
use super::hinge::{ramp, step};
use crate::Float;

#[derive(Clone, Copy, Debug)]
pub(super) struct HingeEmbedding<T> {
    pub(super) margin: T,
}

impl<T: Float> HingeEmbedding<T> {
    /// `near` unless y = −1, plus `far` unless y = 1; NaN where y is.
    #[inline(always)]
    fn choose(y: T, near: T, far: T) -> T {
        if y == T::one() {
            near
        } else if y == -T::one() {
            far
        } else if y.is_nan() {
            y
        } else {
            near + far
        }
    }
}

impl<T: Float> Pointwise<T> for HingeEmbedding<T> {
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        Self::choose(y, x, ramp(self.margin - x))
    }

    #[inline(always)]
    fn by_input(&self, x: T, y: T) -> T {
        Self::choose(y, T::one(), -step(self.margin - x))
    }

    #[inline(always)]
    fn by_target(&self, _x: T, _y: T) -> T {
        T::zero()
    }
}

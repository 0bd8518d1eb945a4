use super::Pointwise;
use crate::Float;

#[derive(Clone, Copy, Debug)]
pub(super) struct Hinge;

/// max(0, z), and NaN for NaN.
#[inline(always)]
pub(super) fn ramp<T: Float>(z: T) -> T {
    z.max_or_nan(T::zero())
}

/// The slope of [`ramp`]: 1 above 0, 0 at 0 and below, and NaN for NaN.
#[inline(always)]
pub(super) fn step<T: Float>(z: T) -> T {
    if z > T::zero() {
        T::one()
    } else if z <= T::zero() {
        T::zero()
    } else {
        z
    }
}

impl<T: Float> Pointwise<T> for Hinge {
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        ramp(T::one() - y * x)
    }

    #[inline(always)]
    fn by_input(&self, x: T, y: T) -> T {
        -y * step(T::one() - y * x)
    }

    #[inline(always)]
    fn by_target(&self, x: T, y: T) -> T {
        self.by_input(y, x)
    }
}

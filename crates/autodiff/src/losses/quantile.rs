use super::Pointwise;
use crate::Float;

#[derive(Clone, Copy, Debug)]
pub(super) struct Quantile<T> {
    /// τ: the slope of the loss where the input is too small.
    below: T,
    /// 1 − τ: its slope where the input is too large.
    above: T,
}

impl<T: Float> Quantile<T> {
    pub(super) fn new(tau: f64) -> Self {
        Self { below: T::of(tau), above: T::of(1.0 - tau) }
    }
}

impl<T: Float> Pointwise<T> for Quantile<T> {
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        let d = x - y;
        if d < T::zero() { self.below * -d } else { self.above * d }
    }

    #[inline(always)]
    fn by_input(&self, x: T, y: T) -> T {
        let d = x - y;
        if d < T::zero() { -self.below } else { self.above * d.sign() }
    }

    #[inline(always)]
    fn by_target(&self, x: T, y: T) -> T {
        -self.by_input(x, y)
    }
}

use super::Pointwise;
use crate::Float;

/// Targets are probabilities.
#[derive(Clone, Copy, Debug)]
pub(super) struct KlDiv;

impl<T: Float> Pointwise<T> for KlDiv {
    /// y·ln y − y·x, and not y·(ln y − x): 0·ln 0 is 0.
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        let entropy = if y == T::zero() { y } else { y * y.ln() };
        entropy - y * x
    }

    #[inline(always)]
    fn by_input(&self, _x: T, y: T) -> T {
        -y
    }

    #[inline(always)]
    fn by_target(&self, x: T, y: T) -> T {
        y.ln() + T::one() - x
    }
}

/// Targets are log-probabilities.
#[derive(Clone, Copy, Debug)]
pub(super) struct KlDivLog;

impl<T: Float> Pointwise<T> for KlDivLog {
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        y.exp() * (y - x)
    }

    #[inline(always)]
    fn by_input(&self, _x: T, y: T) -> T {
        -y.exp()
    }

    #[inline(always)]
    fn by_target(&self, x: T, y: T) -> T {
        y.exp() * (y - x) + y.exp()
    }
}

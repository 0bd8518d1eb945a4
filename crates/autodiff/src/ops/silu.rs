use crate::ops::sigmoid::Sigmoid;
use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Silu;

impl<T: Float> Unary<T> for Silu {
    const NAME: &'static str = "silu";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        x / (T::one() + (-x).exp())
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        let s = Sigmoid.value(x);
        dy * s * (T::one() + x * (T::one() - s))
    }
}

impl<T: Float> Var<'_, T> {
    /// x·σ(x) of every element (also called swish).
    #[track_caller]
    pub fn silu(self) -> Self {
        self.unary(Silu)
    }
}

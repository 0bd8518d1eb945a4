use crate::{Float, Unary, Var};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

#[derive(Clone, Copy, Debug)]
pub(crate) struct GeluTanh;

/// √(2/π).
const SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const CUBIC: f64 = 0.044715;

/// tanh(√(2/π)·(x + 0.044715·x³)).
#[inline(always)]
fn bend<T: Float>(x: T) -> T {
    (T::of(SCALE) * (x + T::of(CUBIC) * (x * x * x))).tanh()
}

impl<T: Float> Unary<T> for GeluTanh {
    const NAME: &'static str = "gelu_tanh";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        T::of(0.5) * x * (T::one() + bend(x))
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        let (half, bend) = (T::of(0.5), bend(x));
        let inner = T::of(SCALE) * (T::one() + T::of(3.0 * CUBIC) * (x * x));
        dy * (half * (T::one() + bend) + half * x * (T::one() - bend * bend) * inner)
    }
}

impl<T: Float> Var<'_, T> {
    /// x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2 of every element: [`gelu`](Self::gelu) without erf (PyTorch's
    /// `approximate='tanh'`).
    #[track_caller]
    pub fn gelu_tanh(self) -> Self {
        self.unary(GeluTanh)
    }
}

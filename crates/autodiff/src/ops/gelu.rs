use crate::{Float, Unary, Var};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Gelu;

/// Φ(x) = (1 + erf(x/√2))/2.
#[inline(always)]
fn normal_cdf<T: Float>(x: T) -> T {
    T::of(0.5) * (T::one() + (x * T::of(FRAC_1_SQRT_2)).erf())
}

impl<T: Float> Unary<T> for Gelu {
    const NAME: &'static str = "gelu";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        x * normal_cdf(x)
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        let density = (-x * x / T::of(2.0)).exp() * T::of(FRAC_2_SQRT_PI * FRAC_1_SQRT_2 / 2.0);
        dy * (normal_cdf(x) + x * density)
    }
}

impl<T: Float> Var<'_, T> {
    /// x·Φ(x) of every element, Φ being the normal distribution function, by erf (PyTorch's `approximate='none'`).
    #[track_caller]
    pub fn gelu(self) -> Self {
        self.unary(Gelu)
    }
}

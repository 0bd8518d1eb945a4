use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Softplus;

/// Where PyTorch switches to the identity, whose error there is below 3e-9.
const THRESHOLD: f64 = 20.0;

impl<T: Float> Unary<T> for Softplus {
    const NAME: &'static str = "softplus";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        if x > T::of(THRESHOLD) { x } else { x.exp().ln_1p() }
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        if x > T::of(THRESHOLD) {
            dy
        } else {
            let e = x.exp();
            dy * e / (e + T::one())
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// ln(1 + eˣ) of every element, and x itself above 20 (PyTorch's `softplus` with its default threshold).
    #[track_caller]
    pub fn softplus(self) -> Self {
        self.unary(Softplus)
    }
}

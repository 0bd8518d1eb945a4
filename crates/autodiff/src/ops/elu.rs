use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Elu<T>(pub(crate) T);

impl<T: Float> Unary<T> for Elu<T> {
    const NAME: &'static str = "elu";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        if x <= T::zero() { self.0 * x.exp_m1() } else { x }
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        // And not y + α, which loses all of e⁻³⁷ and below.
        if x <= T::zero() { dy * self.0 * x.exp() } else { dy }
    }
}

impl<T: Float> Var<'_, T> {
    /// x above 0, α(eˣ − 1) below; the gradient at 0 is α. PyTorch's default α is 1.
    #[track_caller]
    pub fn elu(self, alpha: f64) -> Self {
        self.unary(Elu(T::of(alpha)))
    }
}

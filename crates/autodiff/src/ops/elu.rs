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
    fn gradient(&self, x: T, y: T, dy: T) -> T {
        if x <= T::zero() { dy * (y + self.0) } else { dy }
    }
}

impl<T: Float> Var<'_, T> {
    /// x above 0, α(eˣ − 1) below; the gradient at 0 is α. PyTorch's default α is 1.
    #[track_caller]
    pub fn elu(self, alpha: f64) -> Self {
        self.unary(Elu(T::of(alpha)))
    }
}

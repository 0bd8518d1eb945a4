use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sigmoid;

impl<T: Float> Unary<T> for Sigmoid {
    const NAME: &'static str = "sigmoid";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        T::one() / (T::one() + (-x).exp())
    }

    #[inline(always)]
    fn gradient(&self, _x: T, y: T, dy: T) -> T {
        dy * (T::one() - y) * y
    }
}

impl<T: Float> Var<'_, T> {
    /// σ(x) = 1/(1 + e⁻ˣ) of every element.
    #[track_caller]
    pub fn sigmoid(self) -> Self {
        self.unary(Sigmoid)
    }
}

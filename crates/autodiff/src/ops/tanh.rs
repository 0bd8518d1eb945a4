use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tanh;

impl<T: Float> Unary<T> for Tanh {
    const NAME: &'static str = "tanh";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        x.tanh()
    }

    #[inline(always)]
    fn gradient(&self, _x: T, y: T, dy: T) -> T {
        dy * (T::one() - y * y)
    }
}

impl<T: Float> Var<'_, T> {
    /// The hyperbolic tangent of every element.
    #[track_caller]
    pub fn tanh(self) -> Self {
        self.unary(Tanh)
    }
}

use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Relu;

impl<T: Float> Unary<T> for Relu {
    const NAME: &'static str = "relu";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        if x <= T::zero() { T::zero() } else { x }
    }

    #[inline(always)]
    fn gradient(&self, _x: T, y: T, dy: T) -> T {
        if y <= T::zero() { T::zero() } else { dy }
    }
}

impl<T: Float> Var<'_, T> {
    /// max(x, 0); NaN stays NaN, and the gradient at 0 is 0.
    #[track_caller]
    pub fn relu(self) -> Self {
        self.unary(Relu)
    }
}

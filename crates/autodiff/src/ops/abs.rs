use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Abs;

impl<T: Float> Unary<T> for Abs {
    const NAME: &'static str = "abs";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        x.abs()
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        dy * x.sign()
    }
}

impl<T: Float> Var<'_, T> {
    /// The absolute value of every element; the gradient at 0 is 0.
    #[track_caller]
    pub fn abs(self) -> Self {
        self.unary(Abs)
    }
}

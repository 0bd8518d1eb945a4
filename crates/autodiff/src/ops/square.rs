use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Square;

impl<T: Float> Unary<T> for Square {
    const NAME: &'static str = "square";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        x * x
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        dy * (x + x)
    }
}

impl<T: Float> Var<'_, T> {
    /// The square of every element.
    #[track_caller]
    pub fn square(self) -> Self {
        self.unary(Square)
    }
}

use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sqrt;

impl<T: Float> Unary<T> for Sqrt {
    const NAME: &'static str = "sqrt";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        x.sqrt()
    }

    #[inline(always)]
    fn gradient(&self, _x: T, y: T, dy: T) -> T {
        dy / (y + y)
    }
}

impl<T: Float> Var<'_, T> {
    /// The square root of every element: NaN below 0. Its gradient at 0 is infinite, as in PyTorch.
    #[track_caller]
    pub fn sqrt(self) -> Self {
        self.unary(Sqrt)
    }
}

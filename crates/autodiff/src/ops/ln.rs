use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ln;

impl<T: Float> Unary<T> for Ln {
    const NAME: &'static str = "ln";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        x.ln()
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        dy / x
    }
}

impl<T: Float> Var<'_, T> {
    /// The natural logarithm of every element: −∞ at 0, NaN below.
    #[track_caller]
    pub fn ln(self) -> Self {
        self.unary(Ln)
    }
}

use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Exp;

impl<T: Float> Unary<T> for Exp {
    const NAME: &'static str = "exp";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        x.exp()
    }

    #[inline(always)]
    fn gradient(&self, _x: T, y: T, dy: T) -> T {
        dy * y
    }
}

impl<T: Float> Var<'_, T> {
    /// eˣ of every element.
    #[track_caller]
    pub fn exp(self) -> Self {
        self.unary(Exp)
    }
}

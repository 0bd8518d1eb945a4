use crate::ops::maximum::prize;
use crate::ops::pairwise::{Binary, Pairwise};
use crate::{Float, Var};

#[derive(Clone, Copy, Debug)]
struct Minimum;

impl<T: Float> Binary<T> for Minimum {
    const NAME: &'static str = "minimum";

    #[inline(always)]
    fn value(a: T, b: T) -> T {
        a.min_or_nan(b)
    }

    #[inline(always)]
    fn left(a: T, b: T, _y: T, dy: T) -> T {
        prize(a > b, a == b, dy)
    }

    #[inline(always)]
    fn right(a: T, b: T, _y: T, dy: T) -> T {
        prize(b > a, a == b, dy)
    }
}

impl<T: Float> Var<'_, T> {
    /// The smaller of each two elements, broadcast; NaN if either is. At a tie each has half of the gradient, as in
    /// PyTorch's `minimum`.
    ///
    /// # Panics
    /// Shapes that do not broadcast.
    #[track_caller]
    pub fn minimum(self, other: Self) -> Self {
        self.apply2(Pairwise(Minimum), other)
    }
}

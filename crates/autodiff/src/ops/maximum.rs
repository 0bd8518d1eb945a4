use crate::ops::pairwise::{Binary, Pairwise};
use crate::{Float, Var};

#[derive(Clone, Copy, Debug)]
struct Maximum;

/// What an operand is sent: all if it won (or nobody did, beside a NaN), half at a tie, nothing if it lost.
#[inline(always)]
pub(crate) fn prize<T: Float>(lost: bool, tied: bool, dy: T) -> T {
    match (lost, tied) {
        (true, _) => T::zero(),
        (_, true) => dy / T::of(2.0),
        _ => dy,
    }
}

impl<T: Float> Binary<T> for Maximum {
    const NAME: &'static str = "maximum";

    #[inline(always)]
    fn value(a: T, b: T) -> T {
        a.max_or_nan(b)
    }

    #[inline(always)]
    fn left(a: T, b: T, _y: T, dy: T) -> T {
        prize(a < b, a == b, dy)
    }

    #[inline(always)]
    fn right(a: T, b: T, _y: T, dy: T) -> T {
        prize(b < a, a == b, dy)
    }
}

impl<T: Float> Var<'_, T> {
    /// The larger of each two elements, broadcast; NaN if either is. At a tie each has half of the gradient, as in
    /// PyTorch's `maximum`.
    ///
    /// # Panics
    /// Shapes that do not broadcast.
    #[track_caller]
    pub fn maximum(self, other: Self) -> Self {
        self.apply2(Pairwise(Maximum), other)
    }
}

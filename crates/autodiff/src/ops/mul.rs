use crate::ops::pairwise::{Binary, Pairwise};
use crate::{Float, Var};
use std::ops::Mul as Operator;

#[derive(Clone, Copy, Debug)]
struct Mul;

impl<T: Float> Binary<T> for Mul {
    const NAME: &'static str = "mul";

    #[inline(always)]
    fn value(a: T, b: T) -> T {
        a * b
    }

    #[inline(always)]
    fn left(_a: T, b: T, _y: T, dy: T) -> T {
        dy * b
    }

    #[inline(always)]
    fn right(a: T, _b: T, _y: T, dy: T) -> T {
        dy * a
    }
}

impl<T: Float> Operator for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn mul(self, other: Self) -> Self {
        self.apply2(Pairwise(Mul), other)
    }
}

use crate::ops::pairwise::{Binary, Pairwise};
use crate::{Float, Var};
use std::ops::Sub as Operator;

#[derive(Clone, Copy, Debug)]
struct Sub;

impl<T: Float> Binary<T> for Sub {
    const NAME: &'static str = "sub";

    #[inline(always)]
    fn value(a: T, b: T) -> T {
        a - b
    }

    #[inline(always)]
    fn left(_a: T, _b: T, _y: T, dy: T) -> T {
        dy
    }

    #[inline(always)]
    fn right(_a: T, _b: T, _y: T, dy: T) -> T {
        -dy
    }
}

impl<T: Float> Operator for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn sub(self, other: Self) -> Self {
        self.apply2(Pairwise(Sub), other)
    }
}

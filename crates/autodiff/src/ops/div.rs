use crate::ops::pairwise::{Binary, Pairwise};
use crate::{Float, Var};
use std::ops::Div as Operator;

#[derive(Clone, Copy, Debug)]
struct Div;

impl<T: Float> Binary<T> for Div {
    const NAME: &'static str = "div";

    #[inline(always)]
    fn value(a: T, b: T) -> T {
        a / b
    }

    #[inline(always)]
    fn left(_a: T, b: T, _y: T, dy: T) -> T {
        dy / b
    }

    #[inline(always)]
    fn right(_a: T, b: T, y: T, dy: T) -> T {
        -dy * y / b
    }
}

impl<T: Float> Operator for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn div(self, other: Self) -> Self {
        self.apply2(Pairwise(Div), other)
    }
}

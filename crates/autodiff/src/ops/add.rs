use crate::ops::pairwise::{Binary, Pairwise};
use crate::{Float, Var};
use std::ops::Add as Operator;

#[derive(Clone, Copy, Debug)]
struct Add;

impl<T: Float> Binary<T> for Add {
    const NAME: &'static str = "add";

    #[inline(always)]
    fn value(a: T, b: T) -> T {
        a + b
    }

    #[inline(always)]
    fn left(_a: T, _b: T, _y: T, dy: T) -> T {
        dy
    }

    #[inline(always)]
    fn right(_a: T, _b: T, _y: T, dy: T) -> T {
        dy
    }
}

impl<T: Float> Operator for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn add(self, other: Self) -> Self {
        self.apply2(Pairwise(Add), other)
    }
}

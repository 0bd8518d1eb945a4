//! Arithmetic between a value and one number. The scalar is a constant: no gradient, no node of its own.

use crate::{Float, Unary, Var};
use std::ops::{Add, Div, Mul, Neg, Sub};

#[derive(Clone, Copy, Debug)]
struct AddScalar<T>(T);

impl<T: Float> Unary<T> for AddScalar<T> {
    const NAME: &'static str = "add";

    fn value(&self, x: T) -> T {
        x + self.0
    }

    fn gradient(&self, _x: T, _y: T, dy: T) -> T {
        dy
    }
}

#[derive(Clone, Copy, Debug)]
struct MulScalar<T>(T);

impl<T: Float> Unary<T> for MulScalar<T> {
    const NAME: &'static str = "mul";

    fn value(&self, x: T) -> T {
        x * self.0
    }

    fn gradient(&self, _x: T, _y: T, dy: T) -> T {
        dy * self.0
    }
}

/// x/c, and not x·(1/c), whose last bit differs.
#[derive(Clone, Copy, Debug)]
struct DivScalar<T>(T);

impl<T: Float> Unary<T> for DivScalar<T> {
    const NAME: &'static str = "div";

    fn value(&self, x: T) -> T {
        x / self.0
    }

    fn gradient(&self, _x: T, _y: T, dy: T) -> T {
        dy / self.0
    }
}

#[derive(Clone, Copy, Debug)]
struct ScalarSub<T>(T);

impl<T: Float> Unary<T> for ScalarSub<T> {
    const NAME: &'static str = "sub";

    fn value(&self, x: T) -> T {
        self.0 - x
    }

    fn gradient(&self, _x: T, _y: T, dy: T) -> T {
        -dy
    }
}

#[derive(Clone, Copy, Debug)]
struct ScalarDiv<T>(T);

impl<T: Float> Unary<T> for ScalarDiv<T> {
    const NAME: &'static str = "div";

    fn value(&self, x: T) -> T {
        self.0 / x
    }

    fn gradient(&self, x: T, y: T, dy: T) -> T {
        -dy * y / x
    }
}

impl<T: Float> Neg for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn neg(self) -> Self {
        self.unary(MulScalar(-T::one()))
    }
}

/// `x - 2.0` and the like.
macro_rules! scalar_on_the_right {
    ($($operator:ident::$method:ident: $op:expr),*) => {$(
        impl<T: Float> $operator<T> for Var<'_, T> {
            type Output = Self;

            #[track_caller]
            fn $method(self, scalar: T) -> Self {
                self.unary($op(scalar))
            }
        }
    )*};
}

/// `2.0 - x` and the like: Rust wants these for each scalar type by name.
macro_rules! scalar_on_the_left {
    ($scalar:ty, $($operator:ident::$method:ident: $op:expr),*) => {$(
        impl<'g> $operator<Var<'g, $scalar>> for $scalar {
            type Output = Var<'g, $scalar>;

            #[track_caller]
            fn $method(self, x: Var<'g, $scalar>) -> Self::Output {
                x.unary($op(self))
            }
        }
    )*};
}

scalar_on_the_right!(Add::add: AddScalar, Sub::sub: |c: T| AddScalar(-c), Mul::mul: MulScalar, Div::div: DivScalar);
scalar_on_the_left!(f32, Add::add: AddScalar, Sub::sub: ScalarSub, Mul::mul: MulScalar, Div::div: ScalarDiv);
scalar_on_the_left!(f64, Add::add: AddScalar, Sub::sub: ScalarSub, Mul::mul: MulScalar, Div::div: ScalarDiv);

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

impl<T: Float> Add<T> for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn add(self, scalar: T) -> Self {
        self.unary(AddScalar(scalar))
    }
}

impl<T: Float> Sub<T> for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn sub(self, scalar: T) -> Self {
        self.unary(AddScalar(-scalar))
    }
}

impl<T: Float> Mul<T> for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn mul(self, scalar: T) -> Self {
        self.unary(MulScalar(scalar))
    }
}

impl<T: Float> Div<T> for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn div(self, scalar: T) -> Self {
        self.unary(DivScalar(scalar))
    }
}

/// `2.0 - x` and the like: Rust wants these for each scalar type by name.
macro_rules! scalar_on_the_left {
    ($($scalar:ty),*) => {$(
        impl<'g> Add<Var<'g, $scalar>> for $scalar {
            type Output = Var<'g, $scalar>;

            #[track_caller]
            fn add(self, x: Var<'g, $scalar>) -> Self::Output {
                x + self
            }
        }

        impl<'g> Sub<Var<'g, $scalar>> for $scalar {
            type Output = Var<'g, $scalar>;

            #[track_caller]
            fn sub(self, x: Var<'g, $scalar>) -> Self::Output {
                x.unary(ScalarSub(self))
            }
        }

        impl<'g> Mul<Var<'g, $scalar>> for $scalar {
            type Output = Var<'g, $scalar>;

            #[track_caller]
            fn mul(self, x: Var<'g, $scalar>) -> Self::Output {
                x * self
            }
        }

        impl<'g> Div<Var<'g, $scalar>> for $scalar {
            type Output = Var<'g, $scalar>;

            #[track_caller]
            fn div(self, x: Var<'g, $scalar>) -> Self::Output {
                x.unary(ScalarDiv(self))
            }
        }
    )*};
}

scalar_on_the_left!(f32, f64);

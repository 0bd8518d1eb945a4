//! The functions of the standard library on dual numbers: each one its value and its slope.

use super::Dual;
use crate::Float;
use std::f64::consts::{LN_2, LN_10};
use std::num::FpCategory;

/// Numbers that have no tangent.
macro_rules! constants {
    ($($name:ident),*) => {$(
        #[inline(always)]
        fn $name() -> Self {
            T::$name().into()
        }
    )*};
}

/// Questions about the value.
macro_rules! questions {
    ($($name:ident: $answer:ty),*) => {$(
        #[inline(always)]
        fn $name(self) -> $answer {
            self.value.$name()
        }
    )*};
}

/// Functions whose slope is 0 wherever they have one.
macro_rules! steps {
    ($($name:ident),*) => {$(
        #[inline(always)]
        fn $name(self) -> Self {
            self.value.$name().into()
        }
    )*};
}

/// Functions y = f(x), each with its slope.
macro_rules! functions {
    ($($name:ident: |$x:ident, $y:ident| $slope:expr;)*) => {$(
        #[inline(always)]
        fn $name(self) -> Self {
            let ($x, $y) = (self.value, self.value.$name());
            self.chain($y, $slope)
        }
    )*};
}

impl<T: Float> num_traits::Float for Dual<T> {
    constants!(nan, infinity, neg_infinity, neg_zero, min_value, min_positive_value, epsilon, max_value);
    questions!(is_nan: bool, is_infinite: bool, is_finite: bool, is_normal: bool, is_subnormal: bool);
    questions!(is_sign_positive: bool, is_sign_negative: bool, classify: FpCategory, integer_decode: (u64, i16, i8));
    steps!(floor, ceil, round, trunc, signum);
    functions! {
        fract: |_x, y| T::one();
        abs: |x, y| x.sign();
        recip: |_x, y| -y * y;
        sqrt: |_x, y| (y + y).recip();
        cbrt: |_x, y| (T::of(3.0) * y * y).recip();
        exp: |_x, y| y;
        exp2: |_x, y| y * T::of(LN_2);
        exp_m1: |x, y| x.exp();
        ln: |x, y| x.recip();
        ln_1p: |x, y| (x + T::one()).recip();
        log2: |x, y| (x * T::of(LN_2)).recip();
        log10: |x, y| (x * T::of(LN_10)).recip();
        sin: |x, y| x.cos();
        cos: |x, y| -x.sin();
        tan: |_x, y| T::one() + y * y;
        asin: |x, y| ((T::one() - x) * (T::one() + x)).sqrt().recip();
        acos: |x, y| -((T::one() - x) * (T::one() + x)).sqrt().recip();
        atan: |x, y| (T::one() + x * x).recip();
        sinh: |x, y| x.cosh();
        cosh: |x, y| x.sinh();
        tanh: |_x, y| T::one() - y * y;
        asinh: |x, y| x.hypot(T::one()).recip();
        acosh: |x, y| ((x - T::one()) * (x + T::one())).sqrt().recip();
        atanh: |x, y| ((T::one() - x) * (T::one() + x)).recip();
        to_degrees: |_x, y| T::one().to_degrees();
        to_radians: |_x, y| T::one().to_radians();
    }

    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        let tangent = self.value.mul_add(a.tangent, self.tangent.mul_add(a.value, b.tangent));
        Self { value: self.value.mul_add(a.value, b.value), tangent }
    }

    fn powi(self, n: i32) -> Self {
        let slope = if n == 0 { T::zero() } else { T::of(f64::from(n)) * self.value.powi(n - 1) };
        self.chain(self.value.powi(n), slope)
    }

    fn powf(self, n: Self) -> Self {
        let y = self.value.powf(n.value);
        let by_base = self.chain(y, n.value * self.value.powf(n.value - T::one()));
        let by_exponent = n.chain(y, y * self.value.ln());
        Self { value: y, tangent: by_base.tangent + by_exponent.tangent }
    }

    fn log(self, base: Self) -> Self {
        let y = self.ln() / base.ln();
        Self { value: self.value.log(base.value), ..y }
    }

    fn hypot(self, other: Self) -> Self {
        let y = self.value.hypot(other.value);
        let (by_self, by_other) = (self.chain(y, self.value / y), other.chain(y, other.value / y));
        Self { value: y, tangent: by_self.tangent + by_other.tangent }
    }

    fn atan2(self, other: Self) -> Self {
        let y = self.value.atan2(other.value);
        let square = self.value * self.value + other.value * other.value;
        let (by_self, by_other) = (self.chain(y, other.value / square), other.chain(y, -self.value / square));
        Self { value: y, tangent: by_self.tangent + by_other.tangent }
    }

    fn sin_cos(self) -> (Self, Self) {
        (self.sin(), self.cos())
    }

    /// As the standard library's: a NaN gives way to the other number.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if self.value >= other.value || other.value.is_nan() { self } else { other }
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if self.value <= other.value || other.value.is_nan() { self } else { other }
    }

    fn abs_sub(self, other: Self) -> Self {
        if self.value <= other.value { T::zero().into() } else { self - other }
    }
}

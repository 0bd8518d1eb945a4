//! Dual numbers: arithmetic that carries a derivative along.

mod functions;
mod products;

use crate::Float;
use crate::gemm::{Kernel, Product};
use num_traits::{Num, NumCast, One, ToPrimitive, Zero};
use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign};

/// A number and its derivative along one direction: value + ε·tangent, with ε² = 0.
///
/// f(x + ε·t) = f(x) + ε·f′(x)·t for every function, so that a tape of dual numbers carries the derivative of all that
/// it computes: recorded over [`Params`](crate::Params) with tangents v, backward gives the gradient as the values and
/// the product of Hessian and v as the tangents (Pearlmutter 1994). [`SecondOrder`](crate::SecondOrder) does that.
///
/// Comparisons, and questions such as `is_nan`, are about the value alone: a branch goes the way it would go without
/// tangents, and has the derivative of the side that was taken. A tangent of exactly 0 stays 0 through every function,
/// also where the function's slope is infinite.
///
/// ```
/// use wane_autodiff::{Dual, ndarray::NdFloat};
///
/// fn f<T: NdFloat>(x: T) -> T {
///     x * x * x
/// }
///
/// let y = f(Dual::new(2.0, 1.0));
/// assert_eq!((y.value, y.tangent), (8.0, 12.0));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Dual<T> {
    /// The number.
    pub value: T,
    /// Its derivative.
    pub tangent: T,
}

impl<T: Float> Dual<T> {
    /// value + ε·tangent.
    #[inline(always)]
    pub fn new(value: T, tangent: T) -> Self {
        Self { value, tangent }
    }

    /// f(x), given the numbers f(x.value) and f′(x.value).
    #[inline(always)]
    fn chain(self, value: T, slope: T) -> Self {
        let tangent = if self.tangent == T::zero() { T::zero() } else { slope * self.tangent };
        Self { value, tangent }
    }
}

/// A constant.
impl<T: Float> From<T> for Dual<T> {
    #[inline(always)]
    fn from(value: T) -> Self {
        Self { value, tangent: T::zero() }
    }
}

impl<T: Float> PartialEq for Dual<T> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Float> PartialOrd for Dual<T> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Float> Neg for Dual<T> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self::new(-self.value, -self.tangent)
    }
}

impl<T: Float> Add for Dual<T> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(self.value + other.value, self.tangent + other.tangent)
    }
}

impl<T: Float> Sub for Dual<T> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::new(self.value - other.value, self.tangent - other.tangent)
    }
}

impl<T: Float> Mul for Dual<T> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(self.value * other.value, self.value * other.tangent + self.tangent * other.value)
    }
}

impl<T: Float> Div for Dual<T> {
    type Output = Self;

    /// A divisor that overflowed leaves 0 as the tangent: that is the limit of 1/(1 + e⁻ˣ), where the formula has ∞/∞.
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let tangent =
            if other.value.is_infinite() { T::zero() } else { (self.tangent - value * other.tangent) / other.value };
        Self { value, tangent }
    }
}

impl<T: Float> Rem for Dual<T> {
    type Output = Self;

    #[inline(always)]
    fn rem(self, other: Self) -> Self {
        let whole = (self.value / other.value).trunc();
        Self::new(self.value % other.value, self.tangent - whole * other.tangent)
    }
}

macro_rules! assign {
    ($($name:ident::$method:ident by $operator:tt),*) => {$(
        impl<T: Float> $name for Dual<T> {
            #[inline(always)]
            fn $method(&mut self, other: Self) {
                *self = *self $operator other;
            }
        }
    )*};
}

assign!(AddAssign::add_assign by +, SubAssign::sub_assign by -, MulAssign::mul_assign by *);
assign!(DivAssign::div_assign by /, RemAssign::rem_assign by %);

impl<T: Float> Sum for Dual<T> {
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Self::zero(), Add::add)
    }
}

impl<T: Float> Zero for Dual<T> {
    #[inline(always)]
    fn zero() -> Self {
        T::zero().into()
    }

    #[inline(always)]
    fn is_zero(&self) -> bool {
        self.value.is_zero()
    }
}

impl<T: Float> One for Dual<T> {
    #[inline(always)]
    fn one() -> Self {
        T::one().into()
    }
}

impl<T: Float> Num for Dual<T> {
    type FromStrRadixErr = T::FromStrRadixErr;

    fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
        T::from_str_radix(text, radix).map(Into::into)
    }
}

impl<T: Float> ToPrimitive for Dual<T> {
    fn to_i64(&self) -> Option<i64> {
        self.value.to_i64()
    }

    fn to_u64(&self) -> Option<u64> {
        self.value.to_u64()
    }

    fn to_f64(&self) -> Option<f64> {
        self.value.to_f64()
    }
}

impl<T: Float> NumCast for Dual<T> {
    fn from<N: ToPrimitive>(n: N) -> Option<Self> {
        <T as NumCast>::from(n).map(Into::into)
    }
}

macro_rules! format_both {
    ($($format:ident),*) => {$(
        impl<T: Float> fmt::$format for Dual<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::$format::fmt(&self.value, f)?;
                f.write_str(" + ε·")?;
                fmt::$format::fmt(&self.tangent, f)
            }
        }
    )*};
}

format_both!(Display, LowerExp, UpperExp);

impl<T: Float> ndarray::ScalarOperand for Dual<T> {}
impl<T: Float> ndarray::NdFloat for Dual<T> {}

impl<T: Float> Float for Dual<T> {
    const NAME: &'static str = "dual";

    #[inline(always)]
    fn of(x: f64) -> Self {
        T::of(x).into()
    }

    /// The value; the tangent is lost.
    #[inline(always)]
    fn widen(self) -> f64 {
        self.value.widen()
    }

    fn erf(self) -> Self {
        let slope = T::of(std::f64::consts::FRAC_2_SQRT_PI) * (-self.value * self.value).exp();
        self.chain(self.value.erf(), slope)
    }

    /// By products of real numbers, whatever the kernel.
    fn gemm(_kernel: Option<Kernel>, product: Product<'_, Self>, c: &mut [Self], _scratch: &mut Vec<Self>) {
        products::multiply(product, c);
    }
}

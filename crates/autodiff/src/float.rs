use crate::flat::Bytes;
use crate::gemm::{Kernel, Product, real};
use ndarray::NdFloat;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl<T: super::Float> Sealed for crate::Dual<T> {}
}

/// The scalar of a tape: `f32`, `f64`, or a [`Dual`](crate::Dual) of one of them, and nothing else.
pub trait Float: sealed::Sealed + NdFloat + Default + std::iter::Sum {
    /// The name of the type, as PyTorch spells it.
    const NAME: &'static str;

    /// How bytes are numbers of this kind, where any bytes are.
    #[doc(hidden)]
    const BYTES: Option<Bytes<Self>> = None;

    /// The nearest value to `x`: the one rounding that an option's f64 scalar sees.
    fn of(x: f64) -> Self;

    /// The value as f64, exactly (of a [`Dual`](crate::Dual), without its tangent).
    fn widen(self) -> f64;

    /// The error function, erf(x) = 2/√π ∫₀ˣ exp(−t²) dt.
    fn erf(self) -> Self;

    /// −1, 0 or 1, and NaN for NaN: the derivative of |x|, 0 at its kink. (`signum` has 1 at 0.)
    #[inline(always)]
    fn sign(self) -> Self {
        if self == Self::zero() { Self::zero() } else { self.signum() }
    }

    /// The larger one, and NaN if either is: Rust's `max` drops it.
    #[inline(always)]
    fn max_or_nan(self, other: Self) -> Self {
        if self >= other || self.is_nan() { self } else { other }
    }

    /// The smaller one, and NaN if either is.
    #[inline(always)]
    fn min_or_nan(self, other: Self) -> Self {
        if self <= other || self.is_nan() { self } else { other }
    }

    /// What [`gemm_by`](crate::gemm::gemm_by) does once sizes are checked and none is 0.
    #[doc(hidden)]
    fn gemm(kernel: Option<Kernel>, product: Product<'_, Self>, c: &mut [Self], scratch: &mut Vec<Self>);
}

impl Float for f32 {
    const NAME: &'static str = "float32";
    const BYTES: Option<Bytes<Self>> = Some(Bytes { view: bytemuck::cast_slice, view_mut: bytemuck::cast_slice_mut });

    #[inline(always)]
    fn of(x: f64) -> Self {
        x as f32
    }

    #[inline(always)]
    fn widen(self) -> f64 {
        f64::from(self)
    }

    fn erf(self) -> Self {
        libm::erff(self)
    }

    fn gemm(kernel: Option<Kernel>, product: Product<'_, Self>, c: &mut [Self], scratch: &mut Vec<Self>) {
        real(kernel, product, c, scratch);
    }
}

impl Float for f64 {
    const NAME: &'static str = "float64";
    const BYTES: Option<Bytes<Self>> = Some(Bytes { view: bytemuck::cast_slice, view_mut: bytemuck::cast_slice_mut });

    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }

    fn erf(self) -> Self {
        libm::erf(self)
    }

    fn gemm(kernel: Option<Kernel>, product: Product<'_, Self>, c: &mut [Self], scratch: &mut Vec<Self>) {
        real(kernel, product, c, scratch);
    }
}

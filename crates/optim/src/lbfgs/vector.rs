use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Float, reduce};

/// aᵀb: each product exact for f32, the sum in f64.
pub(super) fn dot<T: Float>(a: &[T], b: &[T]) -> f64 {
    reduce::sum_of_pairs(a, b, &|a, b| a.widen() * b.widen())
}

/// Σ|x|, in f64.
pub(super) fn sum_abs<T: Float>(x: &[T]) -> f64 {
    reduce::sum_of(x, &|x| x.widen().abs())
}

/// max |x|, and NaN if any is.
pub(super) fn max_abs<T: Float>(x: &[T]) -> f64 {
    x.iter().fold(T::zero(), |max, x| max.max_or_nan(x.abs())).widen()
}

/// y ← y + a·x, rounded once, as PyTorch's `add_` with `alpha`.
pub(super) fn add_scaled<T: Float>(y: &mut [T], a: f64, x: &[T]) {
    vectorized(AddScaled { y, a: T::of(a), x });
}

struct AddScaled<'a, T> {
    y: &'a mut [T],
    a: T,
    x: &'a [T],
}

impl<T: Float> Kernel for AddScaled<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.y.iter_mut().zip(self.x).for_each(|(y, &x)| *y = x.mul_add(self.a, *y));
    }
}

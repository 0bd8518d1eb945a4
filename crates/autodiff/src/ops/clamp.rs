use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
struct Clamp<T> {
    min: T,
    max: T,
}

impl<T: Float> Unary<T> for Clamp<T> {
    const NAME: &'static str = "clamp";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        x.max_or_nan(self.min).min_or_nan(self.max)
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        if x <= self.min || x >= self.max { T::zero() } else { dy }
    }
}

impl<T: Float> Var<'_, T> {
    /// min(max(x, `min`), `max`) of every element, an infinite bound being none; where `min` is above `max`, all is
    /// `max`. The gradient is 1 between the bounds, 0 on them and beyond, as PyTorch's `clamp` has it. NaN stays NaN,
    /// and so does a bound that is NaN.
    #[track_caller]
    pub fn clamp(self, min: f64, max: f64) -> Self {
        self.unary(Clamp { min: T::of(min), max: T::of(max) })
    }
}

use super::Pointwise;
use crate::Float;
use std::f64::consts::TAU;

#[derive(Clone, Copy, Debug)]
pub(super) struct PoissonNll<T> {
    pub(super) log_input: bool,
    pub(super) full: bool,
    pub(super) eps: T,
}

impl<T: Float> PoissonNll<T> {
    #[inline(always)]
    fn has_stirling(&self, y: T) -> bool {
        self.full && (y > T::one() || y.is_nan())
    }
}

impl<T: Float> Pointwise<T> for PoissonNll<T> {
    #[inline(always)]
    fn value(&self, x: T, y: T) -> T {
        let loss = if self.log_input { x.exp() - y * x } else { x - y * (x + self.eps).ln() };
        if self.has_stirling(y) { loss + (y * y.ln() - y + T::of(0.5) * (T::of(TAU) * y).ln()) } else { loss }
    }

    #[inline(always)]
    fn by_input(&self, x: T, y: T) -> T {
        if self.log_input { x.exp() - y } else { T::one() - y / (x + self.eps) }
    }

    #[inline(always)]
    fn by_target(&self, x: T, y: T) -> T {
        let slope = if self.log_input { -x } else { -(x + self.eps).ln() };
        if self.has_stirling(y) { slope + (y.ln() + T::of(0.5) / y) } else { slope }
    }
}

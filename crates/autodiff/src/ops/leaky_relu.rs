use crate::{Float, Unary, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct LeakyRelu<T>(pub(crate) T);

impl<T: Float> Unary<T> for LeakyRelu<T> {
    const NAME: &'static str = "leaky_relu";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        if x > T::zero() { x } else { x * self.0 }
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        if x > T::zero() { dy } else { dy * self.0 }
    }
}

impl<T: Float> Var<'_, T> {
    /// x above 0, `slope`·x below; the gradient at 0 is `slope`. PyTorch's default slope is 0.01.
    #[track_caller]
    pub fn leaky_relu(self, slope: f64) -> Self {
        self.unary(LeakyRelu(T::of(slope)))
    }
}

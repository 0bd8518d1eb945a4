use super::norm::Norm;
use crate::{Float, Var};

impl<T: Float> Var<'_, T> {
    /// (x − mean)/√(variance + ε)·w + b along the last axis, with the biased variance (PyTorch's
    /// `torch.nn.functional.layer_norm`; Ba, Kiros and Hinton 2016).
    ///
    /// This value is (…, n), `weight` and `bias` are (n,).
    ///
    /// # Panics
    /// A scalar; shapes that do not fit.
    #[track_caller]
    pub fn layer_norm(self, weight: Option<Self>, bias: Option<Self>, eps: f64) -> Self {
        Norm::record(("layer_norm", true, T::of(eps)), self, weight, bias)
    }
}

use super::norm::Norm;
use crate::{Float, Var};

impl<T: Float> Var<'_, T> {
    /// x/√(mean of x² + ε)·w along the last axis (PyTorch's `torch.nn.functional.rms_norm`; Zhang and Sennrich 2019).
    /// Without `eps`, ε is the machine epsilon of `T`.
    ///
    /// This value is (…, n), `weight` is (n,).
    ///
    /// # Panics
    /// A scalar; shapes that do not fit.
    #[track_caller]
    pub fn rms_norm(self, weight: Option<Self>, eps: Option<f64>) -> Self {
        let eps = eps.map_or(T::epsilon(), T::of);
        Norm::record(("rms_norm", false, eps), self, weight, None)
    }
}

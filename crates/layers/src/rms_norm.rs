use crate::size::{check_sizes, expect_width};
use crate::{Description, Module};
use serde::{Deserialize, Serialize};
use wane_autodiff::ndarray::Array1;
use wane_autodiff::{Error, Float, ParamId, Scope, Var, non_negative};

/// y = x/√(mean of x² + ε)·w over the features of each row (PyTorch's `nn.RMSNorm` over the last axis; Zhang and Sennrich
/// 2019).
///
/// w, `weight`: (width,), starts as ones.
#[derive(Clone, Copy, Debug)]
pub struct RmsNorm {
    weight: Option<ParamId>,
    width: usize,
    eps: Option<f64>,
}

/// The options of [`RmsNorm`], with PyTorch's names and defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmsNormOptions {
    /// ε; the machine epsilon of the model's type where there is none.
    pub eps: Option<f64>,
    /// Whether there is a weight.
    pub elementwise_affine: bool,
}

impl Default for RmsNormOptions {
    fn default() -> Self {
        Self { eps: None, elementwise_affine: true }
    }
}

impl RmsNorm {
    /// A layer over `width` features, with its weight below `scope`.
    ///
    /// # Errors
    /// A width of zero; an ε that is negative or not finite; a name already taken.
    pub fn new<T: Float>(mut scope: Scope<'_, T>, width: usize, options: RmsNormOptions) -> Result<Self, Error> {
        check_sizes("rms_norm", &[("width", width)])?;
        let eps = options.eps.map(|eps| non_negative("rms_norm eps", eps)).transpose()?;
        let ones = options.elementwise_affine.then(|| Array1::from_elem(width, T::one()));
        Ok(Self { weight: ones.map(|ones| scope.add("weight", &ones)).transpose()?, width, eps })
    }

    /// The weight, if there is one.
    pub fn weight(&self) -> Option<ParamId> {
        self.weight
    }
}

impl<T: Float> Module<T> for RmsNorm {
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        expect_width("rms_norm", x, self.width, self.weight.is_some());
        x.rms_norm(self.weight.map(|id| x.graph().param(id)), self.eps)
    }

    fn describe(&self) -> Description {
        let eps = self.eps.map(|eps| format!("eps={eps:e}"));
        let affine = self.weight.is_none().then(|| "elementwise_affine=false".to_owned());
        let options: Vec<_> = [eps, affine].into_iter().flatten().collect();
        let kind = if options.is_empty() { "RmsNorm".to_owned() } else { format!("RmsNorm({})", options.join(", ")) };
        let parameters = self.weight.map(|id| (id, self.width)).into_iter().collect();
        Description { kind, widths: Some((self.width, self.width)), parameters }
    }
}

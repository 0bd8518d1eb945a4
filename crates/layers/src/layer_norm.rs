use crate::size::{check_sizes, expect_width};
use crate::{Description, Module};
use serde::{Deserialize, Serialize};
use wane_autodiff::ndarray::Array1;
use wane_autodiff::{Error, Float, ParamId, Scope, Var, non_negative};

/// y = (x − mean)/√(variance + ε)·w + b over the features of each row, with the biased variance (PyTorch's `nn.LayerNorm`
/// over the last axis; Ba, Kiros and Hinton 2016).
///
/// w, `weight`: (width,), starts as ones; b, `bias`: (width,), as zeros.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    weight: Option<ParamId>,
    bias: Option<ParamId>,
    width: usize,
    eps: f64,
}

/// The options of [`LayerNorm`], with PyTorch's names and defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayerNormOptions {
    /// ε, 1e-5.
    pub eps: f64,
    /// Whether there is a weight, and with `bias` a bias.
    pub elementwise_affine: bool,
    /// Whether there is a bias beside the weight.
    pub bias: bool,
}

impl Default for LayerNormOptions {
    fn default() -> Self {
        Self { eps: 1e-5, elementwise_affine: true, bias: true }
    }
}

impl LayerNormOptions {
    pub(crate) fn has_weight(self) -> bool {
        self.elementwise_affine
    }

    pub(crate) fn has_bias(self) -> bool {
        self.elementwise_affine && self.bias
    }
}

impl LayerNorm {
    /// A layer over `width` features, with its parameters below `scope`.
    ///
    /// # Errors
    /// A width of zero; an ε that is negative or not finite; a name already taken.
    pub fn new<T: Float>(mut scope: Scope<'_, T>, width: usize, options: LayerNormOptions) -> Result<Self, Error> {
        check_sizes("layer_norm", &[("width", width)])?;
        let eps = non_negative("layer_norm eps", options.eps)?;
        scope.all_or_nothing(|mut scope| {
            let mut add = |name, value| scope.add(name, &Array1::from_elem(width, value));
            let weight = options.has_weight().then(|| add("weight", T::one())).transpose()?;
            let bias = options.has_bias().then(|| add("bias", T::zero())).transpose()?;
            Ok(Self { weight, bias, width, eps })
        })
    }

    /// The weight, if there is one.
    pub fn weight(&self) -> Option<ParamId> {
        self.weight
    }

    /// The bias, if there is one.
    pub fn bias(&self) -> Option<ParamId> {
        self.bias
    }
}

impl<T: Float> Module<T> for LayerNorm {
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        let graph = x.graph();
        expect_width("layer_norm", x, self.width, self.weight.is_some());
        x.layer_norm(self.weight.map(|id| graph.param(id)), self.bias.map(|id| graph.param(id)), self.eps)
    }

    fn describe(&self) -> Description {
        let without = match (self.weight, self.bias) {
            (None, _) => ", elementwise_affine=false",
            (Some(_), None) => ", bias=false",
            _ => "",
        };
        Description {
            kind: format!("LayerNorm(eps={:e}{without})", self.eps),
            widths: Some((self.width, self.width)),
            parameters: [self.weight, self.bias].into_iter().flatten().map(|id| (id, self.width)).collect(),
        }
    }
}

use crate::Activation;
use serde::{Deserialize, Serialize};

/// A layer as data: what [`SequentialBuilder`](crate::SequentialBuilder) needs to make it, but for the values of its
/// parameters.
///
/// ```
/// use wane_autodiff::{Params, Rng, rand::SeedableRng};
/// use wane_layers::Sequential;
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
/// let model = Sequential::new().linear(2, 8).relu().linear(8, 1).build(params.root(), &mut rng)?;
/// let mut others = Params::<f32>::new();
/// let twin = Sequential::new().specs(&model.specs()?).build(others.root(), &mut rng)?;
/// assert_eq!(twin.summary(), model.summary());
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LayerSpec {
    /// A [`Linear`](crate::Linear) layer; how its weights started is not kept.
    Linear {
        /// Features in.
        inputs: usize,
        /// Features out.
        outputs: usize,
        /// Whether it has a bias.
        bias: bool,
    },
    /// A [`LayerNorm`](crate::LayerNorm) with PyTorch's defaults.
    LayerNorm {
        /// Features in and out.
        width: usize,
    },
    /// An [`RmsNorm`](crate::RmsNorm) with PyTorch's defaults.
    RmsNorm {
        /// Features in and out.
        width: usize,
    },
    /// An activation.
    Activation(Activation),
    /// A [`Dropout`](crate::Dropout).
    Dropout {
        /// The probability of a zero.
        p: f64,
    },
    /// x + f(x): the layers of f.
    Residual(Vec<LayerSpec>),
    /// Models side by side: the layers of each.
    Parallel(Vec<Vec<LayerSpec>>),
}

impl LayerSpec {
    /// How many numbers it learns; `None` if there are more than can be counted.
    pub fn count(&self) -> Option<usize> {
        match self {
            &Self::Linear { inputs, outputs, bias } => {
                inputs.checked_mul(outputs)?.checked_add(if bias { outputs } else { 0 })
            }
            &Self::LayerNorm { width } => width.checked_mul(2),
            &Self::RmsNorm { width } => Some(width),
            Self::Activation(_) | Self::Dropout { .. } => Some(0),
            Self::Residual(layers) => Self::count_all(layers),
            Self::Parallel(branches) => {
                branches.iter().try_fold(0_usize, |sum, branch| sum.checked_add(Self::count_all(branch)?))
            }
        }
    }

    /// How many numbers several layers learn together; `None` if there are more than can be counted.
    pub fn count_all(layers: &[Self]) -> Option<usize> {
        layers.iter().try_fold(0_usize, |sum, layer| sum.checked_add(layer.count()?))
    }
}

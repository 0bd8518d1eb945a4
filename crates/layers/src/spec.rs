use crate::{Activation, LayerNormOptions, RmsNormOptions};
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
#[serde(deny_unknown_fields)]
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
    /// A [`LayerNorm`](crate::LayerNorm).
    LayerNorm {
        /// Features in and out.
        width: usize,
        /// Its options.
        #[serde(default)]
        options: LayerNormOptions,
    },
    /// An [`RmsNorm`](crate::RmsNorm).
    RmsNorm {
        /// Features in and out.
        width: usize,
        /// Its options.
        #[serde(default)]
        options: RmsNormOptions,
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
    /// A [`CustomLayer`](crate::CustomLayer).
    Custom {
        /// Its name.
        name: String,
        /// What it is made from.
        options: String,
    },
}

impl LayerSpec {
    /// How many numbers it learns, those of custom layers left out, as only their code knows them; `None` if there are
    /// more than can be counted.
    pub fn count(&self) -> Option<usize> {
        match self {
            &Self::Linear { inputs, outputs, bias } => {
                inputs.checked_mul(outputs)?.checked_add(if bias { outputs } else { 0 })
            }
            &Self::LayerNorm { width, options } => {
                width.checked_mul(usize::from(options.has_weight()) + usize::from(options.has_bias()))
            }
            &Self::RmsNorm { width, options } => Some(if options.elementwise_affine { width } else { 0 }),
            Self::Activation(_) | Self::Dropout { .. } | Self::Custom { .. } => Some(0),
            Self::Residual(layers) => Self::count_all(layers),
            Self::Parallel(branches) => {
                branches.iter().try_fold(0_usize, |sum, branch| sum.checked_add(Self::count_all(branch)?))
            }
        }
    }

    /// The sum of several layers' [`count`](Self::count); `None` if it is more than can be counted.
    pub fn count_all(layers: &[Self]) -> Option<usize> {
        layers.iter().try_fold(0_usize, |sum, layer| sum.checked_add(layer.count()?))
    }
}

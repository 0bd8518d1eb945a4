//! Layers: what a model is made of, and [`Sequential`], which puts them in a row.
//!
//! A layer holds the handles of its parameters and nothing else; values live in [`Params`](wane_autodiff::Params),
//! under the names that PyTorch's `nn.Sequential` gives them.
//!
//! ```
//! use wane_autodiff::{Params, Rng, Tape, ndarray::array, rand::SeedableRng};
//! use wane_layers::{Module, Sequential};
//!
//! let mut params = Params::<f32>::new();
//! let mut rng = Rng::seed_from_u64(0);
//! let model = Sequential::new().linear(2, 8).tanh().linear(8, 1).build(params.root(), &mut rng)?;
//! assert_eq!(params.iter().map(|p| p.name).collect::<Vec<_>>(), ["0.weight", "0.bias", "2.weight", "2.bias"]);
//!
//! let mut tape = Tape::new();
//! let graph = tape.record(&params);
//! let output = model.forward(graph.input(&array![[0.5, -1.0]]));
//! assert_eq!(output.shape().dims(), [1, 1]);
//! # Ok::<(), wane_autodiff::Error>(())
//! ```
//!
//! Batch normalisation is left out on purpose: its statistics make every row's output, and so its gradient, depend on the
//! other rows of the batch, and decay on a weight before it changes no function but only the effective learning rate
//! (van Laarhoven 2017). [`LayerNorm`] and [`RmsNorm`] keep rows apart; but a weight right before one of them also has
//! no scale of its own, whose decay acts in the same way.

mod custom;
mod dropout;
mod embedding;
mod init;
mod layer_norm;
mod linear;
mod module;
mod orthogonal;
mod parallel;
mod residual;
mod rms_norm;
mod sequential;
mod shrink;
mod size;
mod spec;

pub use custom::CustomLayer;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use init::{Fan, Init, gain};
pub use layer_norm::{LayerNorm, LayerNormOptions};
pub use linear::Linear;
pub use module::{Description, Module};
pub use parallel::Parallel;
pub use residual::Residual;
pub use rms_norm::{RmsNorm, RmsNormOptions};
pub use sequential::{Sequential, SequentialBuilder, check_input};
pub use shrink::{ShrinkOptions, ShrinkReport, Shrunk, ShrunkLayer};
pub use spec::LayerSpec;
pub use wane_autodiff::Activation;

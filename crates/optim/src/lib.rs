//! Optimizers whose `weight_decay` means exactly what PyTorch documents, with PyTorch's names, defaults, order of
//! operations and roundings.
//!
//! | optimizer | `weight_decay` is | default lr | default decay |
//! |---|---|---|---|
//! | [`Sgd`] | coupled: λθ joins the gradient, before momentum | 1e-3 | 0 |
//! | [`Adam`] | coupled: λθ joins the gradient, before the moments | 1e-3 | 0 |
//! | [`AdamW`] | decoupled: θ ← θ(1 − lr·λ), before the update | 1e-3 | 1e-2 |
//!
//! Any [`Group`] of any of them can ask for the other kind with [`Group::decay`]. [`Lbfgs`] is apart: for full batches, it
//! evaluates the loss itself.
//!
//! ```
//! use wane_autodiff::{Params, Tape, ndarray::array};
//! use wane_optim::{AdamW, AdamWOptions, Group};
//!
//! let mut params = Params::<f32>::new();
//! let weight = params.root().add("weight", &array![[2.0, -1.0]])?;
//! let bias = params.root().add("bias", &array![0.5])?;
//! let (weights, biases) = params.partition(|p| p.rank() > 1);
//! let mut optimizer = AdamW::new(AdamWOptions { lr: 0.1, weight_decay: 0.01, ..Default::default() })?
//!     .group(Group::new(&weights))?
//!     .group(Group::new(&biases).weight_decay(0.0))?;
//!
//! let (mut tape, mut grads) = (Tape::new(), params.grads());
//! let graph = tape.record(&params);
//! let loss = graph.param(weight).square().sum() + graph.param(bias).square().sum();
//! loss.backward(&mut grads);
//! optimizer.step(&mut params, &grads)?;
//! # Ok::<(), wane_autodiff::Error>(())
//! ```

mod adam;
mod decay;
mod group;
mod lbfgs;
mod optimizer;
mod rule;
mod sgd;

pub use adam::{Adam, AdamOptions, AdamW, AdamWOptions};
pub use decay::{Decay, DecayKind};
pub use group::Group;
pub use lbfgs::{Lbfgs, LbfgsOptions, LbfgsOutcome, LbfgsStop, LineSearch};
pub use optimizer::{GroupState, Optimizer};
pub use rule::Rule;
pub use sgd::{Sgd, SgdOptions};

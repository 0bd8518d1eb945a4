//! Optimizers whose `weight_decay` means exactly what PyTorch documents, with PyTorch's names, defaults, order of
//! operations and roundings.
//!
//! | optimizer | `weight_decay` is | default lr | default decay |
//! |---|---|---|---|
//! | [`Sgd`] | coupled: λθ joins the gradient, before momentum | 1e-3 | 0 |
//! | [`Adam`] | coupled: λθ joins the gradient, before the moments | 1e-3 | 0 |
//! | [`AdamW`] | decoupled: θ ← θ(1 − lr·λ), before the update | 1e-3 | 1e-2 |
//! | [`RmsProp`] | coupled: λθ joins the gradient, before its mean square | 1e-2 | 0 |
//! | [`SgdL1`] | coupled: λθ joins the gradient | 1e-3 | 0 |
//! | [`Adagrad`] | coupled: λθ joins the gradient, before its sum of squares | 1e-2 | 0 |
//!
//! Any [`Group`] of any of them can ask for another [`Decay`] with [`Group::decay`]: of any kind, with a [`Schedule`],
//! toward zero or toward reference weights. The [`guide`] says which when, and what other libraries call it.
//! [`Lbfgs`] is apart: for full batches, it evaluates the loss itself.
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

mod adagrad;
mod adam;
mod clip;
mod decay;
mod ema;
mod group;
mod lbfgs;
mod motion;
mod optimizer;
mod report;
mod rmsprop;
mod rule;
mod schedule;
mod sgd;
mod sgd_l1;
mod snapshot;
mod state;

pub use adagrad::{Adagrad, AdagradOptions};
pub use adam::{Adam, AdamOptions, AdamW, AdamWOptions};
pub use clip::{clip_grad_norm, clip_grad_value, clip_grads_with_norm};
pub use decay::{Decay, DecayKind, Pull};
pub use ema::{Ema, EmaSnapshot};
pub use group::Group;
pub use lbfgs::{Lbfgs, LbfgsMove, LbfgsOptions, LbfgsOutcome, LbfgsPair, LbfgsSnapshot, LbfgsStop, LineSearch};
pub use optimizer::{GroupState, Optimizer};
pub use report::{GroupReport, WeightReport};
pub use rmsprop::{RmsProp, RmsPropOptions};
pub use rule::Rule;
pub use schedule::{Anneal, Better, Cyclic, CyclicMode, OneCycle, Plateau, PlateauOptions, Schedule, Threshold};
pub use sgd::{Sgd, SgdOptions};
pub use sgd_l1::{SgdL1, SgdL1Options};
pub use snapshot::{GroupSnapshot, OptimizerSnapshot, ParamSnapshot};

#[doc = include_str!("../docs/decay.md")]
pub mod guide {}

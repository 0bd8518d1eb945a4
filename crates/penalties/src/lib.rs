//! Parameter-norm penalties: functions of the weights that are added to the loss, or applied after each step.
//!
//! | penalty | value | gradient | at its kink |
//! |---|---|---|---|
//! | [`L1`] | λ Σ\|w\| | λ sign(w) | 0 at w = 0 |
//! | [`L2`] | λ Σw² | 2λw | – |
//! | [`ElasticNet`] | l1 Σ\|w\| + l2 Σw² | l1 sign(w) + 2 l2 w | 0 from the first term at w = 0 |
//! | [`GroupLasso`] | λ Σ_g √\|g\| ‖w_g‖₂ | λ √\|g\| w_g / ‖w_g‖₂ | 0 where ‖w_g‖ = 0 |
//! | [`SparseGroupLasso`] | its [`L1`] part + its [`GroupLasso`] part | the sum of both | as the parts |
//!
//! A penalty in the loss ([`Penalty`]) makes weights small; it does not make them exactly zero, whatever the optimizer,
//! because a subgradient step passes over zero. Its proximal operator ([`Prox`]), applied after each step of the loss
//! alone, does:
//!
//! | penalty or constraint | proximal operator, for a step s |
//! |---|---|
//! | [`L1`] | S(w, sλ) = sign(w)·max(\|w\| − sλ, 0) |
//! | [`L2`] | w/(1 + 2sλ) |
//! | [`ElasticNet`] | S(w, s·l1)/(1 + 2s·l2) |
//! | [`L0`]: λ·#{w ≠ 0} | w where \|w\| > √(2sλ), else 0 |
//! | [`GroupLasso`] | w_g·max(1 − sλ√\|g\|/‖w_g‖, 0) |
//! | [`SparseGroupLasso`] | that of its L1 part, then that of its groups |
//! | [`NonNegative`]: w ≥ 0, and λ Σw | max(w − sλ, 0) |
//! | [`Bounds`]: lower ≤ w ≤ upper | min(max(w, lower), upper) |
//! | [`MaxNorm`]: ‖w_g‖ ≤ r | w_g·min(1, r/‖w_g‖) |
//!
//! Where each weight has a step of its own, as in Adam, s is that of the weight, and a group is not scaled as a whole:
//! each of its weights is w/(1 + μs), with one μ.
//!
//! [`HierProx`] is an operator over two parameters at once, as LassoNet has it.
//!
//! # The factor of two
//!
//! Everyone writes "L2 with λ", and means one of three things. For the same solution:
//!
//! | where | what it adds to the loss | to say the same as `L2::new(λ)` |
//! |---|---|---|
//! | wane's [`L2`] | λ Σw² | λ |
//! | PyTorch `weight_decay`, SGD or Adam (coupled) | (weight_decay/2) Σw² | `weight_decay` = 2λ |
//! | PyTorch AdamW (decoupled) | nothing: w ← w(1 − lr·weight_decay) | none: it is another method |
//! | scikit-learn `Ridge(alpha)` | alpha Σw², to the *sum* of squared errors over n rows | `alpha` = n·λ beside a mean squared error (n·k·λ with k outputs) |
//! | scikit-learn `ElasticNet(alpha, l1_ratio)` | alpha·l1_ratio Σ\|w\| + alpha(1 − l1_ratio)/2 Σw², to *half* the mean squared error | alpha(1 − l1_ratio) = λ beside a mean squared error |
//! | scikit-learn `MLPRegressor(alpha)` | alpha/(2n) Σw² to half the mean squared error, n being the batch | `alpha` = n·λ beside a mean squared error (n·k·λ with k outputs) |
//!
//! The L1 part of scikit-learn's `ElasticNet` beside a mean squared error: `L1::new(λ)` is alpha·l1_ratio = λ/2.
//!
//! ```
//! use wane_autodiff::{Params, Tape, ndarray::array};
//! use wane_penalties::{L1, L2};
//!
//! let mut params = Params::<f64>::new();
//! let w = params.root().add("w", &array![3.0, -4.0])?;
//! let (mut tape, mut grads) = (Tape::new(), params.grads());
//! let graph = tape.record(&params);
//! let loss = graph.penalty(&L1::new(0.1)?, &[w]) + graph.penalty(&L2::new(0.01)?, &[w]);
//! loss.backward(&mut grads);
//! assert!((loss.item() - (0.1 * 7.0 + 0.01 * 25.0)).abs() < 1e-15);
//! assert_eq!(grads.get(w).unwrap(), array![0.1 + 0.02 * 3.0, -0.1 - 0.02 * 4.0].into_dyn());
//! # Ok::<(), wane_autodiff::Error>(())
//! ```

mod bounds;
mod elastic_net;
mod group_lasso;
mod groups;
mod hier_prox;
mod l0;
mod l1;
mod l2;
mod max_norm;
mod metric;
mod non_negative;
mod prox;
mod sparse_group_lasso;

pub use bounds::Bounds;
pub use elastic_net::ElasticNet;
pub use group_lasso::GroupLasso;
pub use hier_prox::HierProx;
pub use l0::L0;
pub use l1::L1;
pub use l2::L2;
pub use max_norm::MaxNorm;
pub use non_negative::NonNegative;
pub use prox::{Prox, Step};
pub use sparse_group_lasso::SparseGroupLasso;
pub use wane_autodiff::{Penalty, Regularizer};

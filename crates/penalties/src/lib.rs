//! Parameter-norm penalties: functions of the weights that are added to the loss.
//!
//! | penalty | value | gradient | at its kink |
//! |---|---|---|---|
//! | [`L1`] | λ Σ\|w\| | λ sign(w) | 0 at w = 0 |
//! | [`L2`] | λ Σw² | 2λw | – |
//! | [`ElasticNet`] | l1 Σ\|w\| + l2 Σw² | l1 sign(w) + 2 l2 w | 0 from the first term at w = 0 |
//! | [`GroupLasso`] | λ Σ_g √\|g\| ‖w_g‖₂ | λ √\|g\| w_g / ‖w_g‖₂ | 0 where ‖w_g‖ = 0 |
//!
//! A penalty in the loss makes weights small; it does not make them exactly zero, whatever the optimizer, because a
//! subgradient step passes over zero.
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

mod elastic_net;
mod group_lasso;
mod l1;
mod l2;

pub use elastic_net::ElasticNet;
pub use group_lasso::GroupLasso;
pub use l1::L1;
pub use l2::L2;
pub use wane_autodiff::Penalty;

//! Lasso, elastic net and ridge for one linear model, solved to the end: weights that a penalty makes zero are exactly
//! zero, and each solution comes with a [`Certificate`] of how far from the optimum it can be.
//!
//! With n rows, the intercepts free of any penalty, and scikit-learn's alpha and l1_ratio:
//!
//! | function | minimises | scikit-learn |
//! |---|---|---|
//! | [`elastic_net`] | 1/(2n) ‖y − Xw − b‖² + alpha·l1_ratio ‖w‖₁ + alpha(1 − l1_ratio)/2 ‖w‖² | `ElasticNet`, and `Lasso` with l1_ratio = 1 |
//! | [`path`] | the same at every alpha of a grid | `enet_path`, `lasso_path` |
//! | [`group_elastic_net`] | 1/(2n) ‖Y − XW − 1bᵀ‖² + alpha·l1_ratio Σ_g v_g ‖W_g‖ + alpha(1 − l1_ratio)/2 ‖W‖² | `MultiTaskElasticNet` and `MultiTaskLasso`, if each column is a group |
//! | [`group_path`] | the same at every alpha of a grid | `MultiTaskElasticNet.path` |
//! | [`ridge`] | ‖y − Xw − b‖² + alpha ‖w‖² | `Ridge` |
//!
//! # Beside a mean squared error
//!
//! A network's loss has no ½, and its mean is over rows and outputs: mean (y − Xw − b)² + l1 ‖w‖₁ + l2 ‖w‖², where wane's
//! `ElasticNet::new(l1, l2)` and PyTorch's `weight_decay` = 2·l2 (coupled) mean the same. With k outputs it is 2/k times the
//! objective above if
//!
//! - alpha·l1_ratio = k·l1/2 and alpha(1 − l1_ratio) = k·l2: [`ElasticNetOptions::beside_mse`], and back with
//!   [`ElasticNetOptions::penalties_beside_mse`];
//! - `Ridge`'s alpha = n·l2 (k = 1).
//!
//! Of several outputs, [`Groups::each`] counts ‖W_g‖ as such: it is a layer's `GroupLasso::columns(λ).unweighted()` with
//! l1 = λ, and `GroupLasso::columns(λ)`, which counts √k ‖W_g‖, with l1 = λ√k.
//!
//! ```
//! use wane_linear::{ElasticNetOptions, elastic_net};
//! use ndarray::array;
//!
//! let x = array![[1.0, 0.3], [2.0, -0.1], [3.0, 0.2], [4.0, -0.4]];
//! let y = array![2.1, 3.9, 6.2, 7.8];
//! let lasso = ElasticNetOptions { alpha: 0.1, l1_ratio: 1.0, ..Default::default() };
//! let fit = elastic_net(x.view(), y.view(), &lasso)?;
//! assert_eq!(fit.support(), [0]);
//! assert!(fit.certificate.gap <= 1e-10 && fit.certificate.support_is_certain);
//! # Ok::<(), wane_autodiff::Error>(())
//! ```

mod basis;
mod certificate;
mod cholesky;
mod design;
mod elastic_net;
mod face;
mod group_elastic_net;
mod group_problem;
mod groups;
mod newton;
mod path;
mod problem;
mod ridge;
mod search;
mod smoother;
mod spectrum;

pub use certificate::Certificate;
pub use elastic_net::{ElasticNetOptions, Fit, elastic_net, elastic_net_from};
pub use group_elastic_net::{GroupFit, group_elastic_net};
pub use groups::Groups;
pub use path::{Path, PathOptions, group_lambda_max, group_path, lambda_max, path};
pub use ridge::{RidgeFit, ridge};
pub use smoother::{RidgeRisk, RidgeSmoother};

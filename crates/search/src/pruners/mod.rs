//! Which trials are stopped early: the decisions are Optuna's.

mod hyperband;
mod percentile;
mod successive_halving;

pub use hyperband::{HyperbandOptions, HyperbandPruner};
pub use percentile::{MedianPruner, PercentileOptions, PercentilePruner};
pub use successive_halving::{SuccessiveHalvingOptions, SuccessiveHalvingPruner};

use crate::StudyView;
use std::fmt;
use wane_autodiff::Error;

/// Says whether a trial should stop early, from what it and others have reported.
pub trait Pruner: Send + Sync + fmt::Debug {
    /// Whether the trial in question should stop now.
    ///
    /// # Errors
    /// Those of the storage.
    fn prune(&self, view: &StudyView<'_>) -> Result<bool, Error>;
}

/// Every trial goes on to its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPruner;

impl Pruner for NoPruner {
    fn prune(&self, _: &StudyView<'_>) -> Result<bool, Error> {
        Ok(false)
    }
}

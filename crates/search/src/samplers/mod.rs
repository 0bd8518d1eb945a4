//! How the parameters of a trial are chosen.

mod gp;
mod grid;
mod qmc;
mod random;
mod shared;
mod tpe;

#[cfg(test)]
pub(crate) use gp::log_h;
pub use gp::{GpOptions, GpSampler};
pub use grid::GridSampler;
pub use qmc::QmcSampler;
pub use random::RandomSampler;
pub use tpe::{TpeOptions, TpeSampler};

use crate::{Distribution, Param, StudyView};
use std::collections::BTreeMap;
use std::fmt;
use wane_autodiff::{Error, Rng};

/// Points that are taken one after the other, one for each trial with no parameters from the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// What tells them from the points of others. The trials that they are for carry it as a mark, and only those count in
    /// [`StudyView::rank`].
    pub name: String,
    /// How many points there are.
    pub len: usize,
}

/// Chooses the parameters of a trial.
///
/// As in Optuna, some are chosen together when the objective first asks for one that is not fixed
/// ([`sample_relative`](Self::sample_relative)), the others one by one when it asks for them
/// ([`sample_independent`](Self::sample_independent)).
///
/// A sampler keeps no state of its own from trial to trial: what it knows is in the [`StudyView`], and `rng` depends on
/// nothing but the study's seed, the trial's number and, for one parameter, its name. So any number of workers, in any
/// number of processes, can use equal samplers, and a study that is taken up again goes on as it would have.
pub trait Sampler: Send + Sync + fmt::Debug {
    /// The points that it takes one after the other, if it does; a study ends with the last one.
    fn sequence(&self) -> Option<Sequence> {
        None
    }

    /// The parameters that are chosen together, by name, each with the distribution it was chosen from; at most once a trial.
    /// One that the trial has from the queue keeps that value. One that the objective then wants from a distribution without
    /// this value is chosen again, by [`sample_independent`](Self::sample_independent).
    ///
    /// # Errors
    /// What keeps the sampler from choosing: the trial fails, and [`Study::optimize`](crate::Study::optimize) ends with it.
    fn sample_relative(&self, _view: &StudyView<'_>, _rng: &mut Rng) -> Result<BTreeMap<String, Param>, Error> {
        Ok(BTreeMap::new())
    }

    /// The internal representation of one parameter; only for a distribution with several values.
    ///
    /// # Errors
    /// What keeps the sampler from choosing: the trial fails, and [`Study::optimize`](crate::Study::optimize) ends with it,
    /// unless the trial is from the queue.
    fn sample_independent(
        &self,
        view: &StudyView<'_>,
        name: &str,
        distribution: &Distribution,
        rng: &mut Rng,
    ) -> Result<f64, Error>;
}

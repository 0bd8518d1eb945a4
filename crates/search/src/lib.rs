//! Choosing a penalty's strength: studies that are defined as they run, in Optuna's terms.
//!
//! A [`Study`] runs an objective in trial after trial. Each [`Trial`] suggests parameters, which a
//! [sampler](samplers::Sampler) chooses ([TPE](samplers::TpeSampler) unless said otherwise), and may report values on its
//! way, from which a [pruner](pruners::Pruner) sees that it won't be worth finishing. All of it is kept in a [storage](storage::Storage).
//!
//! | wane | Optuna 5 |
//! |---|---|
//! | [`Study::create`], [`optimize`](Study::optimize), [`ask`](Study::ask), [`tell`](Study::tell) | `create_study`, `optimize`, `ask`, `tell` |
//! | [`Study::enqueue`], [`requeue_running`](Study::requeue_running) | `enqueue_trial`, `RetryHeartbeatStaleTrialCallback` |
//! | [`Trial::suggest_float`], `…_log`, `…_step` | `suggest_float`, `log=True`, `step=…` |
//! | [`TrialError::Pruned`] | `TrialPruned` |
//! | [`TrialRecord`], [`Distribution`] | `FrozenTrial`, `FloatDistribution` and its like |
//! | [`Study::report`] | the dashboard, as one page |
//! | [`pruners`] | the same, decision for decision |
//!
//! An objective that fails does not end its study, and the random numbers of a trial depend on the study's seed and the
//! trial's number alone: that is where wane differs.
//!
//! ```
//! use ndarray::{Array1, array, s};
//! use wane_linear::ridge;
//! use wane_search::{Study, StudyOptions};
//!
//! let x = array![[0.0, 1.0], [1.0, 0.2], [2.0, 1.1], [3.0, 0.1], [4.0, 0.9], [5.0, 0.3]];
//! let y = array![0.1, 0.9, 2.2, 2.9, 4.1, 4.8];
//! let (train, validation) = (s![..4, ..], s![4.., ..]);
//! let study = Study::create(StudyOptions { name: "ridge".into(), ..Default::default() })?;
//! study.optimize(20, |trial| {
//!     let alpha = trial.suggest_float_log("alpha", 1e-4..=1e2)?;
//!     let fit = ridge(x.slice(train), y.slice(s![..4]), alpha)?;
//!     let error: Array1<f64> = x.slice(validation).dot(&fit.weights) + fit.intercept - y.slice(s![4..]);
//!     Ok(error.dot(&error))
//! })?;
//! let best = study.best_params()?["alpha"].number();
//! assert!(best < Some(1.0) && study.best_value()? < 0.1);
//! # Ok::<(), wane_autodiff::Error>(())
//! ```

mod choice;
mod cv;
mod decimal;
mod distribution;
mod journal;
mod normal;
mod parzen;
mod progress;
pub mod pruners;
mod range;
mod record;
mod report;
pub mod samplers;
mod space;
pub mod storage;
mod study;
mod sweep;
mod view;

pub use choice::Choice;
pub use cv::{
    CvOptions, CvResults, Estimator, FoldScore, FoldScores, GridSearch, KFold, LeaveOneOut, MlpModel, MlpRegressor,
    ParameterGrid, Predict, RepeatedKFold, RepeatedStratifiedKFold, Ridge, Scaled, ScaledModel, Setting, ShuffleSplit,
    Size, Split, Splitter, StratifiedKFold, Value, cross_validate,
};
pub use distribution::Distribution;
pub use parzen::{ParzenEstimator, ParzenOptions, default_weights, n_below};
pub use record::{AttrKind, Attrs, Direction, Param, StudyRecord, TrialRecord, TrialState};
pub use space::SearchSpace;
pub use study::{OptimizeOptions, Outcome, Study, StudyOptions, Trial, TrialError};
pub use sweep::{Workspace, sweep};
pub use view::StudyView;

//! Cross-validation.

mod estimator;
mod grid;
mod mlp;
mod results;
mod shuffle;
mod split;
mod validate;

pub(crate) use estimator::numbers;
pub use estimator::{Estimator, Predict, Ridge, Scaled, ScaledModel};
pub use grid::{ParameterGrid, Setting, Value};
pub use mlp::{MlpModel, MlpRegressor};
pub use results::{CvResults, FoldScore, FoldScores};
pub(crate) use results::{mean, std, strongest};
pub use shuffle::{ShuffleSplit, Size};
pub use split::{KFold, LeaveOneOut, RepeatedKFold, RepeatedStratifiedKFold, Split, Splitter, StratifiedKFold};
pub use validate::{CvOptions, GridSearch, cross_validate};

//! Training: a [`Trainer`] that resumes bit for bit, its [`History`], metrics, and files that survive faults.

mod confusion;
pub mod file;
mod history;
mod json;
mod lasso_net;
mod metric;
mod model;
mod numbers;
mod optimizer_state;
mod path;
#[cfg(feature = "plot")]
mod plot;
#[cfg(feature = "plot")]
mod plot_lambdas;
#[cfg(feature = "plot")]
mod plot_path;
#[cfg(feature = "plot")]
mod plot_trade_off;
#[cfg(feature = "plot")]
mod plot_weights;
mod predictor;
mod progress;
mod tensors;
mod trainer;
mod weights;

pub use confusion::{ClassScores, ConfusionMatrix, confusion_matrix};
pub use history::{EpochRecord, GroupRecord, History};
pub use lasso_net::{LassoNet, LassoNetPathOptions};
pub use metric::Metric;
pub use model::{ModelCard, load_model, load_model_with, save_model};
pub use numbers::OtherPrecision;
pub use optimizer_state::{load_optimizer_safetensors, save_optimizer_safetensors};
pub use path::{PathError, PathPoint, PathTrainer, TrainedPath};
#[cfg(feature = "plot")]
pub use plot_lambdas::LambdaCurves;
#[cfg(feature = "plot")]
pub use plot_path::plot_path;
#[cfg(feature = "plot")]
pub use plot_trade_off::{ErrorCurve, TradeOff};
#[cfg(feature = "plot")]
pub use plot_weights::plot_weights;
pub use predictor::Predictor;
pub use trainer::{
    Advance, Checkpoint, EarlyStopping, EpochEnd, Evaluation, Every, Monitor, Stop, Trainer, TrainerOptions,
};
pub use weights::{load_safetensors, save_safetensors};

//! Training: a [`Trainer`] that resumes bit for bit, its [`History`], metrics, and files that survive faults.

mod confusion;
pub mod file;
mod history;
mod json;
mod metric;
mod model;
mod numbers;
mod optimizer_state;
#[cfg(feature = "plot")]
mod plot;
mod predictor;
mod progress;
mod tensors;
mod trainer;
mod weights;

pub use confusion::{ClassScores, ConfusionMatrix, confusion_matrix};
pub use history::{EpochRecord, GroupRecord, History};
pub use metric::Metric;
pub use model::{ModelCard, load_model, load_model_with, save_model};
pub use numbers::OtherPrecision;
pub use optimizer_state::{load_optimizer_safetensors, save_optimizer_safetensors};
pub use predictor::Predictor;
pub use trainer::{
    Advance, Checkpoint, EarlyStopping, EpochEnd, Evaluation, Every, Monitor, Stop, Trainer, TrainerOptions,
};
pub use weights::{load_safetensors, save_safetensors};

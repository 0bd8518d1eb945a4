//! Training: a [`Trainer`] that resumes bit for bit, its [`History`], metrics, and files that survive faults.

pub mod file;
mod history;
mod metric;
#[cfg(feature = "plot")]
mod plot;
mod progress;
mod trainer;

pub use history::{EpochRecord, GroupRecord, History};
pub use metric::{Metric, confusion_matrix};
pub use trainer::{Advance, Checkpoint, EarlyStopping, EpochEnd, Every, Stop, Trainer, TrainerOptions};

//! Training: files that survive faults.

pub mod file;
mod model;
mod optimizer_state;
mod predictor;
mod tensors;
mod weights;

pub use model::{ModelCard, load_model, save_model};
pub use optimizer_state::{load_optimizer_safetensors, save_optimizer_safetensors};
pub use predictor::Predictor;
pub use tensors::OtherPrecision;
pub use weights::{load_safetensors, save_safetensors};

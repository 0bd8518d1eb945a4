//! Training: files that survive faults.

pub mod file;
mod optimizer_state;
mod tensors;
mod weights;

pub use optimizer_state::{load_optimizer_safetensors, save_optimizer_safetensors};
pub use tensors::OtherPrecision;
pub use weights::{load_safetensors, save_safetensors};

//! Optuna's journal: a file that every worker of a study appends its operations to, and reads those of all others from.

mod decode;
mod distribution;
mod encode;
mod file;
mod heartbeat;
mod lock;
mod storage;
mod text;
mod time;

pub use lock::LockKind;
pub use storage::{JournalOptions, JournalStorage};

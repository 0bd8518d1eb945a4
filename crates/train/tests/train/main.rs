//! The tests that need no process or allocator of their own, in one program: each more would be linked anew.

mod agreement;
#[cfg(feature = "plot")]
mod charts;
#[path = "../common/mod.rs"]
mod common;
mod confusion;
#[path = "../folder/mod.rs"]
mod folder;
mod history;
mod history_json;
mod last_checkpoint;
mod loss_fn;
mod metrics;
mod monitors;
mod not_finite;
#[cfg(feature = "plot")]
mod path_charts;
mod refusals;
#[path = "../run/mod.rs"]
mod run;
mod sparse;
mod sparse_labels;
#[cfg(feature = "plot")]
mod sparsity_charts;
mod torch_exchange;
mod torch_resume;
mod trainer;

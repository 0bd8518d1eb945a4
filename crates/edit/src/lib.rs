//! Changing a trained network without training it again.

mod checksum;
mod edit;
mod editor;
mod evaluate;
mod fine_tune;
mod ledger;
mod memories;
mod metric;
mod options;
mod site;
mod solve;
mod stats;
mod values;

pub use edit::{Edit, Report};
pub use editor::Editor;
pub use evaluate::{Bystanders, Effect, EffectOptions, Flip, Locality};
pub use fine_tune::{FineTuneOptions, fine_tune};
pub use ledger::Ledger;
pub use memories::Memories;
pub use options::{EditOptions, Fit, Measure, Ridge, ValueOptions, Wanted};
pub use site::Site;
pub use stats::KeyStats;

//! Changing what a trained network says for some inputs, and little else, without training it again.
//!
//! A [`Linear`](wane_layers::Linear) layer gives Wk + b for what comes into it, its key k. Of all changes ΔW after which given
//! keys k* have given values z*, an edit is the one that moves the values of the data's keys least, in the mean square:
//!
//! ΔW = r (C⁻¹k*)ᵀ / (k*ᵀC⁻¹k*), with r = z* − (Wk* + b) and C = E kkᵀ
//!
//! for one key (ROME, Meng et al. 2022); [`EditOptions`] has the same for many, with a bias, and as a compromise (MEMIT).
//!
//! | | |
//! |---|---|
//! | [`Site`] | a layer of a model, and the keys that data have there |
//! | [`KeyStats`] | what C is taken from: sums over the keys of any data |
//! | [`Editor`] | finds the value that leads to what is [`Wanted`], and solves for an [`Edit`] |
//! | [`Edit`] | ΔW as two factors, its [`Report`], its file |
//! | [`Ledger`] | several edits of a layer that keep one another, and that can be taken back, to the bit |
//! | [`Bystanders`] | what else an edit changes; [`fine_tune`] is what to compare it with |

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

//! The tests of this crate, in one program: each more would be linked anew.

mod around;
mod common;
mod counts;
mod decay;
mod denormals;
mod edges;
mod groups;
mod kinds;
mod lbfgs;
mod lbfgs_snapshots;
mod lbfgs_torch;
mod proximal;
mod reference;
mod refusals;
mod schedules;
mod snapshots;
mod state;

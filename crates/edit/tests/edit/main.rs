//! What edits obey, what they refuse, and what they leave alone.

mod common;
#[path = "../../../train/tests/counting/mod.rs"]
mod counting;
mod evaluate;
mod files;
#[path = "../../../train/tests/folder/mod.rs"]
mod folder;
mod laws;
mod ledger;
mod refusals;
mod stats;
mod values;

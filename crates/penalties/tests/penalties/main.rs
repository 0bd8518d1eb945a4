//! The tests of this crate, in one program: each more would be linked anew.

mod common;
mod conventions;
mod edges;
mod gradients;
mod prox;
mod refusals;

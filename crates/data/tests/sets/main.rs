//! The tests of this crate, in one program: each more would be linked anew.

mod classification;
mod csv;
mod labels;
mod laws;
mod sklearn;

//! The tests of this crate, in one program: each more would be linked anew.

mod blocks;
mod building;
mod common;
mod dropout;
mod faults;
mod fused;
mod gradients;
mod init;
mod laws;
mod running;
mod shrink;
mod specs;
mod widths;

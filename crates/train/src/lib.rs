//! Training: files that survive faults.

pub mod file;

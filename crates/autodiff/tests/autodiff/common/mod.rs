//! What more than one of these test crates needs.
#![allow(dead_code, reason = "each of them uses a part")]

pub(crate) mod faults;
pub(crate) mod gradients;
pub(crate) mod torch;

use proptest::prelude::ProptestConfig;

/// So many cases. A failure prints its shapes and its seed, which are all that is needed to repeat it: no file is kept.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

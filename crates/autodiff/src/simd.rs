//! The one run-time dispatcher: a loop written once is compiled for plain x86-64, AVX2 and AVX-512 (or NEON), and the
//! widest that this processor has is run. Without it `f32::mul_add` would be a library call for each element.

pub use pulp::NullaryFnOnce as Kernel;

/// Runs `kernel` compiled for the widest vectors of this processor.
///
/// The kernel's `call`, and what it calls, should be `#[inline(always)]`: only code inlined here gets the vectors.
#[inline(always)]
pub fn vectorized<K: Kernel>(kernel: K) -> K::Output {
    pulp::Arch::new().dispatch(kernel)
}

/// Whether this processor's widest vectors are of 512 bits, of which it has twice as many.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_512_bits() -> bool {
    matches!(pulp::Arch::new(), pulp::Arch::V4(_))
}

/// Whether this processor's widest vectors are of 512 bits, of which it has twice as many.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn has_512_bits() -> bool {
    false
}

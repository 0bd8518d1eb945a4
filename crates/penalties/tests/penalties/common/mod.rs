//! What more than one of these test crates needs.

#![allow(dead_code)] // Each crate uses its share.

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any};
use std::ops::Range;
use wane_autodiff::ndarray::{ArrayD, IxDyn};
use wane_autodiff::{Float, ParamId, Params, Penalty, Tape};

/// So many cases. A failure prints its input, which is all that is needed to repeat it: no file is kept.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Numbers of either sign whose magnitudes lie in `magnitudes`: away from the kink at 0.
pub(crate) fn signed(magnitudes: Range<f64>) -> impl Strategy<Value = f64> {
    (magnitudes, any::<bool>()).prop_map(|(w, negative)| if negative { -w } else { w })
}

/// An array of a shape drawn from `dims`.
pub(crate) fn array(dims: impl Strategy<Value = Vec<usize>>) -> impl Strategy<Value = ArrayD<f64>> {
    dims.prop_flat_map(|dims| {
        let values = vec(signed(0.05..2.0), dims.iter().product::<usize>());
        values.prop_map(move |values| ArrayD::from_shape_vec(IxDyn(&dims), values).unwrap())
    })
}

/// One to three arrays of ranks 0 to 4.
pub(crate) fn arrays() -> impl Strategy<Value = Vec<ArrayD<f64>>> {
    vec(array(vec(1..4_usize, 0..=4)), 1..=3)
}

/// One to three matrices, single rows, columns and numbers among them.
pub(crate) fn matrices() -> impl Strategy<Value = Vec<ArrayD<f64>>> {
    vec(array(vec(1..5_usize, 2..=2)), 1..=3)
}

/// The arrays as parameters `0`, `1`, …
pub(crate) fn params_of<T: Float>(arrays: &[ArrayD<T>]) -> Params<T> {
    let mut params = Params::new();
    for (i, array) in arrays.iter().enumerate() {
        params.root().add(&i.to_string(), array).unwrap();
    }
    params
}

/// The value of scale·penalty over `ids`, and its gradient by everything in `params`.
pub(crate) fn evaluate<T: Float, P: Penalty<T> + Clone + 'static>(
    penalty: &P,
    params: &Params<T>,
    ids: &[ParamId],
    scale: T,
) -> (T, Vec<T>) {
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let term = tape.record(params).penalty(penalty, ids) * scale;
    term.backward(&mut grads);
    (term.item(), grads.as_slice().to_vec())
}

/// [`evaluate`] of one array, unscaled.
pub(crate) fn of<T: Float, P: Penalty<T> + Clone + 'static>(penalty: &P, array: ArrayD<T>) -> (T, Vec<T>) {
    let params = params_of(&[array]);
    evaluate(penalty, &params, &params.ids(), T::one())
}

/// Whether `a` and `b` agree to `tolerance` relative to `b`.
pub(crate) fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * b.abs()
}

//! Gradients against central differences, at shapes and values drawn at random.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use std::ops::Range;
use wane_autodiff::ndarray::ArrayD;
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Graph, Params, Rng, Tape, Var, gradcheck};

pub(crate) type Domain = fn(&mut Rng, &[usize]) -> ArrayD<f64>;

pub(crate) fn draw(dims: &[usize], element: impl FnMut() -> f64) -> ArrayD<f64> {
    ArrayD::from_shape_simple_fn(dims, element)
}

/// Numbers of either sign whose magnitudes lie in one of `ranges`.
pub(crate) fn signed_in(rng: &mut Rng, dims: &[usize], ranges: &[Range<f64>]) -> ArrayD<f64> {
    draw(dims, || {
        let range = ranges[rng.random_range(0..ranges.len())].clone();
        let sign = if rng.random() { 1.0 } else { -1.0 };
        sign * rng.random_range(range)
    })
}

/// Away from 0, on both sides of it.
pub(crate) fn signed(rng: &mut Rng, dims: &[usize]) -> ArrayD<f64> {
    signed_in(rng, dims, &[0.2..2.0])
}

pub(crate) fn positive(rng: &mut Rng, dims: &[usize]) -> ArrayD<f64> {
    draw(dims, || rng.random_range(0.2..2.0))
}

/// Up to ±40, away from 0 and from 20, where softplus becomes the identity.
pub(crate) fn wide(rng: &mut Rng, dims: &[usize]) -> ArrayD<f64> {
    signed_in(rng, dims, &[0.2..2.0, 2.0..19.9, 20.1..40.0])
}

/// Checks the gradient of Σ w·f(arrays) by every element of every array. The sum's own value is taken off as a constant:
/// the tolerance grows with the value, and should not.
pub(crate) fn check(
    what: &str,
    seed: u64,
    arrays: &[ArrayD<f64>],
    f: impl for<'g> Fn(&[Var<'g, f64>]) -> Var<'g, f64>,
) {
    let mut params = Params::new();
    for (i, array) in arrays.iter().enumerate() {
        params.root().add(&i.to_string(), array).unwrap();
    }
    let value = weighted_sum(Tape::new().record(&params), &params, seed, &f).item();
    let report = gradcheck(&params, |graph| weighted_sum(graph, &params, seed, &f) - value);
    let report = report.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(report.checked, params.as_slice().len());
}

fn weighted_sum<'g>(
    graph: Graph<'g, f64>,
    params: &Params<f64>,
    seed: u64,
    f: impl Fn(&[Var<'g, f64>]) -> Var<'g, f64>,
) -> Var<'g, f64> {
    let vars: Vec<_> = params.ids().into_iter().map(|id| graph.param(id)).collect();
    let y = f(&vars);
    (y * graph.input(&signed(&mut Rng::seed_from_u64(seed), y.shape().dims()))).sum()
}

pub(crate) fn dims() -> impl Strategy<Value = Vec<usize>> {
    vec(1..=3_usize, 0..=4)
}

/// At least one axis is empty.
pub(crate) fn empty_dims() -> impl Strategy<Value = Vec<usize>> {
    (vec(0..=3_usize, 1..=4), any::<usize>()).prop_map(|(mut dims, at)| {
        let at = at % dims.len();
        dims[at] = 0;
        dims
    })
}

/// Two shapes that broadcast: along each axis either may have length 1, and either may lack leading axes.
pub(crate) fn broadcasting(
    lengths: std::ops::RangeInclusive<usize>,
) -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    (vec((lengths, 0..4), 0..=4), 0..=4_usize, 0..=4_usize).prop_map(|(axes, cut_left, cut_right)| {
        let side = |repeats: i32, cut: usize| {
            let dims = axes.iter().map(|&(len, kind)| if kind == repeats { 1 } else { len });
            dims.skip(cut.saturating_sub(2).min(axes.len())).collect()
        };
        (side(1, cut_left), side(2, cut_right))
    })
}

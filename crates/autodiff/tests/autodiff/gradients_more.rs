//! Gradients of the ops that choose, cut and join, of extremes, moments and powers, against central differences, at
//! shapes and values drawn at random.

use crate::common::config;
use crate::common::gradients::{Domain, check, dims, draw, empty_dims, positive, signed, wide};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, proptest};
use wane_autodiff::ndarray::{ArrayD, Axis, Slice, concatenate, stack};
use wane_autodiff::rand::{RngExt, SeedableRng, seq::SliceRandom};
use wane_autodiff::{Activation, Rng, Var};

type Unary = for<'g> fn(Var<'g, f64>) -> Var<'g, f64>;
type Reduction = for<'g> fn(Var<'g, f64>, Option<usize>, bool) -> Var<'g, f64>;

/// Different numbers in random order, with steps between them that no central difference crosses.
fn distinct(rng: &mut Rng, dims: &[usize]) -> ArrayD<f64> {
    let mut numbers: Vec<f64> = (0..dims.iter().product::<usize>()).map(|i| i as f64 * 0.1 - 2.0).collect();
    numbers.shuffle(rng);
    ArrayD::from_shape_vec(dims, numbers).unwrap()
}

const UNARY: [(&str, Domain, Unary); 17] = [
    ("powi 0", signed, |x| x.powi(0)),
    ("powi 1", signed, |x| x.powi(1)),
    ("powi 2", signed, |x| x.powi(2)),
    ("powi 3", signed, |x| x.powi(3)),
    ("powi 4", signed, |x| x.powi(4)),
    ("powi -1", signed, |x| x.powi(-1)),
    ("powi -2", signed, |x| x.powi(-2)),
    ("powi -3", signed, |x| x.powi(-3)),
    ("powf 0.5", positive, |x| x.powf(0.5)),
    ("powf -0.5", positive, |x| x.powf(-0.5)),
    ("powf 2.7", positive, |x| x.powf(2.7)),
    ("powf -1.3", positive, |x| x.powf(-1.3)),
    ("gelu_tanh", signed, |x| x.gelu_tanh()),
    ("wide gelu_tanh", wide, |x| x.gelu_tanh()),
    ("the activation", signed, |x| x.activate(Activation::GeluTanh)),
    ("clamp", distinct, |x| x.clamp(-1.03, 0.52)),
    ("clamp from below", distinct, |x| x.clamp(-0.53, f64::INFINITY)),
];

const REDUCTIONS: [(&str, Reduction); 7] = [
    ("max", |x, axis, keep| match (axis, keep) {
        (None, _) => x.max(),
        (Some(axis), false) => x.max_axis(axis),
        (Some(axis), true) => x.max_axis_keepdim(axis),
    }),
    ("min", |x, axis, keep| match (axis, keep) {
        (None, _) => x.min(),
        (Some(axis), false) => x.min_axis(axis),
        (Some(axis), true) => x.min_axis_keepdim(axis),
    }),
    ("logsumexp", |x, axis, keep| match (axis, keep) {
        (None, _) => x.logsumexp(),
        (Some(axis), false) => x.logsumexp_axis(axis),
        (Some(axis), true) => x.logsumexp_axis_keepdim(axis),
    }),
    ("var", |x, axis, keep| match (axis, keep) {
        (None, _) => x.var(0.0),
        (Some(axis), false) => x.var_axis(axis, 0.0),
        (Some(axis), true) => x.var_axis_keepdim(axis, 0.0),
    }),
    ("corrected var", |x, axis, keep| match (axis, keep) {
        (None, _) => x.var(0.7),
        (Some(axis), false) => x.var_axis(axis, 0.7),
        (Some(axis), true) => x.var_axis_keepdim(axis, 0.7),
    }),
    ("std", |x, axis, keep| match (axis, keep) {
        (None, _) => x.std(0.0),
        (Some(axis), false) => x.std_axis(axis, 0.0),
        (Some(axis), true) => x.std_axis_keepdim(axis, 0.0),
    }),
    ("corrected std", |x, axis, keep| match (axis, keep) {
        (None, _) => x.std(0.7),
        (Some(axis), false) => x.std_axis(axis, 0.7),
        (Some(axis), true) => x.std_axis_keepdim(axis, 0.7),
    }),
];

fn unary_ops(dims: &[usize], seed: u64) {
    for (name, domain, f) in UNARY {
        check(name, seed, &[domain(&mut Rng::seed_from_u64(seed), dims)], |x| f(x[0]));
    }
}

fn reductions(dims: &[usize], seed: u64) {
    let x = distinct(&mut Rng::seed_from_u64(seed), dims);
    for axis in (0..dims.len()).map(Some).chain([None]) {
        let n = axis.map_or(x.len(), |axis| dims[axis]);
        for (name, f) in REDUCTIONS {
            // Nothing is no extreme, and has no moments.
            if n == 0 && name != "logsumexp" {
                continue;
            }
            for keep in [false, true] {
                check(&format!("{name} {axis:?} {keep}"), seed, std::slice::from_ref(&x), |x| f(x[0], axis, keep));
            }
        }
    }
    for axis in 0..dims.len() {
        check(&format!("softmax {axis}"), seed, std::slice::from_ref(&x), |x| x[0].softmax(axis));
    }
}

/// A slice and a choice along every axis, against ndarray's.
fn cuts(dims: &[usize], seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    let x = signed(rng, dims);
    let check = |what: String, f: &dyn for<'g> Fn(Var<'g, f64>) -> Var<'g, f64>| {
        check(&what, seed, std::slice::from_ref(&x), |x| f(x[0]));
    };
    for (axis, &len) in dims.iter().enumerate() {
        let start = rng.random_range(0..=len);
        let end = rng.random_range(start..=len);
        check(format!("slice {start}..{end} of axis {axis}"), &|x| {
            let slice = x.slice_axis(axis, start..end);
            assert_eq!(slice.to_array(), x.to_array().slice_axis(Axis(axis), Slice::from(start..end)));
            slice
        });
        check(format!("axis {axis}, cut at {start} and joined"), &|x| {
            let whole = x.graph().concat(&[x.slice_axis(axis, ..start), x.slice_axis(axis, start..)], axis);
            assert_eq!(whole.to_array(), x.to_array());
            whole
        });
        let count = if len == 0 { 0 } else { rng.random_range(0..=5) };
        let [first, second] = [0, 1].map(|_| (0..count).map(|_| rng.random_range(0..len)).collect::<Vec<_>>());
        // Two in one recording, each with indices of its own.
        check(format!("select {first:?} and {second:?}"), &|x| {
            let chosen = x.select(axis, &first);
            assert_eq!(chosen.to_array(), x.to_array().select(Axis(axis), &first));
            chosen * x.select(axis, &second).tanh()
        });
    }
}

/// Values of one shape but along an axis, joined; and of one shape, stacked: against ndarray's.
fn joins(dims: &[usize], lengths: &[usize], seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    let arrays = |v: &[Var<'_, f64>]| v.iter().map(|v| v.to_array()).collect::<Vec<_>>();
    for axis in 0..dims.len() {
        let part = |&len: &usize| signed(rng, &[&dims[..axis], &[len], &dims[axis + 1..]].concat());
        let parts: Vec<_> = lengths.iter().map(part).collect();
        check(&format!("concat {axis}"), seed, &parts, |v| {
            let (whole, parts) = (v[0].graph().concat(v, axis), arrays(v));
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            assert_eq!(whole.to_array(), concatenate(Axis(axis), &views).unwrap());
            whole
        });
    }
    let parts: Vec<_> = lengths.iter().map(|_| signed(rng, dims)).collect();
    for axis in (0..=dims.len()).filter(|_| dims.len() < 4) {
        check(&format!("stack {axis}"), seed, &parts, |v| {
            let (whole, parts) = (v[0].graph().stack(v, axis), arrays(v));
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            assert_eq!(whole.to_array(), stack(Axis(axis), &views).unwrap());
            whole
        });
        check("stack of one value", seed, &parts[..1], |v| v[0].graph().stack(&[v[0], v[0].exp(), v[0]], axis));
    }
}

/// Pairs and a condition that broadcast; the numbers of each side are no numbers of the other.
fn choices(left: &[usize], right: &[usize], condition: &[usize], seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    let (x, y) = (distinct(rng, left), distinct(rng, right) + 0.05);
    check("maximum", seed, &[x.clone(), y.clone()], |v| v[0].maximum(v[1]));
    check("minimum", seed, &[x.clone(), y.clone()], |v| v[0].minimum(v[1]));
    let mask = draw(condition, || f64::from(rng.random_range(0..=1)));
    let [mask_on_x, mask_on_y] = [&x, &y].map(|x| x.mapv(|x| if x > 0.0 { 1.0 } else { 0.0 }));
    for mask in [mask, mask_on_x, mask_on_y] {
        check("where", seed, &[x.clone(), y.clone()], |v| v[0].where_(v[0].graph().input(&mask), v[1]));
    }
    // The condition is a parameter, and has no gradient.
    check("where of a condition of its own", seed, &[x, y], |v| v[0].where_(v[1], v[1]));
}

fn products(batch: &[usize], m: usize, k: usize, n: usize, seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    let [left, right] = [[m, k], [k, n]].map(|matrix| signed(rng, &[batch, &matrix].concat()));
    check("bmm", seed, &[left, right], |v| {
        let y = v[0].bmm(v[1]);
        let count = batch.iter().product::<usize>();
        let [a, b, c] = [(v[0], [m, k]), (v[1], [k, n]), (y, [m, n])].map(|(v, [rows, columns])| {
            let matrices = v.reshape(&[count, rows, columns]);
            move |i: usize| matrices.select(0, &[i]).reshape(&[rows, columns])
        });
        for i in 0..count {
            assert_eq!(a(i).matmul(b(i)).to_array(), c(i).to_array());
        }
        y
    });
    let square = signed(rng, &[batch, &[m, m]].concat());
    // What is added to each operand stands beside what the other factors sent before.
    check("bmm of one operand", seed, &[square], |v| v[0].bmm(v[0]) * v[0]);
}

/// Three shapes that broadcast: along each axis any of them may have length 1, and any may lack leading axes.
fn three(lengths: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = [Vec<usize>; 3]> {
    (vec((lengths, [any::<bool>(); 3]), 0..=4), [0..=4_usize, 0..=4, 0..=4]).prop_map(|(axes, cuts)| {
        std::array::from_fn(|side| {
            let dims = axes.iter().map(|&(len, repeats)| if repeats[side] { 1 } else { len });
            dims.skip(cuts[side].saturating_sub(2).min(axes.len())).collect()
        })
    })
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn of_unary_ops(dims in dims(), seed: u64) {
        unary_ops(&dims, seed);
    }

    #[test]
    fn of_reductions(dims in dims(), seed: u64) {
        reductions(&dims, seed);
    }

    #[test]
    fn of_cuts(dims in dims(), seed: u64) {
        cuts(&dims, seed);
    }

    #[test]
    fn of_joins(dims in dims(), lengths in vec(0..=3_usize, 1..=3), seed: u64) {
        joins(&dims, &lengths, seed);
    }

    #[test]
    fn of_empty_values(dims in empty_dims(), lengths in vec(0..=3_usize, 1..=3), seed: u64) {
        unary_ops(&dims, seed);
        reductions(&dims, seed);
        cuts(&dims, seed);
        joins(&dims, &lengths, seed);
    }

    #[test]
    fn of_choices([left, right, condition] in three(1..=3), seed: u64) {
        choices(&left, &right, &condition, seed);
    }

    #[test]
    fn of_empty_choices([left, right, condition] in three(0..=2), seed: u64) {
        choices(&left, &right, &condition, seed);
    }

    #[test]
    fn of_products(batch in vec(1..=3_usize, 1..=2), m in 1..=4_usize, k in 1..=3_usize, n in 1..=4_usize, seed: u64) {
        products(&batch, m, k, n, seed);
    }

    #[test]
    fn of_empty_products(batch in vec(0..=2_usize, 1..=2), m in 0..=2_usize, k in 0..=2_usize, n in 0..=2_usize, seed: u64) {
        products(&batch, m, k, n, seed);
    }
}

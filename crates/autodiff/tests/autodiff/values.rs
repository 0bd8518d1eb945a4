//! Values, and the gradients of linear ops, against ndarray at sizes that cross the kernels' blocks. All numbers are
//! small integers, so that every order of summation gives the same: they must be equal.

use crate::common::config;
use proptest::collection::vec;
use proptest::prelude::{Strategy, proptest};
use proptest::sample::select;
use wane_autodiff::ndarray::{Array2, ArrayD, Axis, Ix1, Ix2, IxDyn};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Activation, Params, Rng, Tape, Var};

/// Up to four axes and 20 000 elements, with lengths on both sides of 16 lanes, 64 rows and 512 terms.
fn dims() -> impl Strategy<Value = Vec<usize>> {
    vec(select(vec![0, 1, 2, 3, 5, 15, 16, 17, 33, 64, 65, 131, 600, 1100]), 0..=4).prop_map(|mut dims| {
        // An axis of 0 may be broadcast from 1.
        while dims.iter().map(|&dim| dim.max(1)).product::<usize>() > 20_000 {
            let longest = dims.iter_mut().max().expect("a product of something");
            *longest = *longest / 8 + 1;
        }
        dims
    })
}

fn integers(rng: &mut Rng, dims: &[usize]) -> ArrayD<f32> {
    ArrayD::from_shape_simple_fn(dims, || rng.random_range(-4..=4) as f32)
}

/// `f(x)` and the gradient of Σ seed·f(x) by x, where `seed` is made for the value's shape.
fn forward_and_back(
    x: &ArrayD<f32>,
    rng: &mut Rng,
    f: impl for<'g> Fn(Var<'g, f32>) -> Var<'g, f32>,
) -> (ArrayD<f32>, ArrayD<f32>, ArrayD<f32>) {
    let (params, mut tape) = (Params::new(), Tape::new());
    let x = tape.record(&params).variable(x);
    let y = f(x);
    let seed = integers(rng, y.shape().dims());
    y.backward_from(&seed, &mut params.grads());
    (y.to_array(), seed, x.grad().unwrap())
}

/// Sums x over the axes along which an array of `dims` was broadcast to it.
fn sum_to(mut x: ArrayD<f32>, dims: &[usize]) -> ArrayD<f32> {
    while x.ndim() > dims.len() {
        x = x.sum_axis(Axis(0));
    }
    for (axis, _) in dims.iter().enumerate().filter(|&(_, &dim)| dim == 1) {
        x = x.sum_axis(Axis(axis)).insert_axis(Axis(axis));
    }
    x
}

fn reductions(dims: &[usize], seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    let x = integers(rng, dims);
    let (y, dy, dx) = forward_and_back(&x, rng, |x| x.sum());
    assert_eq!((y, dx), (ArrayD::from_elem(IxDyn(&[]), x.sum()), ArrayD::from_elem(dims, dy.sum())));
    for axis in 0..dims.len() {
        let expected = x.sum_axis(Axis(axis));
        let (y, dy, dx) = forward_and_back(&x, rng, |x| x.sum_axis(axis));
        assert_eq!((&y, &dx), (&expected, &dy.insert_axis(Axis(axis)).broadcast(dims).unwrap().to_owned()), "{axis}");
        let (y, dy, dx) = forward_and_back(&x, rng, |x| x.sum_axis_keepdim(axis));
        assert_eq!((y.remove_axis(Axis(axis)), &dx), (expected.clone(), &dy.broadcast(dims).unwrap().to_owned()));
        if dims[axis] > 0 {
            let means = expected / dims[axis] as f32;
            assert_eq!(forward_and_back(&x, rng, |x| x.mean_axis(axis)).0, means);
            assert_eq!(forward_and_back(&x, rng, |x| x.mean_axis_keepdim(axis)).0.remove_axis(Axis(axis)), means);
        }
    }
    if !x.is_empty() {
        assert_eq!(forward_and_back(&x, rng, |x| x.mean()).0.sum(), x.sum() / x.len() as f32);
    }
}

fn rearrangements(dims: &[usize], seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    let x = integers(rng, dims);
    for i in 0..dims.len() {
        for j in 0..dims.len() {
            let swapped = |mut x: ArrayD<f32>| {
                x.swap_axes(i, j);
                x
            };
            let (y, dy, dx) = forward_and_back(&x, rng, |x| x.transpose(i, j));
            assert_eq!((y, dx), (swapped(x.clone()), swapped(dy)), "axes {i} and {j}");
        }
    }
    let reversed: Vec<_> = dims.iter().copied().rev().collect();
    for target in [&[x.len()][..], &[1, x.len(), 1], &reversed] {
        let (y, dy, dx) = forward_and_back(&x, rng, |x| x.reshape(target));
        assert_eq!((y, dx), (x.to_shape(target).unwrap().to_owned(), dy.to_shape(dims).unwrap().to_owned()));
    }
}

/// Both operands are made from one shape: along axis i, `left` or `right` has length 1 where its bit i is set, and each
/// may lack leading axes.
fn broadcasts(dims: &[usize], (left, right): (usize, usize), (cut_left, cut_right): (usize, usize), seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    let side = |mask: usize, cut: usize| {
        let dims = dims.iter().enumerate().map(|(axis, &dim)| if mask >> axis & 1 == 1 { 1 } else { dim });
        dims.skip(cut).collect::<Vec<_>>()
    };
    let (a, b) = (integers(rng, &side(left, cut_left)), integers(rng, &side(right, cut_right)));
    let (params, mut tape) = (Params::new(), Tape::new());
    let mut run = |f: for<'g> fn(Var<'g, f32>, Var<'g, f32>) -> Var<'g, f32>| {
        let graph = tape.record(&params);
        let (a, b) = (graph.variable(&a), graph.variable(&b));
        let y = f(a, b);
        let dy = integers(rng, y.shape().dims());
        y.backward_from(&dy, &mut params.grads());
        (y.to_array(), dy, a.grad().unwrap(), b.grad().unwrap())
    };
    let (y, dy, da, db) = run(|a, b| a + b);
    assert_eq!((y, da, db), (&a + &b, sum_to(dy.clone(), a.shape()), sum_to(dy, b.shape())));
    let (y, dy, da, db) = run(|a, b| a - b);
    assert_eq!((y, da, db), (&a - &b, sum_to(dy.clone(), a.shape()), sum_to(-dy, b.shape())));
    let (y, dy, da, db) = run(|a, b| a * b);
    assert_eq!((y, da, db), (&a * &b, sum_to(&dy * &b, a.shape()), sum_to(&dy * &a, b.shape())));
    // Divisors that are powers of two: exact again.
    let (y, dy, da, _) = run(|a, b| a / (b * b * 0.0 + 4.0));
    let ones = &b * 0.0 + 1.0;
    assert_eq!((y, da), (&a / &(&ones * 4.0), sum_to(&dy * &ones, a.shape()) / 4.0));
}

/// x: (m, k), W: (n, k), b: (n,).
fn linear((m, k, n): (usize, usize, usize), seed: u64) {
    let rng = &mut Rng::seed_from_u64(seed);
    let matrix = |rng: &mut Rng, rows, columns| integers(rng, &[rows, columns]).into_dimensionality::<Ix2>().unwrap();
    let (x, w, dy) = (matrix(rng, m, k), matrix(rng, n, k), matrix(rng, m, n));
    let b = integers(rng, &[n]).into_dimensionality::<Ix1>().unwrap();
    let (params, mut tape) = (Params::new(), Tape::new());
    for activation in
        [None, Some(Activation::Relu), Some(Activation::LeakyRelu(0.5)), Some(Activation::LeakyRelu(-0.5))]
    {
        let graph = tape.record(&params);
        let [vx, vw] = [&x, &w].map(|array| graph.variable(array));
        let vb = graph.variable(&b);
        let y = vx.linear(vw, Some(vb), activation);
        y.backward_from(&dy, &mut params.grads());
        let slope = match activation {
            None => 1.0,
            Some(Activation::LeakyRelu(slope)) => slope as f32,
            _ => 0.0,
        };
        let z: Array2<f32> = x.dot(&w.t()) + &b;
        let dz = &dy * &z.mapv(|z| if z > 0.0 { 1.0 } else { slope });
        assert_eq!(y.to_array(), z.mapv(|z| if z > 0.0 { z } else { z * slope }).into_dyn(), "{activation:?}");
        let [dx, dw, db] = [vx, vw, vb].map(|var| var.grad().unwrap());
        assert_eq!((dx, dw), (dz.dot(&w).into_dyn(), dz.t().dot(&x).into_dyn()), "{activation:?}");
        assert_eq!(db, dz.sum_axis(Axis(0)).into_dyn(), "{activation:?}");
    }
    let graph = tape.record(&params);
    let [vx, vw] = [&x, &w].map(|array| graph.variable(array));
    let y = vx.matmul(vw.t());
    y.backward_from(&dy, &mut params.grads());
    assert_eq!(y.to_array(), x.dot(&w.t()).into_dyn());
    assert_eq!(vx.grad(), Some(dy.dot(&w).into_dyn()));
    assert_eq!(vw.grad(), Some(dy.t().dot(&x).into_dyn()));
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn of_reductions(dims in dims(), seed: u64) {
        reductions(&dims, seed);
    }

    #[test]
    fn of_rearrangements(dims in dims(), seed: u64) {
        rearrangements(&dims, seed);
    }

    #[test]
    fn of_broadcasts(dims in dims(), masks in (0..16_usize, 0..16_usize), cuts in (0..3_usize, 0..3_usize), seed: u64) {
        broadcasts(&dims, masks, cuts, seed);
    }

    #[test]
    fn of_linear_and_matmul(size in (0..=70_usize, 0..=40_usize, 0..=40_usize), seed: u64) {
        linear(size, seed);
    }
}

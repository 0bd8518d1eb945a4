//! One pass of each proximal operator over a million weights, with one step for all and with a step for each, beside a
//! copy of them; and Adam's step with a proximal term beside one without. Throughput is the bytes of the weights, which are
//! new to each pass: a projection that was there before has nothing left to do.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use wane::autodiff::Shape;
use wane::ndarray::Array2;
use wane::prelude::*;

const SIZE: usize = 1000;

type Named = (&'static str, Box<dyn Prox<f32>>);

/// Strengths so small that the thresholds leave nearly all weights what they are; bounds and balls that do not.
fn operators() -> Result<Vec<Named>, Error> {
    let (rows, columns) = (GroupLasso::rows(1e-12)?, GroupLasso::columns(1e-12)?);
    Ok(vec![
        ("l1", Box::new(L1::new(1e-12)?)),
        ("l2", Box::new(L2::new(1e-12)?)),
        ("elastic net", Box::new(ElasticNet::new(1e-12, 1e-12)?)),
        ("l0", Box::new(L0::new(1e-12)?)),
        ("non-negative", Box::new(NonNegative::with_l1(1e-12)?)),
        ("bounds", Box::new(Bounds::within(0.5)?)),
        ("group lasso, rows", Box::new(rows)),
        ("group lasso, columns", Box::new(columns)),
        ("sparse group lasso, rows", Box::new(SparseGroupLasso::new(1e-12, rows)?)),
        ("sparse group lasso, columns", Box::new(SparseGroupLasso::new(1e-12, columns)?)),
        ("max norm, rows", Box::new(MaxNorm::rows(1.0)?)),
        ("max norm, columns", Box::new(MaxNorm::columns(1.0)?)),
        ("max norm, whole", Box::new(MaxNorm::whole(1.0)?)),
    ])
}

fn prox(c: &mut Criterion) {
    let shape = Shape::from_dims(&[SIZE, SIZE]).expect("two axes");
    let weights: Vec<f32> = (0..SIZE * SIZE).map(|i| (i as f32 * 0.37).sin()).collect();
    let steps: Vec<f32> = (0..SIZE * SIZE).map(|i| 1e-3 * (1.1 + (i as f32 * 0.73).cos())).collect();
    let mut group = c.benchmark_group("prox");
    group.throughput(Throughput::Bytes(size_of_val(&weights[..]) as u64)).sample_size(20);
    for (name, operator) in operators().expect("strengths in range") {
        for (kind, step) in [("uniform", Step::Uniform(1e-3)), ("each", Step::Each(&steps))] {
            group.bench_function(BenchmarkId::new(name, kind), |b| {
                let pass = |w: &mut Vec<f32>| operator.apply(w, shape, step);
                b.iter_batched_ref(|| weights.clone(), pass, BatchSize::PerIteration);
            });
        }
    }
    let mut w = weights.clone();
    group.bench_function("copy", |b| b.iter(|| w.copy_from_slice(black_box(&weights))));
    group.finish();
}

fn adam(c: &mut Criterion) {
    let mut group = c.benchmark_group("adam");
    for side in [32, 1000] {
        group.throughput(Throughput::Bytes((side * side * size_of::<f32>()) as u64)).sample_size(20);
        let l1: Arc<dyn Prox<f32>> = Arc::new(L1::new(1e-12).expect("in range"));
        let rows: Arc<dyn Prox<f32>> = Arc::new(GroupLasso::rows(1e-12).expect("in range"));
        for (name, prox) in [("plain", None), ("l1", Some(l1)), ("group lasso, rows", Some(rows))] {
            let (mut params, mut optimizer, grads) = setting(side).expect("options in range");
            optimizer.set_prox(0, prox).expect("defined for a matrix");
            let mut step = || optimizer.step(&mut params, &grads).expect("one layout");
            group.bench_function(BenchmarkId::new(name, side * side), |b| b.iter(&mut step));
        }
    }
    group.finish();
}

type Setting = (Params<f32>, Adam<f32>, Grads<f32>);

/// One square matrix, and gradients for it.
fn setting(side: usize) -> Result<Setting, Error> {
    let wave = |speed: f32| Array2::from_shape_fn((side, side), |(i, j)| ((i * side + j) as f32 * speed).sin());
    let mut params = Params::new();
    let w = params.root().add("w", &wave(0.37))?;
    let mut grads = params.grads();
    grads.set(w, &wave(0.73))?;
    let optimizer = Adam::new(AdamOptions { lr: 1e-6, ..Default::default() })?.group(Group::all(&params))?;
    Ok((params, optimizer, grads))
}

criterion_group!(benches, prox, adam);
criterion_main!(benches);

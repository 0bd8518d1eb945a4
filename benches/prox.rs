//! One pass of each proximal operator over a million weights, with one step for all and with a step for each. Throughput
//! is the bytes of the weights.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wane::autodiff::Shape;
use wane::penalties::{Bounds, GroupLasso, L0, MaxNorm, NonNegative, Prox, SparseGroupLasso, Step};
use wane::prelude::*;

const SIZE: usize = 1000;

/// Strengths so small that the weights stay what they are over any number of passes.
fn operators() -> Result<Vec<(&'static str, Box<dyn Prox<f32>>)>, Error> {
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
            let mut w = weights.clone();
            group.bench_function(BenchmarkId::new(name, kind), |b| b.iter(|| operator.apply(&mut w, shape, step)));
        }
    }
    group.finish();
}

criterion_group!(benches, prox);
criterion_main!(benches);

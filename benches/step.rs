//! Whole training steps of the workloads, and their parts; predictions; optimizers alone. Throughput is the products'
//! floating-point operations, or the bytes that an optimizer reads and writes.
#![allow(missing_docs, unreachable_pub, reason = "criterion's macros make public items")]

#[allow(dead_code, reason = "shared with other benches")]
mod workloads;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use wane::ndarray::{Array1, Array2};
use wane::prelude::*;
use workloads::{W1, W2, W3, W4};

fn steps(c: &mut Criterion) {
    for workload in [W1, W2, W3, W4] {
        let mut training = workload.build();
        let mut group = c.benchmark_group(workload.name);
        if workload.name == W4.name {
            group.sample_size(10).measurement_time(Duration::from_secs(10));
        }
        group.throughput(Throughput::Elements(workload.flop()));
        group.bench_function(BenchmarkId::new("step", workload.shape()), |b| b.iter(|| training.step()));
        group.bench_function(BenchmarkId::new("forward and loss", workload.shape()), |b| b.iter(|| training.forward()));
        group.finish();
    }
}

/// W6: what a trained model costs.
fn predictions(c: &mut Criterion) {
    let (mut rng, mut params) = (Rng::seed_from_u64(1), Params::<f32>::new());
    let model = Sequential::new().linear(32, 128).relu().linear(128, 128).relu().linear(128, 1);
    let model = model.build(params.root(), &mut rng).expect("sizes that fit");
    let mut predictor = Predictor::new(model, params, ModelCard::default()).expect("a card that fits");
    let mut group = c.benchmark_group("predict");
    for rows in [1, 64, 1024, 16_384] {
        let x = Array2::from_shape_fn((rows, 32), |(i, j)| ((i * 32 + j) as f32 * 0.37).sin());
        group.throughput(Throughput::Elements(2 * (rows * (32 * 128 + 128 * 128 + 128)) as u64));
        group.bench_function(BenchmarkId::new("32-128-128-1", format!("{rows} rows")), |b| {
            b.iter(|| predictor.predict(x.view()).expect("32 columns").len());
        });
    }
    group.finish();
}

/// W5: weights, gradients and both moments, read, and all but the gradients written.
fn optimizers(c: &mut Criterion) {
    let mut group = c.benchmark_group("AdamW");
    for (tensors, len) in [(1, 10_000_000), (1000, 1000), (1, 20_000)] {
        let mut params = Params::<f32>::new();
        let values = Array1::from_elem(len, 0.5);
        for number in 0..tensors {
            params.at(number).add("weight", &values).expect("a name of its own");
        }
        let mut grads = params.grads();
        let gradient = Array1::from_shape_fn(len, |i| (i as f32 * 0.37).sin());
        params.ids().iter().for_each(|&id| grads.set(id, &gradient).expect("the same shape"));
        let adamw = AdamW::new(AdamWOptions::default()).and_then(|adamw| adamw.group(Group::all(&params)));
        let mut adamw = adamw.expect("good options");
        group.throughput(Throughput::Bytes(28 * (tensors * len) as u64));
        group.bench_function(BenchmarkId::new("step", format!("{tensors} of {len}")), |b| {
            b.iter(|| adamw.step(&mut params, &grads).expect("the same layout"));
        });
    }
    group.finish();
}

criterion_group!(benches, steps, predictions, optimizers);
criterion_main!(benches);

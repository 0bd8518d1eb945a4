//! What lies around training: batches from memory, a table from CSV, weights and models to disk and back. Throughput is
//! bytes.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::fmt::Write;
use wane::ndarray::Array2;
use wane::prelude::*;
use wane::train::file;

fn batches(c: &mut Criterion) {
    let (rows, features, size) = (10_000, 32, 64);
    let draw = |columns| Array2::from_shape_fn((rows, columns), |(i, j)| ((i * columns + j) as f32 * 0.37).sin());
    let data = Dataset::new(draw(features), draw(1)).expect("as many rows of both");
    let (mut batches, mut rng) = (Batches::new(&data, size).expect("at least one row"), Rng::seed_from_u64(1));
    let mut group = c.benchmark_group("data");
    group.throughput(Throughput::Bytes((rows * (features + 1) * size_of::<f32>()) as u64));
    group.bench_function(BenchmarkId::new("shuffled epoch", "10000 rows of 32, batches of 64"), |b| {
        b.iter(|| {
            let mut epoch = batches.epoch(&mut rng);
            let mut sum = 0.0;
            while let Some(batch) = epoch.next() {
                sum += batch.x()[[0, 0]];
            }
            sum
        });
    });
    let mut csv: String = (0..features).map(|j| format!("x{j},")).collect();
    csv.push_str("y\n");
    for row in draw(features + 1).rows().into_iter().take(1000) {
        let cells: Vec<_> = row.iter().map(f32::to_string).collect();
        writeln!(csv, "{}", cells.join(",")).expect("a string takes all");
    }
    group.throughput(Throughput::Bytes(csv.len() as u64));
    group.bench_function(BenchmarkId::new("CSV", "1000 rows of 33"), |b| {
        b.iter(|| Dataset::<f32>::from_csv_reader(csv.as_bytes(), "y").expect("a good table"));
    });
    group.finish();
}

fn files(c: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("wane-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let (mut rng, mut params) = (Rng::seed_from_u64(1), Params::<f32>::new());
    let model = Sequential::new().linear(784, 512).relu().linear(512, 256).relu().linear(256, 10);
    let model = model.build(params.root(), &mut rng).expect("sizes that fit");
    let mut group = c.benchmark_group("file of 535,818 weights");
    group.throughput(Throughput::Bytes(size_of_val(params.as_slice()) as u64));
    let (checkpoint, saved) = (folder.join("values"), folder.join("model"));
    let values = params.as_slice().to_vec();
    group.bench_function("write", |b| b.iter(|| file::write(&checkpoint, "bench", &values).expect("room")));
    group.bench_function("read", |b| b.iter(|| file::read::<Vec<f32>>(&checkpoint, "bench").expect("as written")));
    let card = ModelCard::default();
    group.bench_function("save_model", |b| b.iter(|| save_model(&saved, &model, &params, &card).expect("room")));
    group.bench_function("load_model", |b| b.iter(|| load_model::<f32>(&saved).expect("as written")));
    group.finish();
    std::fs::remove_dir_all(&folder).expect("the folder made above");
}

criterion_group!(benches, batches, files);
criterion_main!(benches);

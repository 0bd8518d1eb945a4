//! What a whole path of solutions costs: a hundred lassos of real data, and of more columns than rows.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{Criterion, criterion_group, criterion_main};
use wane::linear::{PathOptions, path};
use wane::ndarray::{Array1, Array2, Axis};
use wane::prelude::*;
use wane::rand::RngExt;

fn diabetes() -> (Array2<f64>, Array1<f64>) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/diabetes.csv");
    let data = Dataset::<f64>::from_csv(file, "progression").expect("a file of the repository");
    let scaler = StandardScaler::fit(data.x()).expect("finite columns");
    let x = scaler.transform(data.x()).expect("the same columns");
    (x, data.y().index_axis(Axis(1), 0).to_owned())
}

/// Ten of the columns count.
fn drawn(rows: usize, columns: usize) -> (Array2<f64>, Array1<f64>) {
    let mut rng = Rng::seed_from_u64(1);
    let x = Array2::from_shape_simple_fn((rows, columns), || rng.random_range(-1.0..1.0));
    let weights = Array1::from_shape_fn(columns, |j| if j % (columns / 10) == 0 { 1.0 } else { 0.0 });
    let noise = Array1::from_shape_simple_fn(rows, || rng.random_range(-0.1..0.1));
    let y = x.dot(&weights) + noise;
    (x, y)
}

fn paths(c: &mut Criterion) {
    let mut group = c.benchmark_group("path of 100 alphas");
    for (name, (x, y)) in
        [("diabetes, 442 x 10", diabetes()), ("1000 x 100", drawn(1000, 100)), ("100 x 1000", drawn(100, 1000))]
    {
        for (kind, l1_ratio) in [("lasso", 1.0), ("elastic net", 0.5)] {
            let options = PathOptions { l1_ratio, ..Default::default() };
            group.bench_function(format!("{kind}, {name}"), |b| {
                b.iter(|| path(x.view(), y.view(), &options).expect("a path"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, paths);
criterion_main!(benches);

//! Matrix products of the shapes that small models need, in their three forms, by each kernel. Throughput is
//! floating-point operations.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wane::autodiff::gemm::{Kernel, MatRef, Mode, Product, gemm_by};

/// (batch, in, out)
const SHAPES: [(usize, usize, usize); 10] = [
    (64, 10, 5),
    (64, 5, 2),
    (1, 32, 128),
    (64, 32, 128),
    (64, 128, 128),
    (64, 128, 1),
    (1024, 128, 128),
    (128, 256, 10),
    (128, 784, 512),
    (512, 1024, 4096),
];

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("product");
    for (m, k, n) in SHAPES {
        let (x, w, dy) = (vec![0.5_f32; m * k], vec![0.25_f32; n * k], vec![1.0_f32; m * n]);
        let x = MatRef::new(&x, m, k);
        let w = MatRef::new(&w, n, k);
        let dy = MatRef::new(&dy, m, n);
        let forms = [
            ("y=x·Wt", Product { a: x, b: w.t(), mode: Mode::Replace }, m * n),
            ("dW=dyt·x", Product { a: dy.t(), b: x, mode: Mode::Add }, n * k),
            ("dx=dy·W", Product { a: dy, b: w, mode: Mode::Add }, m * k),
        ];
        for (form, product, len) in forms {
            let (mut out, mut panel) = (vec![0.0; len], Vec::new());
            group.throughput(Throughput::Elements(2 * (m * k * n) as u64));
            let shape = format!("{form} {m},{k},{n}");
            for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
                group.bench_function(BenchmarkId::new(format!("{kernel:?}"), &shape), |b| {
                    b.iter(|| gemm_by(Some(kernel), product, &mut out, &mut panel));
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, products);
criterion_main!(benches);

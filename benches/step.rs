//! A whole training step: forward, loss, backward, optimizer, with the data in memory. Throughput is the products'
//! floating-point operations.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wane::ndarray::Array2;
use wane::prelude::*;
use wane::rand::RngExt;

/// An MLP with ReLU between its layers, trained on `rows` random rows with a mean squared error.
struct Work {
    name: &'static str,
    sizes: &'static [usize],
    rows: usize,
}

impl Work {
    /// Two operations a weight and row for the output and for the weight's gradient, and two for the input's gradient
    /// of every layer but the first.
    fn flop(&self) -> u64 {
        let product = |pair: &[usize]| 2 * (self.rows * pair[0] * pair[1]) as u64;
        let all: u64 = self.sizes.windows(2).map(product).sum();
        3 * all - product(&self.sizes[..2])
    }

    fn bench(
        &self,
        c: &mut Criterion,
        optimizer: impl FnOnce(&Params<f32>) -> Box<dyn FnMut(&mut Params<f32>, &Grads<f32>)>,
    ) {
        let mut rng = Rng::seed_from_u64(1);
        let mut params = Params::new();
        let mut model = Sequential::new();
        for (number, pair) in self.sizes.windows(2).enumerate() {
            if number > 0 {
                model = model.relu();
            }
            model = model.linear(pair[0], pair[1]);
        }
        let model = model.build(params.root(), &mut rng).expect("sizes that fit");
        let width = |layer: usize| self.sizes[layer];
        let mut draw = |columns| Array2::from_shape_simple_fn((self.rows, columns), || rng.random_range(-1.0_f32..1.0));
        let (x, y) = (draw(width(0)), draw(width(self.sizes.len() - 1)));
        let mut step = optimizer(&params);

        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let mut group = c.benchmark_group("step");
        group.throughput(Throughput::Elements(self.flop()));
        group.bench_function(self.name, |b| {
            b.iter(|| {
                let graph = tape.record(&params);
                let loss = model.forward(graph.input(&x)).mse_loss(graph.input(&y));
                loss.backward(&mut grads);
                step(&mut params, &grads);
            });
        });
        group.finish();
    }
}

fn steps(c: &mut Criterion) {
    Work { name: "W1 seed: 10-5-2, 64 rows, Adam", sizes: &[10, 5, 2], rows: 64 }.bench(c, |params| {
        let options = AdamOptions { weight_decay: 0.01, ..Default::default() };
        let mut adam = Adam::new(options).and_then(|adam| adam.group(Group::all(params))).expect("good options");
        Box::new(move |params, grads| adam.step(params, grads).expect("the same layout"))
    });
    Work { name: "W2 tabular: 32-128-128-1, 64 rows, AdamW", sizes: &[32, 128, 128, 1], rows: 64 }.bench(c, |params| {
        let options = AdamWOptions::default();
        let mut adamw = AdamW::new(options).and_then(|adamw| adamw.group(Group::all(params))).expect("good options");
        Box::new(move |params, grads| adamw.step(params, grads).expect("the same layout"))
    });
}

criterion_group!(benches, steps);
criterion_main!(benches);

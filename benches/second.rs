//! What a second derivative costs: a gradient, and a Hessian-vector product of the same function.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{Criterion, criterion_group, criterion_main};
use wane::autodiff::SecondOrder;
use wane::layers::SequentialBuilder;
use wane::ndarray::Array2;
use wane::prelude::*;
use wane::rand::RngExt;

fn net<T: Float>(sizes: &[usize], activation: Activation) -> SequentialBuilder<T> {
    let mut model = Sequential::new();
    for (number, pair) in sizes.windows(2).enumerate() {
        if number > 0 {
            model = model.activation(activation);
        }
        model = model.linear(pair[0], pair[1]);
    }
    model
}

fn loss<'g, T: Float>(graph: Graph<'g, T>, model: &Sequential<T>, data: &[Array2<f32>; 2]) -> Var<'g, T> {
    let [x, y] = data;
    model.forward(graph.lift(x)).mse_loss(graph.lift(y))
}

fn second(c: &mut Criterion) {
    for (name, sizes, activation) in [
        ("10-5-2, relu, 64 rows", &[10, 5, 2][..], Activation::Relu),
        ("32-128-128-1, relu, 64 rows", &[32, 128, 128, 1], Activation::Relu),
        ("32-128-128-1, tanh, 64 rows", &[32, 128, 128, 1], Activation::Tanh),
    ] {
        let (mut rng, mut params) = (Rng::seed_from_u64(1), Params::<f32>::new());
        let model = net(sizes, activation).build(params.root(), &mut rng).expect("sizes that fit");
        let twin = net(sizes, activation).build(Params::new().root(), &mut rng).expect("sizes that fit");
        let mut draw = |columns| Array2::from_shape_simple_fn((64, columns), || rng.random_range(-1.0_f32..1.0));
        let data = [draw(sizes[0]), draw(sizes[sizes.len() - 1])];
        let (mut tape, mut grads, mut second) = (Tape::new(), params.grads(), SecondOrder::new(&params));
        let mut group = c.benchmark_group(name);
        group.bench_function("gradient", |b| {
            b.iter(|| loss(tape.record(&params), &model, &data).backward(&mut grads));
        });
        group.bench_function("hvp", |b| {
            b.iter(|| second.hvp(&params, &grads, |graph| loss(graph, &twin, &data)).expect("the same layout").loss);
        });
        group.finish();
    }
}

criterion_group!(benches, second);
criterion_main!(benches);

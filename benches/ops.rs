//! Every op, loss and penalty on a (64, 128) value: forward and backward. Throughput is elements.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wane::ndarray::Array2;
use wane::prelude::*;

const SHAPE: (usize, usize) = (64, 128);

type Unary = for<'g> fn(Var<'g, f32>) -> Var<'g, f32>;
type Binary = for<'g> fn(Var<'g, f32>, Var<'g, f32>) -> Var<'g, f32>;

/// Values above 0, for the ops that want them.
fn value(seed: f32) -> Array2<f32> {
    Array2::from_shape_fn(SHAPE, |(i, j)| 1.0 + 0.9 * ((i * SHAPE.1 + j) as f32 * 0.37 + seed).sin())
}

fn measure<'p>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    params: &'p Params<f32>,
    build: impl for<'g> Fn(Graph<'g, f32>) -> Var<'g, f32>,
) {
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    group.bench_function(BenchmarkId::new(name, "64, 128"), |b| {
        b.iter(|| {
            let graph = tape.record(params);
            let y = build(graph);
            if y.shape().len() == 1 { y.backward(&mut grads) } else { y.sum().backward(&mut grads) }
        });
    });
}

fn ops(c: &mut Criterion) {
    let (x, y) = (value(0.0), value(1.0));
    let params = Params::<f32>::new();
    let mut group = c.benchmark_group("op");
    group.throughput(Throughput::Elements(x.len() as u64));
    let unary: [(&str, Unary); 22] = [
        ("abs", |x| x.abs()),
        ("clamp", |x| x.clamp(0.5, 1.5)),
        ("elu", |x| x.elu(1.0)),
        ("exp", |x| x.exp()),
        ("gelu", |x| x.gelu()),
        ("gelu_tanh", |x| x.gelu_tanh()),
        ("leaky_relu", |x| x.leaky_relu(0.01)),
        ("ln", |x| x.ln()),
        ("log_softmax", |x| x.log_softmax(1)),
        ("logsumexp", |x| x.logsumexp_axis(1)),
        ("max_axis", |x| x.max_axis(1)),
        ("powi", |x| x.powi(3)),
        ("relu", |x| x.relu()),
        ("sigmoid", |x| x.sigmoid()),
        ("silu", |x| x.silu()),
        ("softmax", |x| x.softmax(1)),
        ("softplus", |x| x.softplus()),
        ("sqrt", |x| x.sqrt()),
        ("square", |x| x.square()),
        ("sum_axis", |x| x.sum_axis(0)),
        ("tanh", |x| x.tanh()),
        ("transpose", |x| x.t()),
    ];
    for (name, op) in unary {
        measure(&mut group, name, &params, |graph| op(graph.variable(&x)));
    }
    let binary: [(&str, Binary); 11] = [
        ("add", |x, y| x + y),
        ("div", |x, y| x / y),
        ("huber_loss", |x, y| x.huber_loss(y, 1.0)),
        ("l1_loss", |x, y| x.l1_loss(y)),
        ("matmul", |x, y| x.t().matmul(y)),
        ("maximum", |x, y| x.maximum(y)),
        ("mse_loss", |x, y| x.mse_loss(y)),
        ("mul", |x, y| x * y),
        ("smooth_l1_loss", |x, y| x.smooth_l1_loss(y, 1.0)),
        ("sub", |x, y| x - y),
        ("bce_with_logits_loss", |x, y| x.bce_with_logits_loss(y)),
    ];
    for (name, op) in binary {
        measure(&mut group, name, &params, |graph| op(graph.variable(&x), graph.variable(&y)));
    }
    let labels: Vec<_> = (0..SHAPE.0).collect();
    let classes = Classes::new(&labels, SHAPE.1).expect("labels below the count");
    measure(&mut group, "cross_entropy_loss", &params, |graph| graph.variable(&x).cross_entropy_loss(&classes));
    group.finish();
}

fn penalties(c: &mut Criterion) {
    let mut params = Params::<f32>::new();
    let weight = params.root().add("weight", &value(0.0)).expect("a name of its own");
    let mut group = c.benchmark_group("penalty");
    group.throughput(Throughput::Elements((SHAPE.0 * SHAPE.1) as u64));
    let good = "a strength that is none below 0";
    let (l1, l2) = (L1::new(1e-3).expect(good), L2::new(1e-3).expect(good));
    let (elastic, rows) = (ElasticNet::new(1e-3, 1e-3).expect(good), GroupLasso::rows(1e-3).expect(good));
    let columns = GroupLasso::columns(1e-3).expect(good);
    measure(&mut group, "L1", &params, |graph| graph.penalty(&l1, &[weight]));
    measure(&mut group, "L2", &params, |graph| graph.penalty(&l2, &[weight]));
    measure(&mut group, "ElasticNet", &params, |graph| graph.penalty(&elastic, &[weight]));
    measure(&mut group, "GroupLasso by rows", &params, |graph| graph.penalty(&rows, &[weight]));
    measure(&mut group, "GroupLasso by columns", &params, |graph| graph.penalty(&columns, &[weight]));
    group.finish();
}

criterion_group!(benches, ops, penalties);
criterion_main!(benches);

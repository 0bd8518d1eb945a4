//! A training step allocates nothing after the first: every op, loss and penalty, and every optimizer.
//!
//! Its products are small enough for every kernel; among large ones those of faer allocate nothing either, which has a test of its
//! own (matrixmultiply takes its packing buffer from the allocator at each call).

#[path = "../crates/train/tests/counting/mod.rs"]
mod counting;

use counting::allocations;
use wane::autodiff::gemm::Kernel;
use wane::ndarray::{Array1, Array2, Array3};
use wane::prelude::*;
use wane::rand::RngExt;

/// Every activation, broadcasting, reductions, dropout and all four penalties, in one loss.
fn record<'g>(graph: Graph<'g, f32>, model: &Sequential<f32>, ids: &[ParamId], data: &Data) -> Var<'g, f32> {
    let (x, y) = (graph.input(&data.x), graph.input(&data.y));
    let output = model.forward(x);
    let wide = (x - x.mean_axis_keepdim(0)) / (x.square().sum_axis_keepdim(1).sqrt() + 1.0);
    let weights = graph.input(&data.weights);
    let weighted = LossOptions { weights: Some(weights), ..Default::default() };
    let by_row = LossOptions { weights: Some(weights.reshape(&[16, 1])), ..Default::default() };
    let cube = graph.variable(&data.cube);
    let odds = (cube * graph.param(ids[1]).reshape(&[8, 1]) + graph.scalar(0.5)).transpose(0, 2).exp().ln();
    let square = x.t().matmul(wide).abs().tanh().sum_axis(0).log_softmax(0);
    output.mse_loss(y)
        + output.l1_loss(y)
        + output.huber_loss(y, 1.0)
        + output.smooth_l1_loss(y, 1.0)
        + output.sigmoid().bce_with_logits_loss(y.sigmoid())
        + output.cross_entropy_loss(&data.classes)
        + everyday(output, cube)
        + output.cross_entropy_loss_with(&data.classes, &data.class_options, weighted)
        + output.loss_with(Loss::Quantile(0.1), y, by_row)
        + output.cosine_embedding_loss(y, x.sum_axis(1), 0.0)
        + output.cosine_similarity(y, 1, 1e-8).sum() * 0.01
        + (2.0 - odds.mean() * 0.1 + square.sum().relu().detach()) * 0.01
        + graph.penalty(&L1::new(1e-3).unwrap(), &ids[..1])
        + graph.penalty(&L2::new(1e-3).unwrap(), ids)
        + graph.penalty(&ElasticNet::new(1e-3, 1e-3).unwrap(), ids)
        + graph.penalty(&GroupLasso::columns(1e-3).unwrap(), &ids[..1])
}

/// The ops that choose, cut and join, extremes, moments and powers.
fn everyday<'g>(output: Var<'g, f32>, cube: Var<'g, f32>) -> Var<'g, f32> {
    let graph = output.graph();
    let (left, right) = (output.slice_axis(1, ..1), output.select(1, &[1, 0, 1]));
    let joined = graph.concat(&[left, right], 1).clamp(-3.0, 3.0);
    let larger = joined.maximum(left).minimum(right.mean() + 1.0).gelu_tanh();
    let chosen = larger.where_(joined, left.powi(3)).softmax(1) * output.logsumexp_axis_keepdim(1);
    let products = cube.bmm(graph.stack(&[cube, cube], 0).max_axis(0).transpose(1, 2));
    let spread = chosen.var_axis(0, 1.0).sum() + products.std(1.0) + chosen.max() - products.min_axis(2).sum();
    (spread + cube.powf(1.5).sum()) * 0.01
}

struct Data {
    x: Array2<f32>,
    y: Array2<f32>,
    cube: Array3<f32>,
    classes: Classes,
    class_options: CrossEntropyOptions,
    weights: Array1<f32>,
}

fn data(rng: &mut Rng) -> Data {
    let classes: Vec<usize> = (0..16).map(|row| row % 2).collect();
    Data {
        x: Array2::from_shape_simple_fn((16, 6), || rng.random_range(-1.0..1.0)),
        y: Array2::from_shape_simple_fn((16, 2), || rng.random_range(-1.0..1.0)),
        cube: Array3::from_shape_simple_fn((3, 8, 4), || rng.random_range(0.1..0.2)),
        classes: Classes::new(&classes, 2).unwrap(),
        class_options: CrossEntropyOptions::default().class_weights(&[1.0, 2.0], 2).unwrap(),
        weights: Array1::ones(16),
    }
}

fn steps_allocate_nothing<R: wane::optim::Rule>(options: R) {
    let mut rng = Rng::seed_from_u64(3);
    let mut params = Params::<f32>::new();
    let widths = Sequential::new().linear(6, 8).relu().dropout(0.2).linear(8, 8).gelu().linear(8, 8).elu();
    let widths = widths.linear(8, 8).silu().linear(8, 8).softplus().linear(8, 8).leaky_relu().linear(8, 2);
    let model = widths.build(params.root(), &mut rng).unwrap();
    let data = data(&mut rng);
    let ids = params.ids();
    let bias = Array1::from_elem(8, 1.5_f32);
    params.set(ids[1], &bias).unwrap();
    let mut optimizer = Optimizer::new(options).unwrap().decay_matrices_only(&params).unwrap();

    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let mut step = || {
        let loss = record(tape.record(&params).training(&mut rng), &model, &ids, &data);
        loss.backward(&mut grads);
        loss.backward_into(&mut grads, 0.5);
        assert!(loss.item().is_finite());
        optimizer.step(&mut params, &grads).unwrap();
    };
    assert!(allocations(&mut step) > 0, "the counter counts");
    for number in 2..6 {
        assert_eq!(allocations(&mut step), 0, "step {number} of {}", R::NAME);
    }
}

#[test]
fn every_optimizer_steps_without_allocating() {
    steps_allocate_nothing(SgdOptions { momentum: 0.9, nesterov: true, ..Default::default() });
    steps_allocate_nothing(AdamOptions { amsgrad: true, ..Default::default() });
    steps_allocate_nothing(AdamWOptions::default());
}

#[test]
fn large_products_allocate_nothing_where_faer_computes_them() {
    if !Kernel::Faer.is_available() {
        println!("not run, since it is not available: faer");
        return;
    }
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(3));
    let model = Sequential::new().linear(784, 512).relu().linear(512, 256).relu().linear(256, 10);
    let model = model.build(params.root(), &mut rng).unwrap();
    let x = Array2::from_shape_simple_fn((128, 784), || rng.random_range(-1.0_f32..1.0));
    let labels: Vec<_> = (0..128).map(|row| row % 10).collect();
    let classes = Classes::new(&labels, 10).unwrap();
    let mut adamw = AdamW::new(AdamWOptions::default()).unwrap().group(Group::all(&params)).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let mut step = move || {
        let graph = tape.record(&params);
        model.forward(graph.input(&x)).cross_entropy_loss(&classes).backward(&mut grads);
        adamw.step(&mut params, &grads).unwrap();
    };
    Threads::new(1).unwrap().install(|| {
        assert!(allocations(&mut step) > 0, "the counter counts");
        for number in 2..5 {
            assert_eq!(allocations(&mut step), 0, "step {number}");
        }
    });
}

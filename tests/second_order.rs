//! Second derivatives across crates: a `Sequential` with its twin over dual numbers, penalties in the loss, and no
//! allocation in a step after the first but the products' own.

#[path = "../crates/train/tests/counting/mod.rs"]
mod counting;

use counting::allocations;
use wane::autodiff::gemm::Kernel;
use wane::autodiff::{Dual, SecondOrder};
use wane::layers::SequentialBuilder;
use wane::ndarray::Array2;
use wane::prelude::*;
use wane::rand::RngExt;

fn net<T: Float>() -> SequentialBuilder<T> {
    Sequential::new().linear(4, 8).tanh().dropout(0.2).linear(8, 8).silu().linear(8, 3)
}

struct Data {
    x: Array2<f64>,
    classes: Classes,
    weights: Vec<ParamId>,
    masks: Rng,
}

/// A model's loss with every penalty that is smooth, in training.
fn loss<'g, T: Float>(graph: Graph<'g, T>, model: &Sequential<T>, data: &Data) -> Var<'g, T> {
    let graph = graph.training(&mut data.masks.clone());
    let output = model.forward(graph.lift(&data.x));
    output.cross_entropy_loss(&data.classes)
        + graph.penalty(&L2::new(0.01).unwrap(), &data.weights)
        + graph.penalty(&ElasticNet::new(0.01, 0.02).unwrap(), &data.weights)
        + graph.penalty(&GroupLasso::rows(0.02).unwrap(), &data.weights)
        + graph.penalty(&GroupLasso::columns(0.02).unwrap(), &data.weights)
}

fn setup() -> (Params<f64>, Sequential<f64>, Sequential<Dual<f64>>, Data) {
    let (mut rng, mut params) = (Rng::seed_from_u64(3), Params::new());
    let model = net().build(params.root(), &mut rng).unwrap();
    let twin = net().build(Params::new().root(), &mut rng).unwrap();
    let x = Array2::from_shape_simple_fn((6, 4), || rng.random_range(-1.0..1.0));
    let classes = Classes::new(&[0, 1, 2, 2, 1, 0], 3).unwrap();
    let weights = params.matching("*.weight").unwrap();
    (params, model, twin, Data { x, classes, weights, masks: rng })
}

#[test]
fn the_gradient_norm_penalty_of_a_sequential_is_the_gradient_of_its_value() {
    let (params, model, twin, data) = setup();
    let (mut tape, mut second) = (Tape::new(), SecondOrder::new(&params));
    let mut penalty = |params: &Params<f64>| {
        let mut grads = params.grads();
        loss(tape.record(params), &model, &data).backward(&mut grads);
        let before = grads.as_slice().to_vec();
        let value = second.gradient_norm_penalty(0.5, params, &mut grads, |graph| loss(graph, &twin, &data)).unwrap();
        let added: Vec<f64> = grads.as_slice().iter().zip(before).map(|(after, before)| after - before).collect();
        (value, added)
    };
    let (_, gradient) = penalty(&params);
    let scale = gradient.iter().fold(0.0_f64, |scale, g| scale.max(g.abs()));
    let mut moved = params.clone();
    for (i, gradient) in gradient.into_iter().enumerate() {
        let step = 2e-5;
        let mut at = |by: f64| {
            moved.as_mut_slice()[i] = params.as_slice()[i] + by;
            let value = penalty(&moved).0;
            moved.as_mut_slice()[i] = params.as_slice()[i];
            value
        };
        let numeric = (at(step) - at(-step)) / (2.0 * step);
        assert!((gradient - numeric).abs() < 1e-7 * scale, "{i}: {gradient}, differences {numeric}");
    }
}

#[test]
fn a_step_allocates_for_its_products_alone() {
    let (mut params, model, twin, data) = setup();
    let mut adam = Adam::new(AdamOptions::default()).unwrap().group(Group::all(&params)).unwrap();
    let (mut tape, mut grads, mut second) = (Tape::new(), params.grads(), SecondOrder::new(&params));
    let mut step = || {
        loss(tape.record(&params), &model, &data).backward(&mut grads);
        second.gradient_norm_penalty(0.1, &params, &mut grads, |graph| loss(graph, &twin, &data)).unwrap();
        adam.step(&mut params, &grads).unwrap();
    };
    let first = allocations(&mut step);
    // Three layers, each with a product forward and two back (the first with one, for its input wants no gradient), and a
    // buffer for the parts of each; the direct kernel, which computes them where faer does not, has a panel too.
    let products = (3 + 3 + 2) * if Kernel::Faer.is_available() { 1 } else { 2 };
    assert!(first > products, "the counter counts: {first}");
    for number in 2..6 {
        assert_eq!(allocations(&mut step), products, "step {number}");
    }
}

/// Trained with the penalty, the same model ends where its mean output depends less on its input.
#[test]
fn the_input_gradient_penalty_flattens_a_model() {
    let slope_after = |lambda: f64| {
        let (mut params, model, twin, data) = setup();
        let mut adam = Adam::new(AdamOptions { lr: 1e-2, ..Default::default() }).unwrap();
        adam = adam.group(Group::all(&params)).unwrap();
        let (mut tape, mut grads, mut second) = (Tape::new(), params.grads(), SecondOrder::new(&params));
        let mut slope = 0.0;
        for _ in 0..200 {
            let x = tape.record(&params).variable(&data.x);
            let output = model.forward(x);
            output.mean().backward(&mut grads);
            let found = x.grad().unwrap();
            output.cross_entropy_loss(&data.classes).backward(&mut grads);
            second
                .input_gradient_penalty(lambda, &params, &data.x, &found, &mut grads, |x| twin.forward(x).mean())
                .unwrap();
            adam.step(&mut params, &grads).unwrap();
            slope = found.iter().map(|g| g * g).sum::<f64>();
        }
        slope
    };
    let (without, with) = (slope_after(0.0), slope_after(1.0));
    assert!(with < 0.1 * without, "squared slopes: {without} without, {with} with");
}

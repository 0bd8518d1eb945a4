//! What more than one of these test crates needs.

#![allow(dead_code)] // Each crate uses its share.

pub(crate) mod reference;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use wane_autodiff::ndarray::{Array2, ArrayD, Axis, Slice};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Float, Grads, Graph, ParamId, Params, Rng, Var};
use wane_optim::{
    AdagradOptions, AdamOptions, AdamWOptions, Decay, DecayKind, Group, Optimizer, RmsPropOptions, Rule, SgdOptions,
};

/// So many cases. A failure prints its options and its seed, which are all that is needed to repeat it: no file is
/// kept.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}

/// Numbers between −2 and 2.
pub(crate) fn random<T: Float>(rng: &mut Rng, dims: &[usize]) -> ArrayD<T> {
    ArrayD::from_shape_simple_fn(dims, || T::of(rng.random_range(-2.0..2.0)))
}

/// Params `0`, `1`, … of the given shapes.
pub(crate) fn params_of<T: Float>(rng: &mut Rng, shapes: &[&[usize]]) -> Params<T> {
    let mut params = Params::new();
    for (i, dims) in shapes.iter().enumerate() {
        params.root().add(&i.to_string(), &random(rng, dims)).unwrap();
    }
    params
}

/// An optimizer of every parameter in one group.
pub(crate) fn over_all<T: Float, R: Rule>(options: R, params: &Params<T>) -> Optimizer<T, R> {
    Optimizer::new(options).unwrap().group(Group::all(params)).unwrap()
}

/// Gradients at random for every parameter.
pub(crate) fn gradients<T: Float>(rng: &mut Rng, params: &Params<T>) -> Grads<T> {
    constant(params, |dims| random(rng, dims))
}

/// The gradients that `of` gives for each shape.
pub(crate) fn constant<T: Float>(params: &Params<T>, mut of: impl FnMut(&[usize]) -> ArrayD<T>) -> Grads<T> {
    let mut grads = params.grads();
    params.iter().for_each(|param| grads.set(param.id, &of(param.shape.dims())).unwrap());
    grads
}

/// Gradients of zero for every parameter.
pub(crate) fn zeros<T: Float>(params: &Params<T>) -> Grads<T> {
    constant(params, |dims| ArrayD::zeros(dims))
}

/// For comparison to the last bit, in which −0 is not 0.
pub(crate) fn bits<T: Float>(values: &[T]) -> Vec<u64> {
    values.iter().map(|value| value.widen().to_bits()).collect()
}

/// The largest difference, relative to the largest number of `b`.
pub(crate) fn distance<T: Float>(a: &[T], b: &[T]) -> f64 {
    let largest = |numbers: &mut dyn Iterator<Item = f64>| {
        numbers.fold(0.0, |max, x| if x > max || x.is_nan() { x } else { max })
    };
    let scale: f64 = largest(&mut b.iter().map(|b| b.widen().abs()));
    let off: f64 = largest(&mut a.iter().zip(b).map(|(&a, &b)| (a - b).widen().abs()));
    off / scale
}

/// A perceptron of 3 inputs, 4 tanh units and 2 outputs, with 12 rows of data.
#[derive(Debug)]
pub(crate) struct Perceptron<T> {
    pub(crate) weights: [ParamId; 2],
    pub(crate) biases: [ParamId; 2],
    x: Array2<T>,
    y: Array2<T>,
}

impl<T: Float> Perceptron<T> {
    pub(crate) const ROWS: usize = 12;

    pub(crate) fn new(seed: u64) -> (Self, Params<T>) {
        let (mut params, mut rng) = (Params::new(), rng(seed));
        let [w0, b0, w1, b1] = [("0.weight", &[4, 3][..]), ("0.bias", &[4]), ("2.weight", &[2, 4]), ("2.bias", &[2])]
            .map(|(name, dims)| params.root().add(name, &random::<T>(&mut rng, dims)).unwrap());
        let mut data = |columns| random(&mut rng, &[Self::ROWS, columns]).into_dimensionality().unwrap();
        let (x, y) = (data(3), data(2));
        (Self { weights: [w0, w1], biases: [b0, b1], x, y }, params)
    }

    /// The mean squared error over the given part of the rows.
    pub(crate) fn loss<'g>(&self, graph: Graph<'g, T>, rows: std::ops::Range<usize>) -> Var<'g, T> {
        let part = |data: &Array2<T>| graph.input(&data.slice_axis(Axis(0), Slice::from(rows.clone())));
        let layer =
            |x: Var<'g, T>, i: usize| x.linear(graph.param(self.weights[i]), Some(graph.param(self.biases[i])), None);
        layer(layer(part(&self.x), 0).tanh(), 1).mse_loss(part(&self.y))
    }
}

pub(crate) fn lr() -> impl Strategy<Value = f64> {
    1e-3..0.1_f64
}

/// Any options of SGD, without decay.
pub(crate) fn sgd() -> impl Strategy<Value = SgdOptions> {
    let heavy = prop_oneof![Just(0.5), Just(0.9), Just(1.0), 0.01..0.99];
    let momentum = prop_oneof![
        Just((0.0, 0.0, false)),
        (heavy.clone(), prop_oneof![Just(0.0), -0.5..1.0])
            .prop_map(|(momentum, dampening)| (momentum, dampening, false)),
        heavy.prop_map(|momentum| (momentum, 0.0, true)),
    ];
    (lr(), momentum, any::<bool>()).prop_map(|(lr, (momentum, dampening, nesterov), maximize)| SgdOptions {
        lr,
        momentum,
        dampening,
        nesterov,
        maximize,
        weight_decay: 0.0,
    })
}

/// Any options of Adam, without decay. β₁ lies on both sides of the ½ where the interpolation changes ends.
pub(crate) fn adam() -> impl Strategy<Value = AdamOptions> {
    let beta1 = prop_oneof![Just(0.0), Just(0.5), Just(0.9), 0.01..0.99];
    // Without memory of g² a zero gradient leaves eps alone under m: with 1e-8 the step would be of 1e6.
    let forgetful = (Just(0.0), 0.5..1.0_f64);
    let beta2 = prop_oneof![Just(0.99), Just(0.999), 0.9..0.999];
    let below = prop_oneof![forgetful, (beta2, prop_oneof![Just(1e-8), Just(1e-3), Just(0.5)])];
    (lr(), beta1, below, any::<bool>(), any::<bool>()).prop_map(|(lr, beta1, (beta2, eps), amsgrad, maximize)| {
        AdamOptions { lr, betas: (beta1, beta2), eps, amsgrad, maximize, weight_decay: 0.0 }
    })
}

/// The same options for AdamW.
pub(crate) fn w(options: AdamOptions) -> AdamWOptions {
    let AdamOptions { lr, betas, eps, weight_decay, amsgrad, maximize } = options;
    AdamWOptions { lr, betas, eps, weight_decay, amsgrad, maximize }
}

/// Any options of RMSprop, without decay. The eps keeps the root off zero, where a difference of squares loses its digits.
pub(crate) fn rmsprop() -> impl Strategy<Value = RmsPropOptions> {
    let alpha = prop_oneof![Just(0.0), Just(0.5), Just(0.99), 0.01..0.99];
    let momentum = prop_oneof![Just(0.0), Just(0.9), 0.01..0.99];
    (lr(), alpha, 0.1..0.5_f64, momentum, any::<bool>(), any::<bool>()).prop_map(
        |(lr, alpha, eps, momentum, centered, maximize)| RmsPropOptions {
            lr,
            alpha,
            eps,
            weight_decay: 0.0,
            momentum,
            // Without memory g² − ḡ² is 0 but for rounding, on whichever side.
            centered: centered && alpha > 0.0,
            maximize,
        },
    )
}

/// Any options of Adagrad, without decay.
pub(crate) fn adagrad() -> impl Strategy<Value = AdagradOptions> {
    let or_none = |range: std::ops::Range<f64>| prop_oneof![Just(0.0), range];
    let eps = prop_oneof![Just(1e-10), 0.01..0.5_f64];
    (lr(), or_none(0.01..0.5), or_none(0.01..2.0), eps, any::<bool>()).prop_map(
        |(lr, lr_decay, initial_accumulator_value, eps, maximize)| AdagradOptions {
            lr,
            lr_decay,
            weight_decay: 0.0,
            initial_accumulator_value,
            eps,
            maximize,
        },
    )
}

/// A decay of the given kind.
pub(crate) fn of(kind: DecayKind, lambda: f64) -> Decay {
    match kind {
        DecayKind::Coupled => Decay::coupled(lambda),
        DecayKind::Decoupled => Decay::decoupled(lambda),
        DecayKind::FullyDecoupled => Decay::fully_decoupled(lambda),
        other => panic!("no constructor for {other:?}"),
    }
    .unwrap()
}

/// The same options with another decay.
pub(crate) fn decayed<R: Rule>(mut options: R, weight_decay: f64) -> R {
    *options.weight_decay() = weight_decay;
    options
}

//! What more than one of these test crates needs.
#![allow(dead_code, reason = "each test crate takes a part")]

use proptest::prelude::ProptestConfig;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wane_autodiff::ndarray::Array2;
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Activation, Float, Params, Rng, Var};
use wane_layers::{Sequential, SequentialBuilder};

/// So many cases. A failure prints its shapes and its seed, which are all that is needed to repeat it: no file is kept.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}

/// A model as it is written down.
pub(crate) type Write<T> = fn(SequentialBuilder<T>) -> SequentialBuilder<T>;

/// The model that `write` writes down, with its parameters at the root.
pub(crate) fn built<T: Float>(
    seed: u64,
    write: impl FnOnce(SequentialBuilder<T>) -> SequentialBuilder<T>,
) -> (Params<T>, Sequential<T>) {
    let mut params = Params::new();
    let model = write(Sequential::new()).build(params.root(), &mut rng(seed)).unwrap();
    (params, model)
}

/// Numbers of either sign, away from 0, where activations bend.
pub(crate) fn signed(rng: &mut Rng, dims: (usize, usize)) -> Array2<f64> {
    Array2::from_shape_simple_fn(dims, || {
        let size = rng.random_range(0.2..2.0);
        if rng.random() { size } else { -size }
    })
}

pub(crate) fn names<T: Float>(params: &Params<T>) -> Vec<&str> {
    params.iter().map(|param| param.name).collect()
}

pub(crate) fn bits<'a>(values: impl IntoIterator<Item = &'a f64>) -> Vec<u64> {
    values.into_iter().map(|value| value.to_bits()).collect()
}

/// The message of the panic that `f` ends in.
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("nothing panicked") };
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| payload.downcast_ref::<&str>().unwrap().to_string())
}

/// Every activation, and the method of a value that computes the same.
#[expect(clippy::type_complexity, reason = "a table of two columns")]
pub(crate) const ACTIVATIONS: [(Activation, for<'g> fn(Var<'g, f64>) -> Var<'g, f64>); 12] = [
    (Activation::Relu, |z| z.relu()),
    (Activation::Tanh, |z| z.tanh()),
    (Activation::Sigmoid, |z| z.sigmoid()),
    (Activation::LeakyRelu(0.01), |z| z.leaky_relu(0.01)),
    (Activation::LeakyRelu(0.0), |z| z.leaky_relu(0.0)),
    (Activation::LeakyRelu(-0.5), |z| z.leaky_relu(-0.5)),
    (Activation::Elu(1.0), |z| z.elu(1.0)),
    (Activation::Elu(0.5), |z| z.elu(0.5)),
    (Activation::Elu(-0.5), |z| z.elu(-0.5)),
    (Activation::Gelu, |z| z.gelu()),
    (Activation::Silu, |z| z.silu()),
    (Activation::Softplus, |z| z.softplus()),
];

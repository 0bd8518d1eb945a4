//! Problems to solve, and what an edit costs as its definition says it.

use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;
use wane_autodiff::ndarray::{Array1, Array2, Axis};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Activation, Error, Float, Params, Rng};
use wane_edit::{Edit, EditOptions, Editor, KeyStats, Memories, Ridge, Site};
use wane_layers::Sequential;

pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A layer alone, whose keys are what it is given, the data's keys, and what is to be edited.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) params: Params<f64>,
    pub(crate) model: Arc<Sequential<f64>>,
    /// (rows, inputs).
    pub(crate) keys: Array2<f64>,
    pub(crate) memories: Memories,
}

/// Problems of which half have data of small whole numbers: few rows, equal and dead units. The keys to edit are
/// independent.
pub(crate) fn problems() -> impl Strategy<Value = Problem> {
    (1..7_usize, 1..5_usize, 1..14_usize, any::<bool>(), any::<u64>())
        .prop_flat_map(|(inputs, outputs, rows, whole, seed)| {
            let number = (-3.0..3.0_f64).prop_map(move |x| if whole { (x / 2.0).trunc() } else { x });
            (Just((inputs, outputs, rows, seed)), vec(number, rows * inputs), 1..=inputs)
        })
        .prop_map(|((inputs, outputs, rows, seed), keys, edits)| {
            let keys = Array2::from_shape_vec((rows, inputs), keys).unwrap();
            Problem::new(outputs, keys, edits, seed)
        })
}

/// ρ.
pub(crate) fn ridges() -> impl Strategy<Value = Ridge> {
    prop_oneof![
        Just(Ridge::Absolute(0.0)),
        (1e-6..1.0_f64).prop_map(Ridge::Absolute),
        (1e-6..1.0_f64).prop_map(Ridge::Scaled)
    ]
}

pub(crate) fn uniform(shape: (usize, usize), rng: &mut Rng) -> Array2<f64> {
    Array2::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0))
}

impl Problem {
    pub(crate) fn new(outputs: usize, keys: Array2<f64>, edits: usize, seed: u64) -> Self {
        let inputs = keys.ncols();
        let (mut params, mut rng) = (Params::new(), Rng::seed_from_u64(seed));
        let model = Sequential::new().linear(inputs, outputs).build(params.root(), &mut rng).unwrap();
        // Independent, and not only nearly: an identity among them.
        let mut edited = 0.3 * uniform((edits, inputs), &mut rng);
        (0..edits).for_each(|at| edited[(at, at)] += 2.0);
        let memories = Memories::new(edited, 3.0 * uniform((edits, outputs), &mut rng)).unwrap();
        Self { params, model: Arc::new(model), keys, memories }
    }

    pub(crate) fn editor(&self, options: EditOptions) -> Editor<'_, f64> {
        let site = Site::new(&self.model, &self.params, 0).unwrap();
        let stats = KeyStats::of(&site, &self.params, self.keys.view()).unwrap();
        Editor::new(site, &self.params, stats, options).unwrap()
    }

    pub(crate) fn solve(&self, options: EditOptions) -> Result<Edit, Error> {
        self.editor(options).solve(&self.params, self.memories.clone())
    }

    /// R = Z* − (WK + b), (outputs, edits).
    pub(crate) fn missed(&self) -> Array2<f64> {
        (&self.memories.values() - &self.model.predict(&self.params, self.memories.keys()).unwrap()).reversed_axes()
    }

    /// C.
    pub(crate) fn moment(&self) -> Array2<f64> {
        self.keys.t().dot(&self.keys) / self.keys.nrows() as f64
    }

    pub(crate) fn rho(&self, ridge: Ridge) -> f64 {
        match ridge {
            Ridge::Scaled(factor) => factor * self.moment().diag().sum() / self.keys.ncols() as f64,
            Ridge::Absolute(rho) => rho,
            _ => panic!("{ridge:?}"),
        }
    }

    /// The mean of ‖ΔW k + Δb‖² over the data, key by key.
    pub(crate) fn drift(&self, weight: &Array2<f64>, bias: &Array1<f64>) -> f64 {
        let moved = self.keys.dot(&weight.t()) + bias.view().insert_axis(Axis(0));
        square(&moved) / self.keys.nrows() as f64
    }
}

pub(crate) fn square(values: &Array2<f64>) -> f64 {
    values.iter().map(|value| value * value).sum()
}

pub(crate) fn largest(values: &Array2<f64>) -> f64 {
    values.iter().fold(0.0, |most, value| value.abs().max(most))
}

/// Δb, of zeros where there is none.
pub(crate) fn bias_of(edit: &Edit) -> Array1<f64> {
    edit.delta_bias().unwrap_or_else(|| Array1::zeros(edit.u().nrows()))
}

pub(crate) fn bits<T: Float>(params: &Params<T>) -> Vec<u64> {
    params.as_slice().iter().map(|value| value.widen().to_bits()).collect()
}

/// Runs what is to be refused, and checks that it is, and that not a bit has changed.
#[track_caller]
pub(crate) fn refused<T: Float, R>(
    params: &mut Params<T>,
    work: impl FnOnce(&mut Params<T>) -> Result<R, Error>,
) -> String {
    let before = bits(params);
    let message = work(params).map(drop).expect_err("refused").to_string();
    assert_eq!(bits(params), before, "{message}");
    message
}

/// 3-8-6-outputs, with weights that are large enough for any output to be reached from anywhere; and rows for it.
pub(crate) fn network<T: Float>(
    outputs: usize,
    activation: Activation,
    seed: u64,
) -> (Sequential<T>, Params<T>, Array2<T>) {
    let (mut params, mut rng) = (Params::new(), Rng::seed_from_u64(seed));
    let builder = Sequential::new().linear(3, 8).activation(activation).linear(8, 6).activation(activation);
    let model = builder.linear(6, outputs).build(params.root(), &mut rng).unwrap();
    for (name, factor) in [("0.weight", 2.0), ("2.weight", 3.0), ("4.weight", 10.0)] {
        params.get_mut(params.id(name).unwrap()).mapv_inplace(|weight| weight * T::of(factor));
    }
    let x = (2.0 * uniform((50, 3), &mut rng)).mapv(T::of);
    (model, params, x)
}

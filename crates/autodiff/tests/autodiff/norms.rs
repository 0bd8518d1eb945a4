//! Layer norm and RMS norm: gradients against central differences, PyTorch's values and gradients (`data/norms.json`,
//! which `scripts/torch_norms.py` wrote), what rounding leaves of large and constant rows, and faults.

use crate::common::config;
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use serde::Deserialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wane_autodiff::ndarray::{Array1, ArrayD, array};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Float, Graph, Params, Rng, Tape, Var, gradcheck};

fn draw(rng: &mut Rng, dims: &[usize]) -> ArrayD<f64> {
    ArrayD::from_shape_simple_fn(dims, || rng.random_range(-2.0..2.0))
}

/// Checks the gradient of Σ c·f(x, w, b), with random c, by every element of all three.
fn check(what: &str, seed: u64, dims: &[usize], f: impl for<'g> Fn([Var<'g, f64>; 3]) -> Var<'g, f64>) {
    let (rng, n) = (&mut Rng::seed_from_u64(seed), dims[dims.len() - 1]);
    let mut params = Params::new();
    let ids = [("x", dims), ("w", &[n][..]), ("b", &[n])]
        .map(|(name, dims)| params.root().add(name, &draw(rng, dims)).unwrap());
    let factors = draw(rng, dims);
    let sum = |graph: Graph<'_, f64>| (f(ids.map(|id| graph.param(id))) * graph.input(&factors)).sum().item();
    let value = sum(Tape::new().record(&params));
    let report = gradcheck(&params, |graph| (f(ids.map(|id| graph.param(id))) * graph.input(&factors)).sum() - value);
    let report = report.unwrap_or_else(|error| panic!("{what} of {dims:?}, seed {seed}: {error}"));
    assert_eq!(report.checked, params.as_slice().len());
}

/// ε of a size at which rows whose variance is small are no steeper than central differences can follow.
const EPS: f64 = 0.1;

fn norms(dims: &[usize], seed: u64) {
    check("layer norm", seed, dims, |[x, w, b]| x.layer_norm(Some(w), Some(b), EPS));
    check("layer norm without bias", seed, dims, |[x, w, b]| x.layer_norm(Some(w), None, EPS) + b);
    check("layer norm without weight", seed, dims, |[x, w, b]| x.layer_norm(None, Some(b), EPS) * w);
    check("layer norm alone", seed, dims, |[x, w, b]| x.layer_norm(None, None, EPS) * w + b);
    check("RMS norm", seed, dims, |[x, w, b]| x.rms_norm(Some(w), Some(EPS)) + b);
    check("RMS norm alone", seed, dims, |[x, w, b]| x.rms_norm(None, Some(EPS)) * w + b);
    check("one operand thrice", seed, dims, |[x, w, b]| {
        w.layer_norm(Some(w), Some(w), EPS) + b.rms_norm(Some(b), Some(EPS)) * x
    });
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn gradients(dims in vec(1..=4_usize, 1..=4), seed in any::<u64>()) {
        norms(&dims, seed);
    }

    #[test]
    fn gradients_of_nothing(mut dims in vec(0..=3_usize, 1..=4), at in 0..4_usize, seed in any::<u64>()) {
        let at = at % dims.len();
        dims[at] = 0;
        norms(&dims, seed);
    }
}

/// Beyond the lanes of a sum, and no multiple of them.
#[test]
fn gradients_of_larger_rows() {
    norms(&[3, 37], 5);
    norms(&[70, 17], 6);
}

#[derive(Deserialize)]
struct Document {
    layer_norm: Vec<Case>,
    rms_norm: Vec<Case>,
    float32: Vec<Case>,
}

/// Numbers in row-major order, NaN as null.
type Numbers = Vec<Option<f64>>;

#[derive(Deserialize)]
struct Case {
    eps: Option<f64>,
    shape: Vec<usize>,
    x: Numbers,
    weight: Option<Numbers>,
    bias: Option<Numbers>,
    seed: Numbers,
    y: Numbers,
    dx: Numbers,
    dweight: Option<Numbers>,
    dbias: Option<Numbers>,
}

fn numbers<T: Float>(numbers: &Numbers) -> Array1<T> {
    numbers.iter().map(|x| T::of(x.unwrap_or(f64::NAN))).collect()
}

impl Case {
    fn check<T: Float>(
        &self,
        number: usize,
        tolerance: f64,
        f: impl for<'g> Fn(Var<'g, T>, [Option<Var<'g, T>>; 2], Option<f64>) -> Var<'g, T>,
    ) {
        let mut params = Params::<T>::new();
        let ids = [("weight", &self.weight), ("bias", &self.bias)].map(|(name, values)| {
            values.as_ref().map(|values| params.root().add(name, &numbers::<T>(values)).unwrap())
        });
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let graph = tape.record(&params);
        let shaped = |values: &Numbers| numbers::<T>(values).into_shape_with_order(self.shape.clone()).unwrap();
        let x = graph.variable(&shaped(&self.x));
        let y = f(x, ids.map(|id| id.map(|id| graph.param(id))), self.eps);
        y.backward_from(&shaped(&self.seed), &mut grads);
        let compare = |what: &str, given: ArrayD<T>, expected: &Numbers| {
            let expected = numbers::<T>(expected);
            assert_eq!(given.len(), expected.len());
            let scale = expected.iter().fold(1.0, |most: f64, x| most.max(x.widen().abs()));
            for (given, expected) in given.iter().zip(&expected) {
                let (given, expected) = (given.widen(), expected.widen());
                let close = (given - expected).abs() <= tolerance * scale || (given.is_nan() && expected.is_nan());
                assert!(close, "{what} of case {number}, shape {:?}: {given} for {expected}", self.shape);
            }
        };
        compare("y", y.to_array(), &self.y);
        compare("dx", x.grad().unwrap(), &self.dx);
        for (id, (what, expected)) in ids.into_iter().zip([("dweight", &self.dweight), ("dbias", &self.dbias)]) {
            assert_eq!(id.is_some(), expected.is_some());
            if let (Some(id), Some(expected)) = (id, expected) {
                compare(what, grads.get(id).unwrap().to_owned(), expected);
            }
        }
    }
}

#[test]
fn values_and_gradients_are_pytorchs() {
    let document: Document = serde_json::from_str(include_str!("../data/norms.json")).expect("the script's own format");
    assert_eq!((document.layer_norm.len(), document.rms_norm.len(), document.float32.len()), (40, 30, 1));
    // PyTorch has no exact zeros for a single feature, but rounding errors magnified by 1/√ε.
    for (number, case) in document.layer_norm.iter().enumerate() {
        case.check::<f64>(number, 1e-13, |x, [weight, bias], eps| x.layer_norm(weight, bias, eps.unwrap()));
    }
    for (number, case) in document.rms_norm.iter().enumerate() {
        case.check::<f64>(number, 1e-14, |x, [weight, _], eps| x.rms_norm(weight, eps));
    }
    // Inputs so small that the machine epsilon of float32, not that of float64, decides.
    for (number, case) in document.float32.iter().enumerate() {
        case.check::<f32>(number, 1e-6, |x, [weight, _], eps| x.rms_norm(weight, eps));
    }
}

/// The mean of three times 1e8 + 1 is no f32: without what its rounding took, these rows would not come out as zeros.
#[test]
fn constant_rows_are_zeros_however_large() {
    let params = Params::new();
    for n in 1..70 {
        for value in [0.1_f32, 1e8 + 8.0, -3e20, 16_777_215.0] {
            let mut tape = Tape::new();
            let y = tape.record(&params).input(&Array1::from_elem(n, value)).layer_norm(None, None, 0.0);
            let y = y.to_array();
            assert!(y.iter().all(|&y| y == 0.0 || y.is_nan()), "{n} of {value}: {y}");
            let y = tape.record(&params).input(&Array1::from_elem(n, value)).layer_norm(None, None, 1e-5);
            assert!(y.with(|y| y.iter().all(|&y| y == 0.0)), "{n} of {value}");
        }
    }
}

/// An offset that f32 holds costs nothing but what it takes from the inputs themselves; E x² − (E x)² would lose all.
#[test]
fn an_offset_changes_nothing() {
    let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    let x = Array1::from_shape_fn(1000, |i| ((i * 37) % 101) as f32 - 50.0);
    let plain = tape.record(&params).input(&x).layer_norm(None, None, 1e-5).to_array();
    let moved = tape.record(&params).input(&(&x + 1e6)).layer_norm(None, None, 1e-5).to_array();
    let worst = plain.iter().zip(&moved).fold(0.0, |worst: f32, (a, b)| worst.max((a - b).abs()));
    assert!(worst < 1e-6, "{worst}");
}

/// A NaN spoils its own row and no other.
#[test]
fn a_nan_stays_in_its_row() {
    let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    let graph = tape.record(&params);
    let x = graph.input(&array![[1.0, f64::NAN, 2.0], [1.0, 3.0, 2.0], [1.0, f64::INFINITY, 2.0]]);
    let nan = |y: ArrayD<f64>| y.iter().map(|y| y.is_nan()).collect::<Vec<_>>();
    let y = x.layer_norm(None, None, 1e-5).to_array();
    assert_eq!(nan(y), [true, true, true, false, false, false, true, true, true]);
    let y = x.rms_norm(None, None).to_array();
    assert_eq!(nan(y), [true, true, true, false, false, false, false, true, false]);
}

#[test]
fn faults_name_the_parameter_and_both_shapes() {
    let mut params = Params::<f64>::new();
    let weight = params.at("norm").add("weight", &array![1.0, 2.0, 3.0]).unwrap();
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let (x, w) = (graph.input(&array![[1.0, 2.0]]), graph.param(weight));
    let table: [(&str, &dyn Fn()); 4] = [
        ("layer_norm \"norm.weight\": input (1, 2) wants weight (2,), not (3,)", &|| {
            let _ = x.layer_norm(Some(w), None, 0.0);
        }),
        ("layer_norm \"norm.weight\": input (1, 2) wants bias (2,), not (3,)", &|| {
            let _ = x.layer_norm(None, Some(w), 0.0);
        }),
        ("rms_norm: input (1, 2) wants weight (2,), not (1, 2)", &|| {
            let _ = x.rms_norm(Some(x), None);
        }),
        ("rms_norm: input is (), wanted at least one axis", &|| {
            let _ = x.sum().rms_norm(None, None);
        }),
    ];
    for (message, fault) in table {
        let payload = catch_unwind(AssertUnwindSafe(fault)).unwrap_err();
        let said = payload.downcast_ref::<String>().unwrap();
        assert!(said.starts_with(&format!("{message} (at {}:", file!())), "{said}");
    }
}

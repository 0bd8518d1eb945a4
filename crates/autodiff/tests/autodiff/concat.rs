//! Concatenation and the embedding's lookup: against ndarray, central differences and exact sums, and their faults.

use crate::common::config;
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use std::panic::{AssertUnwindSafe, catch_unwind};
use wane_autodiff::ndarray::{Array2, ArrayD, Axis, array, concatenate};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Activation, Classes, Graph, Params, Rng, Tape, Var, gradcheck};

fn draw(rng: &mut Rng, dims: &[usize]) -> ArrayD<f64> {
    ArrayD::from_shape_simple_fn(dims, || rng.random_range(-2.0..2.0))
}

/// Checks the gradient of Σ c·f(arrays)², with random c, by every element.
fn check(what: &str, seed: u64, arrays: &[ArrayD<f64>], f: impl for<'g> Fn(&[Var<'g, f64>]) -> Var<'g, f64>) {
    let mut params = Params::new();
    arrays.iter().enumerate().for_each(|(i, array)| {
        params.root().add(&i.to_string(), array).unwrap();
    });
    let report = gradcheck(&params, |graph| {
        let y = f(&params.ids().into_iter().map(|id| graph.param(id)).collect::<Vec<_>>());
        (y.square() * graph.input(&draw(&mut Rng::seed_from_u64(!seed), y.shape().dims()))).sum()
    });
    let report = report.unwrap_or_else(|error| panic!("{what}, seed {seed}: {error}"));
    assert_eq!(report.checked, params.as_slice().len());
}

proptest! {
    #![proptest_config(config(256))]

    /// Up to four values of up to four axes, whose lengths along the axis differ and may be 0.
    #[test]
    fn concat_is_ndarrays(
        dims in vec(0..=3_usize, 1..=4), axis in 0..4_usize, lengths in vec(0..=3_usize, 1..=4), seed in any::<u64>(),
    ) {
        let (axis, rng) = (axis % dims.len(), &mut Rng::seed_from_u64(seed));
        let parts: Vec<_> = lengths.iter().map(|&length| {
            let mut dims = dims.clone();
            dims[axis] = length;
            draw(rng, &dims)
        }).collect();
        let (params, mut tape) = (Params::new(), Tape::new());
        let graph = tape.record(&params);
        let vars: Vec<_> = parts.iter().map(|part| graph.input(part)).collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        assert_eq!(graph.concat(&vars, axis).to_array(), concatenate(Axis(axis), &views).unwrap());
        check(&format!("{dims:?} along {axis}"), seed, &parts, |v| v[0].graph().concat(v, axis));
        check("twice the same", seed, &parts[..1], |v| v[0].graph().concat(&[v[0], v[0].exp(), v[0]], axis));
    }

    #[test]
    fn embedding_picks_rows(num in 1..=5_usize, dim in 0..=4_usize, rows in 0..=7_usize, seed in any::<u64>()) {
        let rng = &mut Rng::seed_from_u64(seed);
        let labels: Vec<_> = (0..rows).map(|_| rng.random_range(0..num)).collect();
        let classes = Classes::new(&labels, num).unwrap();
        let weight = draw(rng, &[num, dim]);
        let (params, mut tape) = (Params::new(), Tape::new());
        let y = tape.record(&params).input(&weight).embedding(&classes).to_array();
        assert_eq!(y, weight.select(Axis(0), &labels));
        check("embedding", seed, std::slice::from_ref(&weight), |v| v[0].embedding(&classes));
        check("two lookups", seed, &[weight], |v| v[0].embedding(&classes) * v[0].tanh().embedding(&classes));
    }
}

/// Operands without a gradient, in between ones that have one, keep the others in their places.
#[test]
fn constants_between_parameters() {
    let mut params = Params::<f64>::new();
    let [a, b] = ["a", "b"].map(|name| params.root().add(name, &array![[1.0], [2.0]]).unwrap());
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph = tape.record(&params);
    let y = graph.concat(&[graph.param(a), graph.input(&array![[7.0, 8.0], [9.0, 10.0]]), graph.param(b)], 1);
    assert_eq!(y.to_array(), array![[1.0, 7.0, 8.0, 1.0], [2.0, 9.0, 10.0, 2.0]].into_dyn());
    y.backward_from(&array![[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], &mut grads);
    assert_eq!(grads.get(a).unwrap(), array![[1.0], [5.0]].into_dyn());
    assert_eq!(grads.get(b).unwrap(), array![[4.0], [8.0]].into_dyn());
}

/// What other ops left in the buffers that an op borrows does not reach its gradient.
#[test]
fn a_lookup_after_other_ops_has_the_same_gradient() {
    let mut params = Params::<f64>::new();
    let weight = params.root().add("weight", &array![[0.1, 0.2], [0.3, 0.7]]).unwrap();
    let labels = Classes::new(&[1, 0, 1], 2).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    for _ in 0..3 {
        let rows = tape.record(&params).param(weight).embedding(&labels);
        (rows * 0.1).sum().backward(&mut grads);
        assert_eq!(grads.get(weight).unwrap(), array![[0.1, 0.1], [0.2, 0.2]].into_dyn());
        let graph = tape.record(&params);
        let w = graph.param(weight);
        w.linear(w, None, Some(Activation::Tanh)).layer_norm(Some(w.sum_axis(0)), None, 0.0).sum().backward(&mut grads);
    }
}

/// A running f32 sum of these is off by more than 1e-4 relative.
#[test]
fn a_row_that_all_ask_for_keeps_single_precision() {
    let rows = 1 << 20;
    let mut params = Params::<f32>::new();
    let weight = params.root().add("weight", &Array2::zeros((2, 1))).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let seed = Array2::from_shape_fn((rows, 1), |(i, _)| 0.1 + (i % 7) as f32 * 1e-3);
    let naive: f32 = seed.iter().fold(0.0, |sum, x| sum + x);
    let exact: f64 = seed.iter().map(|&x| f64::from(x)).sum();
    let error = |sum: f32| (f64::from(sum) - exact).abs() / exact;
    assert!(error(naive) > 1e-5, "the effect is there: {}", error(naive));
    let labels = Classes::new(&vec![1; rows], 2).unwrap();
    tape.record(&params).param(weight).embedding(&labels).backward_from(&seed, &mut grads);
    let gradient = grads.get(weight).unwrap();
    assert_eq!(gradient[[0, 0]], 0.0);
    assert!(error(gradient[[1, 0]]) < 1e-7, "{}", error(gradient[[1, 0]]));
}

#[test]
fn faults_name_the_parameter_and_both_shapes() {
    let mut params = Params::<f64>::new();
    let weight = params.at("words").add("weight", &Array2::zeros((3, 2))).unwrap();
    let labels = Classes::new(&[0, 3], 4).unwrap();
    let mut tape = Tape::new();
    let graph: Graph<'_, f64> = tape.record(&params);
    let (x, w) = (graph.input(&array![[1.0], [2.0]]), graph.param(weight));
    let table: [(&str, &dyn Fn() -> usize); 7] = [
        ("concat \"words.weight\": value 0 is (2, 1), value 2 is (3, 2); they may differ along axis 1 only", &|| {
            graph.concat(&[x, x, w], 1).shape().len()
        }),
        ("concat: value 0 is (3, 2), value 1 is (2, 1); they may differ along axis 0 only", &|| {
            graph.concat(&[w, x], 0).shape().len()
        }),
        ("concat: value 0 is (2, 1), value 1 is (); they may differ along axis 1 only", &|| {
            graph.concat(&[x, x.sum()], 1).shape().len()
        }),
        ("concat: axis 2 of (2, 1), which has 2 axes", &|| graph.concat(&[x], 2).shape().len()),
        ("concat: no value, wanted one at least", &|| graph.concat(&[], 0).shape().len()),
        ("embedding \"words.weight\": weight is (3, 2), labels of 4 classes want (4, _)", &|| {
            w.embedding(&labels).shape().len()
        }),
        ("embedding: weight is (), wanted two axes", &|| x.sum().embedding(&labels).shape().len()),
    ];
    for (message, fault) in table {
        let payload = catch_unwind(AssertUnwindSafe(fault)).unwrap_err();
        let said = payload.downcast_ref::<String>().unwrap();
        assert!(said.starts_with(&format!("{message} (at {}:", file!())), "{said}");
    }
}

/// PyTorch's `padding_idx`: zeros, and no gradient. And a sum that is infinite stays so.
#[test]
fn ignored_labels_embed_as_zeros() {
    let mut params = Params::<f64>::new();
    let weight = params.root().add("weight", &array![[1.0, 2.0], [3.0, 4.0]]).unwrap();
    let labels = Classes::with_ignored(&[1, -1, 1], 2, -1).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let rows = tape.record(&params).param(weight).embedding(&labels);
    assert_eq!(rows.to_array(), array![[3.0, 4.0], [0.0, 0.0], [3.0, 4.0]].into_dyn());
    rows.backward_from(&array![[1.0, f64::INFINITY], [5.0, 5.0], [2.0, 1.0]], &mut grads);
    assert_eq!(grads.get(weight).unwrap(), array![[0.0, 0.0], [3.0, f64::INFINITY]].into_dyn());
}

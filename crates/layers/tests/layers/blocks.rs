//! Normalising layers, embeddings, residual and parallel blocks, tied layers: names, summaries, errors, values and
//! gradients against central differences.

use crate::common::{Write, built, config, names, panic_of, rng, signed};
use proptest::prelude::{any, proptest};
use wane_autodiff::ndarray::{Array1, Array2, Axis, Ix1, array, s};
use wane_autodiff::{Classes, Error, Float, ParamId, Params, Rng, Scope, Tape, Var, gradcheck};
use wane_layers::{
    Description, Embedding, LayerNorm, LayerNormOptions, Linear, Module, Parallel, RmsNorm, RmsNormOptions, Sequential,
    SequentialBuilder,
};

fn empty() -> SequentialBuilder<f64> {
    Sequential::new()
}

#[test]
fn names_are_nested_as_pytorchs() {
    let table: [(Write<f64>, &[&str]); 5] = [
        (|m| m.linear(2, 3).layer_norm(3).rms_norm(3), &["0.weight", "0.bias", "1.weight", "1.bias", "2.weight"]),
        (|m| m.tanh().residual(empty().linear(3, 3).relu()), &["1.0.weight", "1.0.bias"]),
        (
            |m| m.tanh().parallel([empty().linear(3, 2), empty(), empty().tanh().linear_without_bias(3, 1)]),
            &["1.0.0.weight", "1.0.0.bias", "1.2.1.weight"],
        ),
        (
            |m| m.residual(empty().parallel([empty().linear_without_bias(3, 1), empty().linear_without_bias(3, 2)])),
            &["0.0.0.0.weight", "0.0.1.0.weight"],
        ),
        (
            |m| m.layer(|scope, _| LayerNorm::new(scope, 3, LayerNormOptions { bias: false, ..Default::default() })),
            &["0.weight"],
        ),
    ];
    for (write, expected) in table {
        assert_eq!(names(&built(0, write).0), expected);
    }
}

#[test]
fn norms_start_as_ones_and_zeros() {
    let (params, _) = built::<f32>(0, |m| m.layer_norm(2).rms_norm(2));
    assert_eq!(params.as_slice(), [1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
}

/// A decoder that is the encoder's weight, the other way round, and a third layer that is the encoder again.
fn tied(m: SequentialBuilder<f64>) -> SequentialBuilder<f64> {
    m.linear(3, 2)
        .tanh()
        .layer(|mut scope, _| {
            let weight = scope.params().id("0.weight")?;
            let bias = scope.add("bias", &Array1::from_elem(3, 0.1))?;
            Linear::tied_transposed(scope.params(), weight, Some(bias))
        })
        .layer(|scope, _| Linear::tied(scope.params(), scope.params().id("0.weight")?, None))
        .sigmoid()
}

const SUMMARY: &str = "\
layer  kind                            output      parameters
0      Linear                          (batch, 3)          15
1      LayerNorm(eps=1e-5)             (batch, 3)           6
2      Residual(Sequential)            (batch, 3)          24
3      Parallel(2)                     (batch, 5)           8
4      RmsNorm                         (batch, 5)           5
5      LayerNorm(eps=1e0, bias=false)  (batch, 5)           5
total                                                      63
";

const TIED_SUMMARY: &str = "\
layer  kind                output      parameters
0      Linear              (batch, 2)           8
1      Tanh                (batch, 2)           0
2      Linear(transposed)  (batch, 3)           9
3      Linear(bias=false)  (batch, 2)           6
4      Sigmoid             (batch, 2)           0
total                                          11
";

#[test]
fn summaries_count_a_shared_parameter_once() {
    let (params, model) = built(0, |m| {
        let norm = |scope: Scope<'_, f64>, options| LayerNorm::new(scope, 5, options);
        m.linear(4, 3)
            .layer_norm(3)
            .residual(empty().linear(3, 3).tanh().linear(3, 3))
            .parallel([empty(), empty().linear(3, 2)])
            .rms_norm(5)
            .layer(move |scope, _| norm(scope, LayerNormOptions { eps: 1.0, bias: false, ..Default::default() }))
    });
    assert_eq!(model.summary(), SUMMARY);
    assert_eq!(params.as_slice().len(), 63);

    let (params, model) = built(0, tied);
    assert_eq!(model.summary(), TIED_SUMMARY);
    assert_eq!(params.as_slice().len(), 11);
    assert_eq!(model.describe().count(), 11);
    assert_eq!(model.describe().ids(), params.ids());
    assert_eq!(model.layers()[2].describe().ids(), [params.ids()[0], params.ids()[2]]);
}

#[test]
fn kinds_show_their_options() {
    let mut params = Params::<f64>::new();
    let plain = LayerNormOptions { elementwise_affine: false, ..Default::default() };
    let plain = LayerNorm::new(params.at("a"), 3, plain).unwrap();
    let rms = RmsNorm::new(params.at("b"), 3, RmsNormOptions { eps: Some(1e-6), elementwise_affine: false }).unwrap();
    assert!(params.is_empty());
    assert_eq!((plain.weight(), plain.bias(), rms.weight()), (None, None, None));
    let kind = |module: &dyn Module<f64>| module.describe().kind;
    assert_eq!(kind(&plain), "LayerNorm(eps=1e-5, elementwise_affine=false)");
    assert_eq!(kind(&rms), "RmsNorm(eps=1e-6, elementwise_affine=false)");
}

#[test]
fn blocks_that_cannot_be_are_errors() {
    let table: [(Write<f64>, &str); 15] = [
        (|m| m.layer_norm(0), "layer 0: layer_norm width is 0; expected at least 1"),
        (|m| m.rms_norm(0), "layer 0: rms_norm width is 0; expected at least 1"),
        (|m| m.linear(2, 3).layer_norm(4), "layer 1: inputs is 4; expected 3, which is what layer 0 gives"),
        (|m| m.rms_norm(4).linear(3, 2), "layer 1: inputs is 3; expected 4, which is what layer 0 gives"),
        (
            |m| m.layer(|scope, _| LayerNorm::new(scope, 3, LayerNormOptions { eps: -1.0, ..Default::default() })),
            "layer 0: layer_norm eps is -1; expected a finite number, 0 or above",
        ),
        (
            |m| {
                let options = RmsNormOptions { eps: Some(f64::NAN), ..Default::default() };
                m.layer(move |scope, _| RmsNorm::new(scope, 3, options))
            },
            "layer 0: rms_norm eps is NaN; expected a finite number, 0 or above",
        ),
        (
            |m| m.residual(empty().linear(3, 4)),
            "layer 0: residual outputs is 4; expected 3, the features it takes, to be added to them",
        ),
        (
            |m| m.linear(2, 4).residual(empty().linear(3, 3)),
            "layer 1: inputs is 3; expected 4, which is what layer 0 gives",
        ),
        (
            |m| m.residual(empty().linear(3, 4).linear(5, 3)),
            "layer 0: layer 1: inputs is 5; expected 4, which is what layer 0 gives",
        ),
        (
            |m| m.parallel([]),
            "layer 0: parallel is 0 branches; expected branches of which at least one fixes its number of inputs, as \
             Linear does",
        ),
        (
            |m| m.linear(2, 3).parallel([empty(), empty().tanh()]),
            "layer 1: parallel is 2 branches; expected branches of which at least one fixes its number of inputs, as \
             Linear does",
        ),
        (
            |m| m.parallel([empty(), empty().linear(3, 2), empty().tanh().linear(4, 2)]),
            "layer 0: branch 2: inputs is 4; expected 3, which is what branch 1 takes",
        ),
        (
            |m| m.parallel([empty().linear(3, 2), empty().dropout(2.0)]),
            "layer 0: branch 1: layer 0: dropout p is 2; expected a probability, 0 to 1",
        ),
        (
            |m| m.parallel([empty().linear(3, 2), empty()]).linear(4, 1),
            "layer 1: inputs is 4; expected 5, which is what layer 0 gives",
        ),
        (
            |m| m.linear(4, 3).parallel([empty().linear(4, 2)]),
            "layer 1: inputs is 4; expected 3, which is what layer 0 gives",
        ),
    ];
    for (write, expected) in table {
        let mut params = Params::new();
        let error = write(Sequential::new()).build(params.root(), &mut rng(0)).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(params.is_empty());
    }
    let error = Embedding::new(Params::<f64>::new().root(), 0, 3, &mut rng(0)).unwrap_err();
    assert_eq!(error.to_string(), "embedding num is 0; expected at least 1");
    let error = Embedding::new(Params::<f64>::new().root(), 3, usize::MAX / 2, &mut rng(0)).unwrap_err();
    let expected = "embedding dim is 9223372036854775807; expected fewer, so that the weight fits in memory";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn parameters_that_cannot_be_tied_are_errors() {
    let mut params = Params::<f64>::new();
    let weight = params.root().add("w", &Array2::zeros((2, 3))).unwrap();
    let bias = params.root().add("b", &Array1::zeros(2)).unwrap();
    assert_eq!(Linear::tied(&params, weight, Some(bias)).unwrap().widths(), (3, 2));
    assert_eq!(Linear::tied_transposed(&params, weight, None).unwrap().widths(), (2, 3));
    let said = |layer: Result<Linear, Error>| layer.unwrap_err().to_string();
    let expected = "shape of \"b\" is (2,); expected two axes, as the weight of a linear layer has";
    assert_eq!(said(Linear::tied(&params, bias, None)), expected);
    let expected = "shape of \"b\" is (2,); expected (3,), as many as the tied weight gives";
    assert_eq!(said(Linear::tied_transposed(&params, weight, Some(bias))), expected);
    let stranger = Params::<f64>::new().root().add("v", &Array2::zeros((2, 3))).unwrap();
    assert!(Linear::tied(&params, stranger, None).is_err());
    assert!(Linear::tied(&params, weight, Some(stranger)).is_err());
}

#[test]
fn an_embedding_starts_as_a_standard_normal_and_refuses_other_labels() {
    let mut params = Params::<f64>::new();
    let layer = Embedding::new(params.at("words"), 400, 500, &mut rng(3)).unwrap();
    assert_eq!((names(&params), layer.sizes()), (vec!["words.weight"], (400, 500)));
    let (x, n) = (params.get(layer.weight()), 2e5_f64);
    let (mean, variance) = (x.sum() / n, x.mapv(|x| x * x).sum() / n);
    assert!(mean.abs() < 5.0 / n.sqrt() && (variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{mean}, {variance}");

    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let labels = Classes::new(&[7], 399).unwrap();
    let (said, line) = (panic_of(|| layer.lookup(graph, &labels)), line!());
    let expected = "embedding \"words.weight\": weight is (400, 500), labels of 399 classes want (399, _)";
    assert!(said.starts_with(&format!("{expected} (at {}:{line}:", file!())), "{said}");
}

#[test]
fn a_fault_inside_a_block_names_the_users_line() {
    let (params, model) = built(0, |m| m.residual(empty().layer_norm(3)).parallel([empty(), empty().linear(3, 1)]));
    let mut tape = Tape::new();
    let x = tape.record(&params).input(&array![[1.0, 2.0]]);
    let (said, line) = (panic_of(|| model.forward(x)), line!());
    let expected = "layer_norm \"0.0.weight\": input (1, 2) wants weight (2,), not (3,)";
    assert!(said.starts_with(&format!("{expected} (at {}:{line}:", file!())), "{said}");
    let (said, line) = (panic_of(|| model.layers()[1].forward(x)), line!());
    let expected = "linear \"1.1.0.weight\": input is (1, 2), weight (1, 3) wants (_, 3)";
    assert!(said.starts_with(&format!("{expected} (at {}:{line}:", file!())), "{said}");
}

#[test]
fn a_residual_adds_its_input() {
    let (params, model) = built::<f64>(4, |m| m.residual(empty().linear(3, 3).tanh()));
    let (inner, f) = built::<f64>(4, |m| m.linear(3, 3).tanh());
    let x = signed(&mut rng(5), (4, 3));
    let expected = &x + &f.predict(&inner, x.view()).unwrap();
    assert_eq!(model.predict(&params, x.view()).unwrap(), expected);
}

/// Five branches: by halves, and in their order all the same.
#[test]
fn parallel_outputs_stand_in_order() {
    let (params, model) = built::<f64>(4, |m| {
        m.parallel((1..=5).map(|width| if width == 3 { empty() } else { empty().linear(2, width).tanh() }))
    });
    assert_eq!(model.layers()[0].describe().widths, Some((2, 1 + 2 + 2 + 4 + 5)));
    let x = signed(&mut rng(5), (3, 2));
    let mut tape = Tape::new();
    let y = model.forward(tape.record(&params).input(&x)).to_array();
    let mut at = 0;
    for (branch, width) in [1, 2, 2, 4, 5].into_iter().enumerate() {
        let part = y.slice_axis(Axis(1), (at..at + width).into());
        at += width;
        let expected = match branch {
            2 => x.clone(),
            _ => {
                let of = |name| params.get(params.id(&format!("0.{branch}.0.{name}")).unwrap()).to_owned();
                let weight: Array2<f64> = of("weight").into_dimensionality().unwrap();
                (x.dot(&weight.t()) + of("bias").into_dimensionality::<Ix1>().unwrap()).mapv(f64::tanh)
            }
        };
        assert!(part.iter().zip(&expected).all(|(given, expected)| (given - expected).abs() < 1e-14), "{branch}");
    }
    assert_eq!(at, y.shape()[1]);
}

/// A tied weight's gradient is the sum over its places, and one optimizer step would move all of them.
#[test]
fn a_tied_weight_has_one_gradient() {
    let (params, model) = built(1, tied);
    assert_eq!(names(&params), ["0.weight", "0.bias", "2.bias"]);
    let w: Array2<f64> = params.get(params.ids()[0]).to_owned().into_dimensionality().unwrap();
    let x = signed(&mut rng(2), (4, 3));
    let bias = |i: usize| params.get(params.ids()[i]).to_owned().into_dimensionality::<Ix1>().unwrap();
    let code = (x.dot(&w.t()) + bias(1)).mapv(f64::tanh);
    let expected = (code.dot(&w) + bias(2)).dot(&w.t()).mapv(|z| 1.0 / (1.0 + (-z).exp()));
    let given = model.predict(&params, x.view()).unwrap();
    assert!((&given - &expected).iter().all(|x| x.abs() < 1e-14), "{given} for {expected}");
}

/// Checks a model's gradients by its parameters and its input; the model may be of any kind.
fn check<M: Module<f64>>(
    what: &str,
    seed: u64,
    dims: (usize, usize),
    make: impl FnOnce(Scope<'_, f64>, &mut Rng) -> Result<M, Error>,
) {
    let (mut params, mut rng) = (Params::new(), rng(seed));
    let model = make(params.root(), &mut rng).unwrap();
    // Off the ones and zeros at which norms start.
    params.as_mut_slice().iter_mut().for_each(|x| *x += signed(&mut rng, (1, 1))[[0, 0]] * 0.3);
    let x = params.root().add("x", &signed(&mut rng, dims)).unwrap();
    let factors = signed(&mut rng, (dims.0, model.describe().widths.map_or(dims.1, |(_, outputs)| outputs)));
    let report = gradcheck(&params, |graph| {
        let y = model.forward(graph.param(x));
        (y * graph.input(&factors)).sum()
    });
    let report = report.unwrap_or_else(|error| panic!("{what} of {dims:?}, seed {seed}: {error}"));
    assert_eq!(report.checked, params.as_slice().len());
}

/// Every new layer and container. ε is of a size at which central differences can follow.
fn every_block((batch, width): (usize, usize), out: usize, seed: u64) {
    let layer = |affine, bias| LayerNormOptions { eps: 0.1, elementwise_affine: affine, bias };
    let rms = |affine| RmsNormOptions { eps: Some(0.1), elementwise_affine: affine };
    let dims = (batch, width);
    for (affine, bias) in [(true, true), (true, false), (false, true)] {
        check("layer norm", seed, dims, |scope, _| LayerNorm::new(scope, width, layer(affine, bias)));
        check("RMS norm", seed, dims, |scope, _| RmsNorm::new(scope, width, rms(affine)));
    }
    let norm =
        move |m: SequentialBuilder<f64>| m.layer(move |scope, _| LayerNorm::new(scope, width, layer(true, true)));
    check("residual", seed, dims, |scope, rng| {
        norm(Sequential::new()).residual(norm(empty()).linear(width, out).gelu().linear(out, width)).build(scope, rng)
    });
    check("parallel", seed, dims, |scope, rng| {
        let branches = [empty().linear(width, out).tanh(), empty(), empty().silu().linear_without_bias(width, 1)];
        Sequential::new().tanh().parallel(branches).linear(width + out + 1, 2).build(scope, rng)
    });
    check("tied", seed, dims, |mut scope, rng| {
        let first = Linear::new(scope.at("first"), width, out, rng)?;
        let back = Linear::tied_transposed(scope.params(), first.weight(), None)?;
        let again = Linear::tied(scope.params(), first.weight(), first.bias())?;
        Ok(Chain(vec![first, back, again]))
    });
}

/// Linear layers with tanh between them.
#[derive(Debug)]
struct Chain(Vec<Linear>);

impl<T: Float> Module<T> for Chain {
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        self.0.iter().fold(x, |x, layer| layer.forward_then(x, wane_layers::Activation::Tanh))
    }

    fn describe(&self) -> Description {
        let widths = self.0.first().zip(self.0.last()).map(|(first, last)| (first.widths().0, last.widths().1));
        let parts: Vec<_> = self.0.iter().map(|layer| layer as &dyn Module<T>).collect();
        Description::of_parts("Chain", widths, &parts)
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn gradients(batch in 0..=4_usize, width in 1..=5_usize, out in 1..=4_usize, seed in any::<u64>()) {
        every_block((batch, width), out, seed);
    }

    #[test]
    fn gradients_of_embeddings(rows in 0..=6_usize, num in 1..=4_usize, dim in 1..=4_usize, seed in any::<u64>()) {
        let (mut params, mut rng) = (Params::new(), rng(seed));
        let layer = Embedding::new(params.root(), num, dim, &mut rng).unwrap();
        let x = signed(&mut rng, (rows, 2));
        let labels: Vec<_> = (0..rows).map(|row| (row * 7 + seed as usize % 5) % num).collect();
        let labels = Classes::new(&labels, num).unwrap();
        let head = Sequential::new().linear(dim + 2, 3).tanh().build(params.at("head"), &mut rng).unwrap();
        let report = gradcheck(&params, |graph| {
            head.forward(graph.concat(&[layer.lookup(graph, &labels), graph.input(&x)], 1)).square().sum()
        });
        assert_eq!(report.unwrap().checked, params.as_slice().len());
    }
}

/// A row's output is the same whatever stands in the other rows: what batch normalisation would not give.
#[test]
fn rows_do_not_see_each_other() {
    let (params, model) = built(3, |m| m.linear(4, 6).layer_norm(6).residual(empty().linear(6, 6).rms_norm(6)));
    let x = signed(&mut rng(4), (5, 4));
    let all = model.predict(&params, x.view()).unwrap();
    for row in 0..5 {
        let alone = model.predict(&params, x.slice(s![row..=row, ..])).unwrap();
        assert!((&alone.row(0) - &all.row(row)).iter().all(|x| x.abs() < 1e-14));
    }
}

/// What a layer lists is what a pattern finds: either is enough to freeze it.
#[test]
fn a_frozen_layer_has_no_gradient() {
    let (mut params, model) = built(3, |m| m.linear(3, 4).layer_norm(4).linear(4, 1));
    let first: Vec<ParamId> = params.matching("0.*").unwrap();
    assert_eq!(model.layers()[0].describe().ids(), first);
    params.freeze(&first).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    model.forward(tape.record(&params).input(&signed(&mut rng(1), (8, 3)))).square().mean().backward(&mut grads);
    assert_eq!(grads.reached(), [false, false, true, true, true, true]);
}

#[test]
fn a_single_branch_may_take_any_width() {
    let one = Parallel::new(vec![Box::new(wane_layers::Activation::Tanh) as Box<dyn Module<f64>>]).unwrap();
    assert_eq!((one.branches().len(), one.describe().widths), (1, None));
}

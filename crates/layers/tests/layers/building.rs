//! What building a model gives: names, summaries, and errors for models that cannot be.

use crate::common::{Write, bits, built, names, rng};
use wane_autodiff::ndarray::array;
use wane_autodiff::{Activation, Error, ErrorKind, Params, Tape};
use wane_layers::{Dropout, Linear, Module, Sequential, SequentialBuilder};

/// A model as a layer of another.
fn nest(outer: SequentialBuilder<f64>, inner: Write<f64>) -> SequentialBuilder<f64> {
    outer.layer(move |scope, rng| inner(Sequential::new()).build(scope, rng))
}

#[test]
fn names_are_those_of_nn_sequential() {
    let table: [(Write<f64>, &[&str]); 6] = [
        (|m| m.linear(2, 3), &["0.weight", "0.bias"]),
        (|m| m.linear(2, 3).tanh().linear(3, 1), &["0.weight", "0.bias", "2.weight", "2.bias"]),
        (
            |m| m.dropout(0.1).linear_without_bias(2, 3).relu().dropout(0.5).linear(3, 1).sigmoid(),
            &["1.weight", "4.weight", "4.bias"],
        ),
        (|m| m.relu().leaky_relu().elu().gelu().silu().softplus().dropout(0.0), &[]),
        (
            |m| nest(m.tanh(), |m| m.linear(2, 3).relu().linear_without_bias(3, 3)).linear(3, 1),
            &["1.0.weight", "1.0.bias", "1.2.weight", "2.weight", "2.bias"],
        ),
        (
            |m| nest(m, |m| nest(m.linear(2, 2), |m| m.dropout(0.5).linear(2, 2))),
            &["0.0.weight", "0.0.bias", "0.1.1.weight", "0.1.1.bias"],
        ),
    ];
    for (write, expected) in table {
        assert_eq!(names(&built(0, write).0), expected);

        let mut params = Params::new();
        write(Sequential::new()).build(params.at("net"), &mut rng(0)).unwrap();
        let below: Vec<_> = expected.iter().map(|name| format!("net.{name}")).collect();
        assert_eq!(names(&params), below);
    }
}

#[test]
fn the_eleventh_layer_is_number_10() {
    let (params, _) = built::<f32>(0, |m| (0..11).fold(m, |m, _| m.linear_without_bias(1, 1)));
    assert_eq!(names(&params)[9..], ["9.weight", "10.weight"]);
}

#[test]
fn parameters_have_pytorchs_shapes() {
    let mut params = Params::<f32>::new();
    let layer = Linear::new(params.at("a"), 3, 2, &mut rng(0)).unwrap();
    let plain = Linear::without_bias(params.at("b"), 4, 1, &mut rng(0)).unwrap();
    assert_eq!(names(&params), ["a.weight", "a.bias", "b.weight"]);
    assert_eq!(params.get(layer.weight()).shape(), [2, 3]);
    assert_eq!(params.get(layer.bias().unwrap()).shape(), [2]);
    assert_eq!(params.get(plain.weight()).shape(), [1, 4]);
    assert_eq!((layer.widths(), plain.widths(), plain.bias()), ((3, 2), (4, 1), None));
}

const SUMMARY: &str = "\
layer  kind                   output       parameters
0      Dropout(p=0.2)         ?                     0
1      Linear                 (batch, 64)         704
2      LeakyRelu(slope=0.01)  (batch, 64)           0
3      Dropout(p=0.25)        (batch, 64)           0
4      Linear(bias=false)     (batch, 5)          320
5      Elu(alpha=0.5)         (batch, 5)            0
6      Sequential             (batch, 7)          143
7      Gelu                   (batch, 7)            0
total                                            1167
";

const NARROW_SUMMARY: &str = "\
layer  kind    output      parameters
0      Linear  (batch, 1)           2
total                               2
";

const EMPTY_SUMMARY: &str = "\
layer  kind  output  parameters
total                         0
";

#[test]
fn summaries_show_layers_shapes_and_totals() {
    let table: [(Write<f64>, &str); 3] = [
        (
            |m| {
                let m = m.dropout(0.2).linear(10, 64).leaky_relu().dropout(0.25).linear_without_bias(64, 5);
                nest(m.activation(Activation::Elu(0.5)), |m| m.tanh().linear(5, 11).linear_without_bias(11, 7).tanh())
                    .gelu()
            },
            SUMMARY,
        ),
        (|m| m.linear(1, 1), NARROW_SUMMARY),
        (|m| m, EMPTY_SUMMARY),
    ];
    for (write, expected) in table {
        let (params, model) = built(0, write);
        assert_eq!(model.summary(), expected);
        let total = expected.split_whitespace().last().unwrap();
        assert_eq!(total, params.as_slice().len().to_string());
        assert_eq!(model.describe().count(), params.as_slice().len());
    }
}

#[test]
fn every_activation_has_its_own_line() {
    let (_, model) = built::<f32>(0, |m| m.relu().tanh().sigmoid().leaky_relu().elu().gelu().silu().softplus());
    let kinds: Vec<_> = model.layers().iter().map(|layer| layer.describe().kind).collect();
    let expected = ["Relu", "Tanh", "Sigmoid", "LeakyRelu(slope=0.01)", "Elu(alpha=1)", "Gelu", "Silu", "Softplus"];
    assert_eq!(kinds, expected);
}

#[test]
fn models_that_cannot_be_are_errors() {
    let table: [(Write<f64>, &str); 20] = [
        (|m| m.linear(3, 4).linear(5, 1), "layer 1: inputs is 5; expected 4, which is what layer 0 gives"),
        (|m| m.linear(3, 4).tanh().linear(5, 1), "layer 2: inputs is 5; expected 4, which is what layer 0 gives"),
        (
            |m| m.linear(3, 4).relu().dropout(0.5).linear_without_bias(3, 1),
            "layer 3: inputs is 3; expected 4, which is what layer 0 gives",
        ),
        (
            |m| m.linear(3, 4).linear(4, 2).gelu().linear(4, 1),
            "layer 3: inputs is 4; expected 2, which is what layer 1 gives",
        ),
        (
            |m| nest(m.linear(3, 4), |m| m.tanh().linear(5, 2)),
            "layer 1: inputs is 5; expected 4, which is what layer 0 gives",
        ),
        (
            |m| nest(m.dropout(0.1), |m| m.linear(3, 4).relu()).linear(5, 1),
            "layer 2: inputs is 5; expected 4, which is what layer 1 gives",
        ),
        (
            |m| nest(nest(m.linear(3, 4), |m| m.relu()), |m| m).linear(5, 1),
            "layer 3: inputs is 5; expected 4, which is what layer 0 gives",
        ),
        (
            |m| nest(m.linear(3, 4), |m| m.linear(4, 8).tanh().linear(9, 2)),
            "layer 1: layer 2: inputs is 9; expected 8, which is what layer 0 gives",
        ),
        (|m| m.linear(0, 3), "layer 0: linear inputs is 0; expected at least 1"),
        (|m| m.linear(3, 0), "layer 0: linear outputs is 0; expected at least 1"),
        (|m| m.linear(0, 0), "layer 0: linear inputs is 0; expected at least 1"),
        (|m| m.linear_without_bias(0, 3), "layer 0: linear inputs is 0; expected at least 1"),
        (|m| m.tanh().linear_without_bias(3, 0), "layer 1: linear outputs is 0; expected at least 1"),
        (|m| nest(m.relu(), |m| m.linear(3, 0)), "layer 1: layer 0: linear outputs is 0; expected at least 1"),
        (|m| m.dropout(1.5), "layer 0: dropout p is 1.5; expected a probability, 0 to 1"),
        (|m| m.linear(1, 1).dropout(-0.1), "layer 1: dropout p is -0.1; expected a probability, 0 to 1"),
        (|m| m.dropout(f64::NAN), "layer 0: dropout p is NaN; expected a probability, 0 to 1"),
        (|m| m.dropout(f64::INFINITY), "layer 0: dropout p is inf; expected a probability, 0 to 1"),
        (|m| m.dropout(1.0 + f64::EPSILON), "layer 0: dropout p is 1.0000000000000002; expected a probability, 0 to 1"),
        (
            |m| nest(m.linear(2, 2), |m| m.dropout(0.5).dropout(2.0)),
            "layer 1: layer 1: dropout p is 2; expected a probability, 0 to 1",
        ),
    ];
    for (write, expected) in table {
        let error = write(Sequential::new()).build(Params::new().root(), &mut rng(0)).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), ErrorKind::Option);
    }
}

#[test]
fn layers_alone_refuse_the_same() {
    let mut params = Params::<f64>::new();
    let said = |error: Error| error.to_string();
    assert_eq!(
        said(Linear::new(params.root(), 0, 1, &mut rng(0)).unwrap_err()),
        "linear inputs is 0; expected at least 1"
    );
    assert_eq!(
        said(Linear::without_bias(params.root(), 1, 0, &mut rng(0)).unwrap_err()),
        "linear outputs is 0; expected at least 1"
    );
    assert_eq!(said(Dropout::new(f64::NAN).unwrap_err()), "dropout p is NaN; expected a probability, 0 to 1");
    assert!(params.is_empty());
    for p in [0.0, 0.25, 1.0] {
        assert_eq!(Dropout::new(p).unwrap().p(), p);
    }
}

#[test]
fn two_models_at_one_place_are_an_error() {
    let write: Write<f64> = |m| m.linear(2, 3).relu().linear(3, 1);
    for (place, name) in [("", "0.weight"), ("net", "net.0.weight")] {
        let mut params = Params::new();
        let mut build = |seed| match place {
            "" => write(Sequential::new()).build(params.root(), &mut rng(seed)),
            _ => write(Sequential::new()).build(params.at(place), &mut rng(seed)),
        };
        build(0).unwrap();
        let error = build(1).unwrap_err();
        let expected = format!("layer 0: parameter name is {name:?}, already taken; expected a name of its own");
        assert_eq!((error.to_string(), error.kind()), (expected, ErrorKind::Parameter));

        // The first model is as it was, and there is room for the second elsewhere.
        let first = params.as_slice().to_vec();
        let (alone, _) = built(0, write);
        assert_eq!(bits(&first), bits(alone.as_slice()));
        write(Sequential::new()).build(params.at("other"), &mut rng(1)).unwrap();
        assert_eq!(params.len(), 8);
    }
}

#[test]
fn a_collision_further_down_is_an_error_too() {
    let (mut params, _) = built::<f64>(0, |m| m.relu().linear(2, 3));
    let error = Sequential::new().relu().layer(|mut scope, rng| {
        scope.add("bias", &array![1.0])?;
        Linear::new(scope, 2, 3, rng)
    });
    let error = error.build(params.at("new"), &mut rng(0)).unwrap_err().to_string();
    assert_eq!(error, "layer 1: parameter name is \"new.1.bias\", already taken; expected a name of its own");
    let error = Sequential::new().tanh().linear_without_bias(2, 1).build(params.root(), &mut rng(0)).unwrap_err();
    assert_eq!(error.to_string(), "layer 1: parameter name is \"1.weight\", already taken; expected a name of its own");
}

/// Whatever a failed build leaves behind, models that were there before go on as before.
#[test]
fn a_failed_build_does_not_disturb_its_neighbours() {
    let (mut params, model) = built::<f64>(3, |m| m.linear(2, 3).tanh().linear(3, 1));
    let run = |params: &Params<f64>| {
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let loss = model.forward(tape.record(params).input(&array![[0.5, -1.0], [2.0, 0.3]])).square().mean();
        loss.backward(&mut grads);
        (loss.item().to_bits(), bits(&grads.as_slice()[..13]))
    };
    let before = run(&params);
    let failing: [Write<f64>; 3] = [|m| m.linear(2, 3).linear(2, 3), |m| m.linear(0, 1), |m| m.dropout(9.0)];
    for write in failing {
        write(Sequential::new()).build(params.at("later"), &mut rng(0)).unwrap_err();
        assert_eq!(run(&params), before);
        assert_eq!(names(&params)[..4], ["0.weight", "0.bias", "2.weight", "2.bias"]);
    }
}

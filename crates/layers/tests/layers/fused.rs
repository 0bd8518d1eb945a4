//! A linear layer and the activation behind it run as one op where they can: what comes out is what the two give.

use crate::common::{ACTIVATIONS, built, config, rng, signed};
use proptest::prelude::{any, proptest};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wane_autodiff::ndarray::{ArrayD, array};
use wane_autodiff::{Activation, Params, Tape, Var};
use wane_layers::{Description, Module, Sequential};

/// The value, and the gradients by x, weight and bias.
type Results = Vec<ArrayD<f64>>;

/// The results of `f` over a linear layer's parameters and x, with a gradient of its own for each output.
fn results(
    params: &Params<f64>,
    seed: u64,
    x: &ArrayD<f64>,
    f: impl for<'g> Fn(Var<'g, f64>) -> Var<'g, f64>,
) -> Results {
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let x = tape.record(params).variable(x);
    let y = f(x);
    let &[rows, columns] = y.shape().dims() else { panic!("a layer gives a matrix") };
    y.backward_from(&signed(&mut rng(seed), (rows, columns)), &mut grads);
    let of_params = params.ids().into_iter().map(|id| grads.get(id).unwrap().to_owned());
    [y.to_array(), x.grad().unwrap()].into_iter().chain(of_params).collect()
}

/// Checks every array to 1e-14 of its largest element, or of 1: operands are of about that size, and sums of some
/// twenty of them.
fn assert_close(what: &str, given: &Results, expected: &Results) {
    assert_eq!(given.len(), expected.len(), "{what}");
    for (part, (given, expected)) in given.iter().zip(expected).enumerate() {
        assert_eq!(given.shape(), expected.shape(), "{what}, part {part}");
        let scale = expected.iter().fold(1.0, |most: f64, value| most.max(value.abs()));
        for (given, expected) in given.iter().zip(expected) {
            assert!((given - expected).abs() <= 1e-14 * scale, "{what}, part {part}: {given} for {expected}");
        }
    }
}

fn fused_is_separate((batch, inputs, outputs): (usize, usize, usize), biased: bool, seed: u64) {
    let x = signed(&mut rng(seed), (batch, inputs)).into_dyn();
    for (activation, op) in ACTIVATIONS {
        let what = format!("{activation:?} behind ({batch}, {inputs}) → {outputs}, bias {biased}, seed {seed}");
        let (params, model) = built(seed, |m| match biased {
            true => m.linear(inputs, outputs).activation(activation),
            false => m.linear_without_bias(inputs, outputs).activation(activation),
        });
        let weight = params.id("0.weight").unwrap();
        let bias = biased.then(|| params.id("0.bias").unwrap());
        let fused = results(&params, seed, &x, |x| model.forward(x));
        let separate = results(&params, seed, &x, |x| {
            let graph = x.graph();
            x.linear(graph.param(weight), bias.map(|bias| graph.param(bias)), None).activate(activation)
        });
        let by_layer = results(&params, seed, &x, |x| {
            model.layers().iter().fold(x, |x, layer| {
                let y = layer.forward(x);
                y + 0.0
            })
        });
        let spelt_out = results(&params, seed, &x, |x| {
            let product = x.matmul(x.graph().param(weight).t());
            op(match bias {
                Some(bias) => product + x.graph().param(bias),
                None => product,
            })
        });
        for (way, other) in [("separate", separate), ("layer by layer", by_layer), ("spelt out", spelt_out)] {
            assert_close(&format!("{what}: {way}"), &fused, &other);
        }
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn for_every_activation(
        batch in 1..=20_usize,
        inputs in 1..=20_usize,
        outputs in 1..=20_usize,
        biased in any::<bool>(),
        seed in any::<u64>(),
    ) {
        fused_is_separate((batch, inputs, outputs), biased, seed);
    }
}

/// At 0 itself, where one-sided derivatives differ, both ways choose alike.
#[test]
fn at_the_kink_too() {
    for (activation, op) in ACTIVATIONS {
        let (mut params, model) = built(0, |m| m.linear(1, 2).activation(activation));
        params.as_mut_slice().fill(0.0);
        let fused = results(&params, 1, &array![[1.0], [-3.0]].into_dyn(), |x| model.forward(x));
        let (weight, bias) = (params.ids()[0], params.ids()[1]);
        let spelt_out = results(&params, 1, &array![[1.0], [-3.0]].into_dyn(), |x| {
            op(x.matmul(x.graph().param(weight).t()) + x.graph().param(bias))
        });
        assert_close(&format!("{activation:?}"), &fused, &spelt_out);
    }
}

/// An activation is applied once, wherever it stands: behind a layer, first, behind another, behind dropout.
#[test]
fn activations_are_applied_once_each_and_in_order() {
    let x = array![[0.7, -1.3], [-0.2, 2.5]].into_dyn();
    let (params, model) = built(4, |m| m.tanh().linear(2, 3).relu().softplus().dropout(0.5).silu().gelu());
    let (weight, bias) = (params.ids()[0], params.ids()[1]);
    let given = results(&params, 2, &x, |x| model.forward(x));
    let expected = results(&params, 2, &x, |x| {
        let z = x.tanh().matmul(x.graph().param(weight).t()) + x.graph().param(bias);
        z.relu().softplus().silu().gelu()
    });
    assert_close("in order", &given, &expected);
}

#[test]
fn no_layer_is_the_identity() {
    let (params, model) = built(0, |m| m);
    let x = array![[0.7, -0.0], [f64::MIN_POSITIVE, 2.5]].into_dyn();
    assert_eq!(results(&params, 2, &x, |x| model.forward(x))[0], x);
    assert_eq!((model.layers().len(), params.len()), (0, 0));
}

/// Doubles, and does the activation behind it by itself; counts how often.
#[derive(Debug)]
struct Doubling {
    fused: Arc<AtomicUsize>,
}

impl Module<f64> for Doubling {
    fn forward<'g>(&self, x: Var<'g, f64>) -> Var<'g, f64> {
        x * 2.0
    }

    fn forward_then<'g>(&self, x: Var<'g, f64>, activation: Activation) -> Var<'g, f64> {
        self.fused.fetch_add(1, Ordering::Relaxed);
        (x * 2.0).activate(activation)
    }

    fn describe(&self) -> Description {
        Description { kind: "Doubling".to_owned(), widths: None, parameters: Vec::new() }
    }
}

#[test]
fn a_users_layer_is_handed_the_activation_behind_it() {
    let fused = Arc::new(AtomicUsize::new(0));
    let layer = Doubling { fused: Arc::clone(&fused) };
    let model = Sequential::new().layer(|_, _| Ok(layer)).relu().tanh();
    let mut params = Params::new();
    let model = model.build(params.root(), &mut rng(0)).unwrap();
    let mut tape = Tape::new();
    let y = model.forward(tape.record(&params).input(&array![[0.5, -0.5]])).to_array();
    assert_eq!(y, array![[1.0_f64.tanh(), 0.0]].into_dyn());
    assert_eq!(fused.load(Ordering::Relaxed), 1);
}

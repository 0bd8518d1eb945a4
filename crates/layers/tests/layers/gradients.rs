//! Every layer's gradient, by parameters and by inputs, against central differences, at shapes and values drawn at
//! random.
//!
//! What a model gives is multiplied by random weights before it is summed: each element has a gradient of its own.

use crate::common::{ACTIVATIONS, bits, config, rng, signed};
use proptest::prelude::{any, proptest};
use wane_autodiff::{Activation, Graph, ParamId, Params, Tape, Var, gradcheck};
use wane_layers::{Description, Module, Sequential, SequentialBuilder};

/// Batch, features in, features between layers.
type Dims = (usize, usize, usize);

/// How far from 0 the input of an activation that bends there is to be: well beyond the step of the differences.
const CLEARANCE: f64 = 1e-3;

/// A model, its parameters, and among them the input it is given.
struct Case {
    params: Params<f64>,
    x: ParamId,
    model: Sequential<f64>,
    seed: u64,
}

impl Case {
    fn new(seed: u64, dims: Dims, write: &dyn Fn(SequentialBuilder<f64>) -> SequentialBuilder<f64>) -> Self {
        let (mut params, mut rng) = (Params::new(), rng(seed));
        let x = params.root().add("x", &signed(&mut rng, (dims.0, dims.1))).unwrap();
        let model = write(Sequential::new()).build(params.at("model"), &mut rng).unwrap();
        Self { params, x, model, seed }
    }

    /// The same masks each time.
    fn in_training<'g>(&self, graph: Graph<'g, f64>) -> Graph<'g, f64> {
        graph.training(&mut rng(self.seed))
    }

    fn weighted_sum<'g>(&self, x: Var<'g, f64>) -> Var<'g, f64> {
        let y = self.model.forward(x);
        let &[rows, columns] = y.shape().dims() else { panic!("a model gives a matrix") };
        (y * x.graph().input(&signed(&mut rng(!self.seed), (rows, columns)))).sum()
    }

    fn is_clear_of_kinks(&self) -> bool {
        let mut tape = Tape::new();
        let mut x = self.in_training(tape.record(&self.params)).param(self.x);
        self.model.layers().iter().all(|layer| {
            let activation = layer.as_activation();
            let bends = matches!(activation, Some(Activation::Relu | Activation::LeakyRelu(_) | Activation::Elu(_)));
            let clear = !bends || x.to_array().iter().all(|x| x.abs() > CLEARANCE);
            x = layer.forward(x);
            clear
        })
    }

    fn check(&self, what: &str) {
        let report = gradcheck(&self.params, |graph| self.weighted_sum(self.in_training(graph).param(self.x)));
        let report = report.unwrap_or_else(|error| panic!("{what}, seed {}: {error}", self.seed));
        assert_eq!(report.checked, self.params.as_slice().len());

        // An input that is no parameter gets the gradient that was just checked.
        let (mut tape, mut grads) = (Tape::new(), self.params.grads());
        self.weighted_sum(self.in_training(tape.record(&self.params)).param(self.x)).backward(&mut grads);
        let expected = bits(grads.get(self.x).unwrap());
        let x = self.in_training(tape.record(&self.params)).variable(&self.params.get(self.x));
        self.weighted_sum(x).backward(&mut grads);
        assert_eq!(bits(&x.grad().unwrap()), expected, "{what}");
        assert!(grads.get(self.x).is_none());
    }
}

/// x + f(x): the input of f has a gradient before f adds to it.
#[derive(Debug)]
struct Skip(Sequential<f64>);

impl Module<f64> for Skip {
    fn forward<'g>(&self, x: Var<'g, f64>) -> Var<'g, f64> {
        x + self.0.forward(x)
    }

    fn describe(&self) -> Description {
        Description { kind: "Skip".to_owned(), ..self.0.describe() }
    }
}

/// Checks the model that `write` writes down, with the first values from `seed` on that lie away from kinks.
fn check(what: &str, seed: u64, dims: Dims, write: impl Fn(SequentialBuilder<f64>) -> SequentialBuilder<f64>) {
    let mut cases = (0..1000).map(|i| Case::new(seed.wrapping_add(i), dims, &write));
    let case = cases.find(Case::is_clear_of_kinks).unwrap_or_else(|| panic!("{what}: always at a kink"));
    case.check(what);
}

fn linear_layers(dims: Dims, seed: u64) {
    let (_, inputs, width) = dims;
    check("linear", seed, dims, |model| model.linear(inputs, width));
    check("linear without bias", seed, dims, |model| model.linear_without_bias(inputs, width));
    check("two linears", seed, dims, |model| model.linear(inputs, width).linear_without_bias(width, inputs));
}

fn activations(dims: Dims, seed: u64) {
    let (_, inputs, width) = dims;
    for (a, _) in ACTIVATIONS {
        check(&format!("{a:?}"), seed, dims, |model| model.activation(a));
        check(&format!("linear, {a:?}"), seed, dims, |model| model.linear(inputs, width).activation(a));
        check(&format!("linear without bias, {a:?}"), seed, dims, |model| {
            model.linear_without_bias(inputs, width).activation(a)
        });
        check(&format!("linear, {a:?}, linear, {a:?}"), seed, dims, |model| {
            model.linear(inputs, width).activation(a).linear(width, 2).activation(a)
        });
        check(&format!("linear, tanh, {a:?}"), seed, dims, |model| model.linear(inputs, width).tanh().activation(a));
    }
}

fn dropouts(dims: Dims, seed: u64) {
    let (_, inputs, width) = dims;
    for p in [0.0, 0.3, 0.8, 1.0] {
        check(&format!("dropout {p}"), seed, dims, |model| model.dropout(p));
        check(&format!("dropout {p} between layers"), seed, dims, |model| {
            model.linear(inputs, width).leaky_relu().dropout(p).linear(width, 2).relu().dropout(p)
        });
        check(&format!("linear, dropout {p}, tanh"), seed, dims, |model| model.linear(inputs, width).dropout(p).tanh());
    }
}

fn nested_models(dims: Dims, seed: u64) {
    let (_, inputs, width) = dims;
    check("a model in a model", seed, dims, |model| {
        model
            .linear(inputs, width)
            .layer(move |scope, rng| {
                Sequential::new()
                    .tanh()
                    .dropout(0.3)
                    .layer(move |scope, rng| Sequential::new().linear(width, 3).silu().build(scope, rng))
                    .gelu()
                    .linear_without_bias(3, width)
                    .build(scope, rng)
            })
            .softplus()
            .linear(width, 2)
    });
}

fn skips(dims: Dims, seed: u64) {
    let width = dims.1;
    let check = |what: &str, write: fn(SequentialBuilder<f64>, usize) -> SequentialBuilder<f64>| {
        check(what, seed, dims, |model| {
            model.layer(move |scope, rng| Ok(Skip(write(Sequential::new(), width).build(scope, rng)?)))
        });
    };
    check("around a linear", |model, width| model.linear(width, width));
    check("around a linear and its activation", |model, width| model.linear_without_bias(width, width).tanh());
    check("around an activation", |model, _| model.gelu());
    check("around dropout", |model, _| model.dropout(0.4));
    check("around two layers", |model, width| model.dropout(0.4).linear(width, 3).silu().linear(3, width));
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn of_linear_layers(batch in 1..=5_usize, inputs in 1..=5_usize, width in 1..=5_usize, seed in any::<u64>()) {
        linear_layers((batch, inputs, width), seed);
    }

    #[test]
    fn of_activations(batch in 1..=3_usize, inputs in 1..=4_usize, width in 1..=4_usize, seed in any::<u64>()) {
        activations((batch, inputs, width), seed);
    }

    #[test]
    fn of_dropout_in_training(batch in 1..=4_usize, inputs in 1..=4_usize, width in 1..=4_usize, seed in any::<u64>()) {
        dropouts((batch, inputs, width), seed);
    }

    #[test]
    fn of_skips(batch in 1..=4_usize, width in 1..=4_usize, seed in any::<u64>()) {
        skips((batch, width, width), seed);
    }

    #[test]
    fn of_nested_models(batch in 1..=4_usize, inputs in 1..=4_usize, width in 1..=4_usize, seed in any::<u64>()) {
        nested_models((batch, inputs, width), seed);
    }
}

/// Sizes that a gradient goes through in more than one piece: beyond the kernels' tiles, and no multiple of them.
#[test]
fn of_larger_layers() {
    for (dims, seed) in [((33, 17, 9), 0), ((1, 40, 3), 1), ((40, 1, 19), 2)] {
        check("larger", seed, dims, |model| model.linear(dims.1, dims.2).tanh().linear(dims.2, 5));
    }
}

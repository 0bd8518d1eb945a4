//! Models at work: on empty batches, on several threads, with tied and frozen parameters, with a user's own layers.

use crate::common::{ACTIVATIONS, bits, built, names, rng, signed};
use wane_autodiff::ndarray::{Array1, Array2, array};
use wane_autodiff::{Error, Float, ParamId, Params, Scope, Tape, Var};
use wane_layers::{Description, Linear, Module, Sequential};

#[test]
fn an_empty_batch_gives_an_empty_output_and_zero_gradients() {
    for (activation, _) in ACTIVATIONS {
        let (params, model) =
            built::<f64>(0, |m| m.linear(3, 4).activation(activation).dropout(0.5).linear_without_bias(4, 2));
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        grads.as_mut_slice().fill(7.0);
        let graph = tape.record(&params).training(&mut rng(0));
        let x = graph.variable(&Array2::zeros((0, 3)));
        let y = model.forward(x);
        assert_eq!(y.shape().dims(), [0, 2]);
        let sum = y.sum();
        assert_eq!(sum.item(), 0.0);
        sum.backward(&mut grads);
        assert_eq!(bits(grads.as_slice()), vec![0; grads.as_slice().len()], "{activation:?}");
        // They are gradients of zero, not none: the parameters were used.
        assert_eq!(grads.reached(), [true; 3]);
        assert_eq!(x.grad().unwrap().shape(), [0, 3]);
        assert!(y.mean().item().is_nan());
        assert!(y.mse_loss(graph.input(&Array2::zeros((0, 2)))).item().is_nan());
    }
}

/// Values and gradients of one step of training, by their bits.
fn step(params: &Params<f64>, model: &Sequential<f64>, tape: &mut Tape<f64>, seed: u64) -> [Vec<u64>; 2] {
    let mut grads = params.grads();
    let graph = tape.record(params).training(&mut rng(seed));
    let y = model.forward(graph.input(&signed(&mut rng(!seed), (32, 9))));
    y.square().mean().backward(&mut grads);
    [bits(&y.to_array()), bits(grads.as_slice())]
}

#[test]
fn threads_that_share_a_model_compute_the_same_bits() {
    let (params, model) = built(1, |m| {
        m.linear(9, 40).gelu().dropout(0.2).layer(|scope, rng| {
            Sequential::new().linear(40, 17).tanh().dropout(0.5).linear_without_bias(17, 5).build(scope, rng)
        })
    });
    let expected: Vec<_> = (0..20).map(|seed| step(&params, &model, &mut Tape::new(), seed)).collect();
    assert_ne!(expected[0], expected[1]);
    std::thread::scope(|scope| {
        let run = || {
            let mut tape = Tape::new();
            (0..20).map(|seed| step(&params, &model, &mut tape, seed)).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), expected);
        }
    });
}

/// A layer used twice gets the sum of what two layers of the same values get.
#[test]
fn tied_weights_add_their_gradients_up() {
    let mut params = Params::<f64>::new();
    let tied = Linear::new(params.at("tied"), 3, 3, &mut rng(7)).unwrap();
    let write = Sequential::new().layer(move |_, _| Ok(tied)).tanh().layer(move |_, _| Ok(tied));
    let model = write.linear(3, 1).build(params.at("net"), &mut rng(8)).unwrap();
    assert_eq!(names(&params), ["tied.weight", "tied.bias", "net.3.weight", "net.3.bias"]);

    let (mut apart, apart_model) = built(0, |m| m.linear(3, 3).tanh().linear(3, 3).linear(3, 1));
    for (from, to) in [(0, 0), (1, 1), (0, 2), (1, 3), (2, 4), (3, 5)] {
        apart.set(apart.ids()[to], &params.get(params.ids()[from])).unwrap();
    }

    let x = array![[0.4, -1.0, 0.3], [0.9, 0.2, -0.6]];
    let run = |params: &Params<f64>, model: &Sequential<f64>| {
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let loss = model.forward(tape.record(params).input(&x)).square().sum();
        loss.backward(&mut grads);
        (loss.item(), grads)
    };
    let ((loss, grads), (apart_loss, apart_grads)) = (run(&params, &model), run(&apart, &apart_model));
    assert_eq!(loss, apart_loss);
    let of = |at: usize| apart_grads.get(apart.ids()[at]).unwrap();
    for (at, expected) in [&of(0) + &of(2), &of(1) + &of(3), of(4).to_owned(), of(5).to_owned()].iter().enumerate() {
        let given = grads.get(params.ids()[at]).unwrap();
        assert!((&given - expected).iter().all(|error| error.abs() < 1e-14), "{given} for {expected}");
    }
    // Both uses count.
    assert!([0, 1, 2, 3].iter().all(|&at| of(at).iter().all(|g| g.abs() > 1e-6)));
}

#[test]
fn frozen_parameters_get_no_gradient_and_others_the_same() {
    let (mut params, model) = built::<f64>(2, |m| m.linear(4, 6).tanh().linear(6, 6).relu().linear(6, 2));
    let x = signed(&mut rng(3), (5, 4));
    let run = |params: &Params<f64>| {
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        model.forward(tape.record(params).variable(&x)).square().sum().backward(&mut grads);
        grads
    };
    let free = run(&params);
    for pattern in ["0.*", "*.weight", "2.bias", "4.*"] {
        let frozen = params.matching(pattern).unwrap();
        params.freeze(&frozen).unwrap();
        let grads = run(&params);
        for id in params.ids() {
            match frozen.contains(&id) {
                true => assert!(grads.get(id).is_none(), "{pattern}: {}", params.name(id)),
                false => assert_eq!(grads.get(id), free.get(id), "{pattern}: {}", params.name(id)),
            }
        }
        params.unfreeze(&frozen).unwrap();
    }
    params.freeze(&params.ids()).unwrap();
    assert_eq!(run(&params).reached(), [false; 6]);
}

/// y = a·x + c with a learnt number for each feature.
#[derive(Debug)]
struct Affine {
    factors: ParamId,
    shift: ParamId,
    width: usize,
}

impl Affine {
    fn new<T: Float>(mut scope: Scope<'_, T>, width: usize) -> Result<Self, Error> {
        let factors = scope.add("factors", &Array1::from_elem(width, T::of(2.0)))?;
        Ok(Self { factors, shift: scope.add("shift", &Array1::from_elem(1, T::of(-1.0)))?, width })
    }
}

impl<T: Float> Module<T> for Affine {
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        let graph = x.graph();
        x * graph.param(self.factors) + graph.param(self.shift)
    }

    fn describe(&self) -> Description {
        let widths = Some((self.width, self.width));
        Description { kind: "Affine".to_owned(), widths, parameters: vec![(self.factors, self.width), (self.shift, 1)] }
    }
}

#[test]
fn a_users_layer_takes_its_place_in_a_model() {
    let (mut params, model) =
        built::<f64>(0, |m| m.linear(2, 3).layer(|scope, _| Affine::new(scope, 3)).relu().linear(3, 1));
    assert_eq!(names(&params), ["0.weight", "0.bias", "1.factors", "1.shift", "3.weight", "3.bias"]);
    let expected = "\
layer  kind    output      parameters
0      Linear  (batch, 3)           9
1      Affine  (batch, 3)           4
2      Relu    (batch, 3)           0
3      Linear  (batch, 1)           4
total                              17
";
    assert_eq!(model.summary(), expected);

    params.as_mut_slice().copy_from_slice(&[
        1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.5, // 0: x₀, x₁, x₀ + x₁ + 0.5
        2.0, 2.0, 2.0, -1.0, // 1
        1.0, 10.0, 100.0, 3.0, // 3
    ]);
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let y = model.forward(tape.record(&params).input(&array![[1.0, 0.25]]));
    // Behind the linear layer 1, 0.25, 1.75; behind the affine one 1, −0.5, 2.5, of which the middle is cut.
    assert_eq!(y.to_array(), array![[254.0]].into_dyn());
    y.sum().backward(&mut grads);
    assert_eq!(grads.get(params.ids()[2]).unwrap(), array![1.0, 0.0, 175.0].into_dyn());
    assert_eq!(grads.get(params.ids()[3]).unwrap(), array![101.0].into_dyn());
    assert_eq!(grads.get(params.ids()[1]).unwrap(), array![2.0, 0.0, 200.0].into_dyn());
}

#[test]
fn a_users_layer_is_held_to_its_widths() {
    let error = Sequential::<f32>::new().linear(2, 4).tanh().layer(|scope, _| Affine::new(scope, 3));
    let error = error.build(Params::new().root(), &mut rng(0)).unwrap_err().to_string();
    assert_eq!(error, "layer 2: inputs is 3; expected 4, which is what layer 0 gives");
    let error = Sequential::<f32>::new().layer(|scope, _| Affine::new(scope, 3)).dropout(0.5).linear(2, 4);
    let error = error.build(Params::new().root(), &mut rng(0)).unwrap_err().to_string();
    assert_eq!(error, "layer 2: inputs is 2; expected 3, which is what layer 0 gives");
}

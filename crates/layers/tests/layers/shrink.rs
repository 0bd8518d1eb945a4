//! A shrunk model is the same function with fewer neurons; what it can't look into, it leaves and names.

use crate::common::{built, config, names, rng, signed};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use wane_autodiff::ndarray::{Array2, Axis, Ix1, Ix2, array};
use wane_autodiff::rand::{RngExt, seq::IndexedRandom};
use wane_autodiff::{Activation, Params, Rng};
use wane_layers::{Linear, Sequential, ShrinkOptions, Shrunk};

const ACTIVATIONS: [Activation; 9] = [
    Activation::Relu,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::LeakyRelu(0.1),
    Activation::Elu(1.0),
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Silu,
    Activation::Softplus,
];

const DROP: ShrinkOptions = ShrinkOptions { drop_inputs: true };

/// A network of up to four layers, in which rows and columns are zero as `rate` has it.
fn network(rate: f64, rng: &mut Rng) -> (Params<f64>, Sequential<f64>) {
    let widths: Vec<usize> = (0..rng.random_range(2..6)).map(|_| rng.random_range(1..8)).collect();
    let mut builder = Sequential::new();
    for (i, pair) in widths.windows(2).enumerate() {
        builder = if rng.random_bool(0.7) {
            builder.linear(pair[0], pair[1])
        } else {
            builder.linear_without_bias(pair[0], pair[1])
        };
        if i + 2 < widths.len() {
            builder = builder.activation(*ACTIVATIONS.choose(rng).unwrap()).dropout(0.5);
        }
    }
    let mut params = Params::new();
    let model = builder.build(params.root(), rng).unwrap();
    for id in params.ids() {
        if let Ok(mut weight) = params.get(id).to_owned().into_dimensionality::<Ix2>() {
            for axis in [Axis(0), Axis(1)] {
                weight.axis_iter_mut(axis).filter(|_| rng.random_bool(rate)).for_each(|mut row| row.fill(0.0));
            }
            params.set(id, &weight).unwrap();
        }
    }
    (params, model)
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn outputs_stay_and_nothing_more_goes(seed in 0_u64..1 << 40, rate in 0.0..0.8_f64, drop_inputs: bool) {
        let mut rng = rng(seed);
        let (params, model) = network(rate, &mut rng);
        let Shrunk { model: small, params: small_params, report } =
            model.shrink(&params, ShrinkOptions { drop_inputs }).unwrap();

        let inputs = params.iter().next().unwrap().shape.dims()[1];
        let x = signed(&mut rng, (20, inputs));
        let before = model.predict(&params, x.view()).unwrap();
        let after = small.predict(&small_params, x.select(Axis(1), &report.inputs).view()).unwrap();
        prop_assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() <= 1e-12 * (1.0 + a.abs())), "{report}");

        prop_assert_eq!(names(&params), names(&small_params));
        prop_assert_eq!(report.parameters, (params.as_slice().len(), small_params.as_slice().len()));
        prop_assert!(drop_inputs || report.inputs.len() == inputs);
        let again = small.shrink(&small_params, ShrinkOptions { drop_inputs }).unwrap();
        prop_assert_eq!(again.params.as_slice(), small_params.as_slice());

        // What is left is heard and listens, unless it is the last of its layer or a constant that has nowhere to go.
        let weights: Vec<Array2<f64>> =
            small_params.iter().filter_map(|p| small_params.get(p.id).to_owned().into_dimensionality().ok()).collect();
        for (pair, layer) in weights.windows(2).zip(&report.layers) {
            for (neuron, number) in layer.kept.iter().enumerate().filter(|_| layer.kept.len() > 1) {
                let is_zero = |values: wane_autodiff::ndarray::ArrayView1<'_, f64>| values.iter().all(|&w| w == 0.0);
                prop_assert!(!is_zero(pair[1].column(neuron)), "{report}");
                prop_assert_eq!(is_zero(pair[0].row(neuron)), layer.constants.contains(number), "{}", report);
            }
        }
    }

    #[test]
    fn dead_inputs_are_those_that_change_nothing(seed in 0_u64..1 << 40) {
        let mut rng = rng(seed);
        let (params, model) = network(0.4, &mut rng);
        let report = model.shrink(&params, DROP).unwrap().report;
        let inputs = params.iter().next().unwrap().shape.dims()[1];
        let x = signed(&mut rng, (20, inputs));
        let y = model.predict(&params, x.view()).unwrap();
        for &input in &report.dead_inputs {
            let mut other = x.clone();
            other.column_mut(input).fill(1e3);
            prop_assert_eq!(&model.predict(&params, other.view()).unwrap(), &y);
        }
    }
}

fn set(params: &mut Params<f64>, name: &str, values: Array2<f64>) {
    params.set(params.id(name).unwrap(), &values).unwrap();
}

/// The neuron before one that has gone goes too, and a constant through an activation ends in the bias.
#[test]
fn what_goes_takes_others_with_it() {
    let (mut params, model) = built::<f64>(1, |m| m.linear(1, 2).relu().linear(2, 2).sigmoid().linear(2, 1));
    set(&mut params, "2.weight", array![[1.0, 0.0], [0.0, 3.0]]);
    set(&mut params, "4.weight", array![[0.5, 0.0]]);
    let small = model.shrink(&params, ShrinkOptions::default()).unwrap();
    let layers = small.report.layers.iter();
    let kept: Vec<_> = layers.map(|layer| (layer.layer, layer.is_hidden, &layer.kept[..], layer.removed())).collect();
    assert_eq!(kept, [(0, true, &[0][..], 1), (2, true, &[0][..], 1), (4, false, &[0][..], 0)]);
    assert_eq!(
        small.report.to_string(),
        "layer 0: 1 of 2 neurons\nlayer 2: 1 of 2 neurons\nlayer 4: 1 of 1 neurons\nparameters: 6 of 13"
    );

    set(&mut params, "2.weight", array![[0.0, 0.0], [1.0, 1.0]]);
    set(&mut params, "4.weight", array![[0.5, 2.0]]);
    let small = model.shrink(&params, ShrinkOptions::default()).unwrap();
    let bias =
        |params: &Params<f64>, name| params.get(params.id(name).unwrap()).into_dimensionality::<Ix1>().unwrap()[0];
    let sigmoid = 1.0 / (1.0 + (-bias(&params, "2.bias")).exp());
    assert!((bias(&small.params, "4.bias") - (bias(&params, "4.bias") + 0.5 * sigmoid)).abs() < 1e-15);
}

#[test]
fn a_constant_without_a_bias_to_go_to_stays_and_is_named() {
    let (mut params, model) = built::<f64>(1, |m| m.linear(1, 2).sigmoid().linear_without_bias(2, 1));
    set(&mut params, "0.weight", array![[1.0], [0.0]]);
    let report = model.shrink(&params, ShrinkOptions::default()).unwrap().report;
    assert_eq!((&report.layers[0].kept[..], &report.layers[0].constants[..]), (&[0, 1][..], &[1][..]));
    assert!(report.to_string().starts_with("layer 0: 2 of 2 neurons, 1 of them constant\n"));
}

#[test]
fn a_model_of_zeros_keeps_one_of_each() {
    let (mut params, model) = built::<f64>(1, |m| m.linear(3, 4).relu().linear(4, 2));
    set(&mut params, "0.weight", Array2::zeros((4, 3)));
    let small = model.shrink(&params, DROP).unwrap();
    assert_eq!((&small.report.inputs[..], &small.report.dead_inputs[..]), (&[0][..], &[0, 1, 2][..]));
    assert_eq!(small.report.layers[0].kept.len(), 1);
    assert!(small.report.to_string().contains("\ninputs: 0 of 3 used; not column 0, column 1, column 2\n"));
    let (x, kept) = (array![[1.0, 2.0, 3.0]], array![[1.0]]);
    let (before, after) =
        (model.predict(&params, x.view()).unwrap(), small.model.predict(&small.params, kept.view()).unwrap());
    assert!((before - after).iter().all(|error| error.abs() < 1e-15));
}

#[test]
fn columns_are_selected_by_hand() {
    let (mut params, model) = built::<f64>(1, |m| m.tanh().linear(3, 2).relu().linear(2, 1));
    set(&mut params, "1.weight", array![[1.0, 0.0, 2.0], [0.5, 0.0, -1.0]]);
    let x = array![[0.3, 5.0, -0.2], [1.0, -1.0, 0.7]];
    let small = model.select_inputs(&params, &[0, 2]).unwrap();
    let after = small.model.predict(&small.params, x.select(Axis(1), &[0, 2]).view()).unwrap();
    assert!((model.predict(&params, x.view()).unwrap() - after).iter().all(|error| error.abs() < 1e-15));
    assert_eq!((small.report.inputs, small.report.parameters), (vec![0, 2], (11, 9)));
    // Also those that are used.
    let small = model.select_inputs(&params, &[1, 2]).unwrap();
    let weight = small.params.get(small.params.id("1.weight").unwrap()).to_owned();
    assert_eq!(weight, array![[0.0, 2.0], [0.0, -1.0]].into_dyn());
    assert_eq!((&small.report.inputs[..], &small.report.dead_inputs[..]), (&[1, 2][..], &[0, 1][..]));
    assert!(small.report.to_string().contains("\ninputs: 1 of 3 used; not column 0, column 1\n"), "{}", small.report);

    let said = |columns: &[usize]| model.select_inputs(&params, columns).unwrap_err().to_string();
    assert_eq!(said(&[]), "number of columns is 0; expected at least 1");
    assert_eq!(said(&[1, 1]), "column is 1; expected above 1, as columns rise");
    assert_eq!(said(&[0, 3]), "column is 3; expected below 3");
    let (params, model) = built::<f64>(1, |m| m.layer_norm(2).linear(2, 2));
    let error = model.select_inputs(&params, &[0]).unwrap_err().to_string();
    assert_eq!(error, "first layer is LayerNorm(eps=1e-5); expected linear, with parameters of its own");
}

#[test]
fn other_layers_and_their_neighbours_are_left() {
    let (mut params, model) =
        built::<f64>(1, |m| m.linear(2, 3).layer_norm(3).linear(3, 3).relu().residual(Sequential::new().linear(3, 3)));
    set(&mut params, "0.weight", Array2::zeros((3, 2)));
    set(&mut params, "2.weight", Array2::zeros((3, 3)));
    let small = model.shrink(&params, ShrinkOptions::default()).unwrap();
    let untouched: Vec<_> = small.report.untouched.iter().map(|(number, _)| *number).collect();
    assert_eq!(untouched, [1, 4]);
    assert!(small.report.layers.iter().all(|layer| layer.removed() == 0 && !layer.is_hidden));
    assert_eq!(small.params.as_slice(), params.as_slice());

    // A norm before the first linear layer: no column of x can be told to be dead.
    let (mut params, model) = built::<f64>(1, |m| m.layer_norm(2).linear(2, 2));
    set(&mut params, "1.weight", Array2::zeros((2, 2)));
    let report = model.shrink(&params, DROP).unwrap().report;
    assert_eq!((report.inputs, report.dead_inputs), (vec![0, 1], vec![]));
}

#[test]
fn layers_that_share_parameters_are_left() {
    let (mut params, mut random) = (Params::<f64>::new(), rng(1));
    let linear = Linear::new(params.at("a"), 2, 2, &mut random).unwrap();
    let (weight, bias) = (linear.weight(), linear.bias());
    let twice = [Linear::tied(&params, weight, bias).unwrap(), linear];
    let [first, second] = twice.map(|linear| move |_: wane_autodiff::Scope<'_, f64>, _: &mut Rng| Ok(linear));
    let model = Sequential::new().layer(first).relu().layer(second).build(params.at("m"), &mut random).unwrap();
    set(&mut params, "a.weight", array![[1.0, 0.0], [0.0, 0.0]]);
    let small = model.shrink(&params, DROP).unwrap();
    assert_eq!(small.report.untouched.len(), 2);
    assert_eq!(small.params.as_slice(), params.as_slice());
}

#[test]
fn frozen_stays_frozen_and_not_a_number_stays() {
    let (mut params, model) = built::<f64>(1, |m| m.linear(1, 2).relu().linear(2, 1));
    let frozen = params.id("2.weight").unwrap();
    params.freeze(&[frozen]).unwrap();
    set(&mut params, "0.weight", array![[f64::NAN], [1.0]]);
    set(&mut params, "2.weight", array![[0.0, 1.0]]);
    let small = model.shrink(&params, ShrinkOptions::default()).unwrap();
    assert_eq!(small.report.layers[0].kept, [0, 1]);
    assert_eq!(small.params.iter().map(|param| param.frozen).collect::<Vec<_>>(), [false, false, true, false]);
    assert!(small.model.predict(&small.params, array![[1.0]].view()).unwrap()[[0, 0]].is_nan());
}

/// A weight that a constant 0 is multiplied by, and the bias of a neuron that nobody listens to.
#[test]
fn not_a_number_times_zero_stays() {
    for bad in [f64::NAN, f64::INFINITY] {
        let (mut params, model) = built::<f64>(1, |m| m.linear(1, 2).relu().linear(2, 1));
        let bias = params.id("0.bias").unwrap();
        set(&mut params, "0.weight", array![[0.0], [1.0]]);
        params.set(bias, &array![-1.0, 0.0]).unwrap();
        set(&mut params, "2.weight", array![[bad, 1.0]]);
        let beside_constant = params.clone();
        set(&mut params, "0.weight", array![[1.0], [1.0]]);
        params.set(bias, &array![bad, 0.0]).unwrap();
        set(&mut params, "2.weight", array![[0.0, 1.0]]);
        for params in [beside_constant, params] {
            let small = model.shrink(&params, ShrinkOptions::default()).unwrap();
            assert_eq!(small.report.layers[0].kept, [0, 1]);
            for (model, params) in [(&model, &params), (&small.model, &small.params)] {
                assert!(model.predict(params, array![[1.0]].view()).unwrap()[[0, 0]].is_nan());
            }
        }
    }
}

#[test]
fn parameters_of_another_model_are_refused() {
    let (_, model) = built::<f64>(1, |m| m.linear(1, 2).relu().linear(2, 1));
    let (others, _) = built::<f64>(1, |m| m.linear(1, 2));
    model.shrink(&others, DROP).unwrap_err();
}

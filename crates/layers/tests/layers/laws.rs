//! Inits: the laws of `torch.nn.init` (`data/inits.json`, which `scripts/torch_inits.py` wrote), what is drawn from them,
//! and the options that are refused.

use crate::common::{bits, built, names, rng};
use serde::Deserialize;
use wane_autodiff::ndarray::{Array1, Array2, ArrayD};
use wane_autodiff::{Activation, ErrorKind, Float, Params};
use wane_layers::{Fan, Init, Linear, Sequential, gain};

/// Shape, name, gain and fan; then uniform or normal, and the two numbers of that.
type Law = (Vec<usize>, String, f64, Option<String>, String, f64, f64);

#[derive(Deserialize)]
struct Document {
    gains: Vec<(String, Option<f64>, f64)>,
    laws: Vec<Law>,
}

fn document() -> Document {
    serde_json::from_str(include_str!("../data/inits.json")).expect("the script's own format")
}

fn init(name: &str, gain: f64, fan: Option<&str>) -> Init {
    let fan = if fan == Some("out") { Fan::Out } else { Fan::In };
    match name {
        "xavier_uniform" => Init::XavierUniform { gain },
        "xavier_normal" => Init::XavierNormal { gain },
        "kaiming_uniform" => Init::KaimingUniform { gain, fan },
        "kaiming_normal" => Init::KaimingNormal { gain, fan },
        other => panic!("{other:?} is not known"),
    }
}

fn drawn(init: Init, dims: &[usize], seed: u64) -> ArrayD<f64> {
    init.draw(dims, &mut rng(seed)).unwrap()
}

#[test]
fn gains_are_pytorchs() {
    let gains = document().gains;
    assert_eq!(gains.len(), 8);
    for (name, slope, expected) in gains {
        let activation = match name.as_str() {
            "sigmoid" => Activation::Sigmoid,
            "tanh" => Activation::Tanh,
            "relu" => Activation::Relu,
            _ => Activation::LeakyRelu(slope.unwrap()),
        };
        assert_eq!(gain(activation).unwrap(), expected, "{activation:?}");
    }
    for (activation, shown) in [
        (Activation::Gelu, "Gelu"),
        (Activation::Elu(1.0), "Elu(1.0)"),
        (Activation::LeakyRelu(f64::NAN), "LeakyRelu(NaN)"),
        (Activation::LeakyRelu(f64::INFINITY), "LeakyRelu(inf)"),
    ] {
        let error = gain(activation).unwrap_err();
        let expected = "Sigmoid, Tanh, Relu or LeakyRelu with a finite slope, for which there is a gain";
        assert_eq!(error.to_string(), format!("activation is {shown}; expected {expected}"));
    }
}

/// The law of a name is the uniform or normal one with PyTorch's numbers: from one seed, both draw the same.
#[test]
fn laws_are_pytorchs() {
    let laws = document().laws;
    assert_eq!(laws.len(), 80);
    for (dims, name, gain, fan, kind, first, second) in laws {
        let given = drawn(init(&name, gain, fan.as_deref()), &dims, 3);
        let law = match kind.as_str() {
            "uniform" => Init::Uniform(first, second),
            _ => Init::Normal { mean: first, std: second },
        };
        let expected = drawn(law, &dims, 3);
        assert_eq!(given.shape(), dims);
        for (given, expected) in given.iter().zip(&expected) {
            assert!(
                (given - expected).abs() <= 2e-15 * second,
                "{name}, {gain}, {fan:?} of {dims:?}: {given}, {expected}"
            );
        }
    }
}

/// Mean and variance within five standard deviations of theirs.
fn check_moments(what: &str, x: &ArrayD<f64>, mean: f64, variance: f64, fourth: f64) {
    let n = x.len() as f64;
    let given = x.iter().sum::<f64>() / n;
    assert!((given - mean).abs() < 5.0 * (variance / n).sqrt(), "{what}: mean {given}");
    let given = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let bound = 5.0 * ((fourth - variance * variance) / n).sqrt();
    assert!((given - variance).abs() < bound, "{what}: variance {given}, wanted {variance} ± {bound}");
}

#[test]
fn draws_follow_their_law() {
    let dims = [400, 500];
    let x = drawn(Init::Uniform(-1.0, 3.0), &dims, 1);
    check_moments("uniform", &x, 1.0, 16.0 / 12.0, 16.0 / 5.0);
    let least = x.iter().fold(f64::INFINITY, |least, &x| least.min(x));
    let most = x.iter().fold(f64::NEG_INFINITY, |most, &x| most.max(x));
    assert!((-1.0..-0.999).contains(&least) && (2.999..3.0).contains(&most), "{least} to {most}");

    let x = drawn(Init::Normal { mean: 2.0, std: 0.5 }, &dims, 2);
    check_moments("normal", &x, 2.0, 0.25, 3.0 * 0.0625);
    let beyond = x.iter().filter(|&&x| (x - 2.0).abs() > 1.0).count() as f64 / 2e5;
    // P(|z| > 2) = 0.0455.
    assert!((beyond - 0.0455).abs() < 5.0 * (0.0455_f64 * 0.9545 / 2e5).sqrt(), "{beyond}");

    assert!(drawn(Init::Constant(0.3), &dims, 3).iter().all(|&x| x == 0.3));
    assert!(drawn(Init::Uniform(0.3, 0.3), &dims, 3).iter().all(|&x| x == 0.3));
    assert!(drawn(Init::Normal { mean: 0.3, std: 0.0 }, &dims, 3).iter().all(|&x| x == 0.3));
    assert!(drawn(Init::XavierUniform { gain: 0.0 }, &dims, 3).iter().all(|&x| x == 0.0));
}

/// Kaiming's point: behind a ReLU, the mean square of what comes out is that of what goes in.
#[test]
fn kaiming_keeps_the_mean_square_behind_a_relu() {
    let init = Init::KaimingNormal { gain: gain(Activation::Relu).unwrap(), fan: Fan::In };
    let weight = drawn(init, &[800, 800], 4).into_dimensionality::<wane_autodiff::ndarray::Ix2>().unwrap();
    let mut x: Array1<f64> = drawn(Init::Normal { mean: 0.0, std: 1.0 }, &[800], 5).into_dimensionality().unwrap();
    let before = x.dot(&x);
    x = weight.dot(&x).mapv(|z| z.max(0.0));
    // The variance of a mean of 800 squares of half-normals, of which each has 4·(3/2 − 1/4) = 5.
    assert!((x.dot(&x) / before - 1.0).abs() < 5.0 * (5.0_f64 / 800.0).sqrt(), "{}", x.dot(&x) / before);
}

fn matrix(init: Init, dims: (usize, usize), seed: u64) -> Array2<f64> {
    drawn(init, &[dims.0, dims.1], seed).into_dimensionality().unwrap()
}

#[test]
fn orthogonal_weights_are_orthonormal_along_their_shorter_side() {
    for dims in [(1, 1), (5, 5), (3, 17), (17, 3), (1, 9), (9, 1), (64, 64), (200, 150), (150, 200)] {
        for gain in [1.0, 2.5, -1.0] {
            let q = matrix(Init::Orthogonal { gain }, dims, 7);
            let gram = if dims.0 <= dims.1 { q.dot(&q.t()) } else { q.t().dot(&q) };
            let worst = (gram / (gain * gain) - Array2::<f64>::eye(dims.0.min(dims.1))).mapv(f64::abs);
            assert!(worst.iter().all(|&x| x < 1e-12), "{dims:?}: {worst}");
        }
        // f32 weights are these, rounded.
        let wide = matrix(Init::Orthogonal { gain: 1.0 }, dims, 7);
        let narrow: ArrayD<f32> = Init::Orthogonal { gain: 1.0 }.draw(&[dims.0, dims.1], &mut rng(7)).unwrap();
        assert!(wide.iter().zip(&narrow).all(|(&wide, &narrow)| wide as f32 == narrow));
    }
    // Axes behind the first are one.
    let flat = drawn(Init::Orthogonal { gain: 1.0 }, &[4, 6], 8);
    assert_eq!(bits(&flat), bits(&drawn(Init::Orthogonal { gain: 1.0 }, &[4, 2, 3], 8)));
}

/// Of a uniform orthogonal matrix, the trace has mean 0 and mean square 1. A factor Q whose signs are those that a QR by
/// reflections happens to leave has a trace below 0.
#[test]
fn orthogonal_weights_are_uniform() {
    for n in [2, 3, 6] {
        let traces: Vec<_> =
            (0..4000).map(|seed| matrix(Init::Orthogonal { gain: 1.0 }, (n, n), seed).diag().sum()).collect();
        let mean = |f: &dyn Fn(f64) -> f64| traces.iter().map(|&trace| f(trace)).sum::<f64>() / 4000.0;
        let (first, second) = (mean(&|t| t), mean(&|t| t * t));
        assert!(first.abs() < 5.0 / 4000.0_f64.sqrt(), "{n}: {first}");
        // The fourth moment is at most 3.
        assert!((second - 1.0).abs() < 5.0 * (2.0 / 4000.0_f64).sqrt(), "{n}: {second}");
    }
}

#[test]
fn weights_without_elements_are_drawn_without_a_fault() {
    let fans = [Fan::In, Fan::Out];
    let kaiming = fans.map(|fan| [Init::KaimingUniform { gain: 1.0, fan }, Init::KaimingNormal { gain: 1.0, fan }]);
    let others = [Init::XavierNormal { gain: 1.0 }, Init::Orthogonal { gain: 1.0 }, Init::Uniform(0.0, 1.0)];
    for init in kaiming.into_iter().flatten().chain(others) {
        for dims in [[0, 3], [3, 0], [0, 0]] {
            assert_eq!(drawn(init, &dims, 0).shape(), dims);
        }
    }
}

#[test]
fn options_out_of_range_are_errors() {
    const NAN: f64 = f64::NAN;
    let weight: &[usize] = &[2, 3];
    let non_negative = "a finite number, 0 or above";
    let bounds = "two finite numbers, the lower one first";
    let axes = "two axes or more, (out, in, …)";
    let table: [(Init, &[usize], &str, &str, &str); 19] = [
        (Init::Uniform(1.0, 0.0), &[2], "uniform bounds", "1 to 0", bounds),
        (Init::Uniform(NAN, 0.0), &[2], "uniform bounds", "NaN to 0", bounds),
        (Init::Uniform(0.0, NAN), weight, "uniform bounds", "0 to NaN", bounds),
        (Init::Uniform(0.0, f64::INFINITY), weight, "uniform bounds", "0 to inf", bounds),
        (Init::Uniform(-1e308, 1e308), weight, "uniform bounds", "-1e308 to 1e308", bounds),
        (Init::Normal { mean: 0.0, std: -1.0 }, &[2], "normal std", "-1", non_negative),
        (Init::Normal { mean: 0.0, std: NAN }, &[2], "normal std", "NaN", non_negative),
        (Init::Normal { mean: NAN, std: 1.0 }, &[2], "normal mean", "NaN", "a finite number"),
        (Init::Constant(f64::INFINITY), &[], "constant value", "inf", "a finite number"),
        (Init::XavierUniform { gain: -1.0 }, weight, "xavier_uniform gain", "-1", non_negative),
        (Init::XavierNormal { gain: NAN }, weight, "xavier_normal gain", "NaN", non_negative),
        (Init::KaimingUniform { gain: NAN, fan: Fan::In }, weight, "kaiming_uniform gain", "NaN", non_negative),
        (Init::KaimingNormal { gain: -0.1, fan: Fan::Out }, weight, "kaiming_normal gain", "-0.1", non_negative),
        (Init::Orthogonal { gain: NAN }, weight, "orthogonal gain", "NaN", "a finite number"),
        (Init::XavierUniform { gain: 1.0 }, &[5], "shape for xavier_uniform", "(5,)", axes),
        (Init::XavierNormal { gain: 1.0 }, &[], "shape for xavier_normal", "()", axes),
        (Init::KaimingNormal { gain: 1.0, fan: Fan::Out }, &[5], "shape for kaiming_normal", "(5,)", axes),
        (Init::Orthogonal { gain: 1.0 }, &[5], "shape for orthogonal", "(5,)", axes),
        (Init::Constant(0.0), &[usize::MAX, 2], "shape", "[18446744073709551615, 2]", "one that fits in memory"),
    ];
    for (init, dims, field, given, expected) in table {
        let error = init.draw::<f64>(dims, &mut rng(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Option);
        assert_eq!((error.field(), error.given(), error.expected()), (field, given, expected));
    }
}

#[test]
fn draws_that_the_type_cannot_hold_are_errors() {
    for init in [
        Init::Constant(1e39),
        Init::Uniform(-1e39, 0.0),
        Init::Uniform(1e39, 1e39),
        Init::Uniform(-3e38, 3e38),
        Init::Normal { mean: 0.0, std: 1e38 },
        Init::XavierNormal { gain: 1e39 },
        Init::Orthogonal { gain: -1e39 },
    ] {
        let error = init.draw::<f32>(&[1, 1], &mut rng(0)).unwrap_err();
        assert_eq!(error.expected(), "options whose draws float32 can hold", "{init:?}");
        assert_eq!(error.given(), format!("{init:?}"));
        init.draw::<f64>(&[1, 1], &mut rng(0)).unwrap();
    }
    assert!(Init::XavierUniform { gain: f64::MAX }.draw::<f64>(&[1, 1], &mut rng(0)).is_err());
}

#[test]
fn apply_overwrites_one_parameter_or_nothing() {
    let (mut params, _) = built::<f64>(0, |m| m.linear(3, 4).tanh().linear(4, 2));
    let before = params.clone();
    let (weight, bias) = (params.id("2.weight").unwrap(), params.id("0.bias").unwrap());
    let init = Init::XavierNormal { gain: 1.0 };
    let error = init.apply(&mut params, bias, &mut rng(1)).unwrap_err().to_string();
    assert_eq!(error, "\"0.bias\": shape for xavier_normal is (4,); expected two axes or more, (out, in, …)");
    assert_eq!(bits(params.as_slice()), bits(before.as_slice()));

    init.apply(&mut params, weight, &mut rng(1)).unwrap();
    assert_eq!(params.get(weight), drawn(init, &[2, 4], 1));
    for param in before.iter().filter(|param| param.id != weight) {
        assert_eq!(bits(param.values), bits(params.get(param.id)));
    }
    let mut others = Params::<f64>::new();
    let stranger = others.root().add("v", &Array1::zeros(7)).unwrap();
    assert!(Init::Constant(0.0).apply(&mut params, stranger, &mut rng(0)).is_err());
}

fn starts<T: Float>() {
    let law = Init::KaimingNormal { gain: 1.0, fan: Fan::Out };
    let (params, _) = built::<T>(6, |m| m.relu().linear_with_init(3, 4, law, Some(Init::Constant(0.25))));
    assert_eq!(names(&params), ["1.weight", "1.bias"]);
    assert_eq!(params.get(params.ids()[0]), law.draw::<T>(&[4, 3], &mut rng(6)).unwrap());
    assert!(params.get(params.ids()[1]).iter().all(|&b| b == T::of(0.25)));
    let (params, _) = built::<T>(6, |m| m.linear_with_init(3, 4, law, None));
    assert_eq!(names(&params), ["0.weight"]);
}

#[test]
fn layers_start_by_the_laws_they_are_given() {
    starts::<f32>();
    starts::<f64>();
    // PyTorch's own start, by its own formula: kaiming_uniform with a = √5.
    let own = Init::KaimingUniform { gain: gain(Activation::LeakyRelu(5.0_f64.sqrt())).unwrap(), fan: Fan::In };
    let (params, _) = built::<f64>(2, |m| m.linear(7, 4));
    let expected = drawn(own, &[4, 7], 2);
    let given = params.get(params.ids()[0]);
    assert!(given.iter().zip(&expected).all(|(given, expected)| (given - expected).abs() < 1e-15));
}

#[test]
fn a_layer_with_an_impossible_start_is_an_error() {
    let xavier = Init::XavierUniform { gain: 1.0 };
    let mut params = Params::<f64>::new();
    let error = Linear::with_init(params.root(), (2, 3), xavier, Some(xavier), &mut rng(0)).unwrap_err();
    let expected = "bias: shape for xavier_uniform is (3,); expected two axes or more, (out, in, …)";
    assert_eq!(error.to_string(), expected);
    assert!(params.is_empty());
    let model = Sequential::new().tanh().linear_with_init(2, 3, Init::Uniform(1.0, -1.0), None);
    let error = model.build(params.root(), &mut rng(0)).unwrap_err().to_string();
    let expected = "layer 1: weight: uniform bounds is 1 to -1; expected two finite numbers, the lower one first";
    assert_eq!(error, expected);
}

//! A model's file makes the model again, a predictor gives what the model gives, and neither believes a hostile file.

mod counting;
mod folder;

use counting::allocations;
use folder::Folder;
use serde::Serialize;
use std::path::Path;
use wane_autodiff::ndarray::{self, Array2, array};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Activation, Error, Float, Params, Rng};
use wane_data::StandardScaler;
use wane_layers::{Init, Linear, Sequential, SequentialBuilder};
use wane_train::{ModelCard, Predictor, file, load_model, save_model};

/// Every kind of layer there is.
fn net<T: Float>() -> SequentialBuilder<T> {
    let empty = Sequential::<T>::new;
    let builder = empty()
        .linear(3, 6)
        .layer_norm(6)
        .activation(Activation::LeakyRelu(0.3))
        .residual(empty().rms_norm(6).linear(6, 6).gelu().dropout(0.5).linear_without_bias(6, 6))
        .parallel([empty().linear(6, 2).tanh(), empty(), empty().residual(empty().silu())])
        .linear_with_init(14, 5, Init::Normal { mean: 0.0, std: 0.3 }, Some(Init::Constant(0.1)));
    let others = [Activation::Relu, Activation::Sigmoid, Activation::Elu(0.7), Activation::GeluTanh];
    others.into_iter().fold(builder, SequentialBuilder::activation).softplus().linear(5, 2)
}

fn x<T: Float>(rows: usize) -> Array2<T> {
    let mut rng = Rng::seed_from_u64(5);
    Array2::from_shape_simple_fn((rows, 3), || T::of(rng.random_range(-3.0..30.0)))
}

fn card() -> ModelCard {
    let y = array![[1.0, 20.0], [3.0, -40.0], [5.0, 7.0]];
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    ModelCard {
        x_scaler: Some(StandardScaler::fit(x::<f64>(20).view()).unwrap()),
        y_scaler: Some(StandardScaler::fit(y.view()).unwrap()),
        feature_names: names(&["age", "größe", "weight"]),
        output_names: names(&["a", "b"]),
    }
}

#[test]
fn a_model_comes_back_and_predicts_the_same_bits() {
    fn check<T: Float>() {
        let folder = Folder::new();
        let path = folder.file("net.wane");
        let (mut params, mut rng) = (Params::<T>::new(), Rng::seed_from_u64(0));
        // Beside the parameters of another model, which stay out of the file.
        Sequential::new().linear(2, 2).build(params.at("other"), &mut rng).unwrap();
        let model = net().build(params.at("net"), &mut rng).unwrap();
        let card = card();
        save_model(&path, &model, &params, &card).unwrap();

        let (x, y_scaler) = (x::<T>(7), card.y_scaler.as_ref().unwrap());
        let scaled = card.x_scaler.as_ref().unwrap().transform(x.view()).unwrap();
        let expected = y_scaler.inverse_transform(model.predict(&params, scaled.view()).unwrap().view()).unwrap();
        let mut loaded = load_model::<T>(&path).unwrap();
        assert_eq!(loaded.card(), &card);
        assert_eq!(loaded.model().summary(), model.summary());
        assert_eq!(loaded.params().iter().next().unwrap().name, "0.weight");
        assert_eq!(loaded.predict(x.view()).unwrap(), expected);
        // A layout that is not row-major, and rows of their own, whose sums may be added up in another order.
        let columns = x.t().to_owned();
        assert_eq!(loaded.predict(columns.t()).unwrap(), expected);
        for (row, expected) in x.rows().into_iter().zip(expected.rows()) {
            let outputs = loaded.predict_row(row.to_slice().unwrap()).unwrap();
            let scale = if T::NAME == "float32" { 1e-5 } else { 1e-13 };
            for (&output, &expected) in outputs.iter().zip(expected) {
                assert!((output - expected).abs().widen() <= scale * expected.widen().abs(), "{output} {expected}");
            }
        }
        assert_eq!(loaded.predict(x.slice(ndarray::s![..0, ..])).unwrap().dim(), (0, 2));

        let first = std::fs::read(&path).unwrap();
        let (model, params, card) = loaded.into_parts().unwrap();
        save_model(&path, &model, &params, &card).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first, "the same model, the same file");
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn predictions_allocate_nothing() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
    let model = net().build(params.root(), &mut rng).unwrap();
    let mut predictor = Predictor::new(model, params, card()).unwrap();
    let x = x(16);
    assert!(allocations(|| assert!(predictor.predict(x.view()).is_ok())) > 0, "the counter counts");
    for _ in 0..3 {
        assert_eq!(allocations(|| assert!(predictor.predict(x.view()).is_ok())), 0);
        assert_eq!(allocations(|| assert!(predictor.predict_row(&[1.0, 2.0, 3.0]).is_ok())), 0);
    }
    fn moves_to_a_thread<S: Send>(_: &S) {}
    moves_to_a_thread(&predictor);
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = Folder::new();
    let path = folder.file("net.wane");
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
    let mut save = |builder: SequentialBuilder<f32>, card: &ModelCard, at: &str| {
        let model = builder.build(params.at(at), &mut rng).unwrap();
        save_model(&path, &model, &params, card).unwrap_err().to_string()
    };
    let own = || Sequential::new().layer(|scope, rng| Linear::new(scope, 3, 3, rng));
    let expected =
        "a layer that SequentialBuilder has a method for (one's own: `custom`), all the way down: a file holds no code";
    let message = save(own().linear(3, 2), &ModelCard::default(), "a");
    assert_eq!(message, format!("layer 0 is Linear; expected {expected}"));
    let message = save(Sequential::new().linear(3, 3).residual(own()), &ModelCard::default(), "b");
    assert_eq!(message, format!("layer 1 is Residual(Sequential); expected {expected}"));
    let message = save(Sequential::new().linear(2, 2), &card(), "c");
    assert_eq!(message, "number of columns of the scaler of x is 3; expected 2, as the model has");
    let message = save(Sequential::new().linear(3, 1), &ModelCard { y_scaler: None, ..card() }, "d");
    assert_eq!(message, "number of output names is 2; expected 1, as the model has");
    let names = ["a", "b\0c", "d"].map(str::to_owned).to_vec();
    let card_of = |feature_names| ModelCard { feature_names, ..Default::default() };
    let message = save(Sequential::new().linear(3, 1), &card_of(names), "nul");
    assert_eq!(message, r#"feature name 1 is "b\0c"; expected a text without a NUL"#);
    let many = (0..5000).fold(Sequential::new(), |builder, _| builder.relu());
    let message = save(many, &ModelCard::default(), "many");
    assert_eq!(message, "model: list of layers is 5001 lists and objects of JSON; expected 4096 at most");
    let deep = (0..100).fold(Sequential::new().linear(3, 3), |f, _| Sequential::new().residual(f));
    let message = save(deep, &ModelCard::default(), "e");
    assert!(message.starts_with("model: list of layers is undecodable (recursion limit exceeded"), "{message}");
    assert!(folder.names().is_empty());

    let model = Sequential::new().linear(3, 2).build(params.at("f"), &mut rng).unwrap();
    assert!(save_model(&path, &model, &Params::new(), &ModelCard::default()).is_err());
    assert!(Predictor::new(model, Params::new(), ModelCard::default()).is_err());
    let model = Sequential::new().linear(3, 2).build(params.at("g"), &mut rng).unwrap();
    let mut predictor = Predictor::new(model, params.clone(), ModelCard::default()).unwrap();
    let message = predictor.predict_row(&[1.0, 2.0]).unwrap_err().to_string();
    assert_eq!(message, "number of columns of x is 2; expected 3, as the model takes in");
}

/// What a model's file holds, to write what wane does not.
#[derive(Clone, Serialize)]
struct Saved {
    layers: String,
    weights: Weights,
    x_scaler: Option<(Vec<f64>, Vec<f64>)>,
    y_scaler: Option<(Vec<f64>, Vec<f64>)>,
    feature_names: &'static str,
    output_names: &'static str,
}

#[derive(Clone, Serialize)]
enum Weights {
    Float32(Vec<f32>),
    Float64(Vec<f64>),
}

fn saved(layers: impl Into<String>, weights: usize) -> Saved {
    let weights = Weights::Float32(vec![0.5; weights]);
    Saved { layers: layers.into(), weights, x_scaler: None, y_scaler: None, feature_names: "", output_names: "" }
}

fn load(path: &Path, saved: &Saved) -> Result<Predictor<f32>, Error> {
    file::write(path, "model", saved).unwrap();
    load_model::<f32>(path)
}

#[test]
fn hostile_models_are_refused() {
    let folder = Folder::new();
    let path = folder.file("net.wane");
    let linear = |inputs: usize, outputs: usize| {
        format!(r#"{{"Linear":{{"inputs":{inputs},"outputs":{outputs},"bias":true}}}}"#)
    };
    let two = format!("[{},{}]", linear(2, 3), linear(3, 1));
    assert_eq!(load(&path, &saved(&two, 13)).unwrap().predict_row(&[1.0, 1.0]).unwrap(), [2.75]);

    let huge = format!("[{}]", linear(1 << 20, 1 << 20));
    let beyond = format!("[{}]", linear(usize::MAX, 2));
    let unfit = format!("[{},{}]", linear(2, 3), linear(4, 1));
    let deep = |open: &str, close: &str| format!("[{}{}]", open.repeat(2_000), close.repeat(2_000));
    for (layers, weights, expected) in [
        (two.as_str(), 12, "number of weights is 12; expected 13, as the layers have"),
        (&two, 14, "number of weights is 14; expected 13, as the layers have"),
        (&huge, 13, "number of weights is 13; expected 1099512676352, as the layers have"),
        (&beyond, 13, "number of weights is 13; expected more than can be counted, as the layers have"),
        (&unfit, 14, "layer 1: inputs is 4; expected 3"),
        (&format!("[{}]", linear(0, 0)), 0, "linear inputs is 0"),
        (r#"[{"LayerNorm":{"width":9223372036854775808}}]"#, 0, "more than can be counted"),
        (r#"[{"Dropout":{"p":2.0}}]"#, 0, "dropout p is 2"),
        (r#"[{"Activation":{"Elu":1e999}}]"#, 0, "list of layers is undecodable"),
        (r#"[{"Parallel":[]}]"#, 0, "parallel is 0 branches"),
        (r#"[{"Conv":{}}]"#, 0, "list of layers is undecodable"),
        ("", 0, "list of layers is undecodable"),
        (&deep(r#"{"Residual":["#, "]}"), 0, "list of layers is undecodable"),
        (&deep("[", "]"), 0, "list of layers is undecodable"),
    ] {
        let message = load(&path, &saved(layers, weights)).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{path:?}: ")) && message.contains(expected), "{message}");
    }

    let whole = saved(&two, 13);
    let scaler = |mean: &[f64], scale: &[f64]| Some((mean.to_vec(), scale.to_vec()));
    for (saved, expected) in [
        (
            Saved { weights: Weights::Float64(vec![0.0; 13]), ..whole.clone() },
            "type of the weights is F64; expected float32 (OtherPrecision::Convert takes float16, bfloat16, float32 and \
             float64)",
        ),
        (
            Saved { x_scaler: scaler(&[0.0; 3], &[1.0; 3]), ..whole.clone() },
            "number of columns of the scaler of x is 3",
        ),
        (Saved { x_scaler: scaler(&[0.0; 2], &[1.0]), ..whole.clone() }, "scaler of x: number of scales is 1"),
        (Saved { x_scaler: scaler(&[], &[]), ..whole.clone() }, "scaler of x: number of scales is 0"),
        (Saved { y_scaler: scaler(&[0.0], &[0.0]), ..whole.clone() }, "scaler of y: scale of column 0 is 0"),
        (Saved { y_scaler: scaler(&[f64::NAN], &[1.0]), ..whole.clone() }, "scaler of y: mean of column 0 is NaN"),
        (Saved { feature_names: "\0", ..whole.clone() }, "number of feature names is 1; expected 2, as the model has"),
        (
            Saved { output_names: "a\0b\0", ..whole.clone() },
            "number of output names is 2; expected 1, as the model has",
        ),
    ] {
        let message = load(&path, &saved).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    // Many layers that hold nothing.
    let empty = format!(r#"[{{"Parallel":[{}[{}]]}}]"#, "[],".repeat(4_000), linear(2, 3));
    assert!(load(&path, &saved(empty, 9)).is_ok());
}

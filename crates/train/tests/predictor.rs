//! Norms' options, layers of one's own and other precisions go through a model's file; predictors share a model, each in a
//! thread of its own, and refuse what no model was trained on.

mod counting;
mod folder;

use counting::allocations;
use folder::Folder;
use std::thread;
use wane_autodiff::ndarray::{Array1, Array2, ArrayView2, Axis, array};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Error, Float, ParamId, Params, Rng, Scope, Var};
use wane_data::StandardScaler;
use wane_layers::{CustomLayer, Description, LayerNormOptions, Linear, Module, RmsNormOptions, Sequential};
use wane_train::{ModelCard, OtherPrecision, Predictor, load_model, load_model_with, save_model};

fn x<T: Float>(rows: usize) -> Array2<T> {
    let mut rng = Rng::seed_from_u64(5);
    Array2::from_shape_simple_fn((rows, 3), || T::of(rng.random_range(-3.0..30.0)))
}

/// Moves all weights from where they started, so that none is a one or a zero.
fn shaken<T: Float>(params: &mut Params<T>) {
    let mut rng = Rng::seed_from_u64(6);
    params.as_mut_slice().iter_mut().for_each(|weight| *weight += T::of(rng.random_range(-0.3..0.3)));
}

#[test]
fn norms_come_back_with_their_options() {
    let folder = Folder::new();
    let path = folder.file("net.wane");
    let layer = [(true, true), (true, false), (false, true), (false, false)];
    let rms = [(None, true), (Some(0.25), true), (None, false), (Some(0.0), false)];
    let mut seen = Vec::new();
    for ((elementwise_affine, bias), (eps, affine)) in layer.into_iter().zip(rms) {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
        let model = Sequential::new()
            .linear(3, 5)
            .layer_norm_with(5, LayerNormOptions { eps: 0.5, elementwise_affine, bias })
            .linear(5, 5)
            .rms_norm_with(5, RmsNormOptions { eps, elementwise_affine: affine })
            .build(params.root(), &mut rng)
            .unwrap();
        shaken(&mut params);
        save_model(&path, &model, &params, &ModelCard::default()).unwrap();
        let mut loaded = load_model::<f64>(&path).unwrap();
        assert_eq!(loaded.model().summary(), model.summary());
        assert_eq!(loaded.params().as_slice(), params.as_slice());
        let expected = model.predict(&params, x(4).view()).unwrap();
        assert_eq!(loaded.predict(x(4).view()).unwrap(), expected);
        assert!(!seen.contains(&expected), "options make a difference");
        seen.push(expected);
    }
}

/// A learnt factor for each feature, and a model behind it that has the weight of its first layer twice.
#[derive(Debug)]
struct Scale<T> {
    factors: ParamId,
    width: usize,
    rest: Sequential<T>,
    again: Linear,
}

impl<T: Float> Scale<T> {
    fn make(width: &str, mut scope: Scope<'_, T>, rng: &mut Rng) -> Result<Box<dyn Module<T>>, Error> {
        let parsed = width.parse().ok().filter(|width| (1..=10).contains(width));
        let width = parsed.ok_or_else(|| Error::option("scale width", width, "1 to 10"))?;
        let factors = scope.add("factors", &Array1::from_elem(width, T::one()))?;
        let rest = Sequential::new().linear(width, width).tanh().build(scope.at("rest"), rng)?;
        let weight = rest.describe().ids()[0];
        let again = Linear::tied(scope.params(), weight, None)?;
        Ok(Box::new(Self { factors, width, rest, again }))
    }
}

impl<T: Float> Module<T> for Scale<T> {
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        self.again.forward(self.rest.forward(x * x.graph().param(self.factors)))
    }

    fn describe(&self) -> Description {
        let mut described = Description::of_parts("Scale", Some((self.width, self.width)), &[&self.rest, &self.again]);
        described.parameters.push((self.factors, self.width));
        described
    }
}

#[test]
fn layers_of_ones_own_are_made_by_their_names() {
    let folder = Folder::new();
    let path = folder.file("net.wane");
    let scale = CustomLayer { name: "scale", make: Scale::<f32>::make };
    let (mut params, mut rng) = (Params::new(), Rng::seed_from_u64(0));
    Sequential::new().linear(2, 2).build(params.at("other"), &mut rng).unwrap();
    let inner = Sequential::new().custom(scale, "4").linear(4, 4);
    let builder = Sequential::new().custom(scale, "3").linear(3, 4).residual(inner).linear(4, 1);
    let model = builder.build(params.at("net"), &mut rng).unwrap();
    shaken(&mut params);
    save_model(&path, &model, &params, &ModelCard::default()).unwrap();

    let mut loaded = load_model_with::<f32>(&path, OtherPrecision::Refuse, &[scale]).unwrap();
    assert_eq!(loaded.model().summary(), model.summary());
    let names: Vec<_> = loaded.params().iter().map(|param| param.name.to_owned()).collect();
    let own: Vec<_> = params.iter().filter_map(|param| param.name.strip_prefix("net.")).collect();
    assert_eq!(names, own);
    assert_eq!(loaded.predict(x(4).view()).unwrap(), model.predict(&params, x(4).view()).unwrap());

    let message = |customs: &[CustomLayer<f32>]| {
        let error = load_model_with::<f32>(&path, OtherPrecision::Refuse, customs).unwrap_err().to_string();
        error.replace(&format!("{path:?}: "), "")
    };
    let expected = "layer 0: custom layer is \"scale\"; expected one of the CustomLayers given: []";
    assert_eq!(load_model::<f32>(&path).unwrap_err().to_string().replace(&format!("{path:?}: "), ""), expected);
    assert_eq!(message(&[]), expected);
    // What makes another layer of the same widths.
    let other: CustomLayer<f32> = CustomLayer {
        name: "scale",
        make: |width, scope, rng| {
            let width = width.parse().map_err(|_| Error::option("width", width, "a number"))?;
            Ok(Box::new(Linear::new(scope, width, width, rng)?))
        },
    };
    let smaller = (9 + 3) + (12 + 4) + (16 + 4) + (16 + 4) + (4 + 1);
    let message = message(&[other]);
    assert_eq!(message, format!("number of weights is {}; expected {smaller}, as the layers have", smaller + 3 + 4));

    let bad = Sequential::new().custom(scale, "11").build(params.at("bad"), &mut rng).unwrap_err().to_string();
    assert_eq!(bad, "layer 0: scale width is 11; expected 1 to 10");
}

#[test]
fn other_precision_is_taken_when_asked_for() {
    let folder = Folder::new();
    let (wide_path, narrow_path) = (folder.file("wide.wane"), folder.file("narrow.wane"));
    let (mut wide, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
    let net = Sequential::new().linear(3, 8).tanh().layer_norm(8).linear(8, 1);
    let model = net.build(wide.root(), &mut rng).unwrap();
    shaken(&mut wide);
    wide.as_mut_slice()[0] = 1e-60;
    let card = ModelCard { x_scaler: Some(StandardScaler::fit(x::<f64>(9).view()).unwrap()), ..Default::default() };
    save_model(&wide_path, &model, &wide, &card).unwrap();
    let refused = load_model::<f32>(&wide_path).unwrap_err().to_string();
    let expected = "type of the weights is F64; expected float32 (OtherPrecision::Convert takes float16, bfloat16, \
                    float32 and float64)";
    assert_eq!(refused, format!("{wide_path:?}: {expected}"));

    let mut narrow = load_model_with::<f32>(&wide_path, OtherPrecision::Convert, &[]).unwrap();
    let rounded: Vec<f32> = wide.as_slice().iter().map(|&weight| weight as f32).collect();
    assert_eq!(narrow.params().as_slice(), rounded);
    assert_eq!(narrow.card(), &card);
    let same = load_model_with::<f64>(&wide_path, OtherPrecision::Convert, &[]).unwrap();
    assert_eq!(same.params().as_slice(), wide.as_slice());
    save_model(&narrow_path, narrow.model(), narrow.params(), narrow.card()).unwrap();
    assert!(load_model::<f64>(&narrow_path).unwrap_err().to_string().contains("type of the weights is F32"));
    let widened = load_model_with::<f64>(&narrow_path, OtherPrecision::Convert, &[]).unwrap();
    assert!(widened.params().as_slice().iter().zip(&rounded).all(|(&wide, &narrow)| wide == f64::from(narrow)));

    let outputs = same.clone().predict(x(6).view()).unwrap().to_owned();
    for (narrow, wide) in narrow.predict(x(6).view()).unwrap().iter().zip(outputs) {
        assert!((f64::from(*narrow) - wide).abs() < 1e-5, "{narrow} {wide}");
    }
}

fn predictor(names: &[&str]) -> Predictor<f32> {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
    let model = Sequential::new().linear(3, 8).tanh().linear(8, 2).build(params.root(), &mut rng).unwrap();
    let feature_names = names.iter().map(|&name| name.to_owned()).collect();
    let x_scaler = Some(StandardScaler::fit(x::<f32>(9).view()).unwrap());
    Predictor::new(model, params, ModelCard { x_scaler, feature_names, ..Default::default() }).unwrap()
}

#[test]
fn each_thread_has_a_clone() {
    let mut predictor = predictor(&[]);
    let x = x(64);
    let expected = predictor.predict(x.view()).unwrap().to_owned();
    let weights = predictor.params().as_slice().as_ptr();
    let chunks: Vec<ArrayView2<'_, f32>> = x.axis_chunks_iter(Axis(0), 16).collect();
    thread::scope(|scope| {
        for (chunk, expected) in chunks.iter().zip(expected.axis_chunks_iter(Axis(0), 16)) {
            let mut own = predictor.clone();
            assert_eq!(own.params().as_slice().as_ptr(), weights, "no copy of the weights");
            scope.spawn(move || {
                assert_eq!(own.predict(chunk.view()).unwrap(), expected);
                for _ in 0..100 {
                    assert_eq!(allocations(|| assert!(own.predict(chunk.view()).is_ok())), 0);
                    assert_eq!(own.predict(chunk.view()).unwrap(), expected);
                }
            });
        }
    });
    let clone = predictor.clone();
    let message = predictor.into_parts().unwrap_err().to_string();
    assert_eq!(message, "predictor is shared by 2; expected the only one: its clones dropped");
    assert!(clone.into_parts().is_ok(), "the last one has it to itself");
}

#[test]
fn what_is_not_finite_is_refused_by_its_place() {
    let (mut unnamed, mut named) = (predictor(&[]), predictor(&["age", "größe", "weight"]));
    let mut params = Params::<f32>::new();
    let model = Sequential::new().linear(3, 2).build(params.root(), &mut Rng::seed_from_u64(0)).unwrap();
    for (value, shown) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let x = array![[1.0, 2.0, 3.0], [4.0, value, f32::NAN]];
        let expected = format!("row 1, column 1 of x is {shown}; expected a finite number");
        assert_eq!(unnamed.predict(x.view()).unwrap_err().to_string(), expected);
        assert_eq!(model.predict(&params, x.view()).unwrap_err().to_string(), expected);
        let message = named.predict(x.view()).unwrap_err().to_string();
        assert_eq!(message, format!("row 1, column 1 (\"größe\") of x is {shown}; expected a finite number"));
        let message = named.predict_row(&[value, 0.0, 0.0]).unwrap_err().to_string();
        assert_eq!(message, format!("row 0, column 0 (\"age\") of x is {shown}; expected a finite number"));
        // A layout that is not row-major.
        let columns = x.t().to_owned();
        assert_eq!(unnamed.predict(columns.t()).unwrap_err().to_string(), expected);
    }
    let message = unnamed.predict_row(&[1.0]).unwrap_err().to_string();
    assert_eq!(message, "number of columns of x is 1; expected 3, as the model takes in");
    assert_eq!(message, model.predict(&params, array![[1.0]].view()).unwrap_err().to_string());
    assert!(named.predict_row(&[f32::MAX, f32::MIN, 0.0]).is_ok(), "large is not infinite");
}

use crate::Predictor;
use crate::file::{self, fault};
use serde::{Deserialize, Serialize};
use std::path::Path;
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Error, Float, Params, Rng};
use wane_data::StandardScaler;
use wane_layers::{LayerSpec, Module, Sequential};

const KIND: &str = "model";

/// What a model's user has to know beside its weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelCard {
    /// What features are scaled by before they go in.
    pub x_scaler: Option<StandardScaler>,
    /// What outputs are scaled back by.
    pub y_scaler: Option<StandardScaler>,
    /// The names of the features, or none.
    pub feature_names: Vec<String>,
    /// The names of the outputs: of targets, or of classes; or none.
    pub output_names: Vec<String>,
}

impl ModelCard {
    /// Checks that all fits a model of these widths.
    pub(crate) fn check(&self, widths: Option<(usize, usize)>) -> Result<(), Error> {
        let Some((inputs, outputs)) = widths else { return Ok(()) };
        let scaled = |scaler: &Option<StandardScaler>| scaler.as_ref().map(|scaler| scaler.mean().len());
        let named = |names: &[String]| Some(names.len()).filter(|&len| len > 0);
        for (field, len, width) in [
            ("number of columns of the scaler of x", scaled(&self.x_scaler), inputs),
            ("number of columns of the scaler of y", scaled(&self.y_scaler), outputs),
            ("number of feature names", named(&self.feature_names), inputs),
            ("number of output names", named(&self.output_names), outputs),
        ] {
            if let Some(len) = len.filter(|&len| len != width) {
                return Err(Error::data(field, len, format!("{width}, as the model has")));
            }
        }
        Ok(())
    }
}

/// A model as its file holds it.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// [`LayerSpec`]s, as JSON: its reader stops at a depth, where bincode's would go down until the stack ends.
    layers: String,
    weights: Weights,
    x_scaler: Option<(Vec<f64>, Vec<f64>)>,
    y_scaler: Option<(Vec<f64>, Vec<f64>)>,
    feature_names: Vec<String>,
    output_names: Vec<String>,
}

#[derive(Serialize, Deserialize)]
enum Weights {
    Float32(Vec<f32>),
    Float64(Vec<f64>),
}

/// Writes a model, its weights and what belongs to them to a wane file, from which [`load_model`] makes it again: a
/// program that predicts need not know how the model was built.
///
/// # Errors
/// A layer that only code can make; a card that does not fit the model; parameters of another model; dual numbers; a
/// folder or disk that cannot be written to: then the old file is as it was.
pub fn save_model<T: Float>(
    path: impl AsRef<Path>,
    model: &Sequential<T>,
    params: &Params<T>,
    card: &ModelCard,
) -> Result<(), Error> {
    let path = path.as_ref();
    let described = model.describe();
    card.check(described.widths)?;
    let layers = serde_json::to_string(&model.specs()?);
    let layers = layers.map_err(|error| fault(path, "list of layers", "unwritable", error))?;
    parse(&layers).map_err(|error| error.within("model"))?;
    let mut values = Vec::with_capacity(described.count());
    for (id, _) in described.parameters {
        values.extend_from_slice(&params.as_slice()[params.layout().entry(id)?.range()]);
    }
    let weights = match T::NAME {
        "float32" => Weights::Float32(values.iter().map(|value| value.widen() as f32).collect()),
        "float64" => Weights::Float64(values.iter().map(|value| value.widen()).collect()),
        other => return Err(Error::option("type of the numbers", other, "float32 or float64")),
    };
    let parts = |scaler: &Option<StandardScaler>| {
        scaler.as_ref().map(|scaler| (scaler.mean().to_vec(), scaler.scale().to_vec()))
    };
    let saved = Saved {
        layers,
        weights,
        x_scaler: parts(&card.x_scaler),
        y_scaler: parts(&card.y_scaler),
        feature_names: card.feature_names.clone(),
        output_names: card.output_names.clone(),
    };
    file::write(path, KIND, &saved)
}

/// Reads what [`save_model`] wrote, ready to predict.
///
/// ```
/// use wane_autodiff::{Params, Rng, ndarray::array, rand::SeedableRng};
/// use wane_data::StandardScaler;
/// use wane_layers::Sequential;
/// use wane_train::{ModelCard, load_model, save_model};
///
/// let x = array![[1.0_f32, 70.0], [2.0, 90.0], [4.0, 50.0]];
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
/// let model = Sequential::new().linear(2, 8).relu().linear(8, 1).build(params.root(), &mut rng)?;
/// let card = ModelCard { x_scaler: Some(StandardScaler::fit(x.view())?), ..Default::default() };
/// let path = std::env::temp_dir().join(format!("wane-{}.model", std::process::id()));
/// save_model(&path, &model, &params, &card)?;
///
/// let mut predictor = load_model::<f32>(&path)?;
/// let outputs = predictor.predict(x.view())?.to_owned(); // (rows, 1)
/// let output = predictor.predict_row(&[2.0, 90.0])?[0];
/// assert!((output - outputs[[1, 0]]).abs() < 1e-5);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// A file that is not there, damaged, or of a model of other numbers than `T`; layers that do not fit one another, or the
/// number of weights.
pub fn load_model<T: Float>(path: impl AsRef<Path>) -> Result<Predictor<T>, Error> {
    let path = path.as_ref();
    let saved: Saved = file::read(path, KIND)?;
    build(saved).map_err(|error| error.within(format!("{path:?}")))
}

fn build<T: Float>(saved: Saved) -> Result<Predictor<T>, Error> {
    let specs = parse(&saved.layers)?;
    let (dtype, len) = match &saved.weights {
        Weights::Float32(values) => ("float32", values.len()),
        Weights::Float64(values) => ("float64", values.len()),
    };
    if dtype != T::NAME {
        return Err(Error::data("type of the weights", dtype, T::NAME));
    }
    // Before anything as large as the layers claim to be is made.
    let claimed = LayerSpec::count_all(&specs);
    if claimed != Some(len) {
        let claimed = claimed.map_or("more than can be counted".to_owned(), |claimed| claimed.to_string());
        return Err(Error::data("number of weights", len, format!("{claimed}, as the layers have")));
    }
    let mut params = Params::new();
    let model = Sequential::new().specs(&specs).build(params.root(), &mut Rng::seed_from_u64(0))?;
    let mut values: Box<dyn Iterator<Item = T>> = match saved.weights {
        Weights::Float32(values) => Box::new(values.into_iter().map(|value| T::of(f64::from(value)))),
        Weights::Float64(values) => Box::new(values.into_iter().map(T::of)),
    };
    for (id, _) in model.describe().parameters {
        params.get_mut(id).iter_mut().zip(&mut values).for_each(|(weight, value)| *weight = value);
    }
    let scaler = |parts: Option<(Vec<f64>, Vec<f64>)>, of: &str| {
        let scaler = parts.map(|(mean, scale)| StandardScaler::from_parts(mean, scale)).transpose();
        scaler.map_err(|error| error.within(format!("scaler of {of}")))
    };
    let card = ModelCard {
        x_scaler: scaler(saved.x_scaler, "x")?,
        y_scaler: scaler(saved.y_scaler, "y")?,
        feature_names: saved.feature_names,
        output_names: saved.output_names,
    };
    Predictor::new(model, params, card)
}

fn parse(layers: &str) -> Result<Vec<LayerSpec>, Error> {
    serde_json::from_str(layers).map_err(|error| {
        let expected = "layers that wane knows, in one another to a depth of about 60";
        Error::io("list of layers", format!("undecodable ({error})"), expected, error)
    })
}

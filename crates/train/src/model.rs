use crate::file::{self, Payload, fault};
use crate::numbers::{self, accepted, dtype};
use crate::{OtherPrecision, Predictor};
use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use std::path::Path;
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Error, Float, Params, Rng};
use wane_data::StandardScaler;
use wane_layers::{CustomLayer, LayerSpec, Module, Sequential};

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
    /// The card of a model that takes in the given features alone, in the given order.
    ///
    /// # Errors
    /// No feature; one beyond those that the scaler or the names have.
    pub fn select_features(&self, columns: &[usize]) -> Result<Self, Error> {
        let of = |len: usize| match columns.iter().find(|&&column| column >= len) {
            Some(&column) => Err(Error::option("selected feature", column, format!("a feature below {len}"))),
            None if columns.is_empty() => Err(Error::option("number of features selected", 0, "at least 1")),
            None => Ok(()),
        };
        let x_scaler = self.x_scaler.as_ref().map(|scaler| {
            of(scaler.mean().len())?;
            let pick = |values: &[f64]| columns.iter().map(|&column| values[column]).collect();
            StandardScaler::from_parts(pick(scaler.mean()), pick(scaler.scale()))
        });
        let mut feature_names = Vec::new();
        if !self.feature_names.is_empty() {
            of(self.feature_names.len())?;
            feature_names.extend(columns.iter().map(|&column| self.feature_names[column].clone()));
        }
        Ok(Self { x_scaler: x_scaler.transpose()?, feature_names, ..self.clone() })
    }

    /// Checks that all fits a model of these widths.
    pub(crate) fn check(&self, widths: Option<(usize, usize)>) -> Result<(), Error> {
        let Some((inputs, outputs)) = widths else { return Ok(()) };
        let scaled = |scaler: &Option<StandardScaler>| scaler.as_ref().map(|scaler| scaler.mean().len());
        for (field, len, width) in [
            ("number of columns of the scaler of x", scaled(&self.x_scaler), inputs),
            ("number of columns of the scaler of y", scaled(&self.y_scaler), outputs),
        ] {
            if let Some(len) = len.filter(|&len| len != width) {
                return Err(Error::data(field, len, format!("{width}, as the model has")));
            }
        }
        check_names(widths, self.feature_names.len(), self.output_names.len())
    }
}

/// Checks numbers of names; there may be none.
fn check_names(widths: Option<(usize, usize)>, features: usize, outputs: usize) -> Result<(), Error> {
    let Some(widths) = widths else { return Ok(()) };
    for (of, count, width) in [("feature", features, widths.0), ("output", outputs, widths.1)] {
        if count != 0 && count != width {
            return Err(Error::data(format!("number of {of} names"), count, format!("{width}, as the model has")));
        }
    }
    Ok(())
}

/// A model as its file holds it. [`build`] reads it part by part, each held against the length of the file and against the
/// parts before it, so that a file takes no more memory than it is long, whatever it says.
#[derive(Serialize)]
struct Saved<'a> {
    /// [`LayerSpec`]s, as JSON: its reader stops at a depth, where bincode's would go down until the stack ends.
    layers: String,
    weights: Weights,
    x_scaler: Option<(&'a [f64], &'a [f64])>,
    y_scaler: Option<(&'a [f64], &'a [f64])>,
    /// Each name ends in a NUL: they can be counted before there is a list of them.
    feature_names: String,
    output_names: String,
}

#[derive(Serialize)]
enum Weights {
    Float32(Vec<f32>),
    Float64(Vec<f64>),
}

/// What stands before [`Weights`].
#[derive(Deserialize)]
enum Precision {
    Float32,
    Float64,
}

/// Writes a model, its weights and what belongs to them to a wane file, from which [`load_model`] makes it again: a
/// program that predicts need not know how the model was built.
///
/// # Errors
/// A layer that only code can make; more layers, or deeper ones, than a file holds: some 2700 linear layers and activations,
/// or 60 blocks in one another; a card that does not fit the model; a name with a NUL in it; parameters of another model;
/// dual numbers; a folder or disk that cannot be written to: then the old file is as it was.
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
    for id in described.ids() {
        values.extend_from_slice(&params.as_slice()[params.layout().entry(id)?.range()]);
    }
    let weights = match dtype::<T>()? {
        Dtype::F32 => Weights::Float32(values.iter().map(|value| value.widen() as f32).collect()),
        _ => Weights::Float64(values.iter().map(|value| value.widen()).collect()),
    };
    let saved = Saved {
        layers,
        weights,
        x_scaler: card.x_scaler.as_ref().map(|scaler| (scaler.mean(), scaler.scale())),
        y_scaler: card.y_scaler.as_ref().map(|scaler| (scaler.mean(), scaler.scale())),
        feature_names: joined(&card.feature_names, "feature name")?,
        output_names: joined(&card.output_names, "output name")?,
    };
    file::write(path, KIND, &saved)
}

fn joined(names: &[String], field: &str) -> Result<String, Error> {
    match names.iter().position(|name| name.contains('\0')) {
        Some(at) => Err(Error::data(format!("{field} {at}"), format!("{:?}", names[at]), "a text without a NUL")),
        None => Ok(names.iter().flat_map(|name| [name, "\0"]).collect()),
    }
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
/// number of weights; a layer of one's own: see [`load_model_with`].
pub fn load_model<T: Float>(path: impl AsRef<Path>) -> Result<Predictor<T>, Error> {
    load_model_with(path, OtherPrecision::Refuse, &[])
}

/// [`load_model`], where weights of another precision are taken if [`OtherPrecision::Convert`] asks for it, and layers of
/// one's own are made by the given functions.
///
/// An [`RmsNorm`](wane_layers::RmsNorm) without an ε of its own has that of `T`, as in PyTorch's `model.double()`.
///
/// # Errors
/// Those of [`load_model`]; a layer whose name is not among `customs`; an error of what makes it.
pub fn load_model_with<T: Float>(
    path: impl AsRef<Path>,
    precision: OtherPrecision,
    customs: &[CustomLayer<T>],
) -> Result<Predictor<T>, Error> {
    let path = path.as_ref();
    let payload = Payload::open(path, KIND)?;
    build(payload, precision, customs).map_err(|error| error.within(format!("{path:?}")))
}

/// Nothing is asked for on the word of the file: what is to be made from a part is counted first.
fn build<T: Float>(
    mut payload: Payload,
    precision: OtherPrecision,
    customs: &[CustomLayer<T>],
) -> Result<Predictor<T>, Error> {
    let specs = parse(&payload.value::<String>()?)?;
    let dtype = match payload.value()? {
        Precision::Float32 => Dtype::F32,
        Precision::Float64 => Dtype::F64,
    };
    let (accepted, expected) = accepted::<T>(precision)?;
    if !accepted.contains(&dtype) {
        return Err(Error::data("type of the weights", format!("{dtype:?}"), expected));
    }
    let len = count(&mut payload, "weights", dtype.bitsize() / 8)?;
    let misfit = |claimed: String| Error::data("number of weights", len, format!("{claimed}, as the layers have"));
    // Custom layers have more; how many, only what makes them knows.
    match LayerSpec::count_all(&specs) {
        None => return Err(misfit("more than can be counted".to_owned())),
        Some(claimed) if claimed > len => return Err(misfit(claimed.to_string())),
        Some(_) => {}
    }
    let mut params = Params::new();
    let builder = Sequential::new().specs_with(&specs, customs);
    let model = builder.build(params.root(), &mut Rng::seed_from_u64(0))?;
    if params.as_slice().len() != len {
        return Err(misfit(params.as_slice().len().to_string()));
    }
    fill(&mut payload, dtype, params.as_mut_slice())?;
    let x_scaler = scaler(&mut payload).map_err(|error| error.within("scaler of x"))?;
    let y_scaler = scaler(&mut payload).map_err(|error| error.within("scaler of y"))?;
    let (features, outputs): (String, String) = (payload.value()?, payload.value()?);
    payload.end()?;
    let number = |names: &str| names.matches('\0').count();
    check_names(model.describe().widths, number(&features), number(&outputs))?;
    let split = |names: &str| names.split_terminator('\0').map(str::to_owned).collect();
    let card = ModelCard { x_scaler, y_scaler, feature_names: split(&features), output_names: split(&outputs) };
    Predictor::new(model, params, card)
}

/// How many numbers of so many bytes come next: no more than the file still holds.
fn count(payload: &mut Payload, of: &str, size: usize) -> Result<usize, Error> {
    let claimed: u64 = payload.value()?;
    let most = payload.left() / size as u64;
    match usize::try_from(claimed) {
        Ok(count) if claimed <= most => Ok(count),
        _ => Err(Error::data(format!("number of {of}"), claimed, format!("{most} at most, for which there are bytes"))),
    }
}

fn fill<T: Float>(payload: &mut Payload, dtype: Dtype, values: &mut [T]) -> Result<(), Error> {
    let filled = numbers::fill(payload.reader(), dtype, values);
    filled.map_err(|error| Error::io("file", format!("unreadable ({error})"), "a file that can be read", error))
}

fn scaler(payload: &mut Payload) -> Result<Option<StandardScaler>, Error> {
    if !payload.value::<bool>()? {
        return Ok(None);
    }
    let mut list = |of| {
        let mut values = vec![0.0; count(payload, of, 8)?];
        fill(payload, Dtype::F64, &mut values).map(|()| values)
    };
    StandardScaler::from_parts(list("means")?, list("scales")?).map(Some)
}

/// As JSON, layers are at most so long, and so many lists and objects: what is made of either takes a multiple of it.
const LONGEST: usize = 1 << 17;
const MOST: usize = 1 << 12;

fn parse(layers: &str) -> Result<Vec<LayerSpec>, Error> {
    let parts = layers.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
    for (count, of, most) in [(layers.len(), "bytes", LONGEST), (parts, "lists and objects", MOST)] {
        if count > most {
            return Err(Error::data("list of layers", format!("{count} {of} of JSON"), format!("{most} at most")));
        }
    }
    serde_json::from_str(layers).map_err(|error| {
        let expected = "layers that wane knows, in one another to a depth of about 60";
        Error::io("list of layers", format!("undecodable ({error})"), expected, error)
    })
}

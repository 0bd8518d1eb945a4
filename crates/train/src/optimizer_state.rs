use crate::OtherPrecision;
use crate::file::{fault, refuse};
use crate::numbers::accepted;
use crate::tensors::{self, Faults, Tensor, TensorFile, longest_header};
use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use wane_autodiff::{Error, Float, Params};
use wane_optim::{GroupSnapshot, Optimizer, OptimizerSnapshot, ParamSnapshot, Rule};

/// The entry of the metadata that holds what is no array.
const KEY: &str = "wane_optimizer";

/// What stands under [`KEY`], as JSON.
#[derive(Serialize, Deserialize)]
struct Described<R> {
    rule: String,
    time: u64,
    groups: Vec<GroupSnapshot<R>>,
}

/// Writes what an optimizer remembers to a safetensors file: `0.weight.exp_avg`, `0.weight.step` and so on, the names being
/// the parameter's and PyTorch's of the state; rule, groups and time stand as JSON in the metadata.
///
/// `scripts/optimizer_state.py` makes of it what PyTorch's `Optimizer.load_state_dict` takes, and the other way round.
///
/// # Errors
/// Those of [`Optimizer::snapshot`]; a folder or disk that cannot be written to: then the old file is as it was.
pub fn save_optimizer_safetensors<T: Float, R: Rule>(
    path: impl AsRef<Path>,
    optimizer: &Optimizer<T, R>,
    params: &Params<T>,
) -> Result<(), Error> {
    let path = path.as_ref();
    let OptimizerSnapshot { rule, time, groups, params: remembered } = optimizer.snapshot(params)?;
    let mut tensors = Vec::new();
    for param in remembered {
        let shape = params.get(params.id(&param.name)?).shape().to_vec();
        tensors.push((format!("{}.step", param.name), Tensor::count(param.steps)?));
        for (buffer, values) in &param.buffers {
            tensors.push((format!("{}.{buffer}", param.name), Tensor::new(&shape, values)?));
        }
    }
    let described = serde_json::to_string(&Described { rule, time, groups });
    let described = described.map_err(|error| fault(path, "what is to be written", "unwritable", error))?;
    tensors::write(path, tensors, (KEY, described))
}

/// Lets `optimizer`, built over `params` with the same groups, go on from what
/// [`save_optimizer_safetensors`] or `scripts/optimizer_state.py` wrote.
///
/// # Errors
/// A file that is not there, damaged or without the metadata; entries that are missing, unexpected, misshapen or of another
/// dtype, all of them in one message; those of [`Optimizer::restore`]. Then nothing has changed.
pub fn load_optimizer_safetensors<T: Float, R: Rule>(
    path: impl AsRef<Path>,
    optimizer: &mut Optimizer<T, R>,
    params: &Params<T>,
    precision: OtherPrecision,
) -> Result<(), Error> {
    let path = path.as_ref();
    // Beside a parameter's step and buffers, the groups; references are written in decimal.
    let references = optimizer.groups().iter().filter(|group| group.decay().has_reference()).count();
    let longest = longest_header(params, 8) + 32 * references * params.as_slice().len();
    let mut file = TensorFile::open(path, longest)?;
    let Some(text) = file.metadata(KEY) else {
        let expected = format!("{KEY}, as wane and scripts/optimizer_state.py write it");
        return Err(refuse(path, "metadata", format!("without {KEY}"), expected));
    };
    let described: Result<Described<R>, _> = serde_json::from_str(text);
    let Described { rule, time, groups } = described.map_err(|error| fault(path, KEY, "undecodable", error))?;
    let entries = checked(path, &file, params, precision)?;
    let mut remembered = Vec::with_capacity(entries.len());
    for (name, buffers) in entries {
        let steps = steps(path, &mut file, &format!("{name}.step"))?;
        let len = params.get(params.id(&name)?).len();
        let mut read = |buffer: String| {
            let mut values = vec![T::zero(); len];
            file.read(&format!("{name}.{buffer}"), &mut values)?;
            Ok((buffer, values))
        };
        let buffers = buffers.into_iter().map(&mut read).collect::<Result<_, Error>>()?;
        remembered.push(ParamSnapshot { name, steps, buffers });
    }
    let snapshot = OptimizerSnapshot { rule, time, groups, params: remembered };
    optimizer.restore(params, &snapshot).map_err(|error| error.within(format!("{path:?}")))
}

/// The parameters that there is state of, and the names of their buffers.
fn checked<T: Float>(
    path: &Path,
    file: &TensorFile,
    params: &Params<T>,
    precision: OtherPrecision,
) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let (mut faults, (accepted, dtypes)) = (Faults::default(), accepted::<T>(precision)?);
    let mut entries = BTreeMap::<String, Vec<String>>::new();
    for name in file.names() {
        let known = name.rsplit_once('.').and_then(|(param, what)| Some((params.id(param).ok()?, param, what)));
        let (Some((id, param, what)), Some(info)) = (known, file.info(&name)) else {
            faults.unexpected(name);
            continue;
        };
        let buffers = entries.entry(param.to_owned()).or_default();
        if what == "step" {
            faults.check(&name, info, &[], &[Dtype::I64, Dtype::F32, Dtype::F64]);
        } else {
            faults.check(&name, info, params.get(id).shape(), &accepted);
            buffers.push(what.to_owned());
        }
    }
    let without_step = entries.keys().map(|param| format!("{param}.step")).filter(|name| file.info(name).is_none());
    without_step.for_each(|name| faults.missing(name));
    let expected = format!("for each parameter its step and its buffers, shaped as it is, {dtypes}");
    faults.report(path, expected)?;
    Ok(entries)
}

/// PyTorch counts steps in float32; a count is a natural number whatever its dtype.
fn steps(path: &Path, file: &mut TensorFile, name: &str) -> Result<u64, Error> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    let mut step = [0.0_f64];
    file.read(name, &mut step)?;
    match step {
        [step] if step.fract() == 0.0 && (0.0..=EXACT).contains(&step) => Ok(step as u64),
        [other] => Err(refuse(path, name, other.to_string(), "a count of steps")),
    }
}

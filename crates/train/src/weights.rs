use crate::OtherPrecision;
use crate::numbers::accepted;
use crate::tensors::{self, Faults, Tensor, TensorFile, longest_header};
use std::collections::HashSet;
use std::path::Path;
use wane_autodiff::{Error, Float, Params};

/// Writes all parameters to a safetensors file, under their names and in their layout, which are PyTorch's: there,
/// `model.load_state_dict(safetensors.torch.load_file(path))` reads it.
///
/// The file is replaced as a whole, as [`file::write`](crate::file::write) does it.
///
/// # Errors
/// A folder or disk that cannot be written to: then the old file is as it was. Dual numbers.
pub fn save_safetensors<T: Float>(path: impl AsRef<Path>, params: &Params<T>) -> Result<(), Error> {
    let tensors = params.iter().map(|param| {
        let tensor = Tensor::new(param.shape.dims(), param.values)?;
        Ok((param.name.to_owned(), tensor))
    });
    let tensors = tensors.collect::<Result<_, Error>>()?;
    // What `safetensors.torch` writes, and what some readers ask for.
    tensors::write(path.as_ref(), tensors, ("format", "pt".to_owned()))
}

/// Reads all parameters, frozen ones too, from a safetensors file, such as PyTorch's
/// `safetensors.torch.save_file(model.state_dict(), path)` writes, or `save_model(model, path)` where weights are tied.
///
/// ```
/// use wane_autodiff::{Params, Rng, rand::SeedableRng};
/// use wane_layers::Sequential;
/// use wane_train::{OtherPrecision, load_safetensors, save_safetensors};
///
/// let path = std::env::temp_dir().join(format!("wane-{}.safetensors", std::process::id()));
/// let net = || Sequential::new().linear(2, 8).relu().linear(8, 1);
/// let (mut trained, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
/// net().build(trained.root(), &mut rng)?;
/// save_safetensors(&path, &trained)?;
///
/// let mut params = Params::<f64>::new();
/// net().build(params.root(), &mut rng)?;
/// load_safetensors(&path, &mut params, OtherPrecision::Refuse)?;
/// assert_eq!(params.as_slice(), trained.as_slice());
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// A file that is not there or damaged; entries that are missing, unexpected, misshapen or of another dtype, all of them
/// in one message. Then nothing has changed.
pub fn load_safetensors<T: Float>(
    path: impl AsRef<Path>,
    params: &mut Params<T>,
    precision: OtherPrecision,
) -> Result<(), Error> {
    let path = path.as_ref();
    let mut file = TensorFile::open(path, longest_header(params, 1))?;
    let (mut faults, (accepted, dtypes)) = (Faults::default(), accepted::<T>(precision)?);
    let mut kept = HashSet::new();
    for param in params.iter() {
        let name = file.kept_name(param.name);
        kept.insert(name);
        match file.info(name) {
            Some(info) => faults.check(param.name, info, param.shape.dims(), &accepted),
            None => faults.missing(param.name),
        }
    }
    for name in file.names().into_iter().filter(|name| !kept.contains(name.as_str())) {
        faults.unexpected(name);
    }
    faults.report(path, format!("one for each parameter, of its shape, {dtypes}"))?;
    let mut values = vec![T::zero(); params.as_slice().len()];
    for id in params.ids() {
        let name = file.kept_name(params.name(id)).to_owned();
        file.read(&name, &mut values[params.layout().entry(id)?.range()])?;
    }
    params.as_mut_slice().copy_from_slice(&values);
    Ok(())
}

use wane_autodiff::{Error, Float, ShapeFault, Var};

/// Checks the axis lengths of a weight, given by their names: none is 0, and memory can hold what ndarray can of f64.
pub(crate) fn check_sizes(layer: &str, sizes: &[(&str, usize)]) -> Result<(), Error> {
    if let Some((field, size)) = sizes.iter().find(|&&(_, size)| size == 0) {
        return Err(Error::option(format!("{layer} {field}"), size, "at least 1"));
    }
    let len = sizes.iter().try_fold(1_usize, |len, &(_, size)| len.checked_mul(size));
    match sizes.iter().max_by_key(|&&(_, size)| size) {
        Some((field, size)) if len.is_none_or(|len| len > isize::MAX as usize / 8) => {
            Err(Error::option(format!("{layer} {field}"), size, "fewer, so that the weight fits in memory"))
        }
        _ => Ok(()),
    }
}

/// Refuses an input of another width, where no weight of the layer is there to tell.
#[track_caller]
pub(crate) fn expect_width<T: Float>(layer: &str, x: Var<'_, T>, width: usize, has_weight: bool) {
    if !has_weight && x.shape().dims().last() != Some(&width) {
        x.graph().refuse(layer, &ShapeFault::new(format!("input is {}, wanted (…, {width})", x.shape())), &[]);
    }
}

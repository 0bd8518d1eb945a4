use wane_autodiff::Error;

/// Checks that `what`, of the given axis lengths by name, has elements, and no more than memory can hold.
pub(crate) fn check_sizes(what: &str, sizes: &[(&str, usize)]) -> Result<(), Error> {
    let mut len = 1_usize;
    for &(field, size) in sizes {
        if size == 0 {
            return Err(Error::option(format!("{what} {field}"), size, "at least 1"));
        }
        // What ndarray can hold of f64.
        match len.checked_mul(size).filter(|&len| len <= isize::MAX as usize / 8) {
            Some(product) => len = product,
            None => {
                let others: Vec<_> = sizes.iter().filter(|(other, _)| *other != field).collect();
                let others: Vec<_> = others.iter().map(|(other, size)| format!("{size} {other}")).collect();
                let expected = format!("fewer, so that the weight of {} fits in memory", others.join(" and "));
                return Err(Error::option(format!("{what} {field}"), size, expected));
            }
        }
    }
    Ok(())
}

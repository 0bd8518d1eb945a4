use crate::Size;
use rand::RngExt;
use rand::seq::index;
use wane_autodiff::{Error, Rng};
use wane_data::Dataset;

/// Draws as many rows as there are, with replacement, for [`bias_variance`](super::bias_variance): a set has about 63 % of
/// the rows, some of them more than once.
pub fn bootstrap(data: &Dataset<f64>) -> impl Fn(&mut Rng) -> Result<Dataset<f64>, Error> + Sync + '_ {
    move |rng| data.select(&Vec::from_iter((0..data.len()).map(|_| rng.random_range(0..data.len()))))
}

/// Draws so many of the rows, without replacement, for [`bias_variance`](super::bias_variance): the fits are those of a
/// smaller data set, without rows that count twice. A fraction is rounded down.
///
/// # Errors
/// A fraction that is not between 0 and 1; no row, or all.
pub fn subsample(
    data: &Dataset<f64>,
    size: Size,
) -> Result<impl Fn(&mut Rng) -> Result<Dataset<f64>, Error> + Sync + '_, Error> {
    size.check("size")?;
    let count = match size {
        Size::Fraction(fraction) => (fraction * data.len() as f64).floor() as usize,
        Size::Rows(count) => count,
    };
    if count == 0 || count >= data.len() {
        return Err(Error::option("size", size, format!("at least 1 and less than all of {} rows", data.len())));
    }
    Ok(move |rng: &mut Rng| data.select(&index::sample(rng, data.len(), count).into_vec()))
}

use crate::Site;
use serde::{Deserialize, Serialize};
use std::path::Path;
use wane_autodiff::ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use wane_autodiff::{Error, Float, Params};
use wane_train::file;

const KIND: &str = "key statistics";

/// So many rows are run through the model at once.
const ROWS: usize = 1 << 10;

/// What keys a [`Site`] gets from data: their number n, their mean μ and their second moment C = Σ kkᵀ/n, which is *not*
/// centred, all in f64.
///
/// Data may come in parts, on threads or machines of their own: [`merge`](Self::merge) adds up. What is kept is the scatter
/// about the mean, joined as Chan, Golub and LeVeque (1979) do, so that neither C nor the covariance loses digits to a large
/// mean.
///
/// Statistics belong to one layer, and to the weights of the layers before it (by a checksum): with others they would speak
/// of other keys, and are refused. The layer's own weights don't matter, so that statistics outlive its edits.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyStats {
    layer: String,
    before: u32,
    count: u64,
    /// (inputs,).
    mean: Array1<f64>,
    /// Σ (k − μ)(k − μ)ᵀ, (inputs, inputs).
    scatter: Array2<f64>,
}

/// As a file has them.
#[derive(Serialize, Deserialize)]
struct Saved {
    layer: String,
    before: u32,
    count: u64,
    mean: Vec<f64>,
    /// The scatter's lower triangle, by rows.
    scatter: Vec<f64>,
}

impl KeyStats {
    /// Statistics of no data yet.
    ///
    /// # Errors
    /// Parameters of another model.
    pub fn new<T: Float>(site: &Site<'_, T>, params: &Params<T>) -> Result<Self, Error> {
        let (inputs, _) = site.linear().widths();
        let before = site.checksum_before(params)?;
        let (mean, scatter) = (Array1::zeros(inputs), Array2::zeros((inputs, inputs)));
        Ok(Self { layer: site.name().to_owned(), before, count: 0, mean, scatter })
    }

    /// The statistics of the keys that the rows of x have, with x: (rows, inputs of the model).
    ///
    /// # Errors
    /// Those of [`observe`](Self::observe).
    pub fn of<T: Float>(site: &Site<'_, T>, params: &Params<T>, x: ArrayView2<'_, T>) -> Result<Self, Error> {
        let mut stats = Self::new(site, params)?;
        stats.observe(site, params, x)?;
        Ok(stats)
    }

    /// Takes in the keys of further rows, x: (rows, inputs of the model).
    ///
    /// # Errors
    /// Another layer, or other weights before it, than the statistics began with; an x of another width than the model
    /// takes in, or with a value that is not finite; keys whose squares are beyond f64. Then nothing was taken in.
    pub fn observe<T: Float>(
        &mut self,
        site: &Site<'_, T>,
        params: &Params<T>,
        x: ArrayView2<'_, T>,
    ) -> Result<(), Error> {
        self.check(site, params)?;
        // All of it, so that messages count rows from its beginning.
        site.check_input(x)?;
        let mut all = self.clone();
        for rows in x.axis_chunks_iter(Axis(0), ROWS) {
            let keys = site.keys(params, rows)?.mapv(T::widen);
            all.merge(&Self::of_keys(self, keys))?;
        }
        *self = all;
        Ok(())
    }

    /// Statistics as `like` are, of the given keys, (rows, inputs), at least one.
    fn of_keys(like: &Self, mut keys: Array2<f64>) -> Self {
        // Of distances from the first key: what never changes gets a scatter of 0 and not of rounding.
        let first = keys.row(0).to_owned();
        keys -= &first;
        let shift = keys.sum_axis(Axis(0)) / keys.nrows() as f64;
        keys -= &shift;
        let scatter = symmetric(keys.t().dot(&keys));
        let count = keys.nrows() as u64;
        Self { layer: like.layer.clone(), before: like.before, count, mean: first + shift, scatter }
    }

    /// Takes in what other statistics of the same layer have seen: as if all data had come here, but for rounding.
    ///
    /// # Errors
    /// Statistics of another layer, or with other weights before it; sums beyond f64. Then nothing was taken in.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if (&self.layer, self.mean.len(), self.before) != (&other.layer, other.mean.len(), other.before) {
            return Err(Error::parameter("statistics to merge", other.origin(), self.origin()));
        }
        let count = self.count.checked_add(other.count);
        let beyond = || Error::data("keys", "beyond f64", "keys whose squares can be added up in f64");
        let count = count.ok_or_else(beyond)?;
        let (ours, theirs) = (self.count as f64, other.count as f64);
        if other.count == 0 {
            return Ok(());
        }
        let apart = &other.mean - &self.mean;
        let mean = &self.mean + &(&apart * (theirs / count as f64));
        let column = apart.view().insert_axis(Axis(1));
        let between = column.dot(&column.t()) * (ours * theirs / count as f64);
        let scatter = &self.scatter + &other.scatter + &between;
        let joined = Self { layer: self.layer.clone(), before: self.before, count, mean, scatter };
        if !joined.has_moments() {
            return Err(beyond());
        }
        *self = joined;
        Ok(())
    }

    /// The name of the layer's weight.
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// n, the number of keys.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// μ, (inputs,).
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// C = Σ kkᵀ/n, (inputs, inputs); zeros without a key.
    pub fn second_moment(&self) -> Array2<f64> {
        let column = self.mean.view().insert_axis(Axis(1));
        self.covariance() + column.dot(&column.t())
    }

    /// C − μμᵀ, (inputs, inputs); zeros without a key.
    pub fn covariance(&self) -> Array2<f64> {
        &self.scatter / (self.count.max(1) as f64)
    }

    /// Writes the statistics to a wane file.
    ///
    /// # Errors
    /// A folder or disk that cannot be written to: then the old file is as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let inputs = self.mean.len();
        let lower = (0..inputs).flat_map(|i| (0..=i).map(move |j| (i, j)));
        let saved = Saved {
            layer: self.layer.clone(),
            before: self.before,
            count: self.count,
            mean: self.mean.to_vec(),
            scatter: lower.map(|at| self.scatter[at]).collect(),
        };
        file::write(path.as_ref(), KIND, &saved)
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// A file that is not there or damaged; numbers that are no statistics.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let saved = file::read::<Saved>(path, KIND)?;
        Self::from_saved(saved).map_err(|error| error.within(format!("{path:?}")))
    }

    fn from_saved(saved: Saved) -> Result<Self, Error> {
        let Saved { layer, before, count, mean, scatter } = saved;
        let inputs = mean.len();
        if inputs == 0 {
            return Err(Error::data("number of means", 0, "at least 1"));
        }
        let wanted = inputs.checked_mul(inputs + 1).map(|twice| twice / 2);
        if wanted != Some(scatter.len()) {
            let expected = format!("{}·({inputs} + 1)/2, for {inputs} means", inputs);
            return Err(Error::data("number of products", scatter.len(), expected));
        }
        if let Some(value) = mean.iter().chain(&scatter).find(|value| !value.is_finite()) {
            return Err(Error::data("a number of the statistics", value, "a finite number"));
        }
        let row = |i: usize| i * (i + 1) / 2;
        let at = |i: usize, j: usize| scatter[row(i.max(j)) + i.min(j)];
        let scatter = Array2::from_shape_fn((inputs, inputs), |(i, j)| at(i, j));
        if let Some((unit, square)) = scatter.diag().indexed_iter().find(|&(_, &square)| square < 0.0) {
            return Err(Error::data(format!("scatter of unit {unit}"), square, "0 or above"));
        }
        let has_scatter = scatter.iter().any(|&value| value != 0.0);
        let least = if has_scatter { 2 } else { u64::from(mean.iter().any(|&value| value != 0.0)) };
        if count < least {
            let expected = format!("at least {least}, for a mean and a scatter such as these");
            return Err(Error::data("number of keys", count, expected));
        }
        let stats = Self { layer, before, count, mean: Array1::from_vec(mean), scatter };
        if !stats.has_moments() {
            return Err(Error::data("mean or scatter", "beyond f64", "those of keys whose squares f64 can add up"));
        }
        Ok(stats)
    }

    /// Whether f64 holds C, and the scatter: off the diagonal, nothing is larger than on it.
    fn has_moments(&self) -> bool {
        self.scatter.iter().chain(&self.second_moment().diag()).all(|value| value.is_finite())
    }

    /// Refuses a site that the statistics are not of.
    pub(crate) fn check<T: Float>(&self, site: &Site<'_, T>, params: &Params<T>) -> Result<(), Error> {
        site.check(params)?;
        let of_site = Self::new(site, params)?;
        if (self.layer != of_site.layer) || self.mean.len() != of_site.mean.len() {
            return Err(Error::parameter("statistics", self.origin(), of_site.origin()));
        }
        if self.before != of_site.before {
            let given = format!("those of other weights before {:?} (checksum {:08x})", self.layer, self.before);
            return Err(Error::parameter("statistics", given, format!("those of these, {:08x}", of_site.before)));
        }
        Ok(())
    }

    /// Whose keys they are of.
    fn origin(&self) -> String {
        format!("those of {:?}, {} inputs, checksum {:08x}", self.layer, self.mean.len(), self.before)
    }
}

/// The lower triangle on both sides.
fn symmetric(mut matrix: Array2<f64>) -> Array2<f64> {
    for i in 0..matrix.nrows() {
        for j in 0..i {
            matrix[(j, i)] = matrix[(i, j)];
        }
    }
    matrix
}

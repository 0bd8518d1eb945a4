use super::{at_least, check_rows, check_span, uniform};
use crate::Dataset;
use ndarray::Array2;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::StandardNormal;
use std::f64::consts::PI;
use wane_autodiff::{Classes, Error, Float, Rng, non_negative};

/// The options of [`two_moons`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoMoonsOptions {
    /// The number of rows, at least 2; the inner moon has one more where it is odd.
    pub rows: usize,
    /// The standard deviation of the noise on both features, finite and ≥ 0.
    pub noise: f64,
}

impl Default for TwoMoonsOptions {
    fn default() -> Self {
        Self { rows: 100, noise: 0.1 }
    }
}

/// Two half circles that reach into each other (scikit-learn's `make_moons`), in two features:
///
/// - class 0, `outer`: (cos φ, sin φ)
/// - class 1, `inner`: (1 − cos φ, ½ − sin φ)
///
/// each plus noise · N(0, 1), with φ in equal steps from 0 to π, both included. The rows are shuffled.
///
/// ```
/// use wane_autodiff::{Rng, rand::SeedableRng};
/// use wane_data::synthetic::{TwoMoonsOptions, two_moons};
///
/// let data = two_moons::<f32>(&TwoMoonsOptions { rows: 51, ..Default::default() }, &mut Rng::seed_from_u64(0))?;
/// assert_eq!((data.x().dim(), data.class_names()), ((51, 2), &["outer".to_owned(), "inner".to_owned()][..]));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// An option outside its range; values too large for `T`.
pub fn two_moons<T: Float>(options: &TwoMoonsOptions, rng: &mut Rng) -> Result<Dataset<T>, Error> {
    let &TwoMoonsOptions { rows, noise } = options;
    at_least("rows", rows, 2)?;
    check_rows(rows, 2)?;
    let outer = rows / 2;
    let labels = shuffled(rows, |row| usize::from(row >= outer), rng);
    let at = |row: usize| {
        if row < outer {
            let phi = angle(row, outer);
            [phi.cos(), phi.sin()]
        } else {
            let phi = angle(row - outer, rows - outer);
            [1.0 - phi.cos(), 1.0 - phi.sin() - 0.5]
        }
    };
    scattered(&labels, 2, noise, "noise", |row, column| at(row)[column], rng)?.with_class_names(&["outer", "inner"])
}

/// The angle number `step` of `steps` from 0 to π.
fn angle(step: usize, steps: usize) -> f64 {
    // The last one exactly π, as NumPy's linspace has it.
    if step > 0 && step + 1 == steps { PI } else { step as f64 * (PI / (steps.max(2) - 1) as f64) }
}

/// What [`blobs`] makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Blobs<T> {
    /// The features, and to which blob each row belongs.
    pub dataset: Dataset<T>,
    /// The middle of each blob, (centers, features).
    pub centers: Array2<T>,
}

/// The options of [`blobs`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlobsOptions {
    /// The number of rows, at least `centers`; each blob has as many as another, or one more.
    pub rows: usize,
    /// The number of features, at least 1.
    pub features: usize,
    /// The number of blobs, at least 1.
    pub centers: usize,
    /// The standard deviation of a blob along each feature, finite and ≥ 0.
    pub cluster_std: f64,
    /// Where the box begins in which the centers lie, finite.
    pub low: f64,
    /// Where the box ends, finite and above `low`.
    pub high: f64,
}

impl Default for BlobsOptions {
    fn default() -> Self {
        Self { rows: 100, features: 2, centers: 3, cluster_std: 1.0, low: -10.0, high: 10.0 }
    }
}

/// Normal clouds around random centers (scikit-learn's `make_blobs`): row = center + cluster_std · N(0, 1), with the
/// centers ~ U(low, high). The classes are called `blob 0`, `blob 1`, …; the rows are shuffled.
///
/// ```
/// use wane_autodiff::{Rng, rand::SeedableRng};
/// use wane_data::synthetic::{BlobsOptions, blobs};
///
/// let data = blobs::<f64>(&BlobsOptions { centers: 4, ..Default::default() }, &mut Rng::seed_from_u64(0))?;
/// assert_eq!((data.dataset.classes().count(), data.centers.dim()), (4, (4, 2)));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// An option outside its range; values too large for `T`.
pub fn blobs<T: Float>(options: &BlobsOptions, rng: &mut Rng) -> Result<Blobs<T>, Error> {
    let &BlobsOptions { rows, features, centers, cluster_std, low, high } = options;
    at_least("features", features, 1)?;
    at_least("centers", centers, 1)?;
    if rows < centers {
        return Err(Error::option("rows", rows, format!("at least {centers}, the number of centers")));
    }
    check_rows(rows, features)?;
    check_span(low, high)?;
    let middles = Array2::from_shape_simple_fn((centers, features), || uniform(low, high, rng));
    // The first blobs have the rows that are left over.
    let (size, left_over) = (rows / centers, rows % centers);
    let larger = left_over * (size + 1);
    let blob = |row: usize| if row < larger { row / (size + 1) } else { left_over + (row - larger) / size };
    let labels = shuffled(rows, blob, rng);
    let at = |row: usize, column: usize| middles[[blob(row), column]];
    let names = Vec::from_iter((0..centers).map(|blob| format!("blob {blob}")));
    let dataset = scattered(&labels, features, cluster_std, "cluster_std", at, rng)?.with_class_names(&names)?;
    Ok(Blobs { dataset, centers: middles.mapv(T::of) })
}

/// Each row's number before the shuffle and its class.
fn shuffled(rows: usize, class: impl Fn(usize) -> usize, rng: &mut Rng) -> Vec<(usize, usize)> {
    let mut order = Vec::from_iter((0..rows).map(|row| (row, class(row))));
    order.shuffle(rng);
    order
}

/// The place of each row with noise on it. Zero noise is drawn too, so that later draws don't depend on it.
fn scattered<T: Float>(
    rows: &[(usize, usize)],
    features: usize,
    deviation: f64,
    option: &str,
    at: impl Fn(usize, usize) -> f64,
    rng: &mut Rng,
) -> Result<Dataset<T>, Error> {
    non_negative(option, deviation)?;
    let labels = Vec::from_iter(rows.iter().map(|&(_, class)| class));
    let classes = labels.iter().max().map_or(0, |largest| largest + 1);
    let mut x = Array2::zeros((rows.len(), features));
    for ((i, column), x) in x.indexed_iter_mut() {
        let noise: f64 = rng.sample(StandardNormal);
        *x = T::of(at(rows[i].0, column) + deviation * noise);
    }
    Dataset::with_classes(x, Classes::new(&labels, classes)?)
}

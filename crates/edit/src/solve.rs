//! The change of weights that moves given keys to where they are to go and costs least.

use crate::metric::Metric;
use crate::{Fit, Memories};
use faer::Mat;
use wane_autodiff::ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use wane_autodiff::{Error, Float};

/// A key whose part beside those before it is at most this part of it is taken to depend on them; and a part of this size
/// is rounding.
const DEPENDENT: f64 = 1e-10;

/// The solution for every R at once: ΔW = R Vᵀ, and Δb = R s.
#[derive(Debug)]
pub(crate) struct Dual {
    /// V, (inputs, edits).
    pub(crate) v: Array2<f64>,
    /// s, (edits,), if the bias is edited.
    pub(crate) shift: Option<Array1<f64>>,
    /// kᵀ(C + ρI)⁻¹k of each key, infinite where a change for it alone costs nothing.
    pub(crate) leverage: Array1<f64>,
}

/// Keys in the directions of a metric, a column each.
struct Coordinates {
    /// Over the root of the direction's weight, where that is not 0; the bias's row is the last.
    costly: Mat<f64>,
    /// Where a change costs nothing.
    free: Mat<f64>,
    costly_at: Vec<usize>,
    free_at: Vec<usize>,
}

pub(crate) fn solve(metric: &Metric, memories: &Memories, fit: Fit) -> Result<Dual, Error> {
    let keys = memories.keys();
    let norms = norms(metric, keys)?;
    let is_exact = fit == Fit::Exact;
    // The largest values that are hit are those of any keys' multiples: here of length 1. Softly, length counts.
    let scale = if is_exact { norms.mapv(f64::recip) } else { Array1::ones(norms.len()) };
    let scaled = &keys * &scale.view().insert_axis(Axis(1));
    if is_exact {
        independent(&scaled, &scale, one(metric))?;
    }
    let coordinates = Coordinates::new(metric, &scaled, &scale);
    let size = if is_exact { 1.0 } else { norms.iter().copied().fold(0.0, f64::max) };
    let leverage = coordinates.leverage(&scale, &norms);
    let (costly, free) = coordinates.least(fit, DEPENDENT * size)?;
    let (mut v, mut shift) = coordinates.back(metric, &costly, &free);
    if is_exact {
        refine(&scaled, &scale, &mut v, shift.as_mut())?;
    }
    v *= &scale;
    shift.iter_mut().for_each(|shift| *shift *= &scale);
    Ok(Dual { v, shift, leverage })
}

/// What stands behind each key for the bias.
fn one(metric: &Metric) -> f64 {
    if metric.centre.is_some() { 1.0 } else { 0.0 }
}

/// The length of each key, with a 1 behind it where the bias is edited.
///
/// # Errors
/// One of 0, which nothing moves, or too short or long to be divided by.
pub(crate) fn norms(metric: &Metric, keys: ArrayView2<'_, f64>) -> Result<Array1<f64>, Error> {
    let norms: Array1<f64> = keys.rows().into_iter().map(|key| norm(key).hypot(one(metric))).collect();
    let is_usable = |norm: f64| norm.is_normal() && norm.recip().is_normal();
    match norms.iter().enumerate().find(|&(_, &norm)| !is_usable(norm)) {
        None => Ok(norms),
        Some((edit, &norm)) => {
            let given = if norm == 0.0 { "zero".to_owned() } else { format!("of norm {norm:e}") };
            let expected = "a key that weights can move: not one at which all units before the layer are dead (an edit \
                            with a bias can)";
            Err(Error::data(format!("key of edit {edit}"), given, expected))
        }
    }
}

/// Checks that no key (with a 1 behind it, where the bias is edited) is a combination of those before it.
fn independent(scaled: &Array2<f64>, scale: &Array1<f64>, one: f64) -> Result<(), Error> {
    let mut basis: Vec<Array1<f64>> = Vec::new();
    for (edit, (key, &scale)) in scaled.rows().into_iter().zip(scale).enumerate() {
        let mut rest: Array1<f64> = key.iter().copied().chain([one * scale]).collect();
        // The second time takes off what rounding left of the first.
        for _ in 0..2 {
            for direction in &basis {
                let along = direction.dot(&rest);
                rest.scaled_add(-along, direction);
            }
        }
        let norm = norm(rest.view());
        if norm <= DEPENDENT {
            let expected = format!(
                "keys of which none is a combination of the others: at most {}, and no two alike (Fit::Soft takes any)",
                key.len() + usize::from(one > 0.0)
            );
            return Err(Error::data(format!("key of edit {edit}"), "a combination of the keys before it", expected));
        }
        basis.push(rest / norm);
    }
    Ok(())
}

/// Takes off what rounding left of V's property that key i moves by value i and no other: VᵀK + s1ᵀ = I.
fn refine(
    scaled: &Array2<f64>,
    scale: &Array1<f64>,
    v: &mut Array2<f64>,
    mut shift: Option<&mut Array1<f64>>,
) -> Result<(), Error> {
    for _ in 0..2 {
        // (moved by, key).
        let mut moved = v.t().dot(&scaled.t());
        if let Some(shift) = &shift {
            moved += &(&shift.view().insert_axis(Axis(1)) * scale);
        }
        let identity = Array2::<f64>::eye(scale.len());
        let off = (&moved - &identity).iter().fold(0.0, |most: f64, off| most.max_or_nan(off.abs()));
        if off.is_nan() || off >= 1e-3 {
            let given = format!(
                "so near to dependence on one another that they are missed by {off:.0e} of what they are to move"
            );
            return Err(Error::data("keys of the edits", given, "keys that are further apart, or a larger ridge"));
        }
        let correction = identity * 2.0 - moved;
        *v = v.dot(&correction.t());
        if let Some(shift) = shift.as_mut() {
            **shift = correction.dot(&**shift);
        }
    }
    Ok(())
}

impl Coordinates {
    /// Of keys that were multiplied by `scale`, (edits, inputs).
    fn new(metric: &Metric, scaled: &Array2<f64>, scale: &Array1<f64>) -> Self {
        let (edits, inputs) = scaled.dim();
        let centred = match &metric.centre {
            Some(mean) => scaled - &(&scale.view().insert_axis(Axis(1)) * mean),
            None => scaled.clone(),
        };
        let along = metric.directions.transpose() * Mat::from_fn(inputs, edits, |i, j| centred[(j, i)]);
        let (costly_at, free_at): (Vec<_>, Vec<_>) = (0..inputs).partition(|&i| metric.weights[i] > 0.0);
        let bias = usize::from(metric.centre.is_some());
        let costly = Mat::from_fn(costly_at.len() + bias, edits, |i, j| match costly_at.get(i) {
            Some(&at) => along[(at, j)] / metric.weights[at].sqrt(),
            None => scale[j],
        });
        let free = Mat::from_fn(free_at.len(), edits, |i, j| along[(free_at[i], j)]);
        Self { costly, free, costly_at, free_at }
    }

    fn leverage(&self, scale: &Array1<f64>, norms: &Array1<f64>) -> Array1<f64> {
        let square = |matrix: &Mat<f64>, j: usize| matrix.col(j).iter().map(|value| value * value).sum::<f64>();
        let of = |j: usize| {
            let free = square(&self.free, j).sqrt() / scale[j];
            if free > DEPENDENT * norms[j] { f64::INFINITY } else { square(&self.costly, j) / (scale[j] * scale[j]) }
        };
        (0..scale.len()).map(of).collect()
    }

    /// What a change is along each direction, (directions, edits): a column for each value that is missed by 1.
    ///
    /// Over changes a along costly directions A and b along free ones N, ‖a‖² is least so that Aᵀa + Nᵀb is the identity (or
    /// ‖Aᵀa + Nᵀb − I‖² + λ‖a‖² is). What N reaches costs nothing, so that a has to do with the rest alone, spanned by T:
    /// it solves TᵀAᵀa = Tᵀ. Then b, of the least norm, does what a leaves.
    fn least(&self, fit: Fit, rounding: f64) -> Result<(Mat<f64>, Mat<f64>), Error> {
        let edits = self.costly.ncols();
        let reach = Svd::of(&self.free)?;
        let reached = reach.values.iter().filter(|&&value| value > rounding).count();
        let rest = reach.right.get(.., reached..).to_owned();
        let mut costly = Mat::zeros(self.costly.nrows(), edits);
        if reached < edits {
            let Svd { left, values, right } = Svd::of(&(&self.costly * &rest))?;
            let largest = values.first().copied().unwrap_or(0.0);
            let filter = |value: f64| match fit {
                Fit::Soft(lambda) => value / (value * value + lambda),
                Fit::Exact if value > f64::EPSILON * largest => value.recip(),
                Fit::Exact => 0.0,
            };
            let left = Mat::from_fn(left.nrows(), values.len(), |i, j| left[(i, j)] * filter(values[j]));
            costly = left * right.get(.., ..values.len()).transpose() * rest.transpose();
        }
        let left = Mat::<f64>::identity(edits, edits) - self.costly.transpose() * &costly;
        let scaled = Mat::from_fn(self.free.nrows(), reached, |i, j| reach.left[(i, j)] / reach.values[j]);
        let free = scaled * (reach.right.get(.., ..reached).transpose() * left);
        Ok((costly, free))
    }

    /// V and s of changes along directions.
    fn back(&self, metric: &Metric, costly: &Mat<f64>, free: &Mat<f64>) -> (Array2<f64>, Option<Array1<f64>>) {
        let (inputs, edits) = (metric.weights.len(), costly.ncols());
        let mut along = Mat::<f64>::zeros(inputs, edits);
        for j in 0..edits {
            for (i, &at) in self.costly_at.iter().enumerate() {
                along[(at, j)] = costly[(i, j)] / metric.weights[at].sqrt();
            }
            for (i, &at) in self.free_at.iter().enumerate() {
                along[(at, j)] = free[(i, j)];
            }
        }
        let v = &metric.directions * along;
        let v = Array2::from_shape_fn((inputs, edits), |at| v[at]);
        // Δb = c − ΔW μ.
        let shift = metric.centre.as_ref().map(|mean| {
            let constant: Array1<f64> = (0..edits).map(|j| costly[(self.costly_at.len(), j)]).collect();
            constant - v.t().dot(mean)
        });
        (v, shift)
    }
}

/// A = left·diag(values)·rightᵀ, with all of right's columns, and values in falling order.
struct Svd {
    left: Mat<f64>,
    values: Vec<f64>,
    right: Mat<f64>,
}

impl Svd {
    fn of(matrix: &Mat<f64>) -> Result<Self, Error> {
        let (rows, columns) = (matrix.nrows(), matrix.ncols());
        if rows == 0 || columns == 0 {
            return Ok(Self { left: Mat::zeros(rows, 0), values: Vec::new(), right: Mat::identity(columns, columns) });
        }
        let found = if rows < columns { matrix.svd() } else { matrix.thin_svd() };
        let found = found.map_err(|error| {
            Error::data("singular values of the keys", format!("not to be found ({error:?})"), "keys of moderate size")
        })?;
        let values = found.S().column_vector();
        let values = (0..rows.min(columns)).map(|i| values[i]).collect();
        Ok(Self { left: found.U().to_owned(), values, right: found.V().to_owned() })
    }
}

/// Without overflow.
fn norm(values: ArrayView1<'_, f64>) -> f64 {
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * values.iter().map(|value| (value / largest).powi(2)).sum::<f64>().sqrt()
}

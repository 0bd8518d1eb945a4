//! The groups of a parameter's weights, and their norms.

use crate::prox::{Step, each};
use wane_autodiff::{Float, Shape, ShapeFault, reduce};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    Rows,
    Columns,
    /// One group, of a parameter of any shape.
    Whole,
}

impl Groups {
    pub(crate) fn check(self, shape: Shape) -> Result<(), ShapeFault> {
        if self == Self::Whole || shape.rank() == 2 {
            return Ok(());
        }
        Err(ShapeFault::new(format!("a parameter is {shape}, rows and columns want two axes")))
    }

    /// The rows and columns of a parameter that passed the check.
    pub(crate) fn matrix(self, shape: Shape) -> (usize, usize) {
        match self {
            Self::Whole => (1, shape.len()),
            Self::Rows | Self::Columns => (shape.dims()[0], shape.dims()[1]),
        }
    }

    /// |g|.
    pub(crate) fn size(self, shape: Shape) -> usize {
        let (rows, columns) = self.matrix(shape);
        if self == Self::Columns { rows } else { columns }
    }

    /// Σ_g f(‖w_g‖).
    pub(crate) fn sum_by_norm<T: Float>(self, w: &[T], shape: Shape, f: impl Fn(T) -> T) -> T {
        let (rows, columns) = self.matrix(shape);
        match self {
            _ if w.is_empty() => T::zero(),
            Self::Rows | Self::Whole => reduce::sum_by(0, rows, &|row| f(row_norm(&w[row * columns..][..columns]))),
            Self::Columns => blocks(columns)
                .map(|(first, width)| -> T {
                    column_norms(w, columns, first, width)[..width].iter().map(|&n| f(n)).sum()
                })
                .sum(),
        }
    }

    /// w_g ← factor(‖w_g‖)·w_g, with zeros that are +0.
    pub(crate) fn scale<T: Float>(self, w: &mut [T], shape: Shape, factor: impl Fn(T) -> T) {
        let (_, columns) = self.matrix(shape);
        match self {
            _ if w.is_empty() => {}
            Self::Rows | Self::Whole => {
                for row in w.chunks_exact_mut(columns) {
                    let factor = factor(row_norm(row));
                    each(row, Step::Uniform(factor), |w, factor| w * factor + T::zero());
                }
            }
            Self::Columns => {
                for (first, width) in blocks(columns) {
                    let factors = column_norms(w, columns, first, width).map(&factor);
                    for row in w.chunks_exact_mut(columns) {
                        let members = row[first..][..width].iter_mut().zip(factors);
                        members.for_each(|(w, factor)| *w = *w * factor + T::zero());
                    }
                }
            }
        }
    }
}

/// Neighbouring columns, as many as are summed side by side: (first, how many).
pub(crate) fn blocks(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..columns).step_by(reduce::LANES).map(move |first| (first, reduce::LANES.min(columns - first)))
}

pub(crate) fn row_norm<T: Float>(w: &[T]) -> T {
    norm(reduce::sum_of(w, &|w| w * w), w.iter().copied())
}

/// The norms of up to 16 columns, which are read row by row; those beyond `width` mean nothing.
pub(crate) fn column_norms<T: Float>(w: &[T], columns: usize, first: usize, width: usize) -> [T; reduce::LANES] {
    let mut norms = reduce::column_sums_by(w, columns, first, width, &|w| w * w);
    for (column, norm_of) in norms.iter_mut().enumerate().take(width) {
        *norm_of = norm(*norm_of, w[first + column..].iter().step_by(columns).copied());
    }
    norms
}

/// The root of a sum of squares; where that overflowed or lost bits to underflow, it is taken again of members divided
/// by the largest.
fn norm<T: Float>(squares: T, members: impl Iterator<Item = T> + Clone) -> T {
    if squares.is_finite() && squares * T::epsilon() >= T::min_positive_value() {
        return squares.sqrt();
    }
    let largest = members.clone().map(T::abs).fold(T::zero(), T::max_or_nan);
    if largest == T::zero() || !largest.is_finite() {
        return largest;
    }
    largest * members.map(|w| (w / largest) * (w / largest)).sum::<T>().sqrt()
}

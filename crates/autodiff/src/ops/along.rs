//! What ops along an axis share: the check of the axis, reductions' shapes, and the lines that run along it.

use crate::{Shape, ShapeFault};

/// Refuses an axis that `shape` has not got.
pub(crate) fn check_axis(shape: Shape, axis: usize) -> Result<(), ShapeFault> {
    if axis < shape.rank() {
        return Ok(());
    }
    Err(ShapeFault::new(format!("axis {axis} of {shape}, which has {} axes", shape.rank())))
}

/// What a reduction runs along.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Along {
    /// All elements, which leave a scalar.
    All,
    /// One axis, which disappears.
    Axis(usize),
    /// One axis, which stays with length 1.
    KeptAxis(usize),
}

impl Along {
    /// The shape that is left of `shape`.
    pub(crate) fn reduced(self, shape: Shape) -> Result<Shape, ShapeFault> {
        match self {
            Self::All => Ok(Shape::SCALAR),
            Self::Axis(axis) => check_axis(shape, axis).map(|()| shape.without(axis)),
            Self::KeptAxis(axis) => check_axis(shape, axis).map(|()| shape.resized(axis, 1)),
        }
    }

    /// `shape` as three factors: (before, reduced, behind).
    pub(crate) fn around(self, shape: Shape) -> (usize, usize, usize) {
        match self {
            Self::All => (1, shape.len(), 1),
            Self::Axis(axis) | Self::KeptAxis(axis) => shape.around(axis),
        }
    }
}

/// The positions of the elements of one line along an axis.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    start: usize,
    step: usize,
}

impl Line {
    #[inline(always)]
    pub(crate) fn at(self, i: usize) -> usize {
        self.start + i * self.step
    }
}

/// The lines along the middle axis of (outer, n, inner), in the order of a reduction's elements.
pub(crate) fn lines((outer, n, inner): (usize, usize, usize)) -> impl Iterator<Item = Line> {
    (0..outer)
        .flat_map(move |block| (0..inner).map(move |column| Line { start: block * n * inner + column, step: inner }))
}

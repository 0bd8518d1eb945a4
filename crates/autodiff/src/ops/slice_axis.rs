use super::along::check_axis;
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var};
use std::ops::{Bound, RangeBounds};

/// The elements from `start` up to `end` along one axis; without an end, up to the last one.
#[derive(Clone, Copy, Debug)]
struct SliceAxis {
    axis: usize,
    start: usize,
    end: Option<usize>,
}

impl SliceAxis {
    /// For each block before the axis: the first position in an input of shape `from`, and how many elements of it
    /// are taken, which lie in one piece.
    fn pieces(&self, from: Shape, to: Shape) -> impl Iterator<Item = std::ops::Range<usize>> {
        let (outer, n, inner) = from.around(self.axis);
        let (skipped, taken) = (self.start * inner, to.dims()[self.axis] * inner);
        (0..outer).map(move |block| block * n * inner + skipped).map(move |first| first..first + taken)
    }
}

impl<T: Float> Op<T> for SliceAxis {
    fn name(&self) -> &'static str {
        "slice_axis"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let shape = operands.shape(0);
        check_axis(shape, self.axis)?;
        let len = shape.dims()[self.axis];
        let end = self.end.unwrap_or(len);
        if self.start > end || end > len {
            let (axis, start) = (self.axis, self.start);
            return Err(ShapeFault::new(format!("{start}..{end} of axis {axis} of {shape}, which has length {len}")));
        }
        Ok(shape.resized(self.axis, end - self.start))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, pieces) = (pass.input(0), self.pieces(pass.input_shape(0), pass.shape()));
        let mut y = pass.output();
        for piece in pieces {
            let (to, rest) = y.split_at_mut(piece.len());
            to.copy_from_slice(&x[piece]);
            y = rest;
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (mut dy, pieces) = (pass.output_grad(), self.pieces(pass.input_shape(0), pass.shape()));
        let Some(dx) = pass.input_grad(0) else { return };
        for piece in pieces {
            let (from, rest) = dy.split_at(piece.len());
            dx[piece].iter_mut().zip(from).for_each(|(dx, &dy)| *dx += dy);
            dy = rest;
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// The elements in `range` along `axis`: `x.slice_axis(1, 2..5)` is PyTorch's `x[:, 2:5]`, but for a range beyond
    /// the axis, which is not cut short.
    ///
    /// # Panics
    /// No such axis; a range that does not lie in it.
    #[track_caller]
    pub fn slice_axis(self, axis: usize, range: impl RangeBounds<usize>) -> Self {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => Some(last.saturating_add(1)),
            Bound::Excluded(&end) => Some(end),
            Bound::Unbounded => None,
        };
        self.apply1(SliceAxis { axis, start, end })
    }
}

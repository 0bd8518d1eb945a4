use super::along::lines;
use crate::error::number;
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};
use std::panic::Location;

/// x / max(‖x‖, eps) along an axis.
#[derive(Clone, Copy, Debug)]
struct Direction<T> {
    axis: usize,
    eps: T,
}

impl<T: Float> Op<T> for Direction<T> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        Ok(operands.shape(0))
    }

    /// The length of each line.
    fn saved_len(&self, operands: &Operands<'_, T>) -> usize {
        let (outer, _, inner) = operands.shape(0).around(self.axis);
        outer * inner
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, (outer, n, inner)) = (pass.input(0), pass.input_shape(0).around(self.axis));
        let (y, lengths) = pass.output_and_saved();
        for (line, length) in lines((outer, n, inner)).zip(lengths) {
            *length = reduce::sum_by(0, n, &|i| x[line.at(i)] * x[line.at(i)]).sqrt();
            let divisor = length.max_or_nan(self.eps);
            (0..n).map(|i| line.at(i)).for_each(|at| y[at] = x[at] / divisor);
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (y, dy, lengths) = (pass.output(), pass.output_grad(), pass.saved());
        let (outer, n, inner) = pass.shape().around(self.axis);
        let Some(dx) = pass.input_grad(0) else { return };
        for (line, &length) in lines((outer, n, inner)).zip(lengths) {
            let places = (0..n).map(|i| line.at(i));
            if length < self.eps {
                places.for_each(|at| dx[at] += dy[at] / self.eps);
            } else {
                let along = reduce::sum_by(0, n, &|i| y[line.at(i)] * dy[line.at(i)]);
                places.for_each(|at| dx[at] += (dy[at] - y[at] * along) / length);
            }
        }
    }
}

const NAME: &str = "cosine_similarity";

impl<T: Float> Var<'_, T> {
    /// Σ x·z / (max(‖x‖, eps)·max(‖z‖, eps)) along `axis`, which disappears: the cosine of the angle between this value
    /// and `other` (PyTorch's `cosine_similarity`, whose default eps is 1e-8).
    ///
    /// The two broadcast along all other axes; `axis` is one of the shape they broadcast to. Below eps the gradient is the
    /// formula's; PyTorch's there is that of a length that isn't bounded.
    ///
    /// # Panics
    /// Shapes that do not broadcast; an axis that either has not, or of two lengths; an eps that is negative or not finite.
    #[track_caller]
    pub fn cosine_similarity(self, other: Self, axis: usize, eps: f64) -> Self {
        let is_eps = eps >= 0.0 && eps.is_finite();
        assert!(is_eps, "{NAME}: eps is {}, wanted a finite number, 0 or above", number(eps));
        let (a, b) = (self.shape(), other.shape());
        let rank = a.rank().max(b.rank());
        let lacks_axis = axis >= rank || axis < rank - a.rank().min(b.rank());
        if a.broadcast(b).is_none() || lacks_axis || a.aligned(axis, rank) != b.aligned(axis, rank) {
            let fault =
                format!("{a} and {b} along axis {axis}; they must broadcast, and both have that axis in one length");
            self.graph.refuse(NAME, &ShapeFault::new(fault), &[self, other]);
        }
        let site = Location::caller();
        self.graph.attribute(site, || {
            let direction = |x: Self| x.apply1(Direction { axis: axis + x.shape().rank() - rank, eps: T::of(eps) });
            (direction(self) * direction(other)).sum_axis(axis)
        })
    }
}

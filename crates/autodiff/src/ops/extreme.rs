use super::along::{Along, lines};
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var};

/// The largest or the smallest element of all, or along one axis.
#[derive(Clone, Copy, Debug)]
struct Extreme {
    along: Along,
    largest: bool,
}

impl<T: Float> Op<T> for Extreme {
    fn name(&self) -> &'static str {
        if self.largest { "max" } else { "min" }
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let shape = operands.shape(0);
        let reduced = self.along.reduced(shape)?;
        match (self.along, self.along.around(shape).1) {
            (Along::All, 0) => Err(ShapeFault::new(format!("{shape} has no element"))),
            (Along::Axis(axis) | Along::KeptAxis(axis), 0) => {
                Err(ShapeFault::new(format!("axis {axis} of {shape} has no element")))
            }
            _ => Ok(reduced),
        }
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, factors) = (pass.input(0), self.along.around(pass.input_shape(0)));
        for (line, y) in lines(factors).zip(pass.output()) {
            let elements = (0..factors.1).map(|i| x[line.at(i)]);
            *y = if self.largest {
                elements.fold(T::neg_infinity(), T::max_or_nan)
            } else {
                elements.fold(T::infinity(), T::min_or_nan)
            };
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, factors) = (pass.input(0), self.along.around(pass.input_shape(0)));
        let (y, dy) = (pass.output(), pass.output_grad());
        let Some(dx) = pass.input_grad(0) else { return };
        for (line, (&y, &dy)) in lines(factors).zip(y.iter().zip(dy)) {
            let at = |i: usize| line.at(i);
            let ties = (0..factors.1).filter(|&i| x[at(i)] == y).count();
            let share = if y.is_nan() { y } else { dy / T::of(ties as f64) };
            for at in (0..factors.1).map(at).filter(|&at| x[at] == y || y.is_nan()) {
                dx[at] += share;
            }
        }
    }
}

impl<T: Float> Var<'_, T> {
    #[track_caller]
    fn extreme(self, along: Along, largest: bool) -> Self {
        self.apply1(Extreme { along, largest })
    }

    /// The largest of all elements, as a scalar. NaN if any is NaN; elements that tie share the gradient evenly, as in
    /// PyTorch's `amax`.
    ///
    /// # Panics
    /// No element.
    #[track_caller]
    pub fn max(self) -> Self {
        self.extreme(Along::All, true)
    }

    /// The largest elements along `axis`, which disappears; NaN and ties as in [`max`](Self::max).
    ///
    /// # Panics
    /// No such axis; an axis of length 0.
    #[track_caller]
    pub fn max_axis(self, axis: usize) -> Self {
        self.extreme(Along::Axis(axis), true)
    }

    /// The largest elements along `axis`, which stays with length 1 (PyTorch's `keepdim=True`).
    ///
    /// # Panics
    /// No such axis; an axis of length 0.
    #[track_caller]
    pub fn max_axis_keepdim(self, axis: usize) -> Self {
        self.extreme(Along::KeptAxis(axis), true)
    }

    /// The smallest of all elements, as a scalar. NaN if any is NaN; elements that tie share the gradient evenly, as
    /// in PyTorch's `amin`.
    ///
    /// # Panics
    /// No element.
    #[track_caller]
    pub fn min(self) -> Self {
        self.extreme(Along::All, false)
    }

    /// The smallest elements along `axis`, which disappears; NaN and ties as in [`min`](Self::min).
    ///
    /// # Panics
    /// No such axis; an axis of length 0.
    #[track_caller]
    pub fn min_axis(self, axis: usize) -> Self {
        self.extreme(Along::Axis(axis), false)
    }

    /// The smallest elements along `axis`, which stays with length 1.
    ///
    /// # Panics
    /// No such axis; an axis of length 0.
    #[track_caller]
    pub fn min_axis_keepdim(self, axis: usize) -> Self {
        self.extreme(Along::KeptAxis(axis), false)
    }
}

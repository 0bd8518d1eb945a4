use super::along::check_axis;
use crate::{Backward, Float, Forward, Graph, Op, Operands, Shape, ShapeFault, Var};

/// Values one behind the other along an axis, which they have, or which is new.
#[derive(Clone, Copy, Debug)]
struct Concat {
    axis: usize,
    is_new: bool,
}

impl Concat {
    fn joined<T: Float>(&self, operands: &Operands<'_, T>, first: Shape) -> Result<Shape, ShapeFault> {
        check_axis(first, self.axis)?;
        let mut len = 0;
        for i in 0..operands.len() {
            let shape = operands.shape(i);
            let own = shape.dims().get(self.axis).copied().unwrap_or_default();
            if shape != first.resized(self.axis, own) {
                let axis = self.axis;
                let message =
                    format!("value 0 is {first}, value {i} is {shape}; they may differ along axis {axis} only");
                return Err(ShapeFault::new(message).of(i));
            }
            len += own;
        }
        Ok(first.resized(self.axis, len))
    }

    fn stacked<T: Float>(&self, operands: &Operands<'_, T>, first: Shape) -> Result<Shape, ShapeFault> {
        if let Some(i) = (1..operands.len()).find(|&i| operands.shape(i) != first) {
            let message = format!("value 0 is {first}, value {i} is {}; they must be the same", operands.shape(i));
            return Err(ShapeFault::new(message).of(i));
        }
        if self.axis > first.rank() {
            return Err(ShapeFault::new(format!("new axis {} of {first}, which has {} axes", self.axis, first.rank())));
        }
        let shape = first.inserted(self.axis, operands.len());
        shape.ok_or_else(|| {
            ShapeFault::new(format!("{first} with a new axis has {} axes, a tape holds at most 4", first.rank() + 1))
        })
    }

    /// Calls `each(first position in the whole, first in the part, how many)` for every piece of a part of shape
    /// `part` that begins at `start` in each block of the whole; says where the next part begins.
    fn pieces(&self, whole: Shape, part: Shape, start: usize, mut each: impl FnMut(usize, usize, usize)) -> usize {
        let [row, len] = [whole, part].map(|shape| shape.dims()[self.axis..].iter().product::<usize>());
        let blocks = whole.dims()[..self.axis].iter().product();
        (0..blocks).for_each(|block| each(block * row + start, block * len, len));
        start + len
    }
}

impl<T: Float> Op<T> for Concat {
    fn name(&self) -> &'static str {
        if self.is_new { "stack" } else { "concat" }
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        if operands.is_empty() {
            return Err(ShapeFault::new("no value, wanted one at least"));
        }
        let first = operands.shape(0);
        if self.is_new { self.stacked(operands, first) } else { self.joined(operands, first) }
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let mut start = 0;
        for i in 0..pass.inputs() {
            let (x, whole, part) = (pass.input(i), pass.shape(), pass.input_shape(i));
            let y = pass.output();
            start = self.pieces(whole, part, start, |to, from, len| {
                y[to..to + len].copy_from_slice(&x[from..from + len]);
            });
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let mut start = 0;
        for i in 0..pass.inputs() {
            let (dy, whole, part) = (pass.output_grad(), pass.shape(), pass.input_shape(i));
            let mut dx = pass.input_grad(i);
            start = self.pieces(whole, part, start, |from, to, len| {
                if let Some(dx) = dx.as_deref_mut() {
                    dx[to..to + len].iter_mut().zip(&dy[from..from + len]).for_each(|(dx, &dy)| *dx += dy);
                }
            });
        }
    }
}

impl<'g, T: Float> Graph<'g, T> {
    /// `values` one behind the other along `axis` (PyTorch's `cat`): (2, 3) and (2, 1) along axis 1 make (2, 4).
    ///
    /// # Panics
    /// No value; no such axis; shapes that differ elsewhere.
    #[track_caller]
    pub fn concat(self, values: &[Var<'g, T>], axis: usize) -> Var<'g, T> {
        self.apply(Concat { axis, is_new: false }, values)
    }

    /// `values` of one shape side by side along a new axis before `axis`: two of (3,) make (2, 3) along axis 0, and
    /// (3, 2) along axis 1 (PyTorch's and NumPy's `stack`).
    ///
    /// # Panics
    /// No value; two shapes; an axis beyond one after the last; values of four axes.
    #[track_caller]
    pub fn stack(self, values: &[Var<'g, T>], axis: usize) -> Var<'g, T> {
        self.apply(Concat { axis, is_new: true }, values)
    }
}

use crate::shape::MAX_RANK;
use crate::{Backward, Float, Forward, Graph, Op, Operands, Shape, ShapeFault, Var};
use std::ops::Range;

/// Values one behind the other along an axis.
#[derive(Clone, Copy, Debug)]
struct Concat(usize);

impl Concat {
    /// Calls `f(range in the operand, range in the output)` for each run of an operand that lies `before` steps down
    /// the axis, and returns where the next operand begins.
    fn runs(self, shape: Shape, part: Shape, before: usize, mut f: impl FnMut(Range<usize>, Range<usize>)) -> usize {
        let ((_, total, inner), (outer, n, _)) = (shape.around(self.0), part.around(self.0));
        let run = n * inner;
        for block in 0..outer {
            let to = (block * total + before) * inner;
            f(block * run..(block + 1) * run, to..to + run);
        }
        before + n
    }
}

impl<T: Float> Op<T> for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        if operands.is_empty() {
            return Err(ShapeFault::new("no value, wanted at least one"));
        }
        let (first, axis) = (operands.shape(0), self.0);
        if axis >= first.rank() {
            return Err(ShapeFault::new(format!("axis {axis} of {first}, which has {} axes", first.rank())));
        }
        let mut total = 0;
        for i in 0..operands.len() {
            let shape = operands.shape(i);
            if shape.rank() != first.rank() || shape.collapsed(axis) != first.collapsed(axis) {
                return Err(ShapeFault::new(format!("{first} and {shape} differ beyond axis {axis}")).of(i));
            }
            total += shape.dims()[axis];
        }
        let mut dims = [0; MAX_RANK];
        let dims = &mut dims[..first.rank()];
        dims.copy_from_slice(first.dims());
        dims[axis] = total;
        Ok(Shape::from_dims(dims).expect("the first operand's rank"))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let mut before = 0;
        for i in 0..pass.inputs() {
            let (x, part, shape) = (pass.input(i), pass.input_shape(i), pass.shape());
            let y = pass.output();
            before = self.runs(shape, part, before, |from, to| y[to].copy_from_slice(&x[from]));
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let mut before = 0;
        for i in 0..pass.inputs() {
            let (part, shape, dy) = (pass.input_shape(i), pass.shape(), pass.output_grad());
            let mut dx = pass.input_grad(i);
            before = self.runs(shape, part, before, |from, to| {
                if let Some(dx) = &mut dx {
                    dx[from].iter_mut().zip(&dy[to]).for_each(|(dx, &dy)| *dx += dy);
                }
            });
        }
    }
}

impl<'g, T: Float> Graph<'g, T> {
    /// The values one behind the other along `axis` (PyTorch's `torch.cat`): (n, a) and (n, b) along axis 1 give
    /// (n, a + b).
    ///
    /// # Panics
    /// No value; no such axis; shapes that differ in another axis.
    #[track_caller]
    pub fn concat(self, values: &[Var<'g, T>], axis: usize) -> Var<'g, T> {
        self.apply(Concat(axis), values)
    }
}

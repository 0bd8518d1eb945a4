use super::along::check_axis;
use crate::{Backward, Float, Forward, Indices, Op, Operands, Shape, ShapeFault, Var};

/// The elements at given indices along one axis.
#[derive(Clone, Copy, Debug)]
struct Select {
    axis: usize,
    indices: Indices,
    /// The largest index, for the check.
    largest: Option<usize>,
}

impl Select {
    /// Calls `each(first position in the output, first in the input, how many)` for every piece that is taken.
    fn pieces(&self, from: Shape, indices: &[u32], mut each: impl FnMut(usize, usize, usize)) {
        let (outer, n, inner) = from.around(self.axis);
        for block in 0..outer {
            for (i, &index) in indices.iter().enumerate() {
                each((block * indices.len() + i) * inner, (block * n + index as usize) * inner, inner);
            }
        }
    }
}

impl<T: Float> Op<T> for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let (shape, axis) = (operands.shape(0), self.axis);
        check_axis(shape, axis)?;
        match (self.largest, shape.dims()[axis]) {
            (Some(index), len) if index >= len => {
                Err(ShapeFault::new(format!("index {index} of axis {axis} of {shape}, which has length {len}")))
            }
            _ => Ok(shape.resized(axis, self.indices.len())),
        }
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, indices, shape) = (pass.input(0), pass.indices(self.indices), pass.input_shape(0));
        let y = pass.output();
        self.pieces(shape, indices, |to, from, len| y[to..to + len].copy_from_slice(&x[from..from + len]));
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (dy, indices, shape) = (pass.output_grad(), pass.indices(self.indices), pass.input_shape(0));
        let Some(dx) = pass.input_grad(0) else { return };
        self.pieces(shape, indices, |from, to, len| {
            dx[to..to + len].iter_mut().zip(&dy[from..from + len]).for_each(|(dx, &dy)| *dx += dy);
        });
    }
}

impl<T: Float> Var<'_, T> {
    /// The elements at `indices` along `axis`, in that order: rows of a table for axis 0, columns for axis 1 (PyTorch's
    /// `index_select`). An index taken twice has the sum of both gradients.
    ///
    /// Indices that come from outside are data: [`Classes::new(&indices, length)`](crate::Classes::new) checks them
    /// with an error instead.
    ///
    /// # Panics
    /// No such axis; an index beyond it.
    #[track_caller]
    pub fn select(self, axis: usize, indices: &[usize]) -> Self {
        let largest = indices.iter().max().copied();
        // An index that does not fit into u32 is beyond every axis, and the check says so.
        let indices = self.graph.indices(indices.iter().map(|&index| index as u32));
        self.apply1(Select { axis, indices, largest })
    }
}

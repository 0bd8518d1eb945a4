use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, broadcast};

/// Two axes exchanged.
#[derive(Clone, Copy, Debug)]
struct Transpose(usize, usize);

impl<T: Float> Op<T> for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let shape = operands.shape(0);
        if self.0.max(self.1) >= shape.rank() {
            return Err(ShapeFault::new(format!("axes {} and {} of {shape}", self.0, self.1)));
        }
        Ok(shape.swapped(self.0, self.1))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, shape) = (pass.input(0), pass.input_shape(0));
        let y = pass.output();
        broadcast::swap_axes(x, shape, (self.0, self.1), |i, x| y[i] = x);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (dy, shape) = (pass.output_grad(), pass.shape());
        if let Some(dx) = pass.input_grad(0) {
            broadcast::swap_axes(dy, shape, (self.0, self.1), |i, dy| dx[i] += dy);
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// Exchanges two axes.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn transpose(self, i: usize, j: usize) -> Self {
        self.apply1(Transpose(i, j))
    }

    /// The transpose of a matrix.
    ///
    /// # Panics
    /// Fewer than two axes.
    #[track_caller]
    pub fn t(self) -> Self {
        self.transpose(0, 1)
    }
}

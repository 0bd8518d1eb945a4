use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var};

/// The same elements in the same order under another shape.
#[derive(Clone, Copy, Debug)]
struct Reshape(Shape);

impl<T: Float> Op<T> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let shape = operands.shape(0);
        if shape.len() != self.0.len() {
            let (from, to) = (shape.len(), self.0.len());
            return Err(ShapeFault::new(format!("{shape} has {from} elements, {} has {to}", self.0)));
        }
        Ok(self.0)
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let x = pass.input(0);
        pass.output().copy_from_slice(x);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let dy = pass.output_grad();
        if let Some(dx) = pass.input_grad(0) {
            dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy);
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// The same elements, row-major, under another shape.
    ///
    /// # Panics
    /// Another number of elements; more than four axes.
    #[track_caller]
    pub fn reshape(self, dims: &[usize]) -> Self {
        let Some(shape) = Shape::from_dims(dims) else {
            panic!("reshape: {dims:?} is no shape: at most 4 axes, and as many elements as memory holds")
        };
        self.apply1(Reshape(shape))
    }
}

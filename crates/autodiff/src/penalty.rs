use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault};
use std::fmt;

/// A function of one parameter's values that says what is dear: a norm, a count, a constraint.
///
/// What it is used for says how: [`Penalty`] by its gradient, as a term of the loss; a proximal operator without one.
pub trait Regularizer<T: Float>: fmt::Debug + Send + Sync {
    /// The name that messages use.
    fn name(&self) -> &'static str;

    /// Whether the function is defined for parameters of this shape.
    fn check(&self, shape: Shape) -> Result<(), ShapeFault> {
        let _ = shape;
        Ok(())
    }

    /// The function of `w`, which is row-major of shape `shape`.
    fn value(&self, w: &[T], shape: Shape) -> T;
}

/// A [`Regularizer`] that is added to the loss, by its gradient.
///
/// [`Graph::penalty`](crate::Graph::penalty) sums it over the parameters that the caller chose.
pub trait Penalty<T: Float>: Regularizer<T> {
    /// Adds `scale` times the gradient to `gradient`; at a kink, the subgradient that the penalty documents.
    fn add_gradient(&self, w: &[T], shape: Shape, scale: T, gradient: &mut [T]);
}

/// A penalty as a node over any number of parameters.
#[derive(Debug)]
pub(crate) struct PenaltyOp<P>(pub(crate) P);

impl<T: Float, P: Penalty<T> + 'static> Op<T> for PenaltyOp<P> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        if operands.is_empty() {
            return Err(ShapeFault::new("it is over no parameter; expected at least one"));
        }
        (0..operands.len()).try_for_each(|i| self.0.check(operands.shape(i)).map_err(|fault| fault.of(i)))?;
        Ok(Shape::SCALAR)
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let values = (0..pass.inputs()).map(|i| self.0.value(pass.input(i), pass.input_shape(i)));
        // Not `sum`, which begins at −0.
        let sum = values.fold(T::zero(), |sum, value| sum + value);
        pass.output()[0] = sum;
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let scale = pass.output_grad()[0];
        for i in 0..pass.inputs() {
            let (w, shape) = (pass.input(i), pass.input_shape(i));
            if let Some(gradient) = pass.input_grad(i) {
                self.0.add_gradient(w, shape, scale, gradient);
            }
        }
    }
}

use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var};
use std::fmt::Debug;

/// A function of one number, applied to every element: the short way to an op of one's own.
///
/// ```
/// use wane_autodiff::{Elementwise, Float, Params, Tape, Unary, ndarray::array};
///
/// #[derive(Clone, Copy, Debug)]
/// struct Cube;
/// impl<T: Float> Unary<T> for Cube {
///     const NAME: &'static str = "cube";
///     fn value(&self, x: T) -> T {
///         x * x * x
///     }
///     fn gradient(&self, x: T, _y: T, dy: T) -> T {
///         dy * T::of(3.0) * x * x
///     }
/// }
///
/// let params = Params::<f64>::new();
/// let mut tape = Tape::new();
/// let graph = tape.record(&params);
/// let y = graph.apply(Elementwise(Cube), &[graph.input(&array![2.0])]);
/// assert_eq!(y.item(), 8.0);
/// ```
pub trait Unary<T: Float>: Copy + Debug + Send + 'static {
    /// The name that messages use.
    const NAME: &'static str;

    /// y = f(x).
    fn value(&self, x: T) -> T;

    /// dx = dy·f′(x), where y = f(x).
    fn gradient(&self, x: T, y: T, dy: T) -> T;
}

/// A [`Unary`] as an [`Op`].
#[derive(Clone, Copy, Debug)]
pub struct Elementwise<U>(pub U);

impl<T: Float, U: Unary<T>> Op<T> for Elementwise<U> {
    fn name(&self) -> &'static str {
        U::NAME
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        Ok(operands.shape(0))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let x = pass.input(0);
        pass.output().iter_mut().zip(x).for_each(|(y, &x)| *y = self.0.value(x));
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, y, dy) = (pass.input(0), pass.output(), pass.output_grad());
        if let Some(dx) = pass.input_grad(0) {
            for ((dx, &x), (&y, &dy)) in dx.iter_mut().zip(x).zip(y.iter().zip(dy)) {
                *dx += self.0.gradient(x, y, dy);
            }
        }
    }
}

impl<T: Float> Var<'_, T> {
    #[track_caller]
    pub(crate) fn unary<U: Unary<T>>(self, op: U) -> Self {
        self.apply1(Elementwise(op))
    }
}

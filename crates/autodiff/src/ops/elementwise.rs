use crate::simd::{Kernel, vectorized};
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
        vectorized(Values { y: pass.output(), x, unary: self.0 });
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, y, dy) = (pass.input(0), pass.output(), pass.output_grad());
        if let Some(dx) = pass.input_grad(0) {
            vectorized(Gradients { dx, x, y, dy, unary: self.0 });
        }
    }
}

/// y = f(x).
struct Values<'a, T, U> {
    y: &'a mut [T],
    x: &'a [T],
    unary: U,
}

impl<T: Float, U: Unary<T>> Kernel for Values<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.y.iter_mut().zip(self.x).for_each(|(y, &x)| *y = self.unary.value(x));
    }
}

/// dx += dy·f′(x).
struct Gradients<'a, T, U> {
    dx: &'a mut [T],
    x: &'a [T],
    y: &'a [T],
    dy: &'a [T],
    unary: U,
}

impl<T: Float, U: Unary<T>> Kernel for Gradients<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let points = self.x.iter().zip(self.y.iter().zip(self.dy));
        for (dx, (&x, (&y, &dy))) in self.dx.iter_mut().zip(points) {
            *dx += self.unary.gradient(x, y, dy);
        }
    }
}

impl<T: Float> Var<'_, T> {
    #[track_caller]
    pub(crate) fn unary<U: Unary<T>>(self, op: U) -> Self {
        self.apply1(Elementwise(op))
    }
}

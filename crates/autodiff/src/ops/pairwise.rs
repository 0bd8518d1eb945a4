use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, broadcast};
use std::fmt::Debug;

/// A function of two numbers, applied to broadcast operands.
pub(crate) trait Binary<T: Float>: Copy + Debug + Send + 'static {
    const NAME: &'static str;

    fn value(a: T, b: T) -> T;

    /// da, given a, b, y and dy.
    fn left(a: T, b: T, y: T, dy: T) -> T;

    /// db.
    fn right(a: T, b: T, y: T, dy: T) -> T;
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairwise<B>(pub(crate) B);

impl<T: Float, B: Binary<T>> Op<T> for Pairwise<B> {
    fn name(&self) -> &'static str {
        B::NAME
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let (a, b) = (operands.shape(0), operands.shape(1));
        a.broadcast(b).ok_or_else(|| ShapeFault::new(format!("{a} and {b} do not broadcast")))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (a, b) = ((pass.input(0), pass.input_shape(0)), (pass.input(1), pass.input_shape(1)));
        let shape = pass.shape();
        broadcast::zip(pass.output(), shape, a, b, B::value);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        broadcast::unzip(&mut pass, (0, 1), 0, B::left);
        broadcast::unzip(&mut pass, (0, 1), 1, B::right);
    }
}

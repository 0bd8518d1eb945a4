use super::along::{check_axis, lines};
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};

/// eˣ / Σ eˣ along one axis.
#[derive(Clone, Copy, Debug)]
struct Softmax(usize);

impl<T: Float> Op<T> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let shape = operands.shape(0);
        check_axis(shape, self.0)?;
        Ok(shape)
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, factors) = (pass.input(0), pass.input_shape(0).around(self.0));
        let (y, n) = (pass.output(), factors.1);
        for line in lines(factors) {
            let max = (0..n).map(|i| x[line.at(i)]).fold(T::neg_infinity(), T::max_or_nan);
            (0..n).map(|i| line.at(i)).for_each(|at| y[at] = (x[at] - max).exp());
            let total = reduce::sum_by(0, n, &|i| y[line.at(i)]);
            (0..n).map(|i| line.at(i)).for_each(|at| y[at] /= total);
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (y, dy, factors) = (pass.output(), pass.output_grad(), pass.shape().around(self.0));
        let n = factors.1;
        if let Some(dx) = pass.input_grad(0) {
            for line in lines(factors) {
                let total = reduce::sum_by(0, n, &|i| dy[line.at(i)] * y[line.at(i)]);
                (0..n).map(|i| line.at(i)).for_each(|at| dx[at] += y[at] * (dy[at] - total));
            }
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// eˣ / Σ eˣ along `axis`, finite wherever the input is. An infinite element, or nothing but −∞, gives NaN, as in
    /// PyTorch. The logarithm of it is [`log_softmax`](Self::log_softmax), which does not underflow.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn softmax(self, axis: usize) -> Self {
        self.apply1(Softmax(axis))
    }
}

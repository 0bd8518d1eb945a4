use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};

/// x − ln Σ eˣ along one axis.
#[derive(Clone, Copy, Debug)]
struct LogSoftmax(usize);

/// (max, ln Σ eˣ⁻ᵐᵃˣ) of `n` values. They stay apart, because their sum would round away what they have below the last
/// bit of a large max: x − max first is exact where it matters.
pub(crate) fn log_sum_exp<T: Float>(n: usize, x: impl Fn(usize) -> T) -> (T, T) {
    let max = (0..n).map(&x).fold(T::neg_infinity(), T::max_or_nan);
    (max, reduce::sum_by(0, n, &|i| (x(i) - max).exp()).ln())
}

impl<T: Float> Op<T> for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let shape = operands.shape(0);
        if self.0 >= shape.rank() {
            return Err(ShapeFault::new(format!("axis {} of {shape}, which has {} axes", self.0, shape.rank())));
        }
        Ok(shape)
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, (outer, n, inner)) = (pass.input(0), pass.input_shape(0).around(self.0));
        let y = pass.output();
        for line in lines(outer, n, inner) {
            let (max, rest) = log_sum_exp(n, |i| x[line.at(i)]);
            (0..n).map(|i| line.at(i)).for_each(|at| y[at] = x[at] - max - rest);
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (y, dy, (outer, n, inner)) = (pass.output(), pass.output_grad(), pass.shape().around(self.0));
        if let Some(dx) = pass.input_grad(0) {
            for line in lines(outer, n, inner) {
                let total = reduce::sum_by(0, n, &|i| dy[line.at(i)]);
                (0..n).map(|i| line.at(i)).for_each(|at| dx[at] += dy[at] - y[at].exp() * total);
            }
        }
    }
}

/// The positions of the elements of one line along an axis.
#[derive(Clone, Copy)]
pub(super) struct Line {
    start: usize,
    step: usize,
}

impl Line {
    #[inline(always)]
    pub(super) fn at(self, i: usize) -> usize {
        self.start + i * self.step
    }
}

/// The lines along the middle axis of (outer, n, inner).
pub(super) fn lines(outer: usize, n: usize, inner: usize) -> impl Iterator<Item = Line> {
    (0..outer)
        .flat_map(move |block| (0..inner).map(move |column| Line { start: block * n * inner + column, step: inner }))
}

impl<T: Float> Var<'_, T> {
    /// The logarithm of softmax along `axis`, finite wherever the input is.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn log_softmax(self, axis: usize) -> Self {
        self.apply1(LogSoftmax(axis))
    }
}

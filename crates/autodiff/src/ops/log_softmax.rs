use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};

/// x − ln Σ eˣ along one axis.
#[derive(Clone, Copy, Debug)]
struct LogSoftmax(usize);

/// max, by comparisons that let NaN through: Rust's `max` drops it.
pub(crate) fn max_or_nan<T: Float>(values: impl Iterator<Item = T>) -> T {
    values.fold(T::neg_infinity(), |max, x| if x > max || x.is_nan() { x } else { max })
}

/// (max, ln Σ eˣ⁻ᵐᵃˣ) of `n` values. They stay apart, because their sum would round away what they have below the last
/// bit of a large max: x − max first is exact where it matters.
pub(crate) fn log_sum_exp<T: Float>(n: usize, x: impl Fn(usize) -> T) -> (T, T) {
    let max = max_or_nan((0..n).map(&x));
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
        for_each_line(outer, n, inner, |at| {
            let (max, rest) = log_sum_exp(n, |i| x[at(i)]);
            (0..n).for_each(|i| y[at(i)] = x[at(i)] - max - rest);
        });
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (y, dy, (outer, n, inner)) = (pass.output(), pass.output_grad(), pass.shape().around(self.0));
        if let Some(dx) = pass.input_grad(0) {
            for_each_line(outer, n, inner, |at| {
                let total = reduce::sum_by(0, n, &|i| dy[at(i)]);
                (0..n).for_each(|i| dx[at(i)] += dy[at(i)] - y[at(i)].exp() * total);
            });
        }
    }
}

/// Calls `line` with the position of the i-th element of each line along the middle axis.
fn for_each_line(outer: usize, n: usize, inner: usize, mut line: impl FnMut(&dyn Fn(usize) -> usize)) {
    for block in 0..outer {
        for column in 0..inner {
            line(&|i| (block * n + i) * inner + column);
        }
    }
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

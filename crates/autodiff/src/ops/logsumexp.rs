use super::along::{Along, lines};
use super::log_softmax::log_sum_exp;
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var};

/// ln Σ eˣ over all elements, or along one axis.
#[derive(Clone, Copy, Debug)]
struct LogSumExp(Along);

impl<T: Float> Op<T> for LogSumExp {
    fn name(&self) -> &'static str {
        "logsumexp"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        self.0.reduced(operands.shape(0))
    }

    /// The two parts of each ln Σ eˣ: backward needs what their sum rounds away.
    fn saved_len(&self, operands: &Operands<'_, T>) -> usize {
        let (outer, _, inner) = self.0.around(operands.shape(0));
        2 * outer * inner
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, factors) = (pass.input(0), self.0.around(pass.input_shape(0)));
        let (y, parts) = pass.output_and_saved();
        let parts = parts.as_chunks_mut::<2>().0;
        for (line, (y, part)) in lines(factors).zip(y.iter_mut().zip(parts)) {
            let (max, rest) = log_sum_exp(factors.1, |i| x[line.at(i)]);
            // Beside an infinite largest element the others count for nothing, and ∞ − ∞ is no number.
            *part = if max.is_infinite() { [max, T::zero()] } else { [max, rest] };
            *y = part[0] + part[1];
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, factors) = (pass.input(0), self.0.around(pass.input_shape(0)));
        let (dy, parts) = (pass.output_grad(), pass.saved().as_chunks::<2>().0);
        let Some(dx) = pass.input_grad(0) else { return };
        for (line, (&dy, &[max, rest])) in lines(factors).zip(dy.iter().zip(parts)) {
            (0..factors.1).map(|i| line.at(i)).for_each(|at| dx[at] += dy * (x[at] - max - rest).exp());
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// ln Σ eˣ over all elements, as a scalar: finite wherever the input is, −∞ if there is no element.
    #[track_caller]
    pub fn logsumexp(self) -> Self {
        self.apply1(LogSumExp(Along::All))
    }

    /// ln Σ eˣ along `axis`, which disappears. Infinities as in PyTorch: the value is right, the gradient of an
    /// infinite largest element is NaN.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn logsumexp_axis(self, axis: usize) -> Self {
        self.apply1(LogSumExp(Along::Axis(axis)))
    }

    /// ln Σ eˣ along `axis`, which stays with length 1 (PyTorch's `keepdim=True`).
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn logsumexp_axis_keepdim(self, axis: usize) -> Self {
        self.apply1(LogSumExp(Along::KeptAxis(axis)))
    }
}

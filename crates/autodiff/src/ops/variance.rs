use super::along::{Along, Line, lines};
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};

/// Σ (x − x̄)² / (n − correction) over all elements, or along one axis; or the square root of it.
#[derive(Clone, Copy, Debug)]
struct Variance {
    along: Along,
    correction: f64,
    root: bool,
}

impl Variance {
    /// What the sum of squares of `n` differences is divided by.
    fn freedom<T: Float>(&self, n: usize) -> T {
        T::of((n as f64 - self.correction).max_or_nan(0.0))
    }
}

/// x[i] less the line's first element. That is exact where all are near each other, however large: what is left of it
/// has a mean that rounds to its own size, and equal elements differ from it by exactly 0.
#[inline(always)]
fn shifted<T: Float>(x: &[T], line: Line, i: usize) -> T {
    x[line.at(i)] - x[line.at(0)]
}

impl<T: Float> Op<T> for Variance {
    fn name(&self) -> &'static str {
        if self.root { "std" } else { "var" }
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        self.along.reduced(operands.shape(0))
    }

    /// The mean of each line, less its first element.
    fn saved_len(&self, operands: &Operands<'_, T>) -> usize {
        let (outer, _, inner) = self.along.around(operands.shape(0));
        outer * inner
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, factors) = (pass.input(0), self.along.around(pass.input_shape(0)));
        let n = factors.1;
        let (y, means) = pass.output_and_saved();
        for (line, (y, mean)) in lines(factors).zip(y.iter_mut().zip(means)) {
            *mean = reduce::sum_by(0, n, &|i| shifted(x, line, i)) / T::of(n as f64);
            let square = |i| {
                let difference = shifted(x, line, i) - *mean;
                difference * difference
            };
            let variance = reduce::sum_by(0, n, &square) / self.freedom(n);
            *y = if self.root { variance.sqrt() } else { variance };
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, factors) = (pass.input(0), self.along.around(pass.input_shape(0)));
        let (y, dy, means) = (pass.output(), pass.output_grad(), pass.saved());
        let slope = T::of(2.0) / self.freedom(factors.1);
        let Some(dx) = pass.input_grad(0) else { return };
        for (line, (&mean, (&y, &dy))) in lines(factors).zip(means.iter().zip(y.iter().zip(dy))) {
            let dy = match self.root {
                false => dy,
                true if y == T::zero() => T::zero(),
                true => dy / (y + y),
            };
            (0..factors.1).for_each(|i| dx[line.at(i)] += slope * dy * (shifted(x, line, i) - mean));
        }
    }
}

impl<T: Float> Var<'_, T> {
    #[track_caller]
    fn variance(self, along: Along, correction: f64, root: bool) -> Self {
        self.apply1(Variance { along, correction, root })
    }

    /// The variance of all elements, as a scalar: Σ (x − x̄)² / (n − correction), in two passes.
    ///
    /// `correction` is PyTorch's (NumPy's `ddof`): 1 for the sample's unbiased estimate, PyTorch's default; 0 for the
    /// mean square. Where it leaves n − correction at 0 or below, that counts as 0: the value is NaN or ∞.
    #[track_caller]
    pub fn var(self, correction: f64) -> Self {
        self.variance(Along::All, correction, false)
    }

    /// The variances along `axis`, which disappears; `correction` as in [`var`](Self::var).
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn var_axis(self, axis: usize, correction: f64) -> Self {
        self.variance(Along::Axis(axis), correction, false)
    }

    /// The variances along `axis`, which stays with length 1 (PyTorch's `keepdim=True`).
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn var_axis_keepdim(self, axis: usize, correction: f64) -> Self {
        self.variance(Along::KeptAxis(axis), correction, false)
    }

    /// The standard deviation of all elements, as a scalar: the square root of [`var`](Self::var). Where it is 0, so
    /// is the gradient, as in PyTorch.
    #[track_caller]
    pub fn std(self, correction: f64) -> Self {
        self.variance(Along::All, correction, true)
    }

    /// The standard deviations along `axis`, which disappears; `correction` as in [`var`](Self::var).
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn std_axis(self, axis: usize, correction: f64) -> Self {
        self.variance(Along::Axis(axis), correction, true)
    }

    /// The standard deviations along `axis`, which stays with length 1.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn std_axis_keepdim(self, axis: usize, correction: f64) -> Self {
        self.variance(Along::KeptAxis(axis), correction, true)
    }
}

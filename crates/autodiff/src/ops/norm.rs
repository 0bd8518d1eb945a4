use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};

/// y = x̂·w + b along the last axis, where x̂ = (x − m)/√(mean of (x − m)² + ε), and m is the mean or 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Norm<T> {
    pub(crate) name: &'static str,
    /// Whether m is the mean.
    pub(crate) centred: bool,
    pub(crate) eps: T,
    has_weight: bool,
    has_bias: bool,
}

/// What makes a row's x into x̂: (x − mean − rest)·scale. The mean as it was rounded, and what the rounding took, stay
/// apart: x − mean is exact where the two are close, so a constant row gives exact zeros however large it is.
#[derive(Clone, Copy)]
struct Moments<T> {
    mean: T,
    rest: T,
    scale: T,
}

impl<T: Float> Moments<T> {
    fn of(x: &[T], centred: bool, eps: T) -> Self {
        let (mean, rest) = if centred {
            let mean = mean_by(x.len(), |i| x[i]);
            (mean, mean_by(x.len(), |i| x[i] - mean))
        } else {
            (T::zero(), T::zero())
        };
        let variance = mean_by(x.len(), |i| {
            let distance = x[i] - mean - rest;
            distance * distance
        });
        Self { mean, rest, scale: T::one() / (variance + eps).sqrt() }
    }

    #[inline(always)]
    fn standard(self, x: T) -> T {
        (x - self.mean - self.rest) * self.scale
    }
}

fn mean_by<T: Float>(n: usize, x: impl Fn(usize) -> T) -> T {
    reduce::sum_by(0, n, &x) / T::of(n as f64)
}

/// (rows, elements in a row).
fn size(shape: Shape) -> (usize, usize) {
    let (rows, n, _) = shape.around(shape.rank() - 1);
    (rows, n)
}

impl<T: Float> Norm<T> {
    /// Records the op over `x`, and the weight and bias there are.
    #[track_caller]
    pub(crate) fn record<'g>(
        (name, centred, eps): (&'static str, bool, T),
        x: Var<'g, T>,
        weight: Option<Var<'g, T>>,
        bias: Option<Var<'g, T>>,
    ) -> Var<'g, T> {
        let op = Self { name, centred, eps, has_weight: weight.is_some(), has_bias: bias.is_some() };
        match (weight, bias) {
            (Some(weight), Some(bias)) => x.graph.apply(op, &[x, weight, bias]),
            (Some(only), None) | (None, Some(only)) => x.graph.apply(op, &[x, only]),
            (None, None) => x.apply1(op),
        }
    }

    fn weight(&self) -> Option<usize> {
        self.has_weight.then_some(1)
    }

    fn bias(&self) -> Option<usize> {
        self.has_bias.then_some(1 + usize::from(self.has_weight))
    }
}

impl<T: Float> Op<T> for Norm<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let shape = operands.shape(0);
        let Some(&n) = shape.dims().last() else {
            return Err(ShapeFault::new("input is (), wanted at least one axis"));
        };
        for (what, at) in [("weight", self.weight()), ("bias", self.bias())] {
            if let Some(at) = at.filter(|&at| operands.shape(at).dims() != [n]) {
                return Err(
                    ShapeFault::new(format!("input {shape} wants {what} ({n},), not {}", operands.shape(at))).of(at)
                );
            }
        }
        Ok(shape)
    }

    fn saved_len(&self, operands: &Operands<'_, T>) -> usize {
        3 * size(operands.shape(0)).0
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, (_, n)) = (pass.input(0), size(pass.shape()));
        let [weight, bias] = [self.weight(), self.bias()].map(|at| at.map(|at| pass.input(at)));
        let (y, saved) = pass.output_and_saved();
        let rows = x.chunks_exact(n.max(1)).zip(y.chunks_exact_mut(n.max(1)));
        for ((x, y), saved) in rows.zip(saved.as_chunks_mut::<3>().0) {
            let moments = Moments::of(x, self.centred, self.eps);
            *saved = [moments.mean, moments.rest, moments.scale];
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = moments.standard(x));
            if let Some(weight) = weight {
                y.iter_mut().zip(weight).for_each(|(y, &w)| *y *= w);
            }
            if let Some(bias) = bias {
                y.iter_mut().zip(bias).for_each(|(y, &b)| *y += b);
            }
        }
    }

    /// With g = dy·w: dx = (g − mean g − x̂·mean g·x̂)/√…, where RMS norm has no mean g; dw = Σ dy·x̂ and db = Σ dy.
    fn backward(&self, mut pass: Backward<'_, T>) {
        let (x, dy, (rows, n)) = (pass.input(0), pass.output_grad(), size(pass.shape()));
        let weight = self.weight().map(|at| pass.input(at));
        let moments = pass.saved().as_chunks::<3>().0.iter().map(|&[mean, rest, scale]| Moments { mean, rest, scale });
        let each = || x.chunks_exact(n.max(1)).zip(dy.chunks_exact(n.max(1))).zip(moments.clone());
        if let Some(at) = self.weight().filter(|&at| pass.wants(at)) {
            let mut terms = pass.take_buffer(dy.len());
            for (((x, dy), row), terms) in each().zip(terms.chunks_exact_mut(n.max(1))) {
                terms.iter_mut().zip(x).zip(dy).for_each(|((term, &x), &dy)| *term = dy * row.standard(x));
            }
            let dw = pass.input_grad(at).expect("asked above");
            reduce::sum_middle(&terms[..dy.len()], rows, n, dw, |dw, sum| *dw += sum);
            pass.give_back(terms);
        }
        if let Some(db) = self.bias().and_then(|at| pass.input_grad(at)) {
            reduce::sum_middle(dy, rows, n, db, |db, sum| *db += sum);
        }
        let Some(dx) = pass.input_grad(0) else { return };
        for (((x, dy), row), dx) in each().zip(dx.chunks_exact_mut(n.max(1))) {
            let g = |i: usize| weight.map_or(dy[i], |weight| dy[i] * weight[i]);
            let along_ones = if self.centred { mean_by(n, g) } else { T::zero() };
            let along_x = mean_by(n, |i| g(i) * row.standard(x[i]));
            for (i, dx) in dx.iter_mut().enumerate() {
                *dx += (g(i) - along_ones - row.standard(x[i]) * along_x) * row.scale;
            }
        }
    }
}

use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};

/// The sum of all elements, or along one axis.
#[derive(Clone, Copy, Debug)]
struct Sum {
    axis: Option<usize>,
    keep: bool,
}

impl Sum {
    /// The input's shape as (before, summed, behind).
    fn factors(&self, shape: Shape) -> (usize, usize, usize) {
        self.axis.map_or((1, shape.len(), 1), |axis| shape.around(axis))
    }
}

impl<T: Float> Op<T> for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let shape = operands.shape(0);
        match self.axis {
            None => Ok(Shape::SCALAR),
            Some(axis) if axis >= shape.rank() => {
                Err(ShapeFault::new(format!("axis {axis} of {shape}, which has {} axes", shape.rank())))
            }
            Some(axis) if self.keep => Ok(shape.collapsed(axis)),
            Some(axis) => Ok(shape.without(axis)),
        }
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (_, n, inner) = self.factors(pass.input_shape(0));
        let x = pass.input(0);
        reduce::sum_middle(x, n, inner, pass.output(), |to, sum| *to = sum);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (_, n, inner) = self.factors(pass.input_shape(0));
        let dy = pass.output_grad();
        if n * inner == 0 {
            return;
        }
        if let Some(dx) = pass.input_grad(0) {
            for (block, dy) in dx.chunks_exact_mut(n * inner).zip(dy.chunks_exact(inner)) {
                for row in block.chunks_exact_mut(inner) {
                    row.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy);
                }
            }
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// The sum of all elements, as a scalar.
    #[track_caller]
    pub fn sum(self) -> Self {
        self.apply1(Sum { axis: None, keep: false })
    }

    /// The sums along `axis`, which disappears.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn sum_axis(self, axis: usize) -> Self {
        self.apply1(Sum { axis: Some(axis), keep: false })
    }

    /// The sums along `axis`, which stays with length 1 (PyTorch's `keepdim=True`).
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn sum_axis_keepdim(self, axis: usize) -> Self {
        self.apply1(Sum { axis: Some(axis), keep: true })
    }

    /// The mean of all elements, as a scalar: NaN if there is none.
    #[track_caller]
    pub fn mean(self) -> Self {
        self.sum() / T::of(self.shape().len() as f64)
    }

    /// The means along `axis`, which disappears.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn mean_axis(self, axis: usize) -> Self {
        let sum = self.sum_axis(axis);
        sum / T::of(self.shape().dims()[axis] as f64)
    }

    /// The means along `axis`, which stays with length 1.
    ///
    /// # Panics
    /// No such axis.
    #[track_caller]
    pub fn mean_axis_keepdim(self, axis: usize) -> Self {
        let sum = self.sum_axis_keepdim(axis);
        sum / T::of(self.shape().dims()[axis] as f64)
    }
}

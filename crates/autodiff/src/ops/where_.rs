use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var, broadcast};

/// The input where the condition is not 0, the other where it is.
#[derive(Clone, Copy, Debug)]
struct Where;

impl<T: Float> Op<T> for Where {
    fn name(&self) -> &'static str {
        "where"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let [condition, input, other] = [0, 1, 2].map(|i| operands.shape(i));
        let shape = condition.broadcast(input).and_then(|shape| shape.broadcast(other));
        shape.ok_or_else(|| {
            ShapeFault::new(format!("condition {condition}, input {input} and other {other} do not broadcast"))
        })
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let [condition, input, other] = [0, 1, 2].map(|i| (pass.input(i), pass.input_shape(i)));
        let shape = pass.shape();
        let y = pass.output();
        broadcast::visit(shape, condition, input, |i, c, x| {
            if c != T::zero() {
                y[i] = x;
            }
        });
        broadcast::visit(shape, condition, other, |i, c, x| {
            if c == T::zero() {
                y[i] = x;
            }
        });
    }

    /// A choice, and not a product: 0·NaN would be NaN.
    fn backward(&self, mut pass: Backward<'_, T>) {
        let zero = T::zero();
        broadcast::unzip(&mut pass, (0, 1), 1, |c, _, _, dy| if c == zero { zero } else { dy });
        broadcast::unzip(&mut pass, (0, 2), 2, |c, _, _, dy| if c == zero { dy } else { zero });
    }
}

impl<T: Float> Var<'_, T> {
    /// This value where `condition` is not 0 (NaN is not), `other` where it is, all three broadcast: PyTorch's
    /// `torch.where(condition, self, other)`.
    ///
    /// The condition has no gradient; an element that was not chosen has exactly 0.
    ///
    /// ```
    /// # use wane_autodiff::{Params, Tape, ndarray::array};
    /// let params = Params::<f64>::new();
    /// let mut tape = Tape::new();
    /// let graph = tape.record(&params);
    /// let x = graph.variable(&array![4.0, -1.0]);
    /// let root = x.sqrt().where_(graph.input(&array![1.0, 0.0]), graph.scalar(0.0));
    /// assert_eq!(root.to_array(), array![2.0, 0.0].into_dyn());
    /// ```
    ///
    /// # Panics
    /// Shapes that do not broadcast.
    #[track_caller]
    pub fn where_(self, condition: Self, other: Self) -> Self {
        self.graph.apply(Where, &[condition.detach(), self, other])
    }
}

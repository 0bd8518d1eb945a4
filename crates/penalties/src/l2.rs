use crate::prox::each;
use crate::{Prox, Step};
use wane_autodiff::{Error, Float, Penalty, Regularizer, Shape, non_negative, reduce};

/// λ Σw², with gradient 2λw: without the factor ½ that PyTorch's `weight_decay` implies, so `L2::new(λ)` in the loss
/// is `weight_decay` = 2λ under plain SGD.
///
/// The penalty of ridge regression (Hoerl and Kennard 1970). Its proximal operator is w/(1 + 2sλ), an implicit step of
/// decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L2 {
    lambda: f64,
}

impl L2 {
    /// The penalty of strength λ.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn new(lambda: f64) -> Result<Self, Error> {
        Ok(Self { lambda: non_negative("L2 lambda", lambda)? })
    }

    /// The strength λ.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }
}

impl<T: Float> Regularizer<T> for L2 {
    fn name(&self) -> &'static str {
        "l2 penalty"
    }

    fn value(&self, w: &[T], _shape: Shape) -> T {
        T::of(self.lambda) * reduce::sum_of(w, &|w| w * w)
    }
}

impl<T: Float> Penalty<T> for L2 {
    fn add_gradient(&self, w: &[T], _shape: Shape, scale: T, gradient: &mut [T]) {
        let slope = scale * T::of(2.0 * self.lambda);
        gradient.iter_mut().zip(w).for_each(|(gradient, &w)| *gradient += slope * w);
    }
}

impl<T: Float> Prox<T> for L2 {
    fn is_separable(&self) -> bool {
        true
    }

    fn apply(&self, w: &mut [T], _shape: Shape, step: Step<'_, T>) {
        let twice = T::of(2.0 * self.lambda);
        // Adding +0 makes −0 into it.
        each(w, step, |w, s| w / (T::one() + s * twice) + T::zero());
    }
}

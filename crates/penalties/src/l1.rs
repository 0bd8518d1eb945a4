use crate::prox::{each, soft};
use crate::{Prox, Step};
use wane_autodiff::{Error, Float, Penalty, Regularizer, Shape, non_negative, reduce};

/// λ Σ|w|, with gradient λ sign(w), 0 at w = 0.
///
/// The penalty of the lasso (Tibshirani 1996). Its proximal operator is the soft threshold sign(w)·max(|w| − sλ, 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L1 {
    lambda: f64,
}

impl L1 {
    /// The penalty of strength λ.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn new(lambda: f64) -> Result<Self, Error> {
        Ok(Self { lambda: non_negative("L1 lambda", lambda)? })
    }

    /// The strength λ.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }
}

impl<T: Float> Regularizer<T> for L1 {
    fn name(&self) -> &'static str {
        "l1 penalty"
    }

    fn value(&self, w: &[T], _shape: Shape) -> T {
        T::of(self.lambda) * reduce::sum_of(w, &|w| w.abs())
    }
}

impl<T: Float> Penalty<T> for L1 {
    fn add_gradient(&self, w: &[T], _shape: Shape, scale: T, gradient: &mut [T]) {
        let slope = scale * T::of(self.lambda);
        gradient.iter_mut().zip(w).for_each(|(gradient, &w)| *gradient += slope * w.sign());
    }
}

impl<T: Float> Prox<T> for L1 {
    fn is_separable(&self) -> bool {
        true
    }

    fn apply(&self, w: &mut [T], _shape: Shape, step: Step<'_, T>) {
        let lambda = T::of(self.lambda);
        each(w, step, |w, s| soft(w, s * lambda));
    }
}

use crate::prox::{each, indicator};
use crate::{Prox, Step};
use wane_autodiff::{Error, Float, Regularizer, Shape, non_negative, reduce};

/// w ≥ 0, and λ Σw with it if so wished: [`Prox`] alone.
///
/// The operator is max(w − sλ, 0): that of the non-negative lasso with λ above 0, and without λ the projection of
/// non-negative least squares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NonNegative {
    lambda: f64,
}

impl NonNegative {
    /// The constraint alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// The constraint and an L1 penalty of strength λ.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn with_l1(lambda: f64) -> Result<Self, Error> {
        Ok(Self { lambda: non_negative("NonNegative lambda", lambda)? })
    }

    /// The strength λ.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }
}

impl<T: Float> Regularizer<T> for NonNegative {
    fn name(&self) -> &'static str {
        "non-negativity"
    }

    fn value(&self, w: &[T], _shape: Shape) -> T {
        let lambda = T::of(self.lambda);
        reduce::sum_of(w, &|w| if w >= T::zero() { lambda * w } else { indicator(w, false) })
    }
}

impl<T: Float> Prox<T> for NonNegative {
    fn is_separable(&self) -> bool {
        true
    }

    fn apply(&self, w: &mut [T], _shape: Shape, step: Step<'_, T>) {
        let lambda = T::of(self.lambda);
        each(w, step, |w, s| if w <= s * lambda { T::zero() } else { w - s * lambda });
    }
}

use crate::prox::each;
use crate::{Prox, Step};
use wane_autodiff::{Error, Float, Regularizer, Shape, non_negative, reduce};

/// λ·#{w ≠ 0}, the number of weights: [`Prox`] alone, for it has no gradient.
///
/// The operator is the hard threshold: w where |w| > √(2sλ), and 0 where it is at most that, the tie included (at a tie
/// both are minima). It is not convex: what is reached depends on where one starts, and weights that survive are not
/// shrunk. Iterative hard thresholding (Blumensath and Davies 2008).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L0 {
    lambda: f64,
}

impl L0 {
    /// The price λ of a weight.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn new(lambda: f64) -> Result<Self, Error> {
        Ok(Self { lambda: non_negative("L0 lambda", lambda)? })
    }

    /// The price λ of a weight.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }
}

impl<T: Float> Regularizer<T> for L0 {
    fn name(&self) -> &'static str {
        "l0 penalty"
    }

    fn value(&self, w: &[T], _shape: Shape) -> T {
        T::of(self.lambda) * reduce::sum_of(w, &|w| w.sign().abs())
    }
}

impl<T: Float> Prox<T> for L0 {
    fn is_separable(&self) -> bool {
        true
    }

    fn apply(&self, w: &mut [T], _shape: Shape, step: Step<'_, T>) {
        let twice = T::of(2.0 * self.lambda);
        each(w, step, |w, s| if w.abs() <= (s * twice).sqrt() { T::zero() } else { w });
    }
}

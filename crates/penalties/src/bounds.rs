use crate::prox::{each, indicator};
use crate::{Prox, Step};
use wane_autodiff::{Error, Float, Regularizer, Shape, non_negative, number, reduce};

/// lower ≤ w ≤ upper, for each weight: [`Prox`] alone.
///
/// The operator is the projection, whatever the steps: min(max(w, lower), upper).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    lower: f64,
    upper: f64,
}

impl Bounds {
    /// The box from `lower` to `upper`; −∞ and ∞ leave a side open.
    ///
    /// # Errors
    /// A bound that is NaN, or infinite on the wrong side; a `lower` above `upper`.
    pub fn new(lower: f64, upper: f64) -> Result<Self, Error> {
        if lower.is_nan() || lower == f64::INFINITY {
            return Err(Error::option("Bounds lower", number(lower), "a finite number, or -inf"));
        }
        if upper.is_nan() || upper == f64::NEG_INFINITY {
            return Err(Error::option("Bounds upper", number(upper), "a finite number, or inf"));
        }
        if lower > upper {
            let expected = format!("at most upper, which is {}", number(upper));
            return Err(Error::option("Bounds lower", number(lower), expected));
        }
        Ok(Self { lower, upper })
    }

    /// The ball of the ℓ∞ norm: |w| ≤ radius.
    ///
    /// # Errors
    /// A radius that is negative, NaN or infinite.
    pub fn within(radius: f64) -> Result<Self, Error> {
        let radius = non_negative("Bounds radius", radius)?;
        Ok(Self { lower: -radius, upper: radius })
    }

    /// The lower bound.
    pub fn lower(&self) -> f64 {
        self.lower
    }

    /// The upper bound.
    pub fn upper(&self) -> f64 {
        self.upper
    }
}

impl<T: Float> Regularizer<T> for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn value(&self, w: &[T], _shape: Shape) -> T {
        let (lower, upper) = (T::of(self.lower), T::of(self.upper));
        reduce::sum_of(w, &|w| indicator(w, (lower..=upper).contains(&w)))
    }
}

impl<T: Float> Prox<T> for Bounds {
    fn is_separable(&self) -> bool {
        true
    }

    fn apply(&self, w: &mut [T], _shape: Shape, step: Step<'_, T>) {
        let (lower, upper) = (T::of(self.lower), T::of(self.upper));
        // Adding +0 makes −0 into it.
        each(w, step, |w, _| w.max_or_nan(lower).min_or_nan(upper) + T::zero());
    }
}

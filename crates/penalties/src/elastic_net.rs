use crate::prox::{each, soft};
use crate::{L1, L2, Prox, Step};
use wane_autodiff::{Error, Float, Penalty, Regularizer, Shape};

/// l1 Σ|w| + l2 Σw²: an [`L1`] and an [`L2`] together, each with its own strength.
///
/// The penalty of Zou and Hastie (2005). Its proximal operator is that of the L1 part divided by 1 + 2s·l2. The crate's
/// table converts from scikit-learn's `alpha` and `l1_ratio`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElasticNet {
    l1: L1,
    l2: L2,
}

impl ElasticNet {
    /// The penalty with the strengths of its two parts.
    ///
    /// # Errors
    /// A strength that is negative, NaN or infinite.
    pub fn new(l1: f64, l2: f64) -> Result<Self, Error> {
        let within = |error: Error| error.within("ElasticNet");
        Ok(Self { l1: L1::new(l1).map_err(within)?, l2: L2::new(l2).map_err(within)? })
    }

    /// The part that is linear in |w|.
    pub fn l1(&self) -> L1 {
        self.l1
    }

    /// The part that is quadratic in w.
    pub fn l2(&self) -> L2 {
        self.l2
    }
}

impl<T: Float> Regularizer<T> for ElasticNet {
    fn name(&self) -> &'static str {
        "elastic net penalty"
    }

    fn value(&self, w: &[T], shape: Shape) -> T {
        self.l1.value(w, shape) + self.l2.value(w, shape)
    }
}

impl<T: Float> Penalty<T> for ElasticNet {
    fn add_gradient(&self, w: &[T], shape: Shape, scale: T, gradient: &mut [T]) {
        self.l1.add_gradient(w, shape, scale, gradient);
        self.l2.add_gradient(w, shape, scale, gradient);
    }
}

impl<T: Float> Prox<T> for ElasticNet {
    fn is_separable(&self) -> bool {
        true
    }

    fn apply(&self, w: &mut [T], _shape: Shape, step: Step<'_, T>) {
        let (l1, twice_l2) = (T::of(self.l1.lambda()), T::of(2.0 * self.l2.lambda()));
        // Adding +0 makes −0, to which a small weight may be rounded, into it.
        each(w, step, |w, s| soft(w, s * l1) / (T::one() + s * twice_l2) + T::zero());
    }
}

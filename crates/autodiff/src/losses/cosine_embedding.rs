use super::hinge::{ramp, step};
use super::{LossOptions, Pointwise};
use crate::error::number;
use crate::{Float, ShapeFault, Var};
use std::panic::Location;

/// Of a cosine c and its target.
#[derive(Clone, Copy, Debug)]
struct CosineEmbedding<T> {
    margin: T,
}

const NAME: &str = "cosine_embedding_loss";

/// What PyTorch adds to each squared length: a float32, among float64s too.
const EPSILON: f32 = 1e-12;

impl<T: Float> CosineEmbedding<T> {
    /// `like` where y = 1, `unlike` where y = −1, 0 elsewhere; NaN where y is.
    #[inline(always)]
    fn choose(y: T, like: T, unlike: T) -> T {
        if y == T::one() {
            like
        } else if y == -T::one() {
            unlike
        } else if y.is_nan() {
            y
        } else {
            T::zero()
        }
    }
}

impl<T: Float> Pointwise<T> for CosineEmbedding<T> {
    #[inline(always)]
    fn value(&self, c: T, y: T) -> T {
        Self::choose(y, T::one() - c, ramp(c - self.margin))
    }

    #[inline(always)]
    fn by_input(&self, c: T, y: T) -> T {
        Self::choose(y, -T::one(), step(c - self.margin))
    }

    #[inline(always)]
    fn by_target(&self, _c: T, _y: T) -> T {
        T::zero()
    }
}

impl<'g, T: Float> Var<'g, T> {
    /// The mean over rows of 1 − c where the target is 1 and max(0, c − margin) where it is −1, with c the cosine of the
    /// angle between a row of this value and of `other` (PyTorch's `CosineEmbeddingLoss`, whose default margin is 0).
    ///
    /// Both are (…, features), the target is (…). c = x·z / √((x·x + 1e-12)(z·z + 1e-12)). Any other target gives 0; the
    /// target gets no gradient.
    ///
    /// # Panics
    /// Shapes that do not fit; a margin outside −1..=1.
    #[track_caller]
    pub fn cosine_embedding_loss(self, other: Self, target: Self, margin: f64) -> Self {
        self.cosine_embedding_loss_with(other, target, margin, LossOptions::default())
    }

    /// [`cosine_embedding_loss`](Self::cosine_embedding_loss), weighted and reduced as `options` say, with a loss for each
    /// row.
    ///
    /// # Panics
    /// As [`cosine_embedding_loss`](Self::cosine_embedding_loss); weights that do not broadcast to the target's shape.
    #[track_caller]
    pub fn cosine_embedding_loss_with(
        self,
        other: Self,
        target: Self,
        margin: f64,
        options: impl Into<LossOptions<'g, T>>,
    ) -> Self {
        assert!((-1.0..=1.0).contains(&margin), "{NAME}: margin is {}, wanted a number from -1 to 1", number(margin));
        let (shape, others) = (self.shape(), other.shape());
        if shape != others || shape.rank() == 0 || target.shape() != shape.without(shape.rank() - 1) {
            let message = format!("input is {shape}, other is {others}, target is {}", target.shape());
            let wanted = "wanted (..., features) twice and (...)";
            self.graph.refuse(NAME, &ShapeFault::new(format!("{message}; {wanted}")), &[self, other, target]);
        }
        let (site, axis) = (Location::caller(), shape.rank() - 1);
        self.graph.attribute(site, || {
            let square = |x: Self| x.square().sum_axis(axis) + T::of(f64::from(EPSILON));
            let cosine = (self * other).sum_axis(axis) / (square(self) * square(other)).sqrt();
            cosine.pointwise(NAME, CosineEmbedding { margin: T::of(margin) }, target, options.into())
        })
    }
}

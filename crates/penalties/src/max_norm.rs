use crate::groups::Groups;
use crate::metric::Tile;
use crate::{Prox, Step};
use wane_autodiff::{Error, Float, Regularizer, Shape, ShapeFault, non_negative};

/// ‖w_g‖₂ ≤ radius, for each row, each column or all of a parameter: [`Prox`] alone.
///
/// The operator is the projection: w_g·min(1, radius/‖w_g‖) if the steps are equal, and else w/(1 + μs) with the μ that
/// puts the group on the sphere. As `max_norm` in Keras, and the max-norm constraint of Srebro, Rennie and Jaakkola
/// (2004) that dropout made known. A weight that is infinite becomes NaN, as in a clipping by norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxNorm {
    radius: f64,
    groups: Groups,
}

impl MaxNorm {
    /// Of each row of a matrix: of the weights into one neuron.
    ///
    /// # Errors
    /// A radius that is negative, NaN or infinite.
    pub fn rows(radius: f64) -> Result<Self, Error> {
        Self::of(radius, Groups::Rows)
    }

    /// Of each column of a matrix: of the weights out of one input feature.
    ///
    /// # Errors
    /// A radius that is negative, NaN or infinite.
    pub fn columns(radius: f64) -> Result<Self, Error> {
        Self::of(radius, Groups::Columns)
    }

    /// Of a parameter as a whole, of any shape.
    ///
    /// # Errors
    /// A radius that is negative, NaN or infinite.
    pub fn whole(radius: f64) -> Result<Self, Error> {
        Self::of(radius, Groups::Whole)
    }

    fn of(radius: f64, groups: Groups) -> Result<Self, Error> {
        Ok(Self { radius: non_negative("MaxNorm radius", radius)?, groups })
    }

    /// The largest norm allowed.
    pub fn radius(&self) -> f64 {
        self.radius
    }
}

impl<T: Float> Regularizer<T> for MaxNorm {
    fn name(&self) -> &'static str {
        "max norm"
    }

    fn check(&self, shape: Shape) -> Result<(), ShapeFault> {
        self.groups.check(shape)
    }

    /// 0 or ∞; a norm that is larger than the radius by rounding alone (16 ε of it) counts as inside.
    fn value(&self, w: &[T], shape: Shape) -> T {
        let limit = T::of(self.radius) * (T::one() + T::of(16.0) * T::epsilon());
        self.groups.sum_by_norm(w, shape, |norm| match norm {
            norm if norm.is_nan() => norm,
            norm if norm <= limit => T::zero(),
            _ => T::infinity(),
        })
    }
}

impl<T: Float> Prox<T> for MaxNorm {
    fn apply(&self, w: &mut [T], shape: Shape, step: Step<'_, T>) {
        let radius = T::of(self.radius);
        match step {
            // Steps of 0 measure no distance.
            Step::Each(s) if s.iter().any(|&s| s != T::zero()) => {
                Tile::each(self.groups, w, s, shape, |tile| tile.project(self.radius));
            }
            Step::Uniform(_) | Step::Each(_) => {
                self.groups.scale(w, shape, |norm| if norm <= radius { T::one() } else { radius / norm });
            }
        }
    }
}

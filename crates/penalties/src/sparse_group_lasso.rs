use crate::{GroupLasso, L1, Prox, Step};
use wane_autodiff::{Error, Float, Penalty, Regularizer, Shape, ShapeFault};

/// An [`L1`] and a [`GroupLasso`] together: whole groups that are zero, and zeros within the others.
///
/// As a term of the loss it is the sum of both. The proximal operator is that of the L1 part, and then that of the groups:
/// in the other order it is another one, and not this penalty's. Simon, Friedman, Hastie and Tibshirani (2013), whose
/// λα is the strength of the L1 part and λ(1 − α) that of the groups.
///
/// ```
/// use wane_autodiff::Shape;
/// use wane_penalties::{GroupLasso, Prox, SparseGroupLasso, Step};
///
/// let penalty = SparseGroupLasso::new(0.5, GroupLasso::rows(2.5)?.unweighted())?;
/// let mut w = [3.5, 0.25, -4.5]; // soft: (3, 0, −4), a group of norm 5
/// penalty.apply(&mut w, Shape::from_dims(&[1, 3]).unwrap(), Step::Uniform(1.0));
/// assert_eq!(w, [1.5, 0.0, -2.0]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SparseGroupLasso {
    l1: L1,
    groups: GroupLasso,
}

impl SparseGroupLasso {
    /// The penalty with the strength of its L1 part, and its groups.
    ///
    /// # Errors
    /// A strength that is negative, NaN or infinite.
    pub fn new(l1: f64, groups: GroupLasso) -> Result<Self, Error> {
        Ok(Self { l1: L1::new(l1).map_err(|error| error.within("SparseGroupLasso"))?, groups })
    }

    /// The part that counts each weight.
    pub fn l1(&self) -> L1 {
        self.l1
    }

    /// The part that counts each group.
    pub fn groups(&self) -> GroupLasso {
        self.groups
    }
}

impl<T: Float> Regularizer<T> for SparseGroupLasso {
    fn name(&self) -> &'static str {
        "sparse group lasso penalty"
    }

    fn check(&self, shape: Shape) -> Result<(), ShapeFault> {
        Regularizer::<T>::check(&self.groups, shape)
    }

    fn value(&self, w: &[T], shape: Shape) -> T {
        self.l1.value(w, shape) + self.groups.value(w, shape)
    }
}

impl<T: Float> Penalty<T> for SparseGroupLasso {
    fn add_gradient(&self, w: &[T], shape: Shape, scale: T, gradient: &mut [T]) {
        self.l1.add_gradient(w, shape, scale, gradient);
        self.groups.add_gradient(w, shape, scale, gradient);
    }
}

impl<T: Float> Prox<T> for SparseGroupLasso {
    fn apply(&self, w: &mut [T], shape: Shape, step: Step<'_, T>) {
        self.l1.apply(w, shape, step);
        self.groups.apply(w, shape, step);
    }
}

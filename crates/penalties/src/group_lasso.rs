use crate::groups::{Groups, blocks, column_norms, row_norm};
use crate::metric::Tile;
use crate::{Prox, Step};
use wane_autodiff::{Error, Float, Penalty, Regularizer, Shape, ShapeFault, non_negative};

/// λ Σ_g √|g| ‖w_g‖₂ over the rows or the columns of a matrix, |g| being the number of weights in a group.
///
/// The gradient in group g is λ √|g| w_g/‖w_g‖₂, and 0 where the whole group is zero. In the weight of a Linear layer,
/// (out, in), a row is a neuron and a column is an input feature. The proximal operator shrinks a group's norm by
/// sλ√|g|, to 0 at least; where the weights have steps of their own, it is w/(1 + s·λ√|g|/ρ), ρ being the norm that comes
/// out. The penalty of Yuan and Lin (2006).
///
/// ```
/// use wane_autodiff::{Params, Tape, ndarray::array};
/// use wane_penalties::GroupLasso;
///
/// let mut params = Params::<f64>::new();
/// let w = params.root().add("weight", &array![[3.0, 0.0], [4.0, 0.0]])?;
/// let mut tape = Tape::new();
/// let penalty = tape.record(&params).penalty(&GroupLasso::columns(0.5)?, &[w]);
/// assert_eq!(penalty.item(), 0.5 * 2.0_f64.sqrt() * 5.0); // one live feature of norm 5, one dead
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupLasso {
    lambda: f64,
    groups: Groups,
    weighted: bool,
}

impl GroupLasso {
    /// Each row of a matrix is a group: the weights into one neuron.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn rows(lambda: f64) -> Result<Self, Error> {
        Self::of(lambda, Groups::Rows)
    }

    /// Each column of a matrix is a group: the weights out of one input feature.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn columns(lambda: f64) -> Result<Self, Error> {
        Self::of(lambda, Groups::Columns)
    }

    /// The same groups without the factor √|g|: λ Σ_g ‖w_g‖₂.
    #[must_use]
    pub fn unweighted(self) -> Self {
        Self { weighted: false, ..self }
    }

    fn of(lambda: f64, groups: Groups) -> Result<Self, Error> {
        Ok(Self { lambda: non_negative("GroupLasso lambda", lambda)?, groups, weighted: true })
    }

    /// The strength λ.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// λ√|g|.
    fn weight(&self, shape: Shape) -> f64 {
        if self.weighted { self.lambda * (self.groups.size(shape) as f64).sqrt() } else { self.lambda }
    }
}

impl<T: Float> Regularizer<T> for GroupLasso {
    fn name(&self) -> &'static str {
        "group lasso penalty"
    }

    fn check(&self, shape: Shape) -> Result<(), ShapeFault> {
        self.groups.check(shape)
    }

    fn value(&self, w: &[T], shape: Shape) -> T {
        T::of(self.weight(shape)) * self.groups.sum_by_norm(w, shape, |norm| norm)
    }
}

impl<T: Float> Penalty<T> for GroupLasso {
    fn add_gradient(&self, w: &[T], shape: Shape, scale: T, gradient: &mut [T]) {
        let (_, columns) = self.groups.matrix(shape);
        let slope = scale * T::of(self.weight(shape));
        // w/‖w‖ first: it is at most 1, where slope·w might overflow. A group of zeros stays where it is.
        let step = |gradient: &mut T, w: T, norm: T| {
            if norm != T::zero() {
                *gradient += w / norm * slope;
            }
        };
        match self.groups {
            _ if w.is_empty() => {}
            Groups::Rows | Groups::Whole => {
                for (gradient, w) in gradient.chunks_exact_mut(columns).zip(w.chunks_exact(columns)) {
                    let norm = row_norm(w);
                    gradient.iter_mut().zip(w).for_each(|(gradient, &w)| step(gradient, w, norm));
                }
            }
            Groups::Columns => {
                for (first, width) in blocks(columns) {
                    let norms = &column_norms(w, columns, first, width)[..width];
                    for (gradient, w) in gradient.chunks_exact_mut(columns).zip(w.chunks_exact(columns)) {
                        let members = gradient[first..][..width].iter_mut().zip(&w[first..][..width]);
                        members.zip(norms).for_each(|((gradient, &w), &norm)| step(gradient, w, norm));
                    }
                }
            }
        }
    }
}

impl<T: Float> Prox<T> for GroupLasso {
    fn apply(&self, w: &mut [T], shape: Shape, step: Step<'_, T>) {
        let lambda = self.weight(shape);
        match step {
            Step::Uniform(s) => {
                let threshold = s * T::of(lambda);
                let factor = |norm| if norm <= threshold { T::zero() } else { T::one() - threshold / norm };
                self.groups.scale(w, shape, factor);
            }
            Step::Each(s) => Tile::each(self.groups, w, s, shape, |tile| tile.shrink(lambda)),
        }
    }
}

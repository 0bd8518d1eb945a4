use crate::{Float, Shape, ShapeFault, Var};

/// How the losses of elements (or rows) become one number: PyTorch's `reduction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reduction {
    /// The mean, Σ ℓ / n, or with weights Σ w·ℓ / Σ w: NaN if there is nothing to average.
    #[default]
    Mean,
    /// The sum, Σ ℓ or Σ w·ℓ.
    Sum,
    /// Every ℓ or w·ℓ for itself, in the loss's shape.
    None,
    /// The sum divided by the length of the first axis, whatever the weights. This is the mean of [`Loss::KlDiv`] over
    /// distributions that lie along the last of two axes.
    ///
    /// [`Loss::KlDiv`]: crate::Loss::KlDiv
    BatchMean,
}

impl Reduction {
    /// What the sum over `shape` is divided by, where there are no weights.
    pub(super) fn divisor<T: Float>(self, shape: Shape) -> T {
        match self {
            Self::Mean => T::of(shape.len() as f64),
            Self::BatchMean => T::of(shape.dims().first().map_or(1.0, |&rows| rows as f64)),
            Self::Sum | Self::None => T::one(),
        }
    }
}

/// How a loss is weighted and reduced; by default the plain mean. A [`Reduction`] alone will do where options are
/// wanted.
///
/// Weights are those of samples (scikit-learn's `sample_weight`): any shape that broadcasts to the loss's, such as
/// (rows, 1) for a loss of (rows, outputs). They are not checked. A weight of 0 takes a finite loss out of the mean. If
/// they want a gradient they get it, of the weights' sum too; a [`Graph::input`](crate::Graph::input) wants none.
///
/// The mean is divided by Σ w, as in PyTorch's `mse_loss` and `l1_loss` and in scikit-learn. PyTorch's `huber_loss` and
/// `binary_cross_entropy_with_logits` divide by n instead: for those numbers, multiply the weights into
/// [`Reduction::None`] and take the mean.
///
/// ```
/// use wane_autodiff::{Loss, LossOptions, Params, Reduction, Tape, ndarray::array};
///
/// let params = Params::<f64>::new();
/// let mut tape = Tape::new();
/// let graph = tape.record(&params);
/// let (x, y) = (graph.input(&array![[1.0, 2.0], [3.0, 4.0]]), graph.input(&array![[1.0, 0.0], [0.0, 4.0]]));
/// let weights = Some(graph.input(&array![[3.0], [1.0]]));
/// let weighted = x.loss_with(Loss::Mse, y, LossOptions { weights, ..Default::default() });
/// assert_eq!(weighted.item(), (3.0 * 4.0 + 9.0) / 8.0);
/// assert_eq!(x.loss_with(Loss::Mse, y, Reduction::Sum).item(), 13.0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LossOptions<'g, T> {
    /// How many numbers become one.
    pub reduction: Reduction,
    /// One weight an element (or row), or one for several of them.
    pub weights: Option<Var<'g, T>>,
}

impl<T> Default for LossOptions<'_, T> {
    fn default() -> Self {
        Reduction::Mean.into()
    }
}

impl<T> From<Reduction> for LossOptions<'_, T> {
    fn from(reduction: Reduction) -> Self {
        Self { reduction, weights: None }
    }
}

impl<'g, T: Float> LossOptions<'g, T> {
    /// Weights and reduces the losses `each` of `op`. In a mean, an element counts as much as `unit` says: 1 without it.
    #[track_caller]
    pub(super) fn reduce(self, op: &str, each: Var<'g, T>, unit: Option<Var<'g, T>>) -> Var<'g, T> {
        let shape = each.shape();
        let weighted = match self.weights {
            Some(weights) if weights.shape().broadcast(shape) == Some(shape) => each * weights,
            Some(weights) => {
                let fault =
                    format!("weights are {}, which do not broadcast to {shape}, the loss's shape", weights.shape());
                each.graph.refuse(op, &ShapeFault::new(fault), &[weights])
            }
            None => each,
        };
        let counted = match (unit, self.weights) {
            (Some(unit), Some(weights)) => Some(unit * weights),
            (unit, weights) => unit.or(weights),
        };
        match (self.reduction, counted) {
            (Reduction::None, _) => weighted,
            (Reduction::Mean, Some(counted)) => {
                let repeats = shape.len() as f64 / counted.shape().len() as f64;
                weighted.sum() / (counted.sum() * T::of(repeats))
            }
            (reduction, _) => weighted.sum() / reduction.divisor::<T>(shape),
        }
    }
}

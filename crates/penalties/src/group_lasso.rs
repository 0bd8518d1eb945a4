use wane_autodiff::{Error, Float, Penalty, Shape, ShapeFault, non_negative, reduce};

/// λ Σ_g √|g| ‖w_g‖₂ over the rows or the columns of a matrix, |g| being the number of weights in a group.
///
/// The gradient in group g is λ √|g| w_g/‖w_g‖₂, and 0 where the whole group is zero. In the weight of a Linear layer,
/// (out, in), a row is a neuron and a column is an input feature. The penalty of Yuan and Lin (2006).
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Groups {
    Rows,
    Columns,
}

impl GroupLasso {
    /// Each row of a matrix is a group: the weights into one neuron.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn rows(lambda: f64) -> Result<Self, Error> {
        Ok(Self { lambda: non_negative("GroupLasso lambda", lambda)?, groups: Groups::Rows })
    }

    /// Each column of a matrix is a group: the weights out of one input feature.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn columns(lambda: f64) -> Result<Self, Error> {
        Ok(Self { lambda: non_negative("GroupLasso lambda", lambda)?, groups: Groups::Columns })
    }

    /// The strength λ.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// (groups, their size, the step from group to group, the step inside a group)
    fn walk(&self, shape: Shape) -> (usize, usize, usize, usize) {
        let (rows, columns) = (shape.dims()[0], shape.dims()[1]);
        match self.groups {
            Groups::Rows => (rows, columns, columns, 1),
            Groups::Columns => (columns, rows, 1, columns),
        }
    }
}

impl<T: Float> Penalty<T> for GroupLasso {
    fn name(&self) -> &'static str {
        "group lasso penalty"
    }

    fn check(&self, shape: Shape) -> Result<(), ShapeFault> {
        if shape.rank() == 2 {
            return Ok(());
        }
        Err(ShapeFault::new(format!("a parameter is {shape}, rows and columns want two axes")))
    }

    fn value(&self, w: &[T], shape: Shape) -> T {
        let (groups, size, step, inner) = self.walk(shape);
        let total = reduce::sum_by(0, groups, &|group| norm(w, group * step, size, inner));
        T::of(self.lambda * (size as f64).sqrt()) * total
    }

    fn add_gradient(&self, w: &[T], shape: Shape, scale: T, gradient: &mut [T]) {
        let (groups, size, step, inner) = self.walk(shape);
        let slope = scale * T::of(self.lambda * (size as f64).sqrt());
        for group in 0..groups {
            let norm = norm(w, group * step, size, inner);
            if norm != T::zero() {
                let members = (0..size).map(|member| group * step + member * inner);
                members.for_each(|i| gradient[i] += slope * w[i] / norm);
            }
        }
    }
}

/// ‖w_g‖₂, scaled by its largest element so that its square neither overflows nor vanishes.
fn norm<T: Float>(w: &[T], start: usize, size: usize, inner: usize) -> T {
    let member = |i: usize| w[start + i * inner].abs();
    let largest = (0..size).map(member).fold(T::zero(), |max, w| if w > max || w.is_nan() { w } else { max });
    if largest == T::zero() || !largest.is_finite() {
        return largest;
    }
    largest * reduce::sum_by(0, size, &|i| (member(i) / largest) * (member(i) / largest)).sqrt()
}

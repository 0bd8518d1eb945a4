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

    /// λ√|g|.
    fn weight<T: Float>(&self, shape: Shape) -> T {
        let (rows, columns) = (shape.dims()[0], shape.dims()[1]);
        let size = match self.groups {
            Groups::Rows => columns,
            Groups::Columns => rows,
        };
        T::of(self.lambda * (size as f64).sqrt())
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
        let (rows, columns) = (shape.dims()[0], shape.dims()[1]);
        let total = match self.groups {
            _ if w.is_empty() => T::zero(),
            Groups::Rows => reduce::sum_by(0, rows, &|row| row_norm(&w[row * columns..][..columns])),
            Groups::Columns => blocks(columns)
                .map(|(first, width)| -> T { column_norms(w, columns, first, width)[..width].iter().copied().sum() })
                .sum(),
        };
        self.weight::<T>(shape) * total
    }

    fn add_gradient(&self, w: &[T], shape: Shape, scale: T, gradient: &mut [T]) {
        let columns = shape.dims()[1];
        let slope = scale * self.weight::<T>(shape);
        // w/‖w‖ first: it is at most 1, where slope·w might overflow. A group of zeros stays where it is.
        let step = |gradient: &mut T, w: T, norm: T| {
            if norm != T::zero() {
                *gradient += w / norm * slope;
            }
        };
        match self.groups {
            _ if w.is_empty() => {}
            Groups::Rows => {
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

/// Neighbouring columns, as many as are summed side by side: (first, how many).
fn blocks(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..columns).step_by(reduce::LANES).map(move |first| (first, reduce::LANES.min(columns - first)))
}

fn row_norm<T: Float>(w: &[T]) -> T {
    norm(reduce::sum_of(w, &|w| w * w), w.iter().copied())
}

/// The norms of up to 16 columns, which are read row by row; those beyond `width` mean nothing.
fn column_norms<T: Float>(w: &[T], columns: usize, first: usize, width: usize) -> [T; reduce::LANES] {
    let mut norms = reduce::column_sums_by(w, columns, first, width, &|w| w * w);
    for (column, norm_of) in norms.iter_mut().enumerate().take(width) {
        *norm_of = norm(*norm_of, w[first + column..].iter().step_by(columns).copied());
    }
    norms
}

/// The root of a sum of squares; where that overflowed or lost bits to underflow, it is taken again of members divided
/// by the largest.
fn norm<T: Float>(squares: T, members: impl Iterator<Item = T> + Clone) -> T {
    if squares.is_finite() && squares * T::epsilon() >= T::min_positive_value() {
        return squares.sqrt();
    }
    let largest = members.clone().map(T::abs).fold(T::zero(), T::max_or_nan);
    if largest == T::zero() || !largest.is_finite() {
        return largest;
    }
    largest * members.map(|w| (w / largest) * (w / largest)).sum::<T>().sqrt()
}

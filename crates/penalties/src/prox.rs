use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Float, Regularizer, Shape};

/// A [`Regularizer`] h, by its proximal operator
///
/// prox(v) = argminₓ Σ (xᵢ − vᵢ)²/(2sᵢ) + h(x),
///
/// s being the size of the step that led to v. Applied to the weights after every gradient step of a loss, it minimises
/// loss + h, and where h asks for zeros they are exact: +0, bit for bit. A constraint is an h that is 0 inside and ∞
/// outside; its operator is the projection.
///
/// Parikh and Boyd, *Proximal Algorithms* (2014).
///
/// ```
/// use wane_autodiff::Shape;
/// use wane_penalties::{L1, Prox, Step};
///
/// let mut w = [0.75, -0.125, -1.0];
/// let shape = Shape::from_dims(&[3]).unwrap();
/// L1::new(0.5)?.apply(&mut w, shape, Step::Uniform(0.5)); // a gradient step of lr 0.5 came before
/// assert_eq!(w, [0.5, 0.0, -0.75]);
/// L1::new(0.5)?.apply(&mut w, shape, Step::Each(&[0.5, 0.5, 1.0])); // lr/(√v + eps) of each weight, under Adam
/// assert_eq!(w, [0.25, 0.0, -0.25]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
pub trait Prox<T: Float>: Regularizer<T> {
    /// Whether h is a sum of functions of one weight each: then the operator may be applied to any part of a parameter,
    /// as to a vector.
    fn is_separable(&self) -> bool {
        false
    }

    /// Takes `w`, row-major of shape `shape`, to prox(w). A NaN stays NaN, and makes so its group.
    ///
    /// # Panics
    /// As many steps as weights are wanted, if not one for all.
    fn apply(&self, w: &mut [T], shape: Shape, step: Step<'_, T>);
}

/// The size s of the step that led to the weights: what multiplied the gradient.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a, T> {
    /// One for all weights, as in SGD: lr. At least 0.
    Uniform(T),
    /// One for each weight, as in Adam: lr/(√v̂ + eps). Above 0: a diagonal metric in which distances are measured, and
    /// without which the operator would not lead to the minimum.
    Each(&'a [T]),
}

/// w ← f(w, s), weight by weight.
pub(crate) fn each<T: Float>(w: &mut [T], step: Step<'_, T>, f: impl Fn(T, T) -> T) {
    match step {
        Step::Uniform(s) => vectorized(Alike { w, s, f }),
        Step::Each(s) => {
            check_count(w, s);
            vectorized(Diagonal { w, s, f });
        }
    }
}

/// A slip of the caller's, which zipped slices would pass over.
pub(crate) fn check_count<T>(w: &[T], s: &[T]) {
    assert_eq!(w.len(), s.len(), "as many steps as weights");
}

/// What is left of v when |v| gives way by t: sign(v)·max(|v| − t, 0).
#[inline(always)]
pub(crate) fn soft<T: Float>(v: T, t: T) -> T {
    if v.abs() <= t {
        T::zero()
    } else if v > T::zero() {
        v - t
    } else {
        v + t
    }
}

/// h of one weight under a constraint: 0 or ∞, and NaN for NaN.
#[inline(always)]
pub(crate) fn indicator<T: Float>(w: T, is_inside: bool) -> T {
    if w.is_nan() {
        w
    } else if is_inside {
        T::zero()
    } else {
        T::infinity()
    }
}

struct Alike<'a, T, F> {
    w: &'a mut [T],
    s: T,
    f: F,
}

impl<T: Float, F: Fn(T, T) -> T> Kernel for Alike<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for w in self.w {
            *w = (self.f)(*w, self.s);
        }
    }
}

struct Diagonal<'a, T, F> {
    w: &'a mut [T],
    s: &'a [T],
    f: F,
}

impl<T: Float, F: Fn(T, T) -> T> Kernel for Diagonal<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (w, &s) in self.w.iter_mut().zip(self.s) {
            *w = (self.f)(*w, s);
        }
    }
}

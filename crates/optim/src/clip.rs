use wane_autodiff::{Error, Float, Grads, number, reduce};

/// Scales all gradients so that their common Euclidean norm is at most `max_norm`, and returns the norm that they had
/// (PyTorch's `clip_grad_norm_`): g ← g·min(1, max_norm/(norm + 1e-6)).
///
/// Proximal terms of the groups ([`Group::prox`](crate::Group::prox)) are scaled alike in the step that follows.
///
/// A norm that is NaN or infinite makes every gradient NaN or zero, as in PyTorch; the returned norm tells.
///
/// # Errors
/// A `max_norm` that is not above 0.
pub fn clip_grad_norm<T: Float>(grads: &mut Grads<T>, max_norm: f64) -> Result<f64, Error> {
    above_zero("max_norm", max_norm)?;
    let norm = norm(grads.as_slice());
    clip_grads_with_norm(grads, max_norm, norm)?;
    Ok(norm)
}

/// [`clip_grad_norm`] by a norm that is known already (PyTorch's `clip_grads_with_norm_`).
///
/// # Errors
/// A `max_norm` that is not above 0.
pub fn clip_grads_with_norm<T: Float>(grads: &mut Grads<T>, max_norm: f64, norm: f64) -> Result<(), Error> {
    let coefficient = above_zero("max_norm", max_norm)? / (norm + 1e-6);
    if coefficient < 1.0 || coefficient.is_nan() {
        grads.clip_by(coefficient);
    }
    Ok(())
}

/// Brings every gradient into ±`clip_value` (PyTorch's `clip_grad_value_`). A NaN stays. Proximal terms stay as they are:
/// a weight that is clipped where it would rest ends elsewhere.
///
/// # Errors
/// A `clip_value` that is not above 0.
pub fn clip_grad_value<T: Float>(grads: &mut Grads<T>, clip_value: f64) -> Result<(), Error> {
    let limit = T::of(above_zero("clip_value", clip_value)?);
    for g in grads.as_mut_slice() {
        if *g > limit {
            *g = limit;
        } else if *g < -limit {
            *g = -limit;
        }
    }
    Ok(())
}

fn above_zero(field: &str, value: f64) -> Result<f64, Error> {
    if value > 0.0 { Ok(value) } else { Err(Error::option(field, number(value), "a number above 0")) }
}

/// √Σx².
pub(crate) fn norm<T: Float>(x: &[T]) -> f64 {
    reduce::squares(x).sqrt()
}

//! NumPy's broadcasting: the one place where it is done, and the one where it is undone.

use crate::op::Backward;
use crate::shape::MAX_RANK;
use crate::{Float, Shape, reduce};

/// An operand: its numbers and their shape.
type Operand<'a, T> = (&'a [T], Shape);

/// Writes `f(a, b)` to every element of `out`, whose shape both operands broadcast to.
pub(crate) fn zip<T: Float>(out: &mut [T], shape: Shape, a: Operand<'_, T>, b: Operand<'_, T>, f: impl Fn(T, T) -> T) {
    visit(shape, a, b, |i, a, b| out[i] = f(a, b));
}

/// Adds to an operand's gradient what each output element sends it, `local(a, b, y, dy)`, summed over the axes along
/// which the operand was broadcast; a and b are the operands of `pair`.
pub(crate) fn unzip<T: Float>(
    pass: &mut Backward<'_, T>,
    pair: (usize, usize),
    operand: usize,
    local: impl Fn(T, T, T, T) -> T,
) {
    let (shape, target) = (pass.shape(), pass.input_shape(operand));
    let [a, b] = [pair.0, pair.1].map(|i| (pass.input(i), pass.input_shape(i)));
    let (y, dy) = (pass.output(), pass.output_grad());
    if shape.len() == target.len() {
        // Axes of length 1 may be missing; the elements lie in the same order.
        if let Some(grad) = pass.input_grad(operand) {
            visit(shape, a, b, |i, a, b| grad[i] += local(a, b, y[i], dy[i]));
        }
    } else if pass.wants(operand) {
        let mut full = pass.take_buffer(shape.len());
        visit(shape, a, b, |i, a, b| full[i] = local(a, b, y[i], dy[i]));
        let summed = sum_to(full, shape, target, pass);
        let grad = pass.input_grad(operand).expect("asked above");
        grad.iter_mut().zip(&summed).for_each(|(grad, &sum)| *grad += sum);
        pass.give_back(summed);
    }
}

/// Sums `full` over every axis along which `target` has length 1 and `shape` has not.
fn sum_to<T: Float>(mut full: Vec<T>, mut shape: Shape, target: Shape, pass: &mut Backward<'_, T>) -> Vec<T> {
    for axis in 0..shape.rank() {
        if target.aligned(axis, shape.rank()) == 1 && shape.dims()[axis] != 1 {
            let (outer, n, inner) = shape.around(axis);
            let mut summed = pass.take_buffer(outer * inner);
            reduce::sum_middle(&full, n, inner, &mut summed[..outer * inner], |to, sum| *to = sum);
            pass.give_back(std::mem::replace(&mut full, summed));
            shape = shape.resized(axis, 1);
        }
    }
    full
}

/// Calls `f(position in the output, a, b)` for every element of an output of `shape`, which both operands broadcast to.
pub(crate) fn visit<T: Float>(
    shape: Shape,
    (a, a_shape): Operand<'_, T>,
    (b, b_shape): Operand<'_, T>,
    mut f: impl FnMut(usize, T, T),
) {
    if a_shape == shape && b_shape == shape {
        a.iter().zip(b).enumerate().for_each(|(i, (&a, &b))| f(i, a, b));
    } else if let (&[b], true) = (b, a_shape == shape) {
        a.iter().enumerate().for_each(|(i, &a)| f(i, a, b));
    } else if let (&[a], true) = (a, b_shape == shape) {
        b.iter().enumerate().for_each(|(i, &b)| f(i, a, b));
    } else {
        let (a_strides, b_strides) = (strides(a_shape, shape), strides(b_shape, shape));
        runs(shape, |start, len, outer| {
            let (a_start, a_step) = (offset(outer, a_strides), a_strides[MAX_RANK - 1]);
            let (b_start, b_step) = (offset(outer, b_strides), b_strides[MAX_RANK - 1]);
            for i in 0..len {
                f(start + i, a[a_start + i * a_step], b[b_start + i * b_step]);
            }
        });
    }
}

/// Calls `f(position in the output, value)` for every element of `x` with two axes exchanged.
pub(crate) fn swap_axes<T: Float>(x: &[T], shape: Shape, axes: (usize, usize), mut f: impl FnMut(usize, T)) {
    let missing = MAX_RANK - shape.rank();
    let mut strides = strides(shape, shape);
    strides.swap(missing + axes.0, missing + axes.1);
    runs(shape.swapped(axes.0, axes.1), |start, len, outer| {
        let (first, step) = (offset(outer, strides), strides[MAX_RANK - 1]);
        for i in 0..len {
            f(start + i, x[first + i * step]);
        }
    });
}

/// The steps through an operand of shape `from` along the axes of `to`, right-aligned in four; 0 where it repeats.
fn strides(from: Shape, to: Shape) -> [usize; MAX_RANK] {
    let (mut strides, mut step) = ([0; MAX_RANK], 1);
    for axis in (0..to.rank()).rev() {
        let dim = from.aligned(axis, to.rank());
        if dim != 1 {
            strides[MAX_RANK - to.rank() + axis] = step;
        }
        step *= dim;
    }
    strides
}

/// Calls `run(start, length, indices of the three outer axes)` for each run along the last axis.
fn runs(shape: Shape, mut run: impl FnMut(usize, usize, [usize; MAX_RANK - 1])) {
    let [n0, n1, n2, len] = std::array::from_fn(|axis| shape.aligned(axis, MAX_RANK));
    let mut start = 0;
    for i in 0..n0 {
        for j in 0..n1 {
            for k in 0..n2 {
                run(start, len, [i, j, k]);
                start += len;
            }
        }
    }
}

fn offset(outer: [usize; MAX_RANK - 1], strides: [usize; MAX_RANK]) -> usize {
    outer.iter().zip(strides).map(|(index, stride)| index * stride).sum()
}

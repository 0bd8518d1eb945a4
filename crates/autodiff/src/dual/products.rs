use super::Dual;
use crate::Float;
use crate::gemm::{MatRef, Mode, Product, gemm};

/// A product of dual numbers as real ones, which run at full width where interleaved numbers do not:
/// (A + εA′)(B + εB′) = AB + ε(AB′ + A′B). A factor that does not move saves its term.
///
/// The parts are kept in a buffer of this call, as the library behind large real products keeps its own.
pub(super) fn multiply<T: Float>(product: Product<'_, Dual<T>>, c: &mut [Dual<T>]) {
    let Product { a, b, mode } = product;
    let mut parts = vec![T::zero(); 2 * (a.data().len() + b.data().len() + c.len())];
    let (a_parts, rest) = parts.split_at_mut(2 * a.data().len());
    let (b_parts, c_parts) = rest.split_at_mut(2 * b.data().len());
    let ((a, a_tangent), (b, b_tangent)) = (split(a, a_parts), split(b, b_parts));
    let (values, tangents) = c_parts.split_at_mut(c.len());
    let mut panel = Vec::new();
    gemm(Product { a, b, mode: Mode::Replace }, values, &mut panel);
    if let Some(b_tangent) = b_tangent {
        gemm(Product { a, b: b_tangent, mode: Mode::Add }, tangents, &mut panel);
    }
    if let Some(a_tangent) = a_tangent {
        gemm(Product { a: a_tangent, b, mode: Mode::Add }, tangents, &mut panel);
    }
    for (c, (&value, &tangent)) in c.iter_mut().zip(values.iter().zip(&*tangents)) {
        let product = Dual::new(value, tangent);
        *c = if mode == Mode::Replace { product } else { *c + product };
    }
}

/// A matrix's values, and its tangents unless all of them are 0.
fn split<'a, T: Float>(matrix: MatRef<'_, Dual<T>>, parts: &'a mut [T]) -> (MatRef<'a, T>, Option<MatRef<'a, T>>) {
    let (values, tangents) = parts.split_at_mut(matrix.data().len());
    for (&number, (value, tangent)) in matrix.data().iter().zip(values.iter_mut().zip(tangents.iter_mut())) {
        (*value, *tangent) = (number.value, number.tangent);
    }
    let moves = tangents.iter().any(|&tangent| tangent != T::zero());
    (matrix.over(values), moves.then_some(matrix.over(tangents)))
}

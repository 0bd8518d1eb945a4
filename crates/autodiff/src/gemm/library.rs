//! The libraries behind the front, on one thread or several. The one file that may hold `unsafe`: matrixmultiply takes
//! pointers.
//!
//! Several threads share a product by its rows or columns (matrixmultiply's by rows alone), never by its inner size, and the
//! libraries cut the inner size by a constant: each element of the result is the same sum on any number of threads. faer has
//! other ways for vectors and for up to 4096 multiplications, in which no part of a shared product ends: a part is 2 wide at
//! least, and has many times as many.

#[cfg(all(feature = "faer", target_arch = "x86_64"))]
use super::MatRef;
use super::{Kernel, Mode, Product, check_len, tile};
use crate::Float;
#[cfg(all(feature = "faer", target_arch = "x86_64"))]
use crate::threads::by_rows;
use crate::threads::parts;
use rayon::prelude::*;

/// How many multiplications at least a thread is given: handing over fewer costs more than it saves.
const SHARE: usize = 1 << 20;

/// A real scalar, as the libraries know it.
pub(crate) trait Real: Float {
    const MATRIXMULTIPLY: MatrixMultiply<Self>;

    #[cfg(all(feature = "faer", target_arch = "x86_64"))]
    fn faer(product: Product<'_, Self>, c: &mut [Self], parts: usize, scratch: &mut Vec<Self>);
}

/// [`gemm`](super::gemm) of real numbers, no size 0.
pub(crate) fn real<T: Real>(kernel: Option<Kernel>, product: Product<'_, T>, c: &mut [T], scratch: &mut Vec<T>) {
    let parts = parts(product.work(), SHARE);
    match kernel.unwrap_or_else(|| Kernel::of(&product)) {
        Kernel::Direct => tile::direct(product, c, scratch),
        Kernel::MatrixMultiply => in_blocks(product, c, parts),
        #[cfg(all(feature = "faer", target_arch = "x86_64"))]
        Kernel::Faer if has_faer() => T::faer(product, c, parts, scratch),
        Kernel::Faer => panic!("the kernel Faer is not available: it wants the feature \"faer\", AVX2 and FMA"),
    }
}

/// Whether faer is in this build, and this processor one that it has kernels of its own for.
pub(super) fn has_faer() -> bool {
    #[cfg(all(feature = "faer", target_arch = "x86_64"))]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(all(feature = "faer", target_arch = "x86_64")))]
    false
}

/// Whether faer computes a product faster if the rows of `a` lie in one piece, by more than bringing them there costs.
pub(super) fn wants_rows<T>(product: &Product<'_, T>) -> bool {
    let (_, k, n) = product.size();
    product.a.column_step != 1 && k.min(n) >= 256
}

/// The same product, `a` copied to row-major scratch: by squares, of which each reads and writes whole cache lines.
#[cfg(all(feature = "faer", target_arch = "x86_64"))]
fn in_rows<'a, T: Real>(product: Product<'a, T>, scratch: &'a mut Vec<T>) -> Product<'a, T> {
    const SQUARE: usize = 8;
    let Product { a, .. } = product;
    if scratch.len() < a.data.len() {
        scratch.resize(a.data.len(), T::zero());
    }
    let rows = &mut scratch[..a.data.len()];
    by_rows(rows, a.columns, |top, rows| {
        for (block, rows) in rows.chunks_mut(SQUARE * a.columns).enumerate() {
            let top = top + block * SQUARE;
            for left in (0..a.columns).step_by(SQUARE) {
                for (row, to) in rows.chunks_exact_mut(a.columns).enumerate() {
                    let to = &mut to[left..a.columns.min(left + SQUARE)];
                    to.iter_mut().enumerate().for_each(|(column, to)| *to = *a.at(top + row, left + column));
                }
            }
        }
    });
    Product { a: MatRef::new(rows, a.rows, a.columns), ..product }
}

/// By matrixmultiply, `parts` blocks of rows side by side.
fn in_blocks<T: Real>(product: Product<'_, T>, c: &mut [T], parts: usize) {
    let (m, _, n) = product.size();
    let rows = m.div_ceil(parts);
    if rows == m {
        return T::MATRIXMULTIPLY.multiply(product, c);
    }
    c.par_chunks_mut(rows * n).enumerate().for_each(|(block, c)| {
        let a = product.a.block_of_rows(block * rows, c.len() / n);
        T::MATRIXMULTIPLY.multiply(Product { a, ..product }, c);
    });
}

/// matrixmultiply's signature: m, k, n, α, a, its strides, b, its strides, β, c, its strides.
type Pointers<T> =
    unsafe fn(usize, usize, usize, T, *const T, isize, isize, *const T, isize, isize, T, *mut T, isize, isize);

/// A kernel of matrixmultiply. Only this file can make one, so that no other function is ever called in its place.
#[derive(Clone, Copy)]
pub(crate) struct MatrixMultiply<T>(Pointers<T>);

impl<T: Float> MatrixMultiply<T> {
    #[allow(unsafe_code)]
    fn multiply(self, product: Product<'_, T>, c: &mut [T]) {
        let Product { a, b, mode } = product;
        let (m, k, n) = product.size();
        let beta = if mode == Mode::Replace { T::zero() } else { T::one() };
        assert_eq!(b.rows, k, "a product's inner sizes agree");
        check_len(c, m, n);
        // SAFETY: every (i, j) inside a `MatRef`'s sizes lies inside its slice: `new` checked that it holds
        // rows × columns elements, `t` only swaps both sizes and both steps, and `block_of_rows` starts the slice where
        // its first row does and checks that the last one is among the rows there are. `c` is row-major of m × n,
        // checked above, and borrowed mutably, so it overlaps neither factor.
        unsafe {
            (self.0)(
                m,
                k,
                n,
                T::one(),
                a.data.as_ptr(),
                a.row_step as isize,
                a.column_step as isize,
                b.data.as_ptr(),
                b.row_step as isize,
                b.column_step as isize,
                beta,
                c.as_mut_ptr(),
                n as isize,
                1,
            );
        }
    }
}

macro_rules! real {
    ($scalar:ty, $matrixmultiply:path) => {
        impl Real for $scalar {
            const MATRIXMULTIPLY: MatrixMultiply<Self> = MatrixMultiply($matrixmultiply);

            #[cfg(all(feature = "faer", target_arch = "x86_64"))]
            fn faer(product: Product<'_, Self>, c: &mut [Self], parts: usize, scratch: &mut Vec<Self>) {
                let Product { a, b, mode } = if wants_rows(&product) { in_rows(product, scratch) } else { product };
                let c = faer::MatMut::from_row_major_slice_mut(c, a.rows, b.columns);
                let mode = if mode == Mode::Replace { faer::Accum::Replace } else { faer::Accum::Add };
                with_faer::share(c, mode, a.into(), b.into(), parts);
            }
        }
    };
}

real!(f32, matrixmultiply::sgemm);
real!(f64, matrixmultiply::dgemm);

#[cfg(all(feature = "faer", target_arch = "x86_64"))]
mod with_faer {
    use faer::linalg::matmul::matmul;
    use faer::reborrow::ReborrowMut;
    use faer::traits::ComplexField;
    use faer::{Accum, MatMut, MatRef, Par};

    /// Parts begin at whole registers.
    const STEP: usize = 16;

    impl<'a, T> From<crate::gemm::MatRef<'a, T>> for MatRef<'a, T> {
        fn from(matrix: crate::gemm::MatRef<'a, T>) -> Self {
            if matrix.column_step == 1 {
                MatRef::from_row_major_slice(matrix.data, matrix.rows, matrix.columns)
            } else {
                MatRef::from_row_major_slice(matrix.data, matrix.columns, matrix.rows).transpose()
            }
        }
    }

    /// Few columns at a time, whose part of b stays in the cache: a quarter faster for large products, and for no shape slower.
    const COLUMNS: usize = 192;

    fn by_columns<T: ComplexField>(mut c: MatMut<'_, T>, mode: Accum, a: MatRef<'_, T>, b: MatRef<'_, T>) {
        let columns = c.ncols();
        for left in (0..columns).step_by(COLUMNS) {
            let width = COLUMNS.min(columns - left);
            matmul(c.rb_mut().subcols_mut(left, width), mode, a, b.subcols(left, width), T::one_impl(), Par::Seq);
        }
        // SAFETY: `has_faer` has seen AVX2, or `real` would not be here.
        #[allow(unsafe_code)]
        unsafe {
            clear_upper_halves();
        }
    }

    /// faer's kernels are assembly that leaves numbers in the upper halves of the registers, which compiled code never does.
    /// Until they are cleared, Intel's processors take 25 times as long for each `tanh` of the C library, which has SSE
    /// instructions.
    #[target_feature(enable = "avx")]
    fn clear_upper_halves() {
        std::arch::x86_64::_mm256_zeroupper();
    }

    /// Halves c on its longer side until each part has one thread.
    pub(super) fn share<T: ComplexField + Sync + Send>(
        c: MatMut<'_, T>,
        mode: Accum,
        a: MatRef<'_, T>,
        b: MatRef<'_, T>,
        parts: usize,
    ) {
        let (rows, columns) = (c.nrows(), c.ncols());
        let middle = |len: usize| (len * (parts / 2) / parts).next_multiple_of(STEP).min(len);
        if parts < 2 || rows.max(columns) < 2 * STEP {
            by_columns(c, mode, a, b);
        } else if columns >= rows {
            let at = middle(columns);
            let ((left, right), (b_left, b_right)) = (c.split_at_col_mut(at), b.split_at_col(at));
            rayon::join(
                || share(left, mode, a, b_left, parts / 2),
                || share(right, mode, a, b_right, parts - parts / 2),
            );
        } else {
            let at = middle(rows);
            let ((top, bottom), (a_top, a_bottom)) = (c.split_at_row_mut(at), a.split_at_row(at));
            rayon::join(
                || share(top, mode, a_top, b, parts / 2),
                || share(bottom, mode, a_bottom, b, parts - parts / 2),
            );
        }
    }
}

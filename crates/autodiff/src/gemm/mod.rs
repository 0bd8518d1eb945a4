//! Matrix products: the one front, and the kernels that it chooses between.
//!
//! faer computes them where it has kernels for the processor, whatever their size. Elsewhere tiny ones run through a direct
//! kernel of our own, and the others through matrixmultiply. [`naive`] is the oracle that all of them are tested against.

mod library;
mod tile;

pub(crate) use library::real;

use crate::Float;

/// A matrix in a flat slice: element (i, j) lies at `i·row_step + j·column_step`.
#[derive(Clone, Copy, Debug)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a, T> MatRef<'a, T> {
    /// A row-major matrix of the given size.
    ///
    /// # Panics
    /// A slice of another length.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        check_len(data, rows, columns);
        Self { data, rows, columns, row_step: columns, column_step: 1 }
    }

    /// The transpose, without moving anything.
    #[must_use]
    pub fn t(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row_step: self.column_step, column_step: self.row_step, ..self }
    }

    pub(crate) fn data(self) -> &'a [T] {
        self.data
    }

    /// The same matrix of other numbers, which lie as this one's do.
    pub(crate) fn over<U>(self, data: &[U]) -> MatRef<'_, U> {
        check_len(data, self.rows, self.columns);
        let Self { rows, columns, row_step, column_step, .. } = self;
        MatRef { data, rows, columns, row_step, column_step }
    }

    /// `rows` rows from `top` on.
    fn block_of_rows(self, top: usize, rows: usize) -> Self {
        assert!(top + rows <= self.rows, "rows {top} to {} of {}", top + rows, self.rows);
        Self { data: &self.data[top * self.row_step..], rows, ..self }
    }

    #[inline(always)]
    fn at(&self, row: usize, column: usize) -> &'a T {
        &self.data[row * self.row_step + column * self.column_step]
    }
}

/// By `checked_mul`: sizes whose product wraps around would let a library read beyond the slice.
fn check_len<T>(data: &[T], rows: usize, columns: usize) {
    let len = data.len();
    assert!(rows.checked_mul(columns) == Some(len), "a matrix of {rows} × {columns} in {len} elements");
}

/// What happens to the numbers that stand in `c` before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are overwritten, NaN or not.
    Replace,
    /// The product is added to them.
    Add,
}

/// `c ← a·b` or `c ← c + a·b`, with a: (m, k), b: (k, n), c: (m, n).
#[derive(Clone, Copy, Debug)]
pub struct Product<'a, T> {
    /// The left factor.
    pub a: MatRef<'a, T>,
    /// The right factor.
    pub b: MatRef<'a, T>,
    /// What happens to `c`.
    pub mode: Mode,
}

impl<T> Product<'_, T> {
    fn size(&self) -> (usize, usize, usize) {
        (self.a.rows, self.a.columns, self.b.columns)
    }

    /// How many numbers of scratch the chosen kernel wants.
    pub fn scratch_len(&self) -> usize {
        match Kernel::of(self) {
            Kernel::Direct => self.a.columns * tile::WIDEST,
            Kernel::MatrixMultiply => 0,
            Kernel::Faer if library::wants_rows(self) => self.a.data.len(),
            Kernel::Faer => 0,
        }
    }

    /// How many multiplications it is.
    fn work(&self) -> usize {
        let (m, k, n) = self.size();
        m.saturating_mul(k).saturating_mul(n)
    }
}

/// A way to compute a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Our own, direct: dot products, or a tile of sums in registers.
    Direct,
    /// The crate matrixmultiply, on every processor.
    MatrixMultiply,
    /// The crate faer, by its kernels for AVX2 and AVX-512.
    Faer,
}

impl Kernel {
    /// All kernels, whether this processor has them or not.
    pub const ALL: [Self; 3] = [Self::Direct, Self::MatrixMultiply, Self::Faer];

    /// Whether this build has the kernel and this processor its instructions.
    pub fn is_available(self) -> bool {
        self != Self::Faer || library::has_faer()
    }

    /// The fastest available one, as `cargo bench --bench products` shows it. It is told by the sizes alone, so that a
    /// product has the same bits on any number of threads.
    fn of<T>(product: &Product<'_, T>) -> Self {
        let small = if product.a.column_step == 1 { SMALL_BY_ROWS } else { SMALL_BY_COLUMNS };
        if Self::Faer.is_available() {
            Self::Faer
        } else if product.work() <= small {
            Self::Direct
        } else {
            Self::MatrixMultiply
        }
    }
}

/// Up to how many multiplications the direct kernel is faster than matrixmultiply: far if the rows of `a` lie in one
/// piece, and only for tiny products if its columns do.
const SMALL_BY_ROWS: usize = 1 << 21;
const SMALL_BY_COLUMNS: usize = 1 << 13;

/// Computes a product into the row-major `c`, large ones on the threads of the rayon pool that this is called in.
/// `scratch` is grown to [`Product::scratch_len`] where it is shorter. faer keeps scratch of its own for each thread;
/// matrixmultiply takes its own from the allocator at each call, the one allocation of a training step.
///
/// # Panics
/// Sizes that do not fit.
pub fn gemm<T: Float>(product: Product<'_, T>, c: &mut [T], scratch: &mut Vec<T>) {
    gemm_by(None, product, c, scratch);
}

/// [`gemm`] by the given kernel, for tests and measurements. Products of dual numbers are made of real ones, whatever the
/// kernel.
///
/// # Panics
/// Sizes that do not fit; a kernel that is not available.
pub fn gemm_by<T: Float>(kernel: Option<Kernel>, product: Product<'_, T>, c: &mut [T], scratch: &mut Vec<T>) {
    let (m, k, n) = product.size();
    assert_eq!(k, product.b.rows, "a product's inner sizes agree");
    check_len(c, m, n);
    if m.min(k).min(n) == 0 {
        if product.mode == Mode::Replace {
            c.fill(T::zero());
        }
    } else {
        T::gemm(kernel, product, c, scratch);
    }
}

/// The three nested loops, the oracle of the tests.
///
/// # Panics
/// Sizes that do not fit.
pub fn naive<T: Float>(product: Product<'_, T>, c: &mut [T]) {
    let (m, k, n) = product.size();
    assert_eq!(k, product.b.rows, "a product's inner sizes agree");
    check_len(c, m, n);
    for i in 0..m {
        for j in 0..n {
            let sum = (0..k).map(|p| *product.a.at(i, p) * *product.b.at(p, j)).sum();
            match product.mode {
                Mode::Replace => c[i * n + j] = sum,
                Mode::Add => c[i * n + j] += sum,
            }
        }
    }
}

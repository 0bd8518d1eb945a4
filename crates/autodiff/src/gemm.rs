//! Matrix products: the one front, and the one file that may hold `unsafe`.
//!
//! Small products run through a register tile of our own, that reads `a` where it lies and packs only a panel of `b`;
//! large ones through matrixmultiply. [`naive`] is the oracle that both are tested against.

use crate::Float;
use crate::reduce::fold;
use crate::simd::{Kernel, vectorized};

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

    #[inline(always)]
    fn at(&self, row: usize, column: usize) -> &'a T {
        &self.data[row * self.row_step + column * self.column_step]
    }
}

/// By `checked_mul`: sizes whose product wraps around would let the library read beyond the slice.
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
}

/// Up to how many multiplications the register tile is the faster way, as `cargo bench --bench products` shows it: far
/// if the rows of `a` lie in one piece, and only for tiny products if its columns do.
const SMALL_BY_ROWS: usize = 1 << 21;
const SMALL_BY_COLUMNS: usize = 1 << 13;

/// The widest register tile, in columns.
const WIDEST: usize = 16;

/// How long a panel a product of inner size `k` wants.
pub fn panel_len(k: usize) -> usize {
    k * WIDEST
}

/// Computes a product into the row-major `c`. `panel` is scratch, grown to [`panel_len`] where it is shorter.
///
/// # Panics
/// Sizes that do not fit.
pub fn gemm<T: Float>(product: Product<'_, T>, c: &mut [T], panel: &mut Vec<T>) {
    let (m, k, n) = product.size();
    assert_eq!(k, product.b.rows, "a product's inner sizes agree");
    check_len(c, m, n);
    let limit = if product.a.column_step == 1 { SMALL_BY_ROWS } else { SMALL_BY_COLUMNS };
    if m.min(k).min(n) == 0 {
        if product.mode == Mode::Replace {
            c.fill(T::zero());
        }
    } else if T::TILED && m.saturating_mul(k).saturating_mul(n) <= limit {
        small(product, c, panel);
    } else {
        T::library_gemm(product, c);
    }
}

/// The three nested loops, the oracle of the tests.
///
/// # Panics
/// Sizes that do not fit.
pub fn naive<T: Float>(product: Product<'_, T>, c: &mut [T]) {
    let (m, k, n) = product.size();
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

/// The register tile, or dot products where a tile would be mostly empty.
#[doc(hidden)]
pub fn small<T: Float>(product: Product<'_, T>, c: &mut [T], panel: &mut Vec<T>) {
    let Product { a, b, .. } = product;
    let (m, _, n) = product.size();
    if (m < 4 || n < 2) && a.column_step == 1 && b.row_step == 1 {
        return vectorized(Dots { product, c });
    }
    match n {
        0..=8 => vectorized(Tiles::<'_, T, 4, 8> { product, c, panel }),
        _ => vectorized(Tiles::<'_, T, 6, WIDEST> { product, c, panel }),
    }
}

/// A product as one dot product after the other, of rows of `a` and columns of `b` that each lie in one piece.
struct Dots<'a, T> {
    product: Product<'a, T>,
    c: &'a mut [T],
}

impl<T: Float> Kernel for Dots<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Product { a, b, mode } = self.product;
        let (m, k, n) = self.product.size();
        for i in 0..m {
            let row = &a.data[i * a.row_step..][..k];
            for j in 0..n {
                let sum = dot(row, &b.data[j * b.column_step..][..k]);
                let c = &mut self.c[i * n + j];
                *c = if mode == Mode::Replace { sum } else { *c + sum };
            }
        }
    }
}

/// Σ a·b, in as many lanes as a tile is wide.
#[inline(always)]
fn dot<T: Float>(a: &[T], b: &[T]) -> T {
    let mut lanes = [T::zero(); WIDEST];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<WIDEST>(), b.as_chunks::<WIDEST>());
    for (a, b) in a.iter().zip(b) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (&a, &b))| *sum = a.mul_add(b, *sum));
    }
    lanes.iter_mut().zip(a_rest.iter().zip(b_rest)).for_each(|(sum, (&a, &b))| *sum = a.mul_add(b, *sum));
    fold(lanes)
}

/// A product cut into tiles of `MR` rows and `NR` columns whose sums stay in registers.
struct Tiles<'a, T, const MR: usize, const NR: usize> {
    product: Product<'a, T>,
    c: &'a mut [T],
    panel: &'a mut Vec<T>,
}

impl<T: Float, const MR: usize, const NR: usize> Kernel for Tiles<'_, T, MR, NR> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { product, c, panel } = self;
        let (Product { a, b, mode }, (m, k, n)) = (product, product.size());
        if panel.len() < k * NR {
            panel.resize(k * NR, T::zero());
        }
        let panel = &mut panel[..k * NR];
        for left in (0..n).step_by(NR) {
            let width = NR.min(n - left);
            pack::<T, NR>(b, left, width, panel);
            for top in (0..m).step_by(MR) {
                let height = MR.min(m - top);
                let sums = if a.column_step == 1 {
                    tile_of_rows::<T, MR, NR>(a, top, panel)
                } else {
                    tile_of_columns::<T, MR, NR>(a, top, panel)
                };
                for (row, sums) in sums.iter().enumerate().take(height) {
                    write(&mut c[(top + row) * n + left..][..width], sums, mode);
                }
            }
        }
    }
}

/// Writes a row of sums. A row narrower than the tile goes element by element: a `memcpy` of a few numbers costs more
/// than computing them.
#[inline(always)]
fn write<T: Float, const NR: usize>(c: &mut [T], sums: &[T; NR], mode: Mode) {
    match (c.first_chunk_mut::<NR>(), mode) {
        (Some(c), Mode::Replace) => *c = *sums,
        (Some(c), Mode::Add) => c.iter_mut().zip(sums).for_each(|(c, &sum)| *c += sum),
        (None, mode) => {
            for (j, &sum) in sums.iter().enumerate() {
                if let Some(c) = c.get_mut(j) {
                    *c = if mode == Mode::Replace { sum } else { *c + sum };
                }
            }
        }
    }
}

/// Copies `width` columns of `b` from `left` on into rows of `NR`, zeros behind.
#[inline(always)]
fn pack<T: Float, const NR: usize>(b: MatRef<'_, T>, left: usize, width: usize, panel: &mut [T]) {
    if b.column_step == 1 {
        for (row, panel) in panel.chunks_exact_mut(NR).enumerate() {
            let start = row * b.row_step + left;
            panel[..width].copy_from_slice(&b.data[start..start + width]);
            panel[width..].fill(T::zero());
        }
    } else {
        for column in 0..NR {
            if column < width {
                let start = (left + column) * b.column_step;
                for row in 0..b.rows {
                    panel[row * NR + column] = b.data[start + row * b.row_step];
                }
            } else {
                panel.iter_mut().skip(column).step_by(NR).for_each(|to| *to = T::zero());
            }
        }
    }
}

/// Sums of `MR` rows from `top` on, `a` row-major. Rows beyond the last repeat it, and are not written.
#[inline(always)]
fn tile_of_rows<T: Float, const MR: usize, const NR: usize>(
    a: MatRef<'_, T>,
    top: usize,
    panel: &[T],
) -> [[T; NR]; MR] {
    let k = a.columns;
    let mut rows = [&a.data[..k]; MR];
    for (row, slice) in rows.iter_mut().enumerate() {
        let start = (top + row).min(a.rows - 1) * a.row_step;
        *slice = &a.data[start..start + k];
    }
    let mut sums = [[T::zero(); NR]; MR];
    for (p, b) in panel.as_chunks::<NR>().0.iter().enumerate().take(k) {
        for (row, sums) in rows.iter().zip(&mut sums) {
            *sums = add_scaled(*sums, row[p], b);
        }
    }
    sums
}

/// The same, `a` stored by columns.
#[inline(always)]
fn tile_of_columns<T: Float, const MR: usize, const NR: usize>(
    a: MatRef<'_, T>,
    top: usize,
    panel: &[T],
) -> [[T; NR]; MR] {
    let mut sums = [[T::zero(); NR]; MR];
    let whole = top + MR <= a.rows && a.row_step == 1;
    for (p, b) in panel.as_chunks::<NR>().0.iter().enumerate() {
        let column: [T; MR] = if whole {
            let start = p * a.column_step + top;
            std::array::from_fn(|row| a.data[start..start + MR][row])
        } else {
            std::array::from_fn(|row| *a.at((top + row).min(a.rows - 1), p))
        };
        for (a, sums) in column.iter().zip(&mut sums) {
            *sums = add_scaled(*sums, *a, b);
        }
    }
    sums
}

/// sums + a·b, one register.
#[inline(always)]
fn add_scaled<T: Float, const NR: usize>(mut sums: [T; NR], a: T, b: &[T; NR]) -> [T; NR] {
    sums.iter_mut().zip(b).for_each(|(sum, &b)| *sum = a.mul_add(b, *sum));
    sums
}

/// matrixmultiply's signature: m, k, n, α, a, its strides, b, its strides, β, c, its strides.
type Kernels<T> =
    unsafe fn(usize, usize, usize, T, *const T, isize, isize, *const T, isize, isize, T, *mut T, isize, isize);

/// A kernel of matrixmultiply. Only this file can make one, so that no other function is ever called in its place.
#[derive(Clone, Copy)]
pub(crate) struct Library<T>(Kernels<T>);

pub(crate) const SGEMM: Library<f32> = Library(matrixmultiply::sgemm);
pub(crate) const DGEMM: Library<f64> = Library(matrixmultiply::dgemm);

impl<T: Float> Library<T> {
    #[allow(unsafe_code)]
    pub(crate) fn multiply(self, product: Product<'_, T>, c: &mut [T]) {
        let Product { a, b, mode } = product;
        let (m, k, n) = product.size();
        let beta = if mode == Mode::Replace { T::zero() } else { T::one() };
        assert_eq!(b.rows, k, "a product's inner sizes agree");
        check_len(c, m, n);
        // SAFETY: `MatRef::new` checked that each factor's slice holds rows × columns elements, `t` only swaps both
        // sizes and both steps, so every (i, j) inside the sizes lies inside the slice; `c` is row-major of m × n,
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

//! The direct kernel: reads `a` where it lies and packs only a panel of `b`.

use super::{MatRef, Mode, Product};
use crate::Float;
use crate::reduce::fold;
use crate::simd::{Kernel, has_512_bits, vectorized};

/// The widest tile, in columns.
pub(super) const WIDEST: usize = 32;

/// How many lanes a dot product runs in.
const LANES: usize = 16;

/// The register tile, or dot products where a tile would be mostly empty.
pub(super) fn direct<T: Float>(product: Product<'_, T>, c: &mut [T], panel: &mut Vec<T>) {
    let Product { a, b, .. } = product;
    let (m, _, n) = product.size();
    if (m < 4 || n < 2) && a.column_step == 1 && b.row_step == 1 {
        return vectorized(Dots { product, c });
    }
    match (n, has_512_bits() && a.column_step == 1) {
        (0..=8, true) => vectorized(Tiles::<'_, T, 8, 8> { product, c, panel }),
        (0..=8, false) => vectorized(Tiles::<'_, T, 4, 8> { product, c, panel }),
        (17.., true) => vectorized(Tiles::<'_, T, 8, WIDEST> { product, c, panel }),
        _ => vectorized(Tiles::<'_, T, 6, 16> { product, c, panel }),
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

/// Σ a·b.
#[inline(always)]
fn dot<T: Float>(a: &[T], b: &[T]) -> T {
    let mut lanes = [T::zero(); LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
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
        let panel = &mut panel.as_chunks_mut::<NR>().0[..k];
        for left in (0..n).step_by(NR) {
            let width = NR.min(n - left);
            pack(b, left, width, panel);
            for top in (0..m).step_by(MR) {
                let sums = if a.column_step == 1 {
                    tile_of_rows::<T, MR, NR>(a, top, panel)
                } else {
                    tile_of_columns::<T, MR, NR>(a, top, panel)
                };
                let height = MR.min(m - top);
                write(&mut c[top * n + left..], n, (height, width), &sums, mode);
            }
        }
    }
}

/// Writes the first `height` rows of a tile, and `width` columns of each. Where `c` is one tile wide, a row is written as a
/// whole register, whose lanes beyond `width` the next row overwrites: element by element would cost more than the sums.
#[inline(always)]
fn write<T: Float, const MR: usize, const NR: usize>(
    c: &mut [T],
    stride: usize,
    (height, width): (usize, usize),
    sums: &[[T; NR]; MR],
    mode: Mode,
) {
    for (row, sums) in sums.iter().enumerate().take(height) {
        let c = &mut c[row * stride..];
        match (c.first_chunk_mut::<NR>(), mode) {
            (Some(c), Mode::Replace) if stride == width || width == NR => *c = *sums,
            (Some(c), Mode::Add) if width == NR => *c = add_scaled(*c, T::one(), sums),
            (_, Mode::Replace) => c.iter_mut().zip(sums).take(width).for_each(|(c, &sum)| *c = sum),
            (_, Mode::Add) => c.iter_mut().zip(sums).take(width).for_each(|(c, &sum)| *c += sum),
        }
    }
}

/// Copies `width` columns of `b` from `left` on into rows of `NR`. What stands behind them is arbitrary: it is
/// multiplied, and not written.
#[inline(always)]
fn pack<T: Float, const NR: usize>(b: MatRef<'_, T>, left: usize, width: usize, panel: &mut [[T; NR]]) {
    if b.column_step == 1 {
        for (row, to) in panel.iter_mut().enumerate() {
            let from = &b.data[row * b.row_step + left..];
            match from.first_chunk::<NR>() {
                Some(from) => *to = *from,
                None => to.iter_mut().zip(from).take(width).for_each(|(to, &from)| *to = from),
            }
        }
    } else {
        for column in 0..width {
            let from = &b.data[(left + column) * b.column_step..];
            if b.row_step == 1 {
                panel.iter_mut().zip(from).for_each(|(to, &from)| to[column] = from);
            } else {
                panel.iter_mut().zip(from.iter().step_by(b.row_step)).for_each(|(to, &from)| to[column] = from);
            }
        }
    }
}

/// Sums of `MR` rows from `top` on, `a` row-major. Rows beyond the last repeat it, and are not written.
#[inline(always)]
fn tile_of_rows<T: Float, const MR: usize, const NR: usize>(
    a: MatRef<'_, T>,
    top: usize,
    panel: &[[T; NR]],
) -> [[T; NR]; MR] {
    let k = panel.len();
    let rows: [&[T]; MR] = std::array::from_fn(|row| &a.data[(top + row).min(a.rows - 1) * a.row_step..][..k]);
    let mut sums = [[T::zero(); NR]; MR];
    for p in 0..k {
        for row in 0..MR {
            sums[row] = add_scaled(sums[row], rows[row][p], &panel[p]);
        }
    }
    sums
}

/// The same, `a` stored by columns. Rows beyond the last are those of the next column, and are not written.
#[inline(always)]
fn tile_of_columns<T: Float, const MR: usize, const NR: usize>(
    a: MatRef<'_, T>,
    top: usize,
    panel: &[[T; NR]],
) -> [[T; NR]; MR] {
    let mut sums = [[T::zero(); NR]; MR];
    for (p, b) in panel.iter().enumerate() {
        let column: [T; MR] = match a.data[p * a.column_step + top * a.row_step..].first_chunk::<MR>() {
            Some(column) if a.row_step == 1 => *column,
            _ => std::array::from_fn(|row| *a.at((top + row).min(a.rows - 1), p)),
        };
        for row in 0..MR {
            sums[row] = add_scaled(sums[row], column[row], b);
        }
    }
    sums
}

/// sums + a·b, one register.
#[inline(always)]
fn add_scaled<T: Float, const NR: usize>(mut sums: [T; NR], a: T, b: &[T; NR]) -> [T; NR] {
    for lane in 0..NR {
        sums[lane] = a.mul_add(b[lane], sums[lane]);
    }
    sums
}

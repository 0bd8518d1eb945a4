//! Sums whose error grows with the logarithm of the number of terms, not with the number.

use crate::Float;
use crate::simd::{Kernel, vectorized};

/// How many sums run side by side.
pub const LANES: usize = 16;
const LEAF: usize = 32 * LANES;
const ROWS: usize = 64;
/// How many rows are added side by side, so that none waits for the one before.
const CHAINS: usize = 4;

/// Σ f(i) over `start..end`: sixteen interleaved lanes up to 512 terms, halves above.
pub fn sum_by<T: Float>(start: usize, end: usize, f: &impl Fn(usize) -> T) -> T {
    let len = end - start;
    if len > LEAF {
        let half = start + (len / 2).next_multiple_of(LANES);
        return sum_by(start, half, f) + sum_by(half, end, f);
    }
    vectorized(Leaf { start, end, f })
}

/// A sum that is not halved any further.
struct Leaf<'a, F> {
    start: usize,
    end: usize,
    f: &'a F,
}

impl<T: Float, F: Fn(usize) -> T> Kernel for Leaf<'_, F> {
    type Output = T;

    #[inline(always)]
    fn call(self) -> T {
        let Self { start, end, f } = self;
        let whole = end - (end - start) % LANES;
        let mut lanes = [T::zero(); LANES];
        for base in (start..whole).step_by(LANES) {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                *sum += f(base + lane);
            }
        }
        for (lane, i) in (whole..end).enumerate() {
            lanes[lane] += f(i);
        }
        fold(lanes)
    }
}

/// Σ f(x), as [`sum_by`] adds.
pub fn sum_of<T: Float, U: Float>(x: &[T], f: &impl Fn(T) -> U) -> U {
    sum_of_pairs(x, x, &|x, _| f(x))
}

/// Σx², squares taken in f64, so that those of f32 neither overflow nor vanish.
pub fn squares<T: Float>(x: &[T]) -> f64 {
    sum_of(x, &|x| x.widen() * x.widen())
}

/// Σ f(x, y), as [`sum_by`] adds.
///
/// # Panics
/// Another number of x than of y.
pub fn sum_of_pairs<T: Float, U: Float>(x: &[T], y: &[T], f: &impl Fn(T, T) -> U) -> U {
    assert_eq!(x.len(), y.len(), "as many of both");
    if x.len() > LEAF {
        let half = (x.len() / 2).next_multiple_of(LANES);
        let ((x, x_above), (y, y_above)) = (x.split_at(half), y.split_at(half));
        return sum_of_pairs(x, y, f) + sum_of_pairs(x_above, y_above, f);
    }
    vectorized(Pairs { x, y, f })
}

/// A sum over slices that is not halved any further.
struct Pairs<'a, T, F> {
    x: &'a [T],
    y: &'a [T],
    f: &'a F,
}

impl<T: Float, U: Float, F: Fn(T, T) -> U> Kernel for Pairs<'_, T, F> {
    type Output = U;

    #[inline(always)]
    fn call(self) -> U {
        let mut lanes = [U::zero(); LANES];
        let ((x, x_rest), (y, y_rest)) = (self.x.as_chunks::<LANES>(), self.y.as_chunks::<LANES>());
        for (x, y) in x.iter().zip(y) {
            lanes.iter_mut().zip(x.iter().zip(y)).for_each(|(sum, (&x, &y))| *sum += (self.f)(x, y));
        }
        lanes.iter_mut().zip(x_rest.iter().zip(y_rest)).for_each(|(sum, (&x, &y))| *sum += (self.f)(x, y));
        fold(lanes)
    }
}

/// The sum of all lanes, by halves.
#[inline(always)]
pub(crate) fn fold<T: Float>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Σ x.
pub fn sum<T: Float>(x: &[T]) -> T {
    sum_of(x, &|x| x)
}

/// Sums over the middle axis: `x` is (outer, n, inner), `out` is (outer, inner) and takes each sum by `put`.
pub fn sum_middle<T: Float>(x: &[T], n: usize, inner: usize, out: &mut [T], put: impl Fn(&mut T, T)) {
    if inner == 1 {
        for (row, out) in out.iter_mut().enumerate() {
            put(out, sum(&x[row * n..(row + 1) * n]));
        }
        return;
    }
    if inner == 0 {
        return;
    }
    for (block, out) in out.chunks_exact_mut(inner).enumerate() {
        let x = &x[block * n * inner..(block + 1) * n * inner];
        for first in (0..inner).step_by(LANES) {
            let width = LANES.min(inner - first);
            let sums = column_sums_by(x, inner, first, width, &|x| x);
            out[first..first + width].iter_mut().zip(sums).for_each(|(out, sum)| put(out, sum));
        }
    }
}

/// Σ f(x) over the rows of `x`, for the `width` columns from `first` on, at most [`LANES`]: in four chains up to 64
/// rows, by halves above. Where a row has fewer columns, the window reaches into the next one: sums beyond `width` mean
/// nothing.
pub fn column_sums_by<T: Float>(x: &[T], stride: usize, first: usize, width: usize, f: &impl Fn(T) -> T) -> [T; LANES] {
    let rows = x.len() / stride;
    if rows > ROWS {
        let (upper, lower) = x.split_at(rows / 2 * stride);
        let mut sums = column_sums_by(upper, stride, first, width, f);
        let lower = column_sums_by(lower, stride, first, width, f);
        sums.iter_mut().zip(lower).for_each(|(sum, lower)| *sum += lower);
        return sums;
    }
    vectorized(Columns { x, stride, first, width, f })
}

/// Column sums that are not halved any further.
struct Columns<'a, T, F> {
    x: &'a [T],
    stride: usize,
    first: usize,
    width: usize,
    f: &'a F,
}

impl<T: Float, F: Fn(T) -> T> Kernel for Columns<'_, T, F> {
    type Output = [T; LANES];

    #[inline(always)]
    fn call(self) -> [T; LANES] {
        let Self { x, stride, first, width, f } = self;
        let rows = x.len() / stride;
        // Rows that a whole window of lanes can be read from.
        let whole = x.len().checked_sub(first + LANES).map_or(0, |room| rows.min(room / stride + 1));
        let mut sums = [[T::zero(); LANES]; CHAINS];
        let mut row = 0;
        while row + CHAINS <= whole {
            for (chain, sums) in sums.iter_mut().enumerate() {
                add_window(sums, x, (row + chain) * stride + first, f);
            }
            row += CHAINS;
        }
        for row in row..whole {
            add_window(&mut sums[0], x, row * stride + first, f);
        }
        let [mut sums, b, c, d] = sums;
        for lane in 0..LANES {
            sums[lane] = (sums[lane] + b[lane]) + (c[lane] + d[lane]);
        }
        for row in whole..rows {
            let row = &x[row * stride + first..][..width];
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f(x));
        }
        sums
    }
}

/// sums += f(x), for as many x as there are lanes.
#[inline(always)]
fn add_window<T: Float>(sums: &mut [T; LANES], x: &[T], start: usize, f: &impl Fn(T) -> T) {
    let window: &[T; LANES] = x[start..].first_chunk().expect("whole windows only");
    for (sum, &x) in sums.iter_mut().zip(window) {
        *sum += f(x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A running f32 sum of these is off by more than 1e-4 relative.
    #[test]
    fn long_sums_keep_single_precision() {
        let n = 1 << 20;
        let x: Vec<f32> = (0..n).map(|i| 0.1 + (i % 7) as f32 * 1e-3).collect();
        let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
        let naive: f32 = x.iter().sum();
        let error = |sum: f32| (f64::from(sum) - exact).abs() / exact;
        assert!(error(naive) > 1e-5, "the effect is there: {}", error(naive));
        assert!(error(sum(&x)) < 2e-7, "{}", error(sum(&x)));

        let columns = 3;
        let mut out = vec![0.0; columns];
        sum_middle(&x[..n / columns * columns], n / columns, columns, &mut out, |out, sum| *out = sum);
        for (column, &got) in out.iter().enumerate() {
            let exact: f64 =
                x[..n / columns * columns].iter().skip(column).step_by(columns).map(|&x| f64::from(x)).sum();
            assert!(((f64::from(got) - exact) / exact).abs() < 3e-7);
        }
    }

    #[test]
    fn empty_sums_are_zero() {
        assert_eq!(sum::<f64>(&[]), 0.0);
        let mut out = [1.0; 3];
        sum_middle::<f64>(&[], 0, 3, &mut out, |out, sum| *out = sum);
        assert_eq!(out, [0.0; 3]);
    }
}

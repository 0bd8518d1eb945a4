//! The operators of groups whose weights have steps of their own: the root of one equation a group.

use crate::groups::{Groups, blocks};
use crate::prox::check_count;
use std::array::from_fn;
use wane_autodiff::reduce::LANES;
use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Float, Shape};

/// One number a lane.
type Lanes = [f64; LANES];

/// Groups of the weights v, and their steps s, in lanes side by side: columns, a lane each, or one group dealt out to all.
///
/// Penalty and ball alike lead to x = v/(1 + μs) with one μ for the group, found in f64 whatever the weights are.
#[derive(Debug)]
pub(crate) struct Tile<'a, T> {
    w: &'a mut [T],
    s: &'a [T],
    /// From the weights of one row of lanes to those of the next, and how many a row has.
    stride: usize,
    width: usize,
    is_one_group: bool,
}

/// What the search for a group's root starts from.
struct Start {
    /// By what v is multiplied so that its squares are in range.
    scale: Lanes,
    /// ‖v‖, and Σsv²/Σv², of such v.
    norm: Lanes,
    mean_step: Lanes,
}

/// How many rounds there are at most, and the step, as a part of the root, that leaves less than rounding does.
const ROUNDS: usize = 100;
const NEAR: f64 = 1e-9;

/// How many rows of lanes are added one after the other.
const LEAF: usize = 64;

/// 2⁶⁰⁰ where squares lose bits to underflow, 2⁻⁶⁰⁰ where they overflow.
const UP: f64 = f64::from_bits((1023 + 600) << 52);
const DOWN: f64 = f64::from_bits((1023 - 600) << 52);
const TOO_SMALL: f64 = 1e-280;

impl<T: Float> Tile<'_, T> {
    /// Calls `f` on all groups, tile by tile.
    pub(crate) fn each(groups: Groups, w: &mut [T], s: &[T], shape: Shape, f: impl Fn(Tile<'_, T>)) {
        check_count(w, s);
        let (_, columns) = groups.matrix(shape);
        if w.is_empty() {
            return;
        }
        if groups == Groups::Columns {
            for (first, width) in blocks(columns) {
                f(Tile { w: &mut w[first..], s: &s[first..], stride: columns, width, is_one_group: false });
            }
        } else {
            for (w, s) in w.chunks_exact_mut(columns).zip(s.chunks_exact(columns)) {
                f(Tile { w, s, stride: LANES, width: LANES, is_one_group: true });
            }
        }
    }

    /// argmin Σ (x − v)²/(2s) + λ‖x‖: 0 if ‖v/s‖ ≤ λ, and else v/(1 + λs/ρ), ρ = ‖x‖ being the root of
    /// Σ (v/(ρ + λs))² = 1.
    pub(crate) fn shrink(self, lambda: f64) {
        let Start { scale, norm, mean_step } = self.start();
        let lambda = scale.map(|scale| (scale * lambda).min(f64::MAX));
        let at =
            |rho| self.sums([scale, lambda, rho], &|v, s, [scale, lambda, rho]| term(scale * v, rho + lambda * s, 1.0));
        // ρ is convex in λ, and so not below its tangent at λ = 0.
        let tangent: Lanes = from_fn(|i| norm[i] - lambda[i] * mean_step[i]);
        let is_small: [bool; LANES] = from_fn(|i| tangent[i] <= 1e-8 * norm[i]);
        let mut is_zero = norm.map(|norm| norm == 0.0);
        if is_small.contains(&true) {
            let [squares, _] = at([0.0; LANES]);
            is_zero = from_fn(|i| is_zero[i] || (is_small[i] && squares[i] <= 1.0));
        }
        // Above 0, lest a weight with next to no step be divided by it.
        let start = from_fn(|i| tangent[i].max(1e-100 * norm[i]));
        let rho = roots(start, &norm, is_zero, at);
        self.divide(from_fn(|i| lambda[i] / rho[i]), is_zero);
    }

    /// argmin Σ (x − v)²/(2s) where ‖x‖ ≤ r: v/(1 + bs/r), b being 0 inside the ball and else the root of
    /// Σ (v/(r + bs))² = 1.
    pub(crate) fn project(self, radius: f64) {
        let Start { scale, norm, mean_step } = self.start();
        let radius = scale.map(|scale| scale * radius);
        let is_inside = from_fn(|i| norm[i] <= radius[i]);
        let at = |b| self.sums([scale, radius, b], &|v, s, [scale, radius, b]| term(scale * v, radius + b * s, s));
        // Newton's first step from b = 0.
        let b = roots(from_fn(|i| (norm[i] - radius[i]) / mean_step[i]), &norm, is_inside, at);
        self.divide(from_fn(|i| if is_inside[i] { 0.0 } else { b[i] / radius[i] }), [false; LANES]);
    }

    fn start(&self) -> Start {
        let squares = |v: f64, s: f64, [scale]: [f64; 1]| [(scale * v) * (scale * v), s * ((scale * v) * (scale * v))];
        let sums = |scale| self.sums([scale], &squares);
        let mut scale = [1.0; LANES];
        let [mut squares, mut moments] = sums(scale);
        if squares.iter().any(|&square| square < TOO_SMALL || square == f64::INFINITY) {
            let factor = |square| if square < TOO_SMALL { UP } else { DOWN };
            scale =
                squares.map(|square| if (TOO_SMALL..f64::INFINITY).contains(&square) { 1.0 } else { factor(square) });
            [squares, moments] = sums(scale);
        }
        Start { scale, norm: squares.map(f64::sqrt), mean_step: from_fn(|i| moments[i] / squares[i]) }
    }

    /// The sums of both of f's numbers over each group, f being told v, s and what is known of the group.
    fn sums<const N: usize>(&self, known: [Lanes; N], f: &impl Fn(f64, f64, [f64; N]) -> [f64; 2]) -> [Lanes; 2] {
        let sums = Sums { w: self.w, s: self.s, stride: self.stride, width: self.width, known, f }.halves();
        if self.is_one_group { sums.map(|lanes| [total(lanes); LANES]) } else { sums }
    }

    /// v/(1 + μs), or 0.
    fn divide(self, mu: Lanes, is_zero: [bool; LANES]) {
        let Self { w, s, stride, width, .. } = self;
        // No branch in the loop: a group that becomes 0 has finite weights.
        let (kept, mu) =
            (is_zero.map(|is_zero| f64::from(!is_zero)), from_fn(|i| if is_zero[i] { 0.0 } else { mu[i] }));
        vectorized(Divide { w, s, stride, width, kept, mu });
    }
}

/// (v/d)², and −½ of its derivative where d has this slope.
#[inline(always)]
fn term(v: f64, d: f64, slope: f64) -> [f64; 2] {
    let inverse = d.recip();
    let square = (v * inverse) * (v * inverse);
    // Not 0/0 where nothing holds a weight of zero.
    if v == 0.0 { [0.0; 2] } else { [square, square * (slope * inverse)] }
}

/// Where f is 1, f being a sum of [`term`]s; what is `known` stays, and where a norm is not finite, the root is that.
///
/// 1/√f is concave and nearly straight, wholly so where the steps are equal: from below, Newton's method on it comes to
/// the root in a handful of rounds, never beyond (Conn, Gould and Toint, *Trust-Region Methods*, 2000, section 7.3). What
/// is left after a step is at most 3/2 of what the step took off, squared, as parts of the root.
fn roots(start: Lanes, norm: &Lanes, known: [bool; LANES], f: impl Fn(Lanes) -> [Lanes; 2]) -> Lanes {
    let mut at: Lanes = from_fn(|i| if norm[i].is_finite() { start[i] } else { norm[i] });
    let mut is_open: [bool; LANES] = from_fn(|i| norm[i].is_finite() && !known[i]);
    for _ in 0..ROUNDS {
        if !is_open.contains(&true) {
            break;
        }
        let [squares, slopes] = f(at);
        for i in 0..LANES {
            if !is_open[i] {
                continue;
            }
            let step = squares[i] * (squares[i].sqrt() - 1.0) / slopes[i];
            at[i] += step;
            is_open[i] = step.abs() > NEAR * at[i];
        }
    }
    at
}

/// The sum of all lanes, by halves.
fn total(lanes: Lanes) -> f64 {
    let eight: [f64; LANES / 2] = from_fn(|i| lanes[i] + lanes[i + LANES / 2]);
    let four: [f64; LANES / 4] = from_fn(|i| eight[i] + eight[i + LANES / 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

struct Sums<'a, T, F, const N: usize> {
    w: &'a [T],
    s: &'a [T],
    stride: usize,
    width: usize,
    known: [Lanes; N],
    f: &'a F,
}

impl<T: Float, F: Fn(f64, f64, [f64; N]) -> [f64; 2], const N: usize> Sums<'_, T, F, N> {
    /// By halves, so that the error of a sum grows with the logarithm of its length.
    fn halves(self) -> [Lanes; 2] {
        let Self { w, s, stride, .. } = self;
        let rows = w.len().div_ceil(stride);
        if rows <= LEAF {
            return vectorized(self);
        }
        let ((w, w_below), (s, s_below)) = (w.split_at(rows / 2 * stride), s.split_at(rows / 2 * stride));
        let (above, below) = (Self { w, s, ..self }.halves(), Self { w: w_below, s: s_below, ..self }.halves());
        from_fn(|sum| from_fn(|i| above[sum][i] + below[sum][i]))
    }
}

impl<T: Float, F: Fn(f64, f64, [f64; N]) -> [f64; 2], const N: usize> Kernel for Sums<'_, T, F, N> {
    type Output = [Lanes; 2];

    #[inline(always)]
    fn call(self) -> [Lanes; 2] {
        let Self { w, s, stride, width, known, f } = self;
        let ([mut first, mut second], mut rest) = ([[0.0; LANES]; 2], [[0.0; LANES]; 2]);
        for (w, s) in w.chunks(stride).zip(s.chunks(stride)) {
            let width = width.min(w.len());
            // Rows of a known length become vectors, and their sums stay in registers.
            if let (Ok(w), Ok(s)) = (<&[T; LANES]>::try_from(&w[..width]), <&[T; LANES]>::try_from(&s[..width])) {
                for i in 0..LANES {
                    let [a, b] = f(w[i].widen(), s[i].widen(), from_fn(|n| known[n][i]));
                    first[i] += a;
                    second[i] += b;
                }
            } else {
                for i in 0..width {
                    let [a, b] = f(w[i].widen(), s[i].widen(), from_fn(|n| known[n][i]));
                    rest[0][i] += a;
                    rest[1][i] += b;
                }
            }
        }
        [from_fn(|i| first[i] + rest[0][i]), from_fn(|i| second[i] + rest[1][i])]
    }
}

struct Divide<'a, T> {
    w: &'a mut [T],
    s: &'a [T],
    stride: usize,
    width: usize,
    kept: Lanes,
    mu: Lanes,
}

impl<T: Float> Kernel for Divide<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { w, s, stride, width, kept, mu } = self;
        // The last term makes a positive zero of −0.
        let divided = |v: T, s: T, kept: f64, mu: f64| T::of(v.widen() * kept / (1.0 + mu * s.widen())) + T::zero();
        for (w, s) in w.chunks_mut(stride).zip(s.chunks(stride)) {
            let width = width.min(w.len());
            if let (Ok(w), Ok(s)) = (<&mut [T; LANES]>::try_from(&mut w[..width]), <&[T; LANES]>::try_from(&s[..width]))
            {
                // Of copies, lest a weight written be taken for a step to be read.
                let (v, s) = (*w, *s);
                for (i, w) in w.iter_mut().enumerate() {
                    *w = divided(v[i], s[i], kept[i], mu[i]);
                }
            } else {
                for i in 0..width {
                    w[i] = divided(w[i], s[i], kept[i], mu[i]);
                }
            }
        }
    }
}

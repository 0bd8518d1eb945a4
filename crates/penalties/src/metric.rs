//! The operators of groups whose weights have steps of their own: the root of one equation a group.

use crate::groups::Groups;
use crate::prox::check_count;
use wane_autodiff::{Dual, Float, Shape, reduce};

/// One group of the weights v, and their steps s.
///
/// Penalty and ball alike lead to x = v/(1 + μs) with one μ for the group, found in f64 whatever the weights are.
#[derive(Debug)]
pub(crate) struct Section<'a, T> {
    w: &'a mut [T],
    s: &'a [T],
    start: usize,
    stride: usize,
    len: usize,
}

impl<T: Float> Section<'_, T> {
    /// Calls `f` on each group.
    pub(crate) fn each(groups: Groups, w: &mut [T], s: &[T], shape: Shape, f: impl Fn(Section<'_, T>)) {
        check_count(w, s);
        if w.is_empty() {
            return;
        }
        let ((rows, columns), len) = (groups.matrix(shape), groups.size(shape));
        let (count, stride) = if groups == Groups::Columns { (columns, columns) } else { (rows, 1) };
        for group in 0..count {
            let start = if groups == Groups::Columns { group } else { group * len };
            f(Section { w: &mut *w, s, start, stride, len });
        }
    }

    /// argmin Σ (x − v)²/(2s) + λ‖x‖: 0 if ‖v/s‖ ≤ λ, and else v/(1 + λs/ρ), ρ = ‖x‖ being the root of
    /// Σ (v/(ρ + λs))² = 1.
    pub(crate) fn shrink(&mut self, lambda: f64) {
        // No term is above 1, so that ρ is not below any v − λs; nor is it above ‖v‖.
        let below = self.largest(|v, s| v.abs() - lambda * s);
        if below == 0.0 && self.squares(&|s| Dual::from(lambda * s)).value <= 1.0 {
            return self.each_weight(|_, _| T::zero());
        }
        let norm = root(below, self.norm_bound(), |norm| self.squares(&|s| norm + Dual::from(lambda * s)));
        self.divide(lambda / norm);
    }

    /// argmin Σ (x − v)²/(2s) where ‖x‖ ≤ r: v/(1 + bs/r), b being 0 inside the ball and else the root of
    /// Σ (v/(r + bs))² = 1.
    pub(crate) fn project(&mut self, radius: f64) {
        if self.squares(&|_| Dual::from(radius)).value <= 1.0 {
            return self.divide(0.0);
        }
        let below = self.largest(|v, s| (v.abs() - radius) / s);
        let above = self.norm_bound() * self.largest(|_, s| s.recip());
        let b = root(below, above, |b| self.squares(&|s| Dual::from(radius) + b * Dual::from(s)));
        self.divide(b / radius);
    }

    /// Σ (v/d)², and its derivative.
    fn squares(&self, d: &impl Fn(f64) -> Dual<f64>) -> Dual<f64> {
        let square = |v: T, s: T| {
            // Not 0/0 where nothing holds a weight of zero.
            if v == T::zero() {
                return Dual::default();
            }
            let quotient = Dual::from(v.widen()) / d(s.widen());
            quotient * quotient
        };
        if self.stride == 1 {
            let members = self.start..self.start + self.len;
            return reduce::sum_of_pairs(&self.w[members.clone()], &self.s[members], &square);
        }
        reduce::sum_by(0, self.len, &|i| {
            let i = self.start + i * self.stride;
            square(self.w[i], self.s[i])
        })
    }

    /// At least ‖v‖, for little.
    fn norm_bound(&self) -> f64 {
        (self.len as f64).sqrt() * self.largest(|v, _| v.abs())
    }

    /// The largest f(v, s), and at least 0.
    fn largest(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
        let members = (self.start..).step_by(self.stride).take(self.len);
        members.map(|i| f(self.w[i].widen(), self.s[i].widen())).fold(0.0, f64::max_or_nan)
    }

    /// v/(1 + μs).
    fn divide(&mut self, mu: f64) {
        self.each_weight(|v, s| T::of(v.widen() / (1.0 + mu * s.widen())) + T::zero());
    }

    fn each_weight(&mut self, f: impl Fn(T, T) -> T) {
        for i in (self.start..).step_by(self.stride).take(self.len) {
            self.w[i] = f(self.w[i], self.s[i]);
        }
    }
}

/// Where a falling f from `below` to `above` is 1.
///
/// 1/√f of these sums is concave and nearly straight, wholly so where the steps are equal: Newton's method on it comes
/// from below, never beyond the root, in a handful of rounds (Conn, Gould and Toint, *Trust-Region Methods*, 2000,
/// section 7.3). Where rounding leads it out of the bracket, the bracket is halved.
fn root(mut below: f64, above: f64, f: impl Fn(Dual<f64>) -> Dual<f64>) -> f64 {
    let (mut at, mut above) = (below, above.min(f64::MAX));
    for _ in 0..ROUNDS {
        if !below.is_finite() {
            break;
        }
        let f = f(Dual::new(at, 1.0));
        let excess = f.value.sqrt() - 1.0;
        if excess > 0.0 {
            below = at;
        } else {
            above = at;
        }
        let newton = at - 2.0 * f.value * excess / f.tangent;
        let next = if below <= newton && newton <= above { newton } else { below + (above - below) / 2.0 };
        if next == at || excess.abs() <= 4.0 * f64::EPSILON {
            return next;
        }
        at = next;
    }
    at
}

/// Twice what halving needs between neighbouring powers of two.
const ROUNDS: usize = 100;

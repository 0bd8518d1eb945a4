use super::vector::{add_scaled, dot};
use std::collections::VecDeque;
use wane_autodiff::{Float, reduce};

/// A pair whose curvature yᵀs is no larger teaches nothing: it may be noise, and a negative one would make the
/// approximation indefinite. PyTorch's number.
const LEAST_CURVATURE: f64 = 1e-10;

/// What the last iterations told about the curvature of the loss.
#[derive(Clone, Debug)]
pub(super) struct Memory<T> {
    pairs: VecDeque<Pair<T>>,
    alphas: Vec<f64>,
    /// γ = yᵀs / yᵀy of the newest pair: the inverse Hessian to begin with is γI.
    gamma: f64,
}

/// A move s of the weights, and the change y of the gradient that came with it.
#[derive(Clone, Debug)]
struct Pair<T> {
    s: Vec<T>,
    y: Vec<T>,
    /// ρ = 1 / yᵀs
    rho: f64,
}

impl<T: Float> Memory<T> {
    pub(super) fn new() -> Self {
        Self { pairs: VecDeque::new(), alphas: Vec::new(), gamma: 1.0 }
    }

    /// Remembers s = t·d and y = g − before, the oldest pair giving way where there are `limit` already.
    pub(super) fn learn(&mut self, limit: usize, (t, d): (f64, &[T]), g: &[T], before: &[T]) {
        let t = T::of(t);
        let (s, y) = (|i: usize| d[i] * t, |i: usize| g[i] - before[i]);
        let curvature = reduce::sum_by(0, d.len(), &|i| s(i).widen() * y(i).widen());
        if curvature.is_nan() || curvature <= LEAST_CURVATURE {
            return;
        }
        let oldest = if self.pairs.len() >= limit { self.pairs.pop_front() } else { None };
        let mut pair = oldest.unwrap_or_else(|| Pair { s: Vec::new(), y: Vec::new(), rho: 0.0 });
        pair.s.clear();
        pair.s.extend((0..d.len()).map(s));
        pair.y.clear();
        pair.y.extend((0..d.len()).map(y));
        self.push(pair, curvature);
    }

    fn push(&mut self, mut pair: Pair<T>, curvature: f64) {
        pair.rho = 1.0 / curvature;
        self.gamma = curvature / dot(&pair.y, &pair.y);
        self.pairs.push_back(pair);
    }

    /// Every (s, y), the oldest first: all else follows from them.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&[T], &[T])> {
        self.pairs.iter().map(|pair| (&*pair.s, &*pair.y))
    }

    /// Remembers a pair of which [`pairs`](Self::pairs) told; whether it could have been one.
    pub(super) fn recall(&mut self, s: &[T], y: &[T]) -> bool {
        let curvature = dot(s, y);
        let is_one = curvature.is_finite() && curvature > LEAST_CURVATURE;
        if is_one {
            self.push(Pair { s: s.to_vec(), y: y.to_vec(), rho: 0.0 }, curvature);
        }
        is_one
    }

    /// d ← −Hg, H being the approximate inverse Hessian: the two loops of Nocedal (1980).
    pub(super) fn direction(&mut self, g: &[T], d: &mut [T]) {
        d.iter_mut().zip(g).for_each(|(d, &g)| *d = -g);
        self.alphas.clear();
        for pair in self.pairs.iter().rev() {
            let alpha = dot(&pair.s, d) * pair.rho;
            add_scaled(d, -alpha, &pair.y);
            self.alphas.push(alpha);
        }
        let gamma = T::of(self.gamma);
        d.iter_mut().for_each(|d| *d *= gamma);
        for (pair, alpha) in self.pairs.iter().zip(self.alphas.iter().rev()) {
            let beta = dot(&pair.y, d) * pair.rho;
            add_scaled(d, alpha - beta, &pair.s);
        }
    }
}

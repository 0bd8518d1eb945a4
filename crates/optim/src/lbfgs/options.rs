use serde::{Deserialize, Serialize};
use wane_autodiff::{Error, non_negative, number};

/// The options of [`Lbfgs`](crate::Lbfgs), under PyTorch's names and with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LbfgsOptions {
    /// The step length t of every iteration, or where the line search begins; finite and above 0. The first iteration
    /// takes min(1, 1/Σ|g|)·lr.
    pub lr: f64,
    /// The most iterations in one step, at least 1.
    pub max_iter: usize,
    /// No iteration begins after so many evaluations in one step, at least 1; `None` is max_iter·5/4. A line search
    /// that uses them up makes one more.
    pub max_eval: Option<usize>,
    /// Stops where max |g| is at most this; finite and ≥ 0.
    pub tolerance_grad: f64,
    /// Stops where an iteration moves no weight by more than this, changes the loss by less, or begins with a slope
    /// gᵀd above its negative; ends the line search where it could not move a weight by so much. Finite and ≥ 0.
    pub tolerance_change: f64,
    /// The most pairs (s, y) that are remembered, at least 1: each costs two numbers a weight.
    pub history_size: usize,
    /// How far along its direction an iteration goes.
    pub line_search: LineSearch,
    /// Climbs instead of descending.
    pub maximize: bool,
}

/// PyTorch's `line_search_fn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LineSearch {
    /// As far as `lr` says: one evaluation an iteration, and none after the last. The loss may rise.
    #[default]
    None,
    /// To a point that meets the strong Wolfe conditions with c₁ = 1e-4 and c₂ = 0.9, found by bracketing and zooming
    /// with cubic interpolation (Nocedal and Wright, *Numerical Optimization*, 2006, algorithms 3.5 and 3.6).
    StrongWolfe,
}

impl Default for LbfgsOptions {
    fn default() -> Self {
        Self {
            lr: 1.0,
            max_iter: 20,
            max_eval: None,
            tolerance_grad: 1e-7,
            tolerance_change: 1e-9,
            history_size: 100,
            line_search: LineSearch::None,
            maximize: false,
        }
    }
}

impl LbfgsOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        if !(self.lr.is_finite() && self.lr > 0.0) {
            return Err(Error::option("lr", number(self.lr), "a finite number above 0"));
        }
        let counts =
            [("max_iter", self.max_iter), ("max_eval", self.evaluations()), ("history_size", self.history_size)];
        if let Some((field, _)) = counts.into_iter().find(|&(_, count)| count == 0) {
            return Err(Error::option(field, 0, "at least 1"));
        }
        non_negative("tolerance_grad", self.tolerance_grad)?;
        non_negative("tolerance_change", self.tolerance_change).map(drop)
    }

    /// `max_eval`, or its default.
    pub(super) fn evaluations(&self) -> usize {
        self.max_eval.unwrap_or(self.max_iter.saturating_add(self.max_iter / 4))
    }
}

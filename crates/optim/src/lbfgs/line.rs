use super::NAME;
use super::vector::{add_scaled, dot, max_abs};
use std::ops::Range;
use wane_autodiff::{Error, Float, Grads, Params};

/// The user's function over the weights that move, which lie packed, one run behind the other, in every vector here.
pub(super) struct Objective<'a, T, F> {
    pub(super) params: &'a mut Params<T>,
    pub(super) grads: &'a mut Grads<T>,
    pub(super) evaluate: F,
    pub(super) maximize: bool,
    pub(super) evaluations: usize,
}

/// Why an evaluation was the last.
pub(super) enum Halt {
    /// A loss or a gradient that is no finite number.
    NonFinite,
    /// The user's function failed.
    Failed(Error),
}

impl<T: Float, F: FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>> Objective<'_, T, F> {
    /// The loss where the parameters are, negated if `maximize`; its gradient is left in `grads`.
    pub(super) fn loss(&mut self) -> Result<f64, Error> {
        self.grads.clear();
        self.evaluations += 1;
        let loss = (self.evaluate)(self.params, self.grads)?.widen();
        if let Err(stranger) = self.params.layout().expect_same(self.grads.layout(), "layout of the gradients") {
            *self.grads = self.params.grads();
            return Err(stranger.within(NAME));
        }
        Ok(if self.maximize { -loss } else { loss })
    }

    /// The runs of neighbouring weights that have a gradient and are not frozen.
    pub(super) fn moving(&self, runs: &mut Vec<Range<usize>>) {
        let reached = self.params.layout().entries().iter().zip(self.grads.reached());
        let moving = reached.filter(|&(entry, &reached)| reached && !self.params.is_frozen(entry.id()));
        join(moving.map(|(entry, _)| entry.range()), runs);
    }

    /// Packs the gradient, negated if `maximize`; whether all of it is finite.
    pub(super) fn gradient(&self, moving: &[Range<usize>], g: &mut Vec<T>) -> bool {
        pack(self.grads.as_slice(), moving, g);
        if self.maximize {
            g.iter_mut().for_each(|g| *g = -*g);
        }
        max_abs(g).is_finite()
    }
}

/// Makes one run of neighbours that touch.
pub(super) fn join(ranges: impl Iterator<Item = Range<usize>>, runs: &mut Vec<Range<usize>>) {
    runs.clear();
    for range in ranges.filter(|range| !range.is_empty()) {
        match runs.last_mut() {
            Some(run) if run.end == range.start => run.end = range.end,
            _ => runs.push(range),
        }
    }
}

/// Copies the runs of `from` one behind the other.
pub(super) fn pack<T: Copy>(from: &[T], runs: &[Range<usize>], to: &mut Vec<T>) {
    to.clear();
    runs.iter().for_each(|run| to.extend_from_slice(&from[run.clone()]));
}

/// The loss along θ + t·d.
pub(super) struct Line<'a, 'o, T, F> {
    pub(super) objective: &'a mut Objective<'o, T, F>,
    pub(super) moving: &'a [Range<usize>],
    pub(super) theta: &'a [T],
    pub(super) d: &'a [T],
    /// The t of the lowest finite loss so far, and that loss: at first those of θ.
    pub(super) best: (f64, f64),
}

/// What is known at one t.
#[derive(Clone, Debug)]
pub(super) struct Point<T> {
    pub(super) t: f64,
    pub(super) loss: f64,
    /// gᵀd, the derivative of the loss by t.
    pub(super) slope: f64,
    pub(super) g: Vec<T>,
}

impl<T: Float> Point<T> {
    pub(super) fn new() -> Self {
        Self { t: 0.0, loss: 0.0, slope: 0.0, g: Vec::new() }
    }

    pub(super) fn copy(&mut self, from: &Self) {
        (self.t, self.loss, self.slope) = (from.t, from.loss, from.slope);
        self.g.clone_from(&from.g);
    }
}

impl<T: Float, F: FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>> Line<'_, '_, T, F> {
    /// Moves the weights to θ + t·d.
    pub(super) fn place(&mut self, t: f64) {
        let (values, mut start) = (self.objective.params.as_mut_slice(), 0);
        for run in self.moving {
            let part = start..start + run.len();
            let weights = &mut values[run.clone()];
            weights.copy_from_slice(&self.theta[part.clone()]);
            add_scaled(weights, t, &self.d[part.clone()]);
            start = part.end;
        }
    }

    /// Evaluates at t, and leaves the weights there.
    pub(super) fn at(&mut self, t: f64, point: &mut Point<T>) -> Result<(), Halt> {
        self.place(t);
        let loss = self.objective.loss().map_err(Halt::Failed)?;
        if !self.objective.gradient(self.moving, &mut point.g) || !loss.is_finite() {
            return Err(Halt::NonFinite);
        }
        if loss < self.best.1 {
            self.best = (t, loss);
        }
        (point.t, point.loss, point.slope) = (t, loss, dot(&point.g, self.d));
        Ok(())
    }
}

use super::line::{Halt, Line, Objective, Point, pack};
use super::memory::Memory;
use super::strong_wolfe::Search;
use super::vector::{dot, max_abs, sum_abs};
use super::{LbfgsOptions, LbfgsOutcome, LbfgsStop, LineSearch, NAME};
use std::ops::Range;
use wane_autodiff::{Error, Float, Grads, Params};

/// What stays from step to step, and the buffers of a step.
#[derive(Clone, Debug)]
pub(super) struct State<T> {
    /// The runs of weights that move, packed in every vector, and room for those of the next step.
    pub(super) moving: Vec<Range<usize>>,
    next: Vec<Range<usize>>,
    pub(super) memory: Memory<T>,
    /// The direction of the last iteration and how far it went, if there was one.
    pub(super) d: Vec<T>,
    pub(super) t: Option<f64>,
    /// The weights and the point where the iteration began.
    theta: Vec<T>,
    pub(super) start: Point<T>,
    /// The point where it has led.
    here: Point<T>,
    search: Search<T>,
}

impl<T: Float> State<T> {
    pub(super) fn new() -> Self {
        Self {
            moving: Vec::new(),
            next: Vec::new(),
            memory: Memory::new(),
            d: Vec::new(),
            t: None,
            theta: Vec::new(),
            start: Point::new(),
            here: Point::new(),
            search: Search::new(),
        }
    }

    /// A whole step.
    pub(super) fn run<F>(
        &mut self,
        options: &LbfgsOptions,
        objective: &mut Objective<'_, T, F>,
    ) -> Result<LbfgsOutcome<T>, Error>
    where
        F: FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>,
    {
        let first = objective.loss()?;
        self.follow(objective)?;
        self.here.loss = first;
        let is_finite = objective.gradient(&self.moving, &mut self.here.g) && first.is_finite();
        let mut iterations = 0;
        let stop = if !is_finite {
            self.forget();
            LbfgsStop::NonFinite
        } else if max_abs(&self.here.g) <= options.tolerance_grad {
            LbfgsStop::Gradient
        } else {
            self.iterations(options, objective, &mut iterations)?
        };
        let told = |loss: f64| T::of(if options.maximize { -loss } else { loss });
        let (first_loss, last_loss, evaluations) = (told(first), told(self.here.loss), objective.evaluations);
        Ok(LbfgsOutcome { first_loss, last_loss, iterations, evaluations, stop })
    }

    /// Finds the weights that move. If they are others than in the last step, all starts anew.
    fn follow<F>(&mut self, objective: &Objective<'_, T, F>) -> Result<(), Error>
    where
        F: FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>,
    {
        objective.moving(&mut self.next);
        if self.next.is_empty() {
            let expected = "a loss whose backward(grads) reaches a parameter that is not frozen";
            return Err(Error::parameter(NAME, "without a gradient", expected));
        }
        if self.next != self.moving {
            self.forget();
            std::mem::swap(&mut self.moving, &mut self.next);
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.memory = Memory::new();
        self.t = None;
    }

    fn iterations<F>(
        &mut self,
        options: &LbfgsOptions,
        objective: &mut Objective<'_, T, F>,
        done: &mut usize,
    ) -> Result<LbfgsStop, Error>
    where
        F: FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>,
    {
        loop {
            let is_last = *done + 1 == options.max_iter;
            let is_blind = is_last && options.line_search == LineSearch::None;
            let moved = match self.iterate(options, objective, is_blind) {
                Ok(Some(moved)) => moved,
                Ok(None) => return Ok(LbfgsStop::Slope),
                Err(Halt::NonFinite) => {
                    self.forget();
                    return Ok(LbfgsStop::NonFinite);
                }
                Err(Halt::Failed(error)) => return Err(error),
            };
            *done += 1;
            if is_blind {
                return Ok(LbfgsStop::Iterations);
            } else if max_abs(&self.here.g) <= options.tolerance_grad {
                return Ok(LbfgsStop::Gradient);
            } else if moved <= options.tolerance_change {
                return Ok(LbfgsStop::Change);
            } else if (self.here.loss - self.start.loss).abs() < options.tolerance_change {
                return Ok(LbfgsStop::Loss);
            } else if is_last {
                return Ok(LbfgsStop::Iterations);
            } else if objective.evaluations >= options.evaluations() {
                return Ok(LbfgsStop::Evaluations);
            }
        }
    }

    /// One iteration: the largest move of a weight, or `None` where the slope is too flat for any. A `blind` one does
    /// not evaluate where it has led.
    fn iterate<F>(
        &mut self,
        options: &LbfgsOptions,
        objective: &mut Objective<'_, T, F>,
        is_blind: bool,
    ) -> Result<Option<f64>, Halt>
    where
        F: FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>,
    {
        let length = self.turn(options);
        let Self { moving, d, t, theta, start, here, search, .. } = self;
        if !start.slope.is_finite() {
            return Err(Halt::NonFinite);
        }
        if start.slope > -options.tolerance_change {
            *t = Some(length);
            return Ok(None);
        }
        pack(objective.params.as_slice(), moving, theta);
        let budget = options.evaluations().saturating_sub(objective.evaluations);
        let mut line = Line { objective, moving, theta, d, best: (0.0, start.loss) };
        let found = match options.line_search {
            LineSearch::None if is_blind => {
                here.t = length;
                Ok(())
            }
            LineSearch::None => line.at(length, here),
            LineSearch::StrongWolfe => search
                .run(&mut line, start, length, options.tolerance_change, budget)
                .map(|point| std::mem::swap(here, point)),
        };
        // A search that failed has left `here` at its start.
        if let Err(Halt::NonFinite) = found {
            (here.t, here.loss) = line.best;
        }
        line.place(here.t);
        found?;
        *t = Some(here.t);
        Ok(Some(max_abs(d) * here.t))
    }

    /// Learns from the last iteration, turns `d` and starts where it has led; the length to begin with.
    fn turn(&mut self, options: &LbfgsOptions) -> f64 {
        let Self { memory, d, t, start, here, .. } = self;
        if let Some(t) = *t {
            memory.learn(options.history_size, (t, d), &here.g, &start.g);
        }
        d.resize(here.g.len(), T::zero());
        memory.direction(&here.g, d);
        (here.t, here.slope) = (0.0, dot(&here.g, d));
        start.copy(here);
        match t {
            None => (1.0 / sum_abs(&here.g)).min(1.0) * options.lr,
            Some(_) => options.lr,
        }
    }
}

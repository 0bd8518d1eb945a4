mod line;
mod memory;
mod options;
mod snapshot;
mod state;
mod strong_wolfe;
mod vector;

pub use options::{LbfgsOptions, LineSearch};
pub use snapshot::{LbfgsMove, LbfgsPair, LbfgsSnapshot};

use line::Objective;
use state::State;
use wane_autodiff::{Error, Float, Grads, Params};

const NAME: &str = "Lbfgs";

/// L-BFGS, the quasi-Newton method of little memory (Nocedal 1980; Liu and Nocedal 1989; PyTorch's
/// `torch.optim.LBFGS`), for full batches.
///
/// An iteration, at a gradient g of θ, negated if `maximize`:
/// 1. with s and y, the changes of θ and of g in the last iteration: remember (s, y) if yᵀs > 1e-10
/// 2. d ← −Hg, where H is γI with γ = yᵀs/yᵀy of the newest pair, updated by every remembered pair from the oldest on
///    by H ← (I − ρsyᵀ)H(I − ρysᵀ) + ρssᵀ, ρ = 1/yᵀs
/// 3. θ ← θ + t·d, t being `lr` ([`LineSearch::None`]), or found from `lr` on ([`LineSearch::StrongWolfe`]); in the first
///    iteration min(1, 1/Σ|g|)·lr
///
/// A [`step`](Self::step) is up to `max_iter` iterations and evaluates the loss itself, so it takes a closure. What is
/// remembered stays for the next step.
///
/// Every evaluation must be of the same smooth function: all rows, no dropout. There is no `weight_decay`: an
/// L2 penalty in the loss is exact here (λΣθ², which is a coupled decay of 2λ), and the line search sees it. There are
/// no groups: every parameter that has a gradient and is not frozen moves, as one vector. It is no [`Rule`](crate::Rule),
/// so that no [`Optimizer`](crate::Optimizer) and no `Trainer` takes it: a loop of one's own calls `step`, and saves
/// parameters and [`snapshot`](Self::snapshot).
///
/// ```
/// use wane_autodiff::{Params, Tape, ndarray::array};
/// use wane_optim::{Lbfgs, LbfgsOptions, LineSearch};
///
/// let mut params = Params::<f64>::new();
/// let w = params.root().add("w", &array![-1.2, 1.0])?;
/// let options = LbfgsOptions { max_iter: 100, line_search: LineSearch::StrongWolfe, ..Default::default() };
/// let mut optimizer = Lbfgs::new(options)?;
///
/// let mut tape = Tape::new();
/// let outcome = optimizer.step(&mut params, |params, grads| {
///     let loss = (tape.record(params).param(w) - 3.0).square().sum();
///     loss.backward(grads);
///     Ok(loss.item())
/// })?;
/// assert!(outcome.stop.is_converged() && outcome.last_loss < 1e-12);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lbfgs<T> {
    options: LbfgsOptions,
    grads: Option<Grads<T>>,
    state: State<T>,
}

/// What a [step](Lbfgs::step) did.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LbfgsOutcome<T> {
    /// The loss where the step began: what PyTorch's `step` returns.
    pub first_loss: T,
    /// The loss where the parameters are; but [`LineSearch::None`] does not evaluate after the last of `max_iter`
    /// iterations, and then it is the loss before that.
    pub last_loss: T,
    /// How many iterations came to their end.
    pub iterations: usize,
    /// How often the closure was called.
    pub evaluations: usize,
    /// Why there was no further iteration.
    pub stop: LbfgsStop,
}

/// Why an L-BFGS [step](Lbfgs::step) ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LbfgsStop {
    /// max |g| is at most `tolerance_grad`.
    Gradient,
    /// The slope gᵀd is above −`tolerance_change`.
    Slope,
    /// No weight moved by more than `tolerance_change`.
    Change,
    /// The loss changed by less than `tolerance_change`.
    Loss,
    /// `max_iter` iterations.
    Iterations,
    /// `max_eval` evaluations.
    Evaluations,
    /// A loss or gradient was NaN or infinite. The parameters are at the lowest finite loss of that iteration, where it
    /// began at the latest; what was remembered is forgotten, so that the next step begins along −g, with a short one.
    NonFinite,
}

impl LbfgsStop {
    /// Whether a tolerance was met: another step would do little.
    pub fn is_converged(self) -> bool {
        matches!(self, Self::Gradient | Self::Slope | Self::Change | Self::Loss)
    }
}

impl<T: Float> Lbfgs<T> {
    /// The optimizer; the parameters come with the first [`step`](Self::step).
    ///
    /// # Errors
    /// An option out of range, by name.
    pub fn new(options: LbfgsOptions) -> Result<Self, Error> {
        options.check().map_err(|error| error.within(NAME))?;
        Ok(Self { options, grads: None, state: State::new() })
    }

    /// The options.
    pub fn options(&self) -> &LbfgsOptions {
        &self.options
    }

    /// Up to `max_iter` iterations. `evaluate` records the loss of the parameters it is given, runs backward into the
    /// gradients, which are cleared, and returns the loss.
    ///
    /// The parameters that move are those that the first evaluation reached and that are not frozen. Where they are not
    /// those of the last step, what was remembered is of another function, and forgotten.
    ///
    /// # Errors
    /// Those of `evaluate`, and then the parameters are where the interrupted iteration began; parameters or gradients
    /// of another layout than those of the first step; an evaluation that gives no parameter a gradient.
    pub fn step(
        &mut self,
        params: &mut Params<T>,
        evaluate: impl FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>,
    ) -> Result<LbfgsOutcome<T>, Error> {
        let grads = self.grads.get_or_insert_with(|| params.grads());
        grads.layout().expect_same(params.layout(), "layout of the parameters").map_err(|error| error.within(NAME))?;
        let mut objective = Objective { params, grads, evaluate, maximize: self.options.maximize, evaluations: 0 };
        self.state.run(&self.options, &mut objective)
    }
}

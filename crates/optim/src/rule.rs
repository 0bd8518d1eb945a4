use crate::{DecayKind, Pull};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use wane_autodiff::{Error, Float, number};
use wane_penalties::Step;

/// An optimizer's options, and its equation over slices.
///
/// [`Optimizer`](crate::Optimizer) does the rest: groups, state, schedules, which parameters have a gradient.
pub trait Rule: Clone + Debug + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// The optimizer's name.
    const NAME: &'static str;

    /// What this optimizer's `weight_decay` means.
    const DECAY: DecayKind;

    /// Whether a step is about lr at most, whatever the gradient, once gradients are steady: so for Adam's m/√v.
    const STEP_IS_AT_MOST_LR: bool = false;

    /// The constants of one step, computed in f64 and rounded once to T.
    type Constants<T: Float>: Copy + Debug + Send + Sync;

    /// The learning rate.
    fn lr(&mut self) -> &mut f64;

    /// λ.
    fn weight_decay(&mut self) -> &mut f64;

    /// Whether it climbs.
    fn maximize(&self) -> bool;

    /// Checks every option but `weight_decay`.
    ///
    /// # Errors
    /// An option out of range, by name.
    fn check(&self) -> Result<(), Error>;

    /// The names of the buffers that these options need, at most three, one number a weight each.
    fn state(&self) -> &'static [&'static str];

    /// The number that a buffer begins with.
    fn initial_state(&self) -> f64 {
        0.0
    }

    /// The constants of step number `step`, the first being 1.
    fn constants<T: Float>(&self, pull: Pull, step: u64) -> Self::Constants<T>;

    /// The constants of a step whose gradients were multiplied by `scale`, as clipping by norm does: for a rule with a penalty
    /// of its own, which is multiplied too.
    fn scaled<T: Float>(constants: Self::Constants<T>, scale: T) -> Self::Constants<T> {
        let _ = scale;
        constants
    }

    /// The equation: weights `theta` and their `state` (three slices, in the order of [`state`](Self::state), those
    /// beyond it empty) move along the gradient `g`. Each weight moves by itself: many are given in parts, side by side.
    fn update<T: Float>(constants: Self::Constants<T>, theta: &mut [T], g: &[T], state: [&mut [T]; 3]);

    /// Whether proximal terms have a metric under these options.
    ///
    /// # Errors
    /// An option under which they have none, by name.
    fn check_reach(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The metric of the step just made, for proximal terms: by what a gradient that stays the same is multiplied in the
    /// end, momentum's repetitions included, and once more by `scale`. One number for all weights, or one for each, written
    /// into `each`. `state` is as in [`update`](Self::update).
    ///
    /// So, and only so, a weight rests where loss + h has its minimum: what it is moved by and what it is shrunk by are both
    /// this number of times their derivatives.
    fn reach<'a, T: Float>(constants: Self::Constants<T>, scale: T, state: [&[T]; 3], each: &'a mut [T])
    -> Step<'a, T>;
}

/// The accessors of options that every rule has under the same names.
macro_rules! common_options {
    () => {
        fn lr(&mut self) -> &mut f64 {
            &mut self.lr
        }

        fn weight_decay(&mut self) -> &mut f64 {
            &mut self.weight_decay
        }

        fn maximize(&self) -> bool {
            self.maximize
        }
    };
}
pub(crate) use common_options;

/// Proximal terms under a momentum of this option: repetitions come to 1/(1 − μ).
pub(crate) fn momentum_ends(momentum: f64) -> Result<(), Error> {
    if momentum < 1.0 {
        Ok(())
    } else {
        Err(Error::option("momentum", number(momentum), "below 1, with a proximal term"))
    }
}

/// Writes lr/root(v) of each weight: finite where the root is 0, so that a weight that never had a gradient gives way to any
/// penalty at once.
#[inline(always)]
pub(crate) fn divide<T: Float>(lr: T, v: &[T], each: &mut [T], root: impl Fn(T) -> T) {
    for (each, &v) in each.iter_mut().zip(v) {
        *each = (lr / root(v)).min(T::max_value());
    }
}

/// What every rule does before its own equation: the gradient as it sees it, and θ after decoupled decay.
///
/// The roundings are PyTorch's: `add` with a factor rounds once, `mul_` once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Front<T> {
    sign: T,
    coupled: Option<T>,
    shrink: T,
}

impl<T: Float> Front<T> {
    pub(crate) fn new(maximize: bool, pull: Pull) -> Self {
        Self {
            sign: if maximize { -T::one() } else { T::one() },
            coupled: (pull.coupled != 0.0).then(|| T::of(pull.coupled)),
            shrink: T::of(1.0 - pull.rate),
        }
    }

    #[inline(always)]
    pub(crate) fn gradient(&self, theta: T, g: T) -> T {
        match self.coupled {
            Some(lambda) => theta.mul_add(lambda, self.sign * g),
            None => self.sign * g,
        }
    }

    #[inline(always)]
    pub(crate) fn shrunk(&self, theta: T) -> T {
        theta * self.shrink
    }
}

/// m + w(g − m), from whichever end is nearer, as PyTorch's `lerp_` does it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lerp<T> {
    weight: T,
    from_far: Option<T>,
}

impl<T: Float> Lerp<T> {
    pub(crate) fn new(weight: f64) -> Self {
        Self { weight: T::of(weight), from_far: (weight >= 0.5).then(|| T::of(weight) - T::one()) }
    }

    #[inline(always)]
    pub(crate) fn apply(&self, m: T, g: T) -> T {
        match self.from_far {
            None => self.weight.mul_add(g - m, m),
            Some(weight) => weight.mul_add(g - m, g),
        }
    }
}

/// Below which size a number of a decaying average counts as 0.
///
/// An average whose gradients have stopped (those of a dead unit) sinks to the smallest numbers there are and stays: once
/// its decay is less than half a unit in the last place, it rounds back to what it was. Most processors take several times
/// as long over such numbers, and over products of numbers a little above them. The weights are those that PyTorch gets,
/// which keeps them: what they would move is lost in the rounding of every weight above 1e-16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor<T>(T);

impl<T: Float> Floor<T> {
    /// Of an average that moves weights by a learning rate: a million times the smallest normal number, so that the product
    /// of both is normal too.
    pub(crate) fn of_momentum() -> Self {
        Self(T::min_positive_value() * T::of(1e6))
    }

    /// Of averages of gradients and of their squares, where the former are divided by the root of the latter plus `eps`: the
    /// same, if `eps` swallows that root; otherwise none, since the least of them may count.
    pub(crate) fn under(eps: T) -> Self {
        let Self(floor) = Self::of_momentum();
        Self(if floor.sqrt() < eps * T::epsilon() * T::of(0.25) { floor } else { T::zero() })
    }

    #[inline(always)]
    pub(crate) fn apply(self, average: T) -> T {
        if average.abs() < self.0 { T::zero() } else { average }
    }
}

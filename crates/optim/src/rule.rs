use crate::{Decay, DecayKind};
use std::fmt::Debug;
use wane_autodiff::{Error, Float};

/// An optimizer's options, and its equation over slices.
///
/// [`Optimizer`](crate::Optimizer) does the rest: groups, state, which parameters have a gradient.
pub trait Rule: Clone + Debug + Send + Sync + 'static {
    /// The optimizer's name.
    const NAME: &'static str;

    /// What this optimizer's `weight_decay` means.
    const DECAY: DecayKind;

    /// The constants of one step, computed in f64 and rounded once to T.
    type Constants<T: Float>: Copy + Debug;

    /// The learning rate.
    fn lr(&mut self) -> &mut f64;

    /// λ.
    fn weight_decay(&mut self) -> &mut f64;

    /// Checks every option but `weight_decay`.
    ///
    /// # Errors
    /// An option out of range, by name.
    fn check(&self) -> Result<(), Error>;

    /// The names of the buffers that these options need, at most three, one number a weight each, zeros at first. The
    /// names that some options need begin with those that other options need.
    fn state(&self) -> &'static [&'static str];

    /// The constants of step number `step`, the first being 1.
    fn constants<T: Float>(&self, decay: Decay, step: u64) -> Self::Constants<T>;

    /// The equation: weights `theta` and their `state` (three slices, those beyond [`state`](Self::state) empty) move
    /// along the gradient `g`.
    fn update<T: Float>(constants: Self::Constants<T>, theta: &mut [T], g: &[T], state: &mut [&mut [T]]);
}

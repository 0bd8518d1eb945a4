use crate::rule::{Front, divide};
use crate::{DecayKind, Optimizer, Pull, Rule};
use serde::{Deserialize, Serialize};
use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Error, Float, non_negative};
use wane_penalties::Step;

/// Adagrad (Duchi, Hazan and Singer 2011; PyTorch's `torch.optim.Adagrad`).
///
/// For a gradient g of θ at step t, negated if `maximize`:
/// 1. coupled decay: g ← g + λθ; decoupled: θ ← θ(1 − lr·λ)
/// 2. s ← s + g²
/// 3. θ ← θ − lr/(1 + (t − 1)·lr_decay) · g/(√s + eps)
///
/// State: `sum` s.
pub type Adagrad<T> = Optimizer<T, AdagradOptions>;

/// The options of [`Adagrad`], under PyTorch's names and with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdagradOptions {
    /// The learning rate, finite and ≥ 0.
    pub lr: f64,
    /// How fast the rate falls with the steps, finite and ≥ 0.
    pub lr_decay: f64,
    /// λ, finite and ≥ 0; coupled.
    pub weight_decay: f64,
    /// What s begins with, finite and ≥ 0.
    pub initial_accumulator_value: f64,
    /// Added to the root, finite and ≥ 0.
    pub eps: f64,
    /// Climbs instead of descending; decay still shrinks.
    pub maximize: bool,
}

impl Default for AdagradOptions {
    fn default() -> Self {
        Self { lr: 1e-2, lr_decay: 0.0, weight_decay: 0.0, initial_accumulator_value: 0.0, eps: 1e-10, maximize: false }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    front: Front<T>,
    eps: T,
    minus_lr: T,
}

impl Rule for AdagradOptions {
    const NAME: &'static str = "Adagrad";
    const DECAY: DecayKind = DecayKind::Coupled;
    type Constants<T: Float> = Constants<T>;

    crate::rule::common_options!();

    fn check(&self) -> Result<(), Error> {
        non_negative("lr", self.lr)?;
        non_negative("lr_decay", self.lr_decay)?;
        non_negative("initial_accumulator_value", self.initial_accumulator_value)?;
        non_negative("eps", self.eps)?;
        Ok(())
    }

    fn state(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn initial_state(&self) -> f64 {
        self.initial_accumulator_value
    }

    fn constants<T: Float>(&self, pull: Pull, step: u64) -> Constants<T> {
        let lr = self.lr / (1.0 + (step as f64 - 1.0) * self.lr_decay);
        Constants { front: Front::new(self.maximize, pull), eps: T::of(self.eps), minus_lr: T::of(-lr) }
    }

    fn update<T: Float>(constants: Constants<T>, theta: &mut [T], g: &[T], [sum, ..]: [&mut [T]; 3]) {
        vectorized(Update { constants, theta, g, sum });
    }

    /// lr/(1 + (t − 1)·lr_decay)/(√s + eps) of each weight.
    fn reach<'a, T: Float>(constants: Constants<T>, scale: T, [sum, ..]: [&[T]; 3], each: &'a mut [T]) -> Step<'a, T> {
        vectorized(Reach { constants, scale, sum, each: &mut *each });
        Step::Each(each)
    }
}

struct Update<'a, T> {
    constants: Constants<T>,
    theta: &'a mut [T],
    g: &'a [T],
    sum: &'a mut [T],
}

impl<T: Float> Kernel for Update<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Constants { front, eps, minus_lr } = self.constants;
        for ((theta, &g), sum) in self.theta.iter_mut().zip(self.g).zip(self.sum) {
            let g = front.gradient(*theta, g);
            *sum = g.mul_add(g, *sum);
            *theta = front.shrunk(*theta) + minus_lr * g / (sum.sqrt() + eps);
        }
    }
}

struct Reach<'a, T> {
    constants: Constants<T>,
    scale: T,
    sum: &'a [T],
    each: &'a mut [T],
}

impl<T: Float> Kernel for Reach<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Constants { eps, minus_lr, .. } = self.constants;
        divide(-minus_lr * self.scale, self.sum, self.each, |sum| sum.sqrt() + eps);
    }
}

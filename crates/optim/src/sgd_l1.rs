use crate::rule::Front;
use crate::{DecayKind, Optimizer, Pull, Rule};
use serde::{Deserialize, Serialize};
use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Error, Float, non_negative};
use wane_penalties::Step;

/// Stochastic gradient descent with a cumulative L1 penalty: exact zeros from noisy mini-batches (Tsuruoka, Tsujii and
/// Ananiadou, *Stochastic Gradient Descent Training for L1-regularized Log-linear Models with Cumulative Penalty*, 2009).
///
/// For a gradient g of θ, negated if `maximize`:
/// 1. coupled decay: g ← g + λθ; decoupled: θ ← θ(1 − lr·λ)
/// 2. θ ← θ − lr·g
/// 3. a ← a + lr·`l1`, b ← b + lr·`l1`: what the weight is charged if it is above zero, and if it is below
/// 4. θ' = max(0, θ − a) if θ > 0, min(0, θ + b) if θ < 0; a ← a + (θ' − θ), b ← b − (θ' − θ), θ ← θ'
///
/// With the paper's total u = t·lr·`l1` and what a weight had of it, q, these are a = u + q and b = u − q. Both of those grow
/// with the number of steps, and in f32 their sum would lose the step's charge; a and b don't where they matter.
///
/// The noise of a mini-batch kicks a weight off zero in every step, and further than the proximal step's lr·`l1` draws it
/// back: under [`Group::prox`](crate::Group::prox) it is zero only if the batch is large. Here a weight at zero lays up what
/// it was not charged, and the next kick must exceed all of that. A weight whose mean gradient is below `l1` is at zero more
/// and more of the time, always in the end.
///
/// Gradients that were clipped by norm scale the penalty of their step alike.
///
/// State: `owed_above` a, `owed_below` b, both in the units of θ.
pub type SgdL1<T> = Optimizer<T, SgdL1Options>;

/// The options of [`SgdL1`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SgdL1Options {
    /// The learning rate, finite and ≥ 0.
    pub lr: f64,
    /// The strength of the penalty l1·Σ|θ| beside the loss, finite and ≥ 0.
    pub l1: f64,
    /// λ, finite and ≥ 0; coupled.
    pub weight_decay: f64,
    /// Climbs instead of descending; penalty and decay still shrink.
    pub maximize: bool,
}

impl Default for SgdL1Options {
    fn default() -> Self {
        Self { lr: 1e-3, l1: 0.0, weight_decay: 0.0, maximize: false }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    front: Front<T>,
    lr: T,
    charge: T,
}

impl Rule for SgdL1Options {
    const NAME: &'static str = "SgdL1";
    const DECAY: DecayKind = DecayKind::Coupled;
    type Constants<T: Float> = Constants<T>;

    crate::rule::common_options!();

    fn check(&self) -> Result<(), Error> {
        non_negative("lr", self.lr)?;
        non_negative("l1", self.l1)?;
        Ok(())
    }

    fn state(&self) -> &'static [&'static str] {
        &["owed_above", "owed_below"]
    }

    fn constants<T: Float>(&self, pull: Pull, _step: u64) -> Constants<T> {
        Constants { front: Front::new(self.maximize, pull), lr: T::of(self.lr), charge: T::of(self.lr * self.l1) }
    }

    fn scaled<T: Float>(constants: Constants<T>, scale: T) -> Constants<T> {
        Constants { charge: constants.charge * scale, ..constants }
    }

    fn update<T: Float>(constants: Constants<T>, theta: &mut [T], g: &[T], [above, below, _]: [&mut [T]; 3]) {
        vectorized(Update { constants, theta, g, above, below });
    }

    /// lr.
    fn reach<'a, T: Float>(constants: Constants<T>, scale: T, _: [&[T]; 3], _: &'a mut [T]) -> Step<'a, T> {
        Step::Uniform(constants.lr * scale)
    }
}

struct Update<'a, T> {
    constants: Constants<T>,
    theta: &'a mut [T],
    g: &'a [T],
    above: &'a mut [T],
    below: &'a mut [T],
}

impl<T: Float> Kernel for Update<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Constants { front, lr, charge } = self.constants;
        let weights = self.theta.iter_mut().zip(self.g).zip(self.above.iter_mut().zip(self.below));
        for ((theta, &g), (above, below)) in weights {
            let g = front.gradient(*theta, g);
            let moved = g.mul_add(-lr, front.shrunk(*theta));
            *above += charge;
            *below += charge;
            let charged = if moved > T::zero() {
                (moved - *above).max_or_nan(T::zero())
            } else if moved < T::zero() {
                let charged = moved + *below;
                if charged < T::zero() { charged } else { T::zero() }
            } else {
                // Zero stays zero, without a sign, and NaN stays NaN.
                moved + T::zero()
            };
            let change = charged - moved;
            *above += change;
            *below -= change;
            *theta = charged;
        }
    }
}

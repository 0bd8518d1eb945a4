use crate::rule::{Floor, Front, momentum_ends};
use crate::{DecayKind, Optimizer, Pull, Rule};
use serde::{Deserialize, Serialize};
use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Error, Float, non_negative, number};
use wane_penalties::Step;

/// Stochastic gradient descent with momentum (PyTorch's `torch.optim.SGD`).
///
/// For a gradient g of θ, negated if `maximize`:
/// 1. coupled decay: g ← g + λθ; decoupled: θ ← θ(1 − lr·λ)
/// 2. with momentum μ: b ← μb + (1 − dampening)·g, the first b being g itself
/// 3. g ← g + μb if `nesterov`, else b
/// 4. θ ← θ − lr·g
///
/// State: `momentum_buffer` b, where the momentum is not 0.
pub type Sgd<T> = Optimizer<T, SgdOptions>;

/// The options of [`Sgd`], under PyTorch's names and with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SgdOptions {
    /// The learning rate, finite and ≥ 0.
    pub lr: f64,
    /// μ, finite and ≥ 0.
    pub momentum: f64,
    /// How much of the gradient stays out of the momentum, finite.
    pub dampening: f64,
    /// λ, finite and ≥ 0; coupled.
    pub weight_decay: f64,
    /// Looks ahead by one momentum step; wants momentum above 0 and no dampening.
    pub nesterov: bool,
    /// Climbs instead of descending; decay still shrinks.
    pub maximize: bool,
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self { lr: 1e-3, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false }
    }
}

impl SgdOptions {
    /// What a steady gradient is multiplied by in the end, at a learning rate of `lr`: lr·(1 − dampening)/(1 − μ), and lr without
    /// momentum. Proximal terms take it as the size of a step ([`Rule::reach`]).
    pub fn reach_at(&self, lr: f64) -> f64 {
        lr * if self.momentum == 0.0 { 1.0 } else { (1.0 - self.dampening) / (1.0 - self.momentum) }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    front: Front<T>,
    momentum: Option<Momentum<T>>,
    minus_lr: T,
    reach: T,
}

#[derive(Clone, Copy, Debug)]
struct Momentum<T> {
    mu: T,
    fresh: T,
    first: bool,
    nesterov: bool,
}

impl Rule for SgdOptions {
    const NAME: &'static str = "Sgd";
    const DECAY: DecayKind = DecayKind::Coupled;
    type Constants<T: Float> = Constants<T>;

    crate::rule::common_options!();

    fn check(&self) -> Result<(), Error> {
        non_negative("lr", self.lr)?;
        non_negative("momentum", self.momentum)?;
        if !self.dampening.is_finite() {
            return Err(Error::option("dampening", number(self.dampening), "a finite number"));
        }
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            let given =
                format!("true with momentum {} and dampening {}", number(self.momentum), number(self.dampening));
            return Err(Error::option("nesterov", given, "momentum above 0 and dampening 0, or nesterov: false"));
        }
        Ok(())
    }

    fn state(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    fn constants<T: Float>(&self, pull: Pull, step: u64) -> Constants<T> {
        let momentum = Momentum {
            mu: T::of(self.momentum),
            fresh: T::of(1.0 - self.dampening),
            first: step == 1,
            nesterov: self.nesterov,
        };
        Constants {
            front: Front::new(self.maximize, pull),
            momentum: (self.momentum != 0.0).then_some(momentum),
            minus_lr: T::of(-self.lr),
            reach: T::of(self.reach_at(self.lr)),
        }
    }

    fn update<T: Float>(constants: Constants<T>, theta: &mut [T], g: &[T], [b, ..]: [&mut [T]; 3]) {
        match constants.momentum {
            None => vectorized(Plain { constants, theta, g }),
            Some(momentum) => vectorized(Heavy { constants, momentum, theta, g, b }),
        }
    }

    fn check_reach(&self) -> Result<(), Error> {
        momentum_ends(self.momentum)?;
        if self.momentum != 0.0 && self.dampening >= 1.0 {
            return Err(Error::option("dampening", number(self.dampening), "below 1, with a proximal term"));
        }
        Ok(())
    }

    /// [`SgdOptions::reach_at`]; Nesterov's looks ahead in steps, and rests at the same.
    fn reach<'a, T: Float>(constants: Constants<T>, scale: T, _: [&[T]; 3], _: &'a mut [T]) -> Step<'a, T> {
        Step::Uniform(constants.reach * scale)
    }
}

/// Without momentum.
struct Plain<'a, T> {
    constants: Constants<T>,
    theta: &'a mut [T],
    g: &'a [T],
}

impl<T: Float> Kernel for Plain<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Constants { front, minus_lr, .. } = self.constants;
        for (theta, &g) in self.theta.iter_mut().zip(self.g) {
            let g = front.gradient(*theta, g);
            *theta = g.mul_add(minus_lr, front.shrunk(*theta));
        }
    }
}

/// With momentum. The roundings are PyTorch's: an `add` with a factor rounds once, a `mul_` before it once more.
struct Heavy<'a, T> {
    constants: Constants<T>,
    momentum: Momentum<T>,
    theta: &'a mut [T],
    g: &'a [T],
    b: &'a mut [T],
}

impl<T: Float> Kernel for Heavy<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Constants { front, minus_lr, .. } = self.constants;
        let (Momentum { mu, fresh, first, nesterov }, floor) = (self.momentum, Floor::of_momentum());
        for ((theta, &g), b) in self.theta.iter_mut().zip(self.g).zip(self.b) {
            let g = front.gradient(*theta, g);
            *b = floor.apply(if first { g } else { g.mul_add(fresh, mu * *b) });
            let g = if nesterov { b.mul_add(mu, g) } else { *b };
            *theta = g.mul_add(minus_lr, front.shrunk(*theta));
        }
    }
}

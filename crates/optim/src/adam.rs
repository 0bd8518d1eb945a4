use crate::rule::{Floor, Front, Lerp, divide};
use crate::{DecayKind, Optimizer, Pull, Rule};
use serde::{Deserialize, Serialize};
use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Error, Float, non_negative, number};
use wane_penalties::Step;

/// Adam (Kingma and Ba 2015; PyTorch's `torch.optim.Adam`), whose `weight_decay` is coupled.
///
/// For a gradient g of θ at step t, negated if `maximize`:
/// 1. coupled decay: g ← g + λθ; decoupled: θ ← θ(1 − lr·λ)
/// 2. m ← m + (1 − β₁)(g − m), v ← β₂v + (1 − β₂)g²
/// 3. with `amsgrad`: v̄ ← max(v̄, v), else v̄ = v
/// 4. θ ← θ − lr/(1 − β₁ᵗ) · m / (√v̄/√(1 − β₂ᵗ) + eps)
///
/// Coupled decay passes through √v̄: the first step of a weight whose loss gradient is zero is lr·λ|θ|/(λ|θ| + eps), so
/// about lr for any λ that matters. That is why [`AdamW`] exists.
///
/// State: `exp_avg` m, `exp_avg_sq` v, and `max_exp_avg_sq` v̄ with `amsgrad`. A moment of size below 10⁶ times the smallest
/// normal number is 0 where eps swallows its root: what it would move is lost in rounding, and processors are slow at it.
pub type Adam<T> = Optimizer<T, AdamOptions>;

/// Adam with decoupled decay (Loshchilov and Hutter 2019; PyTorch's `torch.optim.AdamW`): [`Adam`]'s equation, in
/// which `weight_decay` shrinks θ by lr·λ and stays out of the moments.
pub type AdamW<T> = Optimizer<T, AdamWOptions>;

/// The options of [`Adam`], under PyTorch's names and with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamOptions {
    /// The learning rate, finite and ≥ 0.
    pub lr: f64,
    /// β₁ and β₂, each at least 0 and below 1.
    pub betas: (f64, f64),
    /// Added to the root, finite and ≥ 0.
    pub eps: f64,
    /// λ, finite and ≥ 0; coupled.
    pub weight_decay: f64,
    /// Divides by the largest second moment so far (Reddi et al. 2018).
    pub amsgrad: bool,
    /// Climbs instead of descending; decay still shrinks.
    pub maximize: bool,
}

impl Default for AdamOptions {
    fn default() -> Self {
        Self { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0, amsgrad: false, maximize: false }
    }
}

/// The options of [`AdamW`], under PyTorch's names and with its defaults: those of Adam, but for a decay of 0.01.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamWOptions {
    /// The learning rate, finite and ≥ 0.
    pub lr: f64,
    /// β₁ and β₂, each at least 0 and below 1.
    pub betas: (f64, f64),
    /// Added to the root, finite and ≥ 0.
    pub eps: f64,
    /// λ, finite and ≥ 0, lr·λ at most 1; decoupled.
    pub weight_decay: f64,
    /// Divides by the largest second moment so far (Reddi et al. 2018).
    pub amsgrad: bool,
    /// Climbs instead of descending; decay still shrinks.
    pub maximize: bool,
}

impl Default for AdamWOptions {
    fn default() -> Self {
        let AdamOptions { lr, betas, eps, amsgrad, maximize, .. } = AdamOptions::default();
        Self { lr, betas, eps, weight_decay: 1e-2, amsgrad, maximize }
    }
}

impl From<AdamWOptions> for AdamOptions {
    fn from(options: AdamWOptions) -> Self {
        let AdamWOptions { lr, betas, eps, weight_decay, amsgrad, maximize } = options;
        Self { lr, betas, eps, weight_decay, amsgrad, maximize }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    front: Front<T>,
    lerp: Lerp<T>,
    floor: Floor<T>,
    beta2: T,
    fresh2: T,
    root_correction: T,
    eps: T,
    minus_step: T,
    lr: T,
    amsgrad: bool,
}

impl Rule for AdamOptions {
    const NAME: &'static str = "Adam";
    const DECAY: DecayKind = DecayKind::Coupled;
    const STEP_IS_AT_MOST_LR: bool = true;
    type Constants<T: Float> = Constants<T>;

    crate::rule::common_options!();

    fn check(&self) -> Result<(), Error> {
        non_negative("lr", self.lr)?;
        non_negative("eps", self.eps)?;
        for (field, beta) in [("betas.0", self.betas.0), ("betas.1", self.betas.1)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::option(field, number(beta), "at least 0 and below 1"));
            }
        }
        Ok(())
    }

    fn state(&self) -> &'static [&'static str] {
        if self.amsgrad { &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] } else { &["exp_avg", "exp_avg_sq"] }
    }

    fn constants<T: Float>(&self, pull: Pull, step: u64) -> Constants<T> {
        let (beta1, beta2) = self.betas;
        let correction1 = 1.0 - beta1.powf(step as f64);
        let correction2 = 1.0 - beta2.powf(step as f64);
        Constants {
            front: Front::new(self.maximize, pull),
            lerp: Lerp::new(1.0 - beta1),
            floor: Floor::under(T::of(self.eps * correction2.sqrt())),
            beta2: T::of(beta2),
            fresh2: T::of(1.0 - beta2),
            root_correction: T::of(correction2.powf(0.5)),
            eps: T::of(self.eps),
            minus_step: T::of(-(self.lr / correction1)),
            lr: T::of(self.lr),
            amsgrad: self.amsgrad,
        }
    }

    fn update<T: Float>(constants: Constants<T>, theta: &mut [T], g: &[T], [m, v, largest]: [&mut [T]; 3]) {
        let largest = constants.amsgrad.then_some(largest);
        vectorized(Update { constants, theta, g, m, v, largest });
    }

    /// lr/(√v̄/√(1 − β₂ᵗ) + eps) of each weight (Yun, Lozano and Yang, *Adaptive Proximal Gradient Methods for Structured
    /// Neural Networks*, 2021).
    fn reach<'a, T: Float>(constants: Constants<T>, scale: T, state: [&[T]; 3], each: &'a mut [T]) -> Step<'a, T> {
        let [_, v, largest] = state;
        vectorized(Reach { constants, scale, v: if constants.amsgrad { largest } else { v }, each: &mut *each });
        Step::Each(each)
    }
}

impl Rule for AdamWOptions {
    const NAME: &'static str = "AdamW";
    const DECAY: DecayKind = DecayKind::Decoupled;
    const STEP_IS_AT_MOST_LR: bool = true;
    type Constants<T: Float> = Constants<T>;

    crate::rule::common_options!();

    fn check(&self) -> Result<(), Error> {
        AdamOptions::from(*self).check()
    }

    fn state(&self) -> &'static [&'static str] {
        AdamOptions::from(*self).state()
    }

    fn constants<T: Float>(&self, pull: Pull, step: u64) -> Constants<T> {
        AdamOptions::from(*self).constants(pull, step)
    }

    fn update<T: Float>(constants: Constants<T>, theta: &mut [T], g: &[T], state: [&mut [T]; 3]) {
        AdamOptions::update(constants, theta, g, state);
    }

    fn reach<'a, T: Float>(constants: Constants<T>, scale: T, state: [&[T]; 3], each: &'a mut [T]) -> Step<'a, T> {
        AdamOptions::reach(constants, scale, state, each)
    }
}

impl<T: Float> Constants<T> {
    /// The equation for one weight. The roundings are PyTorch's: an `add` or `addcmul` rounds its product and its sum
    /// once together, `addcdiv` multiplies before it divides, and a division by a constant is a division.
    #[inline(always)]
    fn weight(&self, theta: &mut T, g: T, m: &mut T, v: &mut T, seen: impl FnOnce(T) -> T) {
        let g = self.front.gradient(*theta, g);
        *m = self.floor.apply(self.lerp.apply(*m, g));
        *v = self.floor.apply((self.fresh2 * g).mul_add(g, *v * self.beta2));
        *theta = self.front.shrunk(*theta) + self.minus_step * *m / self.root(seen(*v));
    }

    #[inline(always)]
    fn root(&self, v: T) -> T {
        v.sqrt() / self.root_correction + self.eps
    }
}

struct Update<'a, T> {
    constants: Constants<T>,
    theta: &'a mut [T],
    g: &'a [T],
    m: &'a mut [T],
    v: &'a mut [T],
    largest: Option<&'a mut [T]>,
}

impl<T: Float> Kernel for Update<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { constants, theta, g, m, v, largest } = self;
        let weights = theta.iter_mut().zip(g).zip(m.iter_mut().zip(v));
        match largest {
            None => weights.for_each(|((theta, &g), (m, v))| constants.weight(theta, g, m, v, |v| v)),
            Some(largest) => weights.zip(largest).for_each(|(((theta, &g), (m, v)), largest)| {
                constants.weight(theta, g, m, v, |v| {
                    *largest = largest.max_or_nan(v);
                    *largest
                });
            }),
        }
    }
}

struct Reach<'a, T> {
    constants: Constants<T>,
    scale: T,
    v: &'a [T],
    each: &'a mut [T],
}

impl<T: Float> Kernel for Reach<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lr = self.constants.lr * self.scale;
        divide(lr, self.v, self.each, |v| self.constants.root(v));
    }
}

use crate::rule::{Floor, Front, Lerp, divide, momentum_ends};
use crate::{DecayKind, Optimizer, Pull, Rule};
use serde::{Deserialize, Serialize};
use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Error, Float, non_negative, number};
use wane_penalties::Step;

/// RMSprop (Tieleman and Hinton 2012; PyTorch's `torch.optim.RMSprop`).
///
/// For a gradient g of θ, negated if `maximize`:
/// 1. coupled decay: g ← g + λθ; decoupled: θ ← θ(1 − lr·λ)
/// 2. v ← αv + (1 − α)g²; with `centered` also ḡ ← ḡ + (1 − α)(g − ḡ), and v̄ = v − ḡ², else v̄ = v
/// 3. with momentum μ: b ← μb + g/(√v̄ + eps) and θ ← θ − lr·b, else θ ← θ − lr·g/(√v̄ + eps)
///
/// With `centered` and a gradient that stays the same, v − ḡ² comes down to its own rounding: a difference below zero
/// has no root, and the weight becomes NaN, as in PyTorch.
///
/// State: `square_avg` v, `momentum_buffer` b with momentum, `grad_avg` ḡ with `centered`.
pub type RmsProp<T> = Optimizer<T, RmsPropOptions>;

/// The options of [`RmsProp`], under PyTorch's names and with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RmsPropOptions {
    /// The learning rate, finite and ≥ 0.
    pub lr: f64,
    /// α, at least 0 and below 1.
    pub alpha: f64,
    /// Added to the root, finite and ≥ 0.
    pub eps: f64,
    /// λ, finite and ≥ 0; coupled.
    pub weight_decay: f64,
    /// μ, finite and ≥ 0.
    pub momentum: f64,
    /// Divides by the deviation of g, not by its size.
    pub centered: bool,
    /// Climbs instead of descending; decay still shrinks.
    pub maximize: bool,
}

impl Default for RmsPropOptions {
    fn default() -> Self {
        Self { lr: 1e-2, alpha: 0.99, eps: 1e-8, weight_decay: 0.0, momentum: 0.0, centered: false, maximize: false }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    front: Front<T>,
    alpha: T,
    fresh: T,
    lerp: Lerp<T>,
    eps: T,
    floor: Floor<T>,
    momentum: Option<T>,
    centered: bool,
    minus_lr: T,
    reach: T,
}

impl Rule for RmsPropOptions {
    const NAME: &'static str = "RmsProp";
    const DECAY: DecayKind = DecayKind::Coupled;
    type Constants<T: Float> = Constants<T>;

    crate::rule::common_options!();

    fn check(&self) -> Result<(), Error> {
        non_negative("lr", self.lr)?;
        non_negative("eps", self.eps)?;
        non_negative("momentum", self.momentum)?;
        if !(0.0..1.0).contains(&self.alpha) {
            return Err(Error::option("alpha", number(self.alpha), "at least 0 and below 1"));
        }
        Ok(())
    }

    fn state(&self) -> &'static [&'static str] {
        match (self.momentum != 0.0, self.centered) {
            (false, false) => &["square_avg"],
            (true, false) => &["square_avg", "momentum_buffer"],
            (false, true) => &["square_avg", "grad_avg"],
            (true, true) => &["square_avg", "momentum_buffer", "grad_avg"],
        }
    }

    fn constants<T: Float>(&self, pull: Pull, _step: u64) -> Constants<T> {
        Constants {
            front: Front::new(self.maximize, pull),
            alpha: T::of(self.alpha),
            fresh: T::of(1.0 - self.alpha),
            lerp: Lerp::new(1.0 - self.alpha),
            eps: T::of(self.eps),
            floor: Floor::under(T::of(self.eps)),
            momentum: (self.momentum != 0.0).then(|| T::of(self.momentum)),
            centered: self.centered,
            minus_lr: T::of(-self.lr),
            reach: T::of(self.lr / (1.0 - self.momentum)),
        }
    }

    fn update<T: Float>(constants: Constants<T>, theta: &mut [T], g: &[T], [v, second, third]: [&mut [T]; 3]) {
        let (b, mean) = if constants.momentum.is_some() { (second, third) } else { (third, second) };
        vectorized(Update { constants, theta, g, v, b, mean });
    }

    fn check_reach(&self) -> Result<(), Error> {
        momentum_ends(self.momentum)
    }

    /// lr/(1 − μ)/(√v̄ + eps) of each weight.
    fn reach<'a, T: Float>(constants: Constants<T>, scale: T, state: [&[T]; 3], each: &'a mut [T]) -> Step<'a, T> {
        let [v, second, third] = state;
        let mean = if constants.momentum.is_some() { third } else { second };
        vectorized(Reach { constants, scale, v, mean, each: &mut *each });
        Step::Each(each)
    }
}

/// One pass over slices; `b` and `mean` are empty where they are not used.
struct Update<'a, T> {
    constants: Constants<T>,
    theta: &'a mut [T],
    g: &'a [T],
    v: &'a mut [T],
    b: &'a mut [T],
    mean: &'a mut [T],
}

impl<T: Float> Kernel for Update<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { constants: c, theta, g, v, b, mean } = self;
        let weights = theta.iter_mut().zip(g).zip(v).map(|((theta, &g), v)| (theta, g, v));
        match (c.momentum, c.centered) {
            (None, false) => weights.for_each(|(theta, g, v)| c.plain(theta, g, v, |v, _| v)),
            (None, true) => weights.zip(mean).for_each(|((theta, g, v), mean)| {
                c.plain(theta, g, v, |v, g| c.variance(v, g, mean));
            }),
            (Some(mu), false) => weights.zip(b).for_each(|((theta, g, v), b)| c.heavy(theta, g, v, (mu, b), |v, _| v)),
            (Some(mu), true) => weights.zip(b).zip(mean).for_each(|(((theta, g, v), b), mean)| {
                c.heavy(theta, g, v, (mu, b), |v, g| c.variance(v, g, mean));
            }),
        }
    }
}

impl<T: Float> Constants<T> {
    /// The decayed gradient, and the root it is divided by.
    #[inline(always)]
    fn root(&self, theta: T, g: T, v: &mut T, seen: impl FnOnce(T, T) -> T) -> (T, T) {
        let g = self.front.gradient(theta, g);
        *v = self.floor.apply((self.fresh * g).mul_add(g, *v * self.alpha));
        (g, seen(*v, g).sqrt() + self.eps)
    }

    #[inline(always)]
    fn variance(&self, v: T, g: T, mean: &mut T) -> T {
        *mean = self.floor.apply(self.lerp.apply(*mean, g));
        (-*mean).mul_add(*mean, v)
    }

    #[inline(always)]
    fn plain(&self, theta: &mut T, g: T, v: &mut T, seen: impl FnOnce(T, T) -> T) {
        let (g, root) = self.root(*theta, g, v, seen);
        *theta = self.front.shrunk(*theta) + self.minus_lr * g / root;
    }

    #[inline(always)]
    fn heavy(&self, theta: &mut T, g: T, v: &mut T, (mu, b): (T, &mut T), seen: impl FnOnce(T, T) -> T) {
        let (g, root) = self.root(*theta, g, v, seen);
        *b = Floor::of_momentum().apply(*b * mu + g / root);
        *theta = b.mul_add(self.minus_lr, self.front.shrunk(*theta));
    }
}

struct Reach<'a, T> {
    constants: Constants<T>,
    scale: T,
    v: &'a [T],
    mean: &'a [T],
    each: &'a mut [T],
}

impl<T: Float> Kernel for Reach<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { constants: c, scale, v, mean, each } = self;
        if !c.centered {
            divide(c.reach * scale, v, each, |v| v.sqrt() + c.eps);
            return;
        }
        for (each, (&v, &mean)) in each.iter_mut().zip(v.iter().zip(mean)) {
            *each = (c.reach * scale / ((-mean).mul_add(mean, v).sqrt() + c.eps)).min(T::max_value());
        }
    }
}

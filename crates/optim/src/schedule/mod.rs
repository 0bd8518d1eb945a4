//! Learning rates and decays that change over time: [`Schedule`], and [`Plateau`], which listens to a metric.

mod cyclic;
mod kinds;
mod plateau;

pub use cyclic::{Anneal, Cyclic, CyclicMode, OneCycle};
pub use plateau::{Better, Plateau, PlateauOptions, Threshold};

use kinds::Kind;
use wane_autodiff::{Error, number};

/// A value that depends on time alone: a learning rate or a decay strength at time t, given its base.
///
/// Time is counted in whatever the caller counts: [`Optimizer::advance`](crate::Optimizer::advance) once an epoch, or once
/// a batch. Nothing is remembered but t, so that to resume is to set t. The values are those that PyTorch's schedulers
/// of the same names give, computed in closed form; PyTorch multiplies from step to step, and differs by the rounding of
/// that.
///
/// ```
/// use wane_optim::Schedule;
/// let schedule = Schedule::cosine(20, 0.0)?.after_warmup(5, 0.1, 25)?;
/// assert!((schedule.at(0, 0.1) - 0.01).abs() < 1e-15); // a tenth of the base
/// assert_eq!(schedule.at(5, 0.1), 0.1);
/// assert_eq!(schedule.at(15, 0.1), 0.05);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Schedule(Kind);

impl Schedule {
    /// The value at time `t` of a quantity whose base is `base`: the group's own learning rate, or its λ.
    pub fn at(&self, t: u64, base: f64) -> f64 {
        self.0.at(t, base)
    }

    /// The rate at which a fully decoupled decay has its full strength: the base, or, of a schedule whose values are
    /// absolute, its peak.
    pub(crate) fn full_rate(&self, base: f64) -> f64 {
        match &self.0 {
            Kind::OneCycle(options) => options.max_lr,
            Kind::Cyclic(options) => options.max_lr,
            Kind::Sequential { schedules, .. } => schedules.last().map_or(base, |last| last.full_rate(base)),
            _ => base,
        }
    }

    /// The base at all times.
    pub fn constant() -> Self {
        Self(Kind::MultiStep { milestones: Vec::new(), gamma: 1.0 })
    }

    /// base·factor before time `total`, the base from then on (PyTorch's `ConstantLR`).
    ///
    /// # Errors
    /// A factor outside 0..=1; a total of zero.
    pub fn constant_until(factor: f64, total: u64) -> Result<Self, Error> {
        fraction("factor", factor)?;
        steps("total", total)?;
        Ok(Self(Kind::Constant { factor, total }))
    }

    /// base·gammaᵏ with k = ⌊t/size⌋ (PyTorch's `StepLR`).
    ///
    /// # Errors
    /// A size of zero; a gamma that is negative or not finite.
    pub fn step(size: u64, gamma: f64) -> Result<Self, Error> {
        steps("step size", size)?;
        Ok(Self(Kind::Step { size, gamma: factor("gamma", gamma)? }))
    }

    /// base·gammaᵏ, k being the number of milestones at or before t (PyTorch's `MultiStepLR`, where a milestone may stand
    /// twice).
    ///
    /// # Errors
    /// Milestones that do not increase; a gamma that is negative or not finite.
    pub fn multi_step(milestones: &[u64], gamma: f64) -> Result<Self, Error> {
        increasing(milestones)?;
        Ok(Self(Kind::MultiStep { milestones: milestones.to_vec(), gamma: factor("gamma", gamma)? }))
    }

    /// base·gammaᵗ (PyTorch's `ExponentialLR`).
    ///
    /// # Errors
    /// A gamma that is negative or not finite.
    pub fn exponential(gamma: f64) -> Result<Self, Error> {
        Ok(Self(Kind::Exponential { gamma: factor("gamma", gamma)? }))
    }

    /// base·(1 − t/total)ᵖᵒʷᵉʳ, which stays at its last value from time `total` on (PyTorch's `PolynomialLR`).
    ///
    /// # Errors
    /// A total of zero; a power that is negative or not finite.
    pub fn polynomial(total: u64, power: f64) -> Result<Self, Error> {
        steps("total", total)?;
        Ok(Self(Kind::Polynomial { total, power: factor("power", power)? }))
    }

    /// min + (base − min)(1 + cos(πt/half_period))/2: from the base down to `min` in `half_period` steps, and up again
    /// (PyTorch's `CosineAnnealingLR`, whose T_max and eta_min these are; Loshchilov and Hutter, *SGDR*, 2017).
    ///
    /// # Errors
    /// A half period of zero; a minimum that is negative or not finite.
    pub fn cosine(half_period: u64, min: f64) -> Result<Self, Error> {
        steps("half period", half_period)?;
        Ok(Self(Kind::Cosine { half_period, min: factor("min", min)? }))
    }

    /// The falling half of a cosine, begun again after `first` steps, then after `first`·`growth`, `first`·`growth`², …
    /// (PyTorch's `CosineAnnealingWarmRestarts`, whose T_0, T_mult and eta_min these are).
    ///
    /// # Errors
    /// A first length or a growth of zero; a minimum that is negative or not finite.
    pub fn cosine_restarts(first: u64, growth: u64, min: f64) -> Result<Self, Error> {
        steps("first", first)?;
        steps("growth", growth)?;
        Ok(Self(Kind::Restarts { first, growth, min: factor("min", min)? }))
    }

    /// base·√(T₀/Tᵢ), Tᵢ being the length of the current run between two restarts of
    /// [`cosine_restarts`](Self::cosine_restarts): for a [normalised](crate::Decay::normalised) decay, whose budget is
    /// then that run and not the whole training: give it T₀ as its number of epochs, and let time advance once an epoch
    /// (AdamWR and SGDWR; Loshchilov and Hutter 2019, appendix B.1).
    ///
    /// # Errors
    /// A first length or a growth of zero.
    pub fn normalised_restarts(first: u64, growth: u64) -> Result<Self, Error> {
        steps("first", first)?;
        steps("growth", growth)?;
        Ok(Self(Kind::Normalised { first, growth }))
    }

    /// base times a factor that goes in a straight line from `start` to `end` in `total` steps and stays there (PyTorch's
    /// `LinearLR`).
    ///
    /// # Errors
    /// A start outside 0 (excluded) to 1; an end outside 0..=1; a total of zero.
    pub fn linear(start: f64, end: f64, total: u64) -> Result<Self, Error> {
        if !(start > 0.0 && start <= 1.0) {
            return Err(Error::option("schedule start", number(start), "a factor above 0, at most 1"));
        }
        fraction("end", end)?;
        steps("total", total)?;
        Ok(Self(Kind::Linear { start, end, total }))
    }

    /// One rise and one fall (PyTorch's `OneCycleLR`). The values are absolute: neither the group's own rate nor what
    /// [`Optimizer::set_lr`](crate::Optimizer::set_lr) or a [`Plateau`] makes of it plays a part.
    ///
    /// # Errors
    /// An option out of range, by name.
    pub fn one_cycle(options: OneCycle) -> Result<Self, Error> {
        options.check()?;
        Ok(Self(Kind::OneCycle(options)))
    }

    /// Rises and falls without end (PyTorch's `CyclicLR`). The values are absolute, as of [`one_cycle`](Self::one_cycle).
    ///
    /// # Errors
    /// An option out of range, by name.
    pub fn cyclic(options: Cyclic) -> Result<Self, Error> {
        options.check()?;
        Ok(Self(Kind::Cyclic(options)))
    }

    /// base·factor(t) (PyTorch's `LambdaLR`). What the function gives is checked where it is used.
    pub fn lambda(factor: impl Fn(u64) -> f64 + Send + Sync + 'static) -> Self {
        Self(Kind::Lambda(std::sync::Arc::new(factor)))
    }

    /// One schedule after the other, each counting time from its own beginning: the second begins at `milestones[0]`
    /// (PyTorch's `SequentialLR`).
    ///
    /// # Errors
    /// No schedule; another number of milestones than one less than of schedules; milestones that do not increase.
    pub fn sequential(schedules: Vec<Self>, milestones: &[u64]) -> Result<Self, Error> {
        if schedules.len() != milestones.len() + 1 {
            let expected = format!("{}, one more than milestones", milestones.len() + 1);
            return Err(Error::option("number of schedules", schedules.len(), expected));
        }
        increasing(milestones)?;
        Ok(Self(Kind::Sequential { schedules, milestones: milestones.to_vec() }))
    }

    /// This schedule behind a straight rise from base·`start` to the base in `steps` steps. `run` is the length of the
    /// whole run, warm-up included.
    ///
    /// # Errors
    /// A warm-up of no step, or as long as the run or longer; a start outside 0 (excluded) to 1.
    pub fn after_warmup(self, steps: u64, start: f64, run: u64) -> Result<Self, Error> {
        if steps == 0 || steps >= run {
            return Err(Error::option("warm-up steps", steps, format!("at least 1 and below {run}, the whole run")));
        }
        Self::sequential(vec![Self::linear(start, 1.0, steps)?, self], &[steps])
    }
}

/// A count of steps, not zero.
fn steps(field: &str, count: u64) -> Result<(), Error> {
    if count == 0 { Err(Error::option(format!("schedule {field}"), 0, "at least 1")) } else { Ok(()) }
}

fn factor(field: &str, value: f64) -> Result<f64, Error> {
    wane_autodiff::non_negative(&format!("schedule {field}"), value)
}

fn fraction(field: &str, value: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(Error::option(format!("schedule {field}"), number(value), "a factor, 0 to 1"))
    }
}

fn increasing(milestones: &[u64]) -> Result<(), Error> {
    match milestones.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => {
            let given = format!("{} after {}", pair[1], pair[0]);
            Err(Error::option("schedule milestone", given, "milestones that increase"))
        }
        None => Ok(()),
    }
}

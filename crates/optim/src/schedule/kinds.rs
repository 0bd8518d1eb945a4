use super::{Cyclic, OneCycle, Schedule};
use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;

/// Each schedule as its equation.
#[derive(Clone)]
pub(super) enum Kind {
    Constant { factor: f64, total: u64 },
    Step { size: u64, gamma: f64 },
    MultiStep { milestones: Vec<u64>, gamma: f64 },
    Exponential { gamma: f64 },
    Polynomial { total: u64, power: f64 },
    Cosine { half_period: u64, min: f64 },
    Restarts { first: u64, growth: u64, min: f64 },
    Normalised { first: u64, growth: u64 },
    Linear { start: f64, end: f64, total: u64 },
    OneCycle(OneCycle),
    Cyclic(Cyclic),
    Lambda(Arc<dyn Fn(u64) -> f64 + Send + Sync>),
    Sequential { schedules: Vec<Schedule>, milestones: Vec<u64> },
}

impl Kind {
    pub(super) fn at(&self, t: u64, base: f64) -> f64 {
        match self {
            Self::Constant { factor, total } => base * if t < *total { *factor } else { 1.0 },
            Self::Step { size, gamma } => base * gamma.powf((t / size) as f64),
            Self::MultiStep { milestones, gamma } => {
                base * gamma.powf(milestones.partition_point(|&milestone| milestone <= t) as f64)
            }
            Self::Exponential { gamma } => base * gamma.powf(t as f64),
            Self::Polynomial { total, power } => base * (1.0 - progress(t, *total)).powf(*power),
            Self::Cosine { half_period, min } => {
                // Within one period, so that a late time loses no digit in the argument.
                let t = t % half_period.saturating_mul(2);
                annealed(base, *min, t, *half_period)
            }
            Self::Restarts { first, growth, min } => {
                let (since, length) = since_restart(t, *first, *growth);
                annealed(base, *min, since, length)
            }
            Self::Normalised { first, growth } => {
                let (_, length) = since_restart(t, *first, *growth);
                base * (*first as f64 / length as f64).sqrt()
            }
            Self::Linear { start, end, total } => base * (start + (end - start) * progress(t, *total)),
            Self::OneCycle(options) => options.at(t),
            Self::Cyclic(options) => options.at(t),
            Self::Lambda(factor) => base * factor(t),
            Self::Sequential { schedules, milestones } => {
                let part = milestones.partition_point(|&milestone| milestone <= t);
                let begun = part.checked_sub(1).map_or(0, |before| milestones[before]);
                schedules[part].at(t - begun, base)
            }
        }
    }
}

/// How much of `total` has passed, at most all of it.
fn progress(t: u64, total: u64) -> f64 {
    t.min(total) as f64 / total as f64
}

/// From `base` at 0 to `min` at `length`.
fn annealed(base: f64, min: f64, t: u64, length: u64) -> f64 {
    min + (base - min) * (1.0 + (PI * t as f64 / length as f64).cos()) / 2.0
}

/// The time since the last restart, and the length of the run that began there.
fn since_restart(t: u64, first: u64, growth: u64) -> (u64, u64) {
    if growth == 1 {
        return (t % first, first);
    }
    let (mut since, mut length) = (t, first);
    while since >= length {
        since -= length;
        length = length.saturating_mul(growth);
    }
    (since, length)
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant { factor, total } => write!(f, "Constant({factor} until {total})"),
            Self::Step { size, gamma } => write!(f, "Step(every {size}, gamma {gamma})"),
            Self::MultiStep { milestones, gamma } => write!(f, "MultiStep({milestones:?}, gamma {gamma})"),
            Self::Exponential { gamma } => write!(f, "Exponential(gamma {gamma})"),
            Self::Polynomial { total, power } => write!(f, "Polynomial({total}, power {power})"),
            Self::Cosine { half_period, min } => write!(f, "Cosine({half_period}, min {min})"),
            Self::Restarts { first, growth, min } => write!(f, "CosineRestarts({first}, growth {growth}, min {min})"),
            Self::Normalised { first, growth } => write!(f, "NormalisedRestarts({first}, growth {growth})"),
            Self::Linear { start, end, total } => write!(f, "Linear({start} to {end} in {total})"),
            Self::OneCycle(options) => options.fmt(f),
            Self::Cyclic(options) => options.fmt(f),
            Self::Lambda(_) => write!(f, "Lambda"),
            Self::Sequential { schedules, milestones } => {
                f.debug_struct("Sequential").field("schedules", schedules).field("milestones", milestones).finish()
            }
        }
    }
}

use crate::{Choice, decimal};
use std::fmt;
use wane_autodiff::{Error, number};

/// The largest whole number of which an f64 holds all smaller ones, 2⁵³.
const LARGEST_EXACT: i64 = 1 << 53;
/// How far from a multiple of its step a float may be, in steps.
const STEP_TOLERANCE: f64 = 1e-8;

/// The values a parameter can have, as Optuna's `FloatDistribution`, `IntDistribution` and `CategoricalDistribution`.
///
/// Samplers and storages know a value by its *internal* f64: a float itself, an integer as a float, the index of a choice.
/// [`external`](Self::external) and [`internal`](Self::internal) go from one to the other.
///
/// The constructors check what they are given; a distribution put together by hand is checked by
/// [`checked`](Self::checked).
///
/// ```
/// use wane_search::Distribution;
///
/// let dropout = Distribution::float_step(0.0, 0.5, 0.2)?;
/// assert_eq!(dropout, Distribution::Float { low: 0.0, high: 0.4, log: false, step: Some(0.2) });
/// assert!(dropout.contains(0.2) && !dropout.contains(0.3));
/// assert_eq!(Distribution::categorical(["l1", "l2"])?.external(1.0)?, "l2".into());
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
/// Two are equal if they are to Optuna: choices by [`Choice::is_same`].
#[derive(Clone, Debug)]
pub enum Distribution {
    /// Numbers from `low` to `high`.
    Float {
        /// The smallest value.
        low: f64,
        /// The largest value; with a step, `low` plus a multiple of it.
        high: f64,
        /// Whether samplers work with the logarithm. Not with a step.
        log: bool,
        /// The distance between two values, if they are discrete.
        step: Option<f64>,
    },
    /// Whole numbers from `low` to `high`, none beyond ±2⁵³. In a journal of Optuna's there may be larger ones, which no
    /// sampler chooses from.
    Int {
        /// The smallest value; at least 1 if `log`.
        low: i64,
        /// The largest value, `low` plus a multiple of `step`.
        high: i64,
        /// Whether samplers work with the logarithm. `step` is 1 then.
        log: bool,
        /// The distance between two values.
        step: i64,
    },
    /// One of several choices, without an order.
    Categorical {
        /// At least one.
        choices: Vec<Choice>,
    },
}

impl Distribution {
    /// Numbers from `low` to `high`.
    ///
    /// # Errors
    /// `low` above `high`, or one of them not finite.
    pub fn float(low: f64, high: f64) -> Result<Self, Error> {
        Self::Float { low, high, log: false, step: None }.checked()
    }

    /// Numbers from `low` to `high`, by their logarithm.
    ///
    /// # Errors
    /// As [`float`](Self::float); `low` not above 0.
    pub fn float_log(low: f64, high: f64) -> Result<Self, Error> {
        Self::Float { low, high, log: true, step: None }.checked()
    }

    /// low, low + step, … up to `high`, which falls to the last of them.
    ///
    /// # Errors
    /// As [`float`](Self::float); a step that is not a finite number above 0.
    pub fn float_step(low: f64, high: f64, step: f64) -> Result<Self, Error> {
        Self::Float { low, high, log: false, step: Some(step) }.checked()
    }

    /// Whole numbers from `low` to `high`.
    ///
    /// # Errors
    /// `low` above `high`, or one of them beyond ±2⁵³.
    pub fn int(low: i64, high: i64) -> Result<Self, Error> {
        Self::Int { low, high, log: false, step: 1 }.checked()
    }

    /// Whole numbers from `low` to `high`, by their logarithm.
    ///
    /// # Errors
    /// As [`int`](Self::int); `low` below 1.
    pub fn int_log(low: i64, high: i64) -> Result<Self, Error> {
        Self::Int { low, high, log: true, step: 1 }.checked()
    }

    /// low, low + step, … up to `high`, which falls to the last of them.
    ///
    /// # Errors
    /// As [`int`](Self::int); a step below 1.
    pub fn int_step(low: i64, high: i64, step: i64) -> Result<Self, Error> {
        Self::Int { low, high, log: false, step }.checked()
    }

    /// One of the choices.
    ///
    /// # Errors
    /// No choices.
    pub fn categorical<C: Into<Choice>>(choices: impl IntoIterator<Item = C>) -> Result<Self, Error> {
        Self::Categorical { choices: choices.into_iter().map(Into::into).collect() }.checked()
    }

    /// The same distribution, if it is one, with `high` reduced to a multiple of the step above `low`: for floats in
    /// decimal arithmetic, so that 0.3 is a multiple of 0.1.
    ///
    /// # Errors
    /// What the constructor of its kind refuses; `log` with a step (of a float: any; of an integer: other than 1).
    pub fn checked(self) -> Result<Self, Error> {
        self.check_exact()?;
        self.accepted()
    }

    /// As [`checked`](Self::checked), of bounds that may be anything: what Optuna's constructors accept.
    pub(crate) fn accepted(self) -> Result<Self, Error> {
        match self {
            Self::Float { low, high, log, step } => {
                check_float(low, high, log, step)?;
                let is_finite = low.is_finite() && high.is_finite();
                let high = step.filter(|_| is_finite).map_or(high, |step| decimal::last_multiple(low, high, step));
                Ok(Self::Float { low, high, log, step })
            }
            Self::Int { low, high, log, step } => {
                check_int(low, high, log, step)?;
                let beyond = (i128::from(high) - i128::from(low)) % i128::from(step);
                Ok(Self::Int { low, high: high - beyond as i64, log, step })
            }
            Self::Categorical { choices } if choices.is_empty() => {
                Err(Error::option("number of choices", 0, "at least 1"))
            }
            Self::Categorical { choices } => Ok(Self::Categorical { choices }),
        }
    }

    /// That the bounds are finite, and that an f64 holds all whole numbers between them: only then it can be sampled from.
    pub(crate) fn check_exact(&self) -> Result<(), Error> {
        match *self {
            Self::Float { low, high, .. } => {
                let bad = [("low", low), ("high", high)].into_iter().find(|(_, value)| !value.is_finite());
                bad.map_or(Ok(()), |(field, value)| Err(Error::option(field, number(value), "a finite number")))
            }
            Self::Int { low, high, .. } => {
                let is_exact = |value| (-LARGEST_EXACT..=LARGEST_EXACT).contains(&value);
                let bad = [("low", low), ("high", high)].into_iter().find(|(_, value)| !is_exact(*value));
                bad.map_or(Ok(()), |(field, value)| Err(Error::option(field, value, "within ±2^53")))
            }
            Self::Categorical { .. } => Ok(()),
        }
    }

    /// Whether the value with this internal representation is one of the distribution's; a stepped float may be 1e-8 steps
    /// beside.
    pub fn contains(&self, internal: f64) -> bool {
        match *self {
            Self::Float { low, high, step, .. } => {
                let steps = step.map_or(0.0, |step| (internal - low) / step);
                low <= internal && internal <= high && (steps - steps.round_ties_even()).abs() < STEP_TOLERANCE
            }
            Self::Int { low, high, step, .. } => {
                let (low, high) = (low as f64, high as f64);
                low <= internal && internal <= high && (internal - low) % (step as f64) == 0.0
            }
            Self::Categorical { ref choices } => internal > -1.0 && internal < choices.len() as f64,
        }
    }

    /// Whether there is only one value.
    pub fn is_single(&self) -> bool {
        match *self {
            Self::Float { low, high, .. } => low == high,
            Self::Int { low, high, .. } => low == high,
            Self::Categorical { ref choices } => choices.len() == 1,
        }
    }

    /// The internal representation of the first value: `low`, or index 0.
    pub fn first(&self) -> f64 {
        match *self {
            Self::Float { low, .. } => low,
            Self::Int { low, .. } => low as f64,
            Self::Categorical { .. } => 0.0,
        }
    }

    /// The internal representation of the value at a point of the unit interval: evenly spread points, from 0 up to but not
    /// including 1, give evenly spread values, or logarithms of values. Each value of a stepped distribution takes an
    /// equal part of the interval, and each choice.
    pub fn at(&self, point: f64) -> f64 {
        let between = |low: f64, high: f64| low + point * (high - low);
        match *self {
            Self::Float { low, high, log: true, .. } => between(low.ln(), high.ln()).exp().clamp(low, high),
            Self::Float { low, high, step: Some(step), .. } => {
                let last = ((high - low) / step).round();
                (low + (point * (last + 1.0)).floor().min(last) * step).min(high)
            }
            // high - low may be more than an f64 holds.
            Self::Float { low, high, .. } => (low * (1.0 - point) + high * point).clamp(low, high),
            Self::Int { low, high, log: true, .. } => {
                let (low, high) = (low as f64, high as f64);
                between((low - 0.5).ln(), (high + 0.5).ln()).exp().round().clamp(low, high)
            }
            Self::Int { low, high, step, .. } => {
                let [low, high, step] = [low, high, step].map(i128::from);
                let last = (high - low) / step;
                let place = ((point * (last as f64 + 1.0)) as i128).min(last);
                (low + place * step) as f64
            }
            Self::Categorical { ref choices } => (point * choices.len() as f64).floor().min(choices.len() as f64 - 1.0),
        }
    }

    /// The value with this internal representation; it may lie outside the distribution's range.
    ///
    /// # Errors
    /// NaN; an index that no choice has.
    pub fn external(&self, internal: f64) -> Result<Choice, Error> {
        let fault = |expected: String| Err(Error::data("internal value", number(internal), expected));
        match self {
            _ if internal.is_nan() => fault("a number".into()),
            Self::Float { .. } => Ok(Choice::Float(internal)),
            Self::Int { .. } => Ok(Choice::Int(internal as i64)),
            Self::Categorical { choices } if self.contains(internal) => Ok(choices[internal as usize].clone()),
            Self::Categorical { choices } => fault(format!("the index of one of {} choices", choices.len())),
        }
    }

    /// The internal representation of a value. A number may lie outside the distribution's range, which
    /// [`contains`](Self::contains) tells.
    ///
    /// # Errors
    /// Something that is not a number, or NaN, for a float or an integer; 0 or less if `log`; none of the choices.
    pub fn internal(&self, value: &Choice) -> Result<f64, Error> {
        let log = match self {
            Self::Float { log, .. } | Self::Int { log, .. } => *log,
            Self::Categorical { choices } => {
                let place = choices.iter().position(|choice| choice.is_same(value));
                let fault = || Error::data("value", value, format!("one of {}", list(choices)));
                return place.map(|place| place as f64).ok_or_else(fault);
            }
        };
        match value.number() {
            Some(value) if value > 0.0 || (!log && value <= 0.0) => Ok(value),
            _ => Err(Error::data("value", value, if log { "a number above 0" } else { "a number" })),
        }
    }

    /// Checks that two distributions can stand under one name in a study: of the same kind, both or none by logarithm, with
    /// the same choices. Bounds and steps may differ.
    ///
    /// # Errors
    /// Distributions that cannot.
    pub fn check_compatible(&self, other: &Self) -> Result<(), Error> {
        let is_compatible = match (self, other) {
            (Self::Float { log, .. }, Self::Float { log: other, .. }) => log == other,
            (Self::Int { log, .. }, Self::Int { log: other, .. }) => log == other,
            (Self::Categorical { .. }, Self::Categorical { .. }) => self == other,
            _ => false,
        };
        if is_compatible {
            Ok(())
        } else {
            Err(Error::parameter("distribution", other, format!("one like {self}, as it was in this study before")))
        }
    }
}

impl PartialEq for Distribution {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Float { low, high, log, step },
                Self::Float { low: other_low, high: other_high, log: other_log, step: other_step },
            ) => (low, high, log, step) == (other_low, other_high, other_log, other_step),
            (
                Self::Int { low, high, log, step },
                Self::Int { low: other_low, high: other_high, log: other_log, step: other_step },
            ) => (low, high, log, step) == (other_low, other_high, other_log, other_step),
            (Self::Categorical { choices }, Self::Categorical { choices: other }) => {
                choices.len() == other.len() && choices.iter().zip(other).all(|(a, b)| a.is_same(b))
            }
            _ => false,
        }
    }
}

fn check_float(low: f64, high: f64, log: bool, step: Option<f64>) -> Result<(), Error> {
    if low > high {
        return Err(Error::option("low", number(low), format!("at most high, {}", number(high))));
    }
    if log && low <= 0.0 {
        return Err(Error::option("low", number(low), "a number above 0, for it has a logarithm"));
    }
    match step {
        Some(step) if !(step > 0.0 && step.is_finite()) => {
            Err(Error::option("step", number(step), "a finite number above 0"))
        }
        Some(step) if log => Err(Error::option("step", number(step), "none, with log")),
        _ => Ok(()),
    }
}

fn check_int(low: i64, high: i64, log: bool, step: i64) -> Result<(), Error> {
    if low > high {
        return Err(Error::option("low", low, format!("at most high, {high}")));
    }
    if log && low < 1 {
        return Err(Error::option("low", low, "at least 1, for it has a logarithm"));
    }
    if step < 1 {
        return Err(Error::option("step", step, "at least 1"));
    }
    if log && step != 1 { Err(Error::option("step", step, "1, with log")) } else { Ok(()) }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = |log: bool| if log { " by log" } else { "" };
        match self {
            Self::Float { low, high, log, step } => {
                write!(f, "float {}..={}{}", number(*low), number(*high), scale(*log))?;
                step.map_or(Ok(()), |step| write!(f, " step {}", number(step)))
            }
            Self::Int { low, high, log, step: 1 } => write!(f, "int {low}..={high}{}", scale(*log)),
            Self::Int { low, high, log, step } => write!(f, "int {low}..={high}{} step {step}", scale(*log)),
            Self::Categorical { choices } => write!(f, "one of {}", list(choices)),
        }
    }
}

fn list(choices: &[Choice]) -> String {
    let texts: Vec<String> = choices.iter().map(Choice::to_string).collect();
    texts.join(", ")
}

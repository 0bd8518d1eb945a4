use crate::Distribution;

/// A numerical distribution as densities see it: an interval of the real line, or of its logarithm, where the values of a
/// grid each own their cell of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) log: bool,
    /// Of a grid from `low`; none is continuous.
    pub(crate) step: Option<f64>,
}

impl Range {
    /// None of a categorical distribution.
    pub(crate) fn of(distribution: &Distribution) -> Option<Self> {
        match *distribution {
            Distribution::Float { low, high, log, step } => Some(Self { low, high, log, step }),
            Distribution::Int { low, high, log, step } => {
                Some(Self { low: low as f64, high: high as f64, log, step: Some(step as f64) })
            }
            Distribution::Categorical { .. } => None,
        }
    }

    /// The interval: half a step beyond the first and the last value of a grid.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        let half = self.step.unwrap_or(0.0) / 2.0;
        (self.transform(self.low - half), self.transform(self.high + half))
    }

    /// A value on the interval.
    pub(crate) fn transform(&self, value: f64) -> f64 {
        if self.log { value.ln() } else { value }
    }

    /// The nearest value to a point of the interval.
    pub(crate) fn value(&self, point: f64) -> f64 {
        let value = if self.log { point.exp() } else { point };
        let value = match self.step {
            Some(step) => self.low + ((value - self.low) / step).round_ties_even() * step,
            None => value,
        };
        value.max(self.low).min(self.high)
    }
}

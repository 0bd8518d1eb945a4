//! Where a value lies along an axis, and which values are named there.

use wane_autodiff::number;

/// Less than this part of the values' size is no range: it is rounding.
const FLAT: f64 = 1e-9;
/// The part of the range that is left free at either end.
const MARGIN: f64 = 0.05;
/// From this ratio on, values above 0 are drawn by their logarithm.
const WIDE: f64 = 50.0;
/// The most names of choices that are written out.
const MOST_NAMES: usize = 10;

#[derive(Clone, Debug)]
enum Scale {
    Linear,
    Log,
    Names(Vec<String>),
}

/// An axis over some values.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) label: String,
    scale: Scale,
    /// The ends, transformed.
    low: f64,
    high: f64,
    /// The least distance of two ticks.
    least_step: f64,
}

impl Axis {
    /// Over the finite values, of a logarithmic axis those above 0. None if there are none, or their range is beyond f64.
    pub(super) fn over(label: &str, values: impl IntoIterator<Item = f64>, is_log: bool) -> Option<Self> {
        let scale = if is_log { Scale::Log } else { Scale::Linear };
        let label = if is_log { format!("{label} (log scale)") } else { label.to_owned() };
        let mut axis = Self { label, scale, low: f64::INFINITY, high: f64::NEG_INFINITY, least_step: 0.0 };
        for point in values.into_iter().filter_map(|value| axis.transform(value)).collect::<Vec<_>>() {
            (axis.low, axis.high) = (axis.low.min(point), axis.high.max(point));
        }
        let (range, size) = (axis.high - axis.low, axis.low.abs().max(axis.high.abs()));
        let margin = match range {
            range if !range.is_finite() => return None,
            range if range > FLAT * size => MARGIN * range,
            _ if is_log || size == 0.0 => 0.5,
            _ => 0.1 * size,
        };
        (axis.low, axis.high) = (axis.low - margin, axis.high + margin);
        (axis.high - axis.low).is_finite().then_some(axis)
    }

    /// Logarithmic if all values are above 0 and lie far apart.
    pub(super) fn fitting(label: &str, values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values = Vec::from_iter(values.into_iter().filter(|value| value.is_finite()));
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        Self::over(label, values, low > 0.0 && high / low >= WIDE)
    }

    /// The same axis of whole numbers: no others are named.
    pub(super) fn whole(mut self) -> Self {
        self.least_step = 1.0;
        self
    }

    /// Over choices, by index.
    pub(super) fn of_names(label: &str, names: Vec<String>) -> Self {
        let high = names.len() as f64 - 0.5;
        Self { label: label.to_owned(), scale: Scale::Names(names), low: -0.5, high, least_step: 0.0 }
    }

    /// The part of the axis before the value, from 0 to 1.
    pub(super) fn part(&self, value: f64) -> Option<f64> {
        let part = (self.transform(value)? - self.low) / (self.high - self.low);
        part.is_finite().then(|| part.clamp(0.0, 1.0))
    }

    fn transform(&self, value: f64) -> Option<f64> {
        match self.scale {
            Scale::Log => (value > 0.0 && value.is_finite()).then(|| value.log10()),
            _ => value.is_finite().then_some(value),
        }
    }

    /// Values with their names, about so many.
    pub(super) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        match &self.scale {
            Scale::Linear => self.round_numbers(self.low, self.high, count),
            Scale::Log => self.round_factors(count),
            Scale::Names(names) => {
                let every = names.len().div_ceil(MOST_NAMES).max(1);
                names.iter().enumerate().step_by(every).map(|(i, name)| (i as f64, name.clone())).collect()
            }
        }
    }

    fn round_factors(&self, count: usize) -> Vec<(f64, String)> {
        let (first, last) = (self.low.ceil() as i32, self.high.floor() as i32);
        let decades = last - first + 1;
        if decades >= 3 {
            let every = decades.cast_unsigned().div_ceil(count as u32).max(1) as usize;
            let powers = (first..=last).filter(|power| power.rem_euclid(every as i32) == 0);
            return powers.map(|power| power_of_ten(power, 1)).collect();
        }
        let within = |factor: i32, power: i32| {
            let log = f64::from(factor).log10() + f64::from(power);
            (self.low..=self.high).contains(&log)
        };
        let factors = (first - 1..=last + 1).flat_map(|power| [1, 2, 5].map(|factor| (factor, power)));
        let ticks = Vec::from_iter(
            factors.filter(|&(factor, power)| within(factor, power)).map(|(factor, power)| power_of_ten(power, factor)),
        );
        if ticks.len() >= 2 {
            return ticks;
        }
        self.round_numbers(10_f64.powf(self.low), 10_f64.powf(self.high), count)
    }

    /// Multiples of 1, 2 or 5 times a power of ten, between two values.
    fn round_numbers(&self, low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
        let raw = (high - low) / count as f64;
        let power = raw.log10().floor();
        let factor = match raw / 10_f64.powf(power) {
            factor if factor < 1.5 => 1.0,
            factor if factor < 3.5 => 2.0,
            factor if factor < 7.5 => 5.0,
            _ => 10.0,
        };
        let step = (factor * 10_f64.powf(power)).max(self.least_step);
        let first = (low / step).ceil();
        let values = (0..2 * count).map(|i| (first + i as f64) * step).take_while(|&value| value <= high);
        let size = low.abs().max(high.abs());
        let name = |value: f64| {
            if value.abs() < 0.5 * step {
                "0".to_owned()
            } else if (1e-4..1e6).contains(&size) {
                // As many decimals as the step has.
                format!("{value:.*}", (-step.log10().floor()).clamp(0.0, 12.0) as usize)
            } else {
                let digits = (value.abs().log10().floor() - step.log10().floor()).clamp(0.0, 12.0);
                format!("{value:.*e}", digits as usize)
            }
        };
        values.filter(|value| value.is_finite()).map(|value| (value, name(value))).collect()
    }
}

/// Read from its digits, so that it has no others.
fn power_of_ten(power: i32, factor: i32) -> (f64, String) {
    let value = format!("{factor}e{power}").parse().unwrap_or(f64::NAN);
    let is_plain = (-3..=4).contains(&power);
    (value, if is_plain { number(value) } else { format!("{factor}e{power}") })
}

#[cfg(test)]
mod tests {
    use super::Axis;

    fn names(axis: &Axis) -> Vec<String> {
        axis.ticks(5).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn ticks_are_round_and_within() {
        let of = |values: &[f64], is_log| Axis::over("x", values.iter().copied(), is_log).unwrap();
        assert_eq!(names(&of(&[0.0, 1.0], false)), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(names(&of(&[-30.0, 1000.0], false)), ["0", "200", "400", "600", "800", "1000"]);
        assert_eq!(names(&of(&[1e-5, 1.0], true)), ["1e-4", "0.01", "1"]);
        assert_eq!(names(&of(&[1.0, 8.0], true)), ["1", "2", "5"]);
        assert_eq!(names(&of(&[3e9, 7e9], false)), ["3e9", "4e9", "5e9", "6e9", "7e9"]);
        assert_eq!(names(&of(&[0.0, 2.0], false).whole()), ["0", "1", "2"]);
        assert_eq!(names(&of(&[0.0], false).whole()), ["0"]);
        for values in [[5.0, 5.0], [0.0, 0.0], [1.0, 1.0 + 1e-15], [2e-300, 2e-300], [-1e300, 1e300], [1e-300, 1e300]] {
            for is_log in [false, true] {
                let Some(axis) = Axis::over("x", values, is_log) else { continue };
                let ticks = axis.ticks(5);
                assert!((1..=12).contains(&ticks.len()), "{values:?} {is_log}: {ticks:?}");
                assert!(ticks.iter().all(|(value, _)| axis.part(*value).is_some()), "{values:?} {is_log}: {ticks:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_placed_has_no_place() {
        assert!(Axis::over("x", [f64::NAN, f64::INFINITY], false).is_none());
        assert!(Axis::over("x", [-f64::MAX, f64::MAX], false).is_none());
        let log = Axis::over("x", [1e-3, 0.0, 1.0], true).unwrap();
        assert_eq!((log.part(0.0), log.part(-1.0), log.part(f64::NAN)), (None, None, None));
        assert!((log.part(10_f64.powf(-1.5)).unwrap() - 0.5).abs() < 1e-12);
    }
}

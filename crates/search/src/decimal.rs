//! Steps in decimal arithmetic, where 0.1 is a tenth.

/// A number as digits·10^exponent.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// The shortest decimal that reads as `value`, which is finite.
    fn of(value: f64) -> Option<Self> {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let digits = mantissa.replace('.', "").parse().ok()?;
        Some(Self { digits, exponent: exponent.parse::<i32>().ok()? - i32::try_from(decimals).ok()? })
    }

    /// The digits at a smaller exponent.
    fn at(self, exponent: i32) -> Option<i128> {
        self.digits.checked_mul(10_i128.checked_pow(u32::try_from(self.exponent - exponent).ok()?)?)
    }
}

/// The largest low + k·step up to `high`, k whole; all finite, low ≤ high, step > 0.
pub(crate) fn last_multiple(low: f64, high: f64, step: f64) -> f64 {
    // Where the numbers are so far apart that 38 digits don't hold them, f64 is as good.
    exact(low, high, step).unwrap_or_else(|| low + ((high - low) / step).floor() * step).clamp(low, high)
}

fn exact(low: f64, high: f64, step: f64) -> Option<f64> {
    let numbers = [Decimal::of(low)?, Decimal::of(high)?, Decimal::of(step)?];
    let exponent = numbers.iter().filter(|number| number.digits != 0).map(|number| number.exponent).min()?;
    let at = |number: Decimal| if number.digits == 0 { Some(0) } else { number.at(exponent) };
    let [low, high, step] = [at(numbers[0])?, at(numbers[1])?, at(numbers[2])?];
    let range = high.checked_sub(low)?;
    format!("{}e{exponent}", low + range / step * step).parse().ok()
}

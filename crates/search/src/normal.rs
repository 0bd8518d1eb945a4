//! The standard normal distribution in log space, where tails do not underflow.

use libm::{erf, erfc};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// ½ ln 2π.
pub(crate) const HALF_LN_2PI: f64 = 0.918_938_533_204_672_8;

/// ln Φ(x) (SciPy's `log_ndtr`).
pub(crate) fn log_ndtr(x: f64) -> f64 {
    if x > -1.0 {
        (-0.5 * erfc(x * FRAC_1_SQRT_2)).ln_1p()
    } else if x > -20.0 {
        (0.5 * erfc(-x * FRAC_1_SQRT_2)).ln()
    } else {
        log_pdf(x) - (-x).ln() + (-tail(x)).ln_1p()
    }
}

/// ln φ(x).
pub(crate) fn log_pdf(x: f64) -> f64 {
    -0.5 * x * x - HALF_LN_2PI
}

/// 1 + xΦ(x)/φ(x) for x ≤ −20: the asymptotic series 1/x² − 3/x⁴ + 15/x⁶ − …, which is at rounding long before its terms
/// begin to grow. NaN of NaN.
pub(crate) fn tail(x: f64) -> f64 {
    let inverse = 1.0 / (x * x);
    let (mut sum, mut term, mut odd) = (0.0, -1.0, 1.0);
    loop {
        term *= -odd * inverse;
        let next = sum + term;
        if next == sum || term == 0.0 || next.is_nan() {
            return sum;
        }
        (sum, odd) = (next, odd + 2.0);
    }
}

/// ln (Φ(b) − Φ(a)) for a < b; −∞ for a = b.
pub(crate) fn log_mass(a: f64, b: f64) -> f64 {
    let (middle, half) = (0.5 * (a + b), 0.5 * (b - a));
    if half * middle.abs().max(1.0) < 0.03 {
        return log_narrow_mass(middle, half);
    }
    if a > 0.0 {
        log_left_mass(-b, -a)
    } else if b <= 0.0 {
        log_left_mass(a, b)
    } else if a > -1.0 && b < 1.0 {
        (0.5 * (erf(b * FRAC_1_SQRT_2) + erf(-a * FRAC_1_SQRT_2))).ln()
    } else {
        (-0.5 * (erfc(-a * FRAC_1_SQRT_2) + erfc(b * FRAC_1_SQRT_2))).ln_1p()
    }
}

/// Left of 0: a difference of tails.
fn log_left_mass(a: f64, b: f64) -> f64 {
    let (outer, inner) = (log_ndtr(a), log_ndtr(b));
    inner + (-(outer - inner).exp()).ln_1p()
}

/// Of [m − h, m + h], where a difference of tails would lose digits: 2h φ(m) (1 + Σ He₂ₖ(m) h²ᵏ/(2k + 1)!), Taylor's series
/// of φ about m.
fn log_narrow_mass(m: f64, h: f64) -> f64 {
    let (m2, h2) = (m * m, h * h);
    let series = h2 / 6.0
        * (m2 - 1.0 + h2 / 20.0 * ((m2 - 6.0) * m2 + 3.0 + h2 / 42.0 * (((m2 - 15.0) * m2 + 45.0) * m2 - 15.0)));
    log_pdf(m) + (2.0 * h).ln() + series.ln_1p()
}

/// The x with ln Φ(x) = y, for y ≤ 0 (SciPy's `ndtri_exp`): Newton's method on ln Φ, which is concave.
pub(crate) fn ndtri_exp(y: f64) -> f64 {
    if y > -1e-2 {
        // Φ(−x) = 1 − Φ(x) has the digits that y no longer has.
        return if y >= 0.0 { f64::INFINITY } else { -ndtri_exp((-y.exp_m1()).ln()) };
    }
    if y == f64::NEG_INFINITY {
        return y;
    }
    // The tail's leading term, or the logistic distribution of the same variance.
    let mut x = if y < -5.0 { -(-2.0 * (y + HALF_LN_2PI)).sqrt() } else { -(3f64.sqrt() / PI) * (-y).exp_m1().ln() };
    for _ in 0..100 {
        let log_ndtr = log_ndtr(x);
        let step = (log_ndtr - y) * (log_ndtr - log_pdf(x)).exp();
        x -= step;
        // Newton's error is squared: the next step would be at rounding.
        if step.abs() < 1e-8 * x.abs().max(1.0) {
            break;
        }
    }
    x
}

/// The quantile q of a standard normal variable truncated to [a, b], in which it always is (SciPy's `truncnorm.ppf`).
pub(crate) fn truncated_quantile(q: f64, a: f64, b: f64) -> f64 {
    let log_mass = log_mass(a, b);
    let x = if a < 0.0 {
        ndtri_exp(log_sum(log_ndtr(a), q.ln() + log_mass))
    } else {
        -ndtri_exp(log_sum(log_ndtr(-b), (-q).ln_1p() + log_mass))
    };
    x.max(a).min(b)
}

/// ln (eᵖ + e^q).
fn log_sum(p: f64, q: f64) -> f64 {
    let (low, high) = if p < q { (p, q) } else { (q, p) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samplers::log_h;
    use serde::Deserialize;

    /// What mpmath has to 50 digits; scripts/optuna_samplers.py wrote it. Arguments first, the value last.
    #[derive(Deserialize)]
    struct Reference {
        log_ndtr: Vec<[f64; 2]>,
        log_mass: Vec<[f64; 3]>,
        quantile: Vec<[f64; 4]>,
        log_h: Vec<[f64; 2]>,
    }

    fn assert_close(what: &str, got: f64, reference: f64, relative: f64) {
        let off = ((got - reference) / reference).abs();
        assert!(off <= relative, "{what}: {got:e}, not {reference:e}: off by {off:e}");
    }

    #[test]
    fn agrees_with_fifty_digits() {
        let reference: Reference = serde_json::from_str(include_str!("../tests/data/normal.json")).unwrap();
        for [x, value] in reference.log_ndtr {
            // On the right it is e^(−x²/2), of a rounded x.
            assert_close(&format!("log_ndtr({x})"), log_ndtr(x), value, 1e-15 * x.max(1.0).powi(2));
        }
        for [a, b, value] in reference.log_mass {
            assert_close(&format!("log_mass({a}, {b})"), log_mass(a, b), value, 1e-14);
        }
        for [q, a, b, value] in reference.quantile {
            // In the middle of a symmetric interval it is 0, and mpmath's rounding.
            let (got, scale) = (truncated_quantile(q, a, b), value.abs().max(b - a));
            assert!((got - value).abs() <= 1e-13 * scale, "quantile {q} of [{a}, {b}]: {got:e}, not {value:e}");
        }
        for [z, value] in reference.log_h {
            // Its two terms cancel to 1/z² of themselves, down to where the other form takes over.
            assert_close(&format!("log_h({z})"), log_h(z), value, 1e-12);
        }
    }

    #[test]
    fn quantiles_of_nothing_and_all_are_the_ends() {
        for (a, b) in [(-1.0, 2.0), (-9.0, -8.0), (6.0, 60.0), (-0.5, 0.5), (-1e4, -9e3), (50.0, 50.5)] {
            for (q, end) in [(0.0, a), (1.0, b)] {
                let got = truncated_quantile(q, a, b);
                assert!((got - end).abs() <= 1e-14 * end.abs(), "{q} of [{a}, {b}]: {got:e}");
            }
            let middle = truncated_quantile(0.5, a, b);
            assert!(a < middle && middle < b, "{middle} of [{a}, {b}]");
        }
    }

    #[test]
    fn no_mass_is_minus_infinity() {
        assert_eq!(log_mass(1.0, 1.0), f64::NEG_INFINITY);
        assert_eq!(log_mass(-3.0, -3.0), f64::NEG_INFINITY);
    }
}

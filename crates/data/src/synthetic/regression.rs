use super::{at_least, check_rows, check_span, uniform};
use crate::Dataset;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::f64::consts::PI;
use wane_autodiff::{Error, Float, Rng, non_negative, number};

/// A regression data set and what its target would be without noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic<T> {
    /// The features, and the target with noise.
    pub dataset: Dataset<T>,
    /// The target without noise, (rows, 1).
    pub truth: Array2<T>,
}

/// What [`linear`] makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear<T> {
    /// The features, and the target with noise.
    pub dataset: Dataset<T>,
    /// The target without noise, (rows, 1).
    pub truth: Array2<T>,
    /// The true weights, (features,): those of the first `informative` features are not zero.
    pub weights: Array1<T>,
}

/// The options of [`linear`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearOptions {
    /// The number of rows, at least 1.
    pub rows: usize,
    /// The number of features, at least 1.
    pub features: usize,
    /// How many features have a weight, at most `features`.
    pub informative: usize,
    /// Added to every target, finite.
    pub bias: f64,
    /// The standard deviation of the noise, finite and ≥ 0.
    pub noise: f64,
}

impl Default for LinearOptions {
    fn default() -> Self {
        Self { rows: 100, features: 20, informative: 5, bias: 0.0, noise: 0.1 }
    }
}

/// A sparse linear truth: y = X·w + bias + noise · N(0, 1), with X ~ N(0, 1) (in kind scikit-learn's
/// `make_regression`).
///
/// The weights of the first `informative` features have a random sign and a size between 0.5 and 2, well apart from
/// the zeros of all others.
///
/// ```
/// use wane_autodiff::{Rng, rand::SeedableRng};
/// use wane_data::synthetic::{LinearOptions, linear};
///
/// let options = LinearOptions { rows: 50, features: 8, informative: 2, ..Default::default() };
/// let data = linear::<f32>(&options, &mut Rng::seed_from_u64(0))?;
/// assert_eq!(data.dataset.x().dim(), (50, 8));
/// assert_eq!(data.weights.iter().filter(|&&w| w != 0.0).count(), 2);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// An option outside its range; values too large for `T`.
pub fn linear<T: Float>(options: &LinearOptions, rng: &mut Rng) -> Result<Linear<T>, Error> {
    let &LinearOptions { rows, features, informative, bias, noise } = options;
    at_least("features", features, 1)?;
    check_rows(rows, features)?;
    if informative > features {
        return Err(Error::option("informative", informative, format!("at most {features}, the number of features")));
    }
    if !bias.is_finite() {
        return Err(Error::option("bias", number(bias), "a finite number"));
    }
    let mut weights = Array1::zeros(features);
    for weight in weights.iter_mut().take(informative) {
        let size = uniform(0.5, 2.0, rng);
        *weight = T::of(if rng.random() { size } else { -size });
    }
    let x = Array2::from_shape_simple_fn((rows, features), || T::of(rng.sample(StandardNormal)));
    let truth = |x: ArrayView1<'_, T>| x.iter().zip(&weights).map(|(x, w)| x.widen() * w.widen()).sum::<f64>() + bias;
    let Synthetic { dataset, truth } = with_noise(x, truth, noise, rng)?;
    Ok(Linear { dataset, truth, weights })
}

/// The options of [`friedman1`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Friedman1Options {
    /// The number of rows, at least 1.
    pub rows: usize,
    /// The number of features, at least 5; those beyond the fifth say nothing.
    pub features: usize,
    /// The standard deviation of the noise, finite and ≥ 0.
    pub noise: f64,
}

impl Default for Friedman1Options {
    fn default() -> Self {
        Self { rows: 100, features: 10, noise: 1.0 }
    }
}

/// Friedman's first problem (Friedman 1991; scikit-learn's `make_friedman1`), with X ~ U(0, 1):
/// y = 10 sin(π x₀ x₁) + 20 (x₂ − 0.5)² + 10 x₃ + 5 x₄ + noise · N(0, 1).
///
/// # Errors
/// An option outside its range; values too large for `T`.
pub fn friedman1<T: Float>(options: &Friedman1Options, rng: &mut Rng) -> Result<Synthetic<T>, Error> {
    let &Friedman1Options { rows, features, noise } = options;
    at_least("features", features, 5)?;
    check_rows(rows, features)?;
    let x = Array2::from_shape_simple_fn((rows, features), || T::of(rng.random()));
    let truth = |x: ArrayView1<'_, T>| {
        let [x0, x1, x2, x3, x4] = std::array::from_fn(|column| x[column].widen());
        10.0 * (PI * x0 * x1).sin() + 20.0 * (x2 - 0.5).powi(2) + 10.0 * x3 + 5.0 * x4
    };
    with_noise(x, truth, noise, rng)
}

/// The options of [`sine`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SineOptions {
    /// The number of rows, at least 1.
    pub rows: usize,
    /// Where x begins, finite.
    pub low: f64,
    /// Where x ends, finite and above `low`.
    pub high: f64,
    /// ω, finite: 2π for one period a unit of x.
    pub angular_frequency: f64,
    /// The standard deviation of the noise, finite and ≥ 0.
    pub noise: f64,
}

impl Default for SineOptions {
    fn default() -> Self {
        Self { rows: 100, low: -PI, high: PI, angular_frequency: 1.0, noise: 0.1 }
    }
}

/// A noisy sine of one feature: y = sin(ωx) + noise · N(0, 1), with x ~ U(low, high).
///
/// ```
/// use std::f64::consts::TAU;
/// use wane_autodiff::{Rng, rand::SeedableRng};
/// use wane_data::synthetic::{SineOptions, sine};
///
/// let options = SineOptions { low: 0.0, high: 1.0, angular_frequency: TAU, ..Default::default() };
/// let data = sine::<f64>(&options, &mut Rng::seed_from_u64(0))?;
/// assert_eq!(data.truth[[0, 0]], (TAU * data.dataset.x()[[0, 0]]).sin());
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// An option outside its range; values too large for `T`.
pub fn sine<T: Float>(options: &SineOptions, rng: &mut Rng) -> Result<Synthetic<T>, Error> {
    let &SineOptions { rows, low, high, angular_frequency, noise } = options;
    check_rows(rows, 1)?;
    check_span(low, high)?;
    if !angular_frequency.is_finite() {
        return Err(Error::option("angular_frequency", number(angular_frequency), "a finite number"));
    }
    let x = Array2::from_shape_simple_fn((rows, 1), || T::of(uniform(low, high, rng)));
    with_noise(x, |x| (angular_frequency * x[0].widen()).sin(), noise, rng)
}

/// The truth of each row of x, and with noise on it the target. Zero noise is drawn too, so that later draws don't
/// depend on it.
fn with_noise<T: Float>(
    x: Array2<T>,
    truth: impl Fn(ArrayView1<'_, T>) -> f64,
    noise: f64,
    rng: &mut Rng,
) -> Result<Synthetic<T>, Error> {
    non_negative("noise", noise)?;
    let truth: Array1<f64> = x.rows().into_iter().map(truth).collect();
    let y = truth.mapv(|truth| T::of(truth + noise * rng.sample::<f64, _>(StandardNormal)));
    let dataset = Dataset::new(x, y.insert_axis(Axis(1)))?;
    Ok(Synthetic { dataset, truth: truth.mapv(T::of).insert_axis(Axis(1)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn rng() -> Rng {
        Rng::seed_from_u64(7)
    }

    #[test]
    fn the_truth_of_linear_data_is_its_equation() {
        let options = LinearOptions { rows: 200, features: 6, informative: 3, bias: 0.5, noise: 0.0 };
        let Linear { dataset, truth, weights } = linear::<f64>(&options, &mut rng()).unwrap();
        assert_eq!(dataset.y(), truth);
        let error = (&dataset.x().dot(&weights.view().insert_axis(Axis(1))) + 0.5 - &truth).mapv(f64::abs);
        assert!(error.iter().all(|&error| error < 1e-14));
        assert!(weights.iter().take(3).all(|w| (0.5..=2.0).contains(&w.abs())));
        assert!(weights.iter().skip(3).all(|&w| w == 0.0));
    }

    #[test]
    fn the_truth_of_friedman1_is_scikit_learns() {
        let options = Friedman1Options { rows: 1, features: 5, noise: 0.0 };
        let mut data = friedman1::<f64>(&options, &mut rng()).unwrap();
        let [x0, x1, x2, x3, x4] = std::array::from_fn(|column| data.dataset.x()[[0, column]]);
        let expected = 10.0 * (PI * x0 * x1).sin() + 20.0 * (x2 - 0.5) * (x2 - 0.5) + 10.0 * x3 + 5.0 * x4;
        assert!((data.truth[[0, 0]] - expected).abs() < 1e-14);
        // The mean over the unit cube: 10·(∫ sin(πab) da db = 0.5247) + 20/12 + 5 + 2.5 = 14.41.
        data = friedman1(&Friedman1Options { rows: 20_000, ..options }, &mut rng()).unwrap();
        assert!((data.truth.mean().unwrap() - 14.41).abs() < 0.1);
    }

    #[test]
    fn noise_has_its_deviation_and_moves_nothing_else() {
        let quiet = sine::<f64>(&SineOptions { rows: 20_000, noise: 0.0, ..Default::default() }, &mut rng()).unwrap();
        let loud = sine::<f64>(&SineOptions { rows: 20_000, noise: 2.0, ..Default::default() }, &mut rng()).unwrap();
        assert_eq!((quiet.dataset.x(), &quiet.truth), (loud.dataset.x(), &loud.truth));
        assert_eq!(quiet.dataset.y(), quiet.truth);
        let noise = &loud.dataset.y() - &loud.truth;
        assert!(noise.mean().unwrap().abs() < 0.05);
        assert!((noise.std(0.0) - 2.0).abs() < 0.05);
        assert!(loud.dataset.x().iter().all(|x| (-PI..=PI).contains(x)));
    }

    #[test]
    fn f32_data_is_f64_data_rounded() {
        let (wide, narrow) = (
            friedman1::<f64>(&Friedman1Options::default(), &mut rng()).unwrap(),
            friedman1::<f32>(&Friedman1Options::default(), &mut rng()).unwrap(),
        );
        assert_eq!(wide.dataset.x().mapv(|x| x as f32), narrow.dataset.x());
        assert_eq!(narrow, friedman1::<f32>(&Friedman1Options::default(), &mut rng()).unwrap());
    }

    #[test]
    fn faults_are_named() {
        let l = |options: LinearOptions| linear::<f32>(&options, &mut rng()).unwrap_err().to_string();
        let f = |options: Friedman1Options| friedman1::<f32>(&options, &mut rng()).unwrap_err().to_string();
        let s = |options: SineOptions| sine::<f32>(&options, &mut rng()).unwrap_err().to_string();
        let (linear, friedman1, sine) = (LinearOptions::default(), Friedman1Options::default(), SineOptions::default());
        for (given, expected) in [
            (l(LinearOptions { rows: 0, ..linear }), "rows is 0; expected at least 1"),
            (l(LinearOptions { features: 0, ..linear }), "features is 0; expected at least 1"),
            (
                l(LinearOptions { informative: 21, ..linear }),
                "informative is 21; expected at most 20, the number of features",
            ),
            (l(LinearOptions { bias: f64::NAN, ..linear }), "bias is NaN; expected a finite number"),
            (l(LinearOptions { noise: -1.0, ..linear }), "noise is -1; expected a finite number, 0 or above"),
            (l(LinearOptions { bias: 1e39, ..linear }), "row 0, column \"y\" is inf; expected a finite number"),
            (f(Friedman1Options { rows: 0, ..friedman1 }), "rows is 0; expected at least 1"),
            (f(Friedman1Options { features: 4, ..friedman1 }), "features is 4; expected at least 5"),
            (
                f(Friedman1Options { noise: f64::NAN, ..friedman1 }),
                "noise is NaN; expected a finite number, 0 or above",
            ),
            (s(SineOptions { rows: 0, ..sine }), "rows is 0; expected at least 1"),
            (s(SineOptions { low: f64::NAN, ..sine }), "low is NaN; expected a finite number"),
            (
                s(SineOptions { low: 1.0, high: 1.0, ..sine }),
                "high is 1; expected above low, which is 1, by a finite distance",
            ),
            (
                s(SineOptions { angular_frequency: f64::INFINITY, ..sine }),
                "angular_frequency is inf; expected a finite number",
            ),
        ] {
            assert_eq!(given, expected);
        }
    }
}

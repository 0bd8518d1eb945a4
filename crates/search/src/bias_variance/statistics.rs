//! From the fits of each training set to the parts of the error.

use super::test_points::Noise;
use super::{BiasVariance, Decomposition, ErrorParts, TestPoints};
use ndarray::{Array2, Axis, Zip};
use wane_autodiff::{Error, number};

/// What the fits to one training set amount to, about the test points' centers: (points, outputs) each.
pub(super) struct Fits {
    count: f64,
    mean: Array2<f64>,
    /// Between seeds: the squares' sum and, once finished, the variance over count − 1, or 0 of one fit.
    within: Array2<f64>,
    /// The squared errors' sum against the truth, or the targets that there are; once finished, their mean.
    square: Array2<f64>,
}

impl Fits {
    pub(super) fn new(test: &TestPoints) -> Self {
        let zeros = || Array2::zeros(test.center().dim());
        Self { count: 0.0, mean: zeros(), within: zeros(), square: zeros() }
    }

    /// By Welford's update: of equal predictions the variance is exactly 0.
    pub(super) fn add(&mut self, prediction: &Array2<f64>, test: &TestPoints) {
        self.count += 1.0;
        let off = prediction - &test.center();
        Zip::from(&mut self.mean).and(&mut self.within).and(&off).for_each(|mean, within, &off| {
            let before = off - *mean;
            *mean += before / self.count;
            *within += before * (off - *mean);
        });
        let square = |off: f64| off * off;
        self.square += &match &test.noise {
            Noise::Known(variance) => off.mapv(square) + *variance,
            Noise::Unknown => off.mapv(square),
            Noise::Repeated(targets) => {
                (prediction - targets).mapv(square).mean_axis(Axis(0)).expect("two targets or more")
            }
        };
    }

    pub(super) fn finish(mut self) -> Self {
        self.square /= self.count;
        self.within /= (self.count - 1.0).max(1.0);
        self
    }
}

/// The noise in the unbiased form and in the other, if anything is known of it; and the part of it that the square of
/// m − center holds in the mean.
struct NoiseParts {
    unbiased: Option<Array2<f64>>,
    plug_in: Option<Array2<f64>>,
    in_center: Array2<f64>,
}

impl NoiseParts {
    fn new(test: &TestPoints) -> Self {
        let dim = test.center().dim();
        match &test.noise {
            Noise::Known(variance) => {
                let noise = Some(Array2::from_elem(dim, *variance));
                Self { unbiased: noise.clone(), plug_in: noise, in_center: Array2::zeros(dim) }
            }
            Noise::Unknown => Self { unbiased: None, plug_in: None, in_center: Array2::zeros(dim) },
            Noise::Repeated(targets) => {
                let count = targets.len_of(Axis(0)) as f64;
                let squares = (targets - &test.center()).mapv(|off| off * off).sum_axis(Axis(0));
                let unbiased = &squares / (count - 1.0);
                Self { in_center: &unbiased / count, unbiased: Some(unbiased), plug_in: Some(squares / count) }
            }
        }
    }
}

/// Sums over training sets at one point and output.
#[derive(Clone, Copy)]
struct Moments {
    /// How many sets, R, and how many seeds each, S.
    sets: f64,
    seeds: f64,
    mean: f64,
    /// Σ(m_r − m)².
    between: f64,
    within: f64,
    square: f64,
}

impl Moments {
    /// Those without the set of this mean, variance and square.
    fn without(&self, mean: f64, within: f64, square: f64) -> Self {
        let left = self.sets - 1.0;
        let off = mean - self.mean;
        Self {
            sets: left,
            mean: self.mean - off / left,
            between: (self.between - off * off * self.sets / left).max(0.0),
            within: self.within - (within - self.within) / left,
            square: self.square - (square - self.square) / left,
            ..*self
        }
    }

    /// bias², variance, initialisation variance and mse.
    fn unbiased(&self, noise_in_center: f64) -> [f64; 4] {
        let between = self.between / (self.sets - 1.0);
        let bias_squared = self.mean * self.mean - between / self.sets - noise_in_center;
        [bias_squared, between + (1.0 - 1.0 / self.seeds) * self.within, self.within, self.square]
    }

    fn plug_in(&self) -> [f64; 4] {
        let within = (1.0 - 1.0 / self.seeds) * self.within;
        [self.mean * self.mean, self.between / self.sets + within, within, self.square]
    }
}

/// The parts of the error, from the fits to each training set.
pub(super) fn decompose(fits: &[Fits], test: &TestPoints, seeds: usize) -> Result<BiasVariance, Error> {
    let noise = NoiseParts::new(test);
    let moments = moments(fits, seeds as f64);
    let parts = |of: &dyn Fn(&Moments, f64) -> [f64; 4], noise_part: &Option<Array2<f64>>| {
        let numbers = Zip::from(&moments).and(&noise.in_center).map_collect(|moments, &noise| of(moments, noise));
        assemble(|place| numbers.mapv(|numbers| numbers[place]), seeds, noise_part.clone())
    };
    let unbiased = parts(&Moments::unbiased, &noise.unbiased);
    let plug_in = parts(&|moments, _| moments.plug_in(), &noise.plug_in);
    let (point_errors, average_errors) = standard_errors(fits, &moments, &noise.in_center);
    // Of equal numbers, the mean is exactly that number.
    let average = |array: &Array2<f64>| array[(0, 0)] + (array - array[(0, 0)]).mean().expect("a test point");
    let is_known = matches!(test.noise, Noise::Known(_));
    let point_noise = is_known.then(|| Array2::zeros(test.center().dim()));
    let average_noise = if is_known { Some(0.0) } else { noise.unbiased.as_ref().and_then(error_over_points) };
    let found = BiasVariance {
        average: Decomposition {
            unbiased: unbiased.map(average),
            plug_in: plug_in.map(average),
            standard_errors: assemble(|place| average_errors[place], seeds, average_noise),
        },
        points: Decomposition {
            unbiased,
            plug_in,
            standard_errors: assemble(|place| point_errors.mapv(|errors| errors[place]), seeds, point_noise),
        },
        mean_prediction: moments.mapv(|moments| moments.mean) + test.center(),
    };
    let parts = &found.average.standard_errors;
    match [found.average.unbiased.mse, parts.mse, parts.bias_squared, parts.variance].iter().find(|x| !x.is_finite()) {
        Some(&value) => {
            Err(Error::data("mean squared error or its spread", number(value), "predictions with finite squares"))
        }
        None => Ok(found),
    }
}

/// From bias², variance, initialisation variance and mse, at these places.
fn assemble<A>(at: impl Fn(usize) -> A, seeds: usize, noise: Option<A>) -> ErrorParts<A> {
    ErrorParts { mse: at(3), bias_squared: at(0), variance: at(1), init_variance: (seeds > 1).then(|| at(2)), noise }
}

fn moments(fits: &[Fits], seeds: f64) -> Array2<Moments> {
    let start = Moments { sets: 0.0, seeds, mean: 0.0, between: 0.0, within: 0.0, square: 0.0 };
    let mut moments = Array2::from_elem(fits[0].mean.dim(), start);
    for set in fits {
        Zip::from(&mut moments).and(&set.mean).and(&set.within).and(&set.square).for_each(
            |moments, &mean, &within, &square| {
                moments.sets += 1.0;
                let before = mean - moments.mean;
                moments.mean += before / moments.sets;
                moments.between += before * (mean - moments.mean);
                moments.within += (within - moments.within) / moments.sets;
                moments.square += (square - moments.square) / moments.sets;
            },
        );
    }
    moments
}

/// The jackknife's standard errors of bias², variance, initialisation variance and mse, at each point and of their means.
fn standard_errors(
    fits: &[Fits],
    moments: &Array2<Moments>,
    noise_in_center: &Array2<f64>,
) -> (Array2<[f64; 4]>, [f64; 4]) {
    // Sums of what leaving a set out changes, and of its squares.
    let mut points = Array2::from_elem(moments.dim(), [[0.0; 2]; 4]);
    let mut average = [[0.0; 2]; 4];
    let count = moments.len() as f64;
    let add = |sums: &mut [[f64; 2]; 4], changes: [f64; 4]| {
        for (sums, change) in sums.iter_mut().zip(changes) {
            sums[0] += change;
            sums[1] += change * change;
        }
    };
    for set in fits {
        let mut means = [0.0; 4];
        for (place, sums) in points.indexed_iter_mut() {
            let (all, noise) = (&moments[place], noise_in_center[place]);
            let (with, without) = (
                all.unbiased(noise),
                all.without(set.mean[place], set.within[place], set.square[place]).unbiased(noise),
            );
            let changes = std::array::from_fn(|part| without[part] - with[part]);
            add(sums, changes);
            means.iter_mut().zip(changes).for_each(|(mean, change)| *mean += change / count);
        }
        add(&mut average, means);
    }
    let sets = fits.len() as f64;
    let error = |sums: [[f64; 2]; 4]| {
        sums.map(|[sum, squares]| ((sets - 1.0) / sets * (squares - sum * sum / sets).max(0.0)).sqrt())
    };
    (points.mapv(error), error(average))
}

/// The standard error of a mean over points, outputs being taken together; of one point it is not known.
fn error_over_points(values: &Array2<f64>) -> Option<f64> {
    let points = values.mean_axis(Axis(1))?;
    (points.len() > 1).then(|| points.std(1.0) / (points.len() as f64).sqrt())
}

//! The bias–variance decomposition, against its definition and against ridge in closed form.

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, array};
use std::sync::Mutex;
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Error, Rng, Threads};
use wane_data::Dataset;
use wane_data::synthetic::{Friedman1Options, LinearOptions, friedman1, linear};
use wane_search::{
    BiasVariance, BiasVarianceOptions, MlpRegressor, Predict, Ridge, Scaled, Size, TestPoints, bias_variance,
    bootstrap, subsample,
};

const OPTIONS: BiasVarianceOptions = BiasVarianceOptions { training_sets: 5, seeds: 3, seed: 1 };

/// One set's number in a data set of one row; its predictions are functions of it and of the fit's random numbers.
fn numbered(rng: &mut Rng) -> Result<Dataset<f64>, Error> {
    Dataset::new(array![[rng.random_range(-1.0..1.0)]], array![[0.0]])
}

/// The model of one fit: two outputs a point, which depend on the set, the seed and the point.
struct Spread {
    set: f64,
    seed: f64,
}

impl Predict for Spread {
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, Error> {
        Ok(predicted(x, self.set, self.seed))
    }
}

/// An estimator that keeps what its models were made of.
fn spread(kept: &Mutex<Vec<(f64, f64)>>) -> impl Fn(&Dataset<f64>, &mut Rng) -> Result<Spread, Error> + '_ {
    |train, rng| {
        let (set, seed) = (train.x()[(0, 0)], rng.random_range(-0.3..0.3));
        kept.lock().unwrap().push((set, seed));
        Ok(Spread { set, seed })
    }
}

fn predicted(x: ArrayView2<'_, f64>, set: f64, seed: f64) -> Array2<f64> {
    Array2::from_shape_fn((x.nrows(), 2), |(row, output)| {
        x[(row, 0)] * (set + seed) + output as f64 * (set * seed + 2.0 * seed) + 0.4
    })
}

/// The predictions of R sets and S seeds at one point and output: [set][seed].
fn predictions(kept: Mutex<Vec<(f64, f64)>>, x: &Array2<f64>, place: (usize, usize)) -> Vec<Vec<f64>> {
    let mut sets: Vec<(f64, Vec<f64>)> = Vec::new();
    for (set, seed) in kept.into_inner().unwrap() {
        let value = predicted(x.view(), set, seed)[place];
        match sets.iter_mut().find(|(other, _)| *other == set) {
            Some((_, values)) => values.push(value),
            None => sets.push((set, vec![value])),
        }
    }
    sets.into_iter().map(|(_, values)| values).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Over the count less `less`.
fn variance(values: &[f64], less: f64) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - less)
}

/// bias², variance and initialisation variance as their definitions have them, about this center.
fn unbiased(sets: &[Vec<f64>], center: f64) -> [f64; 3] {
    let means = Vec::from_iter(sets.iter().map(|set| mean(set)));
    let between = variance(&means, 1.0);
    let init = mean(&Vec::from_iter(sets.iter().map(|set| variance(set, 1.0))));
    let data = between - init / sets[0].len() as f64;
    [(mean(&means) - center).powi(2) - between / sets.len() as f64, data + init, init]
}

/// The jackknife's standard error of one of these.
fn jackknife(sets: &[Vec<f64>], center: f64, part: usize) -> f64 {
    let without = |left: usize| {
        let rest = sets.iter().enumerate().filter(|(set, _)| *set != left).map(|(_, values)| values.clone());
        unbiased(&Vec::from_iter(rest), center)[part]
    };
    let values = Vec::from_iter((0..sets.len()).map(without));
    ((sets.len() as f64 - 1.0) * variance(&values, 0.0)).sqrt()
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs().max(0.01), "{found:e} {expected:e}");
}

fn points() -> (Array2<f64>, Array2<f64>) {
    (array![[-1.0], [0.3], [2.0]], array![[0.1, 0.5], [0.4, 0.4], [-0.7, 0.2]])
}

#[test]
fn parts_are_their_definitions() {
    let (x, truth) = points();
    let test = TestPoints::known(x.clone(), truth.clone(), 0.2).unwrap();
    for place in [(0, 0), (2, 1)] {
        let kept = Mutex::default();
        let parts = bias_variance(&spread(&kept), numbered, &test, &OPTIONS).unwrap();
        let sets = predictions(kept, &x, place);
        assert_eq!((sets.len(), sets[0].len()), (5, 3));
        let [bias, variance_, init] = unbiased(&sets, truth[place]);
        let found = &parts.points.unbiased;
        near(found.bias_squared[place], bias);
        near(found.variance[place], variance_);
        near(found.init_variance.as_ref().unwrap()[place], init);
        near(found.noise.as_ref().unwrap()[place], 0.2);
        let all = sets.concat();
        near(parts.mean_prediction[place], mean(&all));
        let squares = Vec::from_iter(all.iter().map(|value| (value - truth[place]).powi(2)));
        near(found.mse[place], mean(&squares) + 0.2);
        let plug_in = &parts.points.plug_in;
        near(plug_in.bias_squared[place], (mean(&all) - truth[place]).powi(2));
        near(plug_in.variance[place], variance(&all, 0.0));
        near(plug_in.mse[place], mean(&squares) + 0.2);
        let errors = &parts.points.standard_errors;
        near(errors.bias_squared[place], jackknife(&sets, truth[place], 0));
        near(errors.variance[place], jackknife(&sets, truth[place], 1));
        near(errors.init_variance.as_ref().unwrap()[place], jackknife(&sets, truth[place], 2));
        // Of what is linear in the sets, the jackknife's is the standard error of a mean.
        let set_squares = sets.iter().map(|set| mean(&Vec::from_iter(set.iter().map(|v| (v - truth[place]).powi(2)))));
        near(errors.mse[place], (variance(&Vec::from_iter(set_squares), 1.0) / 5.0).sqrt());
        assert!(parts.residual() < 1e-12, "{:e}", parts.residual());
    }
}

#[test]
fn averages_are_means_over_points_and_their_errors_know_that_points_vary_together() {
    let (x, truth) = points();
    let test = TestPoints::known(x.clone(), truth.clone(), 0.2).unwrap();
    let kept = Mutex::default();
    let parts = bias_variance(&spread(&kept), numbered, &test, &OPTIONS).unwrap();
    let kept = kept.into_inner().unwrap();
    let places = Vec::from_iter(truth.indexed_iter().map(|(place, _)| place));
    let sets = places.iter().map(|&place| (predictions(Mutex::new(kept.clone()), &x, place), truth[place]));
    let sets = Vec::from_iter(sets);
    let average = |without: Option<usize>, part: usize| {
        let values = sets.iter().map(|(sets, truth)| {
            let rest =
                sets.iter().enumerate().filter(|(set, _)| Some(*set) != without).map(|(_, values)| values.clone());
            unbiased(&Vec::from_iter(rest), *truth)[part]
        });
        mean(&Vec::from_iter(values))
    };
    let (found, errors) = (&parts.average.unbiased, &parts.average.standard_errors);
    let pairs = [
        (found.bias_squared, errors.bias_squared),
        (found.variance, errors.variance),
        (found.init_variance.unwrap(), errors.init_variance.unwrap()),
    ];
    for (part, (value, error)) in pairs.into_iter().enumerate() {
        near(value, average(None, part));
        let left_out = Vec::from_iter((0..5).map(|set| average(Some(set), part)));
        near(error, (4.0 * variance(&left_out, 0.0)).sqrt());
    }
    assert_eq!((found.noise, errors.noise), (Some(0.2), Some(0.0)));
    near(found.data_variance().unwrap(), found.variance - found.init_variance.unwrap());
}

#[test]
fn noise_is_estimated_from_repeated_targets_and_its_part_in_their_mean_taken_off() {
    let (x, _) = points();
    let targets = Array3::from_shape_fn((4, 3, 2), |(k, i, o)| ((7 * k + 3 * i + 5 * o + k * k * i) % 11) as f64 / 5.0);
    let test = TestPoints::repeated(x.clone(), targets.clone()).unwrap();
    let kept = Mutex::default();
    let parts = bias_variance(&spread(&kept), numbered, &test, &OPTIONS).unwrap();
    let place = (1, 1);
    let sets = predictions(kept, &x, place);
    let y = Vec::from_iter((0..4).map(|k| targets[(k, 1, 1)]));
    let found = &parts.points.unbiased;
    near(found.noise.as_ref().unwrap()[place], variance(&y, 1.0));
    near(found.bias_squared[place], unbiased(&sets, mean(&y))[0] - variance(&y, 1.0) / 4.0);
    let squares = sets.concat().into_iter().flat_map(|value| y.iter().map(move |y| (value - y).powi(2)));
    near(found.mse[place], mean(&Vec::from_iter(squares)));
    near(parts.points.plug_in.noise.as_ref().unwrap()[place], variance(&y, 0.0));
    assert!(parts.residual() < 1e-12, "{:e}", parts.residual());
    let noises = found.noise.as_ref().unwrap().mean_axis(Axis(1)).unwrap();
    near(parts.average.standard_errors.noise.unwrap(), noises.std(1.0) / 3.0_f64.sqrt());
    assert_eq!(parts.points.standard_errors.noise, None);
}

#[test]
fn without_repeats_noise_stays_in_the_bias() {
    let data =
        linear::<f64>(&LinearOptions { rows: 60, features: 4, informative: 2, ..Default::default() }, &mut rng(0));
    let data = data.unwrap().dataset;
    let rest = data.select(&Vec::from_iter(40..60)).unwrap();
    let data = data.select(&Vec::from_iter(0..40)).unwrap();
    let test = TestPoints::observed(&rest).unwrap();
    let options = BiasVarianceOptions { training_sets: 20, ..Default::default() };
    let drawn = subsample(&data, Size::Fraction(0.5)).unwrap();
    for parts in [
        bias_variance(&Ridge { alpha: 1.0 }, bootstrap(&data), &test, &options).unwrap(),
        bias_variance(&Ridge { alpha: 1.0 }, drawn, &test, &options).unwrap(),
    ] {
        let found = &parts.average.unbiased;
        assert_eq!((found.noise, found.init_variance, found.data_variance()), (None, None, None));
        assert!(parts.residual() < 1e-12);
        let off = (&parts.mean_prediction - &rest.y()).mapv(|off| off * off).mean().unwrap();
        near(parts.average.plug_in.bias_squared, off);
    }
}

#[test]
fn resampled_sets_are_what_they_say() {
    let x = Array2::from_shape_fn((200, 1), |(row, _)| row as f64);
    let data = Dataset::new(x.clone(), x).unwrap();
    let rows = |set: Dataset<f64>| {
        let mut rows = Vec::from_iter(set.x().iter().map(|&x| x as usize));
        rows.sort_unstable();
        let count = rows.len();
        rows.dedup();
        (count, rows.len())
    };
    let subset = subsample(&data, Size::Fraction(0.4)).unwrap();
    assert_eq!(rows(subset(&mut rng(1)).unwrap()), (80, 80));
    let shares = (0..50).map(|seed| rows(bootstrap(&data)(&mut rng(seed)).unwrap())).map(|(count, distinct)| {
        assert_eq!(count, 200);
        distinct as f64 / 200.0
    });
    assert!((mean(&Vec::from_iter(shares)) - (1.0 - (-1.0_f64).exp())).abs() < 0.02);
}

fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}

#[test]
fn ridge_agrees_with_its_closed_form() {
    let options = LinearOptions { rows: 40, features: 12, informative: 12, noise: 0.0, ..Default::default() };
    let data = linear::<f64>(&options, &mut rng(3)).unwrap();
    let (x, truth) = (data.dataset.x().to_owned(), data.truth);
    let test = TestPoints::known(x.clone(), truth.clone(), 4.0).unwrap();
    let options = BiasVarianceOptions { training_sets: 2000, ..Default::default() };
    let mut last: Option<BiasVariance> = None;
    for alpha in [0.04, 4.0, 40.0, 400.0] {
        // Standard normal numbers by Box and Muller, times σ = 2.
        let draw = |rng: &mut Rng| {
            let mut normal = || {
                let (radius, angle) = (1.0 - rng.random::<f64>(), rng.random_range(0.0..std::f64::consts::TAU));
                2.0 * (-2.0 * radius.ln()).sqrt() * angle.cos()
            };
            let noise = Array2::from_shape_simple_fn((40, 1), &mut normal);
            Dataset::new(x.clone(), &truth + &noise)
        };
        let ridge = Ridge { alpha };
        let expected = ridge.error_parts(x.view(), truth.column(0), 4.0).unwrap();
        let parts = bias_variance(&ridge, draw, &test, &options).unwrap();
        let (found, errors) = (&parts.average.unbiased, &parts.average.standard_errors);
        for (found, expected, error) in [
            (found.bias_squared, expected.bias_squared, errors.bias_squared),
            (found.variance, expected.variance, errors.variance),
            (found.mse, expected.mse, errors.mse),
        ] {
            assert!((found - expected).abs() < 3.0 * error, "{alpha}: {found} {expected} ± {error}");
            assert!(error < 0.03 * expected.max(0.03), "{alpha}: {expected} ± {error}");
        }
        assert!(parts.residual() < 1e-12);
        if let Some(last) = last {
            let last = &last.average.unbiased;
            assert!(last.bias_squared < found.bias_squared && last.variance > found.variance);
        }
        last = Some(parts);
    }
}

/// The correction matters most where there are few sets: over many runs of 4, the unbiased bias² is right in the mean, and
/// the other is too large by a quarter of the variance.
#[test]
fn few_sets_are_right_in_the_mean() {
    let (x, truth) = (array![[1.0]], array![[0.5]]);
    let test = TestPoints::known(x, truth, 0.0).unwrap();
    // Uniform predictions about 1 of variance 1/3 from the set, and 1/12 from the seed.
    let draw = |rng: &mut Rng| Dataset::new(array![[rng.random_range(0.0..2.0)]], array![[0.0]]);
    let fit = |train: &Dataset<f64>, rng: &mut Rng| {
        let value = train.x()[(0, 0)] + rng.random_range(-0.5..0.5);
        Ok(move |_: ArrayView2<'_, f64>| Ok(array![[value]]))
    };
    let (mut sums, mut plug_in, runs) = (Array1::<f64>::zeros(3), 0.0, 4000);
    for seed in 0..runs {
        let options = BiasVarianceOptions { training_sets: 4, seeds: 2, seed };
        let parts = bias_variance(&fit, draw, &test, &options).unwrap().average;
        let unbiased = parts.unbiased;
        sums += &array![unbiased.bias_squared, unbiased.data_variance().unwrap(), unbiased.init_variance.unwrap()];
        plug_in += parts.plug_in.bias_squared;
    }
    let means = sums / runs as f64;
    let in_mean = (1.0 / 3.0 + 1.0 / 24.0) / 4.0;
    for (found, expected) in means.iter().zip([0.25, 1.0 / 3.0, 1.0 / 12.0]) {
        assert!((found - expected).abs() < 0.02, "{found} {expected}");
    }
    assert!((plug_in / runs as f64 - 0.25 - in_mean).abs() < 0.02 && in_mean > 0.09);
}

#[test]
fn bits_do_not_depend_on_threads_and_follow_the_seed() {
    let points = friedman1::<f64>(&Friedman1Options { rows: 30, ..Default::default() }, &mut rng(9)).unwrap();
    let test = TestPoints::known(points.dataset.x().to_owned(), points.truth, 1.0).unwrap();
    let draw = |rng: &mut Rng| Ok(friedman1(&Friedman1Options { rows: 40, ..Default::default() }, rng)?.dataset);
    let mlp = MlpRegressor { hidden: vec![8], epochs: 5, batch_size: 10, ..Default::default() };
    let mlp = Scaled { estimator: mlp, scale_y: true };
    let run = |threads: usize, seed: u64| {
        let options = BiasVarianceOptions { training_sets: 7, seeds: 2, seed };
        Threads::new(threads).unwrap().install(|| bias_variance(&mlp, draw, &test, &options)).unwrap()
    };
    let one = run(1, 0);
    assert_eq!(one, run(2, 0));
    assert_eq!(one, run(5, 0));
    assert_ne!(one, run(2, 1));
    assert!(one.average.unbiased.init_variance.unwrap() > 0.0 && one.residual() < 1e-12);
    // A ridge has no random numbers: all of its variance is the data's, to the bit.
    let options = BiasVarianceOptions { training_sets: 7, seeds: 3, seed: 0 };
    let ridge = bias_variance(&Ridge { alpha: 1.0 }, draw, &test, &options).unwrap();
    assert_eq!(ridge.average.unbiased.init_variance, Some(0.0));
}

#[test]
fn what_is_wrong_is_named() {
    let refused = |result: Result<TestPoints, Error>| result.unwrap_err().to_string();
    let (x, truth) = points();
    assert_eq!(
        refused(TestPoints::known(x.clone(), truth.clone(), -1.0)),
        "noise_variance is -1; expected a finite number, 0 or above"
    );
    assert_eq!(
        refused(TestPoints::known(x.clone(), array![[1.0]], 0.0)),
        "number of points of the truth is 1; expected 3, as in x"
    );
    assert_eq!(
        refused(TestPoints::known(x.clone(), array![[1.0], [f64::NAN], [2.0]], 0.0)),
        "truth at (1, 0) is NaN; expected a finite number"
    );
    assert_eq!(
        refused(TestPoints::known(Array2::zeros((0, 2)), truth.clone(), 0.0)),
        "shape of x is (0, 2); expected at least 1 along each axis"
    );
    assert_eq!(
        refused(TestPoints::repeated(x.clone(), Array3::zeros((1, 3, 1)))),
        "number of repeats of the targets is 1; expected at least 2"
    );
    assert_eq!(
        refused(TestPoints::repeated(x.clone(), Array3::zeros((2, 4, 1)))),
        "number of points of the targets is 4; expected 3, as in x"
    );
    let data = Dataset::new(x.clone(), array![[1.0], [2.0], [3.0]]).unwrap();
    for size in [Size::Rows(3), Size::Fraction(0.1)] {
        let error = subsample(&data, size).err().unwrap().to_string();
        assert!(error.ends_with("expected at least 1 and less than all of 3 rows"), "{error}");
    }

    let test = TestPoints::known(x, truth, 0.0).unwrap();
    let run = |value: f64, columns: usize, options: BiasVarianceOptions| {
        let fit = move |_: &Dataset<f64>, _: &mut Rng| {
            Ok(move |x: ArrayView2<'_, f64>| Ok(Array2::from_elem((x.nrows(), columns), value)))
        };
        bias_variance(&fit, numbered, &test, &options).unwrap_err().to_string()
    };
    assert_eq!(
        run(0.0, 2, BiasVarianceOptions { training_sets: 2, ..OPTIONS }),
        "training_sets is 2; expected at least 3"
    );
    assert_eq!(run(0.0, 2, BiasVarianceOptions { seeds: 0, ..OPTIONS }), "seeds is 0; expected at least 1");
    let shape = run(0.0, 1, OPTIONS);
    assert!(shape.contains("training set 0") && shape.contains("shape of the predictions is (3, 1)"), "{shape}");
    let infinite = run(f64::INFINITY, 2, OPTIONS);
    assert!(infinite.contains("seed 0") && infinite.contains("prediction for test point 0 is inf"), "{infinite}");
    let large = run(1e200, 2, OPTIONS);
    assert!(large.contains("expected predictions with finite squares"), "{large}");
    let broken = |_: &mut Rng| Err(Error::data("rows", 0, "some"));
    let error = bias_variance(&Ridge { alpha: 1.0 }, broken, &test, &OPTIONS).unwrap_err().to_string();
    assert!(error.contains("training set 0") && error.contains("rows is 0; expected some"), "{error}");
}

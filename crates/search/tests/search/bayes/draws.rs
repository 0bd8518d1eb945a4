//! What a Parzen estimator draws is distributed as its density says.

use ndarray::{Array2, array};
use rand::SeedableRng;
use wane_autodiff::Rng;
use wane_search::{Distribution, ParzenEstimator, ParzenOptions, SearchSpace};

const DRAWS: usize = 4000;

fn estimator(distribution: &Distribution, observed: &[f64]) -> ParzenEstimator {
    let space = SearchSpace::from([("x".to_owned(), distribution.clone())]);
    let observed = Array2::from_shape_fn((observed.len(), 1), |(row, _)| observed[row]);
    ParzenEstimator::new(&space, observed.view(), &ParzenOptions::default()).unwrap()
}

fn density(estimator: &ParzenEstimator, x: f64) -> f64 {
    estimator.log_pdf(array![[x]].view()).unwrap()[0].exp()
}

/// Kolmogorov's and Smirnov's distance stays below 1.95/√n in 999 of 1000 samples.
#[test]
fn continuous_draws_have_the_distribution_of_the_density() {
    let linear = Distribution::float(-1.0, 3.0).unwrap();
    let log = Distribution::float_log(1e-4, 1.0).unwrap();
    let narrow: Vec<f64> = (0..60).map(|i| 0.5 + 0.01 * f64::from(i)).collect();
    let cases = [
        (&linear, vec![]),
        (&linear, vec![-1.0]),
        (&linear, vec![2.9, 3.0, -0.5, 0.1]),
        // The queue's may lie outside.
        (&linear, vec![5.0, -30.0, 0.5]),
        (&linear, narrow),
        (&log, vec![1e-3, 2e-3, 0.9]),
    ];
    for (number, (distribution, observed)) in cases.into_iter().enumerate() {
        let estimator = estimator(distribution, &observed);
        let is_log = number == 5;
        let scale = |x: f64| if is_log { x.ln() } else { x };
        let (low, high) = if is_log { (1e-4_f64.ln(), 0.0) } else { (-1.0, 3.0) };
        let mut draws = estimator.sample(DRAWS, &mut Rng::seed_from_u64(number as u64)).into_raw_vec_and_offset().0;
        draws.sort_by(f64::total_cmp);
        assert!(draws.iter().all(|&x| distribution.contains(x)));
        // The distribution function at each draw, by the midpoints of fine cells.
        let (cells, width) = (8000, (high - low) / 8000.0);
        let (mut mass, mut next, mut distance) = (0.0, 0, 0.0_f64);
        for cell in 0..cells {
            let middle = low + width * (f64::from(cell) + 0.5);
            mass += width * density(&estimator, if is_log { middle.exp() } else { middle });
            while next < DRAWS && scale(draws[next]) <= low + width * f64::from(cell + 1) {
                next += 1;
            }
            distance = distance.max((next as f64 / DRAWS as f64 - mass).abs());
        }
        assert!((mass - 1.0).abs() < 1e-3, "case {number}: {mass}");
        assert!(distance < 1.95 / (DRAWS as f64).sqrt(), "case {number}: {distance}");
    }
}

#[test]
fn draws_of_few_values_are_as_frequent_as_they_should_be() {
    let values: Vec<f64> = (0..4).map(f64::from).collect();
    let cases = [
        (Distribution::categorical(["a", "b", "c", "d"]).unwrap(), vec![1.0, 1.0, 3.0], values.clone()),
        (Distribution::int(0, 3).unwrap(), vec![0.0, 3.0, 3.0, 1.0], values.clone()),
        (Distribution::int_log(1, 4).unwrap(), vec![4.0, 2.0], values.iter().map(|x| x + 1.0).collect()),
        (Distribution::float_step(0.0, 1.5, 0.5).unwrap(), vec![0.5], values.iter().map(|x| x / 2.0).collect()),
    ];
    for (distribution, observed, values) in cases {
        let estimator = estimator(&distribution, &observed);
        let draws = estimator.sample(DRAWS, &mut Rng::seed_from_u64(3));
        let mut sum = 0.0;
        for x in values {
            let (share, p) =
                (draws.iter().filter(|&&draw| draw == x).count() as f64 / DRAWS as f64, density(&estimator, x));
            let deviation = (p * (1.0 - p) / DRAWS as f64).sqrt();
            assert!((share - p).abs() < 4.0 * deviation, "{x} of {distribution}: {share}, not {p}");
            sum += p;
        }
        assert!((sum - 1.0).abs() < 1e-12, "{distribution}: {sum}");
    }
}

/// Such as the queue may hold.
#[test]
fn an_observation_however_far_outside_leaves_the_density_finite() {
    for (distribution, x) in
        [(Distribution::float(0.0, 1.0).unwrap(), 0.3), (Distribution::float_log(1e-300, 1e-299).unwrap(), 5e-300)]
    {
        for far in [1e8, 1e16, 1e160, f64::MAX] {
            let estimator = estimator(&distribution, &[far, x, x, x]);
            assert!(density(&estimator, x).is_finite() && density(&estimator, x) > 0.0, "{far:e}");
            let draws = estimator.sample(200, &mut Rng::seed_from_u64(1));
            assert!(draws.iter().all(|&draw| distribution.contains(draw)), "{far:e}");
        }
    }
}

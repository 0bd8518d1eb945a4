//! Solutions, by what makes them solutions.

use crate::common::{close, duality_gap, gradient, independent, objective, options, problem, with_ratio};
use ndarray::{Array1, Array2, Axis, array, concatenate};
use proptest::collection::vec;
use proptest::prelude::*;
use wane_linear::{ElasticNetOptions, elastic_net, elastic_net_from, lambda_max, ridge};

/// How the arithmetic of an objective rounds, in units of what it adds up.
const ROUNDING: f64 = 1e-13;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_competitor_is_below_the_gap(
        (x, y) in problem(1..8),
        options in options(),
        moves in vec((vec(-1.0..1.0_f64, 8), -8..1_i32), 8),
    ) {
        let fit = elastic_net(x.view(), y.view(), &options).unwrap();
        let here = objective(&x, &y, &fit.weights, fit.intercept, &options);
        let certificate = fit.certificate;
        let scale = here + y.dot(&y);
        prop_assert!((certificate.objective - here).abs() <= ROUNDING * scale, "{certificate:?} {here}");
        prop_assert!(certificate.gap >= 0.0);
        for (direction, exponent) in moves {
            let step = 10.0_f64.powi(exponent);
            let weights: Array1<f64> = fit.weights.iter().zip(&direction).map(|(w, d)| w + step * d).collect();
            let shift = if options.fit_intercept { (&y - &x.dot(&weights)).mean().unwrap() } else { 0.0 };
            let there = objective(&x, &y, &weights, shift, &options);
            prop_assert!(there >= here - certificate.gap - ROUNDING * scale, "{there} < {here}, {certificate:?}");
        }
    }

    #[test]
    fn the_conditions_hold((x, y) in problem(1..8), options in options()) {
        let fit = elastic_net(x.view(), y.view(), &options).unwrap();
        let bound = options.alpha * options.l1_ratio;
        let mut violation: f64 = 0.0;
        for (&w, &g) in fit.weights.iter().zip(&gradient(&x, &y, &fit, &options)) {
            prop_assert!(w != 0.0 || w.is_sign_positive(), "a zero is +0");
            violation = violation.max(if w == 0.0 { g.abs() - bound } else { (g + bound.copysign(w)).abs() });
        }
        prop_assert!(violation <= 1e-8, "{violation}");
        prop_assert!((violation.max(0.0) - fit.certificate.kkt_violation).abs() <= 1e-12);
        if options.fit_intercept {
            prop_assert!((&y - &fit.predict(x.view()).unwrap()).mean().unwrap().abs() <= 1e-13);
        } else {
            prop_assert_eq!(fit.intercept, 0.0);
        }
        prop_assert!(fit.iterations <= 20, "{} rounds", fit.iterations);
    }

    #[test]
    fn lasso_columns_are_independent((x, y) in problem(1..14), alpha in 0.01..1.0_f64) {
        let options = ElasticNetOptions { alpha, l1_ratio: 1.0, ..Default::default() };
        let fit = elastic_net(x.view(), y.view(), &options).unwrap();
        // Centred, as an intercept has it.
        let column = |j: usize| &x.column(j) - x.column(j).mean().unwrap();
        let columns: Vec<Array1<f64>> = fit.support().into_iter().map(column).collect();
        prop_assert_eq!(independent(&columns).len(), columns.len(), "{}", fit.weights);
    }

    #[test]
    fn two_weights_are_those_of_every_pattern_of_signs((x, y) in problem(2..3), options in options()) {
        let fit = elastic_net(x.view(), y.view(), &options).unwrap();
        let (best, weights) = by_patterns(&x, &y, &options);
        prop_assert!((fit.certificate.objective - best).abs() <= 1e-11 * (1.0 + y.dot(&y)));
        if fit.certificate.support_is_certain {
            prop_assert!(close(fit.weights.view(), weights.view(), 1e-6), "{} {weights}", fit.weights);
            prop_assert!(fit.weights.iter().zip(&weights).all(|(a, b)| (*a == 0.0) == (*b == 0.0)), "{weights}");
        }
    }

    #[test]
    fn powers_of_two_scale_to_the_bit((x, y) in problem(1..8), alpha in 0.01..1.0_f64, power in -3..4_i32) {
        let c = 2.0_f64.powi(power);
        let lasso = |x: &Array2<f64>, y: &Array1<f64>, alpha| {
            elastic_net(x.view(), y.view(), &ElasticNetOptions { alpha, l1_ratio: 1.0, ..Default::default() }).unwrap()
        };
        let fit = lasso(&x, &y, alpha);
        let of_y = lasso(&x, &(c * &y), c * alpha);
        prop_assert_eq!(of_y.weights, c * &fit.weights);
        prop_assert_eq!(of_y.certificate.gap, c * c * fit.certificate.gap);
        let of_x = lasso(&(c * &x), &y, c * alpha);
        prop_assert_eq!(of_x.weights, &fit.weights / c);
        let twice = concatenate![Axis(0), x, x];
        let of_rows = lasso(&twice, &concatenate![Axis(0), y, y], alpha);
        prop_assert!((of_rows.certificate.objective - fit.certificate.objective).abs() <= 1e-11 * (1.0 + y.dot(&y)));
    }

    #[test]
    fn a_shift_goes_into_the_intercept((x, y) in problem(1..6), mut options in options(), by in -5..6_i32) {
        options.fit_intercept = true;
        let by = f64::from(by);
        let (fit, moved) = (
            elastic_net(x.view(), y.view(), &options).unwrap(),
            elastic_net((&x + by).view(), (&y - by).view(), &options).unwrap(),
        );
        prop_assert!((fit.certificate.objective - moved.certificate.objective).abs() <= 1e-11 * (1.0 + y.dot(&y)));
        if fit.certificate.support_is_certain {
            prop_assert!(close(fit.weights.view(), moved.weights.view(), 1e-6));
            prop_assert!((fit.intercept - by - by * fit.weights.sum() - moved.intercept).abs() <= 1e-5);
        }
    }

    #[test]
    fn a_start_changes_nothing((x, y) in problem(1..8), options in options(), start in vec(-2.0..2.0_f64, 8)) {
        let start = Array1::from_iter(start.into_iter().take(x.ncols()));
        let cold = elastic_net(x.view(), y.view(), &options).unwrap();
        let warm = elastic_net_from(x.view(), y.view(), start.view(), &options).unwrap();
        prop_assert!((cold.certificate.objective - warm.certificate.objective).abs() <= 1e-11 * (1.0 + y.dot(&y)));
        if cold.certificate.support_is_certain {
            prop_assert_eq!(cold.support(), warm.support());
            prop_assert!(close(cold.weights.view(), warm.weights.view(), 1e-6), "{} {}", cold.weights, warm.weights);
        }
    }

    #[test]
    fn at_the_largest_alpha_all_are_zero_and_below_it_they_are_not((x, y) in problem(1..8), options in options()) {
        let alpha = lambda_max(x.view(), y.view(), &options).unwrap();
        // Where nothing goes with y it is least squares, which rounds.
        prop_assume!(alpha > 0.0);
        let at = |alpha| elastic_net(x.view(), y.view(), &ElasticNetOptions { alpha, ..options }).unwrap();
        let fit = at(alpha);
        prop_assert!(fit.weights.iter().all(|w| w.to_bits() == 0), "{}", fit.weights);
        prop_assert_eq!(fit.certificate.gap, 0.0);
        let mean = if options.fit_intercept { y.mean().unwrap() } else { 0.0 };
        prop_assert!((fit.intercept - mean).abs() <= 1e-15 * 3.0);
        if alpha > 1e-9 {
            prop_assert!(!at(0.999 * alpha).support().is_empty());
        }
    }

    #[test]
    fn without_an_l1_part_it_is_ridge((x, y) in problem(1..18), alpha in prop_oneof![Just(0.0), 1e-3..10.0_f64]) {
        let options = ElasticNetOptions { alpha, l1_ratio: 0.0, ..Default::default() };
        let fit = elastic_net(x.view(), y.view(), &options).unwrap();
        let same = ridge(x.view(), y.view(), alpha * y.len() as f64).unwrap();
        prop_assert_eq!((&fit.weights, fit.certificate), (&same.weights, same.certificate));
        prop_assert!(fit.certificate.gap <= 1e-12 * (1.0 + y.dot(&y)), "{:?}", fit.certificate);
        prop_assert!(gradient(&x, &y, &fit, &options).iter().all(|g| g.abs() <= 1e-9));
        prop_assert!(same.degrees_of_freedom < y.len().min(x.ncols() + 1) as f64, "{same:?}");
    }
}

/// The best of the nine patterns of signs of two weights: each pattern's minimum, if it has these signs.
fn by_patterns(x: &Array2<f64>, y: &Array1<f64>, options: &ElasticNetOptions) -> (f64, Array1<f64>) {
    let &ElasticNetOptions { alpha, l1_ratio, fit_intercept, .. } = options;
    let n = y.len() as f64;
    let (x, y) = if fit_intercept {
        (x - &x.mean_axis(Axis(0)).unwrap(), y - y.mean().unwrap())
    } else {
        (x.clone(), y.clone())
    };
    let (l1, l2) = (alpha * l1_ratio, alpha * (1.0 - l1_ratio));
    let gram = x.t().dot(&x) / n;
    let (a, b, c) = (gram[(0, 0)] + l2, gram[(0, 1)], gram[(1, 1)] + l2);
    let q = x.t().dot(&y) / n;
    let mut found = (f64::INFINITY, array![0.0, 0.0]);
    for signs in (0..9).map(|i| [f64::from(i % 3) - 1.0, f64::from(i / 3) - 1.0]) {
        let (u, v) = (q[0] - l1 * signs[0], q[1] - l1 * signs[1]);
        let weights = match (signs[0] != 0.0, signs[1] != 0.0) {
            (false, false) => array![0.0, 0.0],
            (true, false) => array![u / a, 0.0],
            (false, true) => array![0.0, v / c],
            (true, true) => array![c * u - b * v, a * v - b * u] / (a * c - b * b),
        };
        let fits = weights.iter().zip(signs).all(|(&w, sign)| w * sign > 0.0 || (w == 0.0 && sign == 0.0));
        let value = objective(&x, &y, &weights, 0.0, options);
        if fits && value < found.0 {
            found = (value, weights);
        }
    }
    found
}

fn lasso(alpha: f64) -> ElasticNetOptions {
    ElasticNetOptions { alpha, l1_ratio: 1.0, ..Default::default() }
}

#[test]
fn one_weight_is_the_soft_threshold() {
    // Σx² = 4, x·y = 6, n = 4: w = S(6, 4·alpha)/4.
    let (x, y) = (array![[1.0], [1.0], [-1.0], [-1.0]], array![1.5, 1.5, -1.5, -1.5]);
    for (alpha, w) in [(0.25, 1.25), (1.0, 0.5), (1.5, 0.0), (7.0, 0.0)] {
        let fit = elastic_net(x.view(), y.view(), &lasso(alpha)).unwrap();
        assert_eq!((fit.weights[0], fit.intercept), (w, 0.0));
    }
    let options = ElasticNetOptions { alpha: 1.0, l1_ratio: 0.5, ..Default::default() };
    assert_eq!(elastic_net(x.view(), y.view(), &options).unwrap().weights[0], 4.0 / 6.0);
}

#[test]
fn equal_columns_share_with_an_l2_part_and_choose_one_without() {
    let column = array![[0.3], [1.7], [-0.4], [2.2], [0.1]];
    let x = concatenate![Axis(1), column, column, column];
    let y = array![0.5, 2.0, -0.2, 2.5, 0.3];
    let fit = elastic_net(x.view(), y.view(), &lasso(0.1)).unwrap();
    assert_eq!(fit.support(), [0]);
    assert!(!fit.certificate.support_is_certain, "another column would do as well");
    let alone = elastic_net(column.view(), y.view(), &lasso(0.1)).unwrap();
    assert_eq!(alone.weights[0], fit.weights[0]);
    assert!(alone.certificate.support_is_certain);

    // From a start that uses all of them, in opposite directions too.
    for start in [array![0.2, 0.3, 0.1], array![5.0, -4.0, 0.3], array![-1.0, -1.0, -1.0], array![0.0, 0.0, 0.9]] {
        let warm = elastic_net_from(x.view(), y.view(), start.view(), &lasso(0.1)).unwrap();
        assert_eq!(warm.support().len(), 1, "{}", warm.weights);
        assert!((warm.weights.sum() - fit.weights.sum()).abs() < 1e-12);
    }

    let options = ElasticNetOptions { alpha: 0.1, l1_ratio: 0.5, ..Default::default() };
    let fit = elastic_net(x.view(), y.view(), &options).unwrap();
    assert!((fit.weights[0] - fit.weights[1]).abs() < 1e-14 && (fit.weights[0] - fit.weights[2]).abs() < 1e-14);
    assert!(fit.certificate.support_is_certain);
}

#[test]
fn a_column_nearly_equal_to_another_is_not_taken_for_it() {
    let n = 40;
    let x = Array2::from_shape_fn((n, 2), |(i, j)| (0.7 * i as f64).sin() + 1e-7 * (j * i % 5) as f64);
    // The difference of the columns, magnified.
    let y: Array1<f64> = (0..n).map(|i| (0.7 * i as f64).sin() + 0.1 * (i % 5) as f64).collect();
    for alpha in [1e-1, 1e-3, 1e-6] {
        let fit = elastic_net(x.view(), y.view(), &lasso(alpha)).unwrap();
        let gap = duality_gap(&x, &y, &fit, &lasso(alpha));
        assert!(gap <= 1e-10, "{gap} {fit:?}");
    }
}

/// One column many times, each time off by another part of itself.
#[test]
fn columns_nearly_equal_to_others_take_few_rounds() {
    let (n, p) = (29, 12);
    let base: Array1<f64> = (0..n).map(|i| (1.3 * i as f64).sin()).collect();
    let y: Array1<f64> = (0..n).map(|i| (1.3 * i as f64).sin() + (0.7 * i as f64).cos()).collect();
    for near in (2..16).map(|e| 10.0_f64.powi(-e)) {
        let x = Array2::from_shape_fn((n, p), |(i, j)| base[i] * (1.0 + near * (2.9 * (i * p + j) as f64).sin()));
        let largest = lambda_max(x.view(), y.view(), &with_ratio(1.0)).unwrap();
        for part in [0.5, 0.1, 0.01] {
            let fit = elastic_net(x.view(), y.view(), &lasso(part * largest)).unwrap();
            assert!(fit.iterations <= 25, "{} rounds for {near}, {part}", fit.iterations);
        }
    }
}

/// Down to where least squares is as good, in more rows than columns and in fewer.
#[test]
fn small_strengths_have_certificates() {
    for (n, p) in [(40, 12), (12, 40)] {
        let x = Array2::from_shape_fn((n, p), |(i, j)| (0.37 * ((i * p + j) as f64).powi(2)).sin());
        let y: Array1<f64> = (0..n).map(|i| (0.9 * i as f64).cos()).collect();
        for l1_ratio in [1.0, 0.5, 1e-6] {
            let largest = lambda_max(x.view(), y.view(), &with_ratio(l1_ratio)).unwrap();
            for alpha in (0..20).map(|e| largest * 10.0_f64.powi(-e)) {
                let options = ElasticNetOptions { alpha, l1_ratio, ..Default::default() };
                let fit = elastic_net(x.view(), y.view(), &options).unwrap();
                let gap = duality_gap(&x, &y, &fit, &options);
                assert!(gap <= 1e-10 * y.var(0.0), "{alpha} {l1_ratio} {gap} {:?}", fit.certificate);
                assert!(fit.iterations <= 25, "{} rounds for {alpha}, {l1_ratio}", fit.iterations);
            }
        }
    }
}

#[test]
fn one_row_is_its_own_mean() {
    let (x, y) = (array![[3.0, -1.0]], array![2.0]);
    for options in [lasso(0.1), lasso(0.0), ElasticNetOptions { l1_ratio: 0.0, ..lasso(0.1) }] {
        let fit = elastic_net(x.view(), y.view(), &options).unwrap();
        assert_eq!((fit.support().len(), fit.intercept, fit.certificate.gap), (0, 2.0, 0.0));
        let through_zero = ElasticNetOptions { fit_intercept: false, ..options };
        let fit = elastic_net(x.view(), y.view(), &through_zero).unwrap();
        assert!(fit.weights[0] > 0.5 && fit.intercept == 0.0, "{fit:?}");
    }
    let fit = ridge(x.view(), y.view(), 1.0).unwrap();
    assert_eq!((fit.weights, fit.intercept, fit.degrees_of_freedom), (array![0.0, 0.0], 2.0, 0.0));
}

/// From weights of 1e-140 to weights of 1e140.
#[test]
fn scales_far_from_one_are_no_obstacle() {
    let (n, p) = (15, 4);
    let x = Array2::from_shape_fn((n, p), |(i, j)| (1.7 * (i * p + j) as f64).sin());
    let y: Array1<f64> = (0..n).map(|i| (0.9 * i as f64).cos()).collect();
    let (of_lasso, of_ridge) =
        (elastic_net(x.view(), y.view(), &lasso(0.004)).unwrap(), ridge(x.view(), y.view(), 0.5).unwrap());
    assert!(!of_lasso.support().is_empty());
    for (a, b) in [(1e140, 1e-140), (1e-140, 1e140), (1e-70, 1e-70), (1e150, 1.0), (1.0, 1e-150)] {
        let (x, y) = (&x * a, &y * b);
        let near = |scaled: &Array1<f64>, of_one: &Array1<f64>| {
            scaled.iter().zip(of_one).all(|(s, w)| (s - w / a * b).abs() <= 1e-9 * (w / a * b).abs())
        };
        let fit = elastic_net(x.view(), y.view(), &lasso(0.004 * a * b)).unwrap();
        assert!(near(&fit.weights, &of_lasso.weights), "{a} {b} {}", fit.weights);
        let fit = ridge(x.view(), y.view(), 0.5 * a * a).unwrap();
        assert!(near(&fit.weights, &of_ridge.weights), "{a} {b} {}", fit.weights);
        assert!((fit.degrees_of_freedom - of_ridge.degrees_of_freedom).abs() < 1e-12);
        let here = of_ridge.certificate.objective * b * b;
        assert!((fit.certificate.objective - here).abs() <= 1e-12 * here, "{a} {b} {:?}", fit.certificate);
    }
}

#[test]
fn ridge_of_dependent_columns_shares_down_to_the_smallest_strengths() {
    let column = array![[0.3], [1.7], [-0.4], [2.2], [0.1]];
    let x = concatenate![Axis(1), column, column, 2.0 * &column];
    let y = array![0.5, 2.0, -0.2, 2.5, 0.3];
    let alone = ridge(column.view(), y.view(), 0.0).unwrap().weights[0];
    for alpha in [1e-6, 1e-12, 1e-30, 1e-300, 0.0] {
        // The least of ‖w‖² with w₀ + w₁ + 2w₂ given.
        let fit = ridge(x.view(), y.view(), alpha).unwrap();
        let shares = array![1.0, 1.0, 2.0] * alone / 6.0;
        assert!(close(fit.weights.view(), shares.view(), 1e-6 * alone), "{alpha} {} {shares}", fit.weights);
        assert!((fit.degrees_of_freedom - 1.0).abs() < 1e-6);
        let options = ElasticNetOptions { alpha, l1_ratio: 0.0, ..Default::default() };
        assert!(elastic_net(x.view(), y.view(), &options).unwrap().certificate.gap < 1e-12);
    }
}

#[test]
fn constant_columns_have_no_weight() {
    let x = array![[0.1, 1.0, 7.0], [0.1, 2.0, 7.0], [0.1, 4.0, 7.0]];
    let y = array![1.0, 2.0, 4.0];
    for options in [lasso(0.01), lasso(0.0), ElasticNetOptions { alpha: 0.01, l1_ratio: 0.0, ..Default::default() }] {
        let fit = elastic_net(x.view(), y.view(), &options).unwrap();
        assert_eq!(fit.support(), [1], "{options:?}");
    }
    let fit = elastic_net(x.view(), array![5.0, 5.0, 5.0].view(), &lasso(0.5)).unwrap();
    assert_eq!((fit.support().len(), fit.intercept, fit.certificate.gap), (0, 5.0, 0.0));
    assert!(fit.certificate.support_is_certain);
}

#[test]
fn without_a_penalty_it_is_least_squares() {
    // The third column is the sum of the first two, and y is 1 + 2a − 3b.
    let x = array![[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [2.0, 1.0, 3.0], [-1.0, 3.0, 2.0], [0.5, 0.25, 0.75]];
    let y = x.dot(&array![2.0, -3.0, 0.0]) + 1.0;
    let fit = elastic_net(x.view(), y.view(), &lasso(0.0)).unwrap();
    // Of 2 + t, −3 + t and −t the squares are least for t = 1/3.
    assert!(close(fit.weights.view(), array![7.0 / 3.0, -8.0 / 3.0, -1.0 / 3.0].view(), 1e-13), "{}", fit.weights);
    assert!((fit.intercept - 1.0).abs() < 1e-13 && fit.certificate.gap < 1e-25 && fit.iterations == 0);
    assert!(!fit.certificate.support_is_certain);
    let same = ridge(x.view(), y.view(), 0.0).unwrap();
    assert_eq!((same.degrees_of_freedom, &same.weights), (2.0, &fit.weights));
    assert!(close(same.predict(x.view()).unwrap().view(), y.view(), 1e-13));
}

#[test]
fn strengths_beside_a_mean_squared_error_have_the_same_optimum() {
    let options = ElasticNetOptions::beside_mse(0.3, 0.05, 1).unwrap();
    let (l1, l2) = options.penalties_beside_mse(1).unwrap();
    assert!((l1 - 0.3).abs() < 1e-15 && (l2 - 0.05).abs() < 1e-15);
    assert!((options.alpha * options.l1_ratio - 0.15).abs() < 1e-15);
    assert_eq!(ElasticNetOptions::beside_mse(0.0, 0.0, 1).unwrap().penalties_beside_mse(1).unwrap(), (0.0, 0.0));

    let (x, y) = (array![[1.0, 0.2], [0.5, -1.0], [-2.0, 0.3], [0.1, 0.9]], array![1.0, 0.1, -2.5, 0.8]);
    let fit = elastic_net(x.view(), y.view(), &options).unwrap();
    let loss = |weights: &Array1<f64>| {
        let residual = &y - &x.dot(weights) - fit.intercept;
        residual.dot(&residual) / 4.0 + 0.3 * weights.mapv(f64::abs).sum() + 0.05 * weights.dot(weights)
    };
    for (i, by) in [(0, 1e-4), (0, -1e-4), (1, 1e-4), (1, -1e-4)] {
        let mut weights = fit.weights.clone();
        weights[i] += by;
        assert!(loss(&weights) > loss(&fit.weights));
    }
}

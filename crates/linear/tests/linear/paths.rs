//! Paths: each point a solution of its own, from the first nonzero weight on.

use crate::common::{close, diabetes, duality_gap, options, problem, with_ratio};
use ndarray::{Array1, Array2, array};
use proptest::prelude::*;
use wane_linear::{ElasticNetOptions, PathOptions, elastic_net, lambda_max, path};

#[test]
fn diabetes_enters_in_the_order_that_is_known() {
    let (x, y, names) = diabetes();
    let largest = lambda_max(x.view(), y.view(), &with_ratio(1.0)).unwrap();
    assert!((largest - 45.160030).abs() < 5e-7, "{largest}");
    let path = path(x.view(), y.view(), &PathOptions { l1_ratio: 1.0, ..Default::default() }).unwrap();
    let order: Vec<_> = path.order_of_entry().into_iter().map(|column| &*names[column]).collect();
    assert_eq!(order, ["bmi", "s5", "bp", "s3", "sex", "s6", "s1", "s4", "s2", "age"]);

    assert_eq!((path.alphas.len(), path.alphas[0], path.fits[0].support().len()), (100, largest, 0));
    assert!((path.alphas[99] / largest - 1e-3).abs() < 1e-15);
    let weights = path.weights();
    assert_eq!((weights.dim(), weights.row(99)), ((100, 10), path.fits[99].weights.view()));
    let scale = y.var(0.0);
    for (&alpha, fit) in path.alphas.iter().zip(&path.fits) {
        let gap = duality_gap(&x, &y, fit, &ElasticNetOptions { alpha, ..with_ratio(1.0) });
        assert!(gap <= 1e-10 * scale && fit.certificate.kkt_violation <= 1e-10 * largest, "{gap} {fit:?}");
    }
    let rounds: usize = path.fits.iter().map(|fit| fit.iterations).sum();
    assert!(rounds <= 150, "{rounds} rounds for 100 points");
}

#[test]
fn just_below_the_largest_alpha_there_is_one_weight() {
    let (x, y, names) = diabetes();
    for l1_ratio in [1.0, 0.5, 0.1] {
        let largest = lambda_max(x.view(), y.view(), &with_ratio(l1_ratio)).unwrap();
        let at = |alpha| {
            let options = ElasticNetOptions { alpha, l1_ratio, ..Default::default() };
            elastic_net(x.view(), y.view(), &options).unwrap()
        };
        assert!(at(largest).weights.iter().all(|w| w.to_bits() == 0));
        for below in [1.0 - 1e-12, 1.0 - 1e-6, 0.999] {
            let support = at(below * largest).support();
            assert_eq!(support.iter().map(|&column| &*names[column]).collect::<Vec<_>>(), ["bmi"]);
        }
    }
}

#[test]
fn more_columns_than_rows_are_no_obstacle() {
    let (n, p) = (20, 200);
    let x = Array2::from_shape_fn((n, p), |(i, j)| ((i * p + j) as f64 * 0.7).sin() + 0.5 * (i as f64).cos());
    let y: Array1<f64> = (0..n).map(|i| x[(i, 3)] - 2.0 * x[(i, 70)] + 0.1 * (i as f64).sin()).collect();
    for l1_ratio in [1.0, 0.5] {
        let path = path(x.view(), y.view(), &PathOptions { l1_ratio, ..Default::default() }).unwrap();
        for (&alpha, fit) in path.alphas.iter().zip(&path.fits) {
            let gap = duality_gap(&x, &y, fit, &ElasticNetOptions { alpha, ..with_ratio(l1_ratio) });
            assert!(gap <= 1e-10 * y.var(0.0) && fit.iterations <= 20, "alpha {alpha}: {gap} {fit:?}");
            assert!(l1_ratio < 1.0 || fit.support().len() < n);
        }
    }
}

#[test]
fn given_alphas_are_taken_from_the_largest_on() {
    let (x, y, _) = diabetes();
    let options = PathOptions { alphas: Some(vec![0.5, 20.0, 0.0, 3.0]), ..Default::default() };
    let path = path(x.view(), y.view(), &options).unwrap();
    assert_eq!(path.alphas, [20.0, 3.0, 0.5, 0.0]);
    for (&alpha, fit) in path.alphas.iter().zip(&path.fits) {
        let alone = elastic_net(x.view(), y.view(), &ElasticNetOptions { alpha, ..Default::default() }).unwrap();
        assert_eq!(alone.support(), fit.support());
        assert!(close(alone.weights.view(), fit.weights.view(), 1e-9));
        assert!(fit.certificate.support_is_certain, "alpha {alpha}");
    }
}

#[test]
fn columns_that_enter_together_stand_in_their_order() {
    let (x, y) = (array![[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [0.0, -2.0]], array![1.0, 3.0, -1.0, -3.0]);
    let order = |count| {
        let options = PathOptions { l1_ratio: 1.0, count, ..Default::default() };
        path(x.view(), y.view(), &options).unwrap().order_of_entry()
    };
    assert_eq!((order(1), order(2), order(100)), (vec![], vec![0, 1], vec![1, 0]));
}

proptest! {
    #[test]
    fn a_path_is_its_solutions((x, y) in problem(1..8), options in options()) {
        let ElasticNetOptions { l1_ratio, fit_intercept, .. } = options;
        let path_options = PathOptions { l1_ratio, fit_intercept, count: 12, ..Default::default() };
        let Ok(path) = path(x.view(), y.view(), &path_options) else {
            return Err(TestCaseError::reject("nothing goes with y"));
        };
        for (&alpha, fit) in path.alphas.iter().zip(&path.fits) {
            let alone = elastic_net(x.view(), y.view(), &ElasticNetOptions { alpha, ..options }).unwrap();
            let (here, there) = (fit.certificate.objective, alone.certificate.objective);
            prop_assert!((here - there).abs() <= 1e-11 * (1.0 + y.dot(&y)), "{here} {there}");
        }
    }
}

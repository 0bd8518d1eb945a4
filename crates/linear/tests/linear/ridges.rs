//! Ridge: its certificate, and what is known of it before any target is seen.

use crate::common::{close, problem};
use ndarray::{Array1, Array2, Axis, array};
use proptest::prelude::*;
use wane_linear::{RidgeSmoother, ridge};

/// ‖y − Xw − b‖² + alpha ‖w‖², over 2n.
fn objective(x: &Array2<f64>, y: &Array1<f64>, alpha: f64, (weights, intercept): (&Array1<f64>, f64)) -> f64 {
    let residual = y - &x.dot(weights) - intercept;
    (residual.dot(&residual) + alpha * weights.dot(weights)) / (2.0 * y.len() as f64)
}

proptest! {
    #[test]
    fn a_certificate_is_true_of_the_ridge((x, y) in problem(1..18), alpha in prop_oneof![Just(0.0), 1e-3..10.0_f64]) {
        let fit = ridge(x.view(), y.view(), alpha).unwrap();
        let here = objective(&x, &y, alpha, (&fit.weights, fit.intercept));
        let scale = 1.0 + y.dot(&y);
        prop_assert!((fit.certificate.objective - here).abs() <= 1e-13 * scale, "{fit:?} {here}");
        prop_assert!((0.0..=1e-12 * scale).contains(&fit.certificate.gap), "{fit:?}");
        let residual = &y - &fit.predict(x.view()).unwrap();
        let slopes = alpha * &fit.weights - (&x - &x.mean_axis(Axis(0)).unwrap()).t().dot(&residual);
        let violation = slopes.iter().fold(0.0, |most: f64, slope| most.max(slope.abs())) / y.len() as f64;
        prop_assert!((fit.certificate.kkt_violation - violation).abs() <= 1e-12, "{fit:?} {violation}");
    }
}

proptest! {
    #[test]
    fn a_smoother_is_its_ridge((x, y) in problem(1..18), alpha in prop_oneof![Just(0.0), 1e-3..10.0_f64]) {
        let fit = ridge(x.view(), y.view(), alpha).unwrap();
        let smoother = RidgeSmoother::new(x.view(), alpha).unwrap();
        let fitted = smoother.fitted(y.view()).unwrap();
        prop_assert!(close(fitted.view(), fit.predict(x.view()).unwrap().view(), 1e-9), "{fitted}");
        prop_assert!((smoother.degrees_of_freedom() - fit.degrees_of_freedom).abs() <= 1e-12 * y.len() as f64);
        prop_assert!((smoother.leverages().sum() - fit.degrees_of_freedom - 1.0).abs() <= 1e-12 * y.len() as f64);
    }
}

/// A difference of 1e-9 between columns is one of 1e-18 in their products: lost there, and not in the singular values.
#[test]
fn a_smoother_tells_columns_apart_that_are_nearly_one() {
    let x = Array2::from_shape_fn((30, 2), |(i, j)| (0.7 * i as f64).sin() + 1e-9 * j as f64 * (1.3 * i as f64).cos());
    let y: Array1<f64> = (0..30).map(|i| (0.7 * i as f64).sin() + (1.3 * i as f64).cos()).collect();
    let smoother = RidgeSmoother::new(x.view(), 0.0).unwrap();
    assert!((smoother.degrees_of_freedom() - 2.0).abs() < 1e-12, "{}", smoother.degrees_of_freedom());
    assert!(close(smoother.fitted(y.view()).unwrap().view(), y.view(), 1e-5));
    // An alpha of the square of what tells them apart.
    let alpha = 1e-17;
    let fit = ridge(x.view(), y.view(), alpha).unwrap();
    assert!(fit.degrees_of_freedom > 1.2 && fit.degrees_of_freedom < 1.8, "{fit:?}");
    let of_map = RidgeSmoother::new(x.view(), alpha).unwrap().degrees_of_freedom();
    assert!((of_map - fit.degrees_of_freedom).abs() < 1e-12, "{of_map}");
}

#[test]
fn a_ridge_is_certain_of_its_weights_where_no_other_will_do() {
    let (x, y) = (array![[1.0, 0.2], [0.5, -1.0], [-2.0, 0.3], [0.1, 0.9]], array![1.0, 0.1, -2.5, 0.8]);
    for alpha in [0.0, 1e-9, 1.0, 1e3] {
        assert!(ridge(x.view(), y.view(), alpha).unwrap().certificate.support_is_certain, "{alpha}");
    }
    // The same column twice: any share of the weight is least squares.
    let twice = x.select(Axis(1), &[0, 0]);
    for (alpha, is_certain) in [(0.0, false), (1.0, true)] {
        let fit = ridge(twice.view(), y.view(), alpha).unwrap();
        assert_eq!(fit.certificate.support_is_certain, is_certain, "{alpha}");
        assert!(close(fit.weights.slice(ndarray::s![..1]), fit.weights.slice(ndarray::s![1..]), 1e-14), "{fit:?}");
    }
}

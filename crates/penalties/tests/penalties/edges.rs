//! Kinks, magnitudes at the ends of the range, empty axes, and numbers that are none.

use crate::common::{close, of};
use wane_autodiff::ndarray::{Array2, ArrayD, arr0, arr1, arr2};
use wane_autodiff::{Float, Penalty};
use wane_penalties::{ElasticNet, GroupLasso, L1, L2};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Equal, NaN being equal to NaN.
fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

#[track_caller]
fn expect<P: Penalty<f64> + Clone + 'static>(penalty: P, array: ArrayD<f64>, value: f64, gradient: &[f64]) {
    let (got, slopes) = of(&penalty, array);
    assert!(same(got, value), "{}: value {got}, wanted {value}", penalty.name());
    let agree = slopes.len() == gradient.len() && slopes.iter().zip(gradient).all(|(&a, &b)| same(a, b));
    assert!(agree, "{}: gradient {slopes:?}, wanted {gradient:?}", penalty.name());
}

#[test]
fn the_slope_of_l1_at_zero_is_zero() {
    let w = arr1(&[0.0, -0.0, 1e-320, -1e-320]).into_dyn();
    expect(L1::new(0.5).unwrap(), w.clone(), 1e-320, &[0.0, 0.0, 0.5, -0.5]);
    expect(ElasticNet::new(0.5, 0.0).unwrap(), w.clone(), 1e-320, &[0.0, 0.0, 0.5, -0.5]);
    expect(ElasticNet::new(0.5, 4.0).unwrap(), arr0(-0.0).into_dyn(), 0.0, &[0.0]);
    for zero in [0.0_f32, -0.0] {
        assert_eq!(of(&L1::new(3.0).unwrap(), arr0(zero).into_dyn()), (0.0, vec![0.0]));
    }
}

#[test]
fn the_slope_of_a_dead_group_is_zero() {
    // λ√4 = 1 in rows of four, λ√2 in columns of two.
    let w = arr2(&[[0.0, -0.0, 0.0, 0.0], [0.0, 3.0, 0.0, -4.0]]).into_dyn();
    expect(GroupLasso::rows(0.5).unwrap(), w.clone(), 5.0, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.6, 0.0, -0.8]);
    let slope = 0.5 * 2.0_f64.sqrt();
    expect(GroupLasso::columns(0.5).unwrap(), w, slope * 7.0, &[0.0, 0.0, 0.0, 0.0, 0.0, slope, 0.0, -slope]);
    for penalty in [GroupLasso::rows(2.0).unwrap(), GroupLasso::columns(2.0).unwrap()] {
        expect(penalty, Array2::zeros((2, 3)).into_dyn(), 0.0, &[0.0; 6]);
        expect(penalty, -Array2::<f64>::zeros((2, 3)).into_dyn(), 0.0, &[0.0; 6]);
    }
}

#[test]
fn nan_shows_where_it_is() {
    let w = arr1(&[1.0, NAN, -1.0]).into_dyn();
    expect(L1::new(0.5).unwrap(), w.clone(), NAN, &[0.5, NAN, -0.5]);
    expect(L2::new(0.5).unwrap(), w.clone(), NAN, &[1.0, NAN, -1.0]);
    expect(ElasticNet::new(0.5, 0.5).unwrap(), w, NAN, &[1.5, NAN, -1.5]);
    // A NaN may stand before, between or behind larger numbers, and between zeros.
    for (row, in_order) in [([NAN, 9.0], "first"), ([9.0, NAN], "last"), ([NAN, 0.0], "zero"), ([INF, NAN], "inf")] {
        let w = arr2(&[[0.0, 2.0], row]).into_dyn();
        let (value, gradient) = of(&GroupLasso::rows(1.0).unwrap(), w.clone());
        assert!(value.is_nan(), "{in_order}: {value}");
        let finite: Vec<bool> = gradient.iter().map(|slope| slope.is_finite()).collect();
        assert_eq!(finite, [true, true, false, false], "{in_order}: {gradient:?}");
        let (value, gradient) = of(&GroupLasso::columns(1.0).unwrap(), w.t().to_owned());
        assert!(value.is_nan() && gradient[1].is_nan() && gradient[3].is_nan(), "{in_order}: {gradient:?}");
        assert!(gradient[0].is_finite() && gradient[2].is_finite(), "{in_order}: {gradient:?}");
    }
}

#[test]
fn an_infinite_weight_has_an_infinite_penalty() {
    let w = arr1(&[INF, -INF, 1.0]).into_dyn();
    expect(L1::new(0.5).unwrap(), w.clone(), INF, &[0.5, -0.5, 0.5]);
    expect(L2::new(0.5).unwrap(), w.clone(), INF, &[INF, -INF, 1.0]);
    expect(ElasticNet::new(0.5, 0.5).unwrap(), w, INF, &[INF, -INF, 1.5]);
    // w/‖w‖ is ∞/∞ in the infinite weight and 1/∞ beside it.
    let w = arr2(&[[-INF, 1.0], [0.0, -2.0]]).into_dyn();
    let slope = 2.0_f64.sqrt();
    expect(GroupLasso::rows(1.0).unwrap(), w, INF, &[NAN, 0.0, 0.0, -slope]);
}

/// Groups of norm 5·size, and the same of norm 5: the gradient is the same, the value in proportion.
fn scaled<T: Float>(size: f64, tolerance: f64) {
    let w = |size: f64| arr2(&[[3.0, -4.0], [0.0, 5.0], [-4.0, 3.0]]).mapv(|w: f64| T::of(w * size)).into_dyn();
    for penalty in [GroupLasso::rows(0.5).unwrap(), GroupLasso::columns(0.5).unwrap()] {
        let (plain, slopes) = of(&penalty, w(1.0));
        let (value, gradient) = of(&penalty, w(size));
        assert!(close(value.widen() / size, plain.widen(), tolerance), "{} at {size}: {value}", T::NAME);
        for (got, wanted) in gradient.iter().zip(slopes) {
            assert!(close(got.widen(), wanted.widen(), tolerance), "{} at {size}: {got}, wanted {wanted}", T::NAME);
        }
    }
}

#[test]
fn group_norms_neither_vanish_nor_overflow() {
    for size in [1e-300, 1e-200, 1e-160, 1e160, 1e200, 1e300] {
        scaled::<f64>(size, 1e-15);
    }
    for size in [1e-36, 1e-30, 1e-22, 1e22, 1e30, 1e37] {
        scaled::<f32>(size, 5e-7);
    }
}

#[test]
fn groups_of_one_weight_are_l1() {
    for w in [1e-300, 1.0, -3.0, f64::MAX / 4.0] {
        expect(GroupLasso::rows(0.5).unwrap(), arr2(&[[w]]).into_dyn(), 0.5 * w.abs(), &[0.5 * w.signum()]);
    }
    let w = arr2(&[[1.0, -2.0, 0.0]]).into_dyn();
    expect(GroupLasso::columns(0.5).unwrap(), w, 1.5, &[0.5, -0.5, 0.0]);
}

#[test]
fn empty_parameters_cost_nothing() {
    for dims in [&[0][..], &[0, 3], &[3, 0], &[2, 0, 2]] {
        expect(L1::new(1.0).unwrap(), ArrayD::zeros(dims), 0.0, &[]);
        expect(L2::new(1.0).unwrap(), ArrayD::zeros(dims), 0.0, &[]);
        expect(ElasticNet::new(1.0, 1.0).unwrap(), ArrayD::zeros(dims), 0.0, &[]);
    }
    for dims in [[0, 3], [3, 0], [0, 0]] {
        expect(GroupLasso::rows(1.0).unwrap(), ArrayD::zeros(&dims[..]), 0.0, &[]);
        expect(GroupLasso::columns(1.0).unwrap(), ArrayD::zeros(&dims[..]), 0.0, &[]);
    }
}

#[test]
fn a_strength_of_zero_is_no_penalty() {
    let w = arr2(&[[1.0, -2.0], [0.0, 1e200]]).into_dyn();
    for zero in [0.0, -0.0] {
        expect(L1::new(zero).unwrap(), w.clone(), 0.0, &[0.0; 4]);
        expect(GroupLasso::rows(zero).unwrap(), w.clone(), 0.0, &[0.0; 4]);
        expect(GroupLasso::columns(zero).unwrap(), w.clone(), 0.0, &[0.0; 4]);
        let tame = w.mapv(|w| w.min(3.0));
        expect(L2::new(zero).unwrap(), tame.clone(), 0.0, &[0.0; 4]);
        expect(ElasticNet::new(zero, zero).unwrap(), tame, 0.0, &[0.0; 4]);
    }
}

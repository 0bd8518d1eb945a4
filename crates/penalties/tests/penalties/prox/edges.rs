//! Numbers that are none or at the ends of the range, empty axes, and what is refused.

use super::{Operator, all, prox, shape};
use crate::common::close;
use std::panic::catch_unwind;
use wane_autodiff::{Error, Float};
use wane_penalties::{Bounds, ElasticNet, GroupLasso, L0, L1, L2, MaxNorm, NonNegative, SparseGroupLasso, Step};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn elementwise() -> Vec<Operator> {
    all(0.5, 0.25).into_iter().filter(|operator| !format!("{operator:?}").contains("groups")).collect()
}

#[test]
fn nan_stays_where_it_is_or_takes_its_group() {
    let steps: [Step<'_, f64>; 2] = [Step::Uniform(0.5), Step::Each(&[0.5, 0.25, 1.0, 0.5, 0.5, 0.5])];
    // With 0, 9 and ∞ beside it, and one group without.
    for other in [0.0, 9.0, -INF] {
        let v = [other, NAN, 1.0, 5.0, -3.0, 4.0];
        for step in steps {
            for operator in elementwise() {
                let x = prox(&*operator, &v, 3, step);
                let nan: Vec<bool> = x.iter().map(|x| x.is_nan()).collect();
                assert_eq!(nan, [false, true, false, false, false, false], "{operator:?}: {x:?}");
                assert!(operator.value(&v, shape(&[2, 3])).is_nan() || other == -INF, "{operator:?}");
            }
            let rows = GroupLasso::rows(0.5).unwrap();
            let members: [Operator; 3] = [
                Box::new(rows),
                Box::new(SparseGroupLasso::new(0.1, rows).unwrap()),
                Box::new(MaxNorm::rows(0.5).unwrap()),
            ];
            for operator in members {
                let x = prox(&*operator, &v, 3, step);
                assert!(
                    x[..3].iter().all(|x| x.is_nan()) && x[3..].iter().all(|x| x.is_finite()),
                    "{operator:?}: {x:?}"
                );
            }
            let x = prox(&GroupLasso::columns(0.5).unwrap(), &v, 3, step);
            assert!(x[1].is_nan() && x[4].is_nan() && x[2].is_finite() && x[5].is_finite(), "{x:?}");
        }
    }
}

#[test]
fn a_step_that_is_nan_shows() {
    let s = [0.5, NAN];
    for operator in [Box::new(L1::new(0.5).unwrap()) as Operator, Box::new(L2::new(0.5).unwrap())] {
        let x = prox(&*operator, &[3.0, 4.0], 2, Step::Each(&s));
        assert!(x[0].is_finite() && x[1].is_nan(), "{operator:?}: {x:?}");
    }
    for operator in [Box::new(GroupLasso::rows(0.5).unwrap()) as Operator, Box::new(MaxNorm::rows(0.5).unwrap())] {
        let x = prox(&*operator, &[3.0, 4.0], 2, Step::Each(&s));
        assert!(x.iter().all(|x| x.is_nan()), "{operator:?}: {x:?}");
    }
}

#[test]
fn infinite_weights_stay_outside_of_constraints() {
    let v = [INF, -INF, 1.0];
    for step in [Step::Uniform(0.5), Step::Each(&[0.5, 0.25, 0.5])] {
        assert_eq!(prox(&L1::new(1.0).unwrap(), &v, 3, step), [INF, -INF, 0.5]);
        assert_eq!(prox(&L2::new(1.0).unwrap(), &v, 3, step), [INF, -INF, 0.5]);
        assert_eq!(prox(&L0::new(1.0).unwrap(), &v, 3, step), [INF, -INF, 0.0]);
        assert_eq!(prox(&GroupLasso::rows(1.0).unwrap(), &v, 3, step), v);
        assert_eq!(prox(&Bounds::within(2.0).unwrap(), &v, 3, step), [2.0, -2.0, 1.0]);
        assert_eq!(prox(&NonNegative::new(), &v, 3, step), [INF, 0.0, 1.0]);
        let x = prox(&MaxNorm::rows(1.0).unwrap(), &v, 3, step);
        assert!(x[0].is_nan() && x[1].is_nan() && x[2] == 0.0, "{x:?}");
    }
}

/// Groups of weights near `size` are what groups of weights near 1 are, in proportion.
fn scaled<T: Float>(size: f64, tolerance: f64) {
    let v = |size: f64| [3.0, -4.0, 0.0, 5.0, 0.5, -0.25].map(|v: f64| T::of(v * size));
    let s = [0.5, 1.0, 2.0, 0.25, 1.0, 0.5].map(T::of);
    for step in [Step::Uniform(T::of(0.5)), Step::Each(&s)] {
        let lasso = |size: f64| GroupLasso::rows(size).unwrap();
        let ball = |size: f64| MaxNorm::columns(size).unwrap();
        for (plain, sized) in [
            (prox(&lasso(1.0), &v(1.0), 2, step), prox(&lasso(size), &v(size), 2, step)),
            (prox(&ball(1.0), &v(1.0), 2, step), prox(&ball(size), &v(size), 2, step)),
        ] {
            for (plain, sized) in plain.iter().zip(sized) {
                assert!(close(sized.widen() / size, plain.widen(), tolerance), "{} at {size}: {sized}", T::NAME);
            }
        }
    }
}

#[test]
fn groups_neither_vanish_nor_overflow() {
    for size in [1e-300, 1e-200, 1e-160, 1e160, 1e200, 1e300] {
        scaled::<f64>(size, 1e-14);
    }
    for size in [1e-36, 1e-30, 1e-22, 1e22, 1e30, 1e37] {
        scaled::<f32>(size, 1e-6);
    }
}

#[test]
fn empty_parameters_are_left_alone() {
    for operator in all(0.5, 0.25) {
        for dims in [[0, 3], [3, 0], [0, 0]] {
            for step in [Step::Uniform(0.5), Step::Each(&[])] {
                operator.apply(&mut [], shape(&dims), step);
            }
            assert_eq!(operator.value(&[], shape(&dims)).to_bits(), 0, "{operator:?}");
        }
    }
}

/// A learning rate of 0 moves nothing that is inside, and a strength of 0 nothing at all.
#[test]
fn steps_and_strengths_of_zero_are_none() {
    let v = [3.0, -4.0, 0.5, 0.25];
    let none: [Operator; 5] = [
        Box::new(L1::new(0.0).unwrap()),
        Box::new(L2::new(0.0).unwrap()),
        Box::new(L0::new(0.0).unwrap()),
        Box::new(GroupLasso::rows(0.0).unwrap()),
        Box::new(GroupLasso::columns(0.0).unwrap()),
    ];
    for operator in none {
        for step in [Step::Uniform(0.5), Step::Each(&[0.5, 1.0, 2.0, 0.1])] {
            assert_eq!(prox(&*operator, &v, 2, step), v, "{operator:?}");
        }
    }
    let penalties: [Operator; 5] = [
        Box::new(L1::new(1.0).unwrap()),
        Box::new(L2::new(1.0).unwrap()),
        Box::new(L0::new(1.0).unwrap()),
        Box::new(GroupLasso::rows(1.0).unwrap()),
        Box::new(GroupLasso::columns(1.0).unwrap()),
    ];
    for operator in penalties {
        for step in [Step::Uniform(0.0), Step::Each(&[0.0; 4])] {
            assert_eq!(prox(&*operator, &v, 2, step), v, "{operator:?}");
        }
    }
    for step in [Step::Uniform(0.0), Step::Each(&[0.0; 4])] {
        assert_eq!(prox(&MaxNorm::rows(2.5).unwrap(), &v, 2, step), [1.5, -2.0, 0.5, 0.25]);
    }
}

#[test]
fn what_comes_to_nothing_is_a_positive_zero() {
    let shrunk = [
        prox(&ElasticNet::new(0.0, 4.0).unwrap(), &[-5e-324, -0.0], 2, Step::Uniform(1.0)),
        prox(&L2::new(4.0).unwrap(), &[-5e-324, -0.0], 2, Step::Uniform(1.0)),
        // Dead groups, where nothing is 0/0.
        prox(&GroupLasso::rows(0.0).unwrap(), &[0.0, -0.0], 2, Step::Each(&[0.5, 1.0])),
        prox(&GroupLasso::columns(1.0).unwrap(), &[0.0, -0.0], 1, Step::Each(&[0.0, 0.0])),
        prox(&MaxNorm::rows(0.0).unwrap(), &[0.0, -0.0], 2, Step::Each(&[0.5, 1.0])),
    ];
    for x in shrunk {
        assert!(x.iter().all(|x: &f64| x.to_bits() == 0), "{x:?}");
    }
}

type Construct = fn(f64) -> Option<Error>;

#[test]
fn options_out_of_range_are_refused_by_name() {
    let strengths: [(&str, Construct); 7] = [
        ("L0 lambda", |x| L0::new(x).err()),
        ("NonNegative lambda", |x| NonNegative::with_l1(x).err()),
        ("Bounds radius", |x| Bounds::within(x).err()),
        ("MaxNorm radius", |x| MaxNorm::rows(x).err()),
        ("MaxNorm radius", |x| MaxNorm::columns(x).err()),
        ("MaxNorm radius", |x| MaxNorm::whole(x).err()),
        ("SparseGroupLasso: L1 lambda", |x| SparseGroupLasso::new(x, GroupLasso::rows(1.0).ok()?).err()),
    ];
    for (field, construct) in strengths {
        for (value, given) in [(-0.1, "-0.1"), (NAN, "NaN"), (INF, "inf"), (-INF, "-inf")] {
            let error = construct(value).unwrap();
            assert_eq!(error.to_string(), format!("{field} is {given}; expected a finite number, 0 or above"));
        }
        assert!(construct(0.0).is_none() && construct(f64::MAX).is_none());
    }
    let said = |lower, upper| Bounds::new(lower, upper).unwrap_err().to_string();
    assert_eq!(said(1.0, 0.5), "Bounds lower is 1; expected at most upper, which is 0.5");
    assert_eq!(said(NAN, 0.5), "Bounds lower is NaN; expected a finite number, or -inf");
    assert_eq!(said(INF, INF), "Bounds lower is inf; expected a finite number, or -inf");
    assert_eq!(said(0.0, NAN), "Bounds upper is NaN; expected a finite number, or inf");
    assert_eq!(said(-INF, -INF), "Bounds upper is -inf; expected a finite number, or inf");
    assert!(Bounds::new(-INF, INF).is_ok() && Bounds::new(2.0, 2.0).is_ok());
}

#[test]
fn shapes_and_steps_that_do_not_fit_are_refused() {
    for operator in all(0.5, 0.25) {
        let name = format!("{operator:?}");
        let wants_a_matrix = name.contains("Rows") || name.contains("Columns");
        assert_eq!(operator.check(shape(&[3])).is_err(), wants_a_matrix, "{name}");
        assert!(operator.check(shape(&[3, 2])).is_ok());
        let short = catch_unwind(|| {
            let operators = all(0.5, 0.25);
            let operator = operators.iter().find(|operator| format!("{operator:?}") == name).unwrap();
            prox(&**operator, &[1.0; 4], 2, Step::Each(&[0.5; 3]))
        });
        assert!(short.is_err(), "{name} took three steps for four weights");
    }
}

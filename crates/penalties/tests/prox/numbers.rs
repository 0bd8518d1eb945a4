//! Brute force, and numbers worked out by hand.

use crate::common::{close, config};
use crate::{Case, all, groups, prox, shape};
use proptest::prelude::{prop_assert, proptest};
use wane_autodiff::{Params, gradcheck, ndarray::arr2};
use wane_penalties::{
    Bounds, ElasticNet, GroupLasso, L0, L1, L2, MaxNorm, NonNegative, Prox, Regularizer, SparseGroupLasso, Step,
};

const GRID: i32 = 2000;

proptest! {
    #![proptest_config(config(48))]

    /// One weight, over 4001 places from −4 to 4.
    #[test]
    fn no_place_of_a_grid_is_better(v in -3.5..3.5_f64, s in 0.05..2.0_f64, a in 0.05..1.5_f64, b in 0.05..1.5_f64) {
        let case = Case { columns: 1, v: vec![v], u: vec![], s: vec![s] };
        for operator in all(a, b) {
            let x = case.prox(&*operator, &case.v);
            let at = |i: i32| case.objective(&*operator, &[f64::from(i) * 4.0 / f64::from(GRID)]);
            let (best, i) = (-GRID..=GRID).map(|i| (at(i), i)).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            let least = case.objective(&*operator, &x);
            prop_assert!(least <= best + 1e-14, "{operator:?}: {least} at {x:?}, {best} on the grid");
            let far = (x[0] - f64::from(i) * 4.0 / f64::from(GRID)).abs();
            prop_assert!(far <= 4.0 / f64::from(GRID) || best - least < 1e-5, "{operator:?}: {far} from the best");
        }
    }

    /// A group of two, in a metric, over 401 × 401 places.
    #[test]
    fn no_place_of_a_plane_is_better(
        v in (-2.0..2.0_f64, -2.0..2.0_f64), s in (0.05..2.0_f64, 0.05..2.0_f64), a in 0.05..1.5_f64, b in 0.05..1.5_f64,
    ) {
        let case = Case { columns: 2, v: vec![v.0, v.1], u: vec![], s: vec![s.0, s.1] };
        for operator in groups(a, b) {
            let x = case.prox(&*operator, &case.v);
            let at = |i: i32| f64::from(i) / 100.0;
            let places = (-200..=200).flat_map(|i| (-200..=200).map(move |j| [at(i), at(j)]));
            let (best, place) = places
                .map(|place| (case.objective(&*operator, &place), place))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .unwrap();
            let least = case.objective(&*operator, &x);
            prop_assert!(least <= best + 1e-14, "{operator:?}: {least} at {x:?}, {best} at {place:?}");
            // The grid comes as near as its spacing and the slopes let it.
            let slope: f64 = (0..2).map(|i| ((x[i] - case.v[i]).abs() + 0.01) / case.s[i] + 2.0 * (a + b)).sum();
            prop_assert!(best - least <= 0.01 * slope, "{operator:?}: {least} at {x:?}, {best} at {place:?}");
        }
    }
}

#[test]
fn hand_made_numbers_come_out() {
    let v = [3.0, -0.5, 0.25, -2.0];
    let uniform = |operator: &dyn Prox<f64>| prox(operator, &v, 4, Step::Uniform(0.5));
    let each = |operator: &dyn Prox<f64>| prox(operator, &v, 4, Step::Each(&[1.0, 0.25, 0.125, 2.0]));
    let l1 = L1::new(1.0).unwrap();
    assert_eq!(uniform(&l1), [2.5, 0.0, 0.0, -1.5]);
    assert_eq!(each(&l1), [2.0, -0.25, 0.125, 0.0]);
    let l2 = L2::new(1.5).unwrap();
    assert_eq!(uniform(&l2), [1.2, -0.2, 0.1, -0.8]);
    assert_eq!(each(&l2), [0.75, -0.5 / 1.75, 0.25 / 1.375, -2.0 / 7.0]);
    let elastic = ElasticNet::new(1.0, 1.5).unwrap();
    assert_eq!(uniform(&elastic), [1.0, 0.0, 0.0, -0.6]);
    assert_eq!(each(&elastic), [0.5, -0.25 / 1.75, 0.125 / 1.375, 0.0]);
    assert_eq!(uniform(&NonNegative::new()), [3.0, 0.0, 0.25, 0.0]);
    assert_eq!(each(&NonNegative::with_l1(1.0).unwrap()), [2.0, 0.0, 0.125, 0.0]);
    let bounds = Bounds::new(-1.0, 0.125).unwrap();
    assert_eq!(uniform(&bounds), [0.125, -0.5, 0.125, -1.0]);
    assert_eq!(each(&bounds), uniform(&bounds));
}

/// |v| = √(2sλ) leaves a choice: it is 0.
#[test]
fn a_tie_of_the_hard_threshold_is_zero() {
    let operator = L0::new(2.0).unwrap();
    let above = 2.0 + 2.0 * f64::EPSILON;
    assert_eq!(prox(&operator, &[2.0, -2.0, above, -above], 4, Step::Uniform(1.0)), [0.0, 0.0, above, -above]);
    assert_eq!(prox(&operator, &[2.0, -2.0, 1.0, 3.0], 4, Step::Each(&[1.0, 0.25, 0.25, 2.25])), [0.0, -2.0, 0.0, 0.0]);
    assert_eq!(prox(&operator, &[2.0_f32, -2.0, 2.0000002], 3, Step::Uniform(1.0)), [0.0, 0.0, 2.0000002]);
    // What a threshold of 0 leaves is everything, however small.
    let free = L0::new(0.0).unwrap();
    assert_eq!(prox(&free, &[5e-324, -1e-200, 0.0], 3, Step::Uniform(1.0)), [5e-324, -1e-200, 0.0]);
    assert_eq!(operator.value(&[0.0, -0.0, 5e-324, -7.0], shape(&[4])), 4.0);
}

#[test]
fn groups_shrink_by_their_norm() {
    let v = [3.0, 0.0, -4.0, 0.0, 0.25, 0.25, 0.25, 0.25];
    // √4 = 2: the norms 5 and ½ give way by 1.
    let rows = GroupLasso::rows(0.5).unwrap();
    let shrunk = prox(&rows, &v, 4, Step::Uniform(1.0));
    for (got, wanted) in shrunk.iter().zip([2.4, 0.0, -3.2, 0.0, 0.0, 0.0, 0.0, 0.0]) {
        assert!(close(*got, wanted, 3e-16), "{got} is not {wanted}");
    }
    let unweighted = prox(&rows.unweighted(), &v, 4, Step::Uniform(2.5));
    assert_eq!(unweighted, [2.25, 0.0, -3.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    // Columns of norm 5 and ¼√2, weight by weight in a matrix of four rows.
    let turned = [3.0, 0.25, 0.0, 0.0, -4.0, 0.25, 0.0, 0.0];
    let columns = GroupLasso::columns(1.25).unwrap();
    assert_eq!(prox(&columns, &turned, 2, Step::Uniform(1.0)), [1.5, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0]);
    // ‖v/s‖ = λ, a tie: the group is gone.
    assert_eq!(prox(&rows.unweighted(), &[3.0, 4.0], 2, Step::Uniform(10.0)), [0.0, 0.0]);
    assert_eq!(prox(&rows.unweighted(), &[2.5, 0.0], 2, Step::Each(&[5.0, 10.0])), [0.0, 0.0]);
    let value = |penalty: GroupLasso| Regularizer::<f64>::value(&penalty, &v, shape(&[2, 4]));
    assert_eq!((value(rows), value(rows.unweighted())), (5.5, 2.75));
}

/// Soft first, then the groups: in the other order the numbers are others.
#[test]
fn sparse_groups_are_thresholded_before_they_shrink() {
    let rows = GroupLasso::rows(2.5).unwrap().unweighted();
    let penalty = SparseGroupLasso::new(0.5, rows).unwrap();
    let v = [3.5, 0.25, -4.5];
    assert_eq!(prox(&penalty, &v, 3, Step::Uniform(1.0)), [1.5, 0.0, -2.0]);
    let groups_first: Vec<f64> =
        prox(&L1::new(0.5).unwrap(), &prox(&rows, &v, 3, Step::Uniform(1.0)), 3, Step::Uniform(1.0));
    assert!((groups_first[0] - 1.466_6).abs() < 1e-3 && groups_first[1] == 0.0, "{groups_first:?}");
    let case = |x: &[f64]| {
        let half_square: f64 = x.iter().zip(v).map(|(x, v)| (x - v) * (x - v) / 2.0).sum();
        half_square + penalty.value(x, shape(&[1, 3]))
    };
    assert!(case(&groups_first) > case(&[1.5, 0.0, -2.0]) + 1e-4);
}

#[test]
fn sparse_group_lasso_is_a_term_of_the_loss() {
    let mut params = Params::<f64>::new();
    let id = params.root().add("weight", &arr2(&[[0.5, -1.0, 2.0], [0.25, 3.0, -0.75]])).unwrap();
    let penalty = SparseGroupLasso::new(0.3, GroupLasso::columns(0.7).unwrap().unweighted()).unwrap();
    gradcheck(&params, |graph| graph.penalty(&penalty, &[id])).unwrap();
    let norms: f64 = [(0.5, 0.25), (1.0, 3.0), (2.0, 0.75)].map(|(a, b): (f64, f64)| a.hypot(b)).iter().sum();
    let value = penalty.value(params.as_slice(), shape(&[2, 3]));
    assert!(close(value, 0.3 * 7.5 + 0.7 * norms, 1e-15), "{value}");
}

#[test]
fn balls_are_entered_at_their_rim() {
    let v = [3.0, -4.0, 0.3, 0.4];
    assert_eq!(prox(&MaxNorm::rows(2.5).unwrap(), &v, 2, Step::Uniform(9.0)), [1.5, -2.0, 0.3, 0.4]);
    assert_eq!(prox(&MaxNorm::whole(1e3).unwrap(), &v, 2, Step::Each(&[1.0, 2.0, 3.0, 4.0])), v);
    assert_eq!(prox(&MaxNorm::columns(0.0).unwrap(), &v, 2, Step::Uniform(1.0)), [0.0; 4]);
    assert_eq!(prox(&MaxNorm::columns(0.0).unwrap(), &v, 2, Step::Each(&[1.0, 2.0, 3.0, 4.0])), [0.0; 4]);
    // μ = 1: 3/(1 + 1) and 8/(1 + 3), of norm 2.5.
    let x = prox(&MaxNorm::rows(2.5).unwrap(), &[3.0, 8.0], 2, Step::Each(&[1.0, 3.0]));
    assert!(close(x[0], 1.5, 1e-15) && close(x[1], 2.0, 1e-15), "{x:?}");
    // A whole parameter may have any shape.
    let (mut w, cube) = ([2.0; 4], shape(&[1, 2, 2]));
    let ball = MaxNorm::whole(2.0).unwrap();
    assert!(Regularizer::<f64>::check(&ball, cube).is_ok() && ball.value(&w, cube) == f64::INFINITY);
    ball.apply(&mut w, cube, Step::Uniform(1.0));
    assert_eq!((w, ball.value(&w, cube)), ([1.0; 4], 0.0));
}

/// Groups of more weights than are added in one go, and not a multiple of any number of lanes: x(1 + λs/‖x‖) = v, and
/// ‖x‖ = r.
#[test]
fn long_groups_end_where_short_ones_do() {
    const LONG: usize = 2345;
    for other in [1, 3, 16, 21] {
        for is_column in [false, true] {
            let columns = if is_column { other } else { LONG };
            let v = Vec::from_iter((0..LONG * other).map(|i| (0.37 * i as f64).sin()));
            let s = Vec::from_iter((0..v.len()).map(|i| 0.3 * (1.1 + (0.73 * i as f64).cos())));
            let of =
                |group: usize| (0..LONG).map(move |i| if is_column { i * other + group } else { group * LONG + i });
            let norm = |x: &[f64], group: usize| of(group).map(|i| x[i] * x[i]).sum::<f64>().sqrt();
            let (lasso, ball) = if is_column {
                (GroupLasso::columns(12.0).unwrap(), MaxNorm::columns(2.0).unwrap())
            } else {
                (GroupLasso::rows(12.0).unwrap(), MaxNorm::rows(2.0).unwrap())
            };
            let (shrunk, projected) =
                (prox(&lasso.unweighted(), &v, columns, Step::Each(&s)), prox(&ball, &v, columns, Step::Each(&s)));
            for group in 0..other {
                let rho = norm(&shrunk, group);
                assert!(rho > 1.0 && close(norm(&projected, group), 2.0, 1e-13), "{rho}");
                for i in of(group) {
                    let back = shrunk[i] * (1.0 + 12.0 * s[i] / rho);
                    assert!((back - v[i]).abs() <= 1e-13, "{back} at {i} of {columns} columns, wanted {}", v[i]);
                }
            }
        }
    }
}

/// ‖v/s‖ a little above λ and a little below, where steps differ.
#[test]
fn groups_vanish_where_they_should_and_no_sooner() {
    let (v, s) = ([3.0, 0.5, -2.0], [0.5, 1.0, 0.25]);
    let norm = v.iter().zip(s).map(|(v, s): (&f64, f64)| (v / s).powi(2)).sum::<f64>().sqrt();
    for part in [1e-3, 1e-6, 1e-9, 1e-12] {
        let at = |lambda: f64| prox(&GroupLasso::rows(lambda).unwrap().unweighted(), &v, 3, Step::Each(&s));
        assert!(at(norm * (1.0 - part)).iter().all(|x| *x != 0.0), "{part}");
        assert_eq!(at(norm * (1.0 + part)), [0.0; 3]);
    }
}

//! Values and gradients at points without a kink: against central differences, and against the formulas written out.

use crate::common::{arrays, close, config, evaluate, matrices, params_of};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use wane_autodiff::ndarray::{ArrayD, Axis, arr0, arr1, arr2};
use wane_autodiff::{Penalty, Tape, gradcheck};
use wane_penalties::{ElasticNet, GroupLasso, L1, L2};

/// Central differences of 1.5·penalty over all arrays, the first one counted twice.
fn check<P: Penalty<f64> + Clone + 'static>(penalty: &P, arrays: &[ArrayD<f64>]) {
    let params = params_of(arrays);
    let ids = [&params.ids()[..], &params.ids()[..1]].concat();
    let report = gradcheck(&params, |graph| graph.penalty(penalty, &ids) * 1.5);
    let report = report.unwrap_or_else(|error| panic!("{}: {error}", penalty.name()));
    assert_eq!(report.checked, params.as_slice().len());
}

/// A penalty beside its value and gradient over one array, by the book.
type Book = fn(&ArrayD<f64>, f64) -> (f64, Vec<f64>);

fn l1_by_the_book(w: &ArrayD<f64>, lambda: f64) -> (f64, Vec<f64>) {
    let value = lambda * w.iter().map(|w| w.abs()).sum::<f64>();
    (value, w.iter().map(|&w| if w > 0.0 { lambda } else { -lambda }).collect())
}

fn l2_by_the_book(w: &ArrayD<f64>, lambda: f64) -> (f64, Vec<f64>) {
    let value = lambda * w.iter().map(|w| w.powi(2)).sum::<f64>();
    (value, w.iter().map(|w| 2.0 * lambda * w).collect())
}

/// Group lasso whose groups are the slices along `axis`.
fn groups_by_the_book(w: &ArrayD<f64>, lambda: f64, axis: usize) -> (f64, Vec<f64>) {
    let (mut value, mut gradient) = (0.0, ArrayD::zeros(w.shape()));
    for (group, mut slopes) in w.axis_iter(Axis(axis)).zip(gradient.axis_iter_mut(Axis(axis))) {
        let norm = group.iter().map(|w| w * w).sum::<f64>().sqrt();
        let weight = lambda * (group.len() as f64).sqrt();
        value += weight * norm;
        slopes.assign(&group.mapv(|w| weight * w / norm));
    }
    (value, gradient.iter().copied().collect())
}

fn rows_by_the_book(w: &ArrayD<f64>, lambda: f64) -> (f64, Vec<f64>) {
    groups_by_the_book(w, lambda, 0)
}

fn columns_by_the_book(w: &ArrayD<f64>, lambda: f64) -> (f64, Vec<f64>) {
    groups_by_the_book(w, lambda, 1)
}

/// scale·penalty over all arrays is what the book says of each, summed.
fn agree<P: Penalty<f64> + Clone + 'static>(penalty: &P, book: &[(Book, f64)], arrays: &[ArrayD<f64>], scale: f64) {
    let params = params_of(arrays);
    let (value, gradient) = evaluate(penalty, &params, &params.ids(), scale);
    let (mut expected, mut slopes) = (0.0, vec![0.0; gradient.len()]);
    for (book, lambda) in book {
        let parts: Vec<_> = arrays.iter().map(|array| book(array, *lambda)).collect();
        expected += scale * parts.iter().map(|(value, _)| value).sum::<f64>();
        slopes
            .iter_mut()
            .zip(parts.iter().flat_map(|(_, slopes)| slopes))
            .for_each(|(sum, slope)| *sum += scale * slope);
    }
    let name = penalty.name();
    assert!(close(value, expected, 1e-13), "{name}: value {value}, wanted {expected}");
    for (got, wanted) in gradient.iter().zip(&slopes) {
        assert!(close(*got, *wanted, 3e-15), "{name}: gradient {got}, wanted {wanted}");
    }
}

fn strength() -> impl Strategy<Value = f64> {
    1e-3..2.0_f64
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn elementwise_penalties_pass_gradcheck_at_every_rank(arrays in arrays(), l1 in strength(), l2 in strength()) {
        check(&L1::new(l1).unwrap(), &arrays);
        check(&L2::new(l2).unwrap(), &arrays);
        check(&ElasticNet::new(l1, l2).unwrap(), &arrays);
    }

    #[test]
    fn group_lasso_passes_gradcheck_on_any_matrix(matrices in matrices(), lambda in strength()) {
        check(&GroupLasso::rows(lambda).unwrap(), &matrices);
        check(&GroupLasso::columns(lambda).unwrap(), &matrices);
    }

    #[test]
    fn elementwise_penalties_are_their_formulas(arrays in arrays(), l1 in strength(), l2 in strength(), c in 0.1..9.0) {
        agree(&L1::new(l1).unwrap(), &[(l1_by_the_book, l1)], &arrays, c);
        agree(&L2::new(l2).unwrap(), &[(l2_by_the_book, l2)], &arrays, -c);
    }

    #[test]
    fn group_lasso_is_its_formula(matrices in matrices(), lambda in strength(), c in 0.1..9.0) {
        agree(&GroupLasso::rows(lambda).unwrap(), &[(rows_by_the_book, lambda)], &matrices, c);
        agree(&GroupLasso::columns(lambda).unwrap(), &[(columns_by_the_book, lambda)], &matrices, -c);
    }

    #[test]
    fn elastic_net_is_l1_and_l2_together(arrays in arrays(), l1 in strength(), l2 in strength(), c in 0.1..9.0) {
        let params = params_of(&arrays);
        let (value, gradient) = evaluate(&ElasticNet::new(l1, l2).unwrap(), &params, &params.ids(), c);
        let (value1, gradient1) = evaluate(&L1::new(l1).unwrap(), &params, &params.ids(), c);
        let (value2, gradient2) = evaluate(&L2::new(l2).unwrap(), &params, &params.ids(), c);
        prop_assert!(close(value, value1 + value2, 1e-14));
        // The two slopes may cancel.
        for (both, (one, two)) in gradient.iter().zip(gradient1.iter().zip(&gradient2)) {
            prop_assert!((both - (one + two)).abs() <= 3e-16 * (one.abs() + two.abs()));
        }
    }

    #[test]
    fn columns_are_the_rows_of_the_transpose(matrices in matrices(), lambda in strength()) {
        let turned: Vec<_> = matrices.iter().map(|matrix| matrix.t().to_owned()).collect();
        let (params, turned) = (params_of(&matrices), params_of(&turned));
        let (value, gradient) = evaluate(&GroupLasso::columns(lambda).unwrap(), &params, &params.ids(), 1.0);
        let (mirrored, mirror) = evaluate(&GroupLasso::rows(lambda).unwrap(), &turned, &turned.ids(), 1.0);
        // Rows and columns are summed in another order.
        prop_assert!(close(value, mirrored, 1e-15));
        let mut start = 0;
        for matrix in &matrices {
            let (rows, columns) = (matrix.shape()[0], matrix.shape()[1]);
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                prop_assert!(close(gradient[start + i * columns + j], mirror[start + j * rows + i], 1e-15));
            }
            start += matrix.len();
        }
    }

    #[test]
    fn a_parameter_listed_twice_counts_twice(matrices in matrices(), lambda in strength(), rows: bool) {
        let params = params_of(&matrices);
        let first = params.ids()[0];
        let group = if rows { GroupLasso::rows(lambda) } else { GroupLasso::columns(lambda) }.unwrap();
        for (once, twice) in [
            (evaluate(&group, &params, &[first], 2.0), evaluate(&group, &params, &[first, first], 1.0)),
            (
                evaluate(&L2::new(lambda).unwrap(), &params, &[first], 2.0),
                evaluate(&L2::new(lambda).unwrap(), &params, &[first, first], 1.0),
            ),
        ] {
            // Doubling is exact in binary.
            prop_assert_eq!(once, twice);
        }
    }

    #[test]
    fn a_penalty_reaches_its_own_parameters_only(arrays in arrays(), lambda in strength(), frozen in any::<bool>()) {
        let mut params = params_of(&arrays);
        let outside = params.root().add("outside", &arr1(&[1.0, -1.0])).unwrap();
        let inside = params.ids()[0];
        if frozen {
            params.freeze(&[inside]).unwrap();
        }
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let graph = tape.record(&params);
        let term = graph.penalty(&L1::new(lambda).unwrap(), &[inside]);
        (term + graph.variable(&arr0(0.0))).backward(&mut grads);
        // A frozen parameter counts in the value and has no gradient.
        prop_assert!(close(term.item(), l1_by_the_book(&arrays[0], lambda).0, 1e-13));
        prop_assert_eq!(grads.get(inside).is_some(), !frozen);
        prop_assert!(grads.get(outside).is_none());
    }
}

#[test]
fn hand_made_values_come_out() {
    let rank_0 = params_of(&[arr0(-3.0).into_dyn()]);
    assert_eq!(evaluate(&L1::new(0.5).unwrap(), &rank_0, &rank_0.ids(), 1.0), (1.5, vec![-0.5]));
    assert_eq!(evaluate(&L2::new(0.5).unwrap(), &rank_0, &rank_0.ids(), 1.0), (4.5, vec![-3.0]));
    assert_eq!(evaluate(&ElasticNet::new(0.5, 0.25).unwrap(), &rank_0, &rank_0.ids(), 2.0), (7.5, vec![-4.0]));

    // Rows of norms 5 and 13, four to a group: √4 = 2.
    let matrix = params_of(&[arr2(&[[3.0, 0.0, -4.0, 0.0], [0.0, 5.0, 0.0, 12.0]]).into_dyn()]);
    let (value, gradient) = evaluate(&GroupLasso::rows(0.5).unwrap(), &matrix, &matrix.ids(), 1.0);
    assert_eq!(value, 18.0);
    let expected = [3.0 / 5.0, 0.0, -4.0 / 5.0, 0.0, 0.0, 5.0 / 13.0, 0.0, 12.0 / 13.0];
    for (got, wanted) in gradient.iter().zip(expected) {
        assert!(close(*got, wanted, 3e-16), "{got} is not {wanted}");
    }
}

//! Groups: scikit-learn's multi-task values, what they share with single columns, and laws.

use crate::common::{close, options, problem, with_ratio};
use ndarray::{Array1, Array2, ArrayView2, Axis, array, concatenate};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use wane_autodiff::{Params, Tape};
use wane_linear::{
    ElasticNetOptions, GroupFit, Groups, PathOptions, elastic_net, group_elastic_net, group_lambda_max, group_path,
    lambda_max, ridge,
};
use wane_penalties::{GroupLasso, L2};

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn group_lasso(alpha: f64) -> ElasticNetOptions {
    ElasticNetOptions { alpha, l1_ratio: 1.0, ..Default::default() }
}

fn near(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>, tolerance: f64) -> bool {
    a.dim() == b.dim() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

/// 1/(2n) ‖Y − XW − 1bᵀ‖² + alpha·l1_ratio Σ v‖W_g‖ + alpha(1 − l1_ratio)/2 ‖W‖².
fn objective(
    x: &Array2<f64>,
    y: &Array2<f64>,
    (weights, intercept): (&Array2<f64>, &Array1<f64>),
    groups: &Groups,
    &ElasticNetOptions { alpha, l1_ratio, .. }: &ElasticNetOptions,
) -> f64 {
    let residual = y - &x.dot(weights) - intercept;
    let square = |a: &Array2<f64>| a.iter().map(|a| a * a).sum::<f64>();
    let norms: f64 = (groups.members().iter().zip(groups.weights()))
        .map(|(members, v)| v * square(&weights.select(Axis(0), members)).sqrt())
        .sum();
    0.5 * square(&residual) / x.nrows() as f64
        + alpha * l1_ratio * norms
        + 0.5 * alpha * (1.0 - l1_ratio) * square(weights)
}

/// scikit-learn's problems and solutions: x, y and the fits.
fn vendored() -> Vec<(Array2<f64>, Array2<f64>, Vec<Value>)> {
    let file: Value = serde_json::from_str(include_str!("../data/multi_task.json")).unwrap();
    let problem = |p: &Value| (matrix(&p["x"]), matrix(&p["y"]), p["fits"].as_array().unwrap().clone());
    file["problems"].as_array().unwrap().iter().map(problem).collect()
}

#[test]
fn each_column_a_group_is_scikit_learns_multi_task_elastic_net() {
    for (x, y, fits) in vendored() {
        let groups = Groups::each(x.ncols());
        for reference in fits {
            let number = |name: &str| reference[name].as_f64().unwrap();
            let (alpha, l1_ratio) = (number("alpha"), number("l1_ratio"));
            let options = ElasticNetOptions { alpha, l1_ratio, ..Default::default() };
            let fit = group_elastic_net(x.view(), y.view(), &groups, &options).unwrap();
            let coef = matrix(&reference["coef"]);
            assert!(near(fit.weights.view(), coef.view(), 1e-6), "{} {coef}", fit.weights);
            let zeros = |weights: &Array2<f64>| weights.mapv(|w| w == 0.0);
            assert_eq!(zeros(&fit.weights), zeros(&coef));
            let intercept: Vec<f64> = serde_json::from_value(reference["intercept"].clone()).unwrap();
            assert!(close(fit.intercept.view(), Array1::from_vec(intercept).view(), 1e-6));
            assert!((fit.certificate.objective - number("objective")).abs() <= 1e-9 * number("objective"));
            assert!(fit.certificate.support_is_certain || alpha < 0.02 * number("largest"), "{:?}", fit.certificate);
            assert!(fit.iterations <= 15, "{} rounds", fit.iterations);
            let largest = group_lambda_max(x.view(), y.view(), &groups, &with_ratio(l1_ratio)).unwrap();
            assert!((largest / number("largest") - 1.0).abs() <= 1e-14);
        }
    }
}

/// Several outputs are one output of the data set side by side: x's column j for output k is a column of its own, and all
/// that come from the same j are a group.
#[test]
fn groups_of_columns_have_the_values_of_outputs() {
    for (x, y, fits) in vendored() {
        let (n, p, outputs) = (x.nrows(), x.ncols(), y.ncols());
        let centred = |a: &Array2<f64>| a - &a.mean_axis(Axis(0)).unwrap();
        let (x, y) = (centred(&x), centred(&y));
        let wide =
            Array2::from_shape_fn(
                (n * outputs, p * outputs),
                |(i, j)| {
                    if i / n == j / p { x[(i % n, j % p)] } else { 0.0 }
                },
            );
        let long = Array2::from_shape_fn((n * outputs, 1), |(i, _)| y[(i % n, i / n)]);
        let members = (0..p).map(|j| (0..outputs).map(|k| j + k * p).collect()).collect();
        let groups = Groups::new(p * outputs, members).unwrap();
        for reference in fits.iter().filter(|fit| fit["l1_ratio"] == 1.0) {
            let coef = matrix(&reference["coef"]);
            // The rows are n·outputs now, and √|g| counts what the reference does not.
            let alpha = reference["alpha"].as_f64().unwrap() / outputs as f64;
            let weighted = groups.clone().weighted(vec![1.0; p]).unwrap();
            for (groups, alpha) in [(&weighted, alpha), (&groups, alpha / (outputs as f64).sqrt())] {
                let options = ElasticNetOptions { fit_intercept: false, ..group_lasso(alpha) };
                let fit = group_elastic_net(wide.view(), long.view(), groups, &options).unwrap();
                let same = Array2::from_shape_fn((p, outputs), |(j, k)| fit.weights[(j + k * p, 0)]);
                assert!(near(same.view(), coef.view(), 1e-6), "{same} {coef}");
                let active: Vec<usize> = (0..p).filter(|&j| coef.row(j).iter().any(|&w| w != 0.0)).collect();
                assert_eq!((fit.active, fit.intercept), (active, array![0.0]));
            }
        }
    }
}

#[test]
fn an_orthonormal_group_is_shrunk_as_a_whole() {
    // XᵀX = 4·I and Xᵀy = (6, 8, 1, 0): norms 10 and 1, thresholds 4·alpha·√2.
    let x = array![[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]];
    let y = x.dot(&array![[1.5], [2.0], [0.25], [0.0]]);
    let groups = Groups::new(4, vec![vec![0, 1], vec![3, 2]]).unwrap();
    let options = ElasticNetOptions { fit_intercept: false, ..group_lasso(0.25) };
    let fit = group_elastic_net(x.view(), y.view(), &groups, &options).unwrap();
    let factor = (10.0 - 2.0_f64.sqrt()) / 10.0;
    assert!(near(fit.weights.view(), array![[1.5 * factor], [2.0 * factor], [0.0], [0.0]].view(), 1e-15));
    assert_eq!((fit.active, fit.weights[(2, 0)].to_bits()), (vec![0], 0));
    // Within an active group no weight is made zero, whatever its sign.
    let options = ElasticNetOptions { alpha: 0.1, ..options };
    let fit = group_elastic_net(x.view(), (-&y).view(), &groups, &options).unwrap();
    assert_eq!(fit.active, [0, 1]);
    assert!(fit.weights[(0, 0)] < 0.0 && fit.weights[(2, 0)] < 0.0);
}

/// The gradient of a layer's own loss vanishes on the groups that are not zero, and the loss alone stays below the kink of
/// the others.
#[test]
fn a_layer_of_three_outputs_is_at_its_minimum_too() {
    let x = Array2::from_shape_fn((12, 4), |(i, j)| (1.7 * (i * 4 + j) as f64).sin());
    let y = Array2::from_shape_fn((12, 3), |(i, k)| {
        x[(i, 0)] * (k as f64 - 0.6) + 0.5 * x[(i, 2)] + 0.1 * ((3 * i + k) as f64).cos()
    });
    let (outputs, lambda, l2) = (3, 0.05, 0.02);
    let root = (outputs as f64).sqrt();
    let columns = GroupLasso::columns(lambda).unwrap();
    for (term, l1) in [(columns, lambda * root), (columns.unweighted(), lambda)] {
        let options = ElasticNetOptions::beside_mse(l1, l2, outputs).unwrap();
        let back = options.penalties_beside_mse(outputs).unwrap();
        assert!((back.0 - l1).abs() < 1e-15 && (back.1 - l2).abs() < 1e-15);
        let fit = group_elastic_net(x.view(), y.view(), &Groups::each(4), &options).unwrap();
        assert!(fit.active.len() > 1 && fit.active.len() < 4, "{:?}", fit.active);

        let mut params = Params::new();
        let w = params.root().add("weight", &fit.weights.t()).unwrap();
        let b = params.root().add("bias", &fit.intercept).unwrap();
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let graph = tape.record(&params);
        let output = graph.input(&x).linear(graph.param(w), Some(graph.param(b)), None);
        let loss = output.mse_loss(graph.input(&y));
        let penalties = graph.penalty(&term, &[w]) + graph.penalty(&L2::new(l2).unwrap(), &[w]);
        (loss + penalties).backward(&mut grads);
        let whole = grads.get(w).unwrap().to_owned();
        for (column, slope) in whole.axis_iter(Axis(1)).enumerate() {
            let norm = slope.iter().map(|g| g * g).sum::<f64>().sqrt();
            // At a group of zeros the penalty's own gradient is 0: what is left is the loss's.
            let most = if fit.active.contains(&column) { 1e-9 } else { l1 };
            assert!(norm <= most, "column {column}: {norm} above {most}");
        }
        assert!(grads.get(b).unwrap().iter().all(|g| g.abs() < 1e-14));
    }
}

#[test]
fn a_path_ends_where_its_solutions_do_and_groups_enter_in_order() {
    for (x, y, _) in vendored() {
        let groups = Groups::each(x.ncols());
        let options = PathOptions { l1_ratio: 1.0, count: 20, eps: 1e-2, ..Default::default() };
        let path = group_path(x.view(), y.view(), &groups, &options).unwrap();
        assert_eq!(path.alphas[0], group_lambda_max(x.view(), y.view(), &groups, &with_ratio(1.0)).unwrap());
        assert!(path.fits[0].active.is_empty());
        for (&alpha, fit) in path.alphas.iter().zip(&path.fits) {
            let alone = group_elastic_net(x.view(), y.view(), &groups, &group_lasso(alpha)).unwrap();
            assert_eq!(fit.active, alone.active);
            assert!(near(fit.weights.view(), alone.weights.view(), 1e-6));
        }
        let order = path.order_of_entry();
        let first = path.fits.iter().find(|fit| !fit.active.is_empty()).unwrap();
        assert!(first.active.contains(&order[0]));
        assert!(path.fits.iter().all(|fit| fit.active.iter().all(|group| order.contains(group))));
    }
}

/// Two halves of the columns as groups, in an order of their own.
fn halves(columns: usize) -> Groups {
    let of = |rest: usize| (0..columns).rev().filter(|column| column % 2 == rest).collect::<Vec<_>>();
    Groups::new(columns, [of(1), of(0)].into_iter().filter(|group| !group.is_empty()).collect()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn single_columns_and_one_output_are_the_elastic_net((x, y) in problem(1..8), options in options()) {
        let groups = Groups::each(x.ncols());
        let y2 = y.view().insert_axis(Axis(1));
        let fit = group_elastic_net(x.view(), y2, &groups, &options).unwrap();
        let same = elastic_net(x.view(), y.view(), &options).unwrap();
        prop_assert!((fit.certificate.objective - same.certificate.objective).abs() <= 1e-11 * (1.0 + y.dot(&y)));
        if same.certificate.support_is_certain {
            prop_assert_eq!(&fit.active, &same.support());
            prop_assert!(close(fit.weights.column(0), same.weights.view(), 1e-6));
            prop_assert!((fit.intercept[0] - same.intercept).abs() <= 1e-5);
        }
        let largest = lambda_max(x.view(), y.view(), &with_ratio(0.3)).unwrap();
        prop_assert_eq!(group_lambda_max(x.view(), y2, &groups, &with_ratio(0.3)).unwrap(), largest);
    }

    #[test]
    fn no_competitor_is_below_the_gap(
        (x, y) in problem(1..8),
        other in vec(-3.0..3.0_f64, 14),
        options in options(),
        moves in vec((vec(-1.0..1.0_f64, 16), -8..1_i32), 8),
    ) {
        let other = Array1::from_iter(other.into_iter().take(y.len()));
        let y = concatenate![Axis(1), y.insert_axis(Axis(1)), other.insert_axis(Axis(1))];
        let groups = halves(x.ncols());
        let GroupFit { weights, intercept, certificate, .. } =
            group_elastic_net(x.view(), y.view(), &groups, &options).unwrap();
        let here = objective(&x, &y, (&weights, &intercept), &groups, &options);
        let rounding = 1e-13 * (here + y.iter().map(|y| y * y).sum::<f64>());
        prop_assert!((certificate.objective - here).abs() <= rounding, "{certificate:?} {here}");
        for (direction, exponent) in moves {
            let by = Array2::from_shape_fn(weights.dim(), |(j, k)| 10.0_f64.powi(exponent) * direction[2 * j + k]);
            let there = &weights + &by;
            let free = (&y - &x.dot(&there)).mean_axis(Axis(0)).unwrap();
            let shift = if options.fit_intercept { free } else { Array1::zeros(2) };
            let there = objective(&x, &y, (&there, &shift), &groups, &options);
            prop_assert!(there >= here - certificate.gap - rounding, "{there} < {here}, {certificate:?}");
        }
    }

    #[test]
    fn at_the_largest_alpha_all_are_zero_and_below_it_they_are_not(
        (x, y) in problem(1..8),
        options in options(),
        weights in vec(0.1..3.0_f64, 2),
    ) {
        let groups = halves(x.ncols());
        let weights = weights.into_iter().take(groups.weights().len()).collect();
        let groups = groups.weighted(weights).unwrap();
        let y = concatenate![Axis(1), y.view().insert_axis(Axis(1)), (&y * &y).insert_axis(Axis(1))];
        let alpha = group_lambda_max(x.view(), y.view(), &groups, &options).unwrap();
        prop_assume!(alpha > 1e-9);
        let at = |alpha| {
            let options = ElasticNetOptions { alpha, ..options };
            group_elastic_net(x.view(), y.view(), &groups, &options).unwrap()
        };
        let fit = at(alpha);
        prop_assert!(fit.weights.iter().all(|w| w.to_bits() == 0), "{}", fit.weights);
        prop_assert!(!at(0.999 * alpha).active.is_empty());
    }

    #[test]
    fn without_an_l1_part_it_is_ridge_by_output((x, y) in problem(1..10), alpha in prop_oneof![Just(0.0), 1e-3..9.0_f64]) {
        let outputs = concatenate![Axis(1), y.view().insert_axis(Axis(1)), (&y * &y).insert_axis(Axis(1))];
        let options = ElasticNetOptions { alpha, l1_ratio: 0.0, ..Default::default() };
        let fit = group_elastic_net(x.view(), outputs.view(), &halves(x.ncols()), &options).unwrap();
        for (output, weights) in outputs.columns().into_iter().zip(fit.weights.columns()) {
            let same = ridge(x.view(), output, alpha * y.len() as f64).unwrap();
            prop_assert_eq!(weights, same.weights.view());
        }
    }
}

//! What is refused, in whole sentences.

use crate::common::with_ratio;
use ndarray::{Array1, Array2, Axis, array};
use wane_autodiff::ErrorKind;
use wane_linear::{
    ElasticNetOptions, Groups, PathOptions, elastic_net, elastic_net_from, group_elastic_net, group_lambda_max,
    group_path, lambda_max, path, ridge,
};

#[test]
fn data_is_refused_by_its_place() {
    let good = array![[1.0, 2.0], [3.0, 5.0]];
    let beyond = "is beyond f64; expected values whose squares can be added up in f64";
    let small = "is too small for f64; expected values whose squares can be added up in f64";
    let cases = [
        (Array2::zeros((0, 2)), Array1::zeros(0), "number of rows of x is 0; expected at least 1".to_owned()),
        (Array2::zeros((2, 0)), Array1::zeros(2), "number of columns of x is 0; expected at least 1".to_owned()),
        (good.clone(), Array1::zeros(3), "number of rows of y is 3; expected 2, as in x".to_owned()),
        (array![[1.0, 2.0], [3.0, f64::NAN]], Array1::zeros(2), finite("row 1, column 1 of x", "NaN")),
        (array![[f64::INFINITY], [3.0]], Array1::zeros(2), finite("row 0, column 0 of x", "inf")),
        (good.clone(), array![0.0, f64::NEG_INFINITY], finite("row 1 of y", "-inf")),
        (array![[0.0, 1e200], [0.0, -1e200]], Array1::zeros(2), format!("column 1 of x {beyond}")),
        (array![[f64::MIN], [f64::MAX]], Array1::zeros(2), format!("column 0 of x {beyond}")),
        (array![[0.0, 1e-200], [1.0, 0.0]], Array1::zeros(2), format!("column 1 of x {small}")),
        (good.clone(), array![1e300, -1e300], format!("y {beyond}")),
        (good, array![1e-170, 0.0], format!("y {small}")),
    ];
    for (x, y, message) in cases {
        let options = ElasticNetOptions::default();
        let errors = [
            elastic_net(x.view(), y.view(), &options).unwrap_err(),
            path(x.view(), y.view(), &PathOptions::default()).unwrap_err(),
            lambda_max(x.view(), y.view(), &with_ratio(1.0)).unwrap_err(),
            ridge(x.view(), y.view(), 1.0).unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.to_string(), error.kind()), (message.clone(), ErrorKind::Data));
        }
    }
}

fn finite(field: &str, given: &str) -> String {
    format!("{field} is {given}; expected a finite number")
}

#[test]
fn options_are_refused_by_name() {
    let (x, y) = (array![[1.0], [2.0], [4.0]], array![1.0, 2.0, 3.0]);
    let strength = "a finite number, 0 or above";
    let default = ElasticNetOptions::default();
    let cases = [
        (ElasticNetOptions { alpha: -0.1, ..default }, format!("alpha is -0.1; expected {strength}")),
        (ElasticNetOptions { alpha: f64::NAN, ..default }, format!("alpha is NaN; expected {strength}")),
        (ElasticNetOptions { alpha: f64::INFINITY, ..default }, format!("alpha is inf; expected {strength}")),
        (ElasticNetOptions { l1_ratio: 1.5, ..default }, "l1_ratio is 1.5; expected a number from 0 to 1".to_owned()),
        (
            ElasticNetOptions { l1_ratio: f64::NAN, ..default },
            "l1_ratio is NaN; expected a number from 0 to 1".to_owned(),
        ),
        (ElasticNetOptions { tol: -1.0, ..default }, format!("tol is -1; expected {strength}")),
        (ElasticNetOptions { max_iterations: 0, ..default }, "max_iterations is 0; expected at least 1".to_owned()),
    ];
    for (options, message) in cases {
        let error = elastic_net(x.view(), y.view(), &options).unwrap_err();
        assert_eq!((error.to_string(), error.kind()), (message, ErrorKind::Option));
    }
    assert_eq!(ridge(x.view(), y.view(), -1.0).unwrap_err().to_string(), format!("alpha is -1; expected {strength}"));
    assert_eq!(
        ElasticNetOptions::beside_mse(0.1, -2.0, 1).unwrap_err().to_string(),
        format!("l2 is -2; expected {strength}")
    );
    for error in [ElasticNetOptions::beside_mse(0.1, 0.1, 0).unwrap_err(), default.penalties_beside_mse(0).unwrap_err()]
    {
        assert_eq!(error.to_string(), "number of outputs is 0; expected at least 1");
    }
    let message = ElasticNetOptions::beside_mse(1e308, 1e308, 9).unwrap_err().to_string();
    assert_eq!(message, format!("alpha is inf; expected {strength}"));

    let from =
        |start: Array1<f64>| elastic_net_from(x.view(), y.view(), start.view(), &default).unwrap_err().to_string();
    assert_eq!(from(array![1.0, 2.0]), "number of starting weights is 2; expected 1, one a column");
    assert_eq!(from(array![f64::NAN]), "starting weight 0 is NaN; expected a finite number");
    let fit = elastic_net(x.view(), y.view(), &default).unwrap();
    let message = fit.predict(array![[1.0, 2.0]].view()).unwrap_err().to_string();
    assert_eq!(message, "number of columns of x is 2; expected 1, as was fitted");
    let ridge = ridge(x.view(), y.view(), 1.0).unwrap();
    let y = y.view().insert_axis(Axis(1));
    let group = group_elastic_net(x.view(), y, &Groups::each(1), &default).unwrap();
    for (value, given) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        let x = array![[1.0], [value]];
        let x = x.view();
        for error in [fit.predict(x).unwrap_err(), ridge.predict(x).unwrap_err(), group.predict(x).unwrap_err()] {
            assert_eq!((error.to_string(), error.kind()), (finite("row 1, column 0 of x", given), ErrorKind::Data));
        }
    }
}

#[test]
fn options_of_a_path_are_refused_by_name() {
    let (x, y) = (array![[1.0], [2.0], [4.0]], array![1.0, 2.0, 3.0]);
    let default = PathOptions::default;
    let no_zeros = "l1_ratio is 0; expected a number above 0, up to 1: without an l1 part, no alpha makes weights zero";
    let cases = [
        (PathOptions { l1_ratio: 0.0, ..default() }, no_zeros),
        (PathOptions { l1_ratio: -1.0, ..default() }, "l1_ratio is -1; expected a number from 0 to 1"),
        (PathOptions { count: 0, ..default() }, "count is 0; expected at least 1"),
        (PathOptions { eps: 0.0, ..default() }, "eps is 0; expected a number above 0, up to 1"),
        (PathOptions { eps: f64::NAN, ..default() }, "eps is NaN; expected a number above 0, up to 1"),
        (PathOptions { alphas: Some(vec![]), ..default() }, "number of alphas is 0; expected at least 1"),
        (
            PathOptions { alphas: Some(vec![1.0, f64::NAN]), ..default() },
            "alphas[1] is NaN; expected a finite number, 0 or above",
        ),
    ];
    for (options, message) in cases {
        assert_eq!(path(x.view(), y.view(), &options).unwrap_err().to_string(), message);
    }
    let error = path(x.view(), array![5.0, 5.0, 5.0].view(), &default()).unwrap_err().to_string();
    assert!(error.starts_with("the largest alpha is 0; expected a finite number above 0, for a grid"), "{error}");
    // Given alphas need no grid, and ridge's path none either.
    let given = PathOptions { alphas: Some(vec![1.0]), l1_ratio: 0.0, ..default() };
    assert!(path(x.view(), array![5.0, 5.0, 5.0].view(), &given).is_ok());
}

#[test]
fn groups_are_refused_by_what_is_wrong_with_them() {
    let expected = "expected one group for each column";
    let of = |members: &[&[usize]]| Groups::new(4, members.iter().map(|group| group.to_vec()).collect());
    let cases: [(&[&[usize]], String); 6] = [
        (&[&[0, 1], &[], &[2, 3]], "group 1 is empty; expected at least one column".to_owned()),
        (&[&[0, 1], &[1, 2, 3]], format!("column 1 is in groups 0 and 1; {expected}")),
        (&[&[0, 1], &[3, 2, 3]], format!("column 3 is in group 1 twice; {expected}")),
        (&[&[0, 1], &[3, 4, 2]], "a column of group 1 is 4; expected below 4, the number of columns".to_owned()),
        (&[&[0, 1], &[3]], format!("column 2 is in no group; {expected}")),
        (&[], format!("column 0 is in no group; {expected}")),
    ];
    for (members, message) in cases {
        let error = of(members).unwrap_err();
        assert_eq!((error.to_string(), error.kind()), (message, ErrorKind::Option));
    }
    let weighted = |weights: &[f64]| of(&[&[0, 1], &[3, 2]]).unwrap().weighted(weights.to_vec());
    assert_eq!(weighted(&[1.0]).unwrap_err().to_string(), "number of weights is 1; expected 2, one a group");
    for (weight, given) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let message = format!("weight of group 1 is {given}; expected a finite number above 0");
        assert_eq!(weighted(&[1.0, weight]).unwrap_err().to_string(), message);
    }
}

#[test]
fn groups_and_outputs_that_do_not_fit_are_refused() {
    let (x, y) = (array![[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]], array![[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]);
    let (groups, default) = (Groups::each(2), ElasticNetOptions::default());
    let all = |x: &Array2<f64>, y: &Array2<f64>, groups: &Groups| {
        [
            group_elastic_net(x.view(), y.view(), groups, &default).unwrap_err().to_string(),
            group_path(x.view(), y.view(), groups, &PathOptions::default()).unwrap_err().to_string(),
            group_lambda_max(x.view(), y.view(), groups, &with_ratio(1.0)).unwrap_err().to_string(),
        ]
    };
    let nan = array![[1.0, 2.0], [3.0, f64::NAN], [0.0, 1.0]];
    let cases = [
        (all(&x, &y, &Groups::each(3)), "number of columns in groups is 3; expected 2, as in x".to_owned()),
        (all(&x, &Array2::zeros((3, 0)), &groups), "number of columns of y is 0; expected at least 1".to_owned()),
        (all(&x, &Array2::zeros((2, 2)), &groups), "number of rows of y is 2; expected 3, as in x".to_owned()),
        (all(&x, &nan, &groups), finite("row 1, column 1 of y", "NaN")),
        (all(&nan, &y, &groups), finite("row 1, column 1 of x", "NaN")),
    ];
    for (errors, message) in cases {
        assert_eq!(errors, [(); 3].map(|()| message.clone()));
    }
    for (alpha, given) in [(-0.1, "-0.1"), (f64::NAN, "NaN")] {
        let options = ElasticNetOptions { alpha, ..default };
        let message = group_elastic_net(x.view(), y.view(), &groups, &options).unwrap_err().to_string();
        assert_eq!(message, format!("alpha is {given}; expected a finite number, 0 or above"));
        let options = PathOptions { alphas: Some(vec![1.0, alpha]), ..Default::default() };
        let message = group_path(x.view(), y.view(), &groups, &options).unwrap_err().to_string();
        assert_eq!(message, format!("alphas[1] is {given}; expected a finite number, 0 or above"));
    }
    assert!(
        group_lambda_max(x.view(), y.view(), &groups, &with_ratio(0.0))
            .unwrap_err()
            .to_string()
            .starts_with("l1_ratio is 0; ")
    );
    let fit = group_elastic_net(x.view(), y.view(), &groups, &default).unwrap();
    let message = fit.predict(array![[1.0]].view()).unwrap_err().to_string();
    assert_eq!(message, "number of columns of x is 1; expected 2, as was fitted");
}

#[test]
fn what_was_not_reached_is_told_with_its_gap() {
    // 0 asks for more than rounding allows.
    let x = Array2::from_shape_fn((9, 3), |(i, j)| (1.3 * i as f64 + 2.1 * j as f64).sin());
    let y = Array1::from_iter((0..9).map(|i| (0.9 * i as f64).cos()));
    let options = ElasticNetOptions { alpha: 0.01, tol: 0.0, max_iterations: 3, ..Default::default() };
    let error = elastic_net(x.view(), y.view(), &options).unwrap_err();
    assert_eq!((error.kind(), error.field(), error.given()), (ErrorKind::Option, "max_iterations", "3"));
    let message = error.to_string();
    assert!(message.contains("expected more for a tol of 0, or a larger tol: the duality gap is "), "{message}");

    // No more rounds than make progress.
    let forever = ElasticNetOptions { max_iterations: usize::MAX, ..options };
    let error = elastic_net(x.view(), y.view(), &forever).unwrap_err();
    assert_eq!((error.field(), error.given()), ("tol", "0"));
    assert!(error.to_string().contains("more than rounding leaves here: the duality gap is "), "{error}");
    let y2 = y.view().insert_axis(Axis(1));
    let error = group_elastic_net(x.view(), y2, &Groups::each(3), &forever).unwrap_err();
    assert_eq!((error.field(), error.given()), ("tol", "0"));

    let given = PathOptions { alphas: Some(vec![0.01]), tol: 0.0, max_iterations: 3, ..Default::default() };
    let message = path(x.view(), y.view(), &given).unwrap_err().to_string();
    assert!(message.starts_with("alpha 0.01: max_iterations is 3; "), "{message}");

    let closed = ElasticNetOptions { l1_ratio: 0.0, ..options };
    let message = elastic_net(x.view(), y.view(), &closed).unwrap_err().to_string();
    assert!(message.starts_with("tol is 0; expected more than rounding leaves here: the duality gap is "), "{message}");
}

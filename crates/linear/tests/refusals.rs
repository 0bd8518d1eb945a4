//! What is refused, in whole sentences.

use ndarray::{Array1, Array2, array};
use wane_autodiff::ErrorKind;
use wane_linear::{ElasticNetOptions, PathOptions, elastic_net, elastic_net_from, lambda_max, path, ridge};

#[test]
fn data_is_refused_by_its_place() {
    let good = array![[1.0, 2.0], [3.0, 5.0]];
    let beyond = "is beyond f64; expected values whose squares can be added up in f64";
    let cases = [
        (Array2::zeros((0, 2)), Array1::zeros(0), "number of rows of x is 0; expected at least 1".to_owned()),
        (Array2::zeros((2, 0)), Array1::zeros(2), "number of columns of x is 0; expected at least 1".to_owned()),
        (good.clone(), Array1::zeros(3), "number of rows of y is 3; expected 2, as in x".to_owned()),
        (array![[1.0, 2.0], [3.0, f64::NAN]], Array1::zeros(2), finite("row 1, column 1 of x", "NaN")),
        (array![[f64::INFINITY], [3.0]], Array1::zeros(2), finite("row 0, column 0 of x", "inf")),
        (good.clone(), array![0.0, f64::NEG_INFINITY], finite("row 1 of y", "-inf")),
        (array![[0.0, 1e200], [0.0, -1e200]], Array1::zeros(2), format!("column 1 of x {beyond}")),
        (array![[f64::MIN], [f64::MAX]], Array1::zeros(2), format!("column 0 of x {beyond}")),
        (good, array![1e300, -1e300], format!("y {beyond}")),
    ];
    for (x, y, message) in cases {
        let options = ElasticNetOptions::default();
        let errors = [
            elastic_net(x.view(), y.view(), &options).unwrap_err(),
            path(x.view(), y.view(), &PathOptions::default()).unwrap_err(),
            lambda_max(x.view(), y.view(), 1.0).unwrap_err(),
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
        ElasticNetOptions::beside_mse(0.1, -2.0).unwrap_err().to_string(),
        format!("l2 is -2; expected {strength}")
    );

    let from =
        |start: Array1<f64>| elastic_net_from(x.view(), y.view(), start.view(), &default).unwrap_err().to_string();
    assert_eq!(from(array![1.0, 2.0]), "number of starting weights is 2; expected 1, one a column");
    assert_eq!(from(array![f64::NAN]), "starting weight 0 is NaN; expected a finite number");
    let fit = elastic_net(x.view(), y.view(), &default).unwrap();
    let message = fit.predict(array![[1.0, 2.0]].view()).unwrap_err().to_string();
    assert_eq!(message, "number of columns of x is 2; expected 1, as was fitted");
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
fn what_was_not_reached_is_told_with_its_gap() {
    // 0 asks for more than rounding allows.
    let x = Array2::from_shape_fn((9, 3), |(i, j)| (1.3 * i as f64 + 2.1 * j as f64).sin());
    let y = Array1::from_iter((0..9).map(|i| (0.9 * i as f64).cos()));
    let options = ElasticNetOptions { alpha: 0.01, tol: 0.0, max_iterations: 3, ..Default::default() };
    let error = elastic_net(x.view(), y.view(), &options).unwrap_err();
    assert_eq!((error.kind(), error.field(), error.given()), (ErrorKind::Option, "max_iterations", "3"));
    let message = error.to_string();
    assert!(message.contains("expected more for a tol of 0, or a larger tol: the duality gap is "), "{message}");

    let given = PathOptions { alphas: Some(vec![0.01]), tol: 0.0, max_iterations: 3, ..Default::default() };
    let message = path(x.view(), y.view(), &given).unwrap_err().to_string();
    assert!(message.starts_with("alpha 0.01: max_iterations is 3; "), "{message}");

    let closed = ElasticNetOptions { l1_ratio: 0.0, ..options };
    let message = elastic_net(x.view(), y.view(), &closed).unwrap_err().to_string();
    assert!(message.starts_with("tol is 0; expected more than rounding leaves here: the duality gap is "), "{message}");
}

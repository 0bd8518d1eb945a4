//! The metrics against scikit-learn, and what they refuse. `scripts/sklearn_metrics.py` wrote the values.

use serde_json::Value;
use wane_autodiff::Classes;
use wane_autodiff::ndarray::{Array2, array};
use wane_data::Target;
use wane_train::{Metric, confusion_matrix};

const VALUES: &str = include_str!("../data/metrics.json");

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| rows[row][column])
}

fn close(got: f64, expected: f64) -> bool {
    (got - expected).abs() <= 1e-14 * expected.abs().max(1.0)
}

#[test]
fn numbers_are_measured_as_scikit_learn_does() {
    let values: Value = serde_json::from_str(VALUES).unwrap();
    for case in values["numbers"].as_array().unwrap() {
        let (y, output) = (matrix(&case["y"]), matrix(&case["output"]));
        for metric in [Metric::Mse, Metric::Mae, Metric::Rmse, Metric::R2] {
            let got = metric.of(output.view(), Target::Values(y.view())).unwrap();
            let expected = case["values"][metric.name()].as_f64().unwrap();
            // Errors are differences of numbers near 1000, so their last digits are those of 1000.
            assert!((got - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{metric}: {got}, not {expected}");
        }
    }
}

#[test]
fn classes_are_measured_as_scikit_learn_does() {
    let values: Value = serde_json::from_str(VALUES).unwrap();
    for case in values["classes"].as_array().unwrap() {
        let logits = matrix(&case["logits"]);
        let labels: Vec<usize> = serde_json::from_value(case["labels"].clone()).unwrap();
        let classes = Classes::new(&labels, logits.ncols()).unwrap();
        for metric in [Metric::Accuracy, Metric::LogLoss] {
            let got = metric.of(logits.view(), Target::Classes(&classes)).unwrap();
            let expected = case["values"][metric.name()].as_f64().unwrap();
            assert!(close(got, expected), "{metric}: {got}, not {expected}");
        }
        let got = confusion_matrix(logits.view(), &classes).unwrap();
        assert_eq!(got.mapv(|count| count as f64), matrix(&case["matrix"]));
    }
}

#[test]
fn edges() {
    let (output, y) = (array![[1.0_f32]], array![[2.0_f32]]);
    let single = |metric: Metric| metric.of(output.view(), Target::Values(y.view())).unwrap();
    assert!(single(Metric::R2).is_nan());
    assert_eq!(single(Metric::Rmse), 1.0);
    let nan = array![[f64::NAN]];
    assert!(Metric::Mse.of(nan.view(), Target::Values(array![[1.0]].view())).unwrap().is_nan());

    // Logits far out lose nothing, an ignored row counts nowhere, and a NaN is never right.
    let logits = array![[1000.0_f32, 0.0], [0.0, 1000.0], [5.0, 0.0]];
    let classes = Classes::with_ignored(&[1, 1, -100], 2, -100).unwrap();
    assert_eq!(Metric::LogLoss.of(logits.view(), Target::Classes(&classes)).unwrap(), 500.0);
    assert_eq!(Metric::Accuracy.of(logits.view(), Target::Classes(&classes)).unwrap(), 0.5);
    assert_eq!(confusion_matrix(logits.view(), &classes).unwrap(), array![[0, 0], [1, 1]]);
    let unknown = array![[0.0, f64::NAN], [1.0, 0.0]];
    let classes = Classes::new(&[0, 0], 2).unwrap();
    assert_eq!(Metric::Accuracy.of(unknown.view(), Target::Classes(&classes)).unwrap(), 0.5);
    assert!(Metric::LogLoss.of(unknown.view(), Target::Classes(&classes)).unwrap().is_nan());
}

#[test]
fn what_does_not_fit_is_named() {
    let (output, classes) = (array![[1.0, 2.0]], Classes::new(&[0, 1], 2).unwrap());
    let error = Metric::Mse.of(output.view(), Target::Classes(&classes)).unwrap_err().to_string();
    assert_eq!(error, "metric is mse; expected one of classes, as the target is");
    let error = Metric::Accuracy.of(output.view(), Target::Values(output.view())).unwrap_err().to_string();
    assert_eq!(error, "metric is accuracy; expected one of numbers, as the target is");
    let error = Metric::Accuracy.of(output.view(), Target::Classes(&classes)).unwrap_err().to_string();
    assert_eq!(error, "shape of the output is (1, 2); expected (2, 2), as the target has it");
    let error = confusion_matrix(output.view(), &classes).unwrap_err().to_string();
    assert_eq!(error, "shape of the output is (1, 2); expected (2, 2): a row a label, a column a class");
}

//! Folds, grids and scores are scikit-learn's: `data/sklearn.json`, which scripts/sklearn_folds.py wrote.

use super::text;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use wane_autodiff::Classes;
use wane_data::Dataset;
use wane_search::{
    CvOptions, KFold, LeaveOneOut, ParameterGrid, RepeatedKFold, RepeatedStratifiedKFold, Ridge, Scaled, ShuffleSplit,
    Size, Split, Splitter, StratifiedKFold, cross_validate,
};
use wane_train::Metric;

#[derive(Deserialize)]
struct Reference {
    kfold: Vec<Folds>,
    leave_one_out: Vec<Vec<usize>>,
    stratified: Vec<Stratified>,
    shuffle_split: Vec<Sizes>,
    grids: Vec<Grid>,
    cross_validate: BTreeMap<String, Scores>,
}

#[derive(Deserialize)]
struct Folds {
    n: usize,
    k: usize,
    tests: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct Stratified {
    labels: Vec<usize>,
    k: usize,
    /// None where scikit-learn refuses.
    tests: Option<Vec<Vec<usize>>>,
}

#[derive(Deserialize)]
struct Sizes {
    n: usize,
    test_size: Value,
    train_size: Value,
    /// None where scikit-learn refuses.
    train: Option<usize>,
    test: Option<usize>,
}

#[derive(Deserialize)]
struct Grid {
    grid: BTreeMap<String, Vec<Value>>,
    settings: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Scores {
    test_score: Vec<f64>,
    train_score: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../data/sklearn.json")).unwrap()
}

/// The test rows, of splits whose training rows are all the others, in order.
fn tests(splits: Vec<Split>, rows: usize) -> Vec<Vec<usize>> {
    for split in &splits {
        let others: Vec<usize> = (0..rows).filter(|row| !split.test.contains(row)).collect();
        assert_eq!(split.train, others);
    }
    splits.into_iter().map(|split| split.test).collect()
}

#[test]
fn folds_are_scikit_learns() {
    let Reference { kfold, leave_one_out, stratified, .. } = reference();
    for Folds { n, k, tests: expected } in kfold {
        assert_eq!(tests(KFold::new(k).unwrap().split(n, None).unwrap(), n), expected, "{k} folds of {n}");
    }
    assert_eq!(tests(LeaveOneOut.split(4, None).unwrap(), 4), leave_one_out);
    for Stratified { labels, k, tests: expected } in stratified {
        let classes = Classes::new(&labels, labels.iter().max().unwrap() + 1).unwrap();
        let splits = StratifiedKFold::new(k).unwrap().split(labels.len(), Some(&classes));
        match expected {
            Some(expected) => assert_eq!(tests(splits.unwrap(), labels.len()), expected, "{k} folds of {labels:?}"),
            None => assert!(text(splits).starts_with("n_splits is ")),
        }
    }
}

#[test]
fn parts_of_a_shuffle_split_have_scikit_learns_sizes() {
    let size = |size: &Value| match size.as_u64() {
        Some(rows) => Size::Rows(rows as usize),
        None => Size::Fraction(size.as_f64().unwrap()),
    };
    for Sizes { n, test_size, train_size, train, test } in reference().shuffle_split {
        let splits = ShuffleSplit::new(3, size(&test_size), 1).and_then(|splitter| match &train_size {
            Value::Null => splitter.split(n, None),
            train_size => splitter.train_size(size(train_size))?.split(n, None),
        });
        let what = format!("{test_size} and {train_size} of {n}");
        let (Some(train), Some(test)) = (train, test) else {
            assert!(splits.is_err(), "{what}");
            continue;
        };
        for split in splits.unwrap() {
            assert_eq!((split.train.len(), split.test.len()), (train, test), "{what}");
            let rows: BTreeSet<usize> = split.train.iter().chain(&split.test).copied().collect();
            assert!(rows.len() == train + test && rows.iter().all(|&row| row < n), "{what}");
        }
    }
}

#[test]
fn repetitions_divide_the_rows_anew_each_time() {
    let labels: Vec<usize> = (0..24).map(|row| usize::from(row % 4 == 0)).collect();
    let classes = Classes::new(&labels, 2).unwrap();
    let splitters: [Box<dyn Splitter>; 2] =
        [Box::new(RepeatedKFold::new(3, 4, 9).unwrap()), Box::new(RepeatedStratifiedKFold::new(3, 4, 9).unwrap())];
    for splitter in splitters {
        let splits = splitter.split(24, Some(&classes)).unwrap();
        assert_eq!(splits, splitter.split(24, Some(&classes)).unwrap());
        let tests = tests(splits, 24);
        assert_eq!(tests.iter().collect::<BTreeSet<_>>().len(), 12);
        for repetition in tests.chunks(3) {
            let mut rows = repetition.concat();
            rows.sort_unstable();
            assert_eq!(rows, (0..24).collect::<Vec<_>>());
        }
    }
    let splits = RepeatedStratifiedKFold::new(3, 4, 9).unwrap().split(24, Some(&classes)).unwrap();
    assert!(splits.iter().all(|split| split.test.iter().filter(|&&row| labels[row] == 1).count() == 2));
    let drawn = ShuffleSplit::new(5, Size::Rows(8), 1).unwrap().split(24, None).unwrap();
    assert_eq!(drawn.iter().map(|split| &split.test).collect::<BTreeSet<_>>().len(), 5);
}

#[test]
fn grids_are_scikit_learns() {
    for Grid { grid: values, settings } in reference().grids {
        let mut grid = ParameterGrid::new();
        for (name, values) in &values {
            grid = match &values[0] {
                Value::String(_) => grid.values(name, values.iter().map(|value| value.as_str().unwrap())),
                value if value.is_i64() => grid.values(name, values.iter().map(|value| value.as_i64().unwrap())),
                _ => grid.values(name, values.iter().map(|value| value.as_f64().unwrap())),
            }
            .unwrap();
        }
        let got: Vec<Value> = grid
            .settings()
            .unwrap()
            .iter()
            .map(|setting| serde_json::from_str(&setting.to_string()).unwrap())
            .collect();
        let numbers = |setting: &Map<String, Value>| {
            let number = |value: &Value| value.as_f64().map_or_else(|| value.clone(), Value::from);
            Value::Object(setting.iter().map(|(name, value)| (name.clone(), number(value))).collect())
        };
        let got: Vec<_> = got.iter().map(|setting| numbers(setting.as_object().unwrap())).collect();
        assert_eq!(got, settings.iter().map(numbers).collect::<Vec<_>>());
    }
    let odd = ParameterGrid::new().values("a\u{1}\"", ["tab\t, \u{7f}", "é\\"]).unwrap().settings().unwrap();
    let read: Value = serde_json::from_str(&odd[0].to_string()).unwrap();
    assert_eq!(read, json!({"a\u{1}\"": "tab\t, \u{7f}"}));
}

#[test]
fn scores_of_a_scaled_ridge_are_scikit_learns() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/diabetes.csv");
    let data = Dataset::from_csv(path, "progression").unwrap();
    let ridge = Scaled { estimator: Ridge { alpha: 30.0 }, scale_y: false };
    for (name, expected) in reference().cross_validate {
        let metric = match name.as_str() {
            "neg_mean_squared_error" => Metric::Mse,
            "neg_mean_absolute_error" => Metric::Mae,
            "neg_root_mean_squared_error" => Metric::Rmse,
            _ => Metric::R2,
        };
        let options = CvOptions { metric, return_train_score: true, ..Default::default() };
        let scores = cross_validate(&ridge, &data, &KFold::new(7).unwrap(), &options).unwrap();
        let train: Vec<f64> = scores.folds.iter().map(|fold| fold.train.unwrap()).collect();
        for (got, expected) in [(scores.test_scores(), expected.test_score), (train, expected.train_score)] {
            assert_eq!(got.len(), 7);
            for (got, expected) in got.iter().zip(&expected) {
                assert!((got - expected).abs() < 1e-11 * expected.abs().max(1.0), "{name}: {got}, not {expected}");
            }
        }
    }
}

#[test]
fn splitters_refuse_by_option() {
    let none = |n_splits| KFold::new(n_splits).map(drop);
    assert_eq!(text(none(1)), "n_splits is 1; expected at least 2");
    assert_eq!(text(StratifiedKFold::new(0)), "n_splits is 0; expected at least 2");
    assert_eq!(text(RepeatedKFold::new(2, 0, 0)), "n_repeats is 0; expected at least 1");
    assert_eq!(text(ShuffleSplit::new(0, Size::Rows(1), 0)), "n_splits is 0; expected at least 1");
    let whole = "test_size is 1; expected a number above 0 and below 1";
    assert_eq!(text(ShuffleSplit::new(1, Size::Fraction(1.0), 0)), whole);
    let many = KFold::new(5).unwrap().split(4, None);
    assert_eq!(text(many), "n_splits is 5; expected at most 4, the number of rows");
    assert_eq!(text(LeaveOneOut.split(1, None)), "number of rows is 1; expected at least 2, to leave one out");
    let numbers = StratifiedKFold::new(2).unwrap().split(4, None);
    assert_eq!(text(numbers), "target is numbers; expected classes, to divide each in proportion");
}

//! Which settings are best, and their table.

use super::text;
use ndarray::{Array2, ArrayView2};
use serde::Deserialize;
use serde_json::Value;
use wane_autodiff::{Error, Rng};
use wane_data::Dataset;
use wane_search::{CvOptions, CvResults, GridSearch, KFold, ParameterGrid, Setting};
use wane_train::Metric;

/// The results of a grid whose every fold has the score that `score` says, if any, of the setting and the fold.
fn results(
    grid: ParameterGrid,
    folds: usize,
    score: impl Fn(&Setting, usize) -> Option<f64> + Sync,
) -> Result<CvResults, Error> {
    // A fold is one row, whose x is the fold's number.
    let data =
        Dataset::new(Array2::from_shape_fn((folds, 1), |(row, _)| row as f64), Array2::zeros((folds, 1))).unwrap();
    let options = CvOptions { metric: Metric::Mae, ..Default::default() };
    let make = |setting: &Setting| {
        let scores: Vec<_> = (0..folds).map(|fold| score(setting, fold)).collect();
        Ok(move |_: &Dataset<f64>, _: &mut Rng| {
            let scores = scores.clone();
            Ok(move |x: ArrayView2<'_, f64>| match scores[x[(0, 0)] as usize] {
                Some(score) => Ok(Array2::from_elem((1, 1), score)),
                None => Err(Error::data("fold", x[(0, 0)], "another")),
            })
        })
    };
    GridSearch::new(grid, make).options(options).run(&data, &KFold::new(folds)?)
}

#[derive(Deserialize)]
struct Ranks {
    /// None of a fit that failed.
    means: Vec<Option<f64>>,
    ranks: Vec<usize>,
}

/// `data/sklearn.json`: of equal means and failed fits too.
#[test]
fn ranks_are_scikit_learns() {
    let reference: Value = serde_json::from_str(include_str!("../../data/sklearn.json")).unwrap();
    let reference: Vec<Ranks> = serde_json::from_value(reference["ranks"].clone()).unwrap();
    for Ranks { means, ranks } in reference {
        let grid = ParameterGrid::new().values("place", 0..means.len() as i64).unwrap();
        // Below 0, as −mae is.
        let score = |setting: &Setting, _| Some(means[setting.count("place").unwrap()]? - 16.0);
        match results(grid, 2, score) {
            Ok(results) => {
                assert_eq!(results.ranks(), ranks);
                assert_eq!(results.best_index(), ranks.iter().position(|&rank| rank == 1).unwrap());
                let failed = means.iter().filter(|mean| mean.is_none()).count();
                assert_eq!(results.faults().count(), 2 * failed);
            }
            Err(error) => {
                assert!(means.iter().all(Option::is_none));
                let message = r#"all 4 fits failed; the first: {"place": 0}: split 0: fold is 0; expected another"#;
                assert_eq!(error.to_string(), message);
            }
        }
    }
}

/// Of `kind` a, alpha 1 has the best mean, −2, with a standard error of √0.5/√3 = 0.408; that of alpha 10 is within it and
/// that of 100 is not.
fn curve() -> CvResults {
    let grid = ParameterGrid::new().values("alpha", [100.0, 1.0, 10.0]).unwrap().values("kind", ["a\t", "b"]).unwrap();
    let score = |setting: &Setting, fold: usize| match (setting.float("alpha").unwrap(), setting.text("kind").unwrap())
    {
        (1.0, "a\t") => Some(-[1.0, 2.0, 3.0, 2.0][fold]),
        (10.0, "a\t") => Some(-2.4),
        (100.0, "a\t") => Some(-2.41),
        (100.0, _) => Some(-2.1),
        _ => (fold != 2).then_some(-1.0),
    };
    results(grid, 4, score).unwrap()
}

#[test]
fn the_strongest_within_one_standard_error_has_the_other_parameters_of_the_best() {
    let results = curve();
    assert_eq!((results.best_index(), results.one_standard_error("alpha").unwrap()), (2, 4));
    assert!((results.settings[2].1.standard_error() - (0.5_f64 / 3.0).sqrt()).abs() < 1e-15);
    let unknown = r#"parameter is "beta"; expected one of ["alpha", "kind"]"#;
    assert_eq!(text(results.one_standard_error("beta")), unknown);
    assert!(text(results.one_standard_error("kind")).starts_with("kind is a"));
}

#[test]
fn a_table_has_scikit_learns_columns_and_the_faults() {
    let csv = curve().to_csv();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let names = "mean_fit_time std_fit_time mean_score_time std_score_time param_alpha param_kind params \
                 split0_test_score split1_test_score split2_test_score split3_test_score mean_test_score \
                 std_test_score rank_test_score faults";
    assert_eq!(header.iter().collect::<Vec<_>>(), names.split_whitespace().collect::<Vec<_>>());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |name: &str| {
        let place = header.iter().position(|other| other == name).unwrap();
        rows.iter().map(|row| row[place].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(column("param_alpha"), ["100", "100", "1", "1", "10", "10"]);
    assert_eq!(column("rank_test_score"), ["4", "2", "1", "5", "3", "5"]);
    assert_eq!(column("split2_test_score"), ["-2.41", "-2.1", "-3", "NaN", "-2.4", "NaN"]);
    assert_eq!(column("mean_test_score")[2].parse(), Ok(-2.0));
    assert_eq!(column("std_test_score")[2].parse(), Ok(0.5_f64.sqrt()));
    let fault = "split 2: fold is 2; expected another";
    assert_eq!(column("faults"), ["", "", "", fault, "", fault]);
    let params: Value = serde_json::from_str(&column("params")[2]).unwrap();
    assert_eq!(params, serde_json::json!({"alpha": 1, "kind": "a\t"}));
}

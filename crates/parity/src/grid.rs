//! `grid` files: a grid search of ridge over folds of the diabetes data.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::tensor::{not_empty, same_length};
use serde::Deserialize;
use serde_json::Value;
use wane_autodiff::Error;
use wane_data::{Dataset, StandardScaler};
use wane_search::{CvOptions, GridSearch, KFold, ParameterGrid, Ridge, Setting};

#[derive(Debug, Deserialize)]
struct File {
    data: String,
    alphas: Vec<f64>,
    mean_test_score: Vec<f64>,
    std_test_score: Vec<f64>,
    rank_test_score: Vec<usize>,
    /// (splits, alphas).
    split_test_score: Vec<Vec<f64>>,
    best_alpha: f64,
}

const SCORE: Tolerance = Tolerance { relative: 1e-8, absolute: 0.0 };
const SAME: Tolerance = Tolerance { relative: 0.0, absolute: 0.0 };

pub(crate) fn replay(file: Value) -> Result<Difference, Failure> {
    let file: File = serde_json::from_value(file)?;
    not_empty("alphas", &file.alphas)?;
    if !file.data.starts_with("diabetes") {
        return Err(format!("data {:?} is not known", file.data).into());
    }
    let grid = ParameterGrid::new().values("alpha", file.alphas.iter().copied())?;
    let search = GridSearch::new(grid, |setting: &Setting| Ok(Ridge { alpha: setting.float("alpha")? }));
    let search = search.options(CvOptions { raise: true, ..Default::default() });
    let results = search.run(&diabetes()?, &KFold::new(file.split_test_score.len())?)?;

    let mut difference = Difference::new(SCORE);
    let mut add = |what: &str, got: &[f64], reference: &[f64], tolerance| {
        same_length(what, got.len(), reference.len())?;
        got.iter().zip(reference).for_each(|(&got, &reference)| difference.add_within(got, reference, tolerance));
        Ok::<_, Failure>(())
    };
    let scores = || results.settings.iter().map(|(_, scores)| scores);
    for (split, reference) in file.split_test_score.iter().enumerate() {
        let got = Vec::from_iter(scores().map(|scores| scores.folds[split].test));
        add("split_test_score", &got, reference, SCORE)?;
    }
    add("mean_test_score", &results.mean_test_scores(), &file.mean_test_score, SCORE)?;
    let deviations = Vec::from_iter(scores().map(|scores| scores.std()));
    add("std_test_score", &deviations, &file.std_test_score, SCORE)?;
    let numbers = |ranks: &[usize]| Vec::from_iter(ranks.iter().map(|&rank| rank as f64));
    add("rank_test_score", &numbers(&results.ranks()), &numbers(&file.rank_test_score), SAME)?;
    add("best_alpha", &[results.best_setting().float("alpha")?], &[file.best_alpha], SAME)?;
    Ok(difference)
}

/// scikit-learn's `load_diabetes`: each column centred, and of norm 1.
fn diabetes() -> Result<Dataset<f64>, Error> {
    let data = Dataset::from_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/diabetes.csv"), "progression")?;
    let scaled = StandardScaler::fit(data.x())?.transform(data.x())?;
    Dataset::new(scaled / (data.len() as f64).sqrt(), data.y().to_owned())
}

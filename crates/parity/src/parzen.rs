//! `parzen` files: log densities of Parzen estimators, and the weights and numbers of good trials that TPE uses.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::tensor::{not_empty, same_length};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use wane_autodiff::ndarray::Array2;
use wane_search::{Choice, ParzenEstimator, ParzenOptions, SearchSpace, default_weights, n_below};

#[derive(Debug, Deserialize)]
struct File {
    /// By the number of observations.
    weights: BTreeMap<usize, Vec<f64>>,
    /// By the number of finished trials.
    n_below: BTreeMap<usize, usize>,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    space: BTreeMap<String, Distribution>,
    observations: BTreeMap<String, Vec<f64>>,
    at: BTreeMap<String, Vec<f64>>,
    log_pdf: Vec<f64>,
}

/// Optuna's JSON of a distribution.
#[derive(Debug, Deserialize)]
#[serde(tag = "name", content = "attributes")]
enum Distribution {
    #[serde(rename = "FloatDistribution")]
    Float { low: f64, high: f64, log: bool, step: Option<f64> },
    #[serde(rename = "IntDistribution")]
    Int { low: i64, high: i64, log: bool, step: i64 },
    #[serde(rename = "CategoricalDistribution")]
    Categorical { choices: Vec<Value> },
}

const LOG_PDF: Tolerance = Tolerance { relative: 0.0, absolute: 1e-12 };
const SAME: Tolerance = Tolerance { relative: 0.0, absolute: 0.0 };

pub(crate) fn replay(file: Value) -> Result<Difference, Failure> {
    let File { weights, n_below: numbers, cases } = serde_json::from_value(file)?;
    not_empty("cases", &cases)?;
    let mut difference = Difference::new(LOG_PDF);
    for (n, reference) in weights {
        let got = default_weights(n);
        same_length("weights", got.len(), reference.len())?;
        got.iter().zip(&reference).for_each(|(&got, &reference)| difference.add_within(got, reference, SAME));
    }
    for (n, reference) in numbers {
        difference.add_within(n_below(n) as f64, reference as f64, SAME);
    }
    for Case { space, observations, at, log_pdf } in cases {
        let mut checked = SearchSpace::new();
        for (name, distribution) in space {
            let distribution = distribution.read().map_err(|failure| format!("{name}: {failure}"))?;
            checked.insert(name, distribution);
        }
        let observations = table(&checked, &observations)?;
        let estimator = ParzenEstimator::new(&checked, observations.view(), &ParzenOptions::default())?;
        let got = estimator.log_pdf(table(&checked, &at)?.view())?;
        same_length("log_pdf", got.len(), log_pdf.len())?;
        difference.add_all(got, &log_pdf);
    }
    Ok(difference)
}

impl Distribution {
    fn read(self) -> Result<wane_search::Distribution, Failure> {
        let distribution = match self {
            Self::Float { low, high, log, step } => wane_search::Distribution::Float { low, high, log, step },
            Self::Int { low, high, log, step } => wane_search::Distribution::Int { low, high, log, step },
            Self::Categorical { choices } => {
                wane_search::Distribution::Categorical { choices: choices.iter().map(Choice::from_json).collect() }
            }
        };
        Ok(distribution.checked()?)
    }
}

/// The values as rows, in the order of the space.
fn table(space: &SearchSpace, values: &BTreeMap<String, Vec<f64>>) -> Result<Array2<f64>, Failure> {
    let columns = space.keys().map(|name| values.get(name).ok_or_else(|| format!("no values of {name}")));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let rows = columns.first().map_or(0, |column| column.len());
    for (name, column) in space.keys().zip(&columns) {
        same_length(name, column.len(), rows)?;
    }
    Ok(Array2::from_shape_fn((rows, columns.len()), |(row, column)| columns[column][row]))
}

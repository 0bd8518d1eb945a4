//! `k` files (`k-fold.json`): the test rows of each fold.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::tensor::{not_empty, same_length};
use serde::Deserialize;
use serde_json::Value;
use wane_search::{KFold, Splitter};

#[derive(Debug, Deserialize)]
struct File {
    folds: Vec<Folds>,
}

#[derive(Debug, Deserialize)]
struct Folds {
    n: usize,
    k: usize,
    test_folds: Vec<Vec<usize>>,
}

pub(crate) fn replay(file: Value) -> Result<Difference, Failure> {
    let File { folds } = serde_json::from_value(file)?;
    not_empty("folds", &folds)?;
    let mut difference = Difference::new(Tolerance { relative: 0.0, absolute: 0.0 });
    for Folds { n, k, test_folds } in folds {
        let splits = KFold::new(k)?.split(n, None)?;
        same_length("test_folds", splits.len(), test_folds.len())?;
        for (split, reference) in splits.iter().zip(&test_folds) {
            same_length("rows of a test fold", split.test.len(), reference.len())?;
            let others = (0..n).filter(|row| !reference.contains(row)).collect::<Vec<_>>();
            same_length("training rows of a fold", split.train.len(), others.len())?;
            let pairs = split.test.iter().zip(reference).chain(split.train.iter().zip(&others));
            pairs.for_each(|(&got, &reference)| difference.add(got as f64, reference as f64));
        }
    }
    Ok(difference)
}

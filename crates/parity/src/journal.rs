//! `optuna.journal.json` files: what Optuna reads from the journal beside it, `optuna.journal`.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::tensor::{not_empty, same_length};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use wane_search::TrialRecord;
use wane_search::storage::{JournalStorage, Storage};

#[derive(Debug, Deserialize)]
struct Trial {
    number: usize,
    state: String,
    value: Option<f64>,
    params: BTreeMap<String, Value>,
    /// Numbers as Python's `repr` gives them, by step.
    intermediate: BTreeMap<String, String>,
    user_attrs: BTreeMap<String, Value>,
}

const EXACT: Tolerance = Tolerance { relative: 0.0, absolute: 0.0 };

pub(crate) fn replay(path: &Path, file: Value) -> Result<Difference, Failure> {
    let references: Vec<Trial> = serde_json::from_value(file)?;
    not_empty("trials", &references)?;
    let journal = path.with_extension("");
    if !journal.is_file() {
        return Err(format!("{journal:?} is not there").into());
    }
    let storage = JournalStorage::open(&journal)?;
    let studies = storage.studies()?;
    let [study] = studies.as_slice() else {
        return Err(format!("{journal:?} holds {} studies, wanted one", studies.len()).into());
    };
    let trials = storage.trials(study.id)?;
    same_length("trials", trials.len(), references.len())?;
    let mut difference = Difference::new(EXACT);
    for (trial, reference) in trials.iter().zip(&references) {
        compare(&mut difference, trial, reference)
            .map_err(|failure| format!("trial {}: {failure}", reference.number))?;
    }
    Ok(difference)
}

fn compare(difference: &mut Difference, trial: &TrialRecord, reference: &Trial) -> Result<(), Failure> {
    let mut same = |is_same| difference.add(f64::from(u8::from(is_same)), 1.0);
    same(trial.number == reference.number);
    same(format!("{:?}", trial.state).to_uppercase() == reference.state);
    same(trial.user_attrs == reference.user_attrs);
    same(trial.value().is_some() == reference.value.is_some());
    difference.add_all(trial.value(), reference.value.as_slice());

    same_length("params", trial.params.len(), reference.params.len())?;
    for (name, reference) in &reference.params {
        let param = trial.params.get(name).ok_or_else(|| format!("{name} is missing"))?;
        let value = param.value()?;
        match (value.number(), reference.as_f64()) {
            (Some(value), Some(reference)) => difference.add(value, reference),
            _ => difference.add(f64::from(u8::from(value.to_json()? == *reference)), 1.0),
        }
    }
    same_length("intermediate", trial.intermediates.len(), reference.intermediate.len())?;
    for (step, reference) in &reference.intermediate {
        let value = trial.intermediates.get(&step.parse()?).ok_or_else(|| format!("step {step} is missing"))?;
        difference.add(*value, reference.parse()?);
    }
    Ok(())
}

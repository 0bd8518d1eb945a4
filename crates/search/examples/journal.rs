//! The other side of `scripts/two_workers.py`: works on a study in a journal, or prints what it reads from one.
//!
//! usage: journal read JOURNAL | journal work JOURNAL TRIALS MILLISECONDS LOCK_GRACE

use serde_json::{Value, json};
use std::error::Error;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;
use wane_search::storage::{JournalOptions, JournalStorage, Storage};
use wane_search::{Study, StudyOptions, TrialRecord};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["read", journal] => read(journal),
        ["work", journal, trials, milliseconds, lock_grace] => {
            let [time, lock_grace] = [milliseconds.parse()?, lock_grace.parse()?].map(Duration::from_millis);
            work(journal, trials.parse()?, time, lock_grace)
        }
        _ => {
            println!("usage: journal read JOURNAL | journal work JOURNAL TRIALS MILLISECONDS LOCK_GRACE");
            Ok(())
        }
    }
}

fn work(journal: &str, trials: usize, time: Duration, lock_grace: Duration) -> Result<(), Box<dyn Error>> {
    let heartbeat = Some(Duration::from_millis(500));
    let options = JournalOptions { heartbeat, lock_grace, ..Default::default() };
    let storage = Arc::new(JournalStorage::open_with(journal, options)?);
    let study =
        Study::create(StudyOptions { name: "shared".into(), load_if_exists: true, storage, ..Default::default() })?;
    study.optimize(trials, |trial| {
        let x = trial.suggest_float("x", -2.0..=2.0)?;
        let n = trial.suggest_int_log("n", 1..=64)?;
        let kind = trial.suggest_categorical("kind", &["l1", "l2"])?;
        trial.set_user_attr("worker", "wane")?;
        println!("{}", trial.number());
        let value = x * x + n as f64 / 64.0 + f64::from(u8::from(kind == "l1"));
        for step in 0..4 {
            sleep(time / 4);
            trial.report(step, if step == 0 { f64::INFINITY } else { value / step as f64 })?;
        }
        Ok(value)
    })?;
    Ok(())
}

fn read(journal: &str) -> Result<(), Box<dyn Error>> {
    let storage = JournalStorage::open(journal)?;
    let mut trials = Vec::new();
    for study in storage.studies()? {
        trials.extend(storage.trials(study.id)?.iter().map(|trial| described(trial)));
    }
    println!("{}", Value::from(trials));
    Ok(())
}

fn described(trial: &TrialRecord) -> Value {
    let params =
        trial.params.iter().map(|(name, param)| (name.clone(), param.value().and_then(|value| value.to_json())));
    let intermediate =
        trial.intermediates.iter().map(|(step, value)| (step.to_string(), Value::from(value.to_string())));
    json!({
        "number": trial.number,
        "state": format!("{:?}", trial.state).to_uppercase(),
        "values": trial.values,
        "params": params.filter_map(|(name, value)| Some((name, value.ok()?))).collect::<serde_json::Map<_, _>>(),
        "intermediate": intermediate.collect::<serde_json::Map<_, _>>(),
        "user_attrs": trial.user_attrs,
        "system_attrs": trial.system_attrs,
    })
}

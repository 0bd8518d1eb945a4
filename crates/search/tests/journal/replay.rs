//! The same operations mean the same to Optuna and to wane (`scripts/optuna_journal.py` wrote what is compared).

use crate::{created, folder, state, study, trial};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use wane_search::storage::{Applied, InMemory, JournalOptions, JournalStorage, Operation, Storage};
use wane_search::{AttrKind, Choice, Distribution, Param, TrialRecord, TrialState};

fn vendored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journal").join(name)
}

fn number(value: f64) -> Value {
    match value {
        _ if value.is_finite() => value.into(),
        _ if value.is_nan() => "NaN".into(),
        _ if value > 0.0 => "Infinity".into(),
        _ => "-Infinity".into(),
    }
}

fn choice(value: &Choice) -> Value {
    match value {
        Choice::Float(value) => number(*value),
        other => other.to_json().unwrap(),
    }
}

fn distribution(distribution: &Distribution) -> Value {
    let (name, attributes) = match distribution {
        Distribution::Float { low, high, log, step } => {
            ("FloatDistribution", json!({ "low": low, "high": high, "log": log, "step": step }))
        }
        Distribution::Int { low, high, log, step } => {
            ("IntDistribution", json!({ "low": low, "high": high, "log": log, "step": step }))
        }
        Distribution::Categorical { choices } => {
            ("CategoricalDistribution", json!({ "choices": choices.iter().map(choice).collect::<Value>() }))
        }
    };
    json!({ "name": name, "attributes": attributes })
}

fn seconds(time: Option<SystemTime>) -> Option<f64> {
    time.map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64())
}

fn described(trial: &TrialRecord) -> Value {
    let params = |of: &dyn Fn(&Param) -> Value| -> BTreeMap<String, Value> {
        trial.params.iter().map(|(name, param)| (name.clone(), of(param))).collect()
    };
    json!({
        "id": trial.id,
        "number": trial.number,
        "state": trial.state as u8,
        "values": trial.values.as_ref().map(|values| values.iter().copied().map(number).collect::<Value>()),
        "params": params(&|param| choice(&param.value().unwrap())),
        "distributions": params(&|param| distribution(&param.distribution)),
        "intermediate_values": trial.intermediates.iter().map(|(step, value)| (step.to_string(), number(*value)))
            .collect::<BTreeMap<_, _>>(),
        "user_attrs": trial.user_attrs,
        "system_attrs": trial.system_attrs,
        "started": seconds(trial.started),
        "completed": seconds(trial.completed),
    })
}

/// What a storage holds, as the script writes what Optuna reads.
fn all(storage: &dyn Storage) -> Value {
    let studies = storage.studies().unwrap();
    let described = studies.iter().map(|study| {
        json!({
            "id": study.id,
            "name": study.name,
            "directions": study.directions.iter().map(|direction| *direction as u8 + 1).collect::<Vec<_>>(),
            "user_attrs": study.user_attrs,
            "system_attrs": study.system_attrs,
            "trials": storage.trials(study.id).unwrap().iter().map(|trial| described(trial)).collect::<Value>(),
        })
    });
    described.collect()
}

/// Numbers as f64: 1 and 1.0 are one number to Python.
fn as_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().unwrap().into(),
        Value::Array(list) => list.into_iter().map(as_floats).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, as_floats(value))).collect(),
        other => other,
    }
}

#[test]
fn optuna_and_wane_read_the_same_from_a_journal_full_of_vain_operations() {
    let storage = JournalStorage::open(vendored("random.journal")).unwrap();
    let reference: Value = serde_json::from_slice(&fs::read(vendored("random.json")).unwrap()).unwrap();
    assert_eq!(as_floats(all(&storage)), as_floats(reference));
}

/// Wherever two reads part the file, the second takes up where the first has ended.
#[test]
fn a_journal_is_read_as_it_grows() {
    let text = fs::read(vendored("random.journal")).unwrap();
    let whole = all(&JournalStorage::open(vendored("random.journal")).unwrap());
    let path = folder("grows").join("journal");
    for parts in [3, 50] {
        fs::write(&path, "").unwrap();
        let storage = JournalStorage::open(&path).unwrap();
        for part in 1..=parts {
            fs::write(&path, &text[..text.len() * part / parts]).unwrap();
            storage.studies().unwrap();
        }
        assert_eq!(all(&storage), whole);
    }
}

fn param(trial: u64, name: &str, distribution: Distribution, internal: f64) -> Operation {
    Operation::SetParam { trial, name: name.into(), param: Param { distribution, internal } }
}

/// Every operation, with values that are hard to write.
fn operations() -> Vec<Operation> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456);
    let choices = vec![Choice::Null, true.into(), 7.into(), f64::NAN.into(), f64::INFINITY.into(), "\"é\n\0".into()];
    let attr = |kind, name: &str, value| Operation::SetTrialAttr { trial: 0, kind, name: name.into(), value };
    let full = TrialRecord {
        values: Some(vec![f64::NEG_INFINITY]),
        params: [("n".into(), Param { distribution: Distribution::int_step(0, 9, 3).unwrap(), internal: 6.0 })].into(),
        intermediates: [(0, f64::NAN), (7, 5e-324)].into(),
        user_attrs: [("a b".into(), json!({ "list": [1, null] }))].into(),
        system_attrs: [("fixed_params".into(), json!({ "n": 6 }))].into(),
        started: Some(time),
        completed: Some(time),
        ..TrialRecord::new(TrialState::Complete)
    };
    let create = |trial| Operation::CreateTrial { study: 0, trial: Box::new(trial) };
    let set_study = |kind, value| Operation::SetStudyAttr { study: 0, kind, name: "key".into(), value };
    vec![
        study("a \"name\""),
        set_study(AttrKind::User, json!("text")),
        set_study(AttrKind::System, json!([1e300, -0.0])),
        trial(),
        param(0, "x", Distribution::float_log(1e-5, 1.0).unwrap(), 0.1 + 0.2),
        param(0, "step", Distribution::float_step(0.0, 0.5, 0.2).unwrap(), 0.2),
        param(0, "c", Distribution::categorical(choices.clone()).unwrap(), 4.0),
        Operation::SetIntermediate { trial: 0, step: u64::from(u32::MAX), value: f64::INFINITY },
        attr(AttrKind::User, "u", json!(true)),
        attr(AttrKind::System, "s", json!({ "deep": [[]] })),
        Operation::SetState { trial: 0, state: TrialState::Complete, values: Some(vec![1.0 / 3.0]), time },
        create(full.clone()),
        create(TrialRecord { values: Some(vec![1.0, f64::NAN]), ..full }),
        create(TrialRecord::new(TrialState::Waiting)),
        Operation::SetState { trial: 3, state: TrialState::Running, values: None, time },
        Operation::SetState { trial: 3, state: TrialState::Waiting, values: None, time },
        param(3, "c", Distribution::categorical(choices).unwrap(), 3.0),
        study("second"),
        Operation::DeleteStudy { study: 1 },
        study("second"),
    ]
}

#[test]
fn what_is_written_is_read_back_as_a_storage_in_memory_has_it() {
    let path = folder("back").join("journal");
    let options = JournalOptions { heartbeat: None, ..Default::default() };
    let (journal, memory) = (JournalStorage::open_with(&path, options).unwrap(), InMemory::new());
    for operation in operations() {
        assert_eq!(
            journal.apply(operation.clone()).unwrap(),
            memory.apply(operation.clone()).unwrap(),
            "{operation:?}"
        );
    }
    // Python's clock has microseconds.
    let round = |value: Value| value.to_string();
    let (journal, reopened) = (all(&journal), all(&JournalStorage::open(&path).unwrap()));
    assert_eq!(round(journal.clone()), round(reopened));
    let without_start = |mut value: Value| {
        value[0]["trials"][0]["started"] = Value::Null;
        round(value)
    };
    assert_eq!(without_start(journal), without_start(all(&memory)));
}

#[test]
fn what_a_storage_in_memory_refuses_the_journal_refuses() {
    let path = folder("refuses").join("journal");
    let (journal, memory) = (JournalStorage::open(&path).unwrap(), InMemory::new());
    for storage in [&journal as &dyn Storage, &memory] {
        storage.apply(study("one")).unwrap();
        storage.apply(trial()).unwrap();
        storage.apply(param(0, "x", Distribution::float(0.0, 1.0).unwrap(), 0.5)).unwrap();
        storage.apply(state(0, TrialState::Complete, Some(1.0))).unwrap();
        storage.apply(trial()).unwrap();
    }
    let vain = [
        study("one"),
        Operation::DeleteStudy { study: 1 },
        state(0, TrialState::Fail, None),
        state(9, TrialState::Fail, None),
        param(1, "x", Distribution::float_log(0.1, 1.0).unwrap(), 0.5),
    ];
    let before = all(&journal);
    let size = fs::metadata(&path).unwrap().len();
    for operation in vain {
        let (ours, theirs) = (journal.apply(operation.clone()).unwrap_err(), memory.apply(operation).unwrap_err());
        assert!(ours.to_string().ends_with(&theirs.to_string()), "{ours}\n{theirs}");
    }
    assert_eq!(journal.apply(state(1, TrialState::Running, None)).unwrap(), Applied::TooLate);
    assert_eq!(all(&journal), before);
    // What has no effect is not even written, nor what nobody could read back.
    let unreadable = [
        Operation::CreateStudy { name: "none".into(), directions: Vec::new() },
        param(1, "y", Distribution::Float { low: 1.0, high: 0.0, log: false, step: None }, 0.5),
        param(1, "y", Distribution::float(0.0, 1.0).unwrap(), f64::NAN),
        param(1, "y", Distribution::categorical(["a"]).unwrap(), 1.0),
        Operation::SetIntermediate { trial: 1, step: u64::MAX, value: 0.0 },
    ];
    for operation in unreadable {
        journal.apply(operation).unwrap_err();
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), size);
    assert_eq!(created(&journal, study("two")), 1);
}

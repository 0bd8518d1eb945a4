//! What Optuna writes and wane does not: it must not keep anyone from the other studies of the journal.

use crate::{created, folder, state, study};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use wane_search::storage::{JournalStorage, Operation, Storage};
use wane_search::{AttrKind, Choice, Distribution, TrialRecord, TrialState};

/// A journal of a study "odd" with one running trial, and these lines behind.
fn journal(name: &str, lines: &[String]) -> PathBuf {
    let path = folder(name).join("journal");
    let start = r#""datetime_start":"2026-01-01T00:00:00.000000+00:00""#;
    let mut text = format!(
        "{{\"op_code\":0,\"worker_id\":\"w\",\"study_name\":\"odd\",\"directions\":[1]}}\n\
         {{\"op_code\":4,\"worker_id\":\"w\",\"study_id\":0,{start}}}\n"
    );
    lines.iter().for_each(|line| text += &format!("{line}\n"));
    fs::write(&path, text).unwrap();
    path
}

fn param(name: &str, internal: f64, class: &str, attributes: &str) -> String {
    let distribution = json!(format!("{{\"name\": \"{class}Distribution\", \"attributes\": {{{attributes}}}}}"));
    format!(
        "{{\"op_code\":5,\"worker_id\":\"w\",\"trial_id\":0,\"param_name\":\"{name}\",\
         \"param_value_internal\":{internal},\"distribution\":{distribution}}}"
    )
}

fn attr(name: &str, json: &str) -> String {
    format!("{{\"op_code\":8,\"worker_id\":\"w\",\"trial_id\":0,\"user_attr\":{{\"{name}\":{json}}}}}")
}

/// Another study's trial is created, and ends.
fn works(storage: &JournalStorage) {
    let id = created(storage, study("own"));
    let trial =
        created(storage, Operation::CreateTrial { study: id, trial: TrialRecord::new(TrialState::Running).into() });
    storage.apply(state(trial, TrialState::Complete, Some(1.0))).unwrap();
}

#[test]
fn parameters_that_wane_has_no_range_for_are_read() {
    let ints = |low: &str, high: &str| format!("\"log\": false, \"step\": 1, \"low\": {low}, \"high\": {high}");
    let path = journal(
        "ranges",
        &[
            param("layers", 1.0, "Categorical", "\"choices\": [[64, 64], [128], {\"a\": [NaN]}]"),
            param("seed", 4e18, "Int", &ints("0", "9223372036854775807")),
            param("large", 1e19, "Int", &ints("-1", "18446744073709551615")),
            param("huge", 1e300, "Int", &ints("0", &format!("1{}", "0".repeat(400)))),
            param("any", 0.5, "Float", "\"step\": null, \"low\": -Infinity, \"high\": Infinity, \"log\": false"),
            param("later", 0.5, "Quantum", "\"low\": 0"),
            param("uniform", 0.5, "Uniform", "\"low\": 0.0, \"high\": 1.0"),
            param("by log", 0.5, "LogUniform", "\"low\": 0.1, \"high\": 1.0"),
            param("steps", 0.5, "DiscreteUniform", "\"low\": 0.0, \"high\": 1.1, \"q\": 0.25"),
            param("ints", 4.0, "IntUniform", "\"low\": 0, \"high\": 9, \"step\": 2"),
            param("ints by log", 4.0, "IntLogUniform", "\"low\": 1, \"high\": 9, \"step\": 1"),
        ],
    );
    let storage = JournalStorage::open(&path).unwrap();
    works(&storage);
    let trial = storage.trial(0).unwrap();
    let of = |name: &str| trial.params[name].clone();
    let value = of("layers").value().unwrap();
    assert_eq!(value, Choice::Json(json!([128])));
    // As to Python, 128 is 128.0.
    assert!(value.is_same(&Choice::Json(json!([128.0]))) && !value.is_same(&Choice::Json(json!([128, 1]))));
    assert!(!value.is_same(&Choice::Int(128)));
    assert_eq!(of("seed").distribution, Distribution::Int { low: 0, high: i64::MAX, log: false, step: 1 });
    assert_eq!(of("seed").value().unwrap(), Choice::Int(4_000_000_000_000_000_000));
    let ends = |name: &str| match of(name).distribution {
        Distribution::Int { low, high, .. } => (low, high),
        other => panic!("{other}"),
    };
    assert_eq!([ends("large"), ends("huge")], [(-1, i64::MAX), (0, i64::MAX)]);
    let all = Distribution::Float { low: f64::NEG_INFINITY, high: f64::INFINITY, log: false, step: None };
    assert_eq!(of("any").distribution, all);
    assert!(!trial.params.contains_key("later"));
    assert_eq!(of("uniform").distribution, Distribution::float(0.0, 1.0).unwrap());
    assert_eq!(of("by log").distribution, Distribution::float_log(0.1, 1.0).unwrap());
    assert_eq!(of("steps").distribution, Distribution::float_step(0.0, 1.0, 0.25).unwrap());
    assert_eq!(of("ints").distribution, Distribution::int_step(0, 8, 2).unwrap());
    assert_eq!(of("ints by log").distribution, Distribution::int_log(1, 9).unwrap());
}

#[test]
fn attributes_that_json_does_not_have_are_read() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let cases = [
        ("1e400", json!("Infinity")),
        ("[-1E+400, 1e-400]", json!(["-Infinity", 0.0])),
        (&*format!("-1{}", "0".repeat(400)), json!("-Infinity")),
        (r#""\ud800, \udc00\ud800""#, json!("\u{fffd}, \u{fffd}\u{fffd}")),
        (r#""\ud83d\ude00 \\ud800 \"""#, json!("\u{1f600} \\ud800 \"")),
    ];
    let mut lines: Vec<_> = cases.iter().enumerate().map(|(i, (json, _))| attr(&i.to_string(), json)).collect();
    lines.extend([attr("deep", &format!("{{\"a\":[{deep},1]}}")), attr("last", "true")]);
    let storage = JournalStorage::open(journal("attributes", &lines)).unwrap();
    works(&storage);
    let attrs = &storage.trial(0).unwrap().user_attrs;
    for (i, (json, expected)) in cases.iter().enumerate() {
        assert_eq!(attrs[&i.to_string()], *expected, "{json}");
    }
    let mut level: &Value = &attrs["deep"]["a"][0];
    assert_eq!(attrs["deep"]["a"][1], json!(1));
    while let Some(next) = level.get(0) {
        level = next;
    }
    assert!(level.is_null());
    assert_eq!(attrs["last"], json!(true));
}

/// Written, it would close the journal to all.
#[test]
fn what_is_too_long_to_be_read_is_not_written() {
    let path = journal("long", &[]);
    let size = fs::metadata(&path).unwrap().len();
    let storage = JournalStorage::open(&path).unwrap();
    let value = Value::from("x".repeat(1 << 26));
    let long = Operation::SetStudyAttr { study: 0, kind: AttrKind::User, name: "long".into(), value };
    let error = storage.apply(long).unwrap_err().to_string();
    assert!(error.contains("operation is 671089") && error.contains("at most 67108864 bytes"), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().len(), size);
    works(&storage);
}

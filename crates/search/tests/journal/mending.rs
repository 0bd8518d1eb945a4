//! Journals whose end is torn, and processes that are stopped while they mend it.

use crate::{created, folder, study, trial};
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wane_search::storage::{JournalOptions, JournalStorage, Operation, Storage};
use wane_search::{AttrKind, TrialState};

const JOURNAL: &str = "WANE_TEST_MENDED";
/// What `ulimit -f` counts in.
const BLOCK: usize = 512;

fn open(path: &Path) -> JournalStorage {
    let options = JournalOptions { heartbeat: None, lock_grace: Duration::from_millis(50), ..Default::default() };
    JournalStorage::open_with(path, options).unwrap()
}

fn attr(name: &str, length: usize) -> Operation {
    Operation::SetStudyAttr { study: 0, kind: AttrKind::User, name: name.into(), value: json!("x".repeat(length)) }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n') && !text.contains('\0'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
#[ignore = "the process of the test below"]
fn child_process() {
    let path = PathBuf::from(env::var_os(JOURNAL).expect("only run by the other test"));
    open(&path).apply(attr("long", 1500)).unwrap();
}

/// A file may not grow beyond the limit; who writes there is killed, or gets an error where the signal is ignored. Either
/// stops the writer before, within and behind the line that it mends, to which Optuna has appended.
#[cfg(target_os = "linux")]
#[test]
fn whoever_is_stopped_while_mending_loses_nothing() {
    use std::process::{Command, Stdio};
    let path = folder("stopped").join("journal");
    let storage = open(&path);
    created(&storage, study("s"));
    created(&storage, trial());
    let empty = fs::metadata(&path).unwrap().len() as usize;
    storage.apply(attr("pad", 0)).unwrap();
    let padded = fs::metadata(&path).unwrap().len() as usize;
    storage.apply(attr("pad", BLOCK - (2 * padded - empty) % BLOCK)).unwrap();
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len() % BLOCK, 0);
    let torn = format!(r#"{{"op_code":8,"worker_id":"w","trial_id":0,"user_attr":{{"a":"{}"#, "a".repeat(650));
    let appended = r#"{"op_code":6,"worker_id":"w","trial_id":0,"state":1,"values":[0.5],"datetime_complete":"2026-01-01T00:00:00.000000+00:00"}"#;
    let text = [&whole, torn.as_bytes(), appended.as_bytes(), b"\n"].concat();
    for more in 0..=6 {
        for trap in ["", "trap '' XFSZ; "] {
            fs::write(&path, &text).unwrap();
            let limit = whole.len() / BLOCK + more - 1;
            let script = format!(
                "{trap}ulimit -c 0; ulimit -f {limit}; exec \"$0\" --exact mending::child_process --ignored --quiet"
            );
            let mut command = Command::new("sh");
            command.arg("-c").arg(script).arg(env::current_exe().unwrap()).env(JOURNAL, &path);
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            assert_eq!(status.success(), more == 6, "{more} {trap}");

            open(&path).apply(attr("after", 1)).unwrap();
            let storage = open(&path);
            let (trial, study) = (storage.trial(0).unwrap(), &storage.studies().unwrap()[0]);
            assert_eq!((trial.state, trial.value()), (TrialState::Complete, Some(0.5)), "{more} {trap}");
            assert_eq!(study.user_attrs.contains_key("long"), more == 6, "{more} {trap}");
            assert!(study.user_attrs.contains_key("after"));
            lines(&path);
        }
    }
}

/// As it may stand after each step, of the first line too, before which nothing says that the file is a journal.
#[test]
fn a_journal_that_was_mended_in_part_goes_on() {
    let path = folder("in-part").join("journal");
    let line = r#"{"op_code":0,"worker_id":"w","study_name":"one","directions":[1]}"#;
    let other = r#"{"op_code":0,"worker_id":"w","study_name":"two","directions":[1]}"#;
    let blank = " ".repeat(line.len());
    for before in ["".to_owned(), format!("{line}\n")] {
        for (torn, appended) in [
            ("{\"op_code\":", ""),
            ("{\"op_code\":        ", ""),
            (blank.as_str(), ""),
            ("    {\"op_code\":0,\"work", ""),
            ("{\"op_code\":      ", other),
            (blank.as_str(), other),
            ("{\"op_code\":0,\"w", other),
        ] {
            for end in ["", "\n"].into_iter().take(1 + appended.len().min(1)) {
                fs::write(&path, format!("{before}{torn}{appended}{end}")).unwrap();
                created(&open(&path), study("three"));
                let names: Vec<_> = open(&path).studies().unwrap().into_iter().map(|study| study.name).collect();
                let mut expected = vec!["three".to_owned()];
                expected.splice(0..0, (!appended.is_empty()).then(|| "two".into()));
                expected.splice(0..0, (!before.is_empty()).then(|| "one".into()));
                assert_eq!(names, expected, "{before}{torn}{appended}");
                assert_eq!(lines(&path).len(), names.len());
            }
        }
    }
}

/// A line with an end is somebody's, whoever can read it.
#[test]
fn a_whole_line_is_never_made_blank() {
    let path = folder("whole").join("journal");
    created(&open(&path), study("s"));
    let text = [fs::read(&path).unwrap(), b"neither torn nor an operation\n".to_vec()].concat();
    fs::write(&path, &text).unwrap();
    let error = open(&path).apply(attr("a", 1)).unwrap_err().to_string();
    assert!(error.contains("line 2 is \"neither torn"), "{error}");
    assert!(fs::read(&path).unwrap() == text);
}

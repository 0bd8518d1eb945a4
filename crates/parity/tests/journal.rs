//! What Optuna reads from its journal is what wane reads, and a difference anywhere is seen.

use std::fs;
use std::path::Path;
use wane_parity::{Outcome, Report};

/// The report on the vendored journal, with one text in it or in its reference replaced.
fn report(name: &str, file: &str, (from, to): (&str, &str)) -> Report {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("journal-{name}"));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    for each in ["optuna.journal", "optuna.journal.json"] {
        let mut text = fs::read_to_string(golden.join(each)).unwrap();
        if each == file {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        fs::write(dir.join(each), text).unwrap();
    }
    Report::of_dir(&dir).unwrap()
}

#[test]
fn it_agrees_to_the_last_bit_and_reading_leaves_nothing_behind() {
    let report = report("same", "", ("", ""));
    assert!(report.is_success() && report.replays()[0].has_same_bits(), "{report}");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journal-same");
    assert_eq!(fs::read_dir(dir).unwrap().count(), 2);
}

#[test]
fn a_difference_anywhere_is_seen() {
    let cases = [
        ("value", "optuna.journal.json", ("2.0526567403543754", "2.052656740354376")),
        ("state", "optuna.journal.json", ("PRUNED", "COMPLETE")),
        ("choice", "optuna.journal.json", ("\"penalty\": \"l2\"", "\"penalty\": \"l1\"")),
        ("step", "optuna.journal.json", ("\"0\": \"inf\"", "\"0\": \"-inf\"")),
        ("attribute", "optuna.journal.json", ("\"non_zero\": 7", "\"non_zero\": 8")),
        ("journal", "optuna.journal", ("\"intermediate_value\":Infinity", "\"intermediate_value\":NaN")),
    ];
    for (name, file, change) in cases {
        let report = report(name, file, change);
        let is_one_out = |outcome: &Outcome| matches!(outcome, Outcome::Replayed(difference) if difference.out == 1);
        assert!(!report.is_success() && is_one_out(&report.replays()[0].outcome), "{name}: {report}");
    }
}

#[test]
fn what_cannot_be_replayed_says_why() {
    let cases = [
        (
            "fewer",
            "optuna.journal.json",
            (
                "[{\"number\": 0",
                "[{\"number\": 9, \"state\": \"FAIL\", \"value\": null, \"params\": {}, \"intermediate\": {}, \"user_attrs\": {}}, {\"number\": 0",
            ),
            "trials: 9 values",
        ),
        ("unknown", "optuna.journal", ("\"op_code\":2", "\"op_code\":11"), "line 2: op_code is 11; expected 0 to 10"),
        ("studies", "optuna.journal", ("\"op_code\":2", "\"op_code\":1"), "holds 0 studies"),
    ];
    for (name, file, change, reason) in cases {
        let text = report(name, file, change).to_string();
        assert!(text.contains("FAIL: ") && text.contains(reason), "{text}");
    }
}

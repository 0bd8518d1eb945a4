//! A wrong solution of an elastic net is seen, each part of it by a tolerance of its own.

use serde_json::Value;
use std::fs;
use std::path::Path;
use wane_parity::{Outcome, Report};

type Change<'a> = &'a dyn Fn(&mut Value);

/// The report on one vendored file, changed.
fn report(name: &str, change: impl FnOnce(&mut Value)) -> Report {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join("elastic-net-sparse.json");
    let mut value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    change(&mut value);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("elastic-{name}"));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("elastic-net-sparse.json"), value.to_string()).unwrap();
    Report::of_dir(&dir).unwrap()
}

fn add(value: &mut Value, by: f64) {
    *value = (value.as_f64().unwrap() + by).into();
}

#[test]
fn a_value_out_of_its_tolerance_fails_and_one_within_passes() {
    for (by, passes) in [(0.0, true), (0.9, true), (1.1, false)] {
        let cases: [(&str, Change<'_>); 5] = [
            ("coefficient", &|file| add(&mut file["fits"][3]["coef"][19], by * 1e-6)),
            ("intercept", &|file| add(&mut file["fits"][3]["intercept"], by * 1e-6)),
            ("objective", &|file| add(&mut file["fits"][3]["objective"], by * 1e-9)),
            ("ridge", &|file| add(&mut file["ridge"][1]["coef"][0], by * 1e-6)),
            ("freedom", &|file| add(&mut file["ridge"][1]["effective_degrees_of_freedom"], by * 1e-9)),
        ];
        for (name, change) in cases {
            let report = report(name, change);
            assert_eq!(report.is_success(), passes, "{name} by {by}: {report}");
        }
    }
}

#[test]
fn another_support_fails() {
    let report = report("support", |file| {
        let support = file["fits"][3]["support"].as_array_mut().unwrap();
        support.pop().unwrap();
    });
    assert!(matches!(&report.replays()[0].outcome, Outcome::Replayed(difference) if difference.out == 1), "{report}");
}

#[test]
fn what_cannot_be_replayed_says_why() {
    let cases: [(&str, Change<'_>, &str); 5] = [
        ("no-fits", &|file| file["fits"] = Value::Array(Vec::new()), "fits: none"),
        ("shape", &|file| file["x"]["shape"] = vec![3200].into(), "x has shape [3200], wanted (rows, columns)"),
        ("short", &|file| drop(file["fits"][0]["coef"].as_array_mut().unwrap().pop()), "coef: 40 values"),
        ("alpha", &|file| file["fits"][0]["alpha"] = (-1.0).into(), "alpha is -1"),
        ("rows", &|file| drop(file["y"].as_array_mut().unwrap().pop()), "number of rows of y is 79; expected 80"),
    ];
    for (name, change, reason) in cases {
        let text = report(name, change).to_string();
        assert!(text.contains("FAIL: ") && text.contains(reason), "{text}");
    }
}

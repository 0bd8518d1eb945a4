//! A wrong fold or a wrong score of a search is seen, and so is what can't be replayed.

use serde_json::Value;
use std::fs;
use std::path::Path;
use wane_parity::Report;

type Change<'a> = &'a dyn Fn(&mut Value);

/// The report on one vendored file, changed.
fn report(name: &str, file: &str, change: impl FnOnce(&mut Value)) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
    let mut value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("search-{name}"));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join(file), value.to_string()).unwrap();
    Report::of_dir(&dir).unwrap()
}

#[test]
fn a_score_out_of_its_tolerance_fails_and_one_within_passes() {
    for (by, passes) in [(0.0, true), (0.9, true), (1.1, false)] {
        for field in ["mean_test_score", "std_test_score"] {
            let report = report("score", "grid-ridge-cv5.json", |file| {
                let value = &mut file[field][2];
                *value = (value.as_f64().unwrap() * (1.0 + by * 1e-8)).into();
            });
            assert_eq!(report.is_success(), passes, "{field} by {by}: {report}");
        }
    }
}

#[test]
fn what_is_other_fails() {
    let cases: [(&str, &str, Change<'_>); 4] = [
        ("rank", "grid-ridge-cv10.json", &|file| file["rank_test_score"][0] = 3.into()),
        ("best", "grid-ridge-cv10.json", &|file| file["best_alpha"] = 0.1.into()),
        ("split", "grid-ridge-cv10.json", &|file| file["split_test_score"][9][4] = (-1e3).into()),
        ("row", "k-fold.json", &|file| file["folds"][1]["test_folds"][0][0] = 90.into()),
    ];
    for (name, file, change) in cases {
        let report = report(name, file, change);
        assert!(report.to_string().contains("FAIL\n"), "{report}");
    }
}

#[test]
fn what_cannot_be_replayed_says_why() {
    let cases: [(&str, &str, Change<'_>, &str); 5] = [
        ("data", "grid-ridge-cv5.json", &|file| file["data"] = "iris".into(), "data \"iris\" is not known"),
        (
            "short",
            "grid-ridge-cv5.json",
            &|file| drop(file["alphas"].as_array_mut().unwrap().pop()),
            "split_test_score: 4",
        ),
        ("alpha", "grid-ridge-cv5.json", &|file| file["alphas"][1] = (-1.0).into(), "alpha is -1"),
        ("none", "k-fold.json", &|file| file["folds"] = Value::Array(Vec::new()), "folds: none"),
        ("many", "k-fold.json", &|file| file["folds"][0]["k"] = 11.into(), "n_splits is 11; expected at most 10"),
    ];
    for (name, file, change, reason) in cases {
        let text = report(name, file, change).to_string();
        assert!(text.contains("FAIL: ") && text.contains(reason), "{text}");
    }
}

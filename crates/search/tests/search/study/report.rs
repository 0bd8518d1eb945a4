//! The page of a study: what is on it, and what none of its parts can do to it.

use super::{study, study_with};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use wane_search::samplers::{GridSampler, RandomSampler};
use wane_search::{Direction, Outcome, Study, StudyOptions, TrialError};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("wane-report-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The page, every tag of which is one that the report writes, is closed in its place, and has attributes in quotes.
fn page(study: &Study, name: &str) -> String {
    let folder = Folder::new(name);
    let path = study.report(folder.0.join("deep")).unwrap();
    assert_eq!(path, folder.0.join("deep").join("report.html"));
    let page = fs::read_to_string(path).unwrap();
    let known = "html head meta title style body main h1 h2 p strong dl div dt dd figure figcaption ul li span svg path \
                 polyline text table thead tbody tr th td";
    let attributes_known = "lang charset http-equiv content name class d points viewBox role aria-label aria-hidden scope \
                            tabindex title x y transform";
    let mut open = Vec::new();
    for piece in page.strip_prefix("<!DOCTYPE html>").unwrap().split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        assert!(!text.contains('>') && !text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{piece}");
            continue;
        }
        let (name, attributes) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag, ""));
        assert!(known.split_whitespace().any(|known| known == name), "{tag}");
        assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
        for name in attributes.split('"').step_by(2).filter(|name| !name.is_empty()) {
            let name = name.trim().strip_suffix('=').unwrap();
            assert!(attributes_known.split_whitespace().any(|known| known == name), "{tag}");
        }
        if name != "meta" && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for part in ["http://", "https://", "url(", "@import", "NaN,", ",NaN", "inf,", "MNaN"] {
        assert!(!page.contains(part), "{part}");
    }
    assert!(page.contains(r#"<meta name="viewport" content="width=device-width, initial-scale=1">"#));
    page
}

fn captions(page: &str) -> Vec<&str> {
    page.split("<figcaption>").skip(1).map(|rest| rest.split_once('<').unwrap().0).collect()
}

/// How many points the first path of a class has.
fn count(page: &str, caption: &str, class: &str) -> usize {
    let figure = page.split("<figcaption>").find(|figure| figure.starts_with(caption)).unwrap();
    let path = figure.split(&format!(r#"<path class="{class}" d=""#)).nth(1);
    path.map_or(0, |path| path.split_once('"').unwrap().0.matches('M').count())
}

#[test]
fn a_page_shows_every_trial() {
    let study = study_with(RandomSampler);
    study
        .optimize(30, |trial| {
            let x = trial.suggest_float("x", 0.0..=1.0)?;
            let kind = trial.suggest_categorical("kind", &["l1", "l2"])?;
            for step in 0..4 {
                trial.report(step, x + 0.1 * step as f64)?;
                if trial.number() % 5 == 4 && step == 2 {
                    return Err(TrialError::Pruned);
                }
            }
            if trial.number() % 10 == 3 {
                return Err(std::io::Error::other("no memory").into());
            }
            Ok(x + f64::from(u8::from(kind == "l2")))
        })
        .unwrap();
    let page = page(&study, "whole");
    assert_eq!(captions(&page), ["History", "Reports of each trial", "Values over kind", "Values over x"]);
    for caption in ["History", "Values over kind", "Values over x"] {
        let counts = ["dot complete", "cross pruned"].map(|class| count(&page, caption, class));
        assert_eq!(counts, [21, 6], "{caption}");
    }
    assert_eq!(["dot complete", "cross pruned"].map(|class| count(&page, "Reports", class)), [23, 6]);
    assert_eq!(count(&page, "Values over x", "ring best"), 1);
    assert!(page.contains("30 trials for the least value: 21 complete, 6 pruned, 3 failed."));
    assert_eq!(page.matches("<tr>").count(), 31);
    assert_eq!(page.matches(r#"<td class="reason">no memory</td>"#).count(), 3);
    let best = study.best_trial().unwrap().number;
    assert_eq!(page.matches('★').count(), 1);
    assert!(page.contains(&format!(r#"<th scope="row">{best} <span class="best""#)));
}

/// The strengths 1 … 1000 have means 3, 2, 2.1, 2.15 and 9; those of the best have a standard error of 0.2.
#[test]
fn folds_give_a_curve_over_the_strength() {
    let strengths = [1.0, 3.0, 10.0, 30.0, 1000.0];
    for direction in [Direction::Minimize, Direction::Maximize] {
        let sign = if direction == Direction::Minimize { 1.0 } else { -1.0 };
        let grid =
            GridSampler::new([("lambda", strengths.map(Into::into).to_vec()), ("width", vec![4.into(), 8.into()])]);
        let sampler = std::sync::Arc::new(grid.unwrap());
        let study = Study::create(StudyOptions { direction, sampler, ..Default::default() }).unwrap();
        study
            .optimize(10, |trial| {
                let lambda = trial.suggest_float_log("lambda", 1e-2..=1e4)?;
                let width = trial.suggest_int("width", 1..=8)?;
                let place = strengths.iter().position(|&strength| strength == lambda).unwrap();
                let mean = [3.0, 2.0, 2.1, 2.15, 9.0][place] + if width == 4 { 0.1 } else { 0.0 };
                // Deviation 0.4 over n, which is 0.4/√4 over n − 1, by √n, with five folds.
                let folds = [-1.0, 1.0, 0.0, 0.0, 0.0].map(|fold| sign * (mean + fold * 0.4 * 2.5_f64.sqrt()));
                Ok(trial.set_fold_values(&folds)?)
            })
            .unwrap();
        let chosen = study.one_standard_error("lambda").unwrap();
        assert_eq!((chosen.params["lambda"].internal, chosen.params["width"].internal), (30.0, 8.0));
        assert!((chosen.standard_error().unwrap() - 0.2).abs() < 1e-12);
        let page = page(&study, &format!("folds-{direction:?}"));
        assert_eq!(captions(&page)[1], "Cross-validation over lambda");
        let caption = "Cross-validation over lambda";
        // An upright and two ends for each.
        assert_eq!((count(&page, caption, "dot complete"), count(&page, caption, "line complete")), (5, 15));
        assert!(page.contains("largest within one standard error of it: 30"), "{page}");
        assert!(page.contains(if direction == Direction::Minimize { "least mean: 3" } else { "greatest mean: 3" }));
        let error = study.one_standard_error("depth").unwrap_err();
        assert_eq!(error.to_string(), r#"strength is "depth"; expected a number among ["lambda", "width"]"#);
    }
}

#[test]
fn a_strength_is_chosen_only_from_folds() {
    let study = study();
    assert_eq!(
        study.one_standard_error("x").unwrap_err().to_string(),
        "number of complete trials is 0; expected at least 1 of 0"
    );
    study.optimize(2, |trial| Ok(trial.suggest_float("x", 0.0..=1.0)?)).unwrap();
    assert_eq!(
        study.one_standard_error("x").unwrap_err().to_string(),
        "number of trials that keep the values of their folds is 0; expected at least 1"
    );
    let mut trial = study.ask().unwrap();
    assert_eq!(trial.set_fold_values(&[]).unwrap_err().to_string(), "number of folds is 0; expected at least 1");
    assert!(trial.set_fold_values(&[1.0, f64::NAN]).unwrap().is_nan());
    assert_eq!(trial.record().fold_values(), None);
    assert_eq!((trial.set_fold_values(&[1.0]).unwrap(), trial.record().fold_values()), (1.0, None));
}

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    r#""><img src=x onerror="alert(1)">"#,
    "' onload='alert(1)",
    "</style></title></svg><b>&lt;",
    "a\u{0}\u{1b}[31m\u{7f}\u{85}b",
    "-->]]>{}%\u{202e}",
];

#[test]
fn no_name_or_value_gets_out_of_its_place() {
    for (number, hostile) in HOSTILE.into_iter().enumerate() {
        let study = Study::create(StudyOptions { name: hostile.into(), ..Default::default() }).unwrap();
        study
            .optimize(8, |trial| {
                let x = trial.suggest_float_log(hostile, 1e-3..=1.0)?;
                trial.suggest_categorical(&format!("{hostile} kind"), &[hostile, "plain"])?;
                trial.report(0, x)?;
                match trial.number() % 4 {
                    0 => Err(std::io::Error::other(hostile).into()),
                    _ => Ok(trial.set_fold_values(&[x, 2.0 * x])?),
                }
            })
            .unwrap();
        let page = page(&study, &format!("hostile-{number}"));
        assert!(page.contains("Values over ") && page.contains("class=\"reason\""));
        for part in ["<script", "<img", "<b>", "onload='", "\u{1b}"] {
            assert!(!page.contains(part), "{part}");
        }
    }
}

#[test]
fn a_study_without_values_has_a_page() {
    let empty = page(&study(), "empty");
    assert!(empty.contains("There are no trials yet.") && !empty.contains("<table") && !empty.contains("<svg"));

    for (name, value) in [("failed", None), ("nan", Some(f64::NAN))] {
        let study = study();
        study
            .optimize(4, |trial| {
                trial.suggest_float("x", 0.0..=1.0)?;
                value.ok_or_else(|| std::io::Error::other("no luck").into())
            })
            .unwrap();
        let page = page(&study, name);
        assert!(page.contains("4 trials for the least value: 4 failed.") && page.contains("No trial is complete."));
        assert!(page.contains("There is nothing to draw") && !page.contains("<svg"));
        assert_eq!(page.matches(value.map_or("no luck", |_| "the value is NaN")).count(), 4);
    }
    let study = study();
    study.ask().unwrap();
    study.enqueue([("x", 1.into())]).unwrap();
    assert!(page(&study, "unfinished").contains("2 trials for the least value: 1 running, 1 waiting."));
}

#[test]
fn values_of_any_size_have_a_page() {
    let (infinite, most) = (f64::INFINITY, f64::MAX);
    let cases: [&[f64]; 10] = [
        &[0.5],
        &[0.0, 0.0],
        &[3.0; 5],
        &[infinite],
        &[-infinite, 1.0, infinite],
        &[-most, most],
        &[most],
        &[5e-324, 1.0],
        &[1e-300, 1e300],
        &[1.0, 1.0 + f64::EPSILON],
    ];
    for (number, values) in cases.into_iter().enumerate() {
        let study = study();
        for &value in values {
            let mut trial = study.ask().unwrap();
            trial.suggest_float("x", value.clamp(-most, most)..=value.clamp(-most, most)).unwrap();
            for (step, value) in [value, f64::NAN, -value].into_iter().enumerate() {
                trial.report((u64::MAX >> 1) * step as u64, value).unwrap();
            }
            study.tell(trial.number(), value).unwrap();
        }
        let page = page(&study, &format!("size-{number}"));
        let is_drawn = ![3, 5, 6].contains(&number);
        assert_eq!(captions(&page).first().copied() == Some("History"), is_drawn, "{values:?}");
        assert_eq!(page.matches("<tr>").count(), 1 + values.len());
    }
}

/// A parameter of several trials may be missing in others, and lie outside its range when it comes from the queue.
#[test]
fn parameters_of_any_kind_have_a_page() {
    let study = study();
    study.enqueue([("x", 7.0.into()), ("n", 100.into())]).unwrap();
    for number in 0..6 {
        let mut trial = study.ask().unwrap();
        trial.suggest_float_log("x", 1e-4..=1.0).unwrap();
        if number % 2 == 0 {
            trial.suggest_int_log("n", 1..=64).unwrap();
            trial.suggest_categorical("flag", &[true, false]).unwrap();
        }
        study.tell(trial.number(), Outcome::Value(f64::from(number))).unwrap();
    }
    let page = page(&study, "kinds");
    let counts = BTreeMap::from(
        ["x", "n", "flag"].map(|name| (name, count(&page, &format!("Values over {name}"), "dot complete"))),
    );
    assert_eq!(counts, BTreeMap::from([("x", 6), ("n", 3), ("flag", 3)]));
}

#[test]
fn a_page_that_cannot_be_written_is_named() {
    let folder = Folder::new("refused");
    fs::create_dir_all(folder.0.join("taken").join("report.html")).unwrap();
    fs::write(folder.0.join("file"), "").unwrap();
    let mut refused = vec![folder.0.join("file"), folder.0.join("file").join("below"), folder.0.join("taken")];
    let locked = folder.0.join("locked");
    fs::create_dir(&locked).unwrap();
    let mut permissions = fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&locked, permissions).unwrap();
    // Nothing is locked for root.
    if fs::write(locked.join("probe"), "").is_err() {
        refused.push(locked);
    }
    let study = study();
    for place in refused {
        let error = study.report(&place).unwrap_err().to_string();
        let path = place.join("report.html");
        assert!(error.starts_with(&format!("report {path:?} is ")), "{error}");
        assert!(error.ends_with("; expected a file that can be written"), "{error}");
    }
    assert_eq!(fs::read_dir(folder.0.join("taken")).unwrap().count(), 1);
}

#[test]
fn a_page_is_replaced() {
    let folder = Folder::new("replaced");
    let study = study();
    let before = fs::read_to_string(study.report(&folder.0).unwrap()).unwrap();
    study.optimize(1, |trial| Ok(trial.suggest_float("x", 0.0..=1.0)?)).unwrap();
    let after = fs::read_to_string(study.report(&folder.0).unwrap()).unwrap();
    assert!(before.contains("There are no trials yet.") && after.contains("1 trial for the least value: 1 complete."));
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

//! The vendored reference values pass, and whatever is wrong with a file or a folder is not taken for a pass.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use wane_parity::{Outcome, Report};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// A folder of this test's own that holds the given files.
fn folder(name: &str, files: &[(&str, String)]) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    files.iter().for_each(|(file, text)| fs::write(dir.join(file), text).unwrap());
    dir
}

fn report(name: &str, files: &[(&str, String)]) -> Report {
    Report::of_dir(&folder(name, files)).unwrap()
}

/// A vendored file, changed.
fn changed(file: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::from_slice(&fs::read(golden().join(file)).unwrap()).unwrap();
    change(&mut value);
    value.to_string()
}

fn sound() -> (&'static str, String) {
    ("optimizer-sgd.json", changed("optimizer-sgd.json", |_| {}))
}

#[test]
fn every_vendored_file_passes() {
    let report = Report::of_dir(&golden()).unwrap();
    assert!(report.is_success(), "{report}");
    let files = |kind: &str| report.replays().iter().filter(|replay| replay.kind == kind && replay.is_ok()).count();
    let kinds = ["optimizer", "training", "schedule", "elastic", "k", "grid", "parzen", "pruner", "optuna", "edit"];
    assert_eq!(kinds.map(files), [74, 17, 22, 4, 1, 2, 1, 15, 1, 5]);
}

/// The others need PyTorch's vector square root, which is not correctly rounded. The bias corrections are powers, so that
/// another C library than the one that wrote the references may give fewer.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn float64_optimizer_traces_agree_bit_for_bit() {
    let report = Report::of_dir(&golden()).unwrap();
    let (same, all) = report.same_bits();
    assert!(same >= 34 && all == 37, "{report}");
}

#[test]
fn a_value_out_of_tolerance_fails_and_one_within_passes() {
    for (factor, passes) in [(1.0 + 9e-15, true), (1.0 + 3e-14, false), (-1.0, false), (f64::INFINITY, false)] {
        let text = changed("optimizer-sgd.json", |file| {
            let value = &mut file["steps"][11]["params"][0]["data"][0];
            let moved = value.as_f64().unwrap() * factor;
            // JSON has no infinity; 1e999 is not a number that fits.
            *value = if moved.is_finite() { moved.into() } else { Value::Null };
        });
        let report = report("tolerance", &[("optimizer-sgd.json", text)]);
        assert_eq!(report.is_success(), passes, "{factor}: {report}");
        assert_eq!(report.to_string().lines().next().unwrap().ends_with("ok"), passes, "{report}");
    }
}

#[test]
fn a_training_file_with_another_loss_fails() {
    let text = changed("training-seed-adam.json", |file| {
        let loss = &mut file["losses"][99];
        *loss = (loss.as_f64().unwrap() * (1.0 + 1e-11)).into();
    });
    let report = report("loss", &[("training-seed-adam.json", text)]);
    assert!(report.to_string().contains("FAIL"), "{report}");
    assert!(!report.is_success());
}

#[test]
fn the_kind_stands_inside_or_in_the_name() {
    let (_, text) = sound();
    let report = report(
        "kinds",
        &[
            ("anything.json", text),
            (
                "optimizer-sgd.json",
                changed("optimizer-sgd.json", |file| drop(file.as_object_mut().unwrap().remove("kind"))),
            ),
            ("alone-1.json", "[[1, 2], [3]]".to_owned()),
            ("single.json", "{}".to_owned()),
            ("unknown-asha.json", r#"{"kind": "unknown"}"#.to_owned()),
            ("notes.txt", "not a reference".to_owned()),
        ],
    );
    let outcomes: Vec<_> =
        report.replays().iter().map(|replay| (&*replay.name, &*replay.kind, replay.is_ok())).collect();
    let expected = [
        ("alone-1.json", "alone", false),
        ("anything.json", "optimizer", true),
        ("optimizer-sgd.json", "optimizer", true),
        ("single.json", "single", false),
        ("unknown-asha.json", "unknown", false),
    ];
    assert_eq!(outcomes, expected);
    assert!(report.replays().iter().all(|replay| !replay.is_failure()));
    assert!(report.is_success(), "what is skipped is no failure");
    assert!(report.to_string().ends_with("2 ok, 0 failed, 3 skipped; 2 of 2 float64 optimizer traces bit for bit"));
}

#[test]
fn nothing_replayed_is_a_failure() {
    assert!(!report("empty", &[]).is_success());
    assert!(!report("skipped", &[("unknown-asha.json", r#"{"kind": "unknown"}"#.to_owned())]).is_success());
    assert!(Report::of_dir(Path::new("no such folder")).is_err());

    let dir = folder("below", &[]);
    fs::create_dir_all(dir.join("inner.json")).unwrap();
    fs::write(dir.join("inner.json").join("optimizer-sgd.json"), sound().1).unwrap();
    let below = Report::of_dir(&dir).unwrap();
    assert!(below.is_success() && below.replays()[0].name == "optimizer-sgd.json", "{below}");
}

#[test]
fn what_cannot_be_replayed_is_a_failure_that_says_why() {
    let optimizer = |change: fn(&mut Value)| changed("optimizer-adam-groups.json", change);
    let training = |change: fn(&mut Value)| changed("training-seed-adam.json", change);
    let schedule = |change: fn(&mut Value)| changed("schedule-step.json", change);
    let cases = [
        ("optimizer-a.json", "{".to_owned(), "EOF"),
        ("optimizer-b.json", "{}".to_owned(), "missing field `dtype`"),
        ("optimizer-c.json", "[]".to_owned(), "invalid"),
        ("optimizer-d.json", optimizer(|file| file["dtype"] = "float16".into()), "dtype \"float16\" is not known"),
        ("optimizer-e.json", optimizer(|file| file["optimizer"]["name"] = "lion".into()), "\"lion\" is not known"),
        (
            "optimizer-f.json",
            optimizer(|file| file["optimizer"]["groups"][0]["weight_decoy"] = 0.1.into()),
            "Adam has no option \"weight_decoy\" of 0.1",
        ),
        ("optimizer-g.json", optimizer(|file| file["optimizer"]["groups"][0]["lr"] = (-0.1).into()), "lr is -0.1"),
        (
            "optimizer-h.json",
            optimizer(|file| file["optimizer"]["groups"][0]["params"][0] = "9.weight".into()),
            "9.weight",
        ),
        (
            "optimizer-i.json",
            optimizer(|file| file["params"][0]["shape"][0] = 40.into()),
            "12 values do not make an array of shape [40, 3]",
        ),
        ("optimizer-j.json", optimizer(|file| file["params"][1]["name"] = "0.weight".into()), "already taken"),
        (
            "optimizer-k.json",
            optimizer(|file| file["steps"][3]["grads"] = Value::Array(Vec::new())),
            "gradients of a step",
        ),
        (
            "optimizer-l.json",
            optimizer(|file| file["steps"][3]["params"][0]["data"] = Value::Array(Vec::new())),
            "0.weight",
        ),
        ("training-a.json", training(|file| file["sizes"] = Value::Array(Vec::new())), "sizes []"),
        (
            "training-b.json",
            training(|file| file["activation"] = "maxout".into()),
            "activation \"maxout\" is not known",
        ),
        ("training-c.json", training(|file| file["loss"] = "hinge".into()), "loss \"hinge\" is not known"),
        ("training-d.json", training(|file| file["input"]["shape"] = vec![10, 24].into()), "input has shape [10, 24]"),
        ("training-e.json", training(|file| file["target"]["shape"] = vec![48].into()), "target has shape [48]"),
        ("training-f.json", training(|file| file["dtype"] = "float32".into()), "float32"),
        ("training-h.json", training(|file| drop(file["final"].as_array_mut().unwrap().pop())), "final parameters: 4"),
        ("training-i.json", training(|file| file["final"][1]["name"] = "2.bias".into()), "\"2.bias\" stands where"),
        (
            "training-j.json",
            training(|file| file["sizes"][1] = (1_u64 << 40).into()),
            "0.weight has shape [1099511627776, 10]",
        ),
        ("training-k.json", training(|file| file["batch_size"] = 0.into()), "batch_size Some(0) of 24 rows"),
        ("optimizer-m.json", optimizer(|file| file["steps"] = Value::Array(Vec::new())), "steps: none"),
        ("optimizer-n.json", optimizer(|file| file["lr_at_step"]["12"] = 0.1.into()), "lr_at_step 12"),
        (
            "optimizer-o.json",
            optimizer(|file| file["steps"][0]["params"][0]["shape"] = vec![3, 4].into()),
            "0.weight has shape [4, 3], the file holds [3, 4]",
        ),
        ("schedule-a.json", schedule(|file| file["lrs"] = Value::Array(Vec::new())), "lrs: none"),
        ("schedule-b.json", schedule(|file| file["scheduler"]["name"] = "NoLR".into()), "NoLR"),
        ("schedule-c.json", schedule(|file| file["scheduler"]["gama"] = 0.1.into()), "gama"),
        ("schedule-d.json", schedule(|file| file["scheduler"]["step_size"] = 0.into()), "schedule step size is 0"),
        ("training-g.json", training(|file| file["penalty_on_weights"]["l0"] = 1.into()), "l0"),
    ];
    for (name, text, reason) in cases {
        let report = report("unreadable", &[sound(), (name, text)]);
        let replay = report.replays().iter().find(|replay| replay.name == name).unwrap();
        assert!(matches!(replay.outcome, Outcome::Unreadable(_)), "{replay}");
        let line = replay.to_string();
        assert!(line.contains("FAIL: ") && line.contains(reason), "{line}");
        assert!(!report.is_success());
    }
}

#[test]
fn another_pruning_decision_fails_and_an_unknown_argument_says_so() {
    let text = changed("pruner-hyperband.json", |file| file["pruned_at_step"][7] = 2.into());
    let moved = report("pruner-moved", &[("pruner-hyperband.json", text)]);
    assert!(matches!(&moved.replays()[0].outcome, Outcome::Replayed(difference) if difference.out == 1), "{moved}");
    type Change<'a> = &'a dyn Fn(&mut Value);
    let cases: [(Change<'_>, &str); 4] = [
        (&|file| file["arguments"]["patience"] = 3.into(), "unknown field `patience`"),
        (&|file| file["arguments"]["reduction_factor"] = 1.into(), "reduction_factor is 1; expected at least 2"),
        (&|file| file["table"] = Value::Array(Vec::new()), "table: none"),
        (&|file| drop(file["steps"].as_array_mut().unwrap().pop()), "steps: 27 values"),
    ];
    for (i, (change, reason)) in cases.into_iter().enumerate() {
        let text = changed("pruner-hyperband.json", change);
        let report = report(&format!("pruner-{i}"), &[("pruner-hyperband.json", text)]).to_string();
        assert!(report.contains("FAIL: ") && report.contains(reason), "{report}");
    }
}

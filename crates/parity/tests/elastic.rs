//! A wrong solution of an elastic net is seen, each part of it by a tolerance of its own; and an optimizer with a proximal
//! term finds the right one.

use serde_json::Value;
use std::fs;
use std::path::Path;
use wane_autodiff::Params;
use wane_autodiff::ndarray::{Array1, Array2, Axis};
use wane_linear::{ElasticNetOptions, elastic_net};
use wane_optim::{Adam, AdamOptions, Group};
use wane_parity::{Outcome, Report};
use wane_penalties::ElasticNet;

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

/// Where so many steps of Adam end that minimise 1/(2n) ‖y − Xw‖² and have the penalty as a proximal term.
fn by_adam(x: &Array2<f64>, y: &Array1<f64>, alpha: f64, l1_ratio: f64, steps: usize) -> Vec<f64> {
    let mut params = Params::new();
    let w = params.root().add("w", &Array1::zeros(x.ncols())).unwrap();
    let term = ElasticNet::new(alpha * l1_ratio, 0.5 * alpha * (1.0 - l1_ratio)).unwrap();
    let options = AdamOptions { lr: 0.01, ..Default::default() };
    let mut optimizer = Adam::new(options).unwrap().group(Group::new(&[w]).prox(term)).unwrap();
    let n = x.nrows() as f64;
    let (square, product) = (x.t().dot(x) / n, x.t().dot(y) / n);
    let mut grads = params.grads();
    for _ in 0..steps {
        grads.set(w, &(square.dot(&Array1::from_vec(params.as_slice().to_vec())) - &product)).unwrap();
        optimizer.step(&mut params, &grads).unwrap();
    }
    params.as_slice().to_vec()
}

/// scikit-learn's support, and its coefficients as near as its own tolerance brings it; the certified minimum nearer.
#[test]
fn proximal_adam_ends_at_the_minimum_with_its_zeros() {
    for (name, steps) in [("diabetes", 3_000), ("correlated", 10_000), ("sparse", 10_000)] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/elastic-net-{name}.json"));
        let file: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let numbers = |value: &Value| Vec::from_iter(value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()));
        let y = Array1::from_vec(numbers(&file["y"]));
        let columns = file["x"]["shape"][1].as_u64().unwrap() as usize;
        let x = Array2::from_shape_vec((y.len(), columns), numbers(&file["x"]["data"])).unwrap();
        // Centred data have the intercept 0.
        let (x, y) = (&x - &x.mean_axis(Axis(0)).unwrap(), &y - y.mean().unwrap());
        for fit in file["fits"].as_array().unwrap() {
            let [alpha, l1_ratio] = ["alpha", "l1_ratio"].map(|name| fit[name].as_f64().unwrap());
            let options = ElasticNetOptions { alpha, l1_ratio, tol: 1e-14, ..Default::default() };
            let certified = elastic_net(x.view(), y.view(), &options).unwrap();
            let found = by_adam(&x, &y, alpha, l1_ratio, steps);
            let off = |from: &[f64]| found.iter().zip(from).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let case = format!("{name}, alpha {alpha}, l1_ratio {l1_ratio}");
            let off_certified = off(certified.weights.as_slice().unwrap());
            assert!(off_certified <= 1e-12, "{case}: {off_certified}");
            assert!(off(&numbers(&fit["coef"])) <= 1e-6, "{case}");
            let support = (0..columns).filter(|&j| found[j].to_bits() != 0).map(|j| j as f64).collect::<Vec<_>>();
            assert_eq!(support, numbers(&fit["support"]), "{case}");
        }
    }
}

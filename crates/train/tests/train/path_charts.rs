//! Charts of the weights over λ.

use crate::common::place;
use crate::sparsity_charts::{attribute, refusal, texts};
use wane_autodiff::ndarray::{Array2, array};
use wane_train::plot_path;

/// A path of as many weights as names, of which the one in column j leaves 0 at the λ number `from(j)`.
fn weights_of_path(lambdas: &[f64], names: usize, from: impl Fn(usize) -> usize) -> Array2<f64> {
    let slope = |j: usize| 1.0 + 0.01 * j as f64;
    Array2::from_shape_fn((lambdas.len(), names), |(i, j)| slope(j) * i.saturating_sub(from(j)) as f64)
}

fn path_drawn(file: &str, lambdas: &[f64], weights: &Array2<f64>, names: &[impl AsRef<str>]) -> String {
    let file = place(file);
    plot_path(lambdas, weights.view(), names, &file).unwrap();
    std::fs::read_to_string(file).unwrap()
}

/// The heights of the texts of which `is_label` holds, from above.
fn heights(svg: &str, is_label: impl Fn(&str) -> bool) -> Vec<i32> {
    let lines = Vec::from_iter(svg.lines());
    let texts = lines.windows(2).filter(|pair| pair[0].starts_with("<text") && is_label(pair[1]));
    let mut heights = Vec::from_iter(texts.map(|pair| attribute(pair[0], "y").parse().unwrap()));
    heights.sort_unstable();
    heights
}

/// The points of the curves: of the polylines that are as thick as one.
fn curves(svg: &str) -> Vec<Vec<(i32, i32)>> {
    let is_curve = |line: &&str| line.starts_with("<polyline") && line.contains("stroke-width=\"2\"");
    let number = |text: &str| text.parse::<i32>().unwrap();
    let point = |pair: &str| pair.split_once(',').map(|(x, y)| (number(x), number(y))).unwrap();
    let points = |line: &str| attribute(line, "points").split_whitespace().map(point).collect();
    svg.lines().filter(is_curve).map(points).collect()
}

#[test]
fn every_feature_of_a_path_has_its_line_and_its_name() {
    let lambdas = [10.0, 1.0, 0.1, 0.01];
    let weights = array![[0.0, 0.0, 0.0, 0.0], [-0.0, 5.0, 0.0, 0.0], [0.0, 8.0, 0.0, 0.0], [0.0, 9.0, -0.0, 0.0]];
    let svg = path_drawn("path.svg", &lambdas, &weights, &["a<b", "bmi", "s5", "age"]);
    let found = texts(&svg);
    for text in ["bmi", "3 that stay 0", "λ, falling", "weight", "10", "1", "0.1", "0.01"] {
        assert!(found.contains(&text), "{text}: {found:?}");
    }
    // One line, from the left to the right and up; steps of λ are as wide as each other.
    let [curve] = &curves(&svg)[..] else { panic!("not one line: {svg}") };
    let steps = Vec::from_iter(curve.windows(2).map(|pair| pair[1].0 - pair[0].0));
    assert!(steps.len() == 3 && steps.iter().all(|step| (step - steps[0]).abs() <= 1), "{curve:?}");
    assert!(steps[0] > 100 && curve.windows(2).all(|pair| pair[1].1 < pair[0].1), "{curve:?}");

    let mut weights = weights;
    weights[(3, 0)] = 0.1;
    weights[(2, 2)] = -3.0;
    let svg = path_drawn("path.svg", &lambdas, &weights, &["a<b", "bmi", "s5", "age"]);
    let texts = texts(&svg);
    for text in ["a&lt;b", "bmi", "s5", "age"] {
        assert_eq!(texts.iter().filter(|found| **found == text).count(), 1, "{text}: {texts:?}");
    }
    // Each from the λ before it left 0; one that is 0 again goes on.
    let mut solid = Vec::from_iter(curves(&svg).iter().filter(|curve| curve.len() > 2).map(Vec::len));
    solid.sort_unstable();
    assert!(solid.contains(&4), "{solid:?}");
    assert!(!svg.contains("that stay 0"));
}

#[test]
fn labels_of_a_path_are_apart_in_the_order_of_its_ends() {
    let lambdas = Vec::from_iter((0..30).map(|i| 10_f64.powf(-0.1 * i as f64)));
    for (count, named) in [(1, 1), (10, 10), (64, 64), (200, 80)] {
        let names = Vec::from_iter((0..count).map(|j| format!("feature {j}")));
        let weights = weights_of_path(&lambdas, count, |j| j % 7);
        let svg = path_drawn(&format!("path-{count}.svg"), &lambdas, &weights, &names);
        let is_label = |text: &str| text.starts_with("feature");
        let heights = heights(&svg, is_label);
        assert_eq!(heights.len(), named);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= 17), "{heights:?}");
        let height = attribute(svg.lines().find(|line| line.starts_with("<svg")).unwrap(), "height");
        assert!(heights[0] >= 0 && heights[named - 1] + 17 <= height.parse().unwrap(), "{heights:?} of {height}");
        assert_eq!(svg.contains("80 of 200 with their names"), count == 200);

        // By name, the largest weight is the highest.
        let lines = Vec::from_iter(svg.lines());
        let end = |name: &str| weights[(29, names.iter().position(|known| known == name).unwrap())];
        let labels = lines.windows(2).filter(|pair| is_label(pair[1]));
        let height = |line| attribute(line, "y").parse::<i32>().unwrap();
        let mut labels = Vec::from_iter(labels.map(|pair| (height(pair[0]), end(pair[1]))));
        labels.sort_by_key(|label| label.0);
        assert!(labels.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{labels:?}");
    }
}

#[test]
fn any_finite_path_is_drawn() {
    for lambdas in [[2.0, 2.0], [f64::MAX, f64::from_bits(1)], [1.3, 1.2], [f64::MAX; 2], [f64::from_bits(1); 2]] {
        for (a, b) in [(0.0, 0.0), (1e-300, 2e-300), (-8e307, 8e307), (7.0, 7.0)] {
            let svg = path_drawn(
                "any-path.svg",
                &lambdas,
                &array![[a, 0.0], [b, 0.0]],
                &["", "a name as long as a sentence is"],
            );
            assert!(svg.contains("a name as long as a sentence …") || svg.contains("2 that stay 0"), "{svg}");
        }
    }
    assert!(path_drawn("one.svg", &[0.5], &array![[3.0]], &["it"]).contains("<circle"));
}

#[test]
fn paths_that_cannot_be_drawn_are_named() {
    let file = place("refused-path.svg");
    let refused = |lambdas: &[f64], weights: Array2<f64>, names: &[&str]| {
        refusal(plot_path(lambdas, weights.view(), names, &file))
    };
    let two = || array![[0.0, 1.0], [2.0, 3.0]];
    assert_eq!(refused(&[], Array2::zeros((0, 2)), &["a", "b"]), "number of λ is 0; expected at least 1");
    assert_eq!(refused(&[1.0], Array2::zeros((1, 0)), &[]), "number of names is 0; expected at least 1");
    for (lambda, given) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let message = format!("λ 1 is {given}; expected a finite number above 0, for a logarithmic axis");
        assert_eq!(refused(&[2.0, lambda], two(), &["a", "b"]), message);
    }
    assert_eq!(refused(&[0.1, 0.2], two(), &["a", "b"]), "λ 1 is 0.2; expected at most 0.1, the one before it");
    assert_eq!(refused(&[1.0], two(), &["a", "b"]), "number of rows of weights is 2; expected 1, one for each λ");
    assert_eq!(refused(&[2.0, 1.0], two(), &["a"]), "number of columns of weights is 2; expected 1, one for each name");
    let mut nan = two();
    nan[(1, 0)] = f64::NAN;
    assert_eq!(refused(&[2.0, 1.0], nan, &["a", "b"]), "row 1, column 0 of weights is NaN; expected a finite number");
    let far = array![[f64::MIN, f64::MAX]];
    let expected = format!("from {:e} to {:e}; expected one that is finite", f64::MIN, f64::MAX);
    assert_eq!(refused(&[1.0], far, &["a", "b"]), format!("span of the weights to plot is {expected}"));
    assert!(!file.exists());
    let error = refusal(plot_path(&[1.0], array![[1.0]].view(), &["a"], place("none").join("no.svg")));
    assert!(error.ends_with("expected a file that can be written"), "{error}");
}

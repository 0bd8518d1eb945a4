//! Charts of weights and of what their zeros cost.

use crate::common::place;
use wane_autodiff::ndarray::{Array2, array};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Error, Float, Rng};
use wane_train::{ErrorCurve, TradeOff, plot_path, plot_weights};

const PANEL: f64 = 300.0;

fn histograms<T: Float>(file: &str, sets: &[(&str, &[T])]) -> String {
    let path = place(file);
    plot_weights(sets, &path).unwrap();
    std::fs::read_to_string(path).unwrap()
}

/// Sums of uniform numbers, of which those below a threshold are zero.
fn weights(count: usize, threshold: f64) -> Vec<f64> {
    let mut rng = Rng::seed_from_u64(3);
    let sum = |rng: &mut Rng| (0..6).map(|_| rng.random_range(-0.2..0.2)).sum::<f64>();
    (0..count).map(|_| sum(&mut rng)).map(|w| if w.abs() < threshold { 0.0 } else { w }).collect()
}

#[derive(Debug, PartialEq)]
struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

fn attribute<'a>(line: &'a str, name: &str) -> &'a str {
    line.split_once(&format!(" {name}=\"")).unwrap().1.split('"').next().unwrap()
}

/// The filled bars of one colour in one panel: those above the axis, not the squares of the legend.
fn bars(svg: &str, panel: usize, is_black: bool) -> Vec<Bar> {
    let is_bar = |line: &&str| line.starts_with("<rect") && !line.contains("fill=\"none\"");
    let colour = |line: &&str| line.contains("fill=\"#000000\"") == is_black && !line.contains("fill=\"#FFFFFF\"");
    let found = svg.lines().filter(is_bar).filter(colour).map(|line| {
        let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| attribute(line, name).parse().unwrap());
        Bar { x, y, width, height }
    });
    let rows = PANEL * panel as f64..PANEL * (panel + 1) as f64;
    found.filter(|bar| rows.contains(&bar.y) && bar.x < 740.0).collect()
}

/// The lines of text, in their order.
fn texts(svg: &str) -> Vec<&str> {
    let mut lines = svg.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("<text") {
            found.extend(lines.next());
        }
    }
    found
}

#[test]
fn zeros_are_counted_to_the_bit_and_have_a_bar_of_their_own() {
    let tiny = f64::from_bits(1);
    let svg = histograms("zeros.svg", &[("L1", &[0.0, -0.0, 0.0, tiny, 1.0, -1.0]), ("L2", &[tiny, 0.5, 1.0])]);
    let texts = texts(&svg);
    for text in ["3 of 6", "(50.0 %)", "0 of 3", "(0.0 %)", "3 of 3", "L1", "L2", "exactly 0", "number of weights"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    assert_eq!((bars(&svg, 0, true).len(), bars(&svg, 1, true).len()), (1, 0));
    // The least of all numbers is in the bin in the middle, behind the zeros and wider.
    let (zeros, others) = (&bars(&svg, 0, true)[0], bars(&svg, 0, false));
    assert_eq!((others.len(), bars(&svg, 1, false).len()), (3, 3));
    let middle = &others[1];
    assert!(middle.x < zeros.x && middle.x + middle.width > zeros.x + zeros.width, "{middle:?} {zeros:?}");
    assert!(zeros.height > middle.height && middle.height > 0.0);
}

#[test]
fn all_panels_have_the_same_two_scales() {
    let (few, many) = (weights(60, 0.3), weights(3000, 0.1));
    let svg = histograms("scales.svg", &[("few", &few), ("many", &many), ("the same", &many)]);
    let bars_of = |panel| bars(&svg, panel, true).into_iter().chain(bars(&svg, panel, false)).collect::<Vec<_>>();
    let lowered = bars_of(1).into_iter().map(|bar| Bar { y: bar.y + PANEL, ..bar }).collect::<Vec<_>>();
    assert_eq!(lowered, bars_of(2));
    assert_eq!(bars(&svg, 0, true)[0].x, bars(&svg, 1, true)[0].x);
    // A single weight is as high in both.
    let least = |panel| bars(&svg, panel, false).iter().map(|bar| bar.height).fold(f64::INFINITY, f64::min);
    assert_eq!(least(0), least(1));
    // 0 is called 0, and nothing but the legend is at its place.
    let texts = texts(&svg);
    assert_eq!(texts.iter().filter(|text| **text == "0").count(), 3, "{texts:?}");
    assert!((0..3).flat_map(bars_of).all(|bar| bar.x > 90.0 && bar.x + bar.width < 735.0));
}

#[test]
fn any_finite_weights_are_drawn() {
    let sets: [&[f64]; 6] = [&[0.0], &[1e-300], &[-1e307, 1e307], &[5.0], &[-3.0, -2.0], &[1e-9, 1e9]];
    for (number, set) in sets.into_iter().enumerate() {
        let svg = histograms(&format!("any-{number}.svg"), &[("it", set)]);
        assert_eq!(bars(&svg, 0, true).len() + bars(&svg, 0, false).len(), set.len(), "{set:?}: {svg}");
    }
    let svg = histograms("f32.svg", &[("a < b & c", &[0.0_f32, f32::MAX])]);
    assert!(svg.contains("a &lt; b &amp; c"));
}

fn refusal(outcome: Result<(), Error>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn weights_that_cannot_be_drawn_are_named() {
    let path = place("refused.svg");
    let refused = |sets: &[(&str, &[f64])]| refusal(plot_weights(sets, &path));
    assert_eq!(refused(&[]), "number of sets of weights to plot is 0; expected 1 to 12");
    assert_eq!(refused(&[("L2", &[1.0][..]); 13]), "number of sets of weights to plot is 13; expected 1 to 12");
    assert_eq!(refused(&[("L1", &[1.0]), ("L2", &[])]), "number of weights of \"L2\" is 0; expected at least 1");
    assert_eq!(refused(&[("L1", &[0.0, f64::NAN])]), "weight 1 of \"L1\" is NaN; expected a finite number");
    assert_eq!(
        refused(&[("L1", &[f64::MIN]), ("L2", &[f64::MAX])]),
        format!("span of the weights to plot is from {:e} to {:e}; expected one that is finite", f64::MIN, f64::MAX)
    );
    assert!(!path.exists());
    let error = refusal(plot_weights(&[("L1", &[1.0])], place("none").join("no.svg")));
    assert!(error.ends_with("expected a file that can be written"), "{error}");
}

const COUNTS: [f64; 6] = [0.0, 12.0, 90.0, 231.0, 232.0, 470.0];
const LAMBDAS: [f64; 6] = [0.0, 0.001, 0.003, 0.01, 0.03, 0.3];
const TRAINING: [f64; 6] = [0.2, 0.3, 0.5, 0.8, 1.2, 5.0];
const VALIDATION: [f64; 6] = [3.1, 2.8, 2.5, 2.0, 1.9, 5.5];

fn curve<'a>(name: &'a str, errors: &'a [f64], standard_errors: &'a [f64]) -> ErrorCurve<'a> {
    ErrorCurve { name, errors, standard_errors }
}

/// The chart of these curves over the numbers above.
fn trade_off<'a>(curves: &'a [ErrorCurve<'a>]) -> TradeOff<'a> {
    TradeOff { count: "exact zeros, of 480", counts: &COUNTS, lambdas: &LAMBDAS, error: "error (y²)", curves }
}

fn drawn(file: &str, chart: TradeOff<'_>) -> String {
    let path = place(file);
    chart.plot(&path).unwrap();
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_best_lambda_has_a_label_and_no_label_meets_another() {
    let curves = [curve("training", &TRAINING, &[]), curve("validation", &VALIDATION, &[])];
    let svg = drawn("labels.svg", trade_off(&curves));
    let texts = texts(&svg);
    let labels = texts.iter().filter(|text| text.starts_with("λ")).copied().collect::<Vec<_>>();
    // Neither beside 0 nor beside the best is there room.
    assert_eq!(labels, ["λ = 0.03", "λ = 0", "λ = 0.003", "λ = 0.3"]);
    for text in ["training", "validation", "exact zeros, of 480", "error (y²)"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    assert_eq!(svg.matches("<circle").count(), 6 + 1);
}

#[test]
fn standard_errors_are_drawn_where_there_are_any() {
    let lines = |curves: &[ErrorCurve<'_>], file: &str| drawn(file, trade_off(curves)).matches("<polyline").count();
    let none = lines(&[curve("test", &VALIDATION, &[])], "no-bars.svg");
    // A line, and a cap at each end; none of nothing. The ends of the axes stay.
    let some = lines(&[curve("test", &VALIDATION, &[0.1, 0.2, 0.3, 0.1, 0.0, 0.0])], "bars.svg");
    assert_eq!(some, none + 4 * 3);
}

#[test]
fn any_finite_errors_are_drawn() {
    for errors in [[0.0; 2], [1e-300, 2e-300], [-1e307, 1e307], [7.0, 7.0]] {
        let curves = [curve("it", &errors, &[0.0; 2])];
        for counts in [[0.0, 10.0], [3.0, 3.0], [1e9, 0.0]] {
            let chart = TradeOff { counts: &counts, lambdas: &[0.0, 1e-5], ..trade_off(&curves) };
            assert!(drawn("any.svg", chart).contains("λ = "), "{errors:?} over {counts:?}");
        }
    }
}

#[test]
fn numbers_of_a_trade_off_that_do_not_fit_are_named() {
    let path = place("refused-trade-off.svg");
    let refused = |chart: TradeOff<'_>| refusal(chart.plot(&path));
    let of = |errors: &[f64], standard_errors: &[f64]| refused(trade_off(&[curve("test", errors, standard_errors)]));
    let whole = [curve("test", &VALIDATION, &[])];
    assert_eq!(refused(TradeOff { lambdas: &[], ..trade_off(&whole) }), "number of λ is 0; expected at least 1");
    assert_eq!(refused(trade_off(&[])), "number of curves is 0; expected 1 to 12");
    assert_eq!(refused(trade_off(&[whole[0]; 13])), "number of curves is 13; expected 1 to 12");
    let counts = refused(TradeOff { counts: &COUNTS[1..], ..trade_off(&whole) });
    assert_eq!(counts, "number of counts is 5; expected 6, one for each λ");
    let nan = [0.0, 1.0, f64::NAN, 3.0, 4.0, 5.0];
    let counts = refused(TradeOff { counts: &nan, ..trade_off(&whole) });
    assert_eq!(counts, "count 2 is NaN; expected a finite number");
    let lambdas = refused(TradeOff { lambdas: &nan, ..trade_off(&whole) });
    assert_eq!(lambdas, "λ 2 is NaN; expected a finite number");
    assert_eq!(of(&TRAINING[..4], &[]), "number of errors of \"test\" is 4; expected 6, one for each λ");
    assert_eq!(of(&nan, &[]), "error 2 of \"test\" is NaN; expected a finite number");
    let standard = "number of standard errors of \"test\" is 1; expected 6, one for each λ";
    assert_eq!(of(&TRAINING, &[0.1]), standard);
    assert_eq!(of(&TRAINING, &nan), "standard error 2 of \"test\" is NaN; expected a finite number");
    let negative = [0.1, 0.1, 0.1, 0.1, 0.1, -0.5];
    assert_eq!(of(&TRAINING, &negative), "standard error 5 of \"test\" is -0.5; expected 0 or above");
    let far = [f64::MIN, f64::MAX, 0.0, 0.0, 0.0, 0.0];
    let expected = format!("span of the errors is from {:e} to {:e}; expected one that is finite", f64::MIN, f64::MAX);
    assert_eq!(of(&far, &[]), expected);
    assert!(!path.exists());
}

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

//! Charts of weights and of what their zeros cost.

use crate::common::place;
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Error, Float, Rng};
use wane_train::{ErrorCurve, LambdaCurves, TradeOff, plot_weights};

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

pub(crate) fn attribute<'a>(line: &'a str, name: &str) -> &'a str {
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
pub(crate) fn texts(svg: &str) -> Vec<&str> {
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

pub(crate) fn refusal(outcome: Result<(), Error>) -> String {
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

/// The middle of each text, in its order.
fn middles(svg: &str, wanted: &[&str]) -> Vec<f64> {
    let lines = Vec::from_iter(svg.lines());
    let place = |text: &&str| lines.iter().position(|line| line == text).unwrap_or_else(|| panic!("{text}: {svg}"));
    let x = |line: &str| line.split_once(" x=\"").unwrap().1.split('"').next().unwrap().parse().unwrap();
    wanted.iter().map(|text| x(lines[place(text) - 1])).collect()
}

#[test]
fn errors_over_lambda_have_a_logarithmic_axis_and_zero_beside_it() {
    let path = place("lambda-curves.svg");
    let draw = |lambdas: &[f64], errors: &[f64]| {
        let curves = [curve("training", errors, &[]), curve("test", errors, &[])];
        LambdaCurves { title: "Errors", lambdas, error: "error", curves: &curves }.plot(&path)?;
        Ok::<_, Error>(std::fs::read_to_string(&path).unwrap())
    };
    let svg = draw(&[0.0, 0.01, 0.1, 10.0], &[3.0, 2.0, 1.0, 4.0]).unwrap();
    let x = middles(&svg, &["0", "0.01", "0.1", "10"]);
    // The decades are alike; 0 is as far off as the others are apart in the mean, one and a half decades.
    let decade = x[2] - x[1];
    assert!((x[3] - x[2] - 2.0 * decade).abs() <= 2.0 && (x[1] - x[0] - 1.5 * decade).abs() <= 2.0, "{x:?}");
    assert!(svg.contains("least test at λ = 0.1"), "{svg}");
    for lambdas in [&[0.0][..], &[1e-300], &[0.0, 5.0], &[1.0, 1e300]] {
        draw(lambdas, &vec![1.0; lambdas.len()]).unwrap();
    }
    for (lambdas, expected) in [
        (&[-1.0, 0.0][..], "λ is -1; expected 0 or above"),
        (&[0.1, 0.1], "λ is 0.1; expected above the one before, 0.1"),
        (&[0.1, f64::NAN], "λ 1 is NaN; expected a finite number"),
        (&[], "number of λ is 0; expected at least 1"),
    ] {
        assert_eq!(draw(lambdas, &[1.0, 2.0]).unwrap_err().to_string(), expected);
    }
}

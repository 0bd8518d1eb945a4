//! Which charts there are, and what each shows.

use super::View;
use super::axis::Axis;
use super::chart::{Chart, Mark, Point};
use super::text::short;
use crate::study::StrengthCurve;
use crate::{Direction, Distribution, TrialRecord, TrialState};

/// The most trials whose reports are drawn, besides the best.
const MOST_CURVES: usize = 200;
/// The least number of strengths that make a curve.
const LEAST_STRENGTHS: usize = 3;

/// The values of trials in one state, over something.
fn points(view: &View<'_>, state: TrialState, x: impl Fn(&TrialRecord) -> Option<f64>) -> Vec<Point> {
    let trials = view.trials.iter().filter(|trial| trial.state == state);
    trials.filter_map(|trial| Some((x(trial)?, trial.value().filter(|value| value.is_finite())?))).collect()
}

/// The value of each trial, and the best up to it.
pub(super) fn history(view: &View<'_>) -> Option<Chart> {
    let number = |trial: &TrialRecord| Some(trial.number as f64);
    let (complete, pruned) = (points(view, TrialState::Complete, number), points(view, TrialState::Pruned, number));
    let x = Axis::over("trial", complete.iter().chain(&pruned).map(|point| point.0), false)?.whole();
    let y = Axis::fitting("value", complete.iter().chain(&pruned).map(|point| point.1))?;
    let mut best = Vec::<Point>::new();
    for &(number, value) in &complete {
        match best.last().copied() {
            Some((_, least)) if !view.direction.is_better(value, least) => best.push((number, least)),
            Some((_, least)) => best.extend([(number, least), (number, value)]),
            None => best.push((number, value)),
        }
    }
    let mut chart = Chart::new("History", x, y);
    chart.line("best", &best).marks("complete", Mark::Dot, &complete).marks("pruned", Mark::Cross, &pruned);
    chart.explain("complete", '●', "complete").explain("best", '—', "best so far");
    if !pruned.is_empty() {
        chart.explain("pruned", '×', "pruned, at its last report");
    }
    Some(chart)
}

/// The mean over the folds for each strength of a penalty, with its standard error, the other parameters being the best's.
pub(super) fn validation(view: &View<'_>, name: &str) -> Option<Chart> {
    let StrengthCurve { points, best, one_standard_error } =
        StrengthCurve::of(view.trials, view.best?, name, view.direction).ok()?;
    let mut curve = Vec::from_iter(points.iter().map(|point| (point.strength, point.mean)));
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut strengths = Vec::from_iter(curve.iter().map(|point| point.0));
    strengths.dedup();
    if strengths.len() < LEAST_STRENGTHS {
        return None;
    }
    let bars = points.iter().map(|point| {
        let error = point.standard_error;
        (point.strength, point.mean - error, point.mean + error)
    });
    let bars = Vec::from_iter(bars);
    let x = Axis::over(name, strengths, true)?;
    let y = Axis::fitting("mean of the folds", bars.iter().flat_map(|bar| [bar.1, bar.2]))?;
    let mut chart = Chart::new(&format!("Cross-validation over {name}"), x, y);
    let (best, strongest) = (&points[best], &points[one_standard_error]);
    chart.upright("best", best.strength).upright("strongest", strongest.strength);
    chart.whiskers("complete", &bars).line("complete", &curve).marks("complete", Mark::Dot, &curve);
    let least = if view.direction == Direction::Minimize { "least" } else { "greatest" };
    chart.explain("complete", '●', "mean ± one standard error");
    chart.explain("best", '|', format!("{least} mean: {}", short(best.strength)));
    chart.explain("strongest", '¦', format!("largest within one standard error of it: {}", short(strongest.strength)));
    Some(chart)
}

/// The value over one parameter.
pub(super) fn slice(view: &View<'_>, name: &str) -> Option<Chart> {
    let internal = |trial: &TrialRecord| trial.params.get(name).map(|param| param.internal);
    let (complete, pruned) = (points(view, TrialState::Complete, internal), points(view, TrialState::Pruned, internal));
    let both = || complete.iter().chain(&pruned);
    let x = match view.trials.iter().find_map(|trial| trial.params.get(name)).map(|param| &param.distribution)? {
        Distribution::Float { log, .. } => Axis::over(name, both().map(|point| point.0), *log)?,
        Distribution::Int { log, .. } => Axis::over(name, both().map(|point| point.0), *log)?.whole(),
        Distribution::Categorical { choices } => Axis::of_names(name, choices.iter().map(super::named).collect()),
    };
    let y = Axis::fitting("value", both().map(|point| point.1))?;
    let mut chart = Chart::new(&format!("Values over {name}"), x, y);
    chart.marks("complete", Mark::Dot, &complete).marks("pruned", Mark::Cross, &pruned);
    let best = view.best.and_then(|best| Some((internal(best)?, best.value()?)));
    chart.marks("best", Mark::Ring, &Vec::from_iter(best)).explain("complete", '●', "complete");
    if !pruned.is_empty() {
        chart.explain("pruned", '×', "pruned");
    }
    if best.is_some() {
        chart.explain("best", '○', "best");
    }
    Some(chart)
}

/// What trials reported on their way, and where they were stopped.
pub(super) fn reports(view: &View<'_>) -> Option<Chart> {
    let is_best = |trial: &TrialRecord| view.best.is_some_and(|best| best.number == trial.number);
    let curve = |trial: &TrialRecord| {
        let finite = trial.intermediates.iter().filter(|(_, value)| value.is_finite());
        Vec::from_iter(finite.map(|(&step, &value)| (step as f64, value)))
    };
    let reported = view.trials.iter().filter(|trial| !is_best(trial)).map(|trial| (trial.state, curve(trial)));
    let mut curves = Vec::from_iter(reported.filter(|(_, curve)| !curve.is_empty()));
    let left_out = curves.len().saturating_sub(MOST_CURVES);
    curves.drain(..left_out);
    let best = view.best.map(curve).unwrap_or_default();
    let all = || curves.iter().flat_map(|(_, curve)| curve).chain(&best);
    let x = Axis::over("step", all().map(|point| point.0), false)?.whole();
    let y = Axis::fitting("reported value", all().map(|point| point.1))?;
    let mut chart = Chart::new("Reports of each trial", x, y);
    // The best lies over the others.
    for state in [TrialState::Complete, TrialState::Pruned] {
        let class = if state == TrialState::Pruned { "pruned" } else { "complete" };
        let of_state =
            || curves.iter().filter(|(other, _)| (*other == TrialState::Pruned) == (state == TrialState::Pruned));
        for (_, curve) in of_state() {
            chart.line(if class == "pruned" { "pruned thin" } else { "complete thin" }, curve);
        }
        let mark = if class == "pruned" { Mark::Cross } else { Mark::Dot };
        let ends = Vec::from_iter(of_state().filter_map(|(_, curve)| curve.last().copied()));
        chart.marks(class, mark, &ends);
    }
    chart.line("best", &best);
    chart.explain("complete", '●', "not pruned").explain("pruned", '×', "pruned").explain("best", '—', "best");
    if left_out > 0 {
        chart.explain("left-out", ' ', format!("the first {left_out} trials are left out"));
    }
    Some(chart)
}

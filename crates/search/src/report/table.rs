//! Every trial, as a row.

use super::View;
use super::text::{escape, short};
use crate::{TrialRecord, TrialState};
use std::time::Duration;

pub(super) fn table(view: &View<'_>) -> String {
    let mut columns = vec!["trial".to_owned(), "state".into(), "value".into()];
    columns.extend(view.names.iter().map(|name| escape(name)));
    columns.push("duration".into());
    let has_reasons = view.trials.iter().any(|trial| reason(trial).is_some());
    columns.extend(has_reasons.then(|| "why it failed".into()));
    let header: String = columns.iter().map(|name| format!(r#"<th scope="col">{name}</th>"#)).collect();
    let rows: String = view.trials.iter().map(|trial| row(view, trial, has_reasons)).collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"trials\"><table>\n\
         <thead><tr>{header}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

fn row(view: &View<'_>, trial: &TrialRecord, has_reasons: bool) -> String {
    let is_best = view.best.is_some_and(|best| best.number == trial.number);
    let star = if is_best { " <span class=\"best\" title=\"the best\">★</span>" } else { "" };
    let mut row = format!("<tr><th scope=\"row\">{}{star}</th><td>{}</td>", trial.number, trial.state);
    let values = trial.values.iter().flatten().map(|&value| short(value));
    row += &number_cell(&Vec::from_iter(values).join(", "));
    for name in &view.names {
        row += &number_cell(&escape(&super::value_of(trial, name)));
    }
    row += &number_cell(&duration(trial).map(seconds).unwrap_or_default());
    if has_reasons {
        row += &format!("<td class=\"reason\">{}</td>", escape(reason(trial).unwrap_or("")));
    }
    row + "</tr>\n"
}

fn reason(trial: &TrialRecord) -> Option<&str> {
    trial.fail_reason().filter(|_| trial.state == TrialState::Fail)
}

fn number_cell(text: &str) -> String {
    format!("<td class=\"number\">{text}</td>")
}

/// None of one that runs, or whose clocks don't agree.
fn duration(trial: &TrialRecord) -> Option<Duration> {
    trial.completed?.duration_since(trial.started?).ok()
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.9995 => format!("{seconds:.3}\u{a0}s"),
        seconds if seconds < 99.95 => format!("{seconds:.1}\u{a0}s"),
        seconds if seconds < 5400.0 => format!("{:.0}\u{a0}min", seconds / 60.0),
        seconds => format!("{:.1}\u{a0}h", seconds / 3600.0),
    }
}

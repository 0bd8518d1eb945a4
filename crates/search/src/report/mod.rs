//! A study as a page.

mod axis;
mod chart;
mod charts;
mod table;
mod text;

use crate::{Choice, Direction, Distribution, Study, TrialRecord, TrialState};
use chart::Chart;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use text::{escape, short};
use wane_autodiff::Error;
use wane_train::file::replace;

/// The name of the page in its folder.
const FILE: &str = "report.html";
const STYLE: &str = include_str!("style.css");
/// The most parameters that have a chart.
const MOST_SLICES: usize = 24;

/// What all parts of a page are made from.
struct View<'a> {
    direction: Direction,
    trials: &'a [Arc<TrialRecord>],
    best: Option<&'a TrialRecord>,
    /// Of all parameters.
    names: Vec<&'a str>,
}

impl Study {
    /// Writes the study as it stands now as one page, `report.html`, into `folder`, which is created if it isn't there, and
    /// gives the page's path. Whatever the page held before is replaced at once.
    ///
    /// It shows the values in the order of the trials, with the best so far; over each penalty's strength the mean of the
    /// folds with its standard error, where trials [keep their folds](crate::Trial::set_fold_values) and a parameter by
    /// its logarithm has three values beside the best trial's others
    /// ([`one_standard_error`](Study::one_standard_error)); the values over each of the first 24 parameters; what trials
    /// have reported, and where they were pruned; and all trials as a table. Numbers that aren't finite are in the table
    /// only. The page needs no other file and no network.
    ///
    /// # Errors
    /// What keeps the storage from being read; a folder or file that cannot be written.
    ///
    /// ```
    /// use wane_search::{Study, StudyOptions};
    ///
    /// # let folder = std::env::temp_dir().join(format!("wane-report-{}", std::process::id()));
    /// let study = Study::create(StudyOptions::default())?;
    /// study.optimize(20, |trial| Ok((trial.suggest_float("x", -3.0..=3.0)? - 1.0).powi(2)))?;
    /// let page = study.report(&folder)?;
    /// assert_eq!(page, folder.join("report.html"));
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    pub fn report(&self, folder: impl AsRef<Path>) -> Result<PathBuf, Error> {
        let (folder, trials) = (folder.as_ref(), self.trials()?);
        let best = self.best_of(&trials).map(AsRef::as_ref);
        let names = BTreeSet::from_iter(trials.iter().flat_map(|trial| trial.params.keys().map(String::as_str)));
        let view = View { direction: self.direction(), trials: &trials, best, names: names.into_iter().collect() };
        let page = page(self.name(), &view);
        let path = folder.join(FILE);
        let written = fs::create_dir_all(folder).and_then(|()| replace(&path, page.as_bytes()));
        let expected = "a file that can be written";
        written.map_err(|error| Error::io(format!("report {path:?}"), error.to_string(), expected, error))?;
        Ok(path)
    }
}

fn page(name: &str, view: &View<'_>) -> String {
    let name = escape(name);
    let mut body = format!("<h1>Study {name}</h1>\n{}", summary(view));
    let figures: String = all_charts(view).iter().map(Chart::finish).collect();
    if !figures.is_empty() {
        body += &format!("<div class=\"charts\">\n{figures}</div>\n");
    } else if !view.trials.is_empty() {
        body += "<p>There is nothing to draw: no trial has a finite value, or their range is too wide.</p>\n";
    }
    if view.names.len() > MOST_SLICES && !figures.is_empty() {
        body += &format!("<p>Of {} parameters, the first {MOST_SLICES} are drawn.</p>\n", view.names.len());
    }
    if !view.trials.is_empty() {
        body += &format!("<h2>Trials</h2>\n{}", table::table(view));
    }
    // Not even a mistake in escaping could run a script.
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Study {name}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

fn all_charts(view: &View<'_>) -> Vec<Chart> {
    let is_log = |name: &&&str| {
        let param = view.trials.iter().find_map(|trial| trial.params.get(**name));
        param.is_some_and(|param| {
            matches!(param.distribution, Distribution::Float { log: true, .. } | Distribution::Int { log: true, .. })
        })
    };
    let mut all = Vec::from_iter(charts::history(view));
    all.extend(view.names.iter().filter(is_log).filter_map(|name| charts::validation(view, name)));
    all.extend(charts::reports(view));
    all.extend(view.names.iter().take(MOST_SLICES).filter_map(|name| charts::slice(view, name)));
    all
}

/// How many trials there are, and the best.
fn summary(view: &View<'_>) -> String {
    if view.trials.is_empty() {
        return "<p>There are no trials yet.</p>\n".into();
    }
    let states = [TrialState::Complete, TrialState::Pruned, TrialState::Fail, TrialState::Running, TrialState::Waiting];
    let counts = states.map(|state| (state, view.trials.iter().filter(|trial| trial.state == state).count()));
    let counts = counts.into_iter().filter(|(_, count)| *count > 0).map(|(state, count)| format!("{count} {state}"));
    let wanted = if view.direction == Direction::Minimize { "least" } else { "greatest" };
    let number = view.trials.len();
    let plural = if number == 1 { "" } else { "s" };
    let mut text =
        format!("<p>{number} trial{plural} for the {wanted} value: {}.</p>\n", Vec::from_iter(counts).join(", "));
    let Some(best) = view.best else {
        return text + "<p>No trial is complete.</p>\n";
    };
    let value = best.value().map(short).unwrap_or_default();
    text += &format!("<p>The best is <strong>{value}</strong>, of trial {}", best.number);
    if let Some(error) = best.standard_error() {
        text += &format!(", with a standard error of {} over its folds", short(error));
    }
    let params = best
        .params
        .keys()
        .map(|name| format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(&value_of(best, name))));
    text + &format!(".</p>\n<dl>{}</dl>\n", params.collect::<String>())
}

/// The value of a parameter as a text, which may need escaping; nothing if the trial doesn't have it.
fn value_of(trial: &TrialRecord, name: &str) -> String {
    let value = trial.params.get(name).and_then(|param| param.value().ok());
    value.as_ref().map(named).unwrap_or_default()
}

fn named(choice: &Choice) -> String {
    match choice {
        Choice::Float(value) => short(*value),
        Choice::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

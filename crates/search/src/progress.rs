use crate::{Study, TrialRecord, TrialState};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wane_autodiff::number;

/// How often a second the line may change.
const HERTZ: u8 = 5;

/// A line on the terminal, from the first moment on; nothing where standard error is none.
#[derive(Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// For so many trials, if it is known how many.
    pub(crate) fn new(is_shown: bool, trials: Option<usize>) -> Self {
        let target = if is_shown { ProgressDrawTarget::stderr_with_hz(HERTZ) } else { ProgressDrawTarget::hidden() };
        Self::on(target, trials)
    }

    fn on(target: ProgressDrawTarget, trials: Option<usize>) -> Self {
        if target.is_hidden() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(trials.map(|trials| trials as u64), target);
        let template = match trials {
            Some(_) => "[{bar:20}] trial {pos}/{len}  {msg}  {eta} left",
            None => "trial {pos}  {msg}  {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        // Which draws it.
        bar.set_message("no value yet");
        Self(Some(bar))
    }

    /// After a trial.
    pub(crate) fn trial(&self, study: &Study, trial: &TrialRecord) {
        let Some(bar) = &self.0 else { return };
        bar.inc(1);
        if let (TrialState::Fail, Some(reason)) = (trial.state, trial.fail_reason()) {
            bar.println(format!("trial {} failed: {reason}", trial.number));
        }
        if let Ok(best) = study.best_trial() {
            let value = best.value().map_or_else(String::new, number);
            bar.set_message(format!("best {value} of trial {}", best.number));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.abandon();
        }
    }
}

#[cfg(test)]
#[path = "../../train/tests/terminal/mod.rs"]
mod terminal;

#[cfg(test)]
mod tests {
    use super::terminal::Terminal;
    use super::*;
    use crate::StudyOptions;

    #[test]
    fn the_best_value_and_each_failure_are_shown() {
        let terminal = Terminal::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), HERTZ);
        let progress = Progress::on(target, Some(4));
        let study = Study::create(StudyOptions::default()).unwrap();
        for value in [f64::NAN, 3.0, 0.5] {
            let number = study.ask().unwrap().number();
            progress.trial(&study, &study.tell(number, value).unwrap());
        }
        drop(progress);
        let shown = terminal.0.lock().unwrap().clone();
        for part in ["trial 0/4  no value yet", "trial 0 failed: the value is NaN", "trial 3/4  best 0.5 of trial 2  "]
        {
            assert!(shown.contains(part), "{part}: {shown:?}");
        }
    }

    #[test]
    fn nothing_is_drawn_where_nothing_is_shown() {
        assert!(Progress::new(false, Some(3)).0.is_none());
    }
}

use crate::EpochRecord;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a second the line may change.
const HERTZ: u8 = 5;

/// A line on the terminal, from the first moment on; nothing where standard error is none.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    epochs: usize,
}

impl Progress {
    /// `done` epochs, and batches over all of them, are from before.
    pub(crate) fn new(is_shown: bool, epochs: usize, batches_per_epoch: usize, done: (usize, u64)) -> Self {
        let target = if is_shown { ProgressDrawTarget::stderr_with_hz(HERTZ) } else { ProgressDrawTarget::hidden() };
        Self::on(target, epochs, batches_per_epoch, done)
    }

    fn on(target: ProgressDrawTarget, epochs: usize, batches_per_epoch: usize, done: (usize, u64)) -> Self {
        if target.is_hidden() {
            return Self { bar: None, epochs };
        }
        let batches = epochs.saturating_mul(batches_per_epoch) as u64;
        let bar = ProgressBar::with_draw_target(Some(batches), target).with_position(done.1);
        if let Ok(style) = ProgressStyle::with_template("[{bar:20}] batch {pos}/{len}  {msg}  {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.reset_eta();
        // Which draws it.
        bar.set_message(format!("epoch {}/{epochs}", done.0));
        Self { bar: Some(bar), epochs }
    }

    pub(crate) fn batch(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    pub(crate) fn epoch(&self, record: Option<&EpochRecord>) {
        if let (Some(bar), Some(record)) = (&self.bar, record) {
            bar.set_message(line(record, self.epochs));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

fn line(record: &EpochRecord, epochs: usize) -> String {
    let mut line = format!("epoch {}/{epochs}  loss {:.4e}", record.epoch, record.train_loss);
    if let Some(loss) = record.validation_loss {
        line += &format!("  validation {loss:.4e}");
    }
    if let Some(group) = record.groups.first() {
        line += &format!("  lr {:.2e}", group.lr);
    }
    let norm = record.groups.iter().map(|group| group.weight_norm.powi(2)).sum::<f64>().sqrt();
    line + &format!("  weights {norm:.3e}")
}

#[cfg(test)]
#[path = "../tests/terminal/mod.rs"]
mod terminal;

#[cfg(test)]
mod tests {
    use super::terminal::Terminal;
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn a_line_stands_at_once_and_moves_within_an_epoch() {
        let terminal = Terminal::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), HERTZ);
        let shown = || std::mem::take(&mut *terminal.0.lock().unwrap());
        let progress = Progress::on(target, 3, 1000, (0, 0));
        let first = shown();
        assert!(first.contains("batch 0/3000  epoch 0/3"), "{first:?}");
        let start = Instant::now();
        for _ in 0..200 {
            progress.batch();
            std::thread::sleep(Duration::from_millis(5));
        }
        let second = shown();
        let lines = second.matches("/3000  epoch 0/3").count();
        // indicatif lets through 20 at once, and then so many a second.
        let most = 20.0 + f64::from(HERTZ) * start.elapsed().as_secs_f64() + 2.0;
        assert!(lines >= 1 && lines as f64 <= most, "{lines} lines in a second: {second:?}");
    }

    #[test]
    fn nothing_is_drawn_where_nothing_is_shown() {
        let progress = Progress::new(false, 3, 10, (0, 0));
        assert!(progress.bar.is_none());
        progress.batch();
        progress.epoch(None);
    }
}

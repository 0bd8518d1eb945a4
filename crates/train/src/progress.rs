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
        bar.set_message(format!("epoch {}/{epochs}", done.0));
        bar.tick();
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

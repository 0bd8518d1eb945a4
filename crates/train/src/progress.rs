use crate::EpochRecord;
use indicatif::{ProgressBar, ProgressStyle};

/// A line on the terminal: silent where standard error is none.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(is_shown: bool, epochs: usize, batches_per_epoch: usize, steps: u64) -> Self {
        if !is_shown {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(epochs.saturating_mul(batches_per_epoch) as u64).with_position(steps);
        if let Ok(style) = ProgressStyle::with_template("[{bar:20}] {msg}  {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.reset_eta();
        Self(bar)
    }

    pub(crate) fn batch(&self) {
        self.0.inc(1);
    }

    pub(crate) fn epoch(&self, record: Option<&EpochRecord>) {
        if let Some(record) = record.filter(|_| !self.0.is_hidden()) {
            self.0.set_message(line(record));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn line(record: &EpochRecord) -> String {
    let mut line = format!("epoch {}  loss {:.4e}", record.epoch, record.train_loss);
    if let Some(loss) = record.validation_loss {
        line += &format!("  validation {loss:.4e}");
    }
    if let Some(group) = record.groups.first() {
        line += &format!("  lr {:.2e}", group.lr);
    }
    let norm = record.groups.iter().map(|group| group.weight_norm.powi(2)).sum::<f64>().sqrt();
    line + &format!("  weights {norm:.3e}")
}

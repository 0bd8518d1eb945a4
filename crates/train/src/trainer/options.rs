use crate::{Metric, Monitor};
use std::path::PathBuf;
use wane_autodiff::{CrossEntropyOptions, Error, Loss, non_negative, number};
use wane_optim::PlateauOptions;

/// How a [`Trainer`](crate::Trainer) trains.
#[derive(Clone, Debug)]
pub struct TrainerOptions {
    /// How many epochs in all, those before a checkpoint included; at least 1.
    pub epochs: usize,
    /// How many rows a step sees, at least 1.
    pub batch_size: usize,
    /// Whether every epoch has an order of its own.
    pub shuffle: bool,
    /// The loss of a target of numbers.
    pub loss: Loss,
    /// The options of cross-entropy, which is the loss of a target of classes.
    pub cross_entropy: CrossEntropyOptions,
    /// What is measured beside the loss.
    pub metrics: Vec<Metric>,
    /// The largest norm of all gradients together ([`clip_grad_norm`](wane_optim::clip_grad_norm)), above 0.
    pub clip_norm: Option<f64>,
    /// The largest size of a gradient's element ([`clip_grad_value`](wane_optim::clip_grad_value)), above 0; after
    /// `clip_norm`.
    pub clip_value: Option<f64>,
    /// When the time of schedules passes.
    pub advance: Advance,
    /// Lowers the learning rate when `plateau_monitor` has stopped improving; its mode must be the monitor's
    /// ([`Monitor::better`]).
    pub plateau: Option<PlateauOptions>,
    /// What the plateau watches.
    pub plateau_monitor: Monitor,
    /// The decay of a moving average of the weights, 0 to 1, with which the model is then validated.
    pub ema: Option<f64>,
    /// Stops when there is no improvement any more.
    pub early_stopping: Option<EarlyStopping>,
    /// Where and how often everything is saved, and once more at the end.
    pub checkpoint: Option<Checkpoint>,
    /// Whether progress is shown, if standard error is a terminal.
    pub progress: bool,
}

impl Default for TrainerOptions {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch_size: 32,
            shuffle: true,
            loss: Loss::Mse,
            cross_entropy: CrossEntropyOptions::default(),
            metrics: Vec::new(),
            clip_norm: None,
            clip_value: None,
            advance: Advance::Epoch,
            plateau: None,
            plateau_monitor: Monitor::default(),
            ema: None,
            early_stopping: None,
            checkpoint: None,
            progress: true,
        }
    }
}

/// When [`Optimizer::advance`](wane_optim::Optimizer::advance) is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// After every epoch.
    Epoch,
    /// After every batch.
    Batch,
}

/// Stops when what is watched has not improved for more than `patience` epochs (as scikit-learn's `n_iter_no_change`
/// counts). At the end of training, stopped or failed or not, the parameters are those of the best epoch; the trainer
/// keeps the last ones to go on from. A NaN is never better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStopping {
    /// How many epochs without improvement are borne.
    pub patience: u64,
    /// By how much a value must be better than the best to be an improvement, finite and ≥ 0.
    pub min_delta: f64,
    /// What is watched, and with it which values are better.
    pub monitor: Monitor,
}

/// Ten epochs without any improvement of the validation loss.
impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 10, min_delta: 0.0, monitor: Monitor::default() }
    }
}

/// Where and how often everything is saved: also at the end of [`Trainer::fit`](crate::Trainer::fit), if anything was
/// done since, so that the file is the final state. After a fault the last file stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file, which each save replaces as a whole.
    pub path: PathBuf,
    /// How often.
    pub every: Every,
}

/// How often a [`Checkpoint`] is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// After so many epochs, at least 1.
    Epochs(usize),
    /// After so many batches, counted over all epochs, at least 1.
    Batches(u64),
}

impl TrainerOptions {
    /// Every check that needs no data.
    pub(crate) fn check(&self) -> Result<(), Error> {
        at_least_one("epochs", self.epochs as u64)?;
        at_least_one("batch_size", self.batch_size as u64)?;
        self.loss.checked()?;
        for (field, value) in [("clip_norm", self.clip_norm), ("clip_value", self.clip_value)] {
            if let Some(value) = value.filter(|&value| value.is_nan() || value <= 0.0) {
                return Err(Error::option(field, number(value), "a number above 0"));
            }
        }
        if let Some(early) = &self.early_stopping {
            non_negative("early_stopping min_delta", early.min_delta)?;
            early.monitor.check("early_stopping monitor", &self.metrics)?;
        }
        if let Some(plateau) = &self.plateau {
            self.plateau_monitor.check("plateau_monitor", &self.metrics)?;
            let better = self.plateau_monitor.better();
            if plateau.mode != better {
                let expected = format!("{better:?}, as plateau_monitor is {}", self.plateau_monitor);
                return Err(Error::option("plateau mode", format!("{:?}", plateau.mode), expected));
            }
        }
        match &self.checkpoint {
            Some(Checkpoint { every: Every::Epochs(epochs), .. }) => {
                at_least_one("checkpoint every epochs", *epochs as u64)
            }
            Some(Checkpoint { every: Every::Batches(batches), .. }) => {
                at_least_one("checkpoint every batches", *batches)
            }
            None => Ok(()),
        }
    }
}

fn at_least_one(field: &str, value: u64) -> Result<(), Error> {
    if value == 0 { Err(Error::option(field, 0, "at least 1")) } else { Ok(()) }
}

use crate::metric::Tally;
use crate::{EarlyStopping, History, Monitor, TrainerOptions};
use serde::{Deserialize, Serialize};
use wane_autodiff::{Float, Params, Rng};
use wane_optim::{Better, Plateau};

/// Where training is: all that a trainer remembers besides weights, optimizer and average.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State<T> {
    pub(super) history: History,
    /// Batches done in all.
    pub(super) steps: u64,
    /// Batches done of the epoch at hand.
    pub(super) batches: usize,
    /// What the order of the epoch at hand was drawn from.
    pub(super) order: Option<Rng>,
    pub(super) feed: Feed,
    pub(super) sums: Sums,
    pub(super) plateau: Option<Plateau>,
    pub(super) plateau_monitor: Monitor,
    pub(super) best: Option<Best<T>>,
    /// Epochs since the best.
    pub(super) waited: u64,
    pub(super) extra: Option<Vec<u8>>,
}

/// What the place of a batch in its epoch depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Feed {
    pub(super) rows: usize,
    pub(super) batch_size: usize,
    pub(super) shuffle: bool,
}

/// What tells two states of one run apart: batches done, and whether the best weights are handed out.
pub(super) type Mark = (u64, bool);

/// The best epoch's value and weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Best<T> {
    pub(super) monitor: Monitor,
    value: f64,
    pub(super) weights: Vec<T>,
    /// Whether they have changed places with the last weights.
    is_handed_out: bool,
}

/// Sums over the batches of the epoch at hand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) rows: f64,
    pub(super) loss: f64,
    pub(super) penalty: f64,
    pub(super) gradient_norm: f64,
    pub(super) tally: Tally,
    /// The learning rate of each group at the last step.
    pub(super) lrs: Vec<f64>,
}

impl<T: Float> State<T> {
    pub(super) fn new(plateau: Option<Plateau>, options: &TrainerOptions) -> Self {
        Self {
            history: History { metrics: options.metrics.clone(), epochs: Vec::new() },
            steps: 0,
            batches: 0,
            order: None,
            feed: Feed::default(),
            sums: Sums::default(),
            plateau,
            plateau_monitor: options.plateau_monitor,
            best: None,
            waited: 0,
            extra: None,
        }
    }

    /// How many epochs are finished.
    pub(super) fn epochs(&self) -> usize {
        self.history.epochs.len()
    }

    pub(super) fn mark(&self) -> Mark {
        (self.steps, self.is_best_handed_out())
    }

    /// Takes note of what early stopping watches and of the weights it was measured on.
    pub(super) fn observe(&mut self, early: EarlyStopping, value: f64, weights: &[T]) {
        let EarlyStopping { monitor, min_delta, .. } = early;
        let is_better = |best: f64| match monitor.better() {
            Better::Min => value < best - min_delta,
            Better::Max => value > best + min_delta,
        };
        match &mut self.best {
            Some(best) if is_better(best.value) || (best.value.is_nan() && !value.is_nan()) => {
                best.value = value;
                best.weights.copy_from_slice(weights);
                self.waited = 0;
            }
            Some(_) => self.waited += 1,
            None => self.best = Some(Best { monitor, value, weights: weights.to_vec(), is_handed_out: false }),
        }
    }

    pub(super) fn has_waited_out(&self, early: Option<EarlyStopping>) -> bool {
        early.is_some_and(|early| self.waited > early.patience)
    }

    pub(super) fn is_best_handed_out(&self) -> bool {
        self.best.as_ref().is_some_and(|best| best.is_handed_out)
    }

    /// Gives `params` the best weights, and keeps the last ones in their place; the other way round to go on.
    pub(super) fn hand_out_best(&mut self, hand_out: bool, params: &mut Params<T>) {
        if let Some(best) = self.best.as_mut().filter(|best| best.is_handed_out != hand_out) {
            best.weights.swap_with_slice(params.as_mut_slice());
            best.is_handed_out = hand_out;
        }
    }
}

impl Sums {
    /// Forgets the epoch and keeps its memory.
    pub(super) fn clear(&mut self) {
        (self.rows, self.loss, self.penalty, self.gradient_norm) = (0.0, 0.0, 0.0, 0.0);
        self.tally.clear();
    }
}

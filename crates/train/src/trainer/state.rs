use crate::metric::Tally;
use crate::{EarlyStopping, History, Monitor, TrainerOptions};
use serde::{Deserialize, Serialize};
use wane_autodiff::{Error, Float, Params, Rng};
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

    /// Checks what was read from a file: whatever training goes on from.
    pub(super) fn check(&self, groups: usize) -> Result<(), Error> {
        self.check_history()?;
        let Feed { rows, batch_size, .. } = self.feed;
        let most = if batch_size == 0 { 0 } else { rows.div_ceil(batch_size) };
        if self.batches > most {
            let expected = format!("at most {most}, for {rows} rows and batch_size {batch_size}");
            return Err(Error::data("batches done of an epoch", self.batches, expected));
        }
        if self.batches > 0 && self.order.is_none() {
            return Err(Error::data("order of an epoch", "missing", "what it was drawn from"));
        }
        let lrs = self.sums.lrs.len();
        if lrs != 0 && lrs != groups {
            return Err(Error::data("number of learning rates", lrs, format!("{groups}, as the optimizer has groups")));
        }
        // Counts that go on without an overflow.
        for (field, count, most) in [
            ("batches done", self.steps, 1 << 53),
            ("epochs since the best", self.waited, self.epochs() as u64),
            ("rows measured", self.sums.tally.rows(), self.feed.rows as u64),
        ] {
            if count > most {
                return Err(Error::data(field, count, format!("at most {most}")));
            }
        }
        Ok(())
    }

    fn check_history(&self) -> Result<(), Error> {
        let History { metrics, epochs } = &self.history;
        for (place, record) in epochs.iter().enumerate() {
            if record.epoch != place + 1 {
                return Err(Error::data(format!("epoch of record {place}"), record.epoch, (place + 1).to_string()));
            }
            let validated = if record.validation_loss.is_some() { metrics.len() } else { 0 };
            for (of, found, wanted) in [
                ("training", record.train_metrics.len(), metrics.len()),
                ("validation", record.validation_metrics.len(), validated),
            ] {
                if found != wanted {
                    let field = format!("epoch {}: number of {of} metrics", record.epoch);
                    return Err(Error::data(field, found, wanted.to_string()));
                }
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use wane_autodiff::rand::SeedableRng;

    fn measured() -> TrainerOptions {
        TrainerOptions { metrics: vec![crate::Metric::Mse], ..Default::default() }
    }

    /// The state in the second batch of the third epoch, of an optimizer of two groups.
    fn good() -> State<f64> {
        let record = |epoch| crate::EpochRecord {
            epoch,
            train_loss: 1.0,
            penalty: 0.0,
            train_metrics: vec![0.5],
            validation_loss: Some(1.0),
            validation_metrics: vec![0.5],
            groups: Vec::new(),
            gradient_norm: 1.0,
            zeros: 0,
        };
        let mut state = State::new(None, &measured());
        state.history.epochs = vec![record(1), record(2)];
        (state.steps, state.batches, state.order) = (8, 2, Some(Rng::seed_from_u64(0)));
        state.feed = Feed { rows: 9, batch_size: 4, shuffle: true };
        state.sums.lrs = vec![0.1, 0.2];
        state.best =
            Some(Best { monitor: Monitor::ValidationLoss, value: 1.0, weights: vec![0.5], is_handed_out: false });
        state.waited = 2;
        state
    }

    #[test]
    fn what_training_cannot_go_on_from_is_named() {
        type Fault = fn(&mut State<f64>);
        let faults: [(Fault, &str); 12] = [
            (|s| s.history.epochs[1].epoch = 7, "epoch of record 1 is 7; expected 2"),
            (|s| s.history.epochs[0].epoch = 0, "epoch of record 0 is 0; expected 1"),
            (|s| s.history.epochs[1].train_metrics.clear(), "epoch 2: number of training metrics is 0; expected 1"),
            (|s| s.history.epochs[1].validation_loss = None, "epoch 2: number of validation metrics is 1; expected 0"),
            (|s| s.batches = 4, "batches done of an epoch is 4; expected at most 3, for 9 rows and batch_size 4"),
            (
                |s| s.feed.batch_size = 0,
                "batches done of an epoch is 2; expected at most 0, for 9 rows and batch_size 0",
            ),
            (|s| s.order = None, "order of an epoch is missing; expected what it was drawn from"),
            (|s| s.sums.lrs.push(0.3), "number of learning rates is 3; expected 2, as the optimizer has groups"),
            (|s| s.steps = u64::MAX, "batches done is 18446744073709551615; expected at most 9007199254740992"),
            (|s| s.waited = 3, "epochs since the best is 3; expected at most 2"),
            (
                |s| s.sums.tally = serde_json::from_str(&tally(u64::MAX, 0)).unwrap(),
                "rows measured is 18446744073709551615; expected at most 9",
            ),
            (
                |s| s.sums.tally = serde_json::from_str(&tally(0, 10)).unwrap(),
                "rows measured is 10; expected at most 9",
            ),
        ];
        good().check(2).unwrap();
        for (fault, message) in faults {
            let mut bad = good();
            fault(&mut bad);
            assert_eq!(bad.check(2).unwrap_err().to_string(), message);
        }
    }

    fn tally(rows: u64, correct: u64) -> String {
        format!(r#"{{"rows":{rows},"columns":[],"correct":{correct},"log_loss":0}}"#)
    }

    #[test]
    fn all_that_a_run_comes_by_is_fit_to_go_on() {
        State::<f64>::new(None, &measured()).check(2).unwrap();
        let mut ended = good();
        (ended.batches, ended.order) = (0, None);
        ended.check(2).unwrap();
        // The last batch is done, and then validation failed; no batch with a label yet.
        let mut failed = good();
        (failed.batches, failed.sums.lrs) = (3, Vec::new());
        failed.check(2).unwrap();
    }
}

use super::evaluate::{evaluated_rows, measure};
use super::loss::{counted, data_loss};
use super::state::Feed;
use super::{Advance, Checkpoint, EpochEnd, Every, Monitor, Stop, Trainer};
use crate::file;
use crate::progress::Progress;
use crate::{EpochRecord, GroupRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wane_autodiff::{Error, Float, Grads, NonFinite, Rng, Var, reduce};
use wane_data::{Batch, Batches, Dataset, Epoch};
use wane_optim::{Rule, clip_grad_value, clip_grads_with_norm};

impl<T: Float + Serialize + DeserializeOwned, R: Rule> Trainer<'_, T, R> {
    /// Trains until [`TrainerOptions::epochs`](super::TrainerOptions::epochs) are done, those of earlier calls and of a
    /// checkpoint included, or something ends it before. `rng` draws the order of each epoch, then one number a batch
    /// for dropout. After the first epoch a step allocates nothing.
    ///
    /// # Errors
    /// Data that fits neither the model nor the options. A loss or a gradient that is not finite, by epoch, batch, op and
    /// parameter: the parameters are then those of before its step, or with early stopping the best. A weight that is not
    /// finite after an epoch or before a checkpoint, which is then not written. A rate of a schedule out of range; a
    /// checkpoint that cannot be written, of which the place is tried before the first batch; parameters that are all frozen;
    /// an error of a callback, or of what is done after a step.
    pub fn fit(&mut self, train: &Dataset<T>, rng: &mut Rng) -> Result<Stop, Error> {
        self.check_data(train)?;
        if let Some(Checkpoint { path, .. }) = &self.options.checkpoint {
            file::try_place(path).map_err(|error| error.within("checkpoint"))?;
        }
        self.state.hand_out_best(false, self.params);
        let mut batches = Batches::new(train, self.options.batch_size)?;
        let rows = evaluated_rows(self.options.batch_size);
        let mut validation = self.validation.map(|data| Batches::new(data, rows)).transpose()?;
        let (epochs, a_epoch) = (self.options.epochs, batches.batches_per_epoch());
        let feed = Feed { rows: train.len(), batch_size: self.options.batch_size, shuffle: self.options.shuffle };
        self.check_feed(feed)?;
        let done = (self.state.epochs(), self.state.steps);
        let progress = Progress::new(self.options.progress, epochs, a_epoch, done);
        let stop = self.epochs(&mut batches, validation.as_mut(), feed, rng, &progress);
        // After an error too: the best weights are what there is to be had of the run.
        if self.options.early_stopping.is_some() {
            self.state.hand_out_best(true, self.params);
        }
        let stop = stop?;
        if let Some(Checkpoint { path, .. }) = &self.options.checkpoint
            && self.saved != self.state.mark()
        {
            self.save(path, rng)?;
            self.saved = self.state.mark();
        }
        Ok(stop)
    }

    fn epochs(
        &mut self,
        batches: &mut Batches<'_, T>,
        mut validation: Option<&mut Batches<'_, T>>,
        feed: Feed,
        rng: &mut Rng,
        progress: &Progress,
    ) -> Result<Stop, Error> {
        while self.state.epochs() < self.options.epochs {
            if self.state.has_waited_out(self.options.early_stopping) {
                return Ok(Stop::Early);
            }
            self.epoch(batches, feed, rng, progress)?;
            self.close_epoch(validation.as_deref_mut())?;
            progress.epoch(self.state.history.epochs.last());
            let goes_on = self.call_back()?;
            self.save_if_due(rng, true)?;
            if !goes_on {
                return Ok(Stop::Callback);
            }
        }
        Ok(Stop::Epochs)
    }

    /// The batches of an epoch, or what is left of it.
    fn epoch(
        &mut self,
        batches: &mut Batches<'_, T>,
        feed: Feed,
        rng: &mut Rng,
        progress: &Progress,
    ) -> Result<(), Error> {
        let count = batches.batches_per_epoch();
        let mut epoch = match &self.state.order {
            Some(order) if self.state.batches > 0 => {
                let mut epoch = in_order(batches, feed, &mut order.clone());
                for _ in 0..self.state.batches {
                    epoch.next();
                }
                epoch
            }
            _ => {
                self.state.sums.clear();
                (self.state.order, self.state.feed) = (Some(rng.clone()), feed);
                in_order(batches, feed, rng)
            }
        };
        while let Some(batch) = epoch.next() {
            self.step(batch, rng)?;
            progress.batch();
            if self.state.batches < count {
                self.save_if_due(rng, false)?;
            }
        }
        Ok(())
    }

    /// In the middle of an epoch, batches must be made as it began.
    fn check_feed(&self, now: Feed) -> Result<(), Error> {
        if self.state.batches > 0 && self.state.feed != now {
            let describe =
                |Feed { rows, batch_size, shuffle }| format!("{rows} rows, batch_size {batch_size}, shuffle {shuffle}");
            let expected = format!("{}: training is in the middle of an epoch", describe(self.state.feed));
            return Err(Error::data("training data", describe(now), expected));
        }
        Ok(())
    }

    fn step(&mut self, batch: Batch<'_, T>, rng: &mut Rng) -> Result<(), Error> {
        let own = self.loss_fn.as_deref();
        let rows = counted(&self.options, own, batch.target());
        if rows == 0.0 {
            // No row has a label: nothing to learn, and no mean to take.
            return self.count_batch();
        }
        let place = |state: &super::State<T>| format!("epoch {}, batch {}", state.epochs() + 1, state.batches + 1);
        let graph = self.tape.record(self.params).training(rng);
        let output = self.model.forward(graph.input(&batch.x()));
        let data = data_loss(&self.options, own, output, batch.target())?;
        let (mut loss, mut penalty) = (data, 0.0);
        for record in &self.penalties {
            let term = record(graph);
            penalty += term.item().widen();
            loss = loss + term;
        }
        if !loss.item().is_finite() {
            let value = loss.item().widen();
            return Err(not_finite(&place(&self.state), "loss", value, graph.first_non_finite()));
        }
        loss.backward(&mut self.grads);
        let norm = reduce::squares(self.grads.as_slice()).sqrt();
        if !norm.is_finite() {
            check_gradients(loss, &mut self.grads).map_err(|error| error.within(place(&self.state)))?;
        }
        let value = data.item().widen();
        if !self.options.metrics.is_empty() {
            measure(&mut self.state.sums.tally, output, batch.target())?;
        }
        if let Some(max_norm) = self.options.clip_norm {
            clip_grads_with_norm(&mut self.grads, max_norm, norm)?;
        }
        if let Some(clip_value) = self.options.clip_value {
            clip_grad_value(&mut self.grads, clip_value)?;
        }
        self.optimizer.step(self.params, &self.grads)?;
        if let Some(change) = &mut self.after_step {
            change(self.params, self.optimizer)?;
        }
        if let Some(ema) = &mut self.ema {
            ema.update(self.params)?;
        }
        let sums = &mut self.state.sums;
        (sums.rows, sums.loss) = (sums.rows + rows, sums.loss + value * rows);
        (sums.penalty, sums.gradient_norm) = (sums.penalty + penalty, sums.gradient_norm + norm);
        sums.lrs.clear();
        sums.lrs.extend(self.optimizer.groups().iter().map(|group| group.lr()));
        self.count_batch()
    }

    fn count_batch(&mut self) -> Result<(), Error> {
        (self.state.steps, self.state.batches) = (self.state.steps + 1, self.state.batches + 1);
        if self.options.advance == Advance::Batch {
            self.optimizer.advance()?;
        }
        Ok(())
    }

    /// Weights that a step has thrown beyond all bounds are not to be saved.
    fn check_weights(&self) -> Result<(), Error> {
        for param in self.params.iter() {
            if let Some(value) = param.values.iter().find(|value| !value.is_finite()) {
                let epoch = self.state.epochs() + 1;
                let field = format!("epoch {epoch}, after batch {}: {:?}", self.state.batches, param.name);
                return Err(Error::data(field, value, "finite weights: is the learning rate too large?"));
            }
        }
        Ok(())
    }

    fn close_epoch(&mut self, validation: Option<&mut Batches<'_, T>>) -> Result<(), Error> {
        self.check_weights()?;
        let validated = validation.map(|batches| self.validate(batches)).transpose()?;
        let (validation_loss, validation_metrics) = validated.map_or((None, vec![]), |(loss, m)| (Some(loss), m));
        let (sums, batches) = (&self.state.sums, self.state.batches as f64);
        let mut groups = Vec::with_capacity(sums.lrs.len());
        for (group, &lr) in self.optimizer.groups().iter().zip(&sums.lrs) {
            let mut square = 0.0;
            for &id in group.params() {
                let entry = self.params.layout().entry(id)?;
                square += reduce::squares(&self.params.as_slice()[entry.range()]);
            }
            groups.push(GroupRecord { lr, weight_norm: square.sqrt() });
        }
        let record = EpochRecord {
            epoch: self.state.epochs() + 1,
            train_loss: sums.loss / sums.rows,
            penalty: sums.penalty / batches,
            train_metrics: self.options.metrics.iter().map(|&metric| sums.tally.metric(metric)).collect(),
            validation_loss,
            validation_metrics,
            groups,
            gradient_norm: sums.gradient_norm / batches,
            zeros: self.params.as_slice().iter().filter(|weight| weight.is_zero()).count(),
        };
        let watched = |monitor: Monitor| monitor.value(&record, &self.options.metrics);
        let early = self.options.early_stopping.and_then(|early| Some((early, watched(early.monitor)?)));
        let plateau = watched(self.options.plateau_monitor);
        self.state.history.epochs.push(record);
        (self.state.batches, self.state.order) = (0, None);
        if let Some((early, value)) = early {
            let weights = self.ema.as_ref().map_or(self.params.as_slice(), |ema| ema.as_slice());
            self.state.observe(early, value, weights);
        }
        if let (Some(plateau), Some(value)) = (&mut self.state.plateau, plateau) {
            plateau.step(value, self.optimizer)?;
        }
        if self.options.advance == Advance::Epoch {
            self.optimizer.advance()?;
        }
        Ok(())
    }

    /// Whether every callback lets training go on; each is called.
    fn call_back(&mut self) -> Result<bool, Error> {
        let Some(record) = self.state.history.epochs.last() else { return Ok(true) };
        let mut goes_on = true;
        for callback in &mut self.callbacks {
            let mut end = EpochEnd { record, params: self.params, extra: &mut self.state.extra };
            goes_on &= callback(&mut end)?.is_continue();
        }
        Ok(goes_on)
    }

    fn save_if_due(&mut self, rng: &Rng, is_epochs_end: bool) -> Result<(), Error> {
        let Some(Checkpoint { path, every }) = &self.options.checkpoint else { return Ok(()) };
        let is_due = match *every {
            Every::Epochs(epochs) => is_epochs_end && self.state.epochs().is_multiple_of(epochs),
            Every::Batches(batches) => self.state.steps.is_multiple_of(batches),
        };
        if !is_due {
            return Ok(());
        }
        self.check_weights()?;
        self.save(path, rng)?;
        self.saved = self.state.mark();
        Ok(())
    }
}

fn in_order<'b, 'd, T: Float>(batches: &'b mut Batches<'d, T>, feed: Feed, rng: &mut Rng) -> Epoch<'b, 'd, T> {
    if feed.shuffle { batches.epoch(rng) } else { batches.sequential() }
}

/// The error of a value that is not finite, with the op it came from.
pub(super) fn not_finite(place: &str, what: &str, value: f64, found: Option<NonFinite>) -> Error {
    let cause = found.map_or(String::new(), |found| format!(": {found}"));
    Error::data(format!("{place}: {what}"), value, format!("a finite number{cause}"))
}

/// A finite loss may have a gradient that is not, as √x has at 0.
#[cold]
fn check_gradients<T: Float>(loss: Var<'_, T>, grads: &mut Grads<T>) -> Result<(), Error> {
    let found = loss.graph().params().iter().find_map(|param| {
        let gradient = grads.get(param.id)?;
        Some((param.name, *gradient.iter().find(|value| !value.is_finite())?))
    });
    let Some((name, value)) = found else { return Ok(()) };
    let cause = loss.first_non_finite_gradient(grads).map_or(String::new(), |found| format!(": {found}"));
    let expected = format!("a finite number, as the loss is ({}){cause}", loss.item());
    Err(Error::data(format!("gradient of {name:?}"), value, expected))
}

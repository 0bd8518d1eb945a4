use super::PathPoint;
use crate::{EarlyStopping, Trainer, TrainerOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::ControlFlow;
use wane_autodiff::{Error, Float, Params, Rng};
use wane_data::Dataset;
use wane_optim::Rule;

/// What all λ of a path have in common.
pub(crate) struct Round<'d, T> {
    /// Without early stopping: a trainer's own goes back to the best weights, and knows of no penalty.
    pub(crate) options: TrainerOptions,
    early: Option<EarlyStopping>,
    train: &'d Dataset<T>,
    validation: &'d Dataset<T>,
}

impl<'d, T: Float + Serialize + DeserializeOwned> Round<'d, T> {
    pub(crate) fn new(given: &TrainerOptions, train: &'d Dataset<T>, validation: &'d Dataset<T>) -> Self {
        let options = TrainerOptions { early_stopping: None, ..given.clone() };
        Self { early: given.early_stopping, options, train, validation }
    }

    /// How many rows there are to train on.
    pub(crate) fn rows(&self) -> usize {
        self.train.len()
    }

    /// Trains at one λ with a trainer that has not begun, whose penalties together have the value `penalty`; features and
    /// neurons are yet to be counted.
    pub(crate) fn train<'a, R: Rule>(
        &self,
        lambda: f64,
        mut trainer: Trainer<'a, T, R>,
        penalty: impl Fn(&Params<T>) -> f64 + 'a,
        rng: &mut Rng,
    ) -> Result<PathPoint<T>, Error>
    where
        'd: 'a,
    {
        let &Self { early, train, validation, .. } = self;
        if let Some(EarlyStopping { patience, min_delta, .. }) = early {
            let (mut best, mut waited) = (f64::INFINITY, 0);
            trainer = trainer.validation(validation).on_epoch(move |end| {
                let value = end.record.validation_loss.expect("that of each epoch") + penalty(end.params);
                let is_better = value < best - min_delta;
                (best, waited) = if is_better { (value, 0) } else { (best, waited + 1) };
                Ok(if waited > patience { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            });
        }
        trainer.fit(train, rng)?;
        let on_train = trainer.evaluate(train)?;
        let on_validation = trainer.evaluate(validation).map_err(|error| error.within("validation"))?;
        let params = trainer.params().clone();
        Ok(PathPoint {
            lambda,
            epochs: trainer.history().epochs.len(),
            train_loss: on_train.loss,
            validation_loss: on_validation.loss,
            validation_metrics: on_validation.metrics.iter().map(|&(_, value)| value).collect(),
            zeros: params.as_slice().iter().filter(|weight| weight.is_zero()).count(),
            features: Vec::new(),
            neurons: Vec::new(),
            params,
        })
    }
}

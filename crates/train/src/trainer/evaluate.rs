use super::{Trainer, TrainerOptions};
use crate::metric::Tally;
use wane_autodiff::ndarray::Ix2;
use wane_autodiff::{Classes, CrossEntropyOptions, Error, Float, LossOptions, Var, reduce};
use wane_data::{Batches, Dataset, Target};
use wane_optim::Rule;

/// The loss of data without penalties.
pub(super) fn data_loss<'g, T: Float>(
    options: &TrainerOptions,
    output: Var<'g, T>,
    target: Target<'_, T>,
) -> Var<'g, T> {
    match target {
        Target::Values(y) => output.loss(options.loss, output.graph().input(&y)),
        // The fused op wherever it will do: it is what a bare loop takes.
        Target::Classes(classes) if options.cross_entropy == CrossEntropyOptions::default() => {
            output.cross_entropy_loss(classes)
        }
        Target::Classes(classes) => {
            output.cross_entropy_loss_with(classes, &options.cross_entropy, LossOptions::default())
        }
    }
}

pub(super) fn measure<T: Float>(tally: &mut Tally, output: Var<'_, T>, target: Target<'_, T>) {
    output.with(|output| {
        let matrix = output.into_dimensionality::<Ix2>().expect("the loss has taken it as rows and columns");
        tally.add(matrix, target);
    });
}

/// What a batch's mean loss was divided by: its rows with a label, each by the weight of its class.
pub(super) fn counted<T: Float>(options: &TrainerOptions, target: Target<'_, T>) -> f64 {
    match target {
        Target::Values(y) => y.nrows() as f64,
        Target::Classes(classes) => {
            let labelled = classes.labels().iter().filter(|&&label| label != Classes::IGNORED);
            labelled.map(|&label| options.cross_entropy.class_weight(label as usize)).sum()
        }
    }
}

/// √Σx², squares taken in f64.
pub(super) fn squares<T: Float>(x: &[T]) -> f64 {
    reduce::sum_by(0, x.len(), &|i| x[i].widen() * x[i].widen())
}

impl<T: Float, R: Rule> Trainer<'_, T, R> {
    /// The mean loss a row, penalties not included, and the metrics; of the average if there is one.
    pub(super) fn evaluate(&mut self, batches: &mut Batches<'_, T>) -> Result<(f64, Vec<f64>), Error> {
        if let Some(ema) = &mut self.ema {
            ema.swap(self.params)?;
        }
        let result = self.evaluate_params(batches);
        if let Some(ema) = &mut self.ema {
            ema.swap(self.params)?;
        }
        result
    }

    fn evaluate_params(&mut self, batches: &mut Batches<'_, T>) -> Result<(f64, Vec<f64>), Error> {
        let (mut loss, mut rows, mut tally) = (0.0, 0.0, Tally::default());
        let mut epoch = batches.sequential();
        while let Some(batch) = epoch.next() {
            let weight = counted(&self.options, batch.target());
            if weight == 0.0 {
                continue;
            }
            let graph = self.evaluation.record(self.params);
            let output = self.model.forward(graph.input(&batch.x()));
            let value = data_loss(&self.options, output, batch.target()).item().widen();
            if !value.is_finite() {
                let place = format!("epoch {}, validation", self.state.epochs() + 1);
                return Err(super::fit::not_finite(&place, "loss", value, graph.first_non_finite()));
            }
            loss += value * weight;
            rows += weight;
            if !self.options.metrics.is_empty() {
                measure(&mut tally, output, batch.target());
            }
        }
        Ok((loss / rows, self.options.metrics.iter().map(|&metric| tally.metric(metric)).collect()))
    }

    /// Every check that needs the data.
    pub(super) fn check_data(&self, train: &Dataset<T>) -> Result<(), Error> {
        self.check_shapes(train).map_err(|error| error.within("training data"))?;
        if let Some(validation) = self.validation {
            self.check_shapes(validation).map_err(|error| error.within("validation data"))?;
            let kind = |data: &Dataset<T>| match data.target() {
                Target::Values(_) => "numbers",
                Target::Classes(_) => "classes",
            };
            if kind(validation) != kind(train) {
                let expected = format!("{}, as that of the training data", kind(train));
                return Err(Error::data("target of the validation data", kind(validation), expected));
            }
        }
        for (field, is_given) in
            [("early_stopping", self.options.early_stopping.is_some()), ("plateau", self.options.plateau.is_some())]
        {
            if is_given && self.validation.is_none() {
                return Err(Error::option(field, "given without validation data", "validation(&data) to watch"));
            }
        }
        self.options.metrics.iter().try_for_each(|metric| metric.check(&train.target()))
    }

    fn check_shapes(&self, data: &Dataset<T>) -> Result<(), Error> {
        if counted(&self.options, data.target()) == 0.0 {
            return Err(Error::data("labels", "all ignored", "a row with a label of some weight"));
        }
        let Some((inputs, outputs)) = self.model.describe().widths else { return Ok(()) };
        let (features, (field, wanted)) = match data.target() {
            Target::Values(y) => (data.x().ncols(), ("number of outputs", y.ncols())),
            Target::Classes(classes) => (data.x().ncols(), ("number of classes", classes.count())),
        };
        if features != inputs {
            return Err(Error::data("number of features", features, format!("{inputs}, as the model takes in")));
        }
        if wanted != outputs {
            return Err(Error::data(field, wanted, format!("{outputs}, as the model gives")));
        }
        Ok(())
    }
}

use super::Trainer;
use super::fit::not_finite;
use super::loss::{counted, data_loss};
use crate::metric::Tally;
use crate::{ConfusionMatrix, Metric, confusion_matrix};
use wane_autodiff::ndarray::{Array2, ArrayView2, Ix2};
use wane_autodiff::{Error, Float, Var};
use wane_data::{Batches, Dataset, Target};
use wane_optim::Rule;

/// What [`Trainer::evaluate`] measures.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The mean loss a row, penalties not included.
    pub loss: f64,
    /// Each of [`TrainerOptions::metrics`](super::TrainerOptions::metrics), in their order.
    pub metrics: Vec<(Metric, f64)>,
    /// Which class was taken for which, with the data's class names; `None` where the target is numbers, or where the
    /// model's outputs are not one a class, as a [loss of one's own](Trainer::loss_fn) may have it.
    pub confusion: Option<ConfusionMatrix>,
}

impl Evaluation {
    /// The value of a metric, `None` if it is not one of the options'.
    pub fn metric(&self, metric: Metric) -> Option<f64> {
        self.metrics.iter().find(|(other, _)| *other == metric).map(|&(_, value)| value)
    }
}

/// How many rows a model is evaluated on at once.
pub(super) fn evaluated_rows(batch_size: usize) -> usize {
    batch_size.max(256)
}

/// Looks at an output as rows and columns.
fn matrix<T: Float, V>(
    output: Var<'_, T>,
    look: impl FnOnce(ArrayView2<'_, T>) -> Result<V, Error>,
) -> Result<V, Error> {
    output.with(|output| {
        let fault = || Error::data("shape of the model's output", format!("{:?}", output.shape()), "two axes");
        look(output.view().into_dimensionality::<Ix2>().map_err(|_| fault())?)
    })
}

pub(super) fn measure<T: Float>(tally: &mut Tally, output: Var<'_, T>, target: Target<'_, T>) -> Result<(), Error> {
    matrix(output, |output| tally.add(output, target))
}

/// What looks at the output of each batch.
type Look<'l, T> = dyn FnMut(Var<'_, T>, Target<'_, T>) -> Result<(), Error> + 'l;

impl<T: Float, R: Rule> Trainer<'_, T, R> {
    /// The loss, the metrics and the confusion of `data`: a test set, say. The weights are those that validation sees,
    /// which is the average if there is one; after early stopping, those of the best epoch.
    ///
    /// # Errors
    /// Data that fits neither the model nor the options; a loss that is not finite, by batch and op.
    pub fn evaluate(&mut self, data: &Dataset<T>) -> Result<Evaluation, Error> {
        self.check_shapes(data).map_err(|error| error.within("evaluation data"))?;
        self.options.metrics.iter().try_for_each(|metric| metric.check(&data.target()))?;
        let mut batches = Batches::new(data, evaluated_rows(self.options.batch_size))?;
        let (mut tally, mut counts) = (Tally::default(), None::<Array2<u64>>);
        let is_measured = !self.options.metrics.is_empty();
        let loss = self.pass(&mut batches, "evaluation", &mut |output, target| {
            if is_measured {
                measure(&mut tally, output, target)?;
            }
            if let Target::Classes(classes) = target
                && output.shape().dims() == [classes.len(), classes.count()]
            {
                let batch = matrix(output, |output| confusion_matrix(output, classes))?;
                counts = Some(match counts.take() {
                    Some(counts) => counts + batch,
                    None => batch,
                });
            }
            Ok(())
        })?;
        let confusion = counts.map(ConfusionMatrix::new).transpose()?;
        Ok(Evaluation {
            loss,
            metrics: self.options.metrics.iter().map(|&metric| (metric, tally.metric(metric))).collect(),
            confusion: match confusion {
                Some(confusion) if !data.class_names().is_empty() => Some(confusion.with_labels(data.class_names())?),
                confusion => confusion,
            },
        })
    }

    /// The loss and the metrics of the validation data.
    pub(super) fn validate(&mut self, batches: &mut Batches<'_, T>) -> Result<(f64, Vec<f64>), Error> {
        let (mut tally, is_measured) = (Tally::default(), !self.options.metrics.is_empty());
        let place = format!("epoch {}, validation", self.state.epochs() + 1);
        let loss = self.pass(batches, &place, &mut |output, target| {
            if is_measured { measure(&mut tally, output, target) } else { Ok(()) }
        })?;
        Ok((loss, self.options.metrics.iter().map(|&metric| tally.metric(metric)).collect()))
    }

    /// The mean loss a row, penalties not included; `look` sees each batch. Of the average if there is one, unless the
    /// best weights stand in the parameters.
    fn pass(&mut self, batches: &mut Batches<'_, T>, place: &str, look: &mut Look<'_, T>) -> Result<f64, Error> {
        let is_averaged = !self.state.is_best_handed_out();
        if let Some(ema) = self.ema.as_mut().filter(|_| is_averaged) {
            ema.swap(self.params)?;
        }
        let result = self.pass_of_params(batches, place, look);
        if let Some(ema) = self.ema.as_mut().filter(|_| is_averaged) {
            ema.swap(self.params)?;
        }
        result
    }

    fn pass_of_params(
        &mut self,
        batches: &mut Batches<'_, T>,
        place: &str,
        look: &mut Look<'_, T>,
    ) -> Result<f64, Error> {
        let (mut loss, mut rows, mut number) = (0.0, 0.0, 0);
        let (options, own) = (&self.options, self.loss_fn.as_deref());
        let mut epoch = batches.sequential();
        while let Some(batch) = epoch.next() {
            number += 1;
            let weight = counted(options, own, batch.target());
            if weight == 0.0 {
                continue;
            }
            let graph = self.evaluation.record(self.params);
            let output = self.model.forward(graph.input(&batch.x()));
            let value = data_loss(options, own, output, batch.target())?.item().widen();
            if !value.is_finite() {
                let place = format!("{place}, batch {number}");
                return Err(not_finite(&place, "loss", value, graph.first_non_finite()));
            }
            loss += value * weight;
            rows += weight;
            look(output, batch.target())?;
        }
        Ok(loss / rows)
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
        let early = self.options.early_stopping.map(|early| early.monitor);
        let plateau = self.options.plateau.map(|_| self.options.plateau_monitor);
        for (field, monitor) in [("early_stopping", early), ("plateau", plateau)] {
            if self.validation.is_none() && monitor.is_some_and(|monitor| monitor.wants_validation()) {
                return Err(Error::option(field, "given without validation data", "validation(&data) to watch"));
            }
        }
        if self.params.iter().all(|param| param.frozen) {
            return Err(Error::parameter("parameters", "frozen, all of them", "one at least to train"));
        }
        self.options.metrics.iter().try_for_each(|metric| metric.check(&train.target()))
    }

    fn check_shapes(&self, data: &Dataset<T>) -> Result<(), Error> {
        if counted(&self.options, self.loss_fn.as_deref(), data.target()) == 0.0 {
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
        // What a loss of one's own makes of the outputs is not known.
        if wanted != outputs && self.loss_fn.is_none() {
            return Err(Error::data(field, wanted, format!("{outputs}, as the model gives")));
        }
        Ok(())
    }
}

mod trained;

pub use trained::{PathPoint, TrainedPath};

use crate::{Trainer, TrainerOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use wane_autodiff::{Error, Float, Params, Rng, non_negative, number};
use wane_data::Dataset;
use wane_layers::{Sequential, ShrinkOptions};
use wane_optim::{Optimizer, Rule};
use wane_penalties::Prox;

/// Trains a network at one strength λ of a penalty after another, each time from the weights that the last one has led to.
///
/// The penalty is a [proximal term](wane_optim::Group::prox) of the optimizer's groups, so that its zeros are exact, and features
/// and neurons can be counted. Strengths fall or rise: from a penalty that lets nothing live, or from a dense network. A network
/// that is wholly zero may stay so, since every gradient of its weights is then zero too; so most paths rise.
///
/// ```
/// use wane_autodiff::{Params, Rng, rand::SeedableRng};
/// use wane_data::synthetic::{Friedman1Options, friedman1};
/// use wane_layers::Sequential;
/// use wane_optim::{Adam, AdamOptions, Group};
/// use wane_penalties::GroupLasso;
/// use wane_train::{PathTrainer, TrainerOptions};
///
/// let mut rng = Rng::seed_from_u64(0);
/// let data = friedman1::<f64>(&Friedman1Options { rows: 90, ..Default::default() }, &mut rng)?.dataset;
/// let (train, validation) = data.split(0.3, &mut rng)?;
/// let mut params = Params::new();
/// let model = Sequential::new().linear(10, 16).relu().linear(16, 1).build(params.root(), &mut rng)?;
/// let (first, others) = params.partition(|param| param.name == "0.weight");
/// let mut adam = Adam::new(AdamOptions { lr: 0.01, ..Default::default() })?
///     .group(Group::new(&first))?
///     .group(Group::new(&others))?;
///
/// let options = TrainerOptions { epochs: 5, progress: false, ..Default::default() };
/// let path = PathTrainer::new(&model, &mut params, &mut adam, options)?
///     .prox(0, GroupLasso::columns)?
///     .fit(&[0.0, 0.1, 100.0], &train, &validation, &mut rng)?;
/// assert_eq!(path.at(100.0)?.features.len(), 0);
/// let smaller = model.shrink(&path.best().params, Default::default())?;
/// # let _ = smaller;
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
pub struct PathTrainer<'a, T, R> {
    model: &'a Sequential<T>,
    params: &'a mut Params<T>,
    optimizer: &'a mut Optimizer<T, R>,
    options: TrainerOptions,
    terms: Vec<(usize, Box<MakeTerm<'a, T>>)>,
}

type MakeTerm<'a, T> = dyn Fn(f64) -> Result<Arc<dyn Prox<T>>, Error> + 'a;

impl<'a, T: Float + Serialize + DeserializeOwned, R: Rule> PathTrainer<'a, T, R> {
    /// A path without a penalty yet: [`prox`](Self::prox) gives it one. `options` are those of each λ: so many epochs for each,
    /// of which early stopping keeps the best by the validation data. Schedules begin anew at each.
    ///
    /// # Errors
    /// An option out of range, by name; a checkpoint, or a moving average of the weights, which has no zeros.
    pub fn new(
        model: &'a Sequential<T>,
        params: &'a mut Params<T>,
        optimizer: &'a mut Optimizer<T, R>,
        options: TrainerOptions,
    ) -> Result<Self, Error> {
        check_options(&options)?;
        Ok(Self { model, params, optimizer, options, terms: Vec::new() })
    }

    /// Gives a group of the optimizer, by its number, the penalty that belongs to λ: `GroupLasso::columns`, or
    /// `|lambda| GroupLasso::rows(0.1 * lambda)` where several groups have one.
    ///
    /// # Errors
    /// No such group, or one that has its penalty already.
    pub fn prox<P: Prox<T> + 'static>(
        mut self,
        group: usize,
        penalty: impl Fn(f64) -> Result<P, Error> + 'a,
    ) -> Result<Self, Error> {
        let groups = self.optimizer.groups().len();
        if group >= groups {
            let expected = format!("a number below {groups}, the number of groups");
            return Err(Error::option("group of the penalty", group, expected));
        }
        if self.terms.iter().any(|&(other, _)| other == group) {
            return Err(Error::option("group of the penalty", format!("{group}, given twice"), "each group once"));
        }
        self.terms.push((group, Box::new(move |lambda| Ok(Arc::new(penalty(lambda)?)))));
        Ok(self)
    }

    /// Trains at each λ of `lambdas`, in their order, and leaves the parameters as the last one has made them.
    ///
    /// # Errors
    /// No group with a penalty; no λ, one that is negative, NaN or infinite, or such as neither fall nor rise; an error of the
    /// penalty's making or of training, with the λ at which it arose.
    pub fn fit(
        &mut self,
        lambdas: &[f64],
        train: &Dataset<T>,
        validation: &Dataset<T>,
        rng: &mut Rng,
    ) -> Result<TrainedPath<T>, Error> {
        check_lambdas(lambdas)?;
        if self.terms.is_empty() {
            return Err(Error::option("groups with a penalty", "none", "at least one, given by prox"));
        }
        let round = Round { options: &self.options.clone(), train, validation };
        let mut path = TrainedPath::new(&self.options);
        for &lambda in lambdas {
            let point = self.point(lambda, round, rng, &mut path.layers);
            path.points.push(point.map_err(|error| error.within(at(lambda)))?);
        }
        Ok(path)
    }

    fn point(
        &mut self,
        lambda: f64,
        round: Round<'_, T>,
        rng: &mut Rng,
        layers: &mut Vec<usize>,
    ) -> Result<PathPoint<T>, Error> {
        for (group, make) in &self.terms {
            self.optimizer.set_prox(*group, Some(make(lambda)?))?;
        }
        self.optimizer.set_time(0)?;
        let trainer = Trainer::new(self.model, self.params, self.optimizer, round.options.clone())?;
        let mut point = round.train(lambda, trainer, rng)?;
        let report = self.model.shrink(self.params, ShrinkOptions::default())?.report;
        point.features = report.inputs.iter().copied().filter(|input| !report.dead_inputs.contains(input)).collect();
        // The neurons of the last are outputs.
        let hidden = &report.layers[..report.layers.len().saturating_sub(1)];
        *layers = hidden.iter().map(|layer| layer.layer).collect();
        point.neurons = hidden.iter().map(|layer| layer.kept.len() - layer.constants.len()).collect();
        Ok(point)
    }
}

/// What all λ of a path have in common.
#[derive(Clone, Copy)]
pub(crate) struct Round<'d, T> {
    pub(crate) options: &'d TrainerOptions,
    pub(crate) train: &'d Dataset<T>,
    pub(crate) validation: &'d Dataset<T>,
}

impl<'d, T: Float + Serialize + DeserializeOwned> Round<'d, T> {
    /// Trains at one λ with a trainer that has not begun; features and neurons are yet to be counted.
    pub(crate) fn train<'a, R: Rule>(
        self,
        lambda: f64,
        mut trainer: Trainer<'a, T, R>,
        rng: &mut Rng,
    ) -> Result<PathPoint<T>, Error>
    where
        'd: 'a,
    {
        let Self { options, train, validation } = self;
        if options.early_stopping.is_some() || options.plateau.is_some() {
            trainer = trainer.validation(validation);
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

/// How a message says at which λ it arose.
pub(crate) fn at(lambda: f64) -> String {
    format!("lambda {}", number(lambda))
}

pub(crate) fn check_options(options: &TrainerOptions) -> Result<(), Error> {
    options.check()?;
    let refused = [
        ("checkpoint", options.checkpoint.is_some(), "none: a path returns its points"),
        ("ema", options.ema.is_some(), "none: an average of weights has no exact zeros"),
    ];
    match refused.iter().find(|&&(_, is_given, _)| is_given) {
        Some(&(field, _, expected)) => Err(Error::option(field, "given", expected)),
        None => Ok(()),
    }
}

fn check_lambdas(lambdas: &[f64]) -> Result<(), Error> {
    if lambdas.is_empty() {
        return Err(Error::option("number of lambdas", 0, "at least 1"));
    }
    for (i, &lambda) in lambdas.iter().enumerate() {
        non_negative(&format!("lambdas[{i}]"), lambda)?;
    }
    let rises = lambdas.len() > 1 && lambdas[1] > lambdas[0];
    for (i, pair) in lambdas.windows(2).enumerate() {
        if if rises { pair[1] <= pair[0] } else { pair[1] >= pair[0] } {
            let (side, moves) = if rises { ("above", "rises") } else { ("below", "falls") };
            let expected = format!("{side} {}, as the path {moves}", number(pair[0]));
            return Err(Error::option(format!("lambdas[{}]", i + 1), number(pair[1]), expected));
        }
    }
    Ok(())
}

impl<T: Float, R: Rule> fmt::Debug for PathTrainer<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathTrainer")
            .field("model", &self.model)
            .field("options", &self.options)
            .field("groups", &self.terms.iter().map(|(group, _)| group).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

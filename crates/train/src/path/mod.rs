mod error;
mod round;
mod trained;

pub use error::PathError;
pub(crate) use round::Round;
pub use trained::{PathPoint, TrainedPath};

use crate::{Monitor, Trainer, TrainerOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use wane_autodiff::{Error, Float, ParamId, Params, Rng, non_negative, number};
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
/// use wane_train::{PathError, PathTrainer, TrainerOptions};
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
///     .fit(&[0.0, 0.1, 100.0], &train, &validation, &mut rng)
///     .map_err(PathError::into_error)?;
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
    /// A path without a penalty yet: [`prox`](Self::prox) gives it one. `options` are those of each λ: so many epochs for each.
    /// Schedules begin anew at each.
    ///
    /// Early stopping ends a λ when the validation loss plus the penalties of the groups has stopped falling, and the last
    /// weights stay: the best by the loss alone would be those of before the penalty. The point is then near the minimum of
    /// training loss + penalty, or before it where the network has begun to learn by heart.
    ///
    /// # Errors
    /// An option out of range, by name; a checkpoint; a moving average of the weights, which has no zeros; a plateau, whose
    /// lower rate every λ after it would have; clipping by value, which moves the minimum; early stopping
    /// by another value than the validation loss: a penalty can't be added to a metric, and the training loss is not that of
    /// an epoch's last weights, as the penalty is.
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

    /// Trains at each λ of `lambdas`, in their order, and leaves the parameters as the last one has made them. The groups
    /// then have the terms that they had before.
    ///
    /// # Errors
    /// No group with a penalty; no λ, one that is negative, NaN or infinite, or such as neither fall nor rise; an error of the
    /// penalty's making or of training, with the λ at which it arose and the points found before.
    pub fn fit(
        &mut self,
        lambdas: &[f64],
        train: &Dataset<T>,
        validation: &Dataset<T>,
        rng: &mut Rng,
    ) -> Result<TrainedPath<T>, PathError<T>> {
        let mut path = TrainedPath::new(&self.options);
        let groups = self.optimizer.groups();
        let before: Vec<_> = self.terms.iter().map(|&(group, _)| (group, groups[group].prox().cloned())).collect();
        let round = Round::new(&self.options, train, validation);
        let fitted = self.points(lambdas, &round, rng, &mut path);
        let restored = before.into_iter().try_for_each(|(group, prox)| self.optimizer.set_prox(group, prox));
        match fitted.and(restored) {
            Ok(()) => Ok(path),
            Err(error) => Err(PathError::new(error, path)),
        }
    }

    fn points(
        &mut self,
        lambdas: &[f64],
        round: &Round<'_, T>,
        rng: &mut Rng,
        path: &mut TrainedPath<T>,
    ) -> Result<(), Error> {
        check_lambdas(lambdas)?;
        if self.terms.is_empty() {
            return Err(Error::option("groups with a penalty", "none", "at least one, given by prox"));
        }
        for &lambda in lambdas {
            let point = self.point(lambda, round, rng, path);
            let point = point.map_err(|error| error.within(at(lambda)))?;
            path.points.push(point);
        }
        Ok(())
    }

    fn point(
        &mut self,
        lambda: f64,
        round: &Round<'_, T>,
        rng: &mut Rng,
        path: &mut TrainedPath<T>,
    ) -> Result<PathPoint<T>, Error> {
        for (group, make) in &self.terms {
            self.optimizer.set_prox(*group, Some(make(lambda)?))?;
        }
        self.optimizer.set_time(0)?;
        let terms = terms(self.optimizer);
        let trainer = Trainer::new(self.model, self.params, self.optimizer, round.options.clone())?;
        let mut point = round.train(lambda, trainer, |params| value(&terms, params), rng)?;
        let report = self.model.shrink(self.params, ShrinkOptions::default())?.report;
        point.features = report.inputs.iter().copied().filter(|input| !report.dead_inputs.contains(input)).collect();
        let hidden: Vec<_> = report.layers.iter().filter(|layer| layer.is_hidden).collect();
        point.neurons = hidden.iter().map(|layer| layer.kept.len() - layer.constants.len()).collect();
        path.layers = hidden.iter().map(|layer| layer.layer).collect();
        path.untouched = report.untouched;
        Ok(point)
    }
}

/// A penalty of an optimizer's group, and its parameters.
type Term<T> = (Arc<dyn Prox<T>>, Vec<ParamId>);

fn terms<T: Float, R: Rule>(optimizer: &Optimizer<T, R>) -> Vec<Term<T>> {
    let groups = optimizer.groups().iter();
    groups.filter_map(|group| Some((Arc::clone(group.prox()?), group.params().to_vec()))).collect()
}

/// The sum of penalties.
fn value<T: Float>(terms: &[Term<T>], params: &Params<T>) -> f64 {
    let of = |prox: &Arc<dyn Prox<T>>, id| {
        let entry = params.layout().find(id).expect("a parameter that the optimizer has moved");
        prox.value(&params.as_slice()[entry.range()], entry.shape()).widen()
    };
    terms.iter().flat_map(|(prox, ids)| ids.iter().map(move |&id| of(prox, id))).sum()
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
        ("plateau", options.plateau.is_some(), "none: each λ begins at the groups' own rates"),
        ("clip_value", options.clip_value.is_some(), "none: what is clipped so has its minimum elsewhere"),
    ];
    if let Some(&(field, _, expected)) = refused.iter().find(|&&(_, is_given, _)| is_given) {
        return Err(Error::option(field, "given", expected));
    }
    match options.early_stopping.map(|early| early.monitor) {
        Some(monitor) if monitor != Monitor::ValidationLoss => {
            let expected = format!("{}, to which a path adds its penalty", Monitor::ValidationLoss);
            Err(Error::option("early_stopping monitor", monitor, expected))
        }
        _ => Ok(()),
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

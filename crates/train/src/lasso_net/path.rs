use super::LassoNet;
use crate::path::{Round, at, check_options};
use crate::{EarlyStopping, PathError, TrainedPath, Trainer, TrainerOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wane_autodiff::ndarray::Axis;
use wane_autodiff::{Error, Float, Params, Rng, non_negative, number};
use wane_data::Dataset;
use wane_optim::{Sgd, SgdOptions};

/// How [`LassoNet::path`] goes.
#[derive(Clone, Debug)]
pub struct LassoNetPathOptions {
    /// The first λ above 0, or `None` for a tenth of the one at which all the steps of a λ together would take the weakest
    /// feature to 0, if the loss did not mind.
    pub lambda_start: Option<f64>,
    /// What each λ is multiplied by to give the next, above 1.
    pub multiplier: f64,
    /// How each λ is trained. Early stopping is that of [`PathTrainer::new`](crate::PathTrainer::new): it watches loss and
    /// penalty together, and the last weights stay.
    pub trainer: TrainerOptions,
}

/// As in the authors' package, and without a progress bar for each λ: a multiplier of 1.02, 100 epochs, a patience of 10 by
/// validation loss and penalty together. (There, only what is better by a hundredth is an improvement.)
impl Default for LassoNetPathOptions {
    fn default() -> Self {
        let early_stopping = Some(EarlyStopping::default());
        let trainer = TrainerOptions { epochs: 100, early_stopping, progress: false, ..Default::default() };
        Self { lambda_start: None, multiplier: 1.02, trainer }
    }
}

impl<T: Float + Serialize + DeserializeOwned> LassoNet<T> {
    /// Trains on from dense weights, at λ = 0 and then at a λ that rises until no feature is left, each from the weights of the
    /// last one. The parameters are then those without a feature: a point of the path has the ones that are wanted.
    ///
    /// λ is that of loss + λ Σ ‖skipⱼ‖₂ whatever the momentum: weights are shrunk by lr/(1 − momentum)·λ, which is what momentum
    /// makes of a steady gradient. (The authors' package shrinks by lr·λ: its λ is 1/(1 − momentum) times as large.)
    ///
    /// # Errors
    /// An option out of range, by name; what [`PathTrainer::new`](crate::PathTrainer::new) refuses; clipping by norm, in which
    /// the penalty would have no part; an optimizer that has not both skip and the first layer in groups of the same options,
    /// or that climbs; skip or the first layer's weight frozen; weights without a feature to begin with; an error of training, with the λ at which it arose and the
    /// points found before.
    pub fn path(
        &self,
        params: &mut Params<T>,
        optimizer: &mut Sgd<T>,
        options: &LassoNetPathOptions,
        (train, validation): (&Dataset<T>, &Dataset<T>),
        rng: &mut Rng,
    ) -> Result<TrainedPath<T>, PathError<T>> {
        let mut path = TrainedPath::new(&options.trainer);
        let round = Round::new(&options.trainer, train, validation);
        match self.points(params, optimizer, options, &round, rng, &mut path) {
            Ok(()) => Ok(path),
            Err(error) => Err(PathError::new(error, path)),
        }
    }

    fn points(
        &self,
        params: &mut Params<T>,
        optimizer: &mut Sgd<T>,
        options: &LassoNetPathOptions,
        round: &Round<'_, T>,
        rng: &mut Rng,
        path: &mut TrainedPath<T>,
    ) -> Result<(), Error> {
        options.check()?;
        self.check_params(params)?;
        optimizer.set_time(0)?;
        let step = self.step(optimizer)?;
        let steps = options.trainer.epochs * round.rows().div_ceil(options.trainer.batch_size);
        let start = match options.lambda_start {
            Some(start) => start,
            None => self.weakest(params)? / (step * steps as f64) / 10.0,
        };
        let mut lambda = 0.0;
        loop {
            let point = self.point(lambda, (params, optimizer), round, rng);
            let point = point.map_err(|error| error.within(at(lambda)))?;
            let is_left = !point.features.is_empty();
            path.points.push(point);
            if !is_left {
                return Ok(());
            }
            lambda = if lambda == 0.0 { start } else { lambda * options.multiplier };
        }
    }

    fn point(
        &self,
        lambda: f64,
        (params, optimizer): (&mut Params<T>, &mut Sgd<T>),
        round: &Round<'_, T>,
        rng: &mut Rng,
    ) -> Result<crate::PathPoint<T>, Error> {
        optimizer.set_time(0)?;
        let trainer = Trainer::new(self, params, optimizer, round.options.clone())?;
        let trainer = trainer.after_step(|params, optimizer| self.prox(params, lambda, self.step(optimizer)?));
        let mut point = round.train(lambda, trainer, |params| self.penalty(params, lambda), rng)?;
        point.features = self.features(&point.params);
        Ok(point)
    }

    /// λ Σ ‖skipⱼ‖₂.
    fn penalty(&self, params: &Params<T>, lambda: f64) -> f64 {
        let skip = params.get(self.skip());
        let norms = skip.axis_iter(Axis(1)).map(|skip| skip.iter().map(|w| w.widen() * w.widen()).sum::<f64>().sqrt());
        lambda * norms.sum::<f64>()
    }

    /// By what a steady gradient is multiplied in the end, for both parameters.
    fn step(&self, optimizer: &Sgd<T>) -> Result<f64, Error> {
        let groups = [self.skip(), self.first].map(|id| {
            let group = optimizer.groups().iter().find(|group| group.params().contains(&id));
            group.map(|group| (group.lr(), *group.options()))
        });
        let [Some((lr, options)), Some((other, others))] = groups else {
            let expected = "an optimizer of both, in groups: LassoNet's skip and first layer";
            return Err(Error::parameter("parameters of the optimizer", "not all of the model", expected));
        };
        let SgdOptions { momentum, dampening, maximize, .. } = options;
        if (lr, momentum, dampening, maximize) != (other, others.momentum, others.dampening, others.maximize) {
            let expected = "those of skip, lr and momentum among them: penalty and constraint are of both";
            return Err(Error::option("options of the first layer's group", "others", expected));
        }
        if maximize {
            return Err(Error::option("maximize", true, "false: LassoNet's path minimises"));
        }
        let step = options.reach_at(lr);
        match step.is_finite() && step > 0.0 {
            true => Ok(step),
            false => Err(Error::option("lr·(1 − dampening)/(1 − momentum)", number(step), "a finite number above 0")),
        }
    }

    /// How much has to be taken from the feature that has least: ‖skipⱼ‖ + M‖Wⱼ‖₁.
    fn weakest(&self, params: &Params<T>) -> Result<f64, Error> {
        params.layout().entry(self.skip())?;
        let (skip, first) = (params.get(self.skip()), params.get(self.first));
        let columns = skip.axis_iter(Axis(1)).zip(first.axis_iter(Axis(1)));
        let sums = columns.map(|(skip, first)| {
            let square: f64 = skip.iter().map(|w| w.widen() * w.widen()).sum();
            square.sqrt() + self.m * first.iter().map(|w| w.widen().abs()).sum::<f64>()
        });
        let least = sums.filter(|&sum| sum > 0.0).fold(f64::INFINITY, f64::min);
        if least.is_finite() {
            return Ok(least);
        }
        Err(Error::parameter("weights to begin with", "zero for every feature", "those of a network trained dense"))
    }
}

impl LassoNetPathOptions {
    fn check(&self) -> Result<(), Error> {
        let Self { lambda_start, multiplier, trainer } = self;
        check_options(trainer)?;
        if trainer.clip_norm.is_some() {
            return Err(Error::option("clip_norm", "given", "none: LassoNet's penalty would not be clipped with it"));
        }
        if let Some(start) = *lambda_start
            && non_negative("lambda_start", start)? == 0.0
        {
            return Err(Error::option("lambda_start", 0, "a number above 0"));
        }
        if !(multiplier.is_finite() && *multiplier > 1.0) {
            return Err(Error::option("multiplier", number(*multiplier), "a finite number above 1"));
        }
        Ok(())
    }
}

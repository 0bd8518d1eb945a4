mod checkpoint;
mod evaluate;
mod fit;
mod loss;
mod monitor;
mod options;
mod state;

pub use evaluate::Evaluation;
pub use monitor::Monitor;
pub use options::{Advance, Checkpoint, EarlyStopping, Every, TrainerOptions};

use crate::{EpochRecord, History, file};
use loss::LossFn;
use serde::Serialize;
use serde::de::DeserializeOwned;
use state::{Mark, State};
use std::fmt;
use std::ops::ControlFlow;
use std::panic::Location;
use wane_autodiff::{Error, Float, Grads, Graph, ParamId, Params, Penalty, Tape, Var};
use wane_data::{Dataset, Target};
use wane_layers::Module;
use wane_optim::{Ema, Optimizer, Plateau, Rule};

/// The loop around a training step: epochs, validation, history, early stopping, checkpoints.
///
/// It is made of public parts, and gives the bits that the bare loop gives. The loss is
/// [`TrainerOptions::loss`] for numbers and cross-entropy for classes, or [one's own](Self::loss_fn), plus the
/// [penalties](Self::penalty).
///
/// ```
/// use wane_autodiff::{Params, Rng, ndarray::array, rand::SeedableRng};
/// use wane_data::Dataset;
/// use wane_layers::Sequential;
/// use wane_optim::{Group, Sgd, SgdOptions};
/// use wane_train::{Trainer, TrainerOptions};
///
/// let data = Dataset::new(array![[0.0], [1.0], [2.0], [3.0]], array![[1.0], [3.0], [5.0], [7.0]])?;
/// let (mut rng, mut params) = (Rng::seed_from_u64(1), Params::<f64>::new());
/// let model = Sequential::new().linear(1, 1).build(params.root(), &mut rng)?;
/// let mut sgd = Sgd::new(SgdOptions { lr: 0.1, ..Default::default() })?.group(Group::all(&params))?;
///
/// let options = TrainerOptions { epochs: 200, batch_size: 2, ..Default::default() };
/// let mut trainer = Trainer::new(&model, &mut params, &mut sgd, options)?;
/// trainer.fit(&data, &mut rng)?;
/// assert!(trainer.history().epochs[199].train_loss < 1e-6);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
pub struct Trainer<'a, T, R> {
    model: &'a dyn Module<T>,
    params: &'a mut Params<T>,
    optimizer: &'a mut Optimizer<T, R>,
    options: TrainerOptions,
    loss_fn: Option<Box<LossFn<'a, T>>>,
    penalties: Vec<Box<RecordPenalty<'a, T>>>,
    validation: Option<&'a Dataset<T>>,
    callbacks: Vec<Box<OnEpoch<'a, T>>>,
    after_step: Option<Box<AfterStep<'a, T, R>>>,
    ema: Option<Ema<T>>,
    state: State<T>,
    /// What the file of [`TrainerOptions::checkpoint`] holds.
    saved: Mark,
    tape: Tape<T>,
    /// Evaluation records other ops where there is dropout; a tape of its own keeps both memories.
    evaluation: Tape<T>,
    grads: Grads<T>,
}

type RecordPenalty<'a, T> = dyn for<'g> Fn(Graph<'g, T>) -> Var<'g, T> + 'a;
type AfterStep<'a, T, R> = dyn FnMut(&mut Params<T>, &Optimizer<T, R>) -> Result<(), Error> + 'a;
type OnEpoch<'a, T> = dyn FnMut(&mut EpochEnd<'_, T>) -> Result<ControlFlow<()>, Error> + 'a;

/// What a callback sees after an epoch.
#[derive(Debug)]
#[non_exhaustive]
pub struct EpochEnd<'e, T> {
    /// The epoch's record.
    pub record: &'e EpochRecord,
    /// The weights of the last step.
    pub params: &'e Params<T>,
    extra: &'e mut Option<Vec<u8>>,
}

impl<T> EpochEnd<'_, T> {
    /// Replaces what the caller keeps in checkpoints, as [`Trainer::set_extra`].
    ///
    /// # Errors
    /// A value that cannot be written.
    pub fn set_extra<E: Serialize>(&mut self, extra: &E) -> Result<(), Error> {
        *self.extra = Some(file::encode("extra", extra)?);
        Ok(())
    }
}

/// Why [`Trainer::fit`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All epochs are done.
    Epochs,
    /// What early stopping watches has stopped improving.
    Early,
    /// A callback asked for it.
    Callback,
}

impl<'a, T: Float, R: Rule> Trainer<'a, T, R> {
    /// A trainer that has not begun. Parameters are to be in the optimizer's groups already.
    ///
    /// # Errors
    /// An option out of range, by name.
    pub fn new(
        model: &'a dyn Module<T>,
        params: &'a mut Params<T>,
        optimizer: &'a mut Optimizer<T, R>,
        options: TrainerOptions,
    ) -> Result<Self, Error> {
        options.check()?;
        let ema = options.ema.map(|decay| Ema::new(params, decay)).transpose()?;
        let plateau = options.plateau.map(Plateau::new).transpose()?;
        let grads = params.grads();
        let state = State::new(plateau, &options);
        Ok(Self {
            model,
            params,
            optimizer,
            saved: state.mark(),
            state,
            options,
            loss_fn: None,
            penalties: Vec::new(),
            validation: None,
            callbacks: Vec::new(),
            after_step: None,
            ema,
            tape: Tape::new(),
            evaluation: Tape::new(),
            grads,
        })
    }

    /// Takes `loss`, a function of the model's output and its target, in place of [`TrainerOptions::loss`] and
    /// [`TrainerOptions::cross_entropy`]. It is to be a mean over the batch's rows (those with a label), for the history
    /// weighs each batch by their number; penalties are added to it. Outputs may then be of another number than targets.
    ///
    /// ```
    /// # use wane_autodiff::{Params, Rng, ndarray::array, rand::SeedableRng};
    /// # use wane_data::Dataset;
    /// # use wane_layers::Sequential;
    /// # use wane_optim::{Group, Sgd, SgdOptions};
    /// # use wane_train::{Trainer, TrainerOptions};
    /// # let data = Dataset::new(array![[0.0], [1.0]], array![[1.0], [3.0]])?;
    /// # let (mut rng, mut params) = (Rng::seed_from_u64(1), Params::<f64>::new());
    /// # let model = Sequential::new().linear(1, 1).build(params.root(), &mut rng)?;
    /// # let mut sgd = Sgd::new(SgdOptions::default())?.group(Group::all(&params))?;
    /// let mut trainer = Trainer::new(&model, &mut params, &mut sgd, TrainerOptions::default())?;
    /// trainer = trainer.loss_fn(|output, target| {
    ///     let error = output - output.graph().input(&target.values());
    ///     (error.square() + 1.0).sqrt().mean() - 1.0
    /// });
    /// trainer.fit(&data, &mut rng)?;
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    #[must_use]
    pub fn loss_fn(mut self, loss: impl for<'g> Fn(Var<'g, T>, Target<'_, T>) -> Var<'g, T> + 'a) -> Self {
        self.loss_fn = Some(Box::new(loss));
        self
    }

    /// Adds `penalty` over the given parameters to the loss.
    #[must_use]
    #[track_caller]
    pub fn penalty<P: Penalty<T> + Clone + 'static>(mut self, penalty: &P, params: &[ParamId]) -> Self {
        let (penalty, params, site) = (penalty.clone(), params.to_vec(), Location::caller());
        self.penalties.push(Box::new(move |graph| graph.attribute(site, || graph.penalty(&penalty, &params))));
        self
    }

    /// Evaluates the model on `data` after each epoch.
    #[must_use]
    pub fn validation(mut self, data: &'a Dataset<T>) -> Self {
        self.validation = Some(data);
        self
    }

    /// Calls `callback` after each epoch, before the checkpoint; [`ControlFlow::Break`] ends training.
    #[must_use]
    pub fn on_epoch(
        mut self,
        callback: impl FnMut(&mut EpochEnd<'_, T>) -> Result<ControlFlow<()>, Error> + 'a,
    ) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Calls `change` after each step of the optimizer, to change the weights once more: an operator over several parameters
    /// at once, say, which no group's proximal term can be. Of several, the last given is called.
    #[must_use]
    pub fn after_step(
        mut self,
        change: impl FnMut(&mut Params<T>, &Optimizer<T, R>) -> Result<(), Error> + 'a,
    ) -> Self {
        self.after_step = Some(Box::new(change));
        self
    }

    /// What training was like so far.
    pub fn history(&self) -> &History {
        &self.state.history
    }

    /// The parameters: those of the last step, or of the best epoch after [`fit`](Self::fit) with early stopping.
    pub fn params(&self) -> &Params<T> {
        self.params
    }

    /// The optimizer.
    pub fn optimizer(&self) -> &Optimizer<T, R> {
        self.optimizer
    }

    /// Ends the trainer and gives the moving average of the weights, if there is one.
    pub fn into_ema(self) -> Option<Ema<T>> {
        self.ema
    }

    /// What the caller keeps in checkpoints beside all else, `None` if there is nothing.
    ///
    /// # Errors
    /// A value of another type than was kept.
    pub fn extra<E: DeserializeOwned>(&self) -> Result<Option<E>, Error> {
        self.state.extra.as_deref().map(|bytes| file::decode("extra", bytes)).transpose()
    }

    /// Replaces what the caller keeps in checkpoints.
    ///
    /// # Errors
    /// A value that cannot be written.
    pub fn set_extra<E: Serialize>(&mut self, extra: &E) -> Result<(), Error> {
        self.state.extra = Some(file::encode("extra", extra)?);
        Ok(())
    }
}

impl<T: Float, R: Rule> fmt::Debug for Trainer<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer")
            .field("model", &self.model)
            .field("options", &self.options)
            .field("has_loss_fn", &self.loss_fn.is_some())
            .field("penalties", &self.penalties.len())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

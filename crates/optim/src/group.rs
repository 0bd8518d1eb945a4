use crate::{Decay, Rule, Schedule};
use std::fmt;
use std::sync::Arc;
use wane_autodiff::{Float, ParamId, Params};
use wane_penalties::Prox;

/// Parameters that share options: those of the optimizer, but for what is said here.
pub struct Group<T, R> {
    pub(crate) params: Vec<ParamId>,
    pub(crate) decay: Option<Decay>,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) prox: Option<Arc<dyn Prox<T>>>,
    edits: Vec<Edit<R>>,
}

type Edit<R> = Box<dyn FnOnce(&mut R) + Send>;

impl<T: Float, R: Rule> Group<T, R> {
    /// The given parameters.
    pub fn new(params: &[ParamId]) -> Self {
        Self { params: params.to_vec(), decay: None, schedule: None, prox: None, edits: Vec::new() }
    }

    /// Every parameter there is.
    pub fn all(params: &Params<T>) -> Self {
        Self::new(&params.ids())
    }

    /// The group's own learning rate.
    #[must_use]
    pub fn lr(self, lr: f64) -> Self {
        self.with(move |options| *options.lr() = lr)
    }

    /// The group's own schedule of the learning rate, in place of the optimizer's.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = Some(schedule);
        self
    }

    /// The group's own λ; its kind is that of the optimizer's `weight_decay`, or of [`decay`](Self::decay).
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        self.with(move |options| *options.weight_decay() = weight_decay)
    }

    /// The group's own decay, of any kind.
    #[must_use]
    pub fn decay(mut self, decay: Decay) -> Self {
        let strength = decay.strength();
        self.decay = Some(decay);
        self.weight_decay(strength)
    }

    /// A proximal term: a penalty h or a constraint that is not in the loss. After each step of the loss, the optimizer
    /// applies h's proximal operator to each parameter of the group, in the metric of that step ([`Rule::reach`]). The
    /// weights then come to a minimum of loss + h, under every optimizer the same, with zeros that are exact.
    ///
    /// A decay draws on weights beside that. A coupled one belongs to the loss; a decoupled one, AdamW's default, moves the
    /// minimum: for the L2 part of an elastic net take [`ElasticNet`](wane_penalties::ElasticNet) as the term, and no decay.
    ///
    /// Where the gradients were clipped by norm, so is h ([`Grads::clipped`](wane_autodiff::Grads::clipped)). Rates and
    /// schedules need no care: thresholds follow them. Parameters without a gradient are passed by. With `maximize`, loss − h
    /// is climbed.
    #[must_use]
    pub fn prox(mut self, prox: impl Prox<T> + 'static) -> Self {
        self.prox = Some(Arc::new(prox));
        self
    }

    /// Any other option: `.with(|options: &mut AdamWOptions| options.betas = (0.9, 0.95))`.
    #[must_use]
    pub fn with(mut self, edit: impl FnOnce(&mut R) + Send + 'static) -> Self {
        self.edits.push(Box::new(edit));
        self
    }

    /// The optimizer's options with this group's edits.
    pub(crate) fn options(&mut self, defaults: &R) -> R {
        let mut options = defaults.clone();
        self.edits.drain(..).for_each(|edit| edit(&mut options));
        options
    }
}

impl<T, R> fmt::Debug for Group<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("params", &self.params)
            .field("decay", &self.decay)
            .field("schedule", &self.schedule)
            .field("prox", &self.prox.is_some())
            .field("edits", &self.edits.len())
            .finish()
    }
}

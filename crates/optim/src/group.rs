use crate::{Decay, DecayKind, Rule};
use std::fmt;
use wane_autodiff::{Float, ParamId, Params};

/// Parameters that share options: those of the optimizer, but for what is said here.
pub struct Group<R> {
    pub(crate) params: Vec<ParamId>,
    pub(crate) kind: Option<DecayKind>,
    edits: Vec<Edit<R>>,
}

type Edit<R> = Box<dyn FnOnce(&mut R) + Send>;

impl<R: Rule> Group<R> {
    /// The given parameters.
    pub fn new(params: &[ParamId]) -> Self {
        Self { params: params.to_vec(), kind: None, edits: Vec::new() }
    }

    /// Every parameter there is.
    pub fn all<T: Float>(params: &Params<T>) -> Self {
        Self::new(&params.ids())
    }

    /// The group's own learning rate.
    #[must_use]
    pub fn lr(self, lr: f64) -> Self {
        self.with(move |options| *options.lr() = lr)
    }

    /// The group's own λ; its kind is that of the optimizer's `weight_decay`, or of [`decay`](Self::decay).
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        self.with(move |options| *options.weight_decay() = weight_decay)
    }

    /// The group's own decay, of either kind.
    #[must_use]
    pub fn decay(mut self, decay: Decay) -> Self {
        self.kind = Some(decay.kind());
        self.weight_decay(decay.strength())
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

impl<R> fmt::Debug for Group<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("params", &self.params).field("edits", &self.edits.len()).finish()
    }
}

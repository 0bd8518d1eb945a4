use crate::Schedule;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wane_autodiff::{Error, Float, Layout, Params, non_negative, number};

/// Weight decay: by which way it reaches the weights, how strongly, and toward what.
///
/// ```
/// use wane_optim::{Decay, Group, Schedule, Sgd, SgdOptions};
/// # let mut params = wane_autodiff::Params::<f32>::new();
/// # let weights = [params.root().add("w", &wane_autodiff::ndarray::array![1.0])?];
/// // SGD with decoupled decay, toward the weights there are now (L2-SP), fading over 100 epochs.
/// let decay = Decay::decoupled(0.01)?.scheduled(Schedule::cosine(100, 0.0)?).toward(&params);
/// let optimizer = Sgd::<f32>::new(SgdOptions { lr: 0.1, momentum: 0.9, ..Default::default() })?
///     .group(Group::new(&weights).decay(decay))?;
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// [`guide`](crate::guide) says which kind when.
#[derive(Clone, Debug)]
pub struct Decay {
    pub(crate) kind: DecayKind,
    pub(crate) strength: f64,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) reference: Option<Reference>,
}

/// The way by which decay reaches the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DecayKind {
    /// g ← g + λθ, before everything else the optimizer does with g: what an L2 penalty of (λ/2)Σθ² in the loss does.
    /// PyTorch's SGD, Adam, RMSprop and Adagrad.
    Coupled,
    /// θ ← θ(1 − lr·λ), before the update, which never sees λ. PyTorch's AdamW (Loshchilov and Hutter, *Decoupled
    /// Weight Decay Regularization*, 2019).
    Decoupled,
    /// θ ← θ(1 − (lr/lr₀)·λ), lr₀ being the learning rate that the group began with, or the peak of a schedule of absolute
    /// values: decay that follows the schedule of the rate, and not the rate itself (the same paper's Algorithms 1 and
    /// 2, in which lr/lr₀ is η).
    FullyDecoupled,
}

/// Weights that decay pulls toward, in place of zero.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) layout: Arc<Layout>,
    pub(crate) values: Arc<[f64]>,
}

impl Decay {
    /// λθ added to the gradient.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn coupled(lambda: f64) -> Result<Self, Error> {
        Ok(Self::of(DecayKind::Coupled, non_negative("coupled decay", lambda)?))
    }

    /// θ multiplied by 1 − lr·λ.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite. That lr·λ is at most 1 is checked where the lr is known.
    pub fn decoupled(lambda: f64) -> Result<Self, Error> {
        Ok(Self::of(DecayKind::Decoupled, non_negative("decoupled decay", lambda)?))
    }

    /// θ multiplied by 1 − (lr/lr₀)·λ, lr₀ being the group's learning rate when it was added (of a one-cycle or cyclic
    /// schedule, its peak): another rate does not change the decay, a schedule of the rate does. Good values are far smaller than of
    /// [`decoupled`](Self::decoupled) decay, about lr₀ times as large.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite. That (lr/lr₀)·λ is at most 1 is checked where the lr is known.
    pub fn fully_decoupled(lambda: f64) -> Result<Self, Error> {
        Ok(Self::of(DecayKind::FullyDecoupled, non_negative("fully decoupled decay", lambda)?))
    }

    /// A [`fully_decoupled`](Self::fully_decoupled) decay of λ = λ_norm·√(b/(B·T)) for batches of b of B rows and a
    /// budget of T epochs, so that λ_norm carries over to another batch size, data set or length (Loshchilov and Hutter
    /// 2019, appendix B.1). With warm restarts T is the length of the first run, and
    /// [`Schedule::normalised_restarts`] follows the others.
    ///
    /// # Errors
    /// A λ_norm that is negative, NaN or infinite; no epoch; batches of no row, or of more rows than there are.
    pub fn normalised(lambda_norm: f64, batch_size: usize, rows: usize, epochs: usize) -> Result<Self, Error> {
        non_negative("normalised decay", lambda_norm)?;
        if !(1..=rows).contains(&batch_size) {
            return Err(Error::option(
                "batch size of a normalised decay",
                batch_size,
                format!("1 to {rows}, the rows"),
            ));
        }
        if epochs == 0 {
            return Err(Error::option("epochs of a normalised decay", 0, "at least 1"));
        }
        let lambda = lambda_norm * (batch_size as f64 / (rows as f64 * epochs as f64)).sqrt();
        Ok(Self::of(DecayKind::FullyDecoupled, lambda))
    }

    /// The same decay with λ changing over time: λₜ = `schedule.at(t, λ)`, t being the optimizer's
    /// [`time`](crate::Optimizer::time).
    #[must_use]
    pub fn scheduled(self, schedule: Schedule) -> Self {
        Self { schedule: Some(schedule), ..self }
    }

    /// The same decay toward the weights that `reference` holds now, in place of zero: θ − θ⁰ takes the place of θ in the
    /// equation of the kind (L2-SP; Li, Grandvalet and Davoine, *Explicit Inductive Bias for Transfer Learning with
    /// Convolutional Networks*, 2018). [`Optimizer::step`](crate::Optimizer::step) refuses a reference of another layout
    /// than the parameters have, or with a weight that is not finite.
    #[must_use]
    pub fn toward<T: Float>(self, reference: &Params<T>) -> Self {
        let values = reference.as_slice().iter().map(|value| value.widen()).collect();
        Self { reference: Some(Reference { layout: Arc::clone(reference.layout()), values }), ..self }
    }

    /// The way.
    pub fn kind(&self) -> DecayKind {
        self.kind
    }

    /// λ, before any schedule.
    pub fn strength(&self) -> f64 {
        self.strength
    }

    /// The schedule of λ, if there is one.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_ref()
    }

    /// Whether it is toward a reference, not toward zero.
    pub fn has_reference(&self) -> bool {
        self.reference.is_some()
    }

    pub(crate) fn of(kind: DecayKind, strength: f64) -> Self {
        Self { kind, strength, schedule: None, reference: None }
    }

    /// What there is of it at time `t`.
    ///
    /// # Errors
    /// A λ out of range; a decay of more than the whole weight a step, which would turn weights around.
    pub(crate) fn at(&self, t: u64, lr: f64, initial_lr: f64) -> Result<Pull, Error> {
        let lambda = self.schedule.as_ref().map_or(self.strength, |schedule| schedule.at(t, self.strength));
        non_negative("weight_decay", lambda)?;
        // A rate of zero that stays is a schedule at factor 1.
        let factor = if initial_lr == 0.0 { 1.0 } else { lr / initial_lr };
        let rate = match self.kind {
            DecayKind::Coupled => return Ok(Pull { coupled: lambda, rate: 0.0 }),
            DecayKind::Decoupled => lr * lambda,
            DecayKind::FullyDecoupled => factor * lambda,
        };
        if rate > 1.0 {
            let limit = match self.kind {
                DecayKind::FullyDecoupled => {
                    format!("at most {}, for lr/lr₀ = {}", number(1.0 / factor), number(factor))
                }
                _ => format!("at most 1/lr = {}", number(1.0 / lr)),
            };
            let given = format!("{} at lr {}", number(lambda), number(lr));
            return Err(Error::option("weight_decay", given, format!("{limit}, or decay would overshoot zero")));
        }
        Ok(Pull { coupled: 0.0, rate })
    }
}

/// Decay in one step, as two numbers of which at most one is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pull {
    /// How much of θ joins the gradient.
    pub coupled: f64,
    /// By which part θ shrinks before the update.
    pub rate: f64,
}

use super::LossOptions;
use super::bce_with_logits::BceWithLogits;
use super::hinge::Hinge;
use super::hinge_embedding::HingeEmbedding;
use super::huber::Huber;
use super::kl_div::{KlDiv, KlDivLog};
use super::l1::L1;
use super::mse::Mse;
use super::poisson_nll::PoissonNll;
use super::quantile::Quantile;
use super::smooth_l1::SmoothL1;
use crate::error::number;
use crate::{Error, Float, Var};

/// A loss of an input x and its target y, element by element, by name; [`Var::loss`] takes the mean.
///
/// Targets are not checked: outside a loss's domain its formula is followed, as PyTorch does. NaN in an input or a
/// target makes the loss NaN. Where a slope jumps, the gradient is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// (x − y)². PyTorch's `MSELoss`.
    Mse,
    /// |x − y|, with gradient 0 where they are equal. PyTorch's `L1Loss`.
    L1,
    /// d²/(2β) where d = |x − y| is below β, d − β/2 elsewhere; β is 0 or above. PyTorch's `SmoothL1Loss`, whose default β
    /// is 1.
    SmoothL1(f64),
    /// d²/2 where d = |x − y| is below δ, δ·(d − δ/2) elsewhere; δ is above 0. PyTorch's `HuberLoss`, whose default δ is 1.
    Huber(f64),
    /// −y·ln σ(x) − (1 − y)·ln(1 − σ(x)), with x a logit and y in 0..=1. PyTorch's `BCEWithLogitsLoss`.
    BceWithLogits,
    /// max(0, 1 − y·x), with y = ±1 and gradient 0 at the kink: the loss of support vector machines. PyTorch's
    /// `MarginRankingLoss` of x and 0 with margin 1.
    Hinge,
    /// x where y = 1 and max(0, margin − x) where y = −1, x being a distance; the sum of both at any other y. The target
    /// gets no gradient. PyTorch's `HingeEmbeddingLoss`, whose default margin is 1.
    HingeEmbedding(f64),
    /// The negative log-likelihood of counts y, without ln y!. PyTorch's `PoissonNLLLoss`, whose defaults are true, false
    /// and 1e-8.
    PoissonNll {
        /// Whether x is the logarithm of the rate: eˣ − y·x. Otherwise it is the rate: x − y·ln(x + eps).
        log_input: bool,
        /// Whether Stirling's y·ln y − y + ln(2πy)/2 stands for ln y! where y is above 1.
        full: bool,
        /// Keeps the logarithm of a rate of 0 finite; 0 or above.
        eps: f64,
    },
    /// y·(ln y − x), with x a log-probability and y a probability, and 0·ln 0 = 0. PyTorch's `KLDivLoss`. The divergence of
    /// distributions along the last of two axes is [`Reduction::BatchMean`](crate::Reduction::BatchMean).
    KlDiv {
        /// Whether y is a log-probability too: eʸ·(y − x).
        log_target: bool,
    },
    /// max(τ·(y − x), (τ − 1)·(y − x)), with τ between 0 and 1 and gradient 0 where x and y are equal: its least mean is at
    /// the τ-quantile. scikit-learn's `mean_pinball_loss`, whose alpha is τ.
    Quantile(f64),
}

impl Loss {
    /// This loss, if its option is in range: for options that come from outside. Recording refuses the same ones.
    ///
    /// ```
    /// use wane_autodiff::Loss;
    /// let error = Loss::Quantile(1.5).checked().unwrap_err();
    /// assert_eq!(error.to_string(), "tau is 1.5; expected a number above 0 and below 1");
    /// ```
    ///
    /// # Errors
    /// A beta, delta, margin, eps or tau out of range, or not finite.
    #[inline]
    pub fn checked(self) -> Result<Self, Error> {
        let (field, value, is_in_range, expected) = match self {
            Self::SmoothL1(beta) => ("beta", beta, beta >= 0.0, "a finite number, 0 or above"),
            Self::Huber(delta) => ("delta", delta, delta > 0.0, "a finite number above 0"),
            Self::HingeEmbedding(margin) => ("margin", margin, true, "a finite number"),
            Self::PoissonNll { eps, .. } => ("eps", eps, eps >= 0.0, "a finite number, 0 or above"),
            Self::Quantile(tau) => ("tau", tau, tau > 0.0 && tau < 1.0, "a number above 0 and below 1"),
            Self::Mse | Self::L1 | Self::BceWithLogits | Self::Hinge | Self::KlDiv { .. } => return Ok(self),
        };
        if is_in_range && value.is_finite() { Ok(self) } else { Err(Error::option(field, number(value), expected)) }
    }

    #[inline]
    fn name(self) -> &'static str {
        match self {
            Self::Mse => "mse_loss",
            Self::L1 => "l1_loss",
            Self::SmoothL1(_) => "smooth_l1_loss",
            Self::Huber(_) => "huber_loss",
            Self::BceWithLogits => "bce_with_logits_loss",
            Self::Hinge => "hinge_loss",
            Self::HingeEmbedding(_) => "hinge_embedding_loss",
            Self::PoissonNll { .. } => "poisson_nll_loss",
            Self::KlDiv { .. } => "kl_div_loss",
            Self::Quantile(_) => "quantile_loss",
        }
    }

    /// Inlined, so that a loss that is known at compile time leaves one arm.
    #[inline(always)]
    #[track_caller]
    fn record<'g, T: Float>(self, x: Var<'g, T>, y: Var<'g, T>, options: LossOptions<'g, T>) -> Var<'g, T> {
        let name = self.name();
        match self {
            Self::Mse => x.pointwise(name, Mse, y, options),
            Self::L1 => x.pointwise(name, L1, y, options),
            Self::SmoothL1(beta) => x.pointwise(name, SmoothL1 { beta: T::of(beta) }, y, options),
            Self::Huber(delta) => x.pointwise(name, Huber { delta: T::of(delta) }, y, options),
            Self::BceWithLogits => x.pointwise(name, BceWithLogits, y, options),
            Self::Hinge => x.pointwise(name, Hinge, y, options),
            Self::HingeEmbedding(margin) => x.pointwise(name, HingeEmbedding { margin: T::of(margin) }, y, options),
            Self::PoissonNll { log_input, full, eps } => {
                x.pointwise(name, PoissonNll { log_input, full, eps: T::of(eps) }, y, options)
            }
            Self::KlDiv { log_target: false } => x.pointwise(name, KlDiv, y, options),
            Self::KlDiv { log_target: true } => x.pointwise(name, KlDivLog, y, options),
            Self::Quantile(tau) => x.pointwise(name, Quantile::new(tau), y, options),
        }
    }
}

impl<'g, T: Float> Var<'g, T> {
    /// The mean of a loss over all elements; input and target have the same shape.
    ///
    /// # Panics
    /// Shapes that differ: nothing is broadcast. An option out of range ([`Loss::checked`]).
    #[inline]
    #[track_caller]
    pub fn loss(self, loss: Loss, target: Self) -> Self {
        self.loss_with(loss, target, LossOptions::default())
    }

    /// A loss, weighted and reduced as `options` say: [`LossOptions`] or a [`Reduction`](crate::Reduction).
    ///
    /// # Panics
    /// As [`loss`](Self::loss); weights that do not broadcast to the loss's shape.
    #[inline]
    #[track_caller]
    pub fn loss_with(self, loss: Loss, target: Self, options: impl Into<LossOptions<'g, T>>) -> Self {
        if let Err(error) = loss.checked() {
            panic!("{}: {} is {}, wanted {}", loss.name(), error.field(), error.given(), error.expected());
        }
        loss.record(self, target, options.into())
    }
}

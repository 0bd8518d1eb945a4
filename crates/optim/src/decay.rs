use wane_autodiff::{Error, Float, non_negative, number};

/// How strongly weights are pulled to zero, and by which way.
///
/// ```
/// use wane_optim::{Decay, Group, Sgd, SgdOptions};
/// # let mut params = wane_autodiff::Params::<f32>::new();
/// # let weights = [params.root().add("w", &wane_autodiff::ndarray::array![1.0])?];
/// // SGD with decoupled decay: SGDW of Loshchilov and Hutter.
/// let optimizer = Sgd::<f32>::new(SgdOptions { lr: 0.1, momentum: 0.9, ..Default::default() })?
///     .group(Group::new(&weights).decay(Decay::decoupled(0.01)?))?;
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    kind: DecayKind,
    strength: f64,
}

/// The way by which decay reaches the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecayKind {
    /// g ← g + λθ, before everything else the optimizer does with g: what an L2 penalty of (λ/2)Σθ² in the loss does.
    /// PyTorch's SGD and Adam.
    Coupled,
    /// θ ← θ(1 − lr·λ), before the update, which never sees λ. PyTorch's AdamW (Loshchilov and Hutter, *Decoupled
    /// Weight Decay Regularization*, 2019).
    Decoupled,
}

impl Decay {
    /// λθ added to the gradient.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite.
    pub fn coupled(lambda: f64) -> Result<Self, Error> {
        Ok(Self { kind: DecayKind::Coupled, strength: non_negative("coupled decay", lambda)? })
    }

    /// θ multiplied by 1 − lr·λ.
    ///
    /// # Errors
    /// A λ that is negative, NaN or infinite. That lr·λ is at most 1 is checked where the lr is known.
    pub fn decoupled(lambda: f64) -> Result<Self, Error> {
        Ok(Self { kind: DecayKind::Decoupled, strength: non_negative("decoupled decay", lambda)? })
    }

    /// The way.
    pub fn kind(&self) -> DecayKind {
        self.kind
    }

    /// λ.
    pub fn strength(&self) -> f64 {
        self.strength
    }

    pub(crate) fn of(kind: DecayKind, strength: f64) -> Self {
        Self { kind, strength }
    }

    /// Checks what only the lr tells: a decoupled decay of lr·λ > 1 would turn weights around.
    pub(crate) fn check(&self, lr: f64) -> Result<(), Error> {
        non_negative("weight_decay", self.strength)?;
        if self.kind == DecayKind::Decoupled && lr * self.strength > 1.0 {
            let given = format!("{} at lr {}", number(self.strength), number(lr));
            let expected = format!("at most 1/lr = {}, or decay would overshoot zero", number(1.0 / lr));
            return Err(Error::option("weight_decay", given, expected));
        }
        Ok(())
    }

    /// What is added to the gradient per unit of θ; `None` where nothing is.
    pub(crate) fn coupled_strength<T: Float>(&self) -> Option<T> {
        (self.kind == DecayKind::Coupled && self.strength != 0.0).then(|| T::of(self.strength))
    }

    /// What θ is multiplied by before the update: exactly 1 where nothing shrinks.
    pub(crate) fn shrink<T: Float>(&self, lr: f64) -> T {
        match self.kind {
            DecayKind::Coupled => T::one(),
            DecayKind::Decoupled => T::of(1.0 - lr * self.strength),
        }
    }
}

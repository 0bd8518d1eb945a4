use crate::{Optimizer, Rule};
use serde::{Deserialize, Serialize};
use wane_autodiff::{Error, Float, non_negative, number};

/// Multiplies the learning rate, or the decay, by a factor when a metric has stopped improving (PyTorch's
/// `ReduceLROnPlateau`).
///
/// ```
/// use wane_autodiff::{Params, ndarray::array};
/// use wane_optim::{Group, Plateau, PlateauOptions, Sgd, SgdOptions};
/// let mut params = Params::<f32>::new();
/// params.root().add("w", &array![1.0])?;
/// let mut optimizer = Sgd::<f32>::new(SgdOptions { lr: 0.1, ..Default::default() })?.group(Group::all(&params))?;
/// let mut plateau = Plateau::new(PlateauOptions { patience: 1, factor: 0.5, ..Default::default() })?;
/// for validation_loss in [1.0, 0.9, 0.9, 0.9] {
///     plateau.step(validation_loss, &mut optimizer)?;
/// }
/// assert_eq!(optimizer.groups()[0].lr(), 0.05);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    options: PlateauOptions,
    best: f64,
    bad: u64,
    cooling: u64,
}

/// The options of [`Plateau`], under PyTorch's names and with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlateauOptions {
    /// Which metrics are better.
    pub mode: Better,
    /// What the value is multiplied by, at least 0 and below 1.
    pub factor: f64,
    /// How many epochs without improvement are borne.
    pub patience: u64,
    /// How much better a metric must be, finite and ≥ 0.
    pub threshold: f64,
    /// Whether the threshold is a part of the best metric or a distance from it.
    pub threshold_mode: Threshold,
    /// How many epochs after a reduction are not counted.
    pub cooldown: u64,
    /// What the value is not reduced below, finite and ≥ 0.
    pub min_lr: f64,
    /// A reduction by this or less is left out, finite and ≥ 0.
    pub eps: f64,
}

/// Which of two metrics is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Better {
    /// The smaller, as of losses.
    Min,
    /// The larger, as of accuracies.
    Max,
}

/// What a [`PlateauOptions::threshold`] is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Threshold {
    /// best·(1 ∓ threshold).
    Rel,
    /// best ∓ threshold.
    Abs,
}

impl Default for PlateauOptions {
    fn default() -> Self {
        Self {
            mode: Better::Min,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            threshold_mode: Threshold::Rel,
            cooldown: 0,
            min_lr: 0.0,
            eps: 1e-8,
        }
    }
}

impl PlateauOptions {
    /// Every option as it is told.
    fn named(&self) -> [(&'static str, String); 8] {
        let Self { mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps } = self;
        [
            ("mode", format!("{mode:?}")),
            ("factor", number(*factor)),
            ("patience", patience.to_string()),
            ("threshold", number(*threshold)),
            ("threshold_mode", format!("{threshold_mode:?}")),
            ("cooldown", cooldown.to_string()),
            ("min_lr", number(*min_lr)),
            ("eps", number(*eps)),
        ]
    }
}

impl Plateau {
    /// A plateau that has seen no metric yet.
    ///
    /// # Errors
    /// An option out of range, by name.
    pub fn new(options: PlateauOptions) -> Result<Self, Error> {
        if !(0.0..1.0).contains(&options.factor) {
            return Err(Error::option("plateau factor", number(options.factor), "at least 0 and below 1"));
        }
        non_negative("plateau threshold", options.threshold)?;
        non_negative("plateau min_lr", options.min_lr)?;
        non_negative("plateau eps", options.eps)?;
        let best = match options.mode {
            Better::Min => f64::INFINITY,
            Better::Max => f64::NEG_INFINITY,
        };
        Ok(Self { options, best, bad: 0, cooling: 0 })
    }

    /// Takes note of an epoch's metric and says whether it is time to reduce. A NaN is never better.
    pub fn observe(&mut self, metric: f64) -> bool {
        if self.is_better(metric) {
            (self.best, self.bad) = (metric, 0);
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            (self.cooling, self.bad) = (self.cooling - 1, 0);
        }
        let reduce = self.bad > self.options.patience;
        if reduce {
            (self.cooling, self.bad) = (self.options.cooldown, 0);
        }
        reduce
    }

    /// Takes note of an epoch's metric and, if it is time, reduces the learning rate of every group; says whether any was.
    /// Where groups have a [`Schedule`](crate::Schedule), it is its base that is reduced.
    ///
    /// # Errors
    /// As [`Optimizer::edit_group`].
    pub fn step<T: Float, R: Rule>(&mut self, metric: f64, optimizer: &mut Optimizer<T, R>) -> Result<bool, Error> {
        self.reduce(metric, optimizer, |options| options.lr())
    }

    /// As [`step`](Self::step), for the decay strength of every group.
    ///
    /// # Errors
    /// As [`Optimizer::edit_group`].
    pub fn step_decay<T: Float, R: Rule>(
        &mut self,
        metric: f64,
        optimizer: &mut Optimizer<T, R>,
    ) -> Result<bool, Error> {
        self.reduce(metric, optimizer, |options| options.weight_decay())
    }

    /// The best metric so far; ±∞, the worst there is, before the first.
    pub fn best(&self) -> f64 {
        self.best
    }

    /// Goes on from what `saved`, which came from a file, has seen.
    ///
    /// # Errors
    /// Other options than this plateau's, by name, or counts that they do not allow. Then nothing has changed.
    pub fn restore(&mut self, saved: Self) -> Result<(), Error> {
        for ((field, found), (_, wanted)) in saved.options.named().into_iter().zip(self.options.named()) {
            if found != wanted {
                return Err(Error::option(format!("plateau {field}"), found, wanted));
            }
        }
        for (field, count, most) in [
            ("epochs without improvement", saved.bad, self.options.patience),
            ("epochs of cooldown left", saved.cooling, self.options.cooldown),
        ] {
            if count > most {
                return Err(Error::data(format!("plateau: {field}"), count, format!("at most {most}")));
            }
        }
        if saved.best.is_nan() {
            return Err(Error::data("plateau: best metric", "NaN", "a number"));
        }
        *self = saved;
        Ok(())
    }

    fn is_better(&self, metric: f64) -> bool {
        let (PlateauOptions { mode, threshold, threshold_mode, .. }, best) = (self.options, self.best);
        match (mode, threshold_mode) {
            (Better::Min, Threshold::Rel) => metric < best * (1.0 - threshold),
            (Better::Min, Threshold::Abs) => metric < best - threshold,
            (Better::Max, Threshold::Rel) => metric > best * (1.0 + threshold),
            (Better::Max, Threshold::Abs) => metric > best + threshold,
        }
    }

    fn reduce<T: Float, R: Rule>(
        &mut self,
        metric: f64,
        optimizer: &mut Optimizer<T, R>,
        value: fn(&mut R) -> &mut f64,
    ) -> Result<bool, Error> {
        let mut any = false;
        if self.observe(metric) {
            let PlateauOptions { factor, min_lr, eps, .. } = self.options;
            for number in 0..optimizer.groups().len() {
                optimizer.edit_group(number, |options| {
                    let value = value(options);
                    let reduced = (*value * factor).max(min_lr);
                    if *value - reduced > eps {
                        *value = reduced;
                        any = true;
                    }
                })?;
            }
        }
        Ok(any)
    }
}

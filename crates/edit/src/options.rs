use wane_autodiff::ndarray::ArrayView2;
use wane_autodiff::{Classes, Error, non_negative, number};

/// How an edit is solved for.
///
/// With keys K = (k₁ … k_m), wanted values Z* and R = Z* − (WK + b), ΔW minimises the drift E‖ΔW k‖² = tr(ΔW C ΔWᵀ) over
/// the keys of the [statistics](crate::KeyStats), plus ρ‖ΔW‖², so that (W + ΔW)K + b = Z*:
///
/// ΔW = R (Kᵀ(C + ρI)⁻¹K)⁻¹ Kᵀ(C + ρI)⁻¹.
///
/// For one key this is ROME's edit, R (C⁻¹k)ᵀ/(kᵀC⁻¹k) (Meng et al. 2022), with one and the same key in numerator and
/// denominator, as r-ROME (Gupta et al. 2024) has it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EditOptions {
    /// ρ, an L2 penalty on the edit.
    pub ridge: Ridge,
    /// Whether the bias is edited too: it then takes the part of the change that has nothing to do with the key. It is not
    /// penalised, and drift is never larger for it (plus ρ‖ΔW‖², where ρ is not 0).
    pub bias: bool,
    /// Whether values are hit exactly.
    pub fit: Fit,
    /// What an edit is to be small in.
    pub measure: Measure,
    /// How values are chosen that are not given.
    pub value: ValueOptions,
}

/// ρ, the strength of an L2 penalty ρ‖ΔW‖² on the edit.
///
/// With 0, what the statistics' keys leave open (C is singular where units are dead or keys few) is used to the full: a key
/// with a part in C's null space is edited along that part alone, at no drift on these data. That is the limit of small ρ.
/// The larger ρ, the less it matters what keys there are; ‖ΔW‖ falls, drift grows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ridge {
    /// ρ = factor·tr(C)/inputs, so many times the mean square of a unit of a key: the same whatever the units are.
    Scaled(f64),
    /// ρ itself.
    Absolute(f64),
}

impl Default for Ridge {
    /// 10⁻³ of the mean square of a unit.
    fn default() -> Self {
        Self::Scaled(1e-3)
    }
}

/// Whether an edit hits its values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Fit {
    /// Each value, exactly; keys must be linearly independent, so that there are no more than the layer has inputs.
    #[default]
    Exact,
    /// As a compromise with drift: ΔW minimises ‖ΔW K − R‖² + λ(tr(ΔW C ΔWᵀ) + ρ‖ΔW‖²), for a λ above 0 (MEMIT, Meng et
    /// al. 2023, whose λ is its `mom2_update_weight`). It leaves R − ΔW K = λR(λI + Kᵀ(C + ρI)⁻¹K)⁻¹, and is exact in the
    /// limit of λ to 0.
    Soft(f64),
}

/// What an edit is to be small in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// What it does to the keys of the statistics, tr(ΔW C ΔWᵀ) + ρ‖ΔW‖²: ROME.
    #[default]
    Drift,
    /// Its own size, ‖ΔW‖² (plus ‖Δb‖²), whatever keys there are: C = I, the limit of large ρ. To compare with.
    Size,
}

/// What a model is to do for each of some rows.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Wanted<'a, T> {
    /// To give these outputs, (rows, outputs of the model).
    Outputs(ArrayView2<'a, T>),
    /// To take them for these classes, of as many as the model has outputs.
    Classes(&'a Classes),
    /// To have these values behind the edited layer, (rows, outputs of the layer).
    Values(ArrayView2<'a, T>),
}

/// How the value behind a layer is found that leads to what the model is to do.
///
/// Wanted *outputs* are the values themselves where the layer is the last; behind another, Newton's method with the smallest
/// steps, δ ← δ + J⁺(y* − y), finds one from where the value is now; a step that helps not is halved.
///
/// For a wanted *class*, δ minimises, by Adam from 0,
///
/// −ln p(class) + kl·KL(q₀ ‖ q) + decay·‖δ‖/‖v₀‖²
///
/// until p(class) is `probability`, with v₀ the value as it is (where it is 0, ‖v₀‖² counts as its number of units),
/// ‖δ‖ ≤ clamp·‖v₀‖ after each step, and q the probabilities of
/// the other classes among themselves, before (q₀) and after. (ROME's repository has the same three terms; its KL is that of
/// another prompt about the same subject.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueOptions {
    /// How near outputs are to come: |y − y*| is at most so many times the larger of |y| before and |y*|. Newton's method
    /// goes on beyond, as far as numbers go.
    pub tolerance: f64,
    /// Where a wanted class is reached: the probability that it gets, above 0 and below 1.
    pub probability: f64,
    /// Adam's learning rate, in units of √(‖v₀‖²/outputs of the layer).
    pub lr: f64,
    /// At most so many steps, of either method.
    pub steps: usize,
    /// ‖δ‖ is at most so many times ‖v₀‖; it is at least 0, and may be infinite.
    pub clamp: f64,
    /// The weight of the other classes' KL term.
    pub kl: f64,
    /// The weight of ‖δ‖/‖v₀‖².
    pub decay: f64,
}

impl Default for ValueOptions {
    fn default() -> Self {
        Self { tolerance: 1e-5, probability: 0.95, lr: 0.1, steps: 500, clamp: 4.0, kl: 0.0, decay: 0.0 }
    }
}

impl EditOptions {
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.ridge {
            Ridge::Scaled(factor) => non_negative("ridge factor", factor)?,
            Ridge::Absolute(rho) => non_negative("ridge", rho)?,
        };
        if let Fit::Soft(lambda) = self.fit
            && !(lambda.is_finite() && lambda > 0.0)
        {
            return Err(Error::option(
                "lambda",
                number(lambda),
                "a finite number above 0 (Fit::Exact is its limit at 0)",
            ));
        }
        self.value.check().map_err(|error| error.within("value"))
    }
}

impl ValueOptions {
    fn check(&self) -> Result<(), Error> {
        for (field, value) in [("tolerance", self.tolerance), ("lr", self.lr), ("kl", self.kl), ("decay", self.decay)] {
            non_negative(field, value)?;
        }
        if !(self.probability > 0.0 && self.probability < 1.0) {
            return Err(Error::option("probability", number(self.probability), "a number above 0 and below 1"));
        }
        if self.clamp.is_nan() || self.clamp < 0.0 {
            return Err(Error::option("clamp", number(self.clamp), "a number, 0 or above"));
        }
        if self.steps == 0 {
            return Err(Error::option("steps", 0, "at least 1"));
        }
        Ok(())
    }
}

use super::factor;
use std::f64::consts::PI;
use wane_autodiff::{Error, number};

/// The options of [`Schedule::one_cycle`](crate::Schedule::one_cycle), under PyTorch's names and with its defaults:
/// from `max_lr/div_factor` up to `max_lr` in the first part, then down to the start divided by `final_div_factor`
/// (Smith and Topin, *Super-Convergence*, 2019). After `total_steps` the last value stays.
///
/// The values are absolute: the base plays no part. PyTorch's cycle of momentum is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    /// The peak, finite and ≥ 0.
    pub max_lr: f64,
    /// The length of the cycle, at least 2.
    pub total_steps: u64,
    /// The part of the cycle that rises, above 0 and below 1.
    pub pct_start: f64,
    /// The shape of each part.
    pub anneal_strategy: Anneal,
    /// The peak over the start, above 0.
    pub div_factor: f64,
    /// The start over the end, above 0.
    pub final_div_factor: f64,
    /// Falls back to the start as fast as it rose, then to the end.
    pub three_phase: bool,
}

/// The way from one value to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anneal {
    /// Half a cosine.
    Cos,
    /// A straight line.
    Linear,
}

impl Default for OneCycle {
    /// PyTorch's defaults; `max_lr` and `total_steps` have none there, and here 0.1 and 100.
    fn default() -> Self {
        Self {
            max_lr: 0.1,
            total_steps: 100,
            pct_start: 0.3,
            anneal_strategy: Anneal::Cos,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
}

impl OneCycle {
    pub(super) fn check(&self) -> Result<(), Error> {
        factor("max_lr", self.max_lr)?;
        if self.total_steps < 2 {
            return Err(Error::option("schedule total_steps", self.total_steps, "at least 2"));
        }
        // PyTorch divides by zero where a phase has no length.
        let phases = self.phases();
        let begins = phases.iter().scan(0.0, |begin, phase| Some(std::mem::replace(begin, phase.end)));
        if !(self.pct_start > 0.0 && self.pct_start < 1.0) || begins.zip(&phases).any(|(begin, p)| p.end <= begin) {
            let expected = format!("between 0 and 1, so that each part of {} steps has at least one", self.total_steps);
            return Err(Error::option("schedule pct_start", number(self.pct_start), expected));
        }
        for (field, value) in [("div_factor", self.div_factor), ("final_div_factor", self.final_div_factor)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::option(format!("schedule {field}"), number(value), "a finite number above 0"));
            }
        }
        if phases.iter().any(|phase| !(phase.from.is_finite() && phase.to.is_finite())) {
            let expected = "one by which max_lr and the start can be divided";
            return Err(Error::option("schedule div_factor", number(self.div_factor), expected));
        }
        Ok(())
    }

    fn phases(&self) -> Vec<Phase> {
        let (total, rise) = (self.total_steps as f64, self.pct_start * self.total_steps as f64);
        let start = self.max_lr / self.div_factor;
        let end = start / self.final_div_factor;
        let up = Phase { end: rise - 1.0, from: start, to: self.max_lr };
        if self.three_phase {
            let back = Phase { end: 2.0 * rise - 2.0, from: self.max_lr, to: start };
            vec![up, back, Phase { end: total - 1.0, from: start, to: end }]
        } else {
            vec![up, Phase { end: total - 1.0, from: self.max_lr, to: end }]
        }
    }

    pub(super) fn at(&self, t: u64) -> f64 {
        let t = (t as f64).min(self.total_steps as f64 - 1.0);
        let mut begin = 0.0;
        for Phase { end, from, to } in self.phases() {
            if t <= end {
                let passed = (t - begin) / (end - begin);
                return match self.anneal_strategy {
                    Anneal::Cos => to + (from - to) / 2.0 * ((PI * passed).cos() + 1.0),
                    Anneal::Linear => (to - from) * passed + from,
                };
            }
            begin = end;
        }
        unreachable!("the last phase ends with the cycle")
    }
}

/// A part of a cycle that ends at time `end`, in whole steps or not.
struct Phase {
    end: f64,
    from: f64,
    to: f64,
}

/// The options of [`Schedule::cyclic`](crate::Schedule::cyclic), under PyTorch's names and with its defaults: from
/// `base_lr` up to `max_lr` and back, again and again (Smith, *Cyclical Learning Rates*, 2017).
///
/// The values are absolute: the group's own rate plays no part. PyTorch's cycle of momentum is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cyclic {
    /// The bottom, finite and ≥ 0.
    pub base_lr: f64,
    /// The top of the first cycle, finite and ≥ 0.
    pub max_lr: f64,
    /// Steps up, at least 1.
    pub step_size_up: u64,
    /// Steps down; as many as up if `None`.
    pub step_size_down: Option<u64>,
    /// How later cycles shrink.
    pub mode: CyclicMode,
}

/// What becomes of the height of a [`Cyclic`] schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CyclicMode {
    /// It stays.
    Triangular,
    /// It is halved from cycle to cycle.
    Triangular2,
    /// It is multiplied by this gamma from step to step.
    ExpRange(f64),
}

impl Default for Cyclic {
    /// PyTorch's defaults; `base_lr` and `max_lr` have none there, and here 1e-3 and 0.1.
    fn default() -> Self {
        Self { base_lr: 1e-3, max_lr: 0.1, step_size_up: 2000, step_size_down: None, mode: CyclicMode::Triangular }
    }
}

impl Cyclic {
    pub(super) fn check(&self) -> Result<(), Error> {
        factor("base_lr", self.base_lr)?;
        factor("max_lr", self.max_lr)?;
        super::steps("step_size_up", self.step_size_up)?;
        self.step_size_down.map_or(Ok(()), |down| super::steps("step_size_down", down))?;
        if let CyclicMode::ExpRange(gamma) = self.mode {
            factor("gamma", gamma)?;
        }
        Ok(())
    }

    pub(super) fn at(&self, t: u64) -> f64 {
        let (t, up) = (t as f64, self.step_size_up as f64);
        let total = up + self.step_size_down.map_or(up, |down| down as f64);
        let cycle = (1.0 + t / total).floor();
        let (at, rise) = (1.0 + t / total - cycle, up / total);
        let height = if at <= rise { at / rise } else { (at - 1.0) / (rise - 1.0) };
        let scale = match self.mode {
            CyclicMode::Triangular => 1.0,
            CyclicMode::Triangular2 => 1.0 / 2.0_f64.powf(cycle - 1.0),
            CyclicMode::ExpRange(gamma) => gamma.powf(t),
        };
        self.base_lr + (self.max_lr - self.base_lr) * height * scale
    }
}

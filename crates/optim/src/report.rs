use crate::clip::norm;
use crate::{DecayKind, Optimizer, Rule};
use std::fmt;
use wane_autodiff::{Error, Float, Grads, Params};

/// What one step did to the weights of each group, and what its decay leads to.
#[derive(Clone, Debug)]
pub struct WeightReport {
    /// One a group, in their order.
    pub groups: Vec<GroupReport>,
}

/// A group in a [`WeightReport`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GroupReport {
    /// ‖θ‖₂ after the step.
    pub weights: f64,
    /// ‖θ‖∞ after the step.
    pub largest: f64,
    /// ‖g‖₂ of the gradient given, decay not included.
    pub gradient: f64,
    /// ‖Δθ‖₂, decay included.
    pub update: f64,
    /// The learning rate of the step.
    pub lr: f64,
    /// The kind of decay.
    pub kind: DecayKind,
    /// By which part decay alone shrinks a weight in a step: lr·λ, and (lr/lr₀)·λ if fully decoupled. For coupled decay
    /// lr·λ too, which holds where the optimizer is plain SGD.
    pub rate: f64,
    /// 1/rate, the number of steps over which weights average their updates (Wang and Aitchison, *How to set AdamW's
    /// weight decay as you scale model and dataset size*, 2024); infinite without decay.
    pub averaging_time: f64,
    /// What ‖θ‖∞ comes down to at the most once training is at equilibrium, if a step is at most lr, as Adam's is, and
    /// decay is decoupled: lr/rate, which is 1/λ for AdamW (Xie and Li, *Implicit Bias of AdamW: ℓ∞ Norm Constrained
    /// Optimization*, 2024).
    pub bound: Option<f64>,
}

impl<T: Float, R: Rule> Optimizer<T, R> {
    /// Looks at a step just made, before time [advances](Optimizer::advance): `before` is a copy of the parameters from before it, `grads` what was given to it.
    ///
    /// # Errors
    /// Parameters or gradients that are not of one layout, or not of this optimizer's.
    pub fn weight_report(
        &self,
        before: &Params<T>,
        after: &Params<T>,
        grads: &Grads<T>,
    ) -> Result<WeightReport, Error> {
        for (layout, what) in
            [(before.layout(), "layout of the parameters before"), (grads.layout(), "layout of the gradients")]
        {
            after.layout().expect_same(layout, what).map_err(|error| error.within("WeightReport"))?;
        }
        let mut groups = Vec::with_capacity(self.groups().len());
        for group in self.groups() {
            let (mut theta, mut g, mut moved) = (Vec::new(), Vec::new(), Vec::new());
            for &id in group.params() {
                let range = after.layout().entry(id)?.range();
                theta.extend_from_slice(&after.as_slice()[range.clone()]);
                g.extend_from_slice(&grads.as_slice()[range.clone()]);
                let steps = after.as_slice()[range.clone()].iter().zip(&before.as_slice()[range]);
                moved.extend(steps.map(|(&after, &before)| after - before));
            }
            let (kind, lr) = (group.decay().kind(), group.lr());
            let pull = group.now.pull;
            let rate = if kind == DecayKind::Coupled { lr * pull.coupled } else { pull.rate };
            let is_bounded = R::STEP_IS_AT_MOST_LR && pull.rate > 0.0 && !group.decay().has_reference();
            groups.push(GroupReport {
                weights: norm(&theta),
                largest: theta.iter().map(|theta| theta.abs()).fold(T::zero(), T::max_or_nan).widen(),
                gradient: norm(&g),
                update: norm(&moved),
                lr,
                kind,
                rate,
                averaging_time: 1.0 / rate,
                bound: is_bounded.then(|| lr / rate),
            });
        }
        Ok(WeightReport { groups })
    }
}

/// A table, one line a group.
impl fmt::Display for WeightReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["group", "‖θ‖₂", "‖θ‖∞", "‖g‖₂", "‖Δθ‖₂", "lr", "rate", "steps", "bound on ‖θ‖∞"];
        writeln!(f, "{}", head.map(|title| format!("{title:>10}")).join(" "))?;
        for (number, group) in self.groups.iter().enumerate() {
            let &GroupReport { weights, largest, gradient, update, lr, rate, averaging_time, bound, .. } = group;
            write!(f, "{number:>10}")?;
            for value in [weights, largest, gradient, update, lr, rate] {
                write!(f, " {value:>10.3e}")?;
            }
            let or_dash = |value: f64| if value.is_finite() { format!("{value:.4}") } else { "–".to_owned() };
            writeln!(f, " {:>10} {:>10}", or_dash(averaging_time), or_dash(bound.unwrap_or(f64::INFINITY)))?;
        }
        Ok(())
    }
}

use super::Pruner;
use super::successive_halving::{Rungs, check_reduction_factor, most_steps};
use crate::StudyView;
use std::sync::OnceLock;
use wane_autodiff::Error;

/// The options of [`HyperbandPruner`], under Optuna's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HyperbandOptions {
    /// The step of the first rung of the first bracket, at least 1.
    pub min_resource: u64,
    /// How many steps a trial has, at least `min_resource`. Without it, one more than the largest step that a complete trial
    /// has reported when the pruner is first asked; until a trial is complete, none is pruned.
    pub max_resource: Option<u64>,
    /// η, as in [`SuccessiveHalvingOptions`](super::SuccessiveHalvingOptions); at least 2.
    pub reduction_factor: u64,
    /// As there. Not without `max_resource`, unless 0.
    pub bootstrap_count: usize,
}

impl Default for HyperbandOptions {
    fn default() -> Self {
        Self { min_resource: 1, max_resource: None, reduction_factor: 3, bootstrap_count: 0 }
    }
}

/// Hyperband (Li et al. 2018, <https://jmlr.org/papers/v18/16-558.html>), as Optuna does it: B brackets, each a successive
/// halving that leaves out the first s rungs, s = 0 … B − 1; a trial is compared with those of its own bracket. Samplers
/// learn from all trials, as Optuna 5's TPE and Gaussian process do.
///
/// - B = ⌊ln(max_resource / min_resource) / ln η⌋ + 1 in f64, as Optuna computes it: 243 steps at η = 3 give 5 brackets,
///   not 6, for the quotient is 4.999999999999999.
/// - Bracket s has the budget ⌈B·η^(B−1−s) / (B−s)⌉. A trial's place among the budgets of all is the CRC-32 of
///   `{study name}_{trial number}`, modulo their sum: every process, of wane's or of Optuna's, puts it into the same one.
#[derive(Debug)]
pub struct HyperbandPruner {
    options: HyperbandOptions,
    /// The budget of each bracket.
    budgets: OnceLock<Vec<u128>>,
}

impl HyperbandPruner {
    /// With these options.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(options: HyperbandOptions) -> Result<Self, Error> {
        let HyperbandOptions { min_resource, max_resource, reduction_factor, bootstrap_count } = options;
        if min_resource == 0 {
            return Err(Error::option("min_resource", 0, "at least 1"));
        }
        check_reduction_factor(reduction_factor)?;
        if let Some(max_resource) = max_resource.filter(|&steps| steps < min_resource) {
            return Err(Error::option("max_resource", max_resource, format!("at least min_resource, {min_resource}")));
        }
        if bootstrap_count > 0 && max_resource.is_none() {
            return Err(Error::option("bootstrap_count", bootstrap_count, "0, without max_resource"));
        }
        let budgets = OnceLock::new();
        if let Some(max_resource) = max_resource {
            budgets.get_or_init(|| self::budgets(min_resource, max_resource, reduction_factor));
        }
        Ok(Self { options, budgets })
    }

    /// None until the brackets are known.
    fn bracket(&self, study_name: &str, trial: usize) -> Option<usize> {
        let budgets = self.budgets.get()?;
        let all: u128 = budgets.iter().sum();
        let hash = crc32fast::hash(format!("{study_name}_{trial}").as_bytes());
        let mut place = u128::from(hash).checked_rem(all)?;
        budgets.iter().position(|&budget| match place.checked_sub(budget) {
            Some(left) => {
                place = left;
                false
            }
            None => true,
        })
    }
}

fn budgets(min_resource: u64, max_resource: u64, reduction_factor: u64) -> Vec<u128> {
    let factor = reduction_factor as f64;
    let halvings = ((max_resource as f64 / min_resource as f64).ln() / factor.ln()).floor();
    if halvings < 0.0 {
        return Vec::new();
    }
    let brackets = halvings as i32 + 1;
    let budget = |left: i32| (f64::from(brackets) * factor.powi(left) / f64::from(left + 1)).ceil();
    (0..brackets).rev().map(|left| budget(left) as u128).collect()
}

impl Pruner for HyperbandPruner {
    fn prune(&self, view: &StudyView<'_>) -> Result<bool, Error> {
        let HyperbandOptions { min_resource, reduction_factor, bootstrap_count, .. } = self.options;
        if self.budgets.get().is_none() {
            let Some(steps) = most_steps(view.trials) else { return Ok(false) };
            self.budgets.get_or_init(|| budgets(min_resource, steps.saturating_add(1), reduction_factor));
        }
        let name = view.study_name;
        let Some(bracket) = self.bracket(name, view.trial.number) else { return Ok(false) };
        let is_peer = |number: usize| self.bracket(name, number) == Some(bracket);
        let peers: Vec<_> = view.trials.iter().filter(|trial| is_peer(trial.number)).cloned().collect();
        let rungs = Rungs { min_resource, reduction_factor, min_early_stopping_rate: bracket as u32, bootstrap_count };
        rungs.prune(&StudyView { trials: &peers, ..*view })
    }
}

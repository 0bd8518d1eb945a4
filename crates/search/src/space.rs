use crate::{Distribution, TrialRecord, TrialState};
use std::collections::BTreeMap;

/// Parameters and the distributions they have, by name.
pub type SearchSpace = BTreeMap<String, Distribution>;

/// The parameters that all trials in one of the states have, from the same distribution (Optuna's
/// `IntersectionSearchSpace`); without those that have one value only, or more than can be sampled from.
pub(crate) fn intersection<'a>(trials: impl Iterator<Item = &'a TrialRecord>, states: &[TrialState]) -> SearchSpace {
    let mut trials = trials.filter(|trial| states.contains(&trial.state));
    let Some(first) = trials.next() else { return SearchSpace::new() };
    let can_vary = |of: &Distribution| !of.is_single() && of.check_exact().is_ok();
    let several = first.params.iter().filter(|(_, param)| can_vary(&param.distribution));
    let mut common: Vec<_> = several.map(|(name, param)| (name, &param.distribution)).collect();
    for trial in trials {
        if common.is_empty() {
            break;
        }
        common.retain(|(name, distribution)| trial.params.get(*name).is_some_and(|p| p.distribution == **distribution));
    }
    common.into_iter().map(|(name, distribution)| (name.clone(), distribution.clone())).collect()
}

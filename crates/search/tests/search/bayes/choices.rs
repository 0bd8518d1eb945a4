//! What is chosen of what was drawn, and which trials count as good.

use ndarray::{Array1, array};
use rand::SeedableRng;
use serde_json::{Value, json};
use std::sync::Arc;
use wane_autodiff::Rng;
use wane_search::samplers::{Sampler, TpeSampler};
use wane_search::storage::InMemory;
use wane_search::{
    Direction, Distribution, Param, ParzenEstimator, ParzenOptions, SearchSpace, StudyView, TrialRecord, TrialState,
};

fn distribution() -> Distribution {
    Distribution::float(0.0, 1.0).unwrap()
}

/// Trials with these values of x, objective values and constraints, and one that runs.
fn trials(past: &[(f64, f64, Value)]) -> Vec<Arc<TrialRecord>> {
    let mut trials: Vec<_> = past
        .iter()
        .map(|(x, value, constraints)| {
            let mut trial = TrialRecord::new(TrialState::Complete);
            trial.values = Some(vec![*value]);
            trial.params.insert("x".into(), Param { distribution: distribution(), internal: *x });
            for (name, value) in constraints.as_object().into_iter().flatten() {
                trial.system_attrs.insert(name.clone(), value.clone());
            }
            trial
        })
        .collect();
    trials.push(TrialRecord::new(TrialState::Running));
    trials.iter_mut().enumerate().for_each(|(number, trial)| trial.number = number);
    trials.into_iter().map(Arc::new).collect()
}

fn with_view<T>(trials: &[Arc<TrialRecord>], with: impl FnOnce(&StudyView<'_>) -> T) -> T {
    let (storage, trial) = (InMemory::new(), trials.last().unwrap());
    let direction = Direction::Minimize;
    with(&StudyView { study_name: "past", direction, trial, trials, rank: Some(0), storage: &storage })
}

#[test]
fn tpe_chooses_the_candidate_with_the_largest_ratio() {
    let past: Vec<_> =
        (0..20).map(|i| f64::from(i * i % 23) / 23.0).map(|x| (x, (x - 0.6).powi(2), json!({}))).collect();
    let (sampler, space) = (TpeSampler::default(), SearchSpace::from([("x".to_owned(), distribution())]));
    with_view(&trials(&past), |view| {
        for seed in 0..20 {
            let (mut rng, mut same) = (Rng::seed_from_u64(seed), Rng::seed_from_u64(seed));
            let chosen = sampler.sample_independent(view, "x", &distribution(), &mut rng).unwrap();
            let (below, above) = sampler.estimators(view, &space).unwrap();
            let candidates = below.sample(24, &mut same);
            let scores: Array1<f64> =
                below.log_pdf(candidates.view()).unwrap() - above.log_pdf(candidates.view()).unwrap();
            let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let place = candidates.iter().position(|&x| x == chosen).unwrap();
            assert!(scores[place] == best && scores.iter().any(|&score| score < best - 0.1));
        }
    });
}

/// Of ten trials, one is good: the one of which alone the density l is made.
fn good(constraints: &dyn Fn(usize) -> Value) -> usize {
    let x = |i: usize| (i as f64 + 0.5) / 10.0;
    let past: Vec<_> = (0..10).map(|i| (x(i), i as f64, constraints(i))).collect();
    let space = SearchSpace::from([("x".to_owned(), distribution())]);
    let (below, _) = with_view(&trials(&past), |view| TpeSampler::default().estimators(view, &space)).unwrap();
    let alone = |i: usize| ParzenEstimator::new(&space, array![[x(i)]].view(), &ParzenOptions::default()).unwrap();
    let at = array![[0.0], [0.4], [1.0]];
    let density = |of: &ParzenEstimator| of.log_pdf(at.view()).unwrap();
    (0..10).find(|&i| density(&alone(i)) == density(&below)).unwrap()
}

/// `_split_trials` of Optuna 5's TPE: the sum of constraints above 0 comes before the value; what is kept one by one replaces
/// what is in the list.
#[test]
fn trials_that_violate_a_constraint_are_the_worst() {
    assert_eq!(good(&|_| json!({})), 0);
    assert_eq!(good(&|i| if i < 3 { json!({"constraints": [-5.0, 1e-3]}) } else { json!({"constraints": [0.0]}) }), 3);
    assert_eq!(good(&|i| json!({"constraints:size": if i == 7 { 1.5 } else { 2.0 }})), 7);
    assert_eq!(good(&|i| json!({"constraints": [1, 1], "constraints:1": if i == 4 { -9 } else { 1 }})), 4);
}

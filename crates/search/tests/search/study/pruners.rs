//! What the pruners do beside Optuna's tables.

use super::bare;
use std::sync::Arc;
use wane_autodiff::{Error, Rng};
use wane_search::pruners::{
    HyperbandOptions, HyperbandPruner, NoPruner, Pruner, SuccessiveHalvingOptions, SuccessiveHalvingPruner,
};
use wane_search::samplers::Sampler;
use wane_search::{Distribution, Study, StudyOptions, StudyView, TrialError};

fn study_with(pruner: impl Pruner + 'static) -> Study {
    Study::create(StudyOptions { pruner: Arc::new(pruner), ..Default::default() }).unwrap()
}

#[test]
fn no_pruner_stops_nothing() {
    let study = study_with(NoPruner);
    for value in [1.0, f64::NAN, f64::INFINITY, 5.0] {
        let mut trial = study.ask().unwrap();
        trial.report(0, value).unwrap();
        assert!(!trial.should_prune().unwrap());
        study.tell(trial.number(), 0.0).unwrap();
    }
}

#[test]
fn infinite_values_tie_on_a_rung() {
    let options = SuccessiveHalvingOptions { min_resource: Some(1), reduction_factor: 2, ..Default::default() };
    let study = study_with(SuccessiveHalvingPruner::new(options).unwrap());
    let mut stopped = Vec::new();
    for value in [f64::INFINITY, f64::INFINITY, 1.0, 2.0, f64::NEG_INFINITY, f64::INFINITY] {
        let mut trial = study.ask().unwrap();
        trial.report(1, value).unwrap();
        stopped.push(trial.should_prune().unwrap());
        study.tell(trial.number(), 0.0).unwrap();
    }
    assert_eq!(stopped, [false, false, false, false, false, true]);
    let rung: Vec<_> = bare(&study).iter().map(|trial| trial.system_attrs["completed_rung_0"].as_f64()).collect();
    assert_eq!(rung, [f64::MAX, f64::MAX, 1.0, 2.0, f64::MIN, f64::MAX].map(Some));
}

/// Suggests how many trials it sees.
#[derive(Debug)]
struct Counting;

impl Sampler for Counting {
    fn sample_independent(&self, view: &StudyView<'_>, _: &str, _: &Distribution, _: &mut Rng) -> Result<f64, Error> {
        assert!(view.trials.iter().any(|trial| trial.number == view.trial.number));
        Ok(view.trials.len() as f64)
    }
}

/// As Optuna's do, which don't ask Hyperband's brackets.
#[test]
fn samplers_learn_from_all_brackets() {
    let options = HyperbandOptions { max_resource: Some(27), ..Default::default() };
    let pruner = Arc::new(HyperbandPruner::new(options).unwrap());
    let study = Study::create(StudyOptions { pruner, sampler: Arc::new(Counting), ..Default::default() }).unwrap();
    study
        .optimize(30, |trial| match trial.suggest_float("seen", 0.0..=100.0) {
            Ok(seen) => Ok(seen),
            Err(error) => Err(TrialError::from(error)),
        })
        .unwrap();
    let seen: Vec<_> = bare(&study).iter().map(|trial| trial.value().unwrap() as usize).collect();
    assert_eq!(seen, (1..=30).collect::<Vec<_>>());
}

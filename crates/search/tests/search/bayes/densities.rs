//! TPE's densities are Optuna 5's, on past trials of many kinds; scripts/optuna_samplers.py wrote the values.

use ndarray::Array2;
use rand::SeedableRng;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use wane_autodiff::Rng;
use wane_search::samplers::{Sampler, TpeOptions, TpeSampler};
use wane_search::storage::{InMemory, Storage};
use wane_search::{
    Choice, Direction, Distribution, Param, ParzenEstimator, SearchSpace, Study, StudyOptions, StudyView, TrialRecord,
    TrialState,
};

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    direction: String,
    multivariate: bool,
    constant_liar: bool,
    distributions: BTreeMap<String, Written>,
    /// Those that some trials have instead.
    changed: BTreeMap<String, Written>,
    trials: Vec<Past>,
    /// The parameters that Optuna chooses together.
    relative: Vec<String>,
    /// The parameters of the densities.
    asked: Vec<String>,
    points: BTreeMap<String, Vec<f64>>,
    below: Vec<f64>,
    above: Vec<f64>,
    score: Vec<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "name", content = "attributes")]
enum Written {
    #[serde(rename = "FloatDistribution")]
    Float { low: f64, high: f64, log: bool, step: Option<f64> },
    #[serde(rename = "IntDistribution")]
    Int { low: i64, high: i64, log: bool, step: i64 },
    #[serde(rename = "CategoricalDistribution")]
    Categorical { choices: Vec<String> },
}

#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Past {
    state: String,
    /// Internal values.
    params: BTreeMap<String, f64>,
    changed: bool,
    value: Option<Value>,
    intermediates: BTreeMap<u64, Value>,
    attrs: BTreeMap<String, Value>,
}

impl Written {
    fn read(&self) -> Distribution {
        match self.clone() {
            Self::Float { low, high, log, step } => Distribution::Float { low, high, log, step },
            Self::Int { low, high, log, step } => Distribution::Int { low, high, log, step },
            Self::Categorical { choices } => {
                Distribution::Categorical { choices: choices.into_iter().map(Choice::from).collect() }
            }
        }
    }
}

/// A number, or the name of one that JSON does not have.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

impl Case {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../../data/tpe.json")).unwrap()
    }

    fn trials(&self) -> Vec<Arc<TrialRecord>> {
        let mut trials: Vec<_> = self.trials.iter().map(|past| self.record(past)).collect();
        trials.push(TrialRecord::new(TrialState::Running));
        trials.iter_mut().enumerate().for_each(|(number, trial)| trial.number = number);
        trials.into_iter().map(Arc::new).collect()
    }

    fn record(&self, past: &Past) -> TrialRecord {
        let state = match past.state.as_str() {
            "COMPLETE" => TrialState::Complete,
            "PRUNED" => TrialState::Pruned,
            "RUNNING" => TrialState::Running,
            _ => TrialState::Fail,
        };
        let mut trial = TrialRecord::new(state);
        trial.values = past.value.as_ref().map(|value| vec![number(value)]);
        trial.intermediates = past.intermediates.iter().map(|(&step, value)| (step, number(value))).collect();
        trial.system_attrs = past.attrs.clone();
        for (name, &internal) in &past.params {
            let changed = self.changed.get(name).filter(|_| past.changed);
            let distribution = changed.unwrap_or(&self.distributions[name]).read();
            trial.params.insert(name.clone(), Param { distribution, internal });
        }
        trial
    }

    fn space(&self) -> SearchSpace {
        self.asked.iter().map(|name| (name.clone(), self.distributions[name].read())).collect()
    }

    fn sampler(&self) -> TpeSampler {
        let (multivariate, constant_liar) = (self.multivariate, self.constant_liar);
        TpeSampler::new(TpeOptions { multivariate, constant_liar, ..Default::default() }).unwrap()
    }

    /// Calls `with` with a view of the study from its last trial.
    fn view<T>(&self, with: impl FnOnce(&StudyView<'_>) -> T) -> T {
        let (trials, storage) = (self.trials(), InMemory::new());
        let direction = if self.direction == "maximize" { Direction::Maximize } else { Direction::Minimize };
        let trial = trials.last().unwrap();
        with(&StudyView { study_name: "past", direction, trial, trials: &trials, rank: None, storage: &storage })
    }
}

#[test]
fn l_and_g_and_their_ratio_are_optunas() {
    for case in Case::all() {
        let space = case.space();
        let (below, above) = case.view(|view| case.sampler().estimators(view, &space)).unwrap();
        let points = Array2::from_shape_fn((case.below.len(), space.len()), |(i, j)| case.points[&case.asked[j]][i]);
        let densities = [below, above].map(|estimator: ParzenEstimator| estimator.log_pdf(points.view()).unwrap());
        let score = &densities[0] - &densities[1];
        let [below, above] = &densities;
        for (what, got, reference) in
            [("l", below, &case.below), ("g", above, &case.above), ("score", &score, &case.score)]
        {
            for (i, (got, reference)) in got.iter().zip(reference).enumerate() {
                let off = (got - reference).abs();
                assert!(off <= 1e-12, "{}, {what} of point {i}: {got}, not {reference}: {off:e}", case.name);
            }
        }
    }
}

#[test]
fn what_is_chosen_together_is_what_optuna_would() {
    let storage = Arc::new(InMemory::new());
    let study = Study::create(StudyOptions { storage: storage.clone(), ..Default::default() }).unwrap();
    let running = study.ask().unwrap();
    for case in Case::all() {
        let mut rng = Rng::seed_from_u64(0);
        let chosen = case.view(|view| {
            let trial = storage.trials(0).unwrap().swap_remove(running.number());
            let trial = TrialRecord { number: case.trials.len(), ..(*trial).clone() };
            let view = StudyView { trial: &trial, storage: storage.as_ref(), ..*view };
            case.sampler().sample_relative(&view, &mut rng).unwrap()
        });
        assert_eq!(chosen.keys().collect::<Vec<_>>(), case.relative.iter().collect::<Vec<_>>(), "{}", case.name);
        assert!(chosen.values().all(|param| param.distribution.contains(param.internal)), "{}: {chosen:?}", case.name);
    }
}

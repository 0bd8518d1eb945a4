//! What grids, random and quasi-random points are.

use super::{bare, study, study_with};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wane_autodiff::Rng;
use wane_autodiff::rand::SeedableRng;
use wane_search::samplers::{GridSampler, QmcSampler, RandomSampler, Sampler, TpeSampler};
use wane_search::storage::{InMemory, Storage};
use wane_search::{Study, StudyOptions, Trial, TrialRecord, TrialState};

fn grid() -> GridSampler {
    GridSampler::new([("c", vec!["x".into(), "y".into()]), ("a", vec![3.into(), 1.into()]), ("b", vec![0.5.into()])])
        .unwrap()
}

/// scikit-learn 1.9: `list(ParameterGrid({"c": ["x", "y"], "a": [3, 1], "b": [0.5]}))`.
#[test]
fn a_grid_has_scikit_learns_order() {
    let grid = grid();
    let points: Vec<_> = (0..5).map_while(|rank| grid.point(rank)).collect();
    let expected = [(3, "x"), (3, "y"), (1, "x"), (1, "y")];
    let expected = expected.map(|(a, c)| [("a", a.into()), ("b", 0.5.into()), ("c", c.into())]);
    assert_eq!((points.len(), grid.len()), (4, 4));
    for (point, expected) in points.iter().zip(&expected) {
        assert_eq!(point, &expected.iter().map(|(name, value)| (*name, value)).collect::<BTreeMap<_, _>>());
    }
}

#[test]
fn a_shuffled_grid_has_every_point_once() {
    let of = |seed: u64| {
        let values = |n: i64| (0..n).map(Into::into).collect();
        let grid = GridSampler::new([("a", values(12)), ("b", values(10))]).unwrap();
        let grid = grid.shuffled(&mut Rng::seed_from_u64(seed)).unwrap();
        (0..120).map(|rank| format!("{:?}", grid.point(rank).unwrap())).collect::<Vec<_>>()
    };
    let (first, second) = (of(1), of(2));
    let set = |points: &[String]| points.iter().cloned().collect::<BTreeSet<_>>();
    assert!(first == of(1) && first != second && set(&first) == set(&second) && set(&first).len() == 120);
}

#[test]
fn a_grid_leaves_the_queue_and_failures_out_of_its_count() {
    let study = study_with(grid());
    study.enqueue([("a", 1.into()), ("c", "y".into()), ("b", 0.5.into())]).unwrap();
    study.enqueue([("a", 1.into())]).unwrap();
    study
        .optimize(100, |trial| {
            let a = trial.suggest_int("a", 1..=3)?;
            trial.suggest_float("b", 0.0..=1.0)?;
            let c = trial.suggest_categorical("c", &["x", "y"])?;
            if trial.number() == 3 { Ok(f64::NAN) } else { Ok((a * 10 + i64::from(c == "y")) as f64) }
        })
        .unwrap();
    let trials = bare(&study);
    let values: Vec<_> = trials.iter().map(TrialRecord::value).collect();
    assert_eq!(values, [Some(11.0), None, Some(30.0), None, Some(10.0), Some(11.0)]);
    let reason = "b: trial from the queue is without this parameter; expected one with all parameters, when the sampler \
                  is a grid";
    assert_eq!(trials[1].fail_reason(), Some(reason));
    let error = study.ask().unwrap_err();
    assert_eq!(
        error.to_string(),
        "number of trials is more than 4; expected no more than the sampler has parameters for"
    );
}

#[test]
fn a_grid_counts_its_own_trials_alone() {
    let storage: Arc<dyn Storage> = Arc::new(InMemory::new());
    let with = |sampler: Arc<dyn Sampler>| {
        Study::create(StudyOptions { sampler, storage: storage.clone(), load_if_exists: true, ..Default::default() })
            .unwrap()
    };
    let objective = |trial: &mut Trial| {
        trial.suggest_float("b", 0.0..=1.0)?;
        Ok((trial.suggest_int("a", 1..=3)? * 10) as f64
            + f64::from(trial.suggest_categorical("c", &["x", "y"])? == "y"))
    };
    with(Arc::new(RandomSampler)).optimize(5, objective).unwrap();
    with(Arc::new(grid())).optimize(3, objective).unwrap();
    with(Arc::new(QmcSampler::new(1))).optimize(2, objective).unwrap();
    // The same grid, made again, goes on at its last point, and another begins at its first.
    with(Arc::new(grid())).optimize(100, objective).unwrap();
    let other = [("c", vec!["y".into()]), ("a", vec![2.into()]), ("b", vec![0.5.into()])];
    with(Arc::new(GridSampler::new(other).unwrap())).optimize(100, objective).unwrap();
    let study = with(Arc::new(RandomSampler));
    let values: Vec<_> = bare(&study).iter().map(|trial| trial.value().unwrap()).collect();
    assert_eq!(values.len(), 12);
    assert_eq!((&values[5..8], &values[10..]), (&[30.0, 31.0, 10.0][..], &[11.0, 21.0][..]));
}

#[test]
fn a_point_of_the_grid_that_was_left_running_is_not_lost() {
    let objective = |trial: &mut Trial| {
        trial.suggest_float("b", 0.0..=1.0)?;
        Ok((trial.suggest_int("a", 1..=3)? * 10) as f64 + trial.suggest_categorical("c", &["x", "y"])?.len() as f64)
    };
    let study = study_with(grid());
    study.optimize(1, objective).unwrap();
    drop(study.ask().unwrap());
    study.optimize(1, objective).unwrap();
    assert_eq!(study.requeue_running().unwrap(), [3]);
    study.optimize(100, objective).unwrap();
    let point = |trial: &TrialRecord| (trial.params["a"].internal as i64, trial.params["c"].internal as i64);
    let complete = |trial: &&TrialRecord| trial.state == TrialState::Complete;
    let points: Vec<_> = bare(&study).iter().filter(complete).map(point).collect();
    assert_eq!(points, [(3, 0), (1, 0), (3, 1), (1, 1)]);
}

/// The largest distance of the points' distribution function from the uniform one, at the points of a lattice.
fn discrepancy(study: &Study) -> f64 {
    let points: Vec<_> = bare(study).iter().map(|trial| ["x", "y"].map(|name| trial.params[name].internal)).collect();
    let below = |x: f64, y: f64| points.iter().filter(|[a, b]| *a < x && *b < y).count() as f64 / points.len() as f64;
    let places = (1..=16).flat_map(|i| (1..=16).map(move |j| (f64::from(i) / 16.0, f64::from(j) / 16.0)));
    places.map(|(x, y)| (below(x, y) - x * y).abs()).fold(0.0, f64::max)
}

#[test]
fn quasi_random_points_fill_the_square_more_evenly() {
    let run = |study: Study| {
        study
            .optimize(256, |trial| Ok(trial.suggest_float("x", 0.0..=1.0)? + trial.suggest_float("y", 0.0..=1.0)?))
            .unwrap();
        study
    };
    let (random, sobol) = (run(study_with(RandomSampler)), run(study_with(QmcSampler::new(1))));
    // 256 points of a (0, 2)-sequence are exact on this lattice wherever x·y·256 is whole and its box elementary.
    assert!(
        discrepancy(&sobol) < 0.02 && discrepancy(&random) > 0.03,
        "{} {}",
        discrepancy(&sobol),
        discrepancy(&random)
    );
    assert_eq!(bare(&sobol), bare(&run(study_with(QmcSampler::new(1)))));
    assert_ne!(bare(&sobol)[0], bare(&run(study_with(QmcSampler::new(2))))[0]);
    // One in each of 256 strips, either way.
    for name in ["x", "y"] {
        let strips: BTreeSet<u32> =
            bare(&sobol).iter().map(|trial| (trial.params[name].internal * 256.0) as u32).collect();
        assert_eq!(strips.len(), 256);
    }
}

#[test]
fn a_study_is_sampled_by_tpe_unless_told_otherwise() {
    let run = |study: Study| {
        study.optimize(20, |trial| Ok((trial.suggest_float("x", -3.0..=3.0)? - 1.0).powi(2))).unwrap();
        bare(&study)
    };
    let default = run(study());
    assert_eq!(default, run(study_with(TpeSampler::default())));
    let random = run(study_with(RandomSampler));
    let params = |trials: &[TrialRecord]| trials.iter().map(|trial| trial.params.clone()).collect::<Vec<_>>();
    assert_eq!(params(&default[..10]), params(&random[..10]));
    assert_ne!(params(&default[10..]), params(&random[10..]));
}

/// As Optuna does, that a trial whose parameters are all from the queue costs nothing, and others see what is from the queue.
#[test]
fn parameters_are_chosen_together_when_one_is_first_wanted() {
    let study = study();
    let objective = |trial: &mut Trial| {
        let x = trial.suggest_float("x", 0.0..=1.0)?;
        Ok((x - trial.suggest_float("y", 0.0..=1.0)?).powi(2))
    };
    study.optimize(12, objective).unwrap();
    let shared = |number: usize| bare(&study)[number].system_attrs.get("tpe:relative_params:0").cloned();
    let number = study.enqueue([("x", 0.25.into())]).unwrap();
    let mut trial = study.ask().unwrap();
    trial.suggest_float("x", 0.0..=1.0).unwrap();
    assert_eq!(shared(number), None);
    let y = trial.suggest_float("y", 0.0..=1.0).unwrap();
    let together: serde_json::Value = serde_json::from_str(shared(number).unwrap().as_str().unwrap()).unwrap();
    assert_eq!(together, serde_json::json!({"x": 0.25, "y": y}));
}

#[test]
fn random_values_are_as_likely_as_they_should_be() {
    let study = study_with(RandomSampler);
    study
        .optimize(4000, |trial| {
            trial.suggest_categorical("choice", &[0, 1, 2, 3])?;
            trial.suggest_float_step("step", 0.0..=1.5, 0.5)?;
            trial.suggest_int("int", 1..=4)?;
            trial.suggest_float_log("log", 1e-4..=1.0)?;
            trial.suggest_int_log("int_log", 1..=3)?;
            Ok(0.0)
        })
        .unwrap();
    let trials = bare(&study);
    let share = |name: &str, is_in: &dyn Fn(f64) -> bool| {
        trials.iter().filter(|trial| is_in(trial.params[name].internal)).count() as f64 / 4000.0
    };
    // Of a share of a quarter, 4000 draws are 5 standard deviations within 0.035; of the others less.
    for value in 0..4 {
        let value = f64::from(value);
        for (name, wanted) in [("choice", value), ("step", value / 2.0), ("int", value + 1.0)] {
            let got = share(name, &|value| value == wanted);
            assert!((got - 0.25).abs() < 0.035, "{name} {wanted}: {got}");
        }
        let decade = share("log", &|log| (log.log10() + 4.0).floor() == value);
        assert!((decade - 0.25).abs() < 0.035, "{value}: {decade}");
        // From n - 1/2 to n + 1/2, by log.
        let expected = ((value + 1.5) / (value + 0.5)).ln() / 7.0_f64.ln();
        let got = share("int_log", &|n| n == value + 1.0);
        assert!((got - if value < 3.0 { expected } else { 0.0 }).abs() < 0.04, "{value}: {got}");
    }
    assert!(trials.iter().all(|trial| trial.state == TrialState::Complete));
}

//! What holds of any distribution, and of any sequence of operations.

use proptest::prelude::*;
use std::time::SystemTime;
use wane_search::storage::{Operation, Records};
use wane_search::{AttrKind, Choice, Direction, Distribution, Param, TrialRecord, TrialState};

fn distribution() -> impl Strategy<Value = Distribution> {
    let ordered = |a: f64, b: f64| (a.min(b), a.max(b));
    prop_oneof![
        (-1e6..1e6, -1e6..1e6).prop_map(move |(a, b)| Distribution::float(ordered(a, b).0, ordered(a, b).1)),
        (any::<f64>(), any::<f64>())
            .prop_filter("finite", |(a, b)| a.is_finite() && b.is_finite())
            .prop_map(move |(a, b)| Distribution::float(ordered(a, b).0, ordered(a, b).1)),
        (-300.0..300.0, -300.0..300.0).prop_map(move |(a, b)| {
            let (low, high) = ordered(a, b);
            Distribution::float_log(10_f64.powf(low), 10_f64.powf(high))
        }),
        (-1e3..1e3, 0.0..1e3, 1e-3..1e2).prop_map(|(low, range, step)| Distribution::float_step(
            low,
            low + range,
            step
        )),
        (-1000..1000_i64, 0..2000_i64, 1..50_i64).prop_map(|(low, range, step)| Distribution::int_step(
            low,
            low + range,
            step
        )),
        (-(1_i64 << 53)..=0, 0..=(1_i64 << 53)).prop_map(|(low, high)| Distribution::int(low, high)),
        (1..1000_i64, 0..100_000_i64).prop_map(|(low, range)| Distribution::int_log(low, low + range)),
        (1..20_i64).prop_map(|n| Distribution::categorical(0..n)),
    ]
    .prop_map(Result::unwrap)
}

fn operation() -> impl Strategy<Value = Operation> {
    let state = (0..5_u64).prop_map(|code| TrialState::from_code(code).unwrap());
    let time = SystemTime::UNIX_EPOCH;
    let trial = 0..6_u64;
    prop_oneof![
        1 => (0..3_u32).prop_map(|n| Operation::CreateStudy { name: n.to_string(), directions: vec![Direction::Maximize] }),
        1 => (0..3_u64).prop_map(|study| Operation::DeleteStudy { study }),
        4 => (0..3_u64, state.clone()).prop_map(|(study, state)| {
            Operation::CreateTrial { study, trial: Box::new(TrialRecord::new(state)) }
        }),
        4 => (trial.clone(), state).prop_map(move |(trial, state)| Operation::SetState { trial, state, values: None, time }),
        4 => (trial.clone(), 0..3_u32, distribution(), 0.0..1.0).prop_map(|(trial, name, distribution, point)| {
            let internal = distribution.at(point);
            Operation::SetParam { trial, name: name.to_string(), param: Param { distribution, internal } }
        }),
        2 => (trial.clone(), 0..3_u64, any::<f64>()).prop_map(|(trial, step, value)| {
            Operation::SetIntermediate { trial, step, value }
        }),
        2 => (trial, 0..3_i64).prop_map(|(trial, n)| {
            Operation::SetTrialAttr { trial, kind: AttrKind::User, name: "n".into(), value: n.into() }
        }),
    ]
}

fn all(records: &Records) -> String {
    let studies: Vec<_> = records.studies().map(|study| (study, records.trials(study.id).unwrap())).collect();
    format!("{studies:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_point_is_a_value_and_goes_there_and_back(distribution in distribution(), point in 0.0..1.0_f64) {
        let ends = [0.0, 1.0_f64.next_down()];
        for internal in ends.into_iter().chain([point]).map(|point| distribution.at(point)) {
            prop_assert!(distribution.contains(internal), "{internal} of {distribution}");
            let external = distribution.external(internal).unwrap();
            prop_assert_eq!(distribution.internal(&external).unwrap(), internal);
            prop_assert_eq!(Choice::from_json(&external.to_json().unwrap()).number(), external.number());
        }
        prop_assert!(distribution.contains(distribution.first()));
        // A stepped float's high is rounded, so that it may not be the multiple it stands for.
        if !matches!(distribution, Distribution::Float { step: Some(_), .. }) {
            prop_assert_eq!(distribution.clone().checked().unwrap(), distribution);
        }
    }

    #[test]
    fn what_is_refused_changes_nothing_and_finished_trials_stay(operations in prop::collection::vec(operation(), 1..60)) {
        let (mut records, mut accepted) = (Records::new(), Vec::new());
        for operation in operations {
            let before = records.clone();
            let finished: Vec<_> = records
                .studies()
                .flat_map(|study| records.trials(study.id).unwrap().to_vec())
                .filter(|trial| trial.state.is_finished())
                .collect();
            match records.apply(&operation) {
                Err(_) => prop_assert_eq!(all(&records), all(&before)),
                Ok(_) => {
                    let is_there = |trial: &TrialRecord| records.trial(trial.id).map(|now| format!("{now:?}"));
                    for trial in finished {
                        let is_same = is_there(&trial).map_or(true, |now| now == format!("{trial:?}"));
                        prop_assert!(is_same);
                    }
                    accepted.push(operation);
                }
            }
        }
        let mut again = Records::new();
        for operation in &accepted {
            again.apply(operation).unwrap();
        }
        prop_assert_eq!(all(&again), all(&records));
    }
}

//! Distributions against Optuna's. `scripts/optuna_distributions.py` wrote the values.

use serde_json::Value;
use wane_search::{Choice, Distribution};

const VALUES: &str = include_str!("../../data/distributions.json");

fn check(case: &Value, distribution: Distribution, high: f64) {
    assert_eq!(Some(high), case["adjusted"].as_f64(), "{case}");
    assert_eq!(Some(distribution.is_single()), case["single"].as_bool(), "{case}");
    let values = case["values"].as_array().unwrap().iter().zip(case["contained"].as_array().unwrap());
    for (value, is_contained) in values {
        assert_eq!(Some(distribution.contains(value.as_f64().unwrap())), is_contained.as_bool(), "{value} of {case}");
    }
}

#[test]
fn steps_are_optunas() {
    let values: Value = serde_json::from_str(VALUES).unwrap();
    for case in values["float"].as_array().unwrap() {
        let number = |field: &str| case[field].as_f64().unwrap();
        let distribution = Distribution::float_step(number("low"), number("high"), number("step")).unwrap();
        let Distribution::Float { high, .. } = distribution else { unreachable!() };
        check(case, distribution, high);
    }
    for case in values["int"].as_array().unwrap() {
        let number = |field: &str| case[field].as_i64().unwrap();
        let distribution = Distribution::int_step(number("low"), number("high"), number("step")).unwrap();
        let Distribution::Int { high, .. } = distribution else { unreachable!() };
        check(case, distribution, high as f64);
    }
}

#[test]
fn choices_are_told_apart_as_python_does() {
    let choices = [Choice::Null, true.into(), 2.into(), 0.5.into(), f64::NAN.into(), "2".into()];
    let categorical = Distribution::categorical(choices).unwrap();
    let places = [
        (Choice::Null, 0.0),
        (1.into(), 1.0),
        (1.0.into(), 1.0),
        (2.0.into(), 2.0),
        (0.5.into(), 3.0),
        (f64::NAN.into(), 4.0),
        ("2".into(), 5.0),
    ];
    for (value, place) in places {
        assert_eq!(categorical.internal(&value).unwrap(), place, "{value}");
    }
    let error = categorical.internal(&"3".into()).unwrap_err();
    assert_eq!(error.to_string(), r#"value is "3"; expected one of null, true, 2, 0.5, NaN, "2""#);
}

#[test]
fn a_name_keeps_its_kind_scale_and_choices_but_not_its_bounds() {
    let (float, log) = (Distribution::float(0.0, 1.0).unwrap(), Distribution::float_log(0.1, 1.0).unwrap());
    let (int, int_log) = (Distribution::int(0, 4).unwrap(), Distribution::int_log(1, 4).unwrap());
    let (two, three) = (Distribution::categorical([1, 2]).unwrap(), Distribution::categorical([1, 2, 3]).unwrap());
    let all = [&float, &log, &int, &int_log, &two, &three];
    for (i, a) in all.iter().enumerate() {
        for (j, b) in all.iter().enumerate() {
            assert_eq!(a.check_compatible(b).is_ok(), i == j, "{a} and {b}");
        }
    }
    float.check_compatible(&Distribution::float_step(-5.0, 9.0, 0.5).unwrap()).unwrap();
    int.check_compatible(&Distribution::int_step(-5, 9, 2).unwrap()).unwrap();
    two.check_compatible(&Distribution::categorical([1.0, 2.0]).unwrap()).unwrap();
}

/// As to Optuna, whose workers write 1.0 where wane's write 1.
#[test]
fn distributions_are_equal_if_their_choices_are_the_same() {
    let of = |choices: [Choice; 2]| Distribution::categorical(choices).unwrap();
    assert_eq!(of([1.into(), f64::NAN.into()]), of([1.0.into(), f64::NAN.into()]));
    assert_eq!(of([true.into(), 0.into()]), of([1.into(), false.into()]));
    assert_ne!(of([1.into(), 2.into()]), of([2.into(), 1.into()]));
    assert_ne!(of([1.into(), 2.into()]), of([1.into(), "2".into()]));
}

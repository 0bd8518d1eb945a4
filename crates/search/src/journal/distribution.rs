//! Distributions as a journal has them: JSON in a text.

use super::text::{Number, as_number, not_finite};
use crate::{Choice, Distribution};
use serde_json::Value;

/// The distribution of Optuna's `distribution_to_json`, unchecked; of the short form too that its `json_to_distribution`
/// reads.
pub(super) fn decode(json: &Value) -> Option<Distribution> {
    let (name, attributes) = match json.get("name") {
        Some(name) => (name.as_str()?, json.get("attributes")?),
        None => (json.get("type")?.as_str()?, json),
    };
    let number = |field| attributes.get(field).and_then(as_number);
    let whole = |field| attributes.get(field).and_then(Value::as_i64);
    let log = attributes.get("log").and_then(Value::as_bool).unwrap_or(false);
    match name {
        "FloatDistribution" | "float" => {
            Some(Distribution::Float { low: number("low")?, high: number("high")?, log, step: number("step") })
        }
        "IntDistribution" | "int" => {
            let step = whole("step").unwrap_or(1);
            Some(Distribution::Int { low: whole("low")?, high: whole("high")?, log, step })
        }
        "CategoricalDistribution" | "categorical" => {
            let choices = attributes.get("choices")?.as_array()?.iter();
            Some(Distribution::Categorical { choices: choices.map(choice).collect::<Option<_>>()? })
        }
        _ => None,
    }
}

fn choice(json: &Value) -> Option<Choice> {
    not_finite(json).map_or_else(|| Choice::from_json(json).ok(), |value| Some(Choice::Float(value)))
}

/// What Optuna's `distribution_to_json` writes.
pub(super) fn encode(distribution: &Distribution) -> String {
    let (name, attributes) = match distribution {
        &Distribution::Float { low, high, log, step } => {
            let step = step.map_or("null".into(), |step| Number(step).to_string());
            let (low, high) = (Number(low), Number(high));
            ("Float", format!("\"step\": {step}, \"low\": {low}, \"high\": {high}, \"log\": {log}"))
        }
        Distribution::Int { low, high, log, step } => {
            ("Int", format!("\"log\": {log}, \"step\": {step}, \"low\": {low}, \"high\": {high}"))
        }
        Distribution::Categorical { choices } => {
            let choices: Vec<_> = choices.iter().map(written).collect();
            ("Categorical", format!("\"choices\": [{}]", choices.join(", ")))
        }
    };
    format!("{{\"name\": \"{name}Distribution\", \"attributes\": {{{attributes}}}}}")
}

fn written(choice: &Choice) -> String {
    match choice {
        Choice::Null => "null".into(),
        Choice::Bool(value) => value.to_string(),
        Choice::Int(value) => value.to_string(),
        Choice::Float(value) => Number(*value).to_string(),
        Choice::Text(text) => Value::from(text.as_str()).to_string(),
    }
}

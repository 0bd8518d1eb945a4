//! Distributions as a journal has them: JSON in a text.

use super::text::{Number, as_number, not_finite, without_marks};
use crate::{Choice, Distribution};
use serde_json::Value;

/// The distribution of Optuna's `distribution_to_json`, unchecked; of the short form too that its `json_to_distribution`
/// reads, and of the classes it had before version 3.
pub(super) fn decode(json: &Value) -> Option<Distribution> {
    let (name, attributes) = match json.get("name") {
        Some(name) => (name.as_str()?, json.get("attributes")?),
        None => (json.get("type")?.as_str()?, json),
    };
    let number = |field| attributes.get(field).and_then(as_number);
    let log = attributes.get("log").and_then(Value::as_bool).unwrap_or(false);
    let float = |log, step| Some(Distribution::Float { low: number("low")?, high: number("high")?, log, step });
    let whole = |field| attributes.get(field).and_then(whole);
    let int = |log| {
        let step = whole("step").unwrap_or(1);
        Some(Distribution::Int { low: whole("low")?, high: whole("high")?, log, step })
    };
    match name {
        "FloatDistribution" | "float" => float(log, number("step")),
        "UniformDistribution" => float(false, None),
        "LogUniformDistribution" => float(true, None),
        "DiscreteUniformDistribution" => float(false, Some(number("q")?)),
        "IntDistribution" | "int" => int(log),
        "IntUniformDistribution" => int(false),
        "IntLogUniformDistribution" => int(true),
        "CategoricalDistribution" | "categorical" => {
            let choices = attributes.get("choices")?.as_array()?;
            Some(Distribution::Categorical { choices: choices.iter().map(choice).collect() })
        }
        _ => None,
    }
}

/// Python's integers have no bounds. What lies beyond an i64 is taken for its end: nobody samples from such a range.
fn whole(json: &Value) -> Option<i64> {
    json.as_i64().or_else(|| as_number(json).filter(|value| value.trunc() == *value).map(|value| value as i64))
}

fn choice(json: &Value) -> Choice {
    not_finite(json).map_or_else(|| Choice::from_json(&without_marks(json)), Choice::Float)
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
        Choice::Json(json) => json.to_string(),
    }
}

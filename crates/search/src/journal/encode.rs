//! Operations as lines of a journal.

use super::distribution;
use super::text::{Draft, Number};
use super::time;
use crate::storage::Operation;
use crate::{AttrKind, Attrs, Direction, TrialRecord, TrialState};
use serde_json::Value;
use std::time::SystemTime;

/// The line for an operation of this worker, as Optuna would write it.
pub(super) fn encode(operation: &Operation, worker: &str) -> String {
    let line = |code| Draft::new(code, worker);
    let draft = match operation {
        Operation::CreateStudy { name, directions } => {
            let codes: Vec<_> = directions.iter().map(|direction| direction_code(*direction)).collect();
            line(0).text("study_name", name).field("directions", format_args!("[{}]", codes.join(",")))
        }
        Operation::DeleteStudy { study } => line(1).field("study_id", study),
        Operation::SetStudyAttr { study, kind, name, value } => {
            attr(line(if *kind == AttrKind::User { 2 } else { 3 }).field("study_id", study), *kind, name, value)
        }
        Operation::CreateTrial { study, trial } => create_trial(line(4).field("study_id", study), trial),
        Operation::SetParam { trial, name, param } => line(5)
            .field("trial_id", trial)
            .text("param_name", name)
            .number("param_value_internal", param.internal)
            .text("distribution", &distribution::encode(&param.distribution)),
        Operation::SetState { trial, state, values, time } => {
            let draft =
                line(6).field("trial_id", trial).field("state", *state as u8).numbers("values", values.as_deref());
            match state {
                TrialState::Running => draft.text("datetime_start", &time::format(*time)),
                TrialState::Waiting => draft,
                _ => draft.text("datetime_complete", &time::format(*time)),
            }
        }
        Operation::SetIntermediate { trial, step, value } => {
            line(7).field("trial_id", trial).field("step", step).number("intermediate_value", *value)
        }
        Operation::SetTrialAttr { trial, kind, name, value } => {
            attr(line(if *kind == AttrKind::User { 8 } else { 9 }).field("trial_id", trial), *kind, name, value)
        }
    };
    draft.line()
}

fn direction_code(direction: Direction) -> &'static str {
    match direction {
        Direction::Minimize => "1",
        Direction::Maximize => "2",
    }
}

fn attr(draft: Draft, kind: AttrKind, name: &str, value: &Value) -> Draft {
    let field = if kind == AttrKind::User { "user_attr" } else { "system_attr" };
    draft.object(field, [(name, value)].into_iter())
}

/// A trial that has just begun needs no more than its time; any other is written whole.
fn create_trial(draft: Draft, trial: &TrialRecord) -> Draft {
    let draft = moment(draft, "datetime_start", trial.started);
    if *trial == (TrialRecord { started: trial.started, ..TrialRecord::new(TrialState::Running) }) {
        return draft;
    }
    let draft = draft.field("state", trial.state as u8);
    let draft = match trial.values.as_deref() {
        Some(&[value]) => draft.number("value", value).numbers("values", None),
        values => draft.field("value", "null").numbers("values", values),
    };
    let draft = if trial.completed.is_some() { moment(draft, "datetime_complete", trial.completed) } else { draft };
    let params = || trial.params.iter().map(|(name, param)| (name.as_str(), param));
    let distribution = |distribution| Value::from(distribution::encode(distribution)).to_string();
    let attrs = |draft: Draft, field, attrs: &Attrs| {
        draft.object(field, attrs.iter().map(|(name, value)| (name.as_str(), value)))
    };
    let draft = draft.object("distributions", params().map(|(name, param)| (name, distribution(&param.distribution))));
    let draft = draft.object("params", params().map(|(name, param)| (name, Number(param.internal))));
    let draft = attrs(attrs(draft, "user_attrs", &trial.user_attrs), "system_attrs", &trial.system_attrs);
    let steps: Vec<_> = trial.intermediates.iter().map(|(step, value)| (step.to_string(), Number(*value))).collect();
    draft.object("intermediate_values", steps.iter().map(|(step, value)| (step.as_str(), value)))
}

fn moment(draft: Draft, field: &str, time: Option<SystemTime>) -> Draft {
    match time {
        Some(time) => draft.text(field, &time::format(time)),
        None => draft.field(field, "null"),
    }
}

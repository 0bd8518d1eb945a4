//! The operations of a journal, as its lines say them.
//!
//! | code | operation | code | operation |
//! |---|---|---|---|
//! | 0 | create study | 5 | set a trial's parameter |
//! | 1 | delete study | 6 | set a trial's state and values |
//! | 2, 3 | set a study's user, system attribute | 7 | set an intermediate value |
//! | 4 | create trial | 8, 9 | set a trial's user, system attribute |
//!
//! 10 is Rustuna's alone, and has no effect. A parameter whose distribution is of no class that Optuna has, or whose value is
//! none of the distribution's, is left out: it is one study's, and the journal is that of many.

use super::distribution;
use super::text::{Line, as_number, misfit, parse, without_marks};
use super::time;
use crate::storage::{Operation, Records};
use crate::{AttrKind, Attrs, Direction, Param, TrialRecord, TrialState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::SystemTime;
use wane_autodiff::Error;

const DISCARD: i64 = 10;

impl Line {
    /// The code of the operation.
    ///
    /// # Errors
    /// None of the format's; no worker.
    pub(super) fn operation(&self) -> Result<i64, Error> {
        self.text("worker_id")?;
        let code = self.integer("op_code")?;
        let is_known = (0..=DISCARD).contains(&code);
        if is_known { Ok(code) } else { Err(Error::data("op_code", code, "0 to 10")) }
    }

    /// The operation that stands here; none where it has no effect. One on a study that there is not, or on a trial that
    /// there is not or that is finished, has none, and may lack what it likes.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub(super) fn decode_for(&self, records: &Records) -> Result<Option<Operation>, Error> {
        self.decode().or_else(|error| if self.is_on_nothing(records) { Ok(None) } else { Err(error) })
    }

    fn is_on_nothing(&self, records: &Records) -> bool {
        match (self.operation(), self.id("study_id"), self.id("trial_id")) {
            (Ok(1..=4), Ok(study), _) => records.trials(study).is_err(),
            (Ok(5..=9), _, Ok(trial)) => records.trial(trial).map_or(true, |trial| trial.state.is_finished()),
            _ => false,
        }
    }

    /// The operation that stands here; none for Rustuna's.
    ///
    /// # Errors
    /// No operation; a field that is missing or does not fit.
    pub(super) fn decode(&self) -> Result<Option<Operation>, Error> {
        match self.operation()? {
            0 => self.create_study().map(Some),
            code @ 1..=4 => self.on_study(code, self.id("study_id")?).map(Some),
            code @ 5..=9 => self.on_trial(code, self.id("trial_id")?),
            _ => Ok(None),
        }
    }

    fn create_study(&self) -> Result<Operation, Error> {
        let list = self.required("directions")?;
        let direction = |code: &Value| match code.as_i64() {
            Some(1) => Some(Direction::Minimize),
            Some(2) => Some(Direction::Maximize),
            _ => None,
        };
        let directions = list.as_array().filter(|list| !list.is_empty());
        let directions = directions.and_then(|list| list.iter().map(direction).collect());
        let directions = directions.ok_or_else(|| misfit("directions", list, "a list of 1 (minimize) and 2"))?;
        Ok(Operation::CreateStudy { name: self.text("study_name")?.into(), directions })
    }

    fn on_study(&self, code: i64, study: u64) -> Result<Operation, Error> {
        Ok(match code {
            1 => Operation::DeleteStudy { study },
            4 => Operation::CreateTrial { study, trial: Box::new(self.template()?) },
            _ => {
                let (kind, name, value) = self.attr(if code == 2 { AttrKind::User } else { AttrKind::System })?;
                Operation::SetStudyAttr { study, kind, name, value }
            }
        })
    }

    fn on_trial(&self, code: i64, trial: u64) -> Result<Option<Operation>, Error> {
        Ok(Some(match code {
            5 => {
                let name = self.text("param_name")?.into();
                let read = param(self.required("distribution")?, self.number("param_value_internal")?);
                let Some(param) = read else { return Ok(None) };
                Operation::SetParam { trial, name, param }
            }
            6 => {
                let state = self.state(self.required("state")?)?;
                self.required("values")?;
                let time = match state {
                    TrialState::Running => self.time("datetime_start")?,
                    TrialState::Waiting => SystemTime::UNIX_EPOCH,
                    _ => self.time("datetime_complete")?,
                };
                Operation::SetState { trial, state, values: self.numbers("values")?, time }
            }
            7 => {
                Operation::SetIntermediate { trial, step: self.id("step")?, value: self.number("intermediate_value")? }
            }
            _ => {
                let (kind, name, value) = self.attr(if code == 8 { AttrKind::User } else { AttrKind::System })?;
                Operation::SetTrialAttr { trial, kind, name, value }
            }
        }))
    }

    fn attr(&self, kind: AttrKind) -> Result<(AttrKind, String, Value), Error> {
        let (name, value) = self.entry(match kind {
            AttrKind::User => "user_attr",
            AttrKind::System => "system_attr",
        })?;
        Ok((kind, name.clone(), without_marks(value)))
    }

    /// A trial that is new to the journal, with all that its line says of it.
    fn template(&self) -> Result<TrialRecord, Error> {
        let started = match self.required("datetime_start")? {
            Value::Null => None,
            _ => Some(self.time("datetime_start")?),
        };
        let state = self.get("state").map_or(Ok(TrialState::Running), |state| self.state(state))?;
        let values = match (self.get("value").filter(|value| !value.is_null()), self.numbers("values")?) {
            (None, values) => values,
            (Some(_), None) => Some(vec![self.number("value")?]),
            (Some(value), Some(_)) => return Err(misfit("value", value, "null, beside values")),
        };
        let distributions: BTreeMap<_, _> = self.entries("distributions")?.collect();
        let mut params = BTreeMap::new();
        for (name, value) in self.entries("params")? {
            let internal = as_number(value).ok_or_else(|| misfit("params", value, "a number"))?;
            let distribution = distributions.get(name);
            let distribution = distribution.ok_or_else(|| Error::data("distributions", "without it", name))?;
            params.extend(param(distribution, internal).map(|param| (name.clone(), param)));
        }
        let mut intermediates = BTreeMap::new();
        for (step, value) in self.entries("intermediate_values")? {
            let step = step.parse().map_err(|_| Error::data("intermediate_values", step, "whole numbers as keys"))?;
            let value = as_number(value).ok_or_else(|| misfit("intermediate_values", value, "numbers"))?;
            intermediates.insert(step, value);
        }
        let attrs = |field| {
            let entries = self.entries(field)?.map(|(name, value)| (name.clone(), without_marks(value)));
            Ok::<Attrs, Error>(entries.collect())
        };
        Ok(TrialRecord {
            values,
            params,
            intermediates,
            user_attrs: attrs("user_attrs")?,
            system_attrs: attrs("system_attrs")?,
            started,
            completed: self.get("datetime_complete").map(|_| self.time("datetime_complete")).transpose()?,
            ..TrialRecord::new(state)
        })
    }

    fn id(&self, field: &str) -> Result<u64, Error> {
        let id = self.integer(field)?;
        u64::try_from(id).map_err(|_| Error::data(field, id, "0 or above"))
    }

    fn state(&self, value: &Value) -> Result<TrialState, Error> {
        value.as_u64().and_then(TrialState::from_code).ok_or_else(|| misfit("state", value, "0 to 4"))
    }

    fn time(&self, field: &str) -> Result<SystemTime, Error> {
        let text = self.text(field)?;
        time::parse(text).ok_or_else(|| Error::data(field, format!("{text:?}"), "YYYY-MM-DDThh:mm:ss.ffffff+00:00"))
    }
}

/// None if there is no such parameter.
fn param(distribution: &Value, internal: f64) -> Option<Param> {
    let json = parse(distribution.as_str()?.as_bytes()).ok()?;
    let param = Param { distribution: distribution::decode(&json)?.accepted().ok()?, internal };
    param.value().is_ok().then_some(param)
}

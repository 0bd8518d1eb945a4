//! What becomes of a trial whose process has ended without a word.

use super::Operation;
use crate::record::FAIL_REASON;
use crate::{AttrKind, TrialRecord, TrialState};
use serde_json::Value;
use std::sync::Arc;
use std::time::SystemTime;

/// How often a trial is queued again, unless said otherwise. It can be what its process dies of.
pub(crate) const MAX_RETRY: usize = 3;
/// The system attribute with the numbers of a series of attempts, by Optuna's name.
const RETRY_HISTORY: &str = "retry_history";

/// Queues the trial's parameters again, unless that was done `max_retry` times, and ends it. In this order: of a write that
/// is cut off, whoever buries the trial next does what is left.
pub(crate) fn bury(
    study: u64,
    trial: &TrialRecord,
    trials: &[Arc<TrialRecord>],
    max_retry: usize,
    reason: &str,
) -> Vec<Operation> {
    let (kind, name, value) = (AttrKind::System, FAIL_REASON.into(), reason.into());
    let reason = Operation::SetTrialAttr { trial: trial.id, kind, name, value };
    let fail = Operation::SetState { trial: trial.id, state: TrialState::Fail, values: None, time: SystemTime::now() };
    let history = |trial: &TrialRecord| trial.system_attrs.get(RETRY_HISTORY).and_then(Value::as_array).cloned();
    let mut attempts = history(trial).unwrap_or_default();
    let may_be_again = attempts.len() < max_retry;
    attempts.push(trial.number.into());
    if !may_be_again || trials.iter().any(|other| history(other).as_ref() == Some(&attempts)) {
        return vec![reason, fail];
    }
    let mut again = trial.successor();
    again.system_attrs.insert(RETRY_HISTORY.into(), attempts.into());
    vec![Operation::CreateTrial { study, trial: Box::new(again) }, reason, fail]
}

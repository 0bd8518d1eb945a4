//! Signs of life: a trial whose worker has died without a word is failed, and put in the queue again.

use crate::storage::{Operation, Records, bury};
use crate::{AttrKind, TrialRecord, TrialState};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The system attribute of a trial whose worker shows that it lives: `beat` counts, every so many seconds.
const HEARTBEAT: &str = "wane:heartbeat";

/// So many intervals without a sign, and the time for which a lock that was left behind may have kept anyone from writing
/// one, are taken for death.
const MISSED: f64 = 3.0;

/// The first heartbeat of a trial, and any later one.
pub(super) fn beat(count: u64, every: Duration) -> (String, Value) {
    (HEARTBEAT.into(), json!({ "beat": count, "every": every.as_secs_f64() }))
}

/// The trials of others whose hearts beat, and since when they have not.
#[derive(Debug, Default)]
pub(super) struct Watch(BTreeMap<u64, Sign>);

#[derive(Debug)]
struct Sign {
    beat: Value,
    /// By this process's own clock, so that clocks need not agree.
    since: Instant,
}

impl Watch {
    /// Looks at all running trials but one's own, and gives those whose worker has died. A trial without a heartbeat is
    /// that of another program, which may be slow, and is left alone.
    pub(super) fn dead(&mut self, records: &Records, lock_grace: Duration, is_own: impl Fn(u64) -> bool) -> Vec<u64> {
        let mut seen = BTreeMap::new();
        let mut dead = Vec::new();
        for trial in records.studies().filter_map(|study| records.trials(study.id).ok()).flatten() {
            let Some(beat) = heartbeat(trial).filter(|_| !is_own(trial.id)) else { continue };
            let sign = match self.0.remove(&trial.id) {
                Some(sign) if sign.beat == *beat => sign,
                _ => Sign { beat: beat.clone(), since: Instant::now() },
            };
            if patience(beat).is_some_and(|patience| sign.since.elapsed().saturating_sub(lock_grace) > patience) {
                dead.push(trial.id);
            }
            seen.insert(trial.id, sign);
        }
        self.0 = seen;
        dead
    }

    /// The signs of trials that may yet be taken for dead.
    pub(super) fn signs(&self) -> BTreeMap<u64, Value> {
        let waited_for = self.0.iter().filter(|(_, sign)| patience(&sign.beat).is_some());
        waited_for.map(|(trial, sign)| (*trial, sign.beat.clone())).collect()
    }

    /// Buries those of the dead that still stand as they were last looked at.
    pub(super) fn bury(&self, dead: &[u64], records: &Records, max_retry: usize) -> Vec<Operation> {
        let mut operations = Vec::new();
        for study in records.studies() {
            let trials = records.trials(study.id).unwrap_or_default();
            let buried = trials.iter().filter(|trial| dead.contains(&trial.id) && self.is_unchanged(trial));
            let reason = "its worker shows no sign of life";
            operations.extend(buried.flat_map(|trial| bury(study.id, trial, trials, max_retry, reason)));
        }
        operations
    }

    fn is_unchanged(&self, trial: &TrialRecord) -> bool {
        let sign = self.0.get(&trial.id);
        sign.is_some_and(|sign| heartbeat(trial) == Some(&sign.beat))
    }
}

/// Of a trial that is running.
fn heartbeat(trial: &TrialRecord) -> Option<&Value> {
    trial.system_attrs.get(HEARTBEAT).filter(|_| trial.state == TrialState::Running)
}

fn patience(beat: &Value) -> Option<Duration> {
    let every = beat.get("every")?.as_f64().filter(|every| *every > 0.0)?;
    Duration::try_from_secs_f64(MISSED * every).ok()
}

/// The attribute of a claimed trial.
pub(super) fn mark(trial: u64, count: u64, every: Duration) -> Operation {
    let (name, value) = beat(count, every);
    Operation::SetTrialAttr { trial, kind: AttrKind::System, name, value }
}

use super::encode::encode;
use super::file::JournalFile;
use super::heartbeat::{Watch, beat, mark};
use super::lock::{Lock, LockKind, random};
use super::text::{LONGEST, Line};
use crate::storage::{Applied, MAX_RETRY, Operation, Records, Storage};
use crate::{StudyRecord, TrialRecord, TrialState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wane_autodiff::{Error, number};

/// How a [`JournalStorage`] shares its file.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalOptions {
    /// What is created beside the journal to lock it. All workers' locks exclude each other, whatever their kinds.
    pub lock: LockKind,
    /// After how long without a change of the journal a lock counts as left behind, and is broken. Optuna waits 30 s.
    pub lock_grace: Duration,
    /// How often a worker shows that it is alive, for each of its trials. Other workers of wane fail a trial that has shown
    /// nothing three times in a row, and for their `lock_grace` more. None: it shows nothing, and nobody fails its trials,
    /// as those of Optuna's own workers.
    pub heartbeat: Option<Duration>,
    /// How often a trial whose worker has died is put in the queue again. A trial can be what its worker dies of.
    pub max_retry: usize,
}

impl Default for JournalOptions {
    /// 30 s, twice: a dead worker's trial fails after two minutes. Three retries.
    fn default() -> Self {
        let half_a_minute = Duration::from_secs(30);
        Self {
            lock: LockKind::default(),
            lock_grace: half_a_minute,
            heartbeat: Some(half_a_minute),
            max_retry: MAX_RETRY,
        }
    }
}

/// A storage in a file that any number of processes share, Optuna's among them: the format is that of its
/// `JournalStorage(JournalFileBackend(path))`, and `optuna-dashboard path` shows it.
///
/// Each change is a line at the end of the file, written under a lock and flushed to the disk before anyone acts on it. A
/// process that is killed loses at most the line that it was writing: what is left of it is made blank before the next is
/// written (Optuna would append to it, and nobody could read on). A complete line that lacks but its end is kept.
///
/// What Optuna can read, this can, but for a line of more than 128 MiB; no more than half of that is written.
///
/// While a trial runs, a thread writes a heartbeat into its system attributes (`wane:heartbeat`), and looks for trials of
/// others that have stopped to. These are failed, and queued again with Optuna's `failed_trial` and `retry_history`.
/// A trial without a heartbeat is never failed: Optuna's workers write none, and may be slow.
///
/// In attributes, a number that is not finite is read as a text, `"NaN"`, `"Infinity"` or `"-Infinity"`. The file must be
/// reached by paths in the same folder, since the lock lies beside it.
///
/// ```
/// use wane_search::Direction;
/// use wane_search::storage::{JournalStorage, Operation, Storage};
///
/// # let folder = std::env::temp_dir().join(format!("wane-journal-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let path = folder.join("optuna.journal");
/// let storage = JournalStorage::open(&path)?;
/// storage.apply(Operation::CreateStudy { name: "lambda".into(), directions: vec![Direction::Minimize] })?;
/// assert_eq!(JournalStorage::open(&path)?.studies()?[0].name, "lambda");
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Debug)]
pub struct JournalStorage {
    shared: Arc<Shared>,
    beating: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    lock: Lock,
    options: JournalOptions,
    /// Of the names of this process's threads as workers; no other has it.
    prefix: String,
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Debug)]
struct State {
    file: JournalFile,
    records: Records,
    /// The running trials of this storage, and how often their hearts have beaten.
    own: BTreeMap<u64, u64>,
    watch: Watch,
    is_closed: bool,
}

impl JournalStorage {
    /// The journal at `path`, with default options; created if there is none.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, JournalOptions::default())
    }

    /// The journal at `path`; created if there is none. One that exists is only read, until the first change.
    ///
    /// # Errors
    /// A folder that does not exist, or cannot be written to when there is no journal yet; a file that is not a journal,
    /// by the number of the first line that is not an operation. A heartbeat or lock's grace of no time.
    pub fn open_with(path: impl AsRef<Path>, options: JournalOptions) -> Result<Self, Error> {
        for (field, time) in [("heartbeat", options.heartbeat), ("lock_grace", Some(options.lock_grace))] {
            if time == Some(Duration::ZERO) {
                return Err(Error::option(field, number(0.0), "a time above 0"));
            }
        }
        let given = path.as_ref();
        let place = |error: Error| error.within(format!("journal {given:?}"));
        let path = absolute(given).map_err(|error| place(Error::io("path", format!("{error}"), "a path", error)))?;
        let file = JournalFile::open(path.clone()).map_err(place)?;
        let state =
            State { file, records: Records::new(), own: BTreeMap::new(), watch: Watch::default(), is_closed: false };
        let shared = Shared {
            lock: Lock::new(&path, options.lock, options.lock_grace),
            path,
            options,
            prefix: format!("{:016x}{:016x}-", random(), random()),
            state: Mutex::new(state),
            stopped: Condvar::new(),
        };
        drop(shared.read()?);
        Ok(Self { shared: Arc::new(shared), beating: Mutex::new(None) })
    }

    /// Waits until each running trial with a heartbeat has shown another, or counts as dead: then it fails, and is queued
    /// again as it would be by a worker ([`JournalOptions::heartbeat`]). Gives the ids of those that failed.
    ///
    /// For a process that takes up a study whose workers have all died: a worker looks after others' trials only while it
    /// has one of its own. With default options this takes up to two minutes; of trials without a heartbeat it knows nothing
    /// ([`Study::requeue_running`](crate::Study::requeue_running) takes them all for dead).
    ///
    /// # Errors
    /// What keeps the journal from being read or written.
    pub fn requeue_dead(&self) -> Result<Vec<u64>, Error> {
        const PAUSE: Duration = Duration::from_millis(100);
        let JournalOptions { lock_grace, max_retry, .. } = self.shared.options;
        let (mut watch, mut failed) = (Watch::default(), Vec::new());
        let mut waited_for: Option<BTreeMap<u64, Value>> = None;
        loop {
            let mut state = self.shared.read()?;
            let dead = watch.dead(&state.records, lock_grace, |trial| state.own.contains_key(&trial));
            if !dead.is_empty() {
                self.shared.write(&mut state, |state| watch.bury(&dead, &state.records, max_retry))?;
                let is_failed = |trial: &Arc<TrialRecord>| trial.state == TrialState::Fail;
                failed.extend(dead.into_iter().filter(|trial| state.records.trial(*trial).is_ok_and(is_failed)));
            }
            drop(state);
            let signs = watch.signs();
            let waited_for = waited_for.get_or_insert_with(|| signs.clone());
            waited_for.retain(|trial, sign| !failed.contains(trial) && signs.get(trial) == Some(sign));
            if waited_for.is_empty() {
                return Ok(failed);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Sees to it that a thread shows that this storage's trials are alive.
    fn keep_beating(&self, every: Duration) -> Result<(), Error> {
        let mut beating = self.beating.lock().unwrap_or_else(PoisonError::into_inner);
        if beating.is_none() {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name("wane heartbeat".into());
            let started = thread.spawn(move || shared.keep_beating(every));
            let expected = "one thread more than the system has started";
            *beating = Some(started.map_err(|error| Error::io("heartbeat", "not started", expected, error))?);
        }
        Ok(())
    }
}

impl Storage for JournalStorage {
    fn apply(&self, mut operation: Operation) -> Result<Applied, Error> {
        let every = self.shared.options.heartbeat;
        let begins = begins_trial(&mut operation, every);
        let ends = match operation {
            Operation::SetState { trial, state, .. } if state != TrialState::Running => Some(trial),
            _ => None,
        };
        self.shared.check(&operation)?;

        if let (Some(every), true) = (every, begins) {
            self.keep_beating(every).map_err(|error| self.shared.place(error))?;
        }
        let mut state = self.shared.state();
        let verdicts = self.shared.write(&mut state, |state| {
            let mut operations = vec![operation.clone()];
            if let (Operation::SetState { trial, .. }, Some(every), true) = (&operation, every, begins) {
                // Only one's own claim may carry a heartbeat: with it, a trial of Optuna's could be taken for dead.
                let is_waiting = |trial: &Arc<TrialRecord>| trial.state == TrialState::Waiting;
                operations.extend(state.records.trial(*trial).is_ok_and(is_waiting).then(|| mark(*trial, 0, every)));
            }
            operations
        })?;
        let refused = || state.records.check(&operation);
        let applied = verdicts.into_iter().next().unwrap_or_else(refused).map_err(|error| self.shared.place(error))?;
        if let (Some(trial), Applied::Done) = (ends, applied) {
            state.own.remove(&trial);
        }
        let begun = match (applied, &operation) {
            (Applied::Created(trial), _) if begins && every.is_some() => Some(trial),
            (Applied::Done, Operation::SetState { trial, .. }) if begins && every.is_some() => Some(*trial),
            _ => None,
        };
        state.own.extend(begun.map(|trial| (trial, 0)));
        Ok(applied)
    }

    fn studies(&self) -> Result<Vec<StudyRecord>, Error> {
        Ok(self.shared.read()?.records.studies().cloned().collect())
    }

    fn trials(&self, study: u64) -> Result<Vec<Arc<TrialRecord>>, Error> {
        self.shared.read()?.records.trials(study).map(<[_]>::to_vec)
    }

    fn trial(&self, trial: u64) -> Result<Arc<TrialRecord>, Error> {
        self.shared.read()?.records.trial(trial).cloned()
    }
}

impl Drop for JournalStorage {
    /// Waits for a heartbeat that is being written: cut off, it would leave the lock behind.
    fn drop(&mut self) {
        self.shared.state().is_closed = true;
        self.shared.stopped.notify_all();
        let beating = self.beating.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = beating.take() {
            // A panic there has been reported, and leaves nothing to be done here.
            let _ = thread.join();
        }
    }
}

/// Whether the operation makes a trial of this worker's run; a new one gets its first heartbeat with it.
fn begins_trial(operation: &mut Operation, every: Option<Duration>) -> bool {
    match operation {
        Operation::CreateTrial { trial, .. } if trial.state == TrialState::Running => {
            trial.system_attrs.extend(every.map(|every| beat(0, every)));
            true
        }
        Operation::SetState { state, .. } => *state == TrialState::Running,
        _ => false,
    }
}

/// Whether the operation would change something.
fn is_accepted(records: &Records, operation: &Operation) -> bool {
    records.check(operation).is_ok_and(|applied| applied != Applied::TooLate)
}

impl Shared {
    /// Whatever a panic left half done, the file is the truth.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<MutexGuard<'_, State>, Error> {
        let mut state = self.state();
        state.sync("").map_err(|error| self.place(error))?;
        Ok(state)
    }

    /// What cannot be read back must not be written.
    fn check(&self, operation: &Operation) -> Result<(), Error> {
        let params: Vec<_> = match operation {
            Operation::SetParam { name, param, .. } => vec![(name, param)],
            Operation::CreateTrial { trial, .. } => trial.params.iter().collect(),
            _ => Vec::new(),
        };
        for (name, param) in params {
            let accepted = param.distribution.clone().accepted().and(param.value());
            accepted.map_err(|error| error.within(name))?;
        }
        let line = encode(operation, &self.worker());
        if line.len() as u64 > LONGEST {
            let expected = format!("at most {LONGEST} bytes, with all that it sets");
            return Err(Error::data("operation", format!("{} bytes long", line.len()), expected));
        }
        let readable = Line::parse(line.as_bytes()).map_err(|given| Error::data("operation", given, "one in JSON"));
        readable.and_then(|line| line.decode()).map(drop)
    }

    /// Writes operations, chosen under the lock, and gives what became of each. Those that would change nothing, or could
    /// not be read back, are left out.
    fn write(
        &self,
        state: &mut State,
        choose: impl Fn(&State) -> Vec<Operation>,
    ) -> Result<Vec<Result<Applied, Error>>, Error> {
        let worker = self.worker();
        loop {
            let held = self.lock.acquire().map_err(|error| self.place(error))?;
            let mut attempt = || {
                state.sync("")?;
                let chosen = choose(state).into_iter().filter(|operation| is_accepted(&state.records, operation));
                let lines = chosen.map(|operation| encode(&operation, &worker));
                let lines: String = lines.filter(|line| line.len() as u64 <= LONGEST).collect();
                if lines.is_empty() {
                    return Ok(Some(Vec::new()));
                }
                if !state.file.append(&lines, &held)? {
                    return Ok(None);
                }
                let verdicts = state.sync(&worker)?;
                if verdicts.is_empty() {
                    let expected = "a file that only grows";
                    return Err(Error::data("journal", "without what was written to it", expected));
                }
                Ok(Some(verdicts))
            };
            if let Some(verdicts) = attempt().map_err(|error| self.place(error))? {
                return Ok(verdicts);
            }
        }
    }

    /// A thread's name as a worker.
    fn worker(&self) -> String {
        let thread = format!("{:?}", thread::current().id());
        let digits = thread.chars().filter(char::is_ascii_digit);
        self.prefix.chars().chain(digits).collect()
    }

    fn keep_beating(&self, every: Duration) {
        let mut state = self.state();
        while !state.is_closed {
            state = self.stopped.wait_timeout(state, every).unwrap_or_else(PoisonError::into_inner).0;
            if !state.is_closed {
                // A journal that cannot be written to now may be the next time; the worker itself meets the error too.
                let _ = self.beat(&mut state, every);
            }
        }
    }

    /// Writes a heartbeat for each running trial of one's own, and buries those of others that have none any more.
    fn beat(&self, state: &mut State, every: Duration) -> Result<(), Error> {
        state.sync("")?;
        let State { records, own, watch, .. } = state;
        own.retain(|trial, _| records.trial(*trial).is_ok_and(|trial| trial.state == TrialState::Running));
        own.values_mut().for_each(|count| *count += 1);
        let dead = watch.dead(records, self.options.lock_grace, |trial| own.contains_key(&trial));
        if own.is_empty() && dead.is_empty() {
            return Ok(());
        }
        self.write(state, |State { records, own, watch, .. }| {
            let mut operations: Vec<_> = own.iter().map(|(trial, count)| mark(*trial, *count, every)).collect();
            operations.extend(watch.bury(&dead, records, self.options.max_retry));
            operations
        })?;
        Ok(())
    }

    fn place(&self, error: Error) -> Error {
        error.within(format!("journal {:?}", self.path))
    }
}

impl State {
    /// Applies what was appended since; gives what became of the operations of one worker. Those of others that are
    /// refused have no effect.
    fn sync(&mut self, worker: &str) -> Result<Vec<Result<Applied, Error>>, Error> {
        let mut verdicts = Vec::new();
        let records = &mut self.records;
        self.file.read(|line| {
            if let Some(operation) = line.decode_for(records)? {
                let verdict = records.apply(&operation);
                if line.text("worker_id")? == worker {
                    verdicts.push(verdict);
                }
            }
            Ok(())
        })?;
        Ok(verdicts)
    }
}

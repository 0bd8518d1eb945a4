use super::{Outcome, Study, Trial, TrialError};
use crate::TrialRecord;
use crate::progress::Progress;
use std::any::Any;
use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wane_autodiff::Error;

/// What a callback is: it sees a trial that has just finished, and says whether the study goes on.
type OnTrial<'a> = dyn Fn(&Study, &TrialRecord) -> ControlFlow<()> + Sync + 'a;

/// How [`Study::optimize`] runs. A number stands for so many trials.
#[derive(Clone, Copy)]
pub struct OptimizeOptions<'a> {
    /// How many trials are run now, those before not counted; without it, as many as the sampler has parameters for.
    pub n_trials: Option<usize>,
    /// How many are run at a time, each on a thread; at least 1.
    pub n_jobs: usize,
    /// After how long no further trial begins.
    pub timeout: Option<Duration>,
    /// Called after each trial, by the thread that ran it.
    pub callback: Option<&'a OnTrial<'a>>,
    /// Whether progress is shown, if standard error is a terminal.
    pub progress: bool,
}

/// One trial at a time, without an end.
impl Default for OptimizeOptions<'_> {
    fn default() -> Self {
        Self { n_trials: None, n_jobs: 1, timeout: None, callback: None, progress: true }
    }
}

impl From<usize> for OptimizeOptions<'_> {
    fn from(n_trials: usize) -> Self {
        Self { n_trials: Some(n_trials), ..Default::default() }
    }
}

impl fmt::Debug for OptimizeOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_trials, n_jobs, timeout, callback, progress } = self;
        let mut debug = f.debug_struct("OptimizeOptions");
        debug.field("n_trials", n_trials).field("n_jobs", n_jobs).field("timeout", timeout);
        debug.field("callback", &callback.is_some()).field("progress", progress).finish()
    }
}

/// What the workers of one call share.
struct Run<'a> {
    options: OptimizeOptions<'a>,
    began: Instant,
    begun: AtomicUsize,
    is_over: AtomicBool,
    progress: Progress,
}

impl Run<'_> {
    /// Whether one more trial begins.
    fn next(&self) -> bool {
        let is_late = self.options.timeout.is_some_and(|timeout| self.began.elapsed() >= timeout);
        let most = self.options.n_trials.unwrap_or(usize::MAX);
        let take = || self.begun.fetch_add(1, Ordering::Relaxed) < most;
        !is_late && !self.is_over.load(Ordering::Relaxed) && take()
    }
}

impl Study {
    /// Runs the objective in trial after trial: those from the queue first.
    ///
    /// An objective's error, its panic, or the value NaN fail its trial, which keeps the reason
    /// ([`TrialRecord::fail_reason`]), and the study goes on. So it does when this is called again. A sampler that has no
    /// parameters left ends it, and so does one that cannot choose a parameter, whatever the objective makes of its error.
    ///
    /// With `n_jobs` above 1, the trials run on as many threads of a pool of their own. No lock is held during an objective.
    ///
    /// # Errors
    /// An `n_jobs` of 0; a thread that cannot be started; a sampler that cannot choose; what keeps the storage from being
    /// read or written. Trials that are under way go on to their end, further ones don't begin.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use wane_search::{OptimizeOptions, Study, StudyOptions, TrialRecord};
    ///
    /// let study = Study::create(StudyOptions::default())?;
    /// let enough = |_: &Study, trial: &TrialRecord| match trial.value() {
    ///     Some(value) if value < 0.5 => ControlFlow::Break(()),
    ///     _ => ControlFlow::Continue(()),
    /// };
    /// let options = OptimizeOptions { n_trials: Some(100), callback: Some(&enough), n_jobs: 2, ..Default::default() };
    /// study.optimize(options, |trial| Ok(trial.suggest_float("x", 0.0..=1.0)?))?;
    /// assert!(study.best_value()? < 0.5 && study.trials()?.len() < 100);
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    pub fn optimize<'a>(
        &self,
        options: impl Into<OptimizeOptions<'a>>,
        objective: impl Fn(&mut Trial) -> Result<f64, TrialError> + Sync,
    ) -> Result<(), Error> {
        let options = options.into();
        if options.n_jobs == 0 {
            return Err(Error::option("n_jobs", 0, "at least 1"));
        }
        let length = options.n_trials.into_iter().chain(self.0.sampler.sequence().map(|sequence| sequence.len)).min();
        let run = Run {
            options,
            began: Instant::now(),
            begun: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            progress: Progress::new(options.progress, length),
        };
        if options.n_jobs == 1 {
            return self.work(&run, &objective);
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.n_jobs).build();
        let expected = "as many threads as the system can start";
        let pool = pool.map_err(|error| Error::io("n_jobs", options.n_jobs, expected, error))?;
        pool.broadcast(|_| self.work(&run, &objective)).into_iter().collect()
    }

    fn work(
        &self,
        run: &Run<'_>,
        objective: &(impl Fn(&mut Trial) -> Result<f64, TrialError> + Sync),
    ) -> Result<(), Error> {
        while run.next() {
            let finished = match self.next_trial() {
                Ok(None) => break,
                Ok(Some(trial)) => self.run(trial, objective),
                Err(error) => Err(error),
            };
            let trial = finished.inspect_err(|_| run.is_over.store(true, Ordering::Relaxed))?;
            run.progress.trial(self, &trial);
            if run.options.callback.is_some_and(|callback| callback(self, &trial).is_break()) {
                run.is_over.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

impl Study {
    /// Runs the objective, and gives the trial as it is then.
    fn run(
        &self,
        mut trial: Trial,
        objective: impl Fn(&mut Trial) -> Result<f64, TrialError>,
    ) -> Result<Arc<TrialRecord>, Error> {
        let outcome = outcome(&mut trial, objective);
        let id = trial.record().id;
        if let Some(fault) = trial.take_fault() {
            self.finish_once(id, Outcome::Fail(fault.to_string()))?;
            return Err(fault);
        }
        self.finish_once(id, outcome)
    }

    /// As [`finish`](Self::finish), unless the trial is finished: a worker that was suspended may find that another took it
    /// for dead, at any moment, and failed its trial.
    fn finish_once(&self, id: u64, outcome: Outcome) -> Result<Arc<TrialRecord>, Error> {
        let record = self.0.storage.trial(id)?;
        if record.state.is_finished() {
            return Ok(record);
        }
        self.finish(&record, outcome).or_else(|error| match self.0.storage.trial(id)? {
            record if record.state.is_finished() => Ok(record),
            _ => Err(error),
        })
    }
}

fn outcome(trial: &mut Trial, objective: impl Fn(&mut Trial) -> Result<f64, TrialError>) -> Outcome {
    // What the objective shares with other trials is its own affair; the trial itself only gets finished.
    match catch_unwind(AssertUnwindSafe(|| objective(trial))) {
        Ok(Ok(value)) => Outcome::Value(value),
        Ok(Err(TrialError::Pruned)) => Outcome::Pruned,
        Ok(Err(error)) => Outcome::Fail(error.to_string()),
        Err(panic) => Outcome::Fail(format!("panicked: {}", message(panic.as_ref()))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

//! Many small works side by side.

use std::any::Any;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use wane_autodiff::{Error, Threads};

/// Memory that one worker keeps from job to job: a tape, batches, whatever a job finds useful again.
///
/// A result must not depend on what an earlier job left here.
///
/// ```
/// use wane_search::Workspace;
///
/// let mut workspace = Workspace::default();
/// workspace.of::<Vec<f64>>().push(1.0);
/// assert_eq!(workspace.of::<Vec<f64>>().len(), 1);
/// assert_eq!(workspace.of::<String>(), "");
/// ```
#[derive(Default)]
pub struct Workspace {
    kept: Vec<Box<dyn Any + Send>>,
}

impl Workspace {
    /// The worker's one `W`, which is the default where it is asked for the first time.
    pub fn of<W: Any + Default + Send>(&mut self) -> &mut W {
        let place = self.kept.iter().position(|kept| kept.is::<W>()).unwrap_or_else(|| {
            self.kept.push(Box::<W>::default());
            self.kept.len() - 1
        });
        self.kept[place].downcast_mut().expect("of the type that was looked for")
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace").field("kept", &self.kept.len()).finish()
    }
}

/// The results of all jobs, in their order, computed on as many threads as the rayon pool around the call has.
///
/// Workers take job after job by one atomic count: nothing is locked, and none waits for another until no job is left.
/// Each has a [`Workspace`] of its own, and inside a job every product is computed by one thread, so that a job's result
/// has the same bits whatever the number of workers.
///
/// A job that panics ends the sweep with its panic: no further job begins, those under way go on to their end.
///
/// ```
/// use wane_search::sweep;
///
/// let squares = sweep(&[1, 2, 3], |&job, _| job * job)?;
/// assert_eq!(squares, [1, 4, 9]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// Threads that the system doesn't give.
pub fn sweep<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J, &mut Workspace) -> R + Sync) -> Result<Vec<R>, Error> {
    try_sweep(jobs, |job, workspace| Ok(work(job, workspace)))
}

/// As [`sweep`], of jobs that can fail: after a failure no further job begins.
///
/// # Errors
/// That of the first job, in their order, that fails: jobs begin in this order, and what has begun ends. Threads that the
/// system doesn't give.
pub(crate) fn try_sweep<J: Sync, R: Send>(
    jobs: &[J],
    work: impl Fn(&J, &mut Workspace) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let (mut done, mut workspace) = (Vec::new(), Workspace::default());
        let end = End { next: &next, jobs: jobs.len() };
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(number) else { return done };
            let result = work(job, &mut workspace);
            if result.is_err() {
                end.now();
            }
            done.push((number, result));
        }
    };
    let mut done = match rayon::current_num_threads() {
        1 => worker(),
        threads => side_by_side(threads.min(jobs.len()), &worker)?,
    };
    done.sort_unstable_by_key(|&(number, _)| number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Ends a sweep when its worker panics.
struct End<'a> {
    next: &'a AtomicUsize,
    jobs: usize,
}

impl End<'_> {
    fn now(&self) {
        self.next.store(self.jobs, Ordering::Relaxed);
    }
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.now();
        }
    }
}

/// What so many workers have done, each in a pool of one thread.
fn side_by_side<R: Send>(workers: usize, worker: &(impl Fn() -> Vec<R> + Sync)) -> Result<Vec<R>, Error> {
    let pools = (0..workers).map(|_| Threads::new(1)).collect::<Result<Vec<_>, _>>()?;
    Ok(thread::scope(|scope| {
        let started = Vec::from_iter(pools.iter().map(|pool| scope.spawn(|| pool.install(worker))));
        started.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    }))
}

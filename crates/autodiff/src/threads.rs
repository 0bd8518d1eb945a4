use crate::Error;
use rayon::prelude::*;

/// A number of threads to compute on, whatever the pool around it.
///
/// Large products, their activations and the steps of large optimizers are shared out over the threads of the rayon pool
/// that they are called in: the global one, or the one whose `install` is around them, as any program that uses rayon has
/// it. This is such a pool for who has none. The bits do not depend on the number of threads.
///
/// A thread that waits for its part may do other work of the same pool meanwhile: inside a `par_iter` of one's own, a tape
/// behind a lock or in a `thread_local` would then be asked for twice. Hand each job its own.
///
/// ```
/// use wane_autodiff::Threads;
///
/// let threads = Threads::new(1)?;
/// assert_eq!(threads.install(|| 6 * 7), 42); // train in here
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Debug)]
pub struct Threads(rayon::ThreadPool);

impl Threads {
    /// A pool of `count` threads.
    ///
    /// # Errors
    /// None at all; threads that the system doesn't give.
    pub fn new(count: usize) -> Result<Self, Error> {
        if count == 0 {
            return Err(Error::option("number of threads", 0, "at least 1"));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
        pool.map(Self).map_err(|error| {
            let given = format!("{count} ({error})");
            Error::io("number of threads", given, "so many as the system gives", error)
        })
    }

    /// Runs `work` on these threads, and waits for it.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.0.install(work)
    }
}

/// Among how many threads `work` is shared if each is given at least `share` of it. Asks for no thread where one will do,
/// so that a program of small steps has one.
#[doc(hidden)]
pub fn parts(work: usize, share: usize) -> usize {
    if work < 2 * share { 1 } else { (work / share).min(rayon::current_num_threads()) }
}

/// How many numbers at least a thread passes over.
const SHARE: usize = 1 << 15;

/// Calls `work` on all rows of `x`, each `width` long, at once or in blocks side by side; with the index of the first row.
pub(crate) fn by_rows<T: Send>(x: &mut [T], width: usize, work: impl Fn(usize, &mut [T]) + Sync + Send) {
    let parts = parts(x.len(), SHARE);
    if parts == 1 || width == 0 {
        return work(0, x);
    }
    let rows = (x.len() / width).div_ceil(parts);
    x.par_chunks_mut(rows * width).enumerate().for_each(|(block, x)| work(block * rows, x));
}

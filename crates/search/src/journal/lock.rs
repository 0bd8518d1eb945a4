//! Who may write to a journal: whoever could create `<journal>.lock` beside it, which no two can.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use wane_autodiff::Error;

/// What is created beside a journal to lock it. Either kind keeps out the other: both have the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockKind {
    /// A symbolic link to the journal: exclusive on every file system that has links, NFSv2 included. Optuna's
    /// `JournalFileSymlinkLock`.
    Symlink,
    /// A file that must not exist before (`O_EXCL`): for file systems without links; NFSv3 and later. Optuna's
    /// `JournalFileOpenLock`.
    Create,
}

impl Default for LockKind {
    /// Optuna's default where links need no privilege.
    fn default() -> Self {
        if cfg!(unix) { Self::Symlink } else { Self::Create }
    }
}

const FIRST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How to lock one journal.
#[derive(Debug)]
pub(super) struct Lock {
    journal: PathBuf,
    file: PathBuf,
    kind: LockKind,
    grace: Duration,
}

impl Lock {
    /// `journal` is absolute: a link to a relative path would be read from the folder that the link is in.
    pub(super) fn new(journal: &Path, kind: LockKind, grace: Duration) -> Self {
        Self { journal: journal.to_owned(), file: with_suffix(journal, ".lock"), kind, grace }
    }

    /// Waits until the lock is free and takes it. A lock under which the journal has not changed for the grace period, by
    /// this process's own monotonic clock, was left behind by a process that died, and is broken.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub(super) fn acquire(&self) -> Result<Guard<'_>, Error> {
        let mut wait = FIRST_WAIT;
        let mut watched = None;
        loop {
            match self.create() {
                Ok(()) => return Ok(Guard { lock: self, since: Instant::now(), identity: self.identity() }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.fault(error)),
            }
            let now = self.signs();
            let since = match watched {
                Some((signs, since)) if signs == now => since,
                _ => Instant::now(),
            };
            watched = Some((now, since));
            if since.elapsed() > self.grace {
                // Whoever else waits breaks it too, or has: what counts is who creates the next one.
                let _ = self.remove();
                (wait, watched) = (FIRST_WAIT, None);
                continue;
            }
            thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn create(&self) -> io::Result<()> {
        match self.kind {
            #[cfg(unix)]
            LockKind::Symlink => std::os::unix::fs::symlink(&self.journal, &self.file),
            #[cfg(windows)]
            LockKind::Symlink => std::os::windows::fs::symlink_file(&self.journal, &self.file),
            _ => OpenOptions::new().write(true).create_new(true).open(&self.file).map(drop),
        }
    }

    /// Renamed first: of two that remove it only one can rename it, and none unlinks what a third has created since.
    fn remove(&self) -> io::Result<()> {
        let renamed = with_suffix(&self.file, &format!("{:016x}.rename", random()));
        fs::rename(&self.file, &renamed)?;
        fs::remove_file(&renamed)
    }

    /// What changes while somebody works under locks: the journal, and when the lock was created.
    fn signs(&self) -> (Option<SystemTime>, Option<SystemTime>) {
        let journal = fs::metadata(&self.journal).and_then(|metadata| metadata.modified());
        (journal.ok(), self.identity())
    }

    fn identity(&self) -> Option<SystemTime> {
        fs::symlink_metadata(&self.file).and_then(|metadata| metadata.modified()).ok()
    }

    fn fault(&self, error: io::Error) -> Error {
        let given = format!("not created ({error})");
        Error::io(format!("lock {:?}", self.file), given, "a folder that can be written to", error)
    }
}

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(super) struct Guard<'a> {
    lock: &'a Lock,
    since: Instant,
    identity: Option<SystemTime>,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // Held for longer than others wait (a suspended process), it may have been broken, and now be another's.
        if self.since.elapsed() < self.lock.grace || self.identity == self.lock.identity() {
            // Best effort: what can't be removed here, others break.
            let _ = self.lock.remove();
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// A number that no other process and no other call has: names must be unique, runs of a study need not repeat them.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

//! Who may write to a journal: whoever could create `<journal>.lock` beside it, which no two can.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
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
    /// A symbolic link to the journal beside it: exclusive on every file system that has links, NFSv2 included. Optuna's
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

/// Which lock of all that have stood at the path. Inodes are used again, but not at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    inode: u64,
    created: SystemTime,
}

impl Lock {
    pub(super) fn new(journal: &Path, kind: LockKind, grace: Duration) -> Self {
        Self { journal: journal.to_owned(), file: with_suffix(journal, ".lock"), kind, grace }
    }

    /// Waits until the lock is free and takes it. A lock under which the journal has not changed for the grace period, by
    /// this process's own monotonic clock, was left behind by a process that died, and is broken.
    ///
    /// # Errors
    /// A folder that cannot be written to; a file system without links, for one.
    pub(super) fn acquire(&self) -> Result<Guard<'_>, Error> {
        let mut wait = FIRST_WAIT;
        let mut watched = None;
        loop {
            match self.create() {
                Ok(()) => return Ok(Guard { lock: self, identity: self.identity() }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.fault(error)),
            }
            let now = (self.last_change(), self.identity());
            let since = match watched {
                Some((signs, since)) if signs == now => since,
                _ => Instant::now(),
            };
            watched = Some((now, since));
            if let (_, Some(identity)) = now
                && since.elapsed() > self.grace
            {
                // Whoever else waits breaks it too, or has: what counts is who creates the next one.
                let _ = self.remove(identity);
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
            LockKind::Symlink => std::os::unix::fs::symlink(self.target(), &self.file),
            #[cfg(windows)]
            LockKind::Symlink => std::os::windows::fs::symlink_file(self.target(), &self.file),
            _ => OpenOptions::new().write(true).create_new(true).open(&self.file).map(drop),
        }
    }

    /// From the folder that both are in: elsewhere it may be mounted under another path, and Optuna never breaks a lock
    /// that it cannot follow.
    fn target(&self) -> &Path {
        self.journal.file_name().map_or(&self.journal, Path::new)
    }

    /// Removes this lock and no other: of two that break it, the slower one may find the lock that the faster one has
    /// created since. Renamed first, since of two only one can rename it, it is looked at once nobody else can reach it.
    fn remove(&self, identity: Identity) -> io::Result<()> {
        if self.identity() != Some(identity) {
            return Ok(());
        }
        self.remove_now(identity)
    }

    /// [`remove`](Self::remove) behind its first look, after which the lock may be another.
    fn remove_now(&self, identity: Identity) -> io::Result<()> {
        let renamed = with_suffix(&self.file, &format!("{:016x}.rename", random()));
        fs::rename(&self.file, &renamed)?;
        if identity_of(&renamed) != Some(identity) {
            // Back with it, but over nobody's. A second name for the same link keeps its identity.
            match fs::hard_link(&renamed, &self.file) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return fs::rename(&renamed, &self.file);
                }
                _ => {}
            }
        }
        fs::remove_file(&renamed)
    }

    /// When the journal was written to last: of the opened file, which NFS asks the server for. By its path alone it may
    /// answer from memory for longer than the grace.
    fn last_change(&self) -> Option<SystemTime> {
        File::open(&self.journal).and_then(|file| file.metadata()?.modified()).ok()
    }

    fn identity(&self) -> Option<Identity> {
        identity_of(&self.file)
    }

    fn fault(&self, error: io::Error) -> Error {
        let given = format!("not created ({error})");
        let expected = match self.kind {
            LockKind::Symlink => {
                "a folder that can be written to; on a file system without symbolic links, LockKind::Create"
            }
            LockKind::Create => "a folder that can be written to",
        };
        Error::io(format!("lock {:?}", self.file), given, expected, error)
    }
}

fn identity_of(file: &Path) -> Option<Identity> {
    let metadata = fs::symlink_metadata(file).ok()?;
    Some(Identity { inode: inode(&metadata), created: metadata.modified().ok()? })
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(super) struct Guard<'a> {
    lock: &'a Lock,
    identity: Option<Identity>,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // Broken by others (of a process that was suspended), it may be another's now.
        if let Some(identity) = self.identity {
            // Best effort: what can't be removed here, others break.
            let _ = self.lock.remove(identity);
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn lock(name: &str, grace: Duration) -> Lock {
        let dir = std::env::temp_dir().join(format!("wane-lock-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let journal = dir.join("journal");
        fs::write(&journal, "").unwrap();
        Lock::new(&journal, LockKind::Symlink, grace)
    }

    fn only_the_journal(lock: &Lock) -> bool {
        let folder = lock.journal.parent().unwrap();
        let is_alone = fs::read_dir(folder).unwrap().count() == 1;
        fs::remove_dir_all(folder).unwrap();
        is_alone
    }

    /// Two wait for a lock that was left behind; the slower one has decided to break it when the faster one holds its own.
    #[test]
    fn whoever_breaks_a_lock_late_leaves_the_next_one_to_its_holder() {
        let hour = Duration::from_secs(3600);
        let lock = lock("late", hour);
        lock.create().unwrap();
        let watched = lock.identity().unwrap();
        thread::sleep(Duration::from_millis(20));
        lock.remove(watched).unwrap();
        let held = lock.acquire().unwrap();
        assert_ne!(held.identity, Some(watched));
        for remove in [Lock::remove, Lock::remove_now] {
            remove(&lock, watched).unwrap();
            assert_eq!(lock.identity(), held.identity);
        }
        drop(held);
        assert!(only_the_journal(&lock));
    }

    /// However short a time the lock was held for: others may wait for less.
    #[test]
    fn a_lock_that_others_have_broken_is_theirs() {
        let lock = lock("broken", Duration::from_secs(3600));
        let held = lock.acquire().unwrap();
        lock.remove(held.identity.unwrap()).unwrap();
        thread::sleep(Duration::from_millis(20));
        let theirs = lock.acquire().unwrap();
        drop(held);
        assert!(theirs.identity.is_some() && lock.identity() == theirs.identity);
        drop(theirs);
        assert!(only_the_journal(&lock));
    }

    /// Under another path, as on another machine, the link still leads to the journal.
    #[test]
    fn the_link_is_followed_wherever_the_folder_is_mounted() {
        let lock = lock("moved", Duration::from_secs(3600));
        let held = lock.acquire().unwrap();
        let folder = lock.journal.parent().unwrap();
        let elsewhere = with_suffix(folder, "-elsewhere");
        let _ = fs::remove_dir_all(&elsewhere);
        fs::rename(folder, &elsewhere).unwrap();
        let found = fs::metadata(elsewhere.join("journal.lock")).map(|metadata| metadata.is_file());
        fs::rename(&elsewhere, folder).unwrap();
        assert!(found.unwrap());
        drop(held);
        assert!(only_the_journal(&lock));
    }

    #[test]
    fn where_there_are_no_links_the_other_kind_is_named() {
        let lock = lock("kinds", Duration::from_secs(1));
        let error = lock.fault(io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(error.contains("LockKind::Create"), "{error}");
        assert!(only_the_journal(&lock));
    }
}

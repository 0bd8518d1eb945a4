//! The file of a journal: read from where it was last read to, and appended to under its lock.

use super::lock::Guard;
use super::text::{LONGEST, Line, excerpt};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use wane_autodiff::Error;

/// How every line begins that Optuna or wane writes.
const START: &[u8] = b"{\"op_code\":";
const OPERATION: &str = "an operation of Optuna's journal";

/// Where reading goes on.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    /// When it was last read.
    size: u64,
    /// Behind the last line that was read.
    offset: u64,
    lines: u64,
}

impl JournalFile {
    /// The journal at `path`, created when there is none.
    ///
    /// # Errors
    /// A folder that does not exist or cannot be written to.
    pub(super) fn open(path: PathBuf) -> Result<Self, Error> {
        if !path.exists() {
            let created = OpenOptions::new().append(true).create(true).open(&path);
            created.map_err(|error| {
                let given = format!("not created ({error})");
                Error::io("file", given, "a folder that exists and can be written to", error)
            })?;
        }
        Ok(Self { path, size: 0, offset: 0, lines: 0 })
    }

    /// Gives `apply` each line that was appended since the last call. A last line that is not whole yet, or cannot be
    /// decoded, is left for later; with a line behind it, it is an error. The file is opened anew each time: NFS shows
    /// what others have written when a file is opened.
    ///
    /// # Errors
    /// A file that cannot be read, has become shorter, or holds anything but operations; those of `apply`.
    pub(super) fn read(&mut self, mut apply: impl FnMut(&Line) -> Result<(), Error>) -> Result<(), Error> {
        let mut file = File::open(&self.path).map_err(unreadable)?;
        // Taken first, so that what is appended meanwhile is not seen in part.
        self.size = file.metadata().map_err(unreadable)?.len();
        if self.size < self.offset {
            let expected = format!("{} bytes at least, which were read before", self.offset);
            return Err(Error::data("length", format!("{} bytes", self.size), expected));
        }
        if self.size == self.offset {
            return Ok(());
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(unreadable)?;
        let mut reader = BufReader::new(file.take(self.size - self.offset));
        let (mut bytes, mut tolerated) = (Vec::new(), None);
        loop {
            bytes.clear();
            let read = (&mut reader).take(LONGEST + 1).read_until(b'\n', &mut bytes).map_err(unreadable)?;
            if read == 0 {
                return Ok(());
            }
            if let Some(error) = tolerated {
                return Err(error);
            }
            if read as u64 > LONGEST {
                return Err(self.refuse("longer", &format!("{LONGEST} bytes at most")));
            }
            match whole(&bytes) {
                Ok(line) => {
                    apply(&line).map_err(|error| error.within(self.next_line()))?;
                    self.offset += read as u64;
                    self.lines += 1;
                }
                Err(given) => {
                    let error = self.refuse(given, OPERATION);
                    if !self.may_be_torn(&bytes) {
                        return Err(error);
                    }
                    tolerated = Some(error);
                }
            }
        }
    }

    /// Appends under `_held`, and waits until the disk has it; not if the journal is not as it was last read, which says
    /// that the lock has been broken. What is left of a write that was cut off stands behind all that was read, and is
    /// mended first: a line behind it would make the journal unreadable.
    ///
    /// # Errors
    /// A file or disk that cannot be written to: the journal is as it was.
    pub(super) fn append(&self, text: &str, _held: &Guard<'_>) -> Result<bool, Error> {
        let mut file = OpenOptions::new().read(true).append(true).open(&self.path).map_err(unwritable)?;
        if file.metadata().map_err(unwritable)?.len() != self.size {
            return Ok(false);
        }
        let mut written = self.mend(&mut file)?;
        written.extend_from_slice(text.as_bytes());
        let done = file.write_all(&written).and_then(|()| file.sync_all());
        if done.is_err() {
            // Best effort, on a full disk: what matters is the error.
            let _ = cut(&self.path, self.size);
        }
        done.map_err(unwritable).map(|()| true)
    }

    /// Cuts off a line that is not whole. Gives what must be written in its place: the line's end where nothing else is
    /// missing; where another program has appended an operation to a torn line, this operation.
    fn mend(&self, file: &mut File) -> Result<Vec<u8>, Error> {
        let mut tail = Vec::new();
        if self.size > self.offset {
            file.seek(SeekFrom::Start(self.offset)).map_err(unwritable)?;
            file.take(LONGEST + 1).read_to_end(&mut tail).map_err(unwritable)?;
        }
        if tail.is_empty() {
            return Ok(tail);
        }
        if let Ok(line) = Line::parse(&tail) {
            line.operation().map_err(|error| error.within(self.next_line()))?;
            return Ok(b"\n".into());
        }
        if !self.may_be_torn(&tail) {
            return Err(self.refuse(excerpt(&tail), OPERATION));
        }
        cut(&self.path, self.offset).map_err(unwritable)?;
        let start = tail.windows(START.len()).rposition(|window| window == START).unwrap_or(tail.len());
        let mut appended = tail.split_off(start);
        if !Line::parse(&appended).is_ok_and(|line| line.operation().is_ok()) {
            appended.clear();
        }
        Ok(appended)
    }

    /// Whether this could be an operation that was cut off. At the start of a file it must look like one, so that no other
    /// file is taken for a journal.
    fn may_be_torn(&self, bytes: &[u8]) -> bool {
        self.lines > 0 || START.iter().zip(bytes).all(|(expected, given)| expected == given)
    }

    fn next_line(&self) -> String {
        format!("line {}", self.lines + 1)
    }

    fn refuse(&self, given: impl fmt::Display, expected: &str) -> Error {
        Error::data(self.next_line(), given, expected)
    }
}

fn whole(bytes: &[u8]) -> Result<Line, String> {
    bytes.strip_suffix(b"\n").ok_or_else(|| excerpt(bytes)).and_then(Line::parse)
}

fn cut(path: &Path, size: u64) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_len(size)
}

fn unreadable(error: io::Error) -> Error {
    Error::io("file", format!("unreadable ({error})"), "a file that can be read", error)
}

fn unwritable(error: io::Error) -> Error {
    Error::io("file", format!("not written ({error})"), "a file and a disk that can be written to", error)
}

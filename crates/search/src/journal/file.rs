//! The file of a journal: read from where it was last read to, and appended to under its lock.

use super::lock::Guard;
use super::text::{LONGEST, Line, excerpt};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use wane_autodiff::Error;

/// How every line begins that Optuna or wane writes.
const START: &[u8] = b"{\"op_code\":";
const OPERATION: &str = "an operation of Optuna's journal";
/// The longest line that is read: one of ours, behind the blanks in place of as much that was torn.
const LONGEST_READ: u64 = 2 * LONGEST;
/// In how many places an operation is looked for in a torn line.
const PLACES: usize = 64;

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
            let read = (&mut reader).take(LONGEST_READ + 1).read_until(b'\n', &mut bytes).map_err(unreadable)?;
            if read == 0 {
                return Ok(());
            }
            if let Some(error) = tolerated {
                return Err(error);
            }
            if read as u64 > LONGEST_READ {
                return Err(self.refuse("longer", &format!("{LONGEST_READ} bytes at most")));
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
    /// Nothing is ever cut off or moved: whoever is killed between two steps leaves what the next to write can mend, and
    /// others may have read a line that is whole.
    ///
    /// # Errors
    /// A file or disk that cannot be written to. Lines that were written whole nevertheless stay.
    pub(super) fn append(&self, text: &str, _held: &Guard<'_>) -> Result<bool, Error> {
        let mut file = OpenOptions::new().read(true).append(true).open(&self.path).map_err(unwritable)?;
        if file.metadata().map_err(unwritable)?.len() != self.size || !self.mend(&mut file)? {
            return Ok(false);
        }
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        if written.is_err() {
            // Best effort, on a full disk, for others that would append to it: what matters is the error.
            let _ = self.blank_rest(&mut file);
        }
        written.map_err(unwritable).map(|()| true)
    }

    /// Makes the end of the journal one that can be appended to; false if it is no longer as it was read.
    ///
    /// A line that lacks but its end gets it. What is torn becomes blanks, which mean nothing before an operation: up to
    /// the operation that another program has appended to it, if there is one.
    fn mend(&self, file: &mut File) -> Result<bool, Error> {
        let mut tail = Vec::new();
        if self.size > self.offset {
            file.seek(SeekFrom::Start(self.offset)).map_err(unwritable)?;
            file.take(self.size - self.offset).read_to_end(&mut tail).map_err(unwritable)?;
        }
        if tail.iter().all(|byte| *byte == b' ') {
            return Ok(true);
        }
        let has_end = tail.ends_with(b"\n");
        if let Ok(line) = Line::parse(&tail) {
            line.operation().map_err(|error| error.within(self.next_line()))?;
            return if has_end { Ok(false) } else { self.overwrite(self.size, b"\n").map(|()| true) };
        }
        let appended = starts(&tail).find(|at| is_operation(&tail[*at..]));
        if !self.may_be_torn(&tail) || (has_end && appended.is_none()) {
            return Err(self.refuse(excerpt(&tail), OPERATION));
        }
        // Its start last: what begins like an operation is taken for a torn one by whoever comes next.
        let torn = appended.unwrap_or(tail.len());
        let start = START.len().min(torn);
        self.overwrite(self.offset + start as u64, &vec![b' '; torn - start])?;
        self.overwrite(self.offset, &vec![b' '; start])?;
        if appended.is_some() && !has_end {
            self.overwrite(self.size, b"\n")?;
        }
        Ok(true)
    }

    /// Makes blanks of what a failed write has left of a line. Whole lines stay: others may have read them.
    fn blank_rest(&self, file: &mut File) -> Result<(), Error> {
        let mut rest = Vec::new();
        file.seek(SeekFrom::Start(self.size)).and_then(|_| file.read_to_end(&mut rest)).map_err(unwritable)?;
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.overwrite(self.size + whole as u64, &vec![b' '; rest.len() - whole])
    }

    /// Writes at a place, to the disk before anything that is appended later. (What is opened for appending writes to the
    /// end only.)
    fn overwrite(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut file = OpenOptions::new().write(true).open(&self.path).map_err(unwritable)?;
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes));
        written.and_then(|()| file.sync_data()).map_err(unwritable)
    }

    /// Whether this could be an operation that was cut off, or mended in part. At the start of a file it must look like
    /// one, so that no other file is taken for a journal.
    fn may_be_torn(&self, bytes: &[u8]) -> bool {
        let start = bytes.iter().position(|byte| *byte != b' ').unwrap_or(bytes.len());
        self.lines > 0 || START.iter().zip(&bytes[start..]).all(|(expected, given)| expected == given)
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

/// Where an operation may begin, the last place first.
fn starts(tail: &[u8]) -> impl Iterator<Item = usize> {
    tail.windows(START.len()).enumerate().rev().filter(|(_, window)| *window == START).map(|(at, _)| at).take(PLACES)
}

fn is_operation(bytes: &[u8]) -> bool {
    Line::parse(bytes).is_ok_and(|line| line.operation().is_ok())
}

fn unreadable(error: io::Error) -> Error {
    Error::io("file", format!("unreadable ({error})"), "a file that can be read", error)
}

fn unwritable(error: io::Error) -> Error {
    Error::io("file", format!("not written ({error})"), "a file and a disk that can be written to", error)
}

//! wane's own files: any value that serde knows, behind a header that tells what it is and whether it is whole.
//!
//! | bytes | hold |
//! |---|---|
//! | 8 | `b"wane\r\n\x1a\n"`: a transfer that changes line ends is noticed |
//! | 4 | the version of the format, little endian |
//! | 16 | the kind of file, UTF-8, filled up with zeros |
//! | 8 | the length of the payload, little endian |
//! | 4 | CRC-32 of everything before this and of the payload |
//! | … | the payload: bincode 1.3, fixed-width integers, little endian |

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};
use wane_autodiff::Error;

const MAGIC: &[u8; 8] = b"wane\r\n\x1a\n";
const VERSION: u32 = 1;
const KIND: usize = 16;
const CHECKED: usize = 8 + 4 + KIND + 8;
const HEADER: usize = CHECKED + 4;
const WHOLE: &str = "a file that can be read and written, and is whole";

/// Writes `value` to `path`: to a temporary file beside it, flushed to the disk and then renamed over it, so that at any
/// moment `path` holds the old file or the new one. A link stays: the file that it leads to is replaced. One process at a
/// time may write to a path.
///
/// # Errors
/// A folder or disk that cannot be written to: then the old file is as it was. (If only the folder could not be flushed
/// after the renaming, the new one is in its place already.) A kind of more than 16 bytes.
pub fn write<S: Serialize>(path: &Path, kind: &str, value: &S) -> Result<(), Error> {
    let kind = padded(kind)?;
    replace_by(path, |file| write_into(file, kind, value)).map_err(|error| match *error {
        bincode::ErrorKind::Io(error) => fault(path, "file", "not written", error),
        _ => fault(path, "what is to be written", "unwritable", error),
    })
}

/// Length and checksum are known behind the last byte: the header is written twice.
fn write_into<S: Serialize>(file: &mut File, kind: [u8; KIND], value: &S) -> bincode::Result<()> {
    file.write_all(&[0; HEADER])?;
    let payload = Summed { inner: &mut *file, checksum: crc32fast::Hasher::new(), length: 0 };
    let mut buffered = BufWriter::new(payload);
    format().serialize_into(&mut buffered, value)?;
    let Summed { checksum: payload, length, .. } = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;

    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&kind);
    header.extend_from_slice(&length.to_le_bytes());
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&header);
    checksum.combine(&payload);
    header.extend_from_slice(&checksum.finalize().to_le_bytes());
    file.rewind()?;
    Ok(file.write_all(&header)?)
}

/// Counts what goes through.
struct Summed<W> {
    inner: W,
    checksum: crc32fast::Hasher,
    length: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.checksum.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Puts `bytes` in the place of the file at `path`, wholly or not at all.
///
/// # Errors
/// Those of the file system; then the old file is as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(path, |file| file.write_all(bytes))
}

/// Puts what `write` writes in the place of the file at `path`, wholly or not at all.
fn replace_by<E: From<io::Error>>(path: &Path, write: impl FnOnce(&mut File) -> Result<(), E>) -> Result<(), E> {
    let path = end_of_links(path)?;
    let temporary = beside(&path)?;
    let written = File::create(&temporary).map_err(E::from).and_then(|mut file| {
        write(&mut file)?;
        Ok(file.sync_all()?)
    });
    let renamed = written.and_then(|()| Ok(fs::rename(&temporary, &path)?));
    if renamed.is_err() {
        // Best effort: what matters is the error of before.
        let _ = fs::remove_file(&temporary);
    }
    renamed?;
    Ok(sync_folder(&path)?)
}

/// Where links lead, whether a file is there yet or not: a rename would take the place of the link itself.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => path = path.with_file_name(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "links that lead nowhere"))
}

/// Tries whether [`replace`] could write to `path`, and leaves what is there as it is.
pub(crate) fn try_place(path: &Path) -> Result<(), Error> {
    let tried = end_of_links(path).and_then(|path| beside(&path)).and_then(|temporary| {
        if path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "the path is that of a folder"));
        }
        File::create(&temporary)?;
        fs::remove_file(&temporary)
    });
    tried.map_err(|error| fault(path, "file", "not writable", error))
}

/// A name in the same folder, so that renaming stays on one file system.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
    };
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".tmp");
    Ok(path.with_file_name(temporary))
}

/// A rename is safe from a power cut once its folder is on the disk too.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Reads what [`write()`] wrote under the same kind. A damaged file costs a buffer; of one that was made to deceive,
/// checksum and all, a list is given 1 MiB at most on the word of its length, and more as it is found to hold more.
///
/// # Errors
/// A file that is not there, is another kind of file, comes from a newer version, is cut off or damaged.
pub fn read<D: DeserializeOwned>(path: &Path, kind: &str) -> Result<D, Error> {
    let mut payload = Payload::open(path, kind)?;
    let value = payload.value().and_then(|value| payload.end().map(|()| value));
    value.map_err(|error| error.within(format!("{path:?}")))
}

/// What a file holds that was found whole, from its beginning on: so that a part can be checked before the next is read.
pub(crate) struct Payload(BufReader<Take<File>>);

impl Payload {
    pub(crate) fn open(path: &Path, kind: &str) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(|error| fault(path, "file", "unreadable", error))?;
        let length = check(&mut file, path, kind)?;
        // Checked whole before a byte of it is believed, then read once more: memory holds what it says, not the bytes too.
        file.seek(SeekFrom::Start(HEADER as u64)).map_err(|error| fault(path, "file", "unreadable", error))?;
        Ok(Self(BufReader::new(file.take(length))))
    }

    /// How many bytes are still to be read.
    pub(crate) fn left(&self) -> u64 {
        self.0.buffer().len() as u64 + self.0.get_ref().limit()
    }

    pub(crate) fn value<D: DeserializeOwned>(&mut self) -> Result<D, Error> {
        let value = format().with_limit(self.left()).deserialize_from(&mut self.0);
        value.map_err(|error| Error::io("payload", format!("undecodable ({error})"), WHOLE, error))
    }

    /// The bytes themselves.
    pub(crate) fn reader(&mut self) -> &mut impl Read {
        &mut self.0
    }

    pub(crate) fn end(&self) -> Result<(), Error> {
        match self.left() {
            0 => Ok(()),
            _ => Err(Error::data("payload", "longer than what it holds", "nothing behind the last value")),
        }
    }
}

/// Checks the header and the checksum; gives the length of the payload.
fn check(file: &mut File, path: &Path, kind: &str) -> Result<u64, Error> {
    let unreadable = |error| fault(path, "file", "unreadable", error);
    let length = file.metadata().map_err(unreadable)?.len();
    if length < HEADER as u64 {
        let given = if length == 0 { "empty".to_owned() } else { format!("{length} bytes long") };
        return Err(refuse(path, "file", given, format!("a wane file, of {HEADER} bytes at least")));
    }
    let mut header = [0; HEADER];
    file.read_exact(&mut header).map_err(unreadable)?;
    let (magic, rest) = header.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(refuse(path, "file", format!("{:?}…", String::from_utf8_lossy(magic)), "a wane file"));
    }
    let (version, rest) = rest.split_at(4);
    let version = u32::from_le_bytes(version.try_into().expect("four bytes"));
    if version != VERSION {
        let newer = if version > VERSION { "; a newer wane may read it" } else { "" };
        return Err(refuse(path, "format version", version.to_string(), format!("{VERSION}{newer}")));
    }
    let (found, rest) = rest.split_at(KIND);
    if found != padded(kind)? {
        let found = String::from_utf8_lossy(found).trim_end_matches('\0').to_owned();
        return Err(refuse(path, "kind of file", format!("{found:?}"), format!("{kind:?}")));
    }
    let (payload, checksum) = rest.split_at(8);
    let payload = u64::from_le_bytes(payload.try_into().expect("eight bytes"));
    if payload != length - HEADER as u64 {
        let given = format!("{} bytes long", length - HEADER as u64);
        return Err(refuse(path, "payload", given, format!("{payload} bytes: the file is cut off or has grown")));
    }
    let mut computed = crc32fast::Hasher::new();
    computed.update(&header[..CHECKED]);
    let mut block = [0; 1 << 13];
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => computed.update(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    let (computed, written) = (computed.finalize(), u32::from_le_bytes(checksum.try_into().expect("four bytes")));
    if computed != written {
        return Err(refuse(path, "checksum", format!("{computed:08x}"), format!("{written:08x}: the file is damaged")));
    }
    Ok(payload)
}

/// A value as bytes in memory.
pub(crate) fn encode<S: Serialize>(field: &str, value: &S) -> Result<Vec<u8>, Error> {
    format().serialize(value).map_err(|error| misfit(field, error))
}

/// The value of [`encode`]. Bytes behind it are refused: they are most of what tells one type from another.
pub(crate) fn decode<D: DeserializeOwned>(field: &str, bytes: &[u8]) -> Result<D, Error> {
    format().deserialize(bytes).map_err(|error| misfit(field, error))
}

fn format() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding()
}

fn padded(kind: &str) -> Result<[u8; KIND], Error> {
    let mut padded = [0; KIND];
    let Some(place) = padded.get_mut(..kind.len()) else {
        return Err(Error::option("kind of file", format!("{kind:?}"), format!("{KIND} bytes at most")));
    };
    place.copy_from_slice(kind.as_bytes());
    Ok(padded)
}

fn misfit(field: &str, error: bincode::Error) -> Error {
    Error::io(field, error.to_string(), "what this program writes there", error)
}

pub(crate) fn refuse(path: &Path, field: &str, given: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::data(field, given.into(), expected.into()).within(format!("{path:?}"))
}

pub(crate) fn fault(
    path: &Path,
    field: &str,
    what: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::io(field, format!("{what} ({error})"), WHOLE, error).within(format!("{path:?}"))
}

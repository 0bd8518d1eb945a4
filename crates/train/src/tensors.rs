//! The safetensors format: named arrays behind a JSON header. What it says is checked before a number is read.

use crate::file::{fault, refuse, replace};
use crate::numbers::{self, dtype};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, View};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use wane_autodiff::{Error, Float, Params};

/// An array on its way into a file.
pub(crate) struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    pub(crate) fn new<T: Float>(shape: &[usize], values: &[T]) -> Result<Self, Error> {
        let dtype = dtype::<T>()?;
        let mut bytes = Vec::with_capacity(size_of_val(values));
        match dtype {
            Dtype::F32 => values.iter().for_each(|value| bytes.extend((value.widen() as f32).to_le_bytes())),
            _ => values.iter().for_each(|value| bytes.extend(value.widen().to_le_bytes())),
        }
        Ok(Self { dtype, shape: shape.to_vec(), bytes })
    }

    pub(crate) fn count(count: u64) -> Result<Self, Error> {
        let signed = i64::try_from(count).map_err(|_| Error::data("count", count, "a number that fits in int64"))?;
        Ok(Self { dtype: Dtype::I64, shape: Vec::new(), bytes: signed.to_le_bytes().to_vec() })
    }
}

impl View for Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes arrays and one entry of metadata: of several, the order in the file would be any.
pub(crate) fn write(path: &Path, tensors: Vec<(String, Tensor)>, metadata: (&str, String)) -> Result<(), Error> {
    let metadata = HashMap::from([(metadata.0.to_owned(), metadata.1)]);
    let bytes = safetensors::serialize(tensors, Some(metadata));
    let bytes = bytes.map_err(|error| fault(path, "what is to be written", "unwritable", error))?;
    replace(path, &bytes).map_err(|error| fault(path, "file", "not written", error))
}

/// A file whose header has been read and found right: offsets lie one behind the other, and fill the file.
#[derive(Debug)]
pub(crate) struct TensorFile {
    path: PathBuf,
    file: File,
    /// Where the header ends and the numbers begin.
    start: u64,
    header: Metadata,
}

/// How long a header may be that describes `params`, each by so many entries, with room for metadata and for entries that
/// are not expected, so that a message can name them. What a header takes as it is read is a multiple of it, and a file
/// is long for less.
pub(crate) fn longest_header<T: Float>(params: &Params<T>, entries: usize) -> usize {
    const ROOM: usize = 1 << 16;
    const ENTRY: usize = 256;
    let of_each = |name: &str| entries * (ENTRY + 6 * name.len());
    ROOM + params.iter().map(|param| of_each(param.name)).sum::<usize>()
}

impl TensorFile {
    /// A file whose header is at most `longest` bytes long.
    pub(crate) fn open(path: &Path, longest: usize) -> Result<Self, Error> {
        let unreadable = |error| fault(path, "file", "unreadable", error);
        let mut file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let Some(behind) = length.checked_sub(8) else {
            let given = format!("{length} bytes long");
            return Err(refuse(path, "file", given, "a safetensors file, of 8 bytes at least"));
        };
        let mut claimed = [0; 8];
        file.read_exact(&mut claimed).map_err(unreadable)?;
        let claimed = u64::from_le_bytes(claimed);
        if claimed > behind {
            let expected = format!("{behind} at most: the file is cut off, or no safetensors file");
            return Err(refuse(path, "length of the header", claimed.to_string(), expected));
        }
        if claimed > longest as u64 {
            let expected = format!("{longest} at most, for the parameters that it is read for");
            return Err(refuse(path, "length of the header", claimed.to_string(), expected));
        }
        let mut text = vec![0; claimed as usize];
        file.read_exact(&mut text).map_err(unreadable)?;
        let header = parse(&text).map_err(|error| fault(path, "header", "undecodable", error))?;
        let (held, expected) = (behind - claimed, header.data_len() as u64);
        if held != expected {
            let expected = format!("{expected}, as the header says: the file is cut off or has grown");
            return Err(refuse(path, "number of bytes behind the header", held.to_string(), expected));
        }
        Ok(Self { path: path.to_owned(), file, start: 8 + claimed, header })
    }

    /// The names, in the order in which their numbers lie.
    pub(crate) fn names(&self) -> Vec<String> {
        self.header.offset_keys()
    }

    pub(crate) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.header.info(name)
    }

    /// The name under which the numbers of `name` stand: of names that share numbers, `safetensors.torch.save_model` keeps
    /// one, and writes the others to the metadata with it.
    pub(crate) fn kept_name<'a>(&'a self, name: &'a str) -> &'a str {
        let is_there = |name: &&str| self.header.info(name).is_some();
        if is_there(&name) { name } else { self.metadata(name).filter(is_there).unwrap_or(name) }
    }

    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// Fills `values`, as many as `name` has, with its numbers.
    pub(crate) fn read<T: Float>(&mut self, name: &str, values: &mut [T]) -> Result<(), Error> {
        let Some(info) = self.header.info(name) else {
            return Err(refuse(&self.path, name, "missing", "an entry of numbers that wane reads"));
        };
        let start = SeekFrom::Start(self.start + info.data_offsets.0 as u64);
        let read = self.file.seek(start).and_then(|_| numbers::fill(&mut self.file, info.dtype, values));
        read.map_err(|error| fault(&self.path, "file", "unreadable", error))
    }
}

/// The header is read entry by entry, each checked at once: the crate's own way builds a tree of whatever is there first.
fn parse(text: &[u8]) -> Result<Metadata, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let (metadata, mut tensors) = Header.deserialize(&mut json)?;
    json.end()?;
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let count = tensors.len();
    let header = Metadata::new(metadata, tensors).map_err(serde_json::Error::custom)?;
    if header.offset_keys().len() == count { Ok(header) } else { Err(serde_json::Error::custom("a name stands twice")) }
}

struct Header;

type Entries = (Option<HashMap<String, String>>, Vec<(String, TensorInfo)>);

impl<'de> DeserializeSeed<'de> for Header {
    type Value = Entries;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entries, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Header {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of the entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let (mut metadata, mut tensors) = (None, Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "__metadata__" if metadata.is_some() => return Err(A::Error::custom("__metadata__ stands twice")),
                "__metadata__" => metadata = Some(map.next_value()?),
                _ => tensors.push((name, map.next_value()?)),
            }
        }
        Ok((metadata, tensors))
    }
}

/// What is wrong with a file's entries, all of it.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    missing: Vec<String>,
    unexpected: Vec<String>,
    misshapen: Vec<String>,
    other_dtype: Vec<String>,
}

impl Faults {
    pub(crate) fn missing(&mut self, name: impl Into<String>) {
        self.missing.push(name.into());
    }

    pub(crate) fn unexpected(&mut self, name: impl Into<String>) {
        self.unexpected.push(name.into());
    }

    /// Checks an entry's shape and dtype; `accepted` holds those that are right.
    pub(crate) fn check(&mut self, name: &str, info: &TensorInfo, shape: &[usize], accepted: &[Dtype]) {
        if info.shape != shape {
            self.misshapen.push(format!("{name} {} for {}", shown(&info.shape), shown(shape)));
        }
        if !accepted.contains(&info.dtype) {
            self.other_dtype.push(format!("{name} {:?}", info.dtype));
        }
    }

    pub(crate) fn report(self, path: &Path, expected: impl Into<String>) -> Result<(), Error> {
        const LISTED: usize = 100;
        let lists = [
            ("missing", self.missing),
            ("unexpected", self.unexpected),
            ("misshapen", self.misshapen),
            ("of another dtype", self.other_dtype),
        ];
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty()).map(|(fault, names)| {
            let more = if names.len() > LISTED { format!(", … ({} in all)", names.len()) } else { String::new() };
            format!("{fault}: {}{more}", names[..names.len().min(LISTED)].join(", "))
        });
        let given = lists.collect::<Vec<_>>().join("; ");
        if given.is_empty() {
            return Ok(());
        }
        Err(Error::parameter("list of entries", given, expected).within(format!("{path:?}")))
    }
}

/// A shape as Python shows it; of a hostile one, its beginning.
fn shown(shape: &[usize]) -> String {
    match shape {
        [only] => format!("({only},)"),
        _ => {
            let axes: Vec<_> = shape.iter().take(8).map(usize::to_string).collect();
            format!("({}{})", axes.join(", "), if shape.len() > 8 { ", …" } else { "" })
        }
    }
}

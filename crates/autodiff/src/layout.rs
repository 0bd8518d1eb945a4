use crate::{Error, ParamId, Shape};
use std::collections::HashMap;

/// Where each parameter lies in a flat buffer: shared by [`Params`](crate::Params), [`Grads`](crate::Grads) and
/// optimizers, so that each can refuse a stranger.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    entries: Vec<Entry>,
    by_name: HashMap<String, u32>,
    total: usize,
    stamp: u64,
}

/// One parameter of a [`Layout`].
#[derive(Clone, Debug)]
pub struct Entry {
    pub(crate) id: ParamId,
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) start: usize,
}

impl Entry {
    /// The parameter's handle.
    #[inline]
    pub fn id(&self) -> ParamId {
        self.id
    }

    /// The parameter's full name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameter's shape.
    #[inline]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The parameter's place in a flat buffer.
    #[inline]
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.shape.len()
    }
}

impl Layout {
    pub(crate) fn push(&mut self, name: String, shape: Shape) -> Result<ParamId, Error> {
        if name.contains(|c: char| c == '*' || c.is_control()) || name.split('.').any(|part| part.trim().is_empty()) {
            let expected = "parts with letters, joined by single dots, without `*` and control characters";
            return Err(Error::parameter("parameter name", format!("{name:?}"), expected));
        }
        if self.by_name.contains_key(&name) {
            return Err(Error::parameter("parameter name", format!("{name:?}, already taken"), "a name of its own"));
        }
        let index = self.entries.len() as u32;
        let id = ParamId { index, tag: tag(&name, shape) };
        self.stamp = stamped(self.stamp, id);
        self.by_name.insert(name.clone(), index);
        self.entries.push(Entry { id, name, shape, start: self.total });
        self.total += shape.len();
        Ok(id)
    }

    /// Forgets all parameters but the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.entries.truncate(len);
        self.by_name.retain(|_, index| (*index as usize) < len);
        self.total = self.entries.last().map_or(0, |last| last.range().end);
        self.stamp = self.entries.iter().fold(0, |stamp, entry| stamped(stamp, entry.id));
    }

    /// The parameters, in the order in which they were added.
    #[inline]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The number of scalars.
    #[inline]
    pub fn total(&self) -> usize {
        self.total
    }

    /// A number that two layouts share if and only if (up to hash collisions) they hold the same names and shapes in
    /// the same order.
    #[inline]
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// The handle of the parameter called `name`.
    ///
    /// # Errors
    /// No parameter of that name.
    #[inline]
    pub fn id(&self, name: &str) -> Result<ParamId, Error> {
        self.by_name.get(name).map(|&index| self.entries[index as usize].id).ok_or_else(|| {
            Error::parameter("parameter name", format!("{name:?}"), format!("one of {}", self.names(|_| true)))
        })
    }

    /// The entry of `id`, if the handle belongs to a layout like this one.
    #[inline]
    pub fn find(&self, id: ParamId) -> Option<&Entry> {
        self.entries.get(id.index as usize).filter(|entry| entry.id == id)
    }

    /// The entry of `id`.
    ///
    /// # Errors
    /// A handle of other Params.
    #[inline]
    pub fn entry(&self, id: ParamId) -> Result<&Entry, Error> {
        self.find(id).ok_or_else(|| {
            let given = format!("#{} of other Params", id.index);
            Error::parameter("parameter", given, format!("one of {}", self.names(|_| true)))
        })
    }

    /// Checks that `other` holds the same parameters; `what` is the field that a message names.
    ///
    /// # Errors
    /// Other names or shapes, or another order.
    #[inline]
    pub fn expect_same(&self, other: &Self, what: &str) -> Result<(), Error> {
        if self.stamp == other.stamp && self.entries.len() == other.entries.len() {
            return Ok(());
        }
        let describe = |layout: &Self| match layout.entries.len() {
            0 => "no parameter".to_owned(),
            n => {
                let first: Vec<_> =
                    layout.entries.iter().take(8).map(|entry| format!("{} {}", entry.name, entry.shape)).collect();
                let more = if n > 8 { format!(", … ({n} in all)") } else { String::new() };
                first.join(", ") + &more
            }
        };
        Err(Error::parameter(what, describe(other), describe(self)))
    }

    /// The names that `keep` lets through, in one line of at most eight.
    pub(crate) fn names(&self, keep: impl Fn(&Entry) -> bool) -> String {
        let names: Vec<&str> = self.entries.iter().filter(|entry| keep(entry)).map(Entry::name).collect();
        match names.len() {
            0 => "(no parameter)".to_owned(),
            1..=8 => names.join(", "),
            n => format!("{}, … ({n} in all)", names[..8].join(", ")),
        }
    }
}

/// The stamp of a layout to which `id` is added.
fn stamped(stamp: u64, id: ParamId) -> u64 {
    (stamp.rotate_left(5) ^ u64::from(id.tag)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// FNV-1a over name and shape.
fn tag(name: &str, shape: Shape) -> u32 {
    let dims = shape.dims().iter().flat_map(|&dim| (dim as u64).to_le_bytes());
    name.bytes()
        .chain([0xff])
        .chain(dims)
        .fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

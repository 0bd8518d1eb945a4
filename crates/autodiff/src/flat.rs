use crate::Float;
use memmap2::MmapMut;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// A flat buffer of numbers. Large ones lie in memory that is asked to come in huge pages: an optimizer walks over several
/// buffers at once, and spends a tenth to a half of that on finding pages of ordinary size.
#[derive(Clone)]
#[doc(hidden)]
pub struct Flat<T>(Memory<T>);

enum Memory<T> {
    Heap(Vec<T>),
    Mapped(Mapped<T>),
}

/// The first `len` numbers of a mapping of its own.
struct Mapped<T> {
    map: MmapMut,
    len: usize,
    bytes: Bytes<T>,
}

/// How bytes are numbers of a kind that is bytes and nothing else.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "two functions")]
pub struct Bytes<T> {
    pub(crate) view: fn(&[u8]) -> &[T],
    pub(crate) view_mut: fn(&mut [u8]) -> &mut [T],
}

/// From how many bytes on a buffer has a mapping of its own: that of two huge pages.
const LARGE: usize = 4 << 20;

impl<T> Mapped<T> {
    /// Room for `len` zeros, if they are many enough and the system gives it.
    fn new(len: usize, bytes: Bytes<T>) -> Option<Self> {
        let size = len.checked_mul(size_of::<T>()).filter(|&size| size >= LARGE)?;
        let map = MmapMut::map_anon(size).ok()?;
        // A wish: where it is not granted, pages are small and everything else is the same.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Some(Self { map, len, bytes })
    }

    fn numbers(&self) -> &[T] {
        &(self.bytes.view)(&self.map)[..self.len]
    }

    fn numbers_mut(&mut self) -> &mut [T] {
        &mut (self.bytes.view_mut)(&mut self.map)[..self.len]
    }
}

impl<T: Float> Flat<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mapped = T::BYTES.and_then(|bytes| Mapped::new(len, bytes));
        Self(mapped.map_or_else(|| Memory::Heap(vec![T::zero(); len]), Memory::Mapped))
    }

    /// Adds `count` numbers at the end.
    pub(crate) fn extend(&mut self, count: usize, more: impl Iterator<Item = T>) {
        let (start, end) = (self.len(), self.len() + count);
        let room = match &self.0 {
            Memory::Heap(values) => values.capacity(),
            Memory::Mapped(mapped) => mapped.map.len() / size_of::<T>(),
        };
        if end > room {
            self.make_room(end);
        }
        match &mut self.0 {
            Memory::Heap(values) => values.resize(end, T::zero()),
            Memory::Mapped(mapped) => mapped.len = end,
        }
        self[start..].iter_mut().zip(more).for_each(|(to, from)| *to = from);
    }

    /// Moves to where there is room for twice `len` numbers, so that adding one after the other moves each but a few times.
    fn make_room(&mut self, len: usize) {
        match (T::BYTES.and_then(|bytes| Mapped::new(2 * len, bytes)), &mut self.0) {
            (Some(mut mapped), _) => {
                mapped.len = self.len();
                mapped.numbers_mut().copy_from_slice(self);
                self.0 = Memory::Mapped(mapped);
            }
            (None, Memory::Heap(values)) => values.reserve(len - values.len()),
            (None, Memory::Mapped(mapped)) => self.0 = Memory::Heap(mapped.numbers().to_vec()),
        }
    }

    pub(crate) fn truncate(&mut self, to: usize) {
        match &mut self.0 {
            Memory::Heap(values) => values.truncate(to),
            Memory::Mapped(mapped) => mapped.len = to.min(mapped.len),
        }
    }
}

impl<T> Deref for Flat<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.0 {
            Memory::Heap(values) => values,
            Memory::Mapped(mapped) => mapped.numbers(),
        }
    }
}

impl<T> DerefMut for Flat<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Memory::Heap(values) => values,
            Memory::Mapped(mapped) => mapped.numbers_mut(),
        }
    }
}

impl<T> Clone for Bytes<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Bytes<T> {}

impl<T: Clone> Clone for Memory<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Heap(values) => Self::Heap(values.clone()),
            Self::Mapped(mapped) => match Mapped::new(mapped.len, mapped.bytes) {
                Some(mut copy) => {
                    copy.numbers_mut().clone_from_slice(mapped.numbers());
                    Self::Mapped(copy)
                }
                None => Self::Heap(mapped.numbers().to_vec()),
            },
        }
    }
}

impl<T> Default for Flat<T> {
    fn default() -> Self {
        Self(Memory::Heap(Vec::new()))
    }
}

impl<T: Float> FromIterator<T> for Flat<T> {
    fn from_iter<I: IntoIterator<Item = T>>(numbers: I) -> Self {
        Self(Memory::Heap(numbers.into_iter().collect()))
    }
}

impl<T: fmt::Debug> fmt::Debug for Flat<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small, then large: through both kinds of memory, and across the move from one to the other.
    #[test]
    fn it_is_a_list_whatever_its_memory() {
        let (mut flat, mut list) = (Flat::<f32>::default(), Vec::new());
        for count in [3, 0, 1000, LARGE / 4, 5, LARGE / 2] {
            let more = (list.len()..list.len() + count).map(|i| i as f32);
            list.extend(more.clone());
            flat.extend(count, more);
            assert!(flat[..] == list[..], "{} numbers", list.len());
        }
        assert!(matches!(flat.0, Memory::Mapped(..)));
        let copy = flat.clone();
        flat.truncate(1500);
        flat[7] = -1.0;
        assert_eq!((flat.len(), flat[7], copy[7]), (1500, -1.0, list[7]));
        assert!(copy[..] == list[..]);
        flat.extend(2, [1.0, 2.0].into_iter());
        assert_eq!(flat[1499..], [list[1499], 1.0, 2.0]);
        assert!(Flat::<f64>::zeros(LARGE).iter().all(|&x| x == 0.0));
    }

    #[test]
    fn dual_numbers_lie_on_the_heap() {
        assert!(matches!(Flat::<crate::Dual<f32>>::zeros(LARGE).0, Memory::Heap(_)));
    }
}

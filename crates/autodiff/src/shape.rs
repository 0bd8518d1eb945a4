use std::fmt;

/// The largest rank a value may have.
pub const MAX_RANK: usize = 4;

/// The lengths of a value's axes: at most four, row-major, held inline.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    dims: [usize; MAX_RANK],
    rank: u8,
}

impl Shape {
    /// The shape of a single number.
    pub const SCALAR: Self = Self { dims: [1; MAX_RANK], rank: 0 };

    /// A shape from its axis lengths; `None` above rank 4, and where more elements than memory can hold would be
    /// addressed (empty axes left out, as ndarray counts).
    #[inline]
    pub fn from_dims(dims: &[usize]) -> Option<Self> {
        let elements = dims.iter().filter(|&&dim| dim > 0).try_fold(1_usize, |len, &dim| len.checked_mul(dim));
        elements.filter(|&elements| elements <= isize::MAX as usize / 16)?;
        let mut shape = Self::SCALAR;
        shape.dims.get_mut(..dims.len())?.copy_from_slice(dims);
        shape.rank = dims.len() as u8;
        Some(shape)
    }

    /// The axis lengths.
    #[inline]
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank()]
    }

    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// The number of elements: 1 for a scalar, 0 if any axis is empty.
    #[inline]
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape under NumPy's broadcasting rules, or `None` if an axis differs and neither side is 1.
    pub fn broadcast(self, other: Self) -> Option<Self> {
        let rank = self.rank().max(other.rank());
        let mut dims = [1; MAX_RANK];
        for (axis, dim) in dims.iter_mut().enumerate().take(rank) {
            *dim = match (self.aligned(axis, rank), other.aligned(axis, rank)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Some(Self { dims, rank: rank as u8 })
    }

    /// The length along `axis` of this shape written with `rank` axes, missing leading ones being 1.
    pub(crate) fn aligned(&self, axis: usize, rank: usize) -> usize {
        let missing = rank - self.rank();
        if axis < missing { 1 } else { self.dims[axis - missing] }
    }

    /// This shape as three factors around `axis`: the product before, its length, the product behind.
    pub fn around(&self, axis: usize) -> (usize, usize, usize) {
        let dims = self.dims();
        (dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product())
    }

    /// This shape with another length along `axis`.
    pub(crate) fn resized(mut self, axis: usize, len: usize) -> Self {
        self.dims[axis] = len;
        self
    }

    /// This shape with two axes exchanged.
    pub(crate) fn swapped(mut self, i: usize, j: usize) -> Self {
        self.dims.swap(i, j);
        self
    }

    /// This shape without `axis`.
    pub(crate) fn without(self, axis: usize) -> Self {
        let mut shape = Self::SCALAR;
        let kept = self.dims().iter().enumerate().filter(|&(i, _)| i != axis).map(|(_, &dim)| dim);
        shape.dims.iter_mut().zip(kept).for_each(|(to, from)| *to = from);
        shape.rank = self.rank - 1;
        shape
    }

    /// This shape with a new axis before `axis`; `None` above rank 4.
    pub(crate) fn inserted(self, axis: usize, len: usize) -> Option<Self> {
        let mut dims = [len; MAX_RANK];
        let (before, behind) = self.dims().split_at(axis);
        dims[..axis].copy_from_slice(before);
        dims.get_mut(axis + 1..=self.rank())?.copy_from_slice(behind);
        Self::from_dims(&dims[..=self.rank()])
    }

    /// The axes' multi-index of the element at `flat`.
    pub(crate) fn position(&self, mut flat: usize) -> Vec<usize> {
        let mut position = vec![0; self.rank()];
        for (axis, index) in position.iter_mut().enumerate().rev() {
            *index = flat % self.dims[axis];
            flat /= self.dims[axis];
        }
        position
    }
}

/// Written as Python writes a tuple: `(64, 9)`, `(5,)`, `()`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dims() {
            [only] => write!(f, "({only},)"),
            dims => {
                f.write_str("(")?;
                for (axis, dim) in dims.iter().enumerate() {
                    write!(f, "{}{dim}", if axis == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(dims: &[usize]) -> Shape {
        Shape::from_dims(dims).unwrap()
    }

    #[test]
    fn broadcasting_follows_numpy() {
        let check = |a: &[usize], b: &[usize], out: Option<&[usize]>| {
            assert_eq!(shape(a).broadcast(shape(b)), out.map(shape), "{a:?} with {b:?}");
            assert_eq!(shape(b).broadcast(shape(a)), out.map(shape), "{b:?} with {a:?}");
        };
        check(&[], &[3], Some(&[3]));
        check(&[4, 3], &[3], Some(&[4, 3]));
        check(&[4, 1], &[1, 3], Some(&[4, 3]));
        check(&[2, 1, 5], &[3, 1], Some(&[2, 3, 5]));
        check(&[0], &[1], Some(&[0]));
        check(&[2, 0], &[1, 1], Some(&[2, 0]));
        check(&[3], &[4], None);
        check(&[3], &[0], None);
    }

    #[test]
    fn ranks_above_four_are_refused() {
        assert_eq!(Shape::from_dims(&[1; 5]), None);
    }

    #[test]
    fn shapes_read_as_python_tuples() {
        assert_eq!(shape(&[64, 9]).to_string(), "(64, 9)");
        assert_eq!(shape(&[5]).to_string(), "(5,)");
        assert_eq!(Shape::SCALAR.to_string(), "()");
    }
}

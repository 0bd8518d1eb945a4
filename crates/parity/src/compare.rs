use std::fmt;

/// How far a value may be from its reference: |Δ| ≤ absolute + relative·|reference|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The part that grows with the reference.
    pub relative: f64,
    /// The part that does not.
    pub absolute: f64,
}

/// The largest differences over all values of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The largest |Δ|.
    pub absolute: f64,
    /// The largest |Δ|/|reference|, over references that are not 0.
    pub relative: f64,
    /// How many values were compared.
    pub compared: usize,
    /// How many of them have other bits than the reference.
    pub other_bits: usize,
    /// How many are out of tolerance.
    pub out: usize,
    tolerance: Tolerance,
}

impl Difference {
    pub(crate) fn new(tolerance: Tolerance) -> Self {
        Self { absolute: 0.0, relative: 0.0, compared: 0, other_bits: 0, out: 0, tolerance }
    }

    /// The tolerance that `out` counts against, but for values that have one of their own.
    pub fn tolerance(&self) -> Tolerance {
        self.tolerance
    }

    /// Takes one more value in. A NaN or an infinity is right only if the reference is the same.
    pub(crate) fn add(&mut self, got: f64, reference: f64) {
        self.add_within(got, reference, self.tolerance);
    }

    /// Takes in a value of another tolerance than the file's.
    pub(crate) fn add_within(&mut self, got: f64, reference: f64, Tolerance { relative, absolute }: Tolerance) {
        self.compared += 1;
        if got.to_bits() == reference.to_bits() {
            return;
        }
        self.other_bits += 1;
        let off = if got == reference { 0.0 } else { (got - reference).abs() };
        let off = if off.is_nan() { f64::INFINITY } else { off };
        self.absolute = self.absolute.max(off);
        if reference != 0.0 {
            self.relative = self.relative.max(off / reference.abs());
        }
        self.out += usize::from(!off.is_finite() || off > absolute + relative * reference.abs());
    }

    pub(crate) fn add_all(&mut self, got: impl IntoIterator<Item = f64>, reference: &[f64]) {
        got.into_iter().zip(reference).for_each(|(got, &reference)| self.add(got, reference));
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0e} rel + {:.0e} abs", self.relative, self.absolute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_tolerance_is_counted() {
        let mut difference = Difference::new(Tolerance { relative: 1e-3, absolute: 0.0 });
        for (got, reference) in [(1.0, 1.0), (1.0005, 1.0), (1.002, 1.0), (f64::NAN, 1.0), (1.0, f64::NAN)] {
            difference.add(got, reference);
        }
        assert_eq!((difference.compared, difference.other_bits, difference.out), (5, 4, 3));
    }
}

use wane_autodiff::Float;

/// A CRC-32 of parameters, by which statistics and edits know those they belong to.
#[derive(Debug)]
pub(crate) struct Checksum(crc32fast::Hasher);

impl Checksum {
    pub(crate) fn new<T: Float>() -> Self {
        let mut checksum = Self(crc32fast::Hasher::new());
        checksum.text(T::NAME);
        checksum
    }

    /// Of a layer's own parameters.
    pub(crate) fn of_layer<T: Float>(weight: &[T], bias: Option<&[T]>) -> u32 {
        let mut checksum = Self::new::<T>();
        checksum.values(weight);
        bias.iter().for_each(|bias| checksum.values(bias));
        checksum.finish()
    }

    /// Lengths go in first, so that no two lists of parts are one.
    pub(crate) fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    pub(crate) fn values<T: Float>(&mut self, values: &[T]) {
        self.0.update(&(values.len() as u64).to_le_bytes());
        let mut block = Vec::with_capacity(1 << 13);
        for values in values.chunks(1 << 10) {
            block.clear();
            block.extend(values.iter().flat_map(|value| value.widen().to_bits().to_le_bytes()));
            self.0.update(&block);
        }
    }

    pub(crate) fn finish(self) -> u32 {
        self.0.finalize()
    }
}

//! PyTorch's numbers, as the scripts write them.

use serde::Deserialize;
use wane_autodiff::ndarray::Array1;

/// A float64 as the script writes it: a number, or "nan", "inf" or "-inf".
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Number(pub(crate) f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Finite(f64),
    Other(String),
}

impl TryFrom<Written> for Number {
    type Error = std::num::ParseFloatError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Finite(x) => Ok(Self(x)),
            Written::Other(word) => word.parse().map(Self),
        }
    }
}

/// 1e-14 relative; NaN is NaN and an infinity the same infinity.
pub(crate) fn agree(ours: f64, torch: f64) -> bool {
    ours == torch || ours.is_nan() && torch.is_nan() || (ours - torch).abs() <= 1e-14 * torch.abs()
}

pub(crate) fn plain(numbers: &[Number]) -> Array1<f64> {
    numbers.iter().map(|number| number.0).collect()
}

//! The numbers of a file, of one type, as the numbers of a model, of maybe another.

use safetensors::Dtype;
use std::io::{self, Read};
use wane_autodiff::{Error, Float};

/// What is done with numbers that a file has in another of float16, bfloat16, float32 and float64 than the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherPrecision {
    /// An error.
    #[default]
    Refuse,
    /// Each number is rounded to the nearest of the model's, which is infinite beyond their range; to a wider type none
    /// changes.
    Convert,
}

const FLOATS: [Dtype; 4] = [Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64];

/// The dtype of a model's numbers.
pub(crate) fn dtype<T: Float>() -> Result<Dtype, Error> {
    match T::NAME {
        "float32" => Ok(Dtype::F32),
        "float64" => Ok(Dtype::F64),
        other => Err(Error::option("type of the numbers", other, "float32 or float64")),
    }
}

/// The dtypes that may stand for the model's own, and how a message names them.
pub(crate) fn accepted<T: Float>(precision: OtherPrecision) -> Result<(Vec<Dtype>, String), Error> {
    let own = dtype::<T>()?;
    let others = "float16, bfloat16, float32 and float64";
    Ok(match precision {
        OtherPrecision::Refuse => (vec![own], format!("{} (OtherPrecision::Convert takes {others})", T::NAME)),
        OtherPrecision::Convert => (FLOATS.to_vec(), format!("{} or another of {others}", T::NAME)),
    })
}

/// Fills `values` with numbers of a dtype, little endian, a block at a time: of the file's bytes no list is made.
pub(crate) fn fill<T: Float>(reader: &mut impl Read, dtype: Dtype, values: &mut [T]) -> io::Result<()> {
    let convert: fn(&[u8]) -> f64 = match dtype {
        Dtype::F16 => |bytes| float16(u16::from_le_bytes(bytes.try_into().expect("two bytes"))),
        Dtype::BF16 => |bytes| f64::from(f32::from_le_bytes([0, 0, bytes[0], bytes[1]])),
        Dtype::F32 => |bytes| f64::from(f32::from_le_bytes(bytes.try_into().expect("four bytes"))),
        Dtype::F64 => |bytes| f64::from_le_bytes(bytes.try_into().expect("eight bytes")),
        Dtype::I64 => |bytes| i64::from_le_bytes(bytes.try_into().expect("eight bytes")) as f64,
        other => return Err(io::Error::new(io::ErrorKind::Unsupported, format!("numbers of dtype {other:?}"))),
    };
    let size = dtype.bitsize() / 8;
    let mut block = [0; 1 << 13];
    for values in values.chunks_mut(block.len() / size) {
        let bytes = &mut block[..values.len() * size];
        reader.read_exact(bytes)?;
        values.iter_mut().zip(bytes.chunks_exact(size)).for_each(|(value, bytes)| *value = T::of(convert(bytes)));
    }
    Ok(())
}

/// A number of IEEE 754's binary16: a sign, 5 bits of exponent, 10 of fraction.
fn float16(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

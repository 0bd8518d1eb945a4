//! JSON has no word for what is not finite: there it is written as a text, `"NaN"`, `"Infinity"` or `"-Infinity"`, as
//! Protocol Buffers do and as Python's `float` and JavaScript's `Number` read it. In binary formats nothing changes.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// For `#[serde(with)]`: one number, a list of them, or one that may be missing.
pub(crate) trait Numbers: Sized {
    type Written: Serialize + for<'de> Deserialize<'de>;

    fn written(&self) -> Self::Written;
    fn read(written: Self::Written) -> Self;
}

pub(crate) fn serialize<N: Numbers, S: Serializer>(numbers: &N, serializer: S) -> Result<S::Ok, S::Error> {
    numbers.written().serialize(serializer)
}

pub(crate) fn deserialize<'de, N: Numbers, D: Deserializer<'de>>(deserializer: D) -> Result<N, D::Error> {
    Ok(N::read(N::Written::deserialize(deserializer)?))
}

#[derive(Clone, Copy)]
pub(crate) struct Number(f64);

impl Numbers for f64 {
    type Written = Number;

    fn written(&self) -> Number {
        Number(*self)
    }

    fn read(Number(value): Number) -> Self {
        value
    }
}

impl Numbers for Option<f64> {
    type Written = Option<Number>;

    fn written(&self) -> Option<Number> {
        self.map(Number)
    }

    fn read(written: Option<Number>) -> Self {
        written.map(|Number(value)| value)
    }
}

impl Numbers for Vec<f64> {
    type Written = Vec<Number>;

    fn written(&self) -> Vec<Number> {
        self.iter().copied().map(Number).collect()
    }

    fn read(written: Vec<Number>) -> Self {
        written.into_iter().map(|Number(value)| value).collect()
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() || !serializer.is_human_readable() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value if value > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(NumberOrText).map(Self)
        } else {
            f64::deserialize(deserializer).map(Self)
        }
    }
}

struct NumberOrText;

impl Visitor<'_> for NumberOrText {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        match text {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

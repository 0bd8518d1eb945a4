use serde_json::Value;
use std::fmt;
use wane_autodiff::{Error, number};

/// The value of a parameter, or a choice of a [`Distribution::Categorical`](crate::Distribution::Categorical): what Optuna's storages can keep.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// Python's `None`.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// A text.
    Text(String),
}

impl Choice {
    /// Whether Optuna takes both for the same choice: numbers by value whatever their type (true is 1), NaN as NaN.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a == b || (a.is_nan() && b.is_nan()),
                _ => false,
            },
        }
    }

    /// The value as a number, if it is one; true is 1 and false 0.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Bool(value) => Some(f64::from(u8::from(value))),
            Self::Int(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Null | Self::Text(_) => None,
        }
    }

    /// The value in JSON.
    ///
    /// # Errors
    /// A float that is not finite: JSON has none.
    pub fn to_json(&self) -> Result<Value, Error> {
        match self {
            Self::Null => Ok(Value::Null),
            Self::Bool(value) => Ok((*value).into()),
            Self::Int(value) => Ok((*value).into()),
            Self::Float(value) if value.is_finite() => Ok((*value).into()),
            Self::Float(value) => Err(Error::data("value", value, "a finite number")),
            Self::Text(value) => Ok(value.as_str().into()),
        }
    }

    /// The value that JSON holds.
    ///
    /// # Errors
    /// A list or an object.
    pub fn from_json(json: &Value) -> Result<Self, Error> {
        match json {
            Value::Null => Ok(Self::Null),
            Value::Bool(value) => Ok(Self::Bool(*value)),
            Value::Number(value) => match (value.as_i64(), value.as_f64()) {
                (Some(value), _) => Ok(Self::Int(value)),
                (None, Some(value)) => Ok(Self::Float(value)),
                (None, None) => Err(Error::data("value", value, "a number an f64 can hold")),
            },
            Value::String(value) => Ok(Self::Text(value.clone())),
            Value::Array(_) | Value::Object(_) => {
                Err(Error::data("value", json, "null, true or false, a number or a text"))
            }
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => f.write_str(&number(*value)),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

impl From<bool> for Choice {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Choice {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<i64> for Choice {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Choice {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Choice {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Choice {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

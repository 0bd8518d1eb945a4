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
    /// A list or an object.
    Json(Value),
}

impl Choice {
    /// Whether Optuna takes both for the same choice: numbers by value whatever their type (true is 1), in lists and objects
    /// too, and NaN as NaN.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Json(json), other) | (other, Self::Json(json)) => {
                other.to_json().is_ok_and(|other| is_same_json(json, &other))
            }
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
            Self::Null | Self::Text(_) | Self::Json(_) => None,
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
            Self::Json(value) => Ok(value.clone()),
        }
    }

    /// The value that JSON holds.
    pub fn from_json(json: &Value) -> Self {
        match json {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(value) => match (value.as_i64(), value.as_f64()) {
                (Some(value), _) => Self::Int(value),
                (None, Some(value)) => Self::Float(value),
                (None, None) => Self::Json(json.clone()),
            },
            Value::String(value) => Self::Text(value.clone()),
            Value::Array(_) | Value::Object(_) => Self::Json(json.clone()),
        }
    }
}

/// Python's `==`.
fn is_same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_json(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let is_same = |(name, value)| b.get(name).is_some_and(|other| is_same_json(value, other));
            a.len() == b.len() && a.iter().all(is_same)
        }
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        _ => Choice::from_json(a).is_same(&Choice::from_json(b)),
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
            Self::Json(value) => write!(f, "{value}"),
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

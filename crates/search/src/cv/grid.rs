use std::collections::BTreeMap;
use std::fmt;
use wane_autodiff::{Error, number};

/// A value that a parameter of a search has.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// One of several names.
    Text(String),
}

/// One value for each parameter, by name.
///
/// ```
/// use wane_search::Setting;
/// let setting = Setting::new([("alpha", 0.1.into()), ("width", 32.into())]);
/// assert_eq!((setting.float("alpha")?, setting.int("width")?), (0.1, 32));
/// assert_eq!(setting.to_string(), r#"{"alpha": 0.1, "width": 32}"#);
/// let error = setting.float("alhpa").unwrap_err();
/// assert_eq!(error.to_string(), r#"parameter is "alhpa"; expected one of ["alpha", "width"]"#);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting(BTreeMap<String, Value>);

impl Setting {
    /// The given values; of a name that is given twice, the last.
    pub fn new<N: Into<String>>(values: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self(values.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The value of a parameter, if it has one here.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of a parameter that is a number, whole or not.
    ///
    /// # Errors
    /// No such parameter; one of another kind.
    pub fn float(&self, name: &str) -> Result<f64, Error> {
        match self.value(name)? {
            &Value::Float(value) => Ok(value),
            &Value::Int(value) => Ok(value as f64),
            other => Err(unfit(name, other, "a number")),
        }
    }

    /// The value of a parameter that is a whole number.
    ///
    /// # Errors
    /// No such parameter; one of another kind.
    pub fn int(&self, name: &str) -> Result<i64, Error> {
        match self.value(name)? {
            &Value::Int(value) => Ok(value),
            other => Err(unfit(name, other, "a whole number")),
        }
    }

    /// The value of a parameter that counts something.
    ///
    /// # Errors
    /// No such parameter; one of another kind; a number below 0.
    pub fn count(&self, name: &str) -> Result<usize, Error> {
        let value = self.int(name)?;
        usize::try_from(value).map_err(|_| unfit(name, &Value::Int(value), "a whole number, 0 or above"))
    }

    /// The value of a parameter that is yes or no.
    ///
    /// # Errors
    /// No such parameter; one of another kind.
    pub fn bool(&self, name: &str) -> Result<bool, Error> {
        match self.value(name)? {
            &Value::Bool(value) => Ok(value),
            other => Err(unfit(name, other, "true or false")),
        }
    }

    /// The value of a parameter that is a name.
    ///
    /// # Errors
    /// No such parameter; one of another kind.
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        match self.value(name)? {
            Value::Text(value) => Ok(value),
            other => Err(unfit(name, other, "a text")),
        }
    }

    fn value(&self, name: &str) -> Result<&Value, Error> {
        let known = || format!("one of {:?}", Vec::from_iter(self.0.keys()));
        self.0.get(name).ok_or_else(|| Error::option("parameter", format!("{name:?}"), known()))
    }
}

fn unfit(name: &str, given: &Value, expected: &str) -> Error {
    Error::option(name, given, expected)
}

/// Values for each parameter, and all their combinations (scikit-learn's `ParameterGrid`).
///
/// ```
/// use wane_search::ParameterGrid;
/// let grid = ParameterGrid::new().values("width", [8, 16])?.values("alpha", [0.1, 1.0])?;
/// let settings = Vec::from_iter(grid.settings()?.iter().map(|setting| setting.to_string()));
/// assert_eq!(settings[1], r#"{"alpha": 0.1, "width": 16}"#);
/// assert_eq!(settings.len(), 4);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterGrid {
    values: BTreeMap<String, Vec<Value>>,
    before: Vec<Setting>,
}

impl ParameterGrid {
    /// A grid without parameters yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter and its values.
    ///
    /// # Errors
    /// No value; a number that is not finite; a name that is there already.
    pub fn values<V: Into<Value>>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Result<Self, Error> {
        let values = Vec::from_iter(values.into_iter().map(Into::into));
        if values.is_empty() {
            return Err(Error::option(format!("number of values of {name:?}"), 0, "at least 1"));
        }
        if let Some(value) = values.iter().find(|value| matches!(value, Value::Float(value) if !value.is_finite())) {
            return Err(Error::option(format!("value of {name:?}"), value, "a finite number"));
        }
        if self.values.contains_key(name) {
            return Err(Error::option("parameter", format!("{name:?}, given twice"), "each parameter once"));
        }
        self.values.insert(name.to_owned(), values);
        Ok(self)
    }

    /// The settings of this grid, and behind them those of another, which may have other parameters (scikit-learn's list
    /// of grids).
    ///
    /// # Errors
    /// A grid without parameters.
    pub fn then(self, other: Self) -> Result<Self, Error> {
        let (mut before, behind) = (self.settings()?, other.before);
        before.extend(behind);
        Ok(Self { values: other.values, before })
    }

    /// Every combination: names in their order, and the last one's values varying fastest.
    ///
    /// # Errors
    /// No parameter.
    pub fn settings(&self) -> Result<Vec<Setting>, Error> {
        if self.values.is_empty() {
            return Err(Error::option("number of parameters of the grid", 0, "at least 1"));
        }
        let mut settings = vec![Setting::default()];
        for (name, values) in &self.values {
            let with = |setting: &Setting, value: &Value| {
                let mut setting = setting.clone();
                setting.0.insert(name.clone(), value.clone());
                setting
            };
            settings =
                settings.iter().flat_map(|setting| values.iter().map(move |value| with(setting, value))).collect();
        }
        Ok(self.before.iter().cloned().chain(settings).collect())
    }
}

impl fmt::Display for Setting {
    /// As JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (place, (name, value)) in self.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let name = serde_json::Value::from(name);
            match value {
                Value::Text(text) => write!(f, "{comma}{name}: {}", serde_json::Value::from(text.as_str()))?,
                value => write!(f, "{comma}{name}: {value}")?,
            }
        }
        f.write_str("}")
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => f.write_str(&number(*value)),
            Self::Text(value) => f.write_str(value),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

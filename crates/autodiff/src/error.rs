use std::error::Error as StdError;
use std::fmt;

/// What was wrong with something that came from outside: an option, a file, a data set, a name.
///
/// Every message has the same three parts: the field, what was given, and what would be accepted.
///
/// ```
/// use wane_autodiff::{Error, ErrorKind};
/// let error = Error::option("weight_decay", -0.1, "a finite number, 0 or above");
/// assert_eq!(error.to_string(), "weight_decay is -0.1; expected a finite number, 0 or above");
/// assert_eq!(error.kind(), ErrorKind::Option);
/// assert_eq!(error.field(), "weight_decay");
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    field: String,
    given: String,
    expected: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The family an [`Error`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option has a value outside its range.
    Option,
    /// A parameter's name, shape or identity does not fit.
    Parameter,
    /// Data (an array, a label, a cell of a file) does not fit.
    Data,
    /// A file could not be read or written.
    Io,
}

impl Error {
    /// An option outside its range.
    pub fn option(field: impl Into<String>, given: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self::new(ErrorKind::Option, field, given, expected)
    }

    /// A parameter that does not fit.
    pub fn parameter(field: impl Into<String>, given: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self::new(ErrorKind::Parameter, field, given, expected)
    }

    /// Data that does not fit.
    pub fn data(field: impl Into<String>, given: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, field, given, expected)
    }

    /// A file that could not be read or written.
    pub fn io(
        field: impl Into<String>,
        given: impl fmt::Display,
        expected: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let mut error = Self::new(ErrorKind::Io, field, given, expected);
        error.0.source = Some(source.into());
        error
    }

    fn new(kind: ErrorKind, field: impl Into<String>, given: impl fmt::Display, expected: impl Into<String>) -> Self {
        let (field, given, expected) = (field.into(), given.to_string(), expected.into());
        Self(Box::new(Inner { kind, field, given, expected, source: None }))
    }

    /// The same error with its field placed in a context: `"group 1"` makes `lr` into `group 1: lr`.
    #[must_use]
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        self.0.field = format!("{context}: {}", self.0.field);
        self
    }

    /// The family of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The option, parameter or place in the data.
    pub fn field(&self) -> &str {
        &self.0.field
    }

    /// What was given.
    pub fn given(&self) -> &str {
        &self.0.given
    }

    /// What would have been accepted.
    pub fn expected(&self) -> &str {
        &self.0.expected
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; expected {}", self.0.field, self.0.given, self.0.expected)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

/// Checks that an option is a finite number of at least 0.
///
/// # Errors
/// Any other number.
pub fn non_negative(field: &str, value: f64) -> Result<f64, Error> {
    if value.is_finite() && value >= 0.0 {
        Ok(value)
    } else {
        Err(Error::option(field, number(value), "a finite number, 0 or above"))
    }
}

/// A number as a message shows it: not three hundred digits of 1e300.
pub fn number(value: f64) -> String {
    let is_plain = value == 0.0 || !value.is_finite() || (1e-5..1e16).contains(&value.abs());
    if is_plain { value.to_string() } else { format!("{value:e}") }
}

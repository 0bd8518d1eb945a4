//! One line of a journal: an object of JSON as Python's `json` reads and writes it, which is more than JSON: the words `NaN`,
//! `Infinity` and `-Infinity`, numbers of any size, halves of surrogate pairs, and lists in lists without an end.

use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::{self, Write};
use wane_autodiff::Error;

/// Of one line that is written, in bytes. What is read may be twice as long: it bounds what a hostile file can make a reader
/// hold at once.
pub(super) const LONGEST: u64 = 1 << 26;

const NOT_FINITE: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// [`Value`] has no number for the three words. They become texts behind a mark, as no program would write them.
const MARK: char = '\0';

/// How deep a value may lie. The parser wants a bound, and is glad of a lower one than its own, 127.
const DEEPEST: usize = 100;

/// Reads what Python's `json` writes. [`as_number`] knows the words, and a number that is too large for an f64 as infinite.
/// Half a surrogate pair is read as U+FFFD, and a list or object that lies too deep as null.
pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(&as_json(bytes))
}

/// Replaces what JSON, or its parser, does not have. What Python does not have either is left for the parser to refuse.
fn as_json(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut json = Vec::new();
    let (mut copied, mut at, mut in_string, mut depth) = (0, 0, false, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let (length, other) = match byte {
            b'\\' if in_string => escape(rest),
            b'"' => {
                in_string = !in_string;
                (1, None)
            }
            _ if in_string => (1, None),
            b'N' | b'I' | b'-' | b'0'..=b'9' => number(rest),
            b'[' | b'{' if depth == DEEPEST => nested(rest).map_or((1, None), |length| (length, Some("null".into()))),
            b'[' | b'{' => {
                depth += 1;
                (1, None)
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                (1, None)
            }
            _ => (1, None),
        };
        if let Some(other) = other {
            json.extend_from_slice(&bytes[copied..at]);
            json.extend_from_slice(other.as_bytes());
            copied = at + length;
        }
        at += length;
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    json.extend_from_slice(&bytes[copied..]);
    Cow::Owned(json)
}

/// The length of the word or number that `bytes` start with, and what stands for it in JSON if it is none of JSON's.
fn number(bytes: &[u8]) -> (usize, Option<String>) {
    let marked = |word: &str| Some(format!("\"\\u{:04x}{word}\"", u32::from(MARK)));
    if let Some(word) = NOT_FINITE.iter().find(|word| is_word(bytes, word)) {
        return (word.len(), marked(word));
    }
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let length = bytes.iter().position(|byte| !is_part(byte)).unwrap_or(bytes.len()).max(1);
    // No f64 below infinity has more digits.
    let may_be_large = length > 300 || bytes[..length].iter().any(u8::is_ascii_alphabetic);
    let text = str::from_utf8(&bytes[..length]).ok().filter(|_| may_be_large);
    let value = text.and_then(|text| text.parse::<f64>().ok()).filter(|value| value.is_infinite());
    (length, value.and_then(|value| marked(&Number(value).to_string())))
}

/// The length of the escape that `bytes` start with, and what stands for it if it is half a surrogate pair.
fn escape(bytes: &[u8]) -> (usize, Option<String>) {
    const LENGTH: usize = "\\ud800".len();
    let is_first = |bytes: &[u8]| {
        let digits = bytes.strip_prefix(b"\\u")?.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        match u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()? {
            0xD800..=0xDBFF => Some(true),
            0xDC00..=0xDFFF => Some(false),
            _ => None,
        }
    };
    match is_first(bytes) {
        None => (2, None),
        Some(true) if is_first(&bytes[LENGTH..]) == Some(false) => (2 * LENGTH, None),
        Some(_) => (LENGTH, Some("\\ufffd".into())),
    }
}

/// The length of the list or object that `bytes` start with, if it has an end.
fn nested(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut in_string, mut depth) = (0, false, 0_usize);
    loop {
        match *bytes.get(at)? {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += 1,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Whether a value ends behind the word: before a colon it would be a key, which JSON wants in quotes.
fn is_word(bytes: &[u8], word: &str) -> bool {
    let Some(rest) = bytes.strip_prefix(word.as_bytes()) else { return false };
    let next = rest.iter().find(|byte| !byte.is_ascii_whitespace());
    next.is_none_or(|byte| matches!(byte, b',' | b']' | b'}'))
}

/// A number, finite or not. Rustuna, which writes JSON proper, has texts for those that are not.
pub(super) fn as_number(value: &Value) -> Option<f64> {
    let word = match value {
        Value::Number(number) => return number.as_f64(),
        Value::String(text) => text.trim_start_matches(MARK),
        _ => return None,
    };
    NOT_FINITE.contains(&word).then(|| word.parse().ok()).flatten()
}

/// A number that was one of the three words.
pub(super) fn not_finite(value: &Value) -> Option<f64> {
    let is_marked = value.as_str().is_some_and(|text| text.starts_with(MARK));
    if is_marked { as_number(value) } else { None }
}

/// The value for whoever knows nothing of marks: to them a word is a text, `"NaN"`.
pub(super) fn without_marks(value: &Value) -> Value {
    match value {
        Value::String(_) if not_finite(value).is_some() => {
            value.as_str().map(|text| text.trim_start_matches(MARK)).into()
        }
        Value::Array(list) => list.iter().map(without_marks).collect(),
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), without_marks(value))).collect(),
        _ => value.clone(),
    }
}

/// A number as Python's `json` writes it.
pub(super) struct Number(pub(super) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::Number::from_f64(self.0) {
            Some(number) => write!(f, "{number}"),
            None if self.0.is_nan() => f.write_str("NaN"),
            None if self.0 > 0.0 => f.write_str("Infinity"),
            None => f.write_str("-Infinity"),
        }
    }
}

/// One operation, read. Its fields are looked up as they are needed: an operation that has no effect may lack the rest.
#[derive(Debug)]
pub(super) struct Line(Map<String, Value>);

impl Line {
    /// # Errors
    /// Anything but an object of JSON.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        match parse(bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(excerpt(bytes)),
            Err(error) => Err(format!("{} ({error})", excerpt(bytes))),
        }
    }

    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    pub(super) fn required(&self, field: &str) -> Result<&Value, Error> {
        self.get(field).ok_or_else(|| Error::data(field, "missing", "a field of this operation"))
    }

    pub(super) fn text(&self, field: &str) -> Result<&str, Error> {
        let value = self.required(field)?;
        value.as_str().ok_or_else(|| misfit(field, value, "a text"))
    }

    pub(super) fn integer(&self, field: &str) -> Result<i64, Error> {
        let value = self.required(field)?;
        value.as_i64().ok_or_else(|| misfit(field, value, "an integer"))
    }

    pub(super) fn number(&self, field: &str) -> Result<f64, Error> {
        let value = self.required(field)?;
        as_number(value).ok_or_else(|| misfit(field, value, "a number"))
    }

    /// The numbers of a list, or none for null and for a field that is missing.
    pub(super) fn numbers(&self, field: &str) -> Result<Option<Vec<f64>>, Error> {
        match self.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let numbers = value.as_array().and_then(|list| list.iter().map(as_number).collect());
                numbers.map(Some).ok_or_else(|| misfit(field, value, "a list of numbers, or null"))
            }
        }
    }

    /// The entries of an object; those of a field that is missing are none.
    pub(super) fn entries(&self, field: &str) -> Result<impl Iterator<Item = (&String, &Value)>, Error> {
        let entries = match self.get(field) {
            None => None,
            Some(Value::Object(entries)) => Some(entries),
            Some(value) => return Err(misfit(field, value, "an object")),
        };
        Ok(entries.into_iter().flatten())
    }

    /// The one entry of an object.
    pub(super) fn entry(&self, field: &str) -> Result<(&String, &Value), Error> {
        let value = self.required(field)?;
        let only = value.as_object().filter(|entries| entries.len() == 1).and_then(|entries| entries.iter().next());
        only.ok_or_else(|| misfit(field, value, "an object with one entry"))
    }
}

pub(super) fn misfit(field: &str, value: &Value, expected: &str) -> Error {
    Error::data(field, excerpt(value.to_string().as_bytes()), expected)
}

/// The start of what was found, in quotes.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]);
    let start: String = text.chars().take(SHOWN).collect();
    let more = if start.len() < text.len() || bytes.len() > 4 * SHOWN { "…" } else { "" };
    format!("{start:?}{more}")
}

/// One operation, to be written.
#[derive(Debug)]
pub(super) struct Draft(String);

impl Draft {
    pub(super) fn new(code: u8, worker: &str) -> Self {
        Self(format!("{{\"op_code\":{code}")).text("worker_id", worker)
    }

    pub(super) fn text(self, name: &str, text: &str) -> Self {
        self.field(name, Value::from(text))
    }

    pub(super) fn number(self, name: &str, number: f64) -> Self {
        self.field(name, Number(number))
    }

    pub(super) fn numbers(self, name: &str, numbers: Option<&[f64]>) -> Self {
        match numbers {
            None => self.field(name, "null"),
            Some(numbers) => {
                let list: Vec<_> = numbers.iter().map(|&number| Number(number).to_string()).collect();
                self.field(name, format_args!("[{}]", list.join(",")))
            }
        }
    }

    /// A field whose value is JSON already.
    pub(super) fn field(mut self, name: &str, json: impl fmt::Display) -> Self {
        let name = Value::from(name);
        write!(self.0, ",{name}:{json}").expect("a String takes all");
        self
    }

    pub(super) fn object<'a, T: fmt::Display>(self, name: &str, entries: impl Iterator<Item = (&'a str, T)>) -> Self {
        let entries: Vec<_> = entries.map(|(key, json)| format!("{}:{json}", Value::from(key))).collect();
        self.field(name, format_args!("{{{}}}", entries.join(",")))
    }

    pub(super) fn line(self) -> String {
        self.0 + "}\n"
    }
}

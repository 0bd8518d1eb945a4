use crate::LabelEncoder;
use crate::text::{listed, shown};
use ::csv::{ByteRecord, ReaderBuilder, Trim};
use std::collections::HashMap;
use std::io::Read;
use wane_autodiff::{Error, Float};

/// The cells of a file, column by column; at least one row, and a column besides the target.
pub(super) struct Table<T> {
    pub(super) columns: Vec<Column<T>>,
    pub(super) target: usize,
}

pub(super) struct Column<T> {
    pub(super) name: String,
    pub(super) cells: Cells<T>,
}

/// What the cells of one column are, and those read.
pub(super) enum Cells<T> {
    Numbers(Vec<T>),
    Classes(Vec<usize>),
    /// Text of which the categories are given.
    Known(LabelEncoder, Vec<usize>),
    Text(Vec<String>),
}

impl<T: Float> Cells<T> {
    /// No cell of text yet, in the column called `name`.
    pub(super) fn text(name: &str, known: Option<&[String]>) -> Result<Self, Error> {
        let Some(known) = known else { return Ok(Self::Text(Vec::new())) };
        let encoder = LabelEncoder::new(known).map_err(|error| error.within(format!("column {}", shown(name))))?;
        Ok(Self::Known(encoder, Vec::new()))
    }

    /// Adds one cell; on failure, it says what it expects.
    fn push(&mut self, cell: &[u8]) -> Result<(), String> {
        // No number holds a byte beyond ASCII, so that what is not UTF-8 may be any other text.
        let text = std::str::from_utf8(cell);
        match self {
            Self::Numbers(numbers) => numbers.push(number(text.unwrap_or("not UTF-8"))?),
            Self::Classes(classes) => classes.push(class(text.unwrap_or("not UTF-8"))?),
            Self::Known(encoder, labels) => labels.push(encoder.find(text.unwrap_or(""))?),
            Self::Text(texts) => match text {
                Ok("") => return Err("some text".to_owned()),
                Ok(text) => texts.push(text.to_owned()),
                Err(_) => return Err("text in UTF-8".to_owned()),
            },
        }
        Ok(())
    }

    /// Text by categories: those given, or those there are.
    pub(super) fn encoded(self) -> Result<(LabelEncoder, Vec<usize>), Error> {
        match self {
            Self::Known(encoder, labels) => Ok((encoder, labels)),
            Self::Text(texts) => {
                let encoder = LabelEncoder::fit(&texts)?;
                let labels = encoder.transform(&texts)?.labels().iter().map(|&label| label as usize).collect();
                Ok((encoder, labels))
            }
            Self::Numbers(_) | Self::Classes(_) => unreachable!("only text has categories"),
        }
    }
}

impl<T: Float> Table<T> {
    /// `cells` says what each of the named columns is to be, of which the numbered one is the target.
    pub(super) fn read(
        mut reader: impl Read,
        target: &str,
        cells: impl FnOnce(&[String], usize) -> Result<Vec<Cells<T>>, Error>,
    ) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(unreadable)?;
        // Rows of any length are let through, because an error of ours says more than one of the csv crate.
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(bytes.as_slice());
        let mut record = ByteRecord::new();
        if !reader.read_byte_record(&mut record).map_err(unreadable)? {
            return Err(Error::data("CSV", "empty", "a header and at least one row"));
        }
        let names = column_names(&record)?;
        let target = find(&names, "target", target)?;
        if names.len() < 2 {
            return Err(Error::data("number of columns", 1, "at least 2: the target and a feature"));
        }
        let mut cells = cells(&names, target)?;
        let mut rows = 0;
        while reader.read_byte_record(&mut record).map_err(unreadable)? {
            rows += 1;
            let start = record.position().map_or(0, |position| position.byte() as usize);
            let line = || line_number(&bytes, start);
            if record.len() != names.len() {
                let expected = format!("{}, one for each name in the header", names.len());
                return Err(Error::data(format!("number of cells in line {}", line()), record.len(), expected));
            }
            for ((cell, cells), name) in record.iter().zip(&mut cells).zip(&names) {
                cells.push(cell).map_err(|expected| {
                    let given = if cell.is_empty() { "empty".to_owned() } else { shown(cell) };
                    Error::data(format!("line {}, column {}", line(), shown(name)), given, expected)
                })?;
            }
            let raw = &bytes[start..(reader.position().byte() as usize).min(bytes.len())];
            if !is_well_quoted(raw) {
                let expected = "cells without quotes, or each between two of them";
                return Err(Error::data(format!("line {}", line()), shown(raw.trim_ascii()), expected));
            }
        }
        if rows == 0 {
            return Err(Error::data("number of rows below the header", 0, "at least 1"));
        }
        let columns = names.into_iter().zip(cells).map(|(name, cells)| Column { name, cells }).collect();
        Ok(Self { columns, target })
    }
}

/// Whether each cell of a line begins with a quote and ends with another, or has none: `"1"2`, `"4` and ` "a"` are cells to
/// the csv crate. Two quotes inside are one of the text.
fn is_well_quoted(line: &[u8]) -> bool {
    let breaks = line.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
    let mut rest = &line[breaks..];
    loop {
        let is_quoted = rest.first() == Some(&b'"');
        if is_quoted {
            match closing_quote(&rest[1..]) {
                Some(end) => rest = &rest[end + 2..],
                None => return false,
            }
        }
        let end = rest.iter().position(|&byte| byte == b',').unwrap_or(rest.len());
        let (cell, after) = rest.split_at(end);
        let is_fine = if is_quoted { cell.trim_ascii().is_empty() } else { !cell.contains(&b'"') };
        match after {
            [b',', next @ ..] if is_fine => rest = next,
            _ => return is_fine,
        }
    }
}

/// Where the first quote is that is not one of two.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text[at..].iter().position(|&byte| byte == b'"')?;
        if text.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// The names in the header, each of its own.
fn column_names(header: &ByteRecord) -> Result<Vec<String>, Error> {
    let mut seen = HashMap::new();
    for (column, cell) in (1..).zip(header) {
        let fault =
            |given: String, expected: &str| Err(Error::data(format!("name of column {column}"), given, expected));
        let Ok(name) = std::str::from_utf8(cell) else {
            return fault(shown(cell), "text in UTF-8");
        };
        if name.is_empty() {
            return match column {
                1 => fault("empty".to_owned(), "a name (pandas leaves it out of an index: to_csv(…, index=False))"),
                _ => fault("empty".to_owned(), "a name, or no comma before it"),
            };
        }
        if let Some(first) = seen.insert(name, column) {
            return fault(shown(cell), &format!("a name of its own; column {first} has this one"));
        }
    }
    Ok(header.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect())
}

/// Where the column called `name` is; `what` is the field that a message names.
pub(super) fn find(names: &[String], what: &str, name: &str) -> Result<usize, Error> {
    names
        .iter()
        .position(|known| known == name.trim())
        .ok_or_else(|| Error::data(what, shown(name), format!("one of the columns {}", listed(names))))
}

fn number<T: Float>(text: &str) -> Result<T, String> {
    let value = text.parse().ok().map(T::of).filter(|value| value.is_finite());
    value.ok_or_else(|| format!("a finite {} number", T::NAME))
}

fn class(text: &str) -> Result<usize, String> {
    // u32, so that one more than the largest class is a usize.
    let class = text.parse::<u32>().ok().filter(|&class| class < u32::MAX);
    class.map(|class| class as usize).ok_or_else(|| format!("a class: an integer, 0 to {}", u32::MAX - 1))
}

pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::io("CSV", format!("unreadable ({error})"), "a file that can be read", error)
}

/// The line, as an editor counts, of the record that begins behind `start` and any line breaks there. The csv crate's
/// own count is of the line in which it began to look, which blank lines and CR LF put before the record's.
fn line_number(bytes: &[u8], start: usize) -> usize {
    let breaks = bytes[start..].iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
    let before = &bytes[..start + breaks];
    let ends_line = |at: usize| before[at] == b'\n' || (before[at] == b'\r' && before.get(at + 1) != Some(&b'\n'));
    1 + (0..before.len()).filter(|&at| ends_line(at)).count()
}

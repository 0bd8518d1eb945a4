use crate::Dataset;
use crate::target::OwnedTarget;
use ::csv::{ByteRecord, ReaderBuilder, Trim};
use ndarray::Array2;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use wane_autodiff::{Classes, Error, Float};

/// Reading from CSV.
///
/// The first line is a header. One column, chosen by name, is the target; all others are features. Every cell is a
/// number, without quotes or between two, and white space around it is ignored; so are lines without any character. Numbers
/// are parsed exactly as Rust parses `f64`, then rounded once to `T`.
///
/// A fault is an error that says where it is: the line as an editor counts, the column by name, and the cell's text.
/// Faults are: a file that cannot be read, or is empty, or ends with the header; a column without a name, or with
/// another's; a target that no column is called, or no column besides it; a line of too few or too many cells; a cell
/// that is empty, not a number, NaN, infinite, or too large for `T`.
impl<T: Float> Dataset<T> {
    /// A regression data set from the file at `path`, with the column called `target` as its target.
    ///
    /// # Errors
    /// Any fault of the file, as above.
    pub fn from_csv(path: impl AsRef<Path>, target: &str) -> Result<Self, Error> {
        in_file(path.as_ref(), |file| Self::from_csv_reader(file, target))
    }

    /// A regression data set from CSV text, with the column called `target` as its target.
    ///
    /// ```
    /// use ndarray::array;
    /// use wane_data::Dataset;
    ///
    /// let data = Dataset::<f32>::from_csv_reader("a,price,b\n1,20,3\n4,50,6\n".as_bytes(), "price")?;
    /// assert_eq!(data.x(), array![[1.0, 3.0], [4.0, 6.0]]);
    /// assert_eq!(data.y(), array![[20.0], [50.0]]);
    ///
    /// let error = Dataset::<f32>::from_csv_reader("a,price\n1,20\n?,50\n".as_bytes(), "price").unwrap_err();
    /// assert_eq!(error.to_string(), "line 3, column \"a\" is \"?\"; expected a finite float32 number");
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// Any fault of the text, as above.
    pub fn from_csv_reader(reader: impl Read, target: &str) -> Result<Self, Error> {
        let table = Table::read(reader, target, number::<T>)?;
        let rows = table.target.len();
        let y = Array2::from_shape_vec((rows, 1), table.target).expect("one cell a row");
        Self::checked(table.x, OwnedTarget::Values(y), table.feature_names, vec![target.to_owned()])
    }

    /// A classification data set from the file at `path`, with the column called `target` as its classes.
    ///
    /// # Errors
    /// Those of [`from_csv`](Self::from_csv); a class that is not an integer, 0 or above.
    pub fn classes_from_csv(path: impl AsRef<Path>, target: &str) -> Result<Self, Error> {
        in_file(path.as_ref(), |file| Self::classes_from_csv_reader(file, target))
    }

    /// A classification data set from CSV text, with the column called `target` as its classes: 0, 1, …, as many
    /// as the largest and one more. Read a file whole and [`split`](Self::split) it then: a file of test rows alone may
    /// lack the largest class.
    ///
    /// ```
    /// # use wane_data::Dataset;
    /// let data = Dataset::<f32>::classes_from_csv_reader("a,kind\n0.5,2\n1.5,0\n".as_bytes(), "kind")?;
    /// assert_eq!((data.classes().labels(), data.classes().count()), (&[2, 0][..], 3));
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`from_csv_reader`](Self::from_csv_reader); a class that is not an integer, 0 or above.
    pub fn classes_from_csv_reader(reader: impl Read, target: &str) -> Result<Self, Error> {
        let table = Table::read(reader, target, class)?;
        let (rows, largest) = (table.target.len(), table.target.iter().copied().max().expect("a table has rows"));
        // A column of numbers that are no classes would make a model as wide as the largest of them.
        let limit = rows.max(1000);
        if largest >= limit {
            let expected = format!("below {limit}, for {rows} rows: a class, not a number or a time");
            return Err(Error::data(
                format!("largest class in column {}", shown(target.as_bytes())),
                largest,
                expected,
            ));
        }
        let classes = Classes::new(&table.target, largest + 1)?;
        Self::checked(table.x, OwnedTarget::Classes(classes), table.feature_names, vec![target.to_owned()])
    }
}

/// Numbers by row, with the target's cells apart; at least one row and one feature.
struct Table<T, Y> {
    x: Array2<T>,
    target: Vec<Y>,
    feature_names: Vec<String>,
}

/// What a cell is parsed by: on failure, it says what it expects.
type Parse<Y> = fn(&str) -> Result<Y, String>;

impl<T: Float, Y> Table<T, Y> {
    fn read(mut reader: impl Read, target: &str, parse_target: Parse<Y>) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(unreadable)?;
        // Rows of any length are let through, because an error of ours says more than one of the csv crate.
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(bytes.as_slice());
        let mut record = ByteRecord::new();
        if !reader.read_byte_record(&mut record).map_err(unreadable)? {
            return Err(Error::data("CSV", "empty", "a header and at least one row"));
        }
        let mut names = column_names(&record)?;
        let target = target_column(&names, target)?;
        let (mut x, mut targets) = (Vec::new(), Vec::new());
        while reader.read_byte_record(&mut record).map_err(unreadable)? {
            let start = record.position().map_or(0, |position| position.byte() as usize);
            let line = || line_number(&bytes, start);
            if record.len() != names.len() {
                let expected = format!("{}, one for each name in the header", names.len());
                return Err(Error::data(format!("number of cells in line {}", line()), record.len(), expected));
            }
            for (column, cell) in record.iter().enumerate() {
                // No number holds a byte beyond ASCII, so that what is not UTF-8 may be any other text.
                let text = std::str::from_utf8(cell).unwrap_or("not UTF-8");
                let fault = |expected: String| {
                    let place = format!("line {}, column {}", line(), shown(names[column].as_bytes()));
                    Error::data(place, if cell.is_empty() { "empty".to_owned() } else { shown(cell) }, expected)
                };
                if column == target {
                    targets.push(parse_target(text).map_err(fault)?);
                } else {
                    x.push(number(text).map_err(fault)?);
                }
            }
            let raw = &bytes[start..(reader.position().byte() as usize).min(bytes.len())];
            if !is_well_quoted(raw) {
                let expected = "numbers without quotes, or each between two of them";
                return Err(Error::data(format!("line {}", line()), shown(raw.trim_ascii()), expected));
            }
        }
        if targets.is_empty() {
            return Err(Error::data("number of rows below the header", 0, "at least 1"));
        }
        names.remove(target);
        let x = Array2::from_shape_vec((targets.len(), names.len()), x).expect("a cell for each name in every row");
        Ok(Self { x, target: targets, feature_names: names })
    }
}

/// Whether each number of a line stands between two quotes or has none: `"1"2` and `"4` are numbers to the csv crate.
fn is_well_quoted(line: &[u8]) -> bool {
    line.split(|&byte| byte == b',').map(|cell| cell.trim_ascii()).all(|cell| match cell {
        [b'"', inner @ .., b'"'] => !inner.contains(&b'"'),
        cell => !cell.contains(&b'"'),
    })
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

/// Where the target is, among at least one other column.
fn target_column(names: &[String], target: &str) -> Result<usize, Error> {
    let Some(column) = names.iter().position(|name| name == target.trim()) else {
        let mut columns: Vec<_> = names.iter().take(20).map(|name| shown(name.as_bytes())).collect();
        if names.len() > columns.len() {
            columns.push(format!("… ({} in all)", names.len()));
        }
        return Err(Error::data(
            "target",
            shown(target.as_bytes()),
            format!("one of the columns {}", columns.join(", ")),
        ));
    };
    if names.len() < 2 {
        return Err(Error::data("number of columns", 1, "at least 2: the target and a feature"));
    }
    Ok(column)
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

fn in_file<R>(path: &Path, read: impl FnOnce(File) -> Result<R, Error>) -> Result<R, Error> {
    File::open(path).map_err(unreadable).and_then(read).map_err(|error| error.within(format!("{path:?}")))
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
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

/// A cell's text for a message: quoted, and cut if it is long.
fn shown(cell: &[u8]) -> String {
    const LONGEST: usize = 40;
    // A character takes at most 4 bytes.
    let text = String::from_utf8_lossy(&cell[..cell.len().min(4 * LONGEST + 4)]);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

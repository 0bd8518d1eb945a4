mod table;

use crate::Dataset;
use crate::dataset::Names;
use crate::target::OwnedTarget;
use crate::text::{first_unfit, shown};
use ndarray::Array2;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use table::{Cells, Column, Table, unreadable};
use wane_autodiff::{Classes, Error, Float};

/// How a CSV file is to be read: which column is the target, and which features are text.
///
/// The first line is a header. One column, chosen by name, is the target; all others are features. Every cell is a
/// number, unless its column is said to be text; it stands without quotes or between two. White space around it is
/// ignored, and so are lines without any character. Numbers are parsed exactly as Rust parses `f64`, then rounded once to
/// `T`.
///
/// A column of text says of each row which of several categories it is of. As a feature, it becomes one column a category
/// (scikit-learn's `OneHotEncoder`), called `color=red`, that holds 1 in the rows of that category and 0 in all others.
///
/// A fault is an error that says where it is: the line as an editor counts, the column by name, and the cell's text.
/// Faults are: a file that cannot be read, or is empty, or ends with the header; a column without a name, or with
/// another's; a target or a column of text that no column is called, or no column besides the target; a line of too few
/// or too many cells; a cell that is empty, not a number, NaN, infinite, or too large for `T`; a category that is not one
/// of those given; more than 1000 categories in a feature for which none were given.
///
/// ```
/// use ndarray::array;
/// use wane_data::Csv;
///
/// let train = "color,size,kind\nred,1,plum\nblue,2,plum\nred,8,apple\n";
/// let train = Csv::labels("kind").one_hot("color").read_from::<f64>(train.as_bytes())?;
/// assert_eq!(train.feature_names(), ["color=blue", "color=red", "size"]);
/// assert_eq!(train.x(), array![[0.0, 1.0, 1.0], [1.0, 0.0, 2.0], [0.0, 1.0, 8.0]]);
/// assert_eq!((train.class_names(), train.classes().labels()), (&["apple".into(), "plum".into()][..], &[1, 1, 0][..]));
///
/// // A file that may lack some, or bring others, is read by what is known.
/// let known = Csv::labels_of("kind", train.class_names()).one_hot_of("color", &["blue", "red"]);
/// let error = known.read_from::<f64>("color,size,kind\ngreen,3,plum\n".as_bytes()).unwrap_err();
/// assert_eq!(error.to_string(), "line 2, column \"color\" is \"green\"; expected one of \"blue\", \"red\"");
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Csv {
    target: String,
    kind: Kind,
    /// The columns of text that are features, each with its categories where they are given.
    texts: Vec<(String, Option<Vec<String>>)>,
}

/// What the target's cells are.
#[derive(Clone, Debug)]
enum Kind {
    Values,
    Classes,
    Labels(Option<Vec<String>>),
}

impl Csv {
    /// The column called `target` is numbers: a regression.
    pub fn values(target: &str) -> Self {
        Self { target: target.to_owned(), kind: Kind::Values, texts: Vec::new() }
    }

    /// The column called `target` is classes: 0, 1, …, as many as the largest and one more. Read a file whole and
    /// [`split`](Dataset::split) it then: a file of test rows alone may lack the largest class.
    pub fn classes(target: &str) -> Self {
        Self { kind: Kind::Classes, ..Self::values(target) }
    }

    /// The column called `target` is text, of which each is a class: those in the file, sorted as by
    /// [`LabelEncoder`](crate::LabelEncoder). They become the data set's class names.
    pub fn labels(target: &str) -> Self {
        Self { kind: Kind::Labels(None), ..Self::values(target) }
    }

    /// The column called `target` is text, of which each is a class: the given ones, in the given order, and no other.
    pub fn labels_of(target: &str, names: &[impl AsRef<str>]) -> Self {
        Self { kind: Kind::Labels(Some(owned(names))), ..Self::values(target) }
    }

    /// The feature called `column` is text, and its categories are those in the file, sorted, at most 1000.
    #[must_use]
    pub fn one_hot(mut self, column: &str) -> Self {
        self.texts.push((column.to_owned(), None));
        self
    }

    /// The feature called `column` is text, and its categories are the given ones, in the given order, and no other.
    #[must_use]
    pub fn one_hot_of(mut self, column: &str, categories: &[impl AsRef<str>]) -> Self {
        self.texts.push((column.to_owned(), Some(owned(categories))));
        self
    }

    /// The data set in the file at `path`.
    ///
    /// # Errors
    /// Any fault of the file, as above; a column of text that is the target or named twice; categories of which one is
    /// empty or there twice.
    pub fn read<T: Float>(&self, path: impl AsRef<Path>) -> Result<Dataset<T>, Error> {
        let path = path.as_ref();
        let data = File::open(path).map_err(unreadable).and_then(|file| self.read_from(file));
        data.map_err(|error| error.within(format!("{path:?}")))
    }

    /// The data set in CSV text.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_from<T: Float>(&self, reader: impl Read) -> Result<Dataset<T>, Error> {
        let Table { mut columns, target } =
            Table::read(reader, &self.target, |names, target| self.cells(names, target))?;
        let Column { name, cells } = columns.remove(target);
        let (target, classes) = self.target(&name, cells)?;
        let (features, x) = features(columns, target.rows())?;
        let names = Vec::from_iter(features.iter().chain([&name]));
        if let Some(twice) = first_unfit(&names) {
            return Err(Error::data("column name", shown(twice), "a name that no other column or category has"));
        }
        Dataset::checked(x, target, Names { features, targets: vec![name], classes })
    }

    /// What each column's cells are to be.
    fn cells<T: Float>(&self, names: &[String], target: usize) -> Result<Vec<Cells<T>>, Error> {
        let mut cells = Vec::from_iter(names.iter().map(|_| Cells::Numbers(Vec::new())));
        cells[target] = match &self.kind {
            Kind::Values => Cells::Numbers(Vec::new()),
            Kind::Classes => Cells::Classes(Vec::new()),
            Kind::Labels(known) => Cells::text(&names[target], known.as_deref())?,
        };
        for (name, known) in &self.texts {
            let column = table::find(names, "column of text", name)?;
            if column == target || !matches!(cells[column], Cells::Numbers(_)) {
                let given = format!("{}, {}", shown(name), if column == target { "the target" } else { "named twice" });
                return Err(Error::data("column of text", given, "a feature, once"));
            }
            cells[column] = Cells::text(name, known.as_deref())?;
        }
        Ok(cells)
    }

    /// The target and its class names.
    fn target<T: Float>(&self, name: &str, cells: Cells<T>) -> Result<(OwnedTarget<T>, Vec<String>), Error> {
        Ok(match cells {
            Cells::Numbers(y) => {
                let y = Array2::from_shape_vec((y.len(), 1), y).expect("one cell a row");
                (OwnedTarget::Values(y), Vec::new())
            }
            Cells::Classes(labels) => (OwnedTarget::Classes(classes(name, &labels)?), Vec::new()),
            text => {
                let (encoder, labels) = text.encoded()?;
                let names = encoder.names().to_vec();
                (OwnedTarget::Classes(Classes::new(&labels, names.len())?), names)
            }
        })
    }
}

/// Reading from CSV files of numbers: shorthands of [`Csv`], which says what a fault is.
impl<T: Float> Dataset<T> {
    /// A regression data set from the file at `path`, with the column called `target` as its target: [`Csv::values`].
    ///
    /// # Errors
    /// Any fault of the file.
    pub fn from_csv(path: impl AsRef<Path>, target: &str) -> Result<Self, Error> {
        Csv::values(target).read(path)
    }

    /// A regression data set from CSV text, with the column called `target` as its target: [`Csv::values`].
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
    /// Any fault of the text.
    pub fn from_csv_reader(reader: impl Read, target: &str) -> Result<Self, Error> {
        Csv::values(target).read_from(reader)
    }

    /// A classification data set from the file at `path`, with the column called `target` as its classes:
    /// [`Csv::classes`].
    ///
    /// # Errors
    /// Any fault of the file; a class that is not an integer, 0 or above.
    pub fn classes_from_csv(path: impl AsRef<Path>, target: &str) -> Result<Self, Error> {
        Csv::classes(target).read(path)
    }

    /// A classification data set from CSV text, with the column called `target` as its classes: [`Csv::classes`].
    ///
    /// ```
    /// # use wane_data::Dataset;
    /// let data = Dataset::<f32>::classes_from_csv_reader("a,kind\n0.5,2\n1.5,0\n".as_bytes(), "kind")?;
    /// assert_eq!((data.classes().labels(), data.classes().count()), (&[2, 0][..], 3));
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// Any fault of the text; a class that is not an integer, 0 or above.
    pub fn classes_from_csv_reader(reader: impl Read, target: &str) -> Result<Self, Error> {
        Csv::classes(target).read_from(reader)
    }
}

/// The names of the features and their numbers, (rows, features): one column for numbers, one a category for text.
fn features<T: Float>(columns: Vec<Column<T>>, rows: usize) -> Result<(Vec<String>, Array2<T>), Error> {
    let (mut names, mut parts) = (Vec::new(), Vec::new());
    for Column { name, cells } in columns {
        let start = names.len();
        match cells {
            Cells::Numbers(numbers) => {
                names.push(name);
                parts.push((start, Part::Numbers(numbers)));
            }
            text => {
                let (is_known, (encoder, labels)) = (matches!(text, Cells::Known(..)), text.encoded()?);
                check_categories(&name, encoder.names().len(), is_known)?;
                names.extend(encoder.names().iter().map(|category| format!("{name}={category}")));
                parts.push((start, Part::OneHot(labels)));
            }
        }
    }
    let mut x = Array2::zeros((rows, names.len()));
    for (start, part) in parts {
        match part {
            Part::Numbers(numbers) => x.column_mut(start).iter_mut().zip(numbers).for_each(|(x, number)| *x = number),
            Part::OneHot(labels) => {
                labels.into_iter().enumerate().for_each(|(row, label)| x[[row, start + label]] = T::one());
            }
        }
    }
    Ok((names, x))
}

/// What fills one column, or one a category.
enum Part<T> {
    Numbers(Vec<T>),
    OneHot(Vec<usize>),
}

/// A column of names or times would make a column of each of them.
fn check_categories(name: &str, count: usize, is_known: bool) -> Result<(), Error> {
    const MOST: usize = 1000;
    if count <= MOST || is_known {
        return Ok(());
    }
    let expected = format!("at most {MOST}, or categories that are given");
    Err(Error::data(format!("number of categories in column {}", shown(name)), count, expected))
}

fn classes(name: &str, labels: &[usize]) -> Result<Classes, Error> {
    let (rows, largest) = (labels.len(), labels.iter().copied().max().unwrap_or(0));
    // A column of numbers that are no classes would make a model as wide as the largest of them.
    let limit = rows.max(1000);
    if largest >= limit {
        let expected = format!("below {limit}, for {rows} rows: a class, not a number or a time");
        return Err(Error::data(format!("largest class in column {}", shown(name)), largest, expected));
    }
    Classes::new(labels, largest + 1)
}

fn owned(texts: &[impl AsRef<str>]) -> Vec<String> {
    texts.iter().map(|text| text.as_ref().to_owned()).collect()
}

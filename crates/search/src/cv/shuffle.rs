use super::{Split, Splitter};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use std::fmt;
use wane_autodiff::{Classes, Error, Rng, number};

/// How many rows a part has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// A share of all rows, between 0 and 1. The test's is rounded up, the training's down.
    Fraction(f64),
    /// So many.
    Rows(usize),
}

/// Random divisions, each drawn anew from all rows (scikit-learn's `ShuffleSplit`): of an order that is drawn, the first
/// rows are the test and those that follow the training rows.
///
/// ```
/// use wane_search::{ShuffleSplit, Size, Splitter};
/// let splits = ShuffleSplit::new(4, Size::Fraction(0.25), 7)?.split(10, None)?;
/// assert_eq!((splits.len(), splits[0].test.len(), splits[0].train.len()), (4, 3, 7));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShuffleSplit {
    n_splits: usize,
    test_size: Size,
    train_size: Option<Size>,
    seed: u64,
}

impl ShuffleSplit {
    /// `n_splits` divisions with a test part of `test_size`, of one generator of this seed.
    ///
    /// # Errors
    /// No split; a fraction that is not between 0 and 1; no row.
    pub fn new(n_splits: usize, test_size: Size, seed: u64) -> Result<Self, Error> {
        if n_splits == 0 {
            return Err(Error::option("n_splits", 0, "at least 1"));
        }
        test_size.check("test_size")?;
        Ok(Self { n_splits, test_size, train_size: None, seed })
    }

    /// So many training rows, in place of all that are not in the test.
    ///
    /// # Errors
    /// A fraction that is not between 0 and 1; no row.
    pub fn train_size(self, train_size: Size) -> Result<Self, Error> {
        train_size.check("train_size")?;
        Ok(Self { train_size: Some(train_size), ..self })
    }

    /// How many rows are in the test, and how many in the training.
    fn sizes(&self, rows: usize) -> Result<(usize, usize), Error> {
        let test = match self.test_size {
            Size::Fraction(fraction) => (fraction * rows as f64).ceil() as usize,
            Size::Rows(count) => count,
        };
        if test >= rows {
            let expected = format!("less than all {rows} rows");
            return Err(Error::option("test_size", self.test_size, expected));
        }
        let train = match self.train_size {
            None => rows - test,
            Some(Size::Fraction(fraction)) => (fraction * rows as f64).floor() as usize,
            Some(Size::Rows(count)) => count,
        };
        match self.train_size {
            Some(size) if train == 0 => Err(Error::option("train_size", size, format!("one of {rows} rows at least"))),
            Some(size) if train > rows - test => {
                let expected = format!("at most {} of {rows} rows, beside {test} in the test", rows - test);
                Err(Error::option("train_size", size, expected))
            }
            _ => Ok((test, train)),
        }
    }
}

impl Splitter for ShuffleSplit {
    fn split(&self, rows: usize, _: Option<&Classes>) -> Result<Vec<Split>, Error> {
        let (test, train) = self.sizes(rows)?;
        let mut rng = Rng::seed_from_u64(self.seed);
        let draw = |_| {
            let mut order = Vec::from_iter(0..rows);
            order.shuffle(&mut rng);
            Split { train: order[test..test + train].to_vec(), test: order[..test].to_vec() }
        };
        Ok((0..self.n_splits).map(draw).collect())
    }
}

impl Size {
    pub(crate) fn check(self, field: &str) -> Result<(), Error> {
        match self {
            Self::Fraction(fraction) if fraction > 0.0 && fraction < 1.0 => Ok(()),
            Self::Rows(1..) => Ok(()),
            Self::Fraction(_) => Err(Error::option(field, self, "a number above 0 and below 1")),
            Self::Rows(_) => Err(Error::option(field, self, "at least one row")),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fraction(fraction) => f.write_str(&number(*fraction)),
            Self::Rows(count) => write!(f, "{count} rows"),
        }
    }
}

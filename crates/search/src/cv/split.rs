use rand::SeedableRng;
use rand::seq::SliceRandom;
use std::fmt::Debug;
use wane_autodiff::{Classes, Error, Rng};
use wane_data::{Dataset, Target};

/// The rows of one round of a cross-validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The rows to learn from.
    pub train: Vec<usize>,
    /// The rows to be judged by; none of them is in `train`.
    pub test: Vec<usize>,
}

/// A way of dividing rows, time and again, into rows to learn from and rows to be judged by (scikit-learn's splitters).
pub trait Splitter: Debug + Sync {
    /// The splits of so many rows; each call gives the same ones. What divides classes in proportion wants `classes`, the
    /// others don't look at them.
    ///
    /// # Errors
    /// Options out of range, or that ask for more rows than there are; classes that are missing.
    fn split(&self, rows: usize, classes: Option<&Classes>) -> Result<Vec<Split>, Error>;

    /// The splits of a data set.
    ///
    /// # Errors
    /// Those of [`split`](Self::split).
    fn split_dataset(&self, data: &Dataset<f64>) -> Result<Vec<Split>, Error> {
        let classes = match data.target() {
            Target::Classes(classes) => Some(classes),
            Target::Values(_) => None,
        };
        self.split(data.len(), classes)
    }
}

/// k folds, each of which is the test once (scikit-learn's `KFold`): of n rows, the first n mod k folds have one more than
/// the others. Folds are contiguous, unless [`shuffled`](Self::shuffled).
///
/// ```
/// use wane_search::{KFold, Splitter};
/// let splits = KFold::new(3)?.split(5, None)?;
/// assert_eq!(splits[0].test, [0, 1]);
/// assert_eq!(splits[2].train, [0, 1, 2, 3]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KFold {
    n_splits: usize,
    seed: Option<u64>,
}

impl KFold {
    /// `n_splits` folds.
    ///
    /// # Errors
    /// Fewer than 2.
    pub fn new(n_splits: usize) -> Result<Self, Error> {
        at_least_two(n_splits)?;
        Ok(Self { n_splits, seed: None })
    }

    /// Folds of rows in an order that `seed` gives; each lists its rows in the order of the data.
    #[must_use]
    pub fn shuffled(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    fn drawn(&self, rows: usize, rng: Option<&mut Rng>) -> Result<Vec<Split>, Error> {
        enough_rows(self.n_splits, rows)?;
        let mut order = Vec::from_iter(0..rows);
        if let Some(rng) = rng {
            order.shuffle(rng);
        }
        let (least, larger) = (rows / self.n_splits, rows % self.n_splits);
        let mut fold = vec![0; rows];
        let folds = (0..self.n_splits).flat_map(|number| vec![number; least + usize::from(number < larger)]);
        order.into_iter().zip(folds).for_each(|(row, number)| fold[row] = number);
        Ok(by_fold(&fold, self.n_splits))
    }
}

impl Splitter for KFold {
    fn split(&self, rows: usize, _: Option<&Classes>) -> Result<Vec<Split>, Error> {
        self.drawn(rows, self.seed.map(Rng::seed_from_u64).as_mut())
    }
}

/// k folds, each with every class in proportion (scikit-learn's `StratifiedKFold`).
///
/// Fold i has as many rows of a class as stand at the places i, i + k, i + 2k, … of all labels sorted in the order in which
/// classes first appear. A class's rows go to the folds in the order of the data, or by [`shuffled`](Self::shuffled) in any.
///
/// A class of fewer rows than folds is missing in some of them; it is an error only if all are so small, as in scikit-learn.
///
/// ```
/// use wane_data::Classes;
/// use wane_search::{Splitter, StratifiedKFold};
/// let classes = Classes::new(&[0, 0, 0, 1, 1, 1], 2)?;
/// let splits = StratifiedKFold::new(3)?.split(6, Some(&classes))?;
/// assert_eq!(splits[1].test, [1, 4]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StratifiedKFold {
    n_splits: usize,
    seed: Option<u64>,
}

impl StratifiedKFold {
    /// `n_splits` folds.
    ///
    /// # Errors
    /// Fewer than 2.
    pub fn new(n_splits: usize) -> Result<Self, Error> {
        at_least_two(n_splits)?;
        Ok(Self { n_splits, seed: None })
    }

    /// Which of its class's folds a row goes to is drawn, by a generator of this seed.
    #[must_use]
    pub fn shuffled(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    fn drawn(&self, rows: usize, classes: Option<&Classes>, mut rng: Option<&mut Rng>) -> Result<Vec<Split>, Error> {
        let k = self.n_splits;
        enough_rows(k, rows)?;
        let (labels, counts) = by_appearance(rows, classes)?;
        let largest = counts.iter().copied().max().unwrap_or(0);
        if k > largest {
            let expected = format!("at most {largest}, the number of rows of the largest class");
            return Err(Error::option("n_splits", k, expected));
        }
        let mut allocation = vec![vec![0; k]; counts.len()];
        let sorted = counts.iter().enumerate().flat_map(|(label, &count)| std::iter::repeat_n(label, count));
        sorted.enumerate().for_each(|(place, label)| allocation[label][place % k] += 1);
        let mut fold = vec![0; rows];
        for (label, sizes) in allocation.iter().enumerate() {
            let mut folds: Vec<_> = sizes.iter().enumerate().flat_map(|(number, &size)| vec![number; size]).collect();
            if let Some(rng) = rng.as_deref_mut() {
                folds.shuffle(rng);
            }
            let own = (0..rows).filter(|&row| labels[row] == label);
            own.zip(folds).for_each(|(row, number)| fold[row] = number);
        }
        Ok(by_fold(&fold, k))
    }
}

impl Splitter for StratifiedKFold {
    fn split(&self, rows: usize, classes: Option<&Classes>) -> Result<Vec<Split>, Error> {
        self.drawn(rows, classes, self.seed.map(Rng::seed_from_u64).as_mut())
    }
}

/// [`KFold`] time and again, each time shuffled anew (scikit-learn's `RepeatedKFold`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatedKFold {
    folds: KFold,
    n_repeats: usize,
    seed: u64,
}

impl RepeatedKFold {
    /// `n_splits` folds, `n_repeats` times, of one generator of this seed.
    ///
    /// # Errors
    /// Fewer than 2 splits; no repeat.
    pub fn new(n_splits: usize, n_repeats: usize, seed: u64) -> Result<Self, Error> {
        at_least_once(n_repeats)?;
        Ok(Self { folds: KFold::new(n_splits)?, n_repeats, seed })
    }
}

impl Splitter for RepeatedKFold {
    fn split(&self, rows: usize, _: Option<&Classes>) -> Result<Vec<Split>, Error> {
        repeated(self.n_repeats, self.seed, |rng| self.folds.drawn(rows, Some(rng)))
    }
}

/// [`StratifiedKFold`] time and again, each time shuffled anew (scikit-learn's `RepeatedStratifiedKFold`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatedStratifiedKFold {
    folds: StratifiedKFold,
    n_repeats: usize,
    seed: u64,
}

impl RepeatedStratifiedKFold {
    /// `n_splits` folds, `n_repeats` times, of one generator of this seed.
    ///
    /// # Errors
    /// Fewer than 2 splits; no repeat.
    pub fn new(n_splits: usize, n_repeats: usize, seed: u64) -> Result<Self, Error> {
        at_least_once(n_repeats)?;
        Ok(Self { folds: StratifiedKFold::new(n_splits)?, n_repeats, seed })
    }
}

impl Splitter for RepeatedStratifiedKFold {
    fn split(&self, rows: usize, classes: Option<&Classes>) -> Result<Vec<Split>, Error> {
        repeated(self.n_repeats, self.seed, |rng| self.folds.drawn(rows, classes, Some(rng)))
    }
}

/// Each row the test once, alone (scikit-learn's `LeaveOneOut`). A ridge has it in closed form:
/// [`RidgeSmoother::leave_one_out`](wane_linear::RidgeSmoother::leave_one_out).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaveOneOut;

impl Splitter for LeaveOneOut {
    fn split(&self, rows: usize, _: Option<&Classes>) -> Result<Vec<Split>, Error> {
        if rows < 2 {
            return Err(Error::data("number of rows", rows, "at least 2, to leave one out"));
        }
        Ok(by_fold(&Vec::from_iter(0..rows), rows))
    }
}

fn at_least_two(n_splits: usize) -> Result<(), Error> {
    if n_splits < 2 {
        return Err(Error::option("n_splits", n_splits, "at least 2"));
    }
    Ok(())
}

fn at_least_once(n_repeats: usize) -> Result<(), Error> {
    if n_repeats == 0 {
        return Err(Error::option("n_repeats", 0, "at least 1"));
    }
    Ok(())
}

fn enough_rows(n_splits: usize, rows: usize) -> Result<(), Error> {
    if n_splits > rows {
        return Err(Error::option("n_splits", n_splits, format!("at most {rows}, the number of rows")));
    }
    Ok(())
}

/// Each row's class, numbered as classes first appear, and how many rows each has.
fn by_appearance(rows: usize, classes: Option<&Classes>) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let Some(classes) = classes else {
        return Err(Error::data("target", "numbers", "classes, to divide each in proportion"));
    };
    if classes.len() != rows {
        return Err(Error::data("number of labels", classes.len(), format!("{rows}, one a row")));
    }
    let (mut numbers, mut counts) = (vec![None; classes.count()], Vec::new());
    let mut labels = Vec::with_capacity(rows);
    for (row, &label) in classes.labels().iter().enumerate() {
        if label == Classes::IGNORED {
            return Err(Error::data(format!("label of row {row}"), "ignored", "a class, to divide each in proportion"));
        }
        let number = *numbers[label as usize].get_or_insert_with(|| {
            counts.push(0);
            counts.len() - 1
        });
        counts[number] += 1;
        labels.push(number);
    }
    Ok((labels, counts))
}

/// One split a fold, given the fold in which each row is tested.
fn by_fold(fold: &[usize], n_splits: usize) -> Vec<Split> {
    let mut tests = vec![Vec::new(); n_splits];
    fold.iter().enumerate().for_each(|(row, &number)| tests[number].push(row));
    let others = |number| (0..fold.len()).filter(|&row| fold[row] != number).collect();
    tests.into_iter().enumerate().map(|(number, test)| Split { train: others(number), test }).collect()
}

fn repeated(
    n_repeats: usize,
    seed: u64,
    mut split: impl FnMut(&mut Rng) -> Result<Vec<Split>, Error>,
) -> Result<Vec<Split>, Error> {
    let mut rng = Rng::seed_from_u64(seed);
    let mut all = Vec::new();
    for _ in 0..n_repeats {
        all.extend(split(&mut rng)?);
    }
    Ok(all)
}

use crate::{Dataset, Target};
use rand::seq::SliceRandom;
use wane_autodiff::{Classes, Error, Float, Rng, number};

impl<T: Float> Dataset<T> {
    /// The rows, shuffled and divided into a training part and a test part of ⌈rows · `test_fraction`⌉ rows
    /// (scikit-learn's `train_test_split`).
    ///
    /// ```
    /// use ndarray::Array2;
    /// use wane_autodiff::{Rng, rand::SeedableRng};
    /// use wane_data::Dataset;
    ///
    /// let data = Dataset::new(Array2::<f32>::zeros((10, 3)), Array2::zeros((10, 1)))?;
    /// let (train, test) = data.split(0.25, &mut Rng::seed_from_u64(1))?;
    /// assert_eq!((train.len(), test.len()), (7, 3));
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// A fraction that is not between 0 and 1, or that leaves no row for training.
    pub fn split(&self, test_fraction: f64, rng: &mut Rng) -> Result<(Self, Self), Error> {
        let test_rows = self.test_rows(test_fraction)?;
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(rng);
        let (test, train) = order.split_at(test_rows);
        Ok((self.select(train)?, self.select(test)?))
    }

    /// [`split`](Self::split) in which both parts have each class in proportion (scikit-learn's
    /// `train_test_split(stratify=y)`).
    ///
    /// Of the training rows, class c with n_c of n rows gets n_c/n, rounded down; those that are left go one each to the
    /// classes that lost most by rounding, drawn where some lost the same. The test part has the others.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use wane_autodiff::{Rng, rand::SeedableRng};
    /// use wane_data::{Classes, Dataset};
    ///
    /// let classes = Classes::new(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 1], 2)?;
    /// let data = Dataset::with_classes(Array2::<f32>::zeros((10, 3)), classes)?;
    /// let (train, test) = data.split_stratified(0.5, &mut Rng::seed_from_u64(1))?;
    /// for part in [train, test] {
    ///     assert_eq!(part.classes().labels().iter().filter(|&&label| label == 1).count(), 2);
    /// }
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// A target that is numbers; a row whose label is ignored; a fraction that is not between 0 and 1; a class of one row, by name (a class of none is
    /// passed by); fewer rows in a part than classes.
    pub fn split_stratified(&self, test_fraction: f64, rng: &mut Rng) -> Result<(Self, Self), Error> {
        let Target::Classes(classes) = self.target() else {
            return Err(Error::data("target", "numbers", "classes, to divide each in proportion"));
        };
        let test_rows = self.test_rows(test_fraction)?;
        if let Some(row) = classes.labels().iter().position(|&label| label == Classes::IGNORED) {
            return Err(Error::data(format!("label of row {row}"), "ignored", "a class, to divide each in proportion"));
        }
        let mut counts = vec![0; classes.count()];
        classes.labels().iter().for_each(|&label| counts[label as usize] += 1);
        if let Some(alone) = counts.iter().position(|&count| count == 1) {
            let name = self.class_names().get(alone).map_or(alone.to_string(), |name| format!("{name:?}"));
            return Err(Error::data(format!("number of rows of class {name}"), 1, "at least 2, one for each part"));
        }
        let present = counts.iter().filter(|&&count| count > 0).count();
        for (part, rows) in [("training", self.len() - test_rows), ("test", test_rows)] {
            if rows < present {
                let expected = format!("at least {present}, the number of classes, at test_fraction {test_fraction}");
                return Err(Error::data(format!("number of {part} rows"), rows, expected));
            }
        }
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(rng);
        let mut left = proportional(&counts, self.len() - test_rows, rng);
        let (train, test): (Vec<_>, Vec<_>) = order.into_iter().partition(|&row| {
            let left = &mut left[classes.labels()[row] as usize];
            let is_wanted = *left > 0;
            *left -= usize::from(is_wanted);
            is_wanted
        });
        Ok((self.select(&train)?, self.select(&test)?))
    }

    fn test_rows(&self, test_fraction: f64) -> Result<usize, Error> {
        if !(test_fraction > 0.0 && test_fraction < 1.0) {
            return Err(Error::option("test_fraction", number(test_fraction), "a number above 0 and below 1"));
        }
        let test_rows = (self.len() as f64 * test_fraction).ceil() as usize;
        if test_rows >= self.len() {
            let expected = format!("at least 1: test_fraction {test_fraction} takes all {} for the test", self.len());
            return Err(Error::data("number of training rows", 0, expected));
        }
        Ok(test_rows)
    }
}

/// `draws` divided in proportion to `counts`, by largest remainder; equal remainders in an order drawn from `rng`.
fn proportional(counts: &[usize], draws: usize, rng: &mut Rng) -> Vec<usize> {
    // Integers, in which equal remainders are equal; u128, in which no product overflows.
    let total = counts.iter().sum::<usize>() as u128;
    let share = |count: usize| (count as u128 * draws as u128 / total, count as u128 * draws as u128 % total);
    let mut shares = Vec::from_iter(counts.iter().map(|&count| share(count).0 as usize));
    let left_over = draws - shares.iter().sum::<usize>();
    let mut order = Vec::from_iter(0..counts.len());
    order.shuffle(rng);
    order.sort_by_key(|&class| std::cmp::Reverse(share(counts[class]).1));
    order[..left_over].iter().for_each(|&class| shares[class] += 1);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use rand::SeedableRng;

    #[test]
    fn sizes_are_those_of_scikit_learn() {
        // (rows, test_fraction, test rows): len(train_test_split(range(rows), test_size=test_fraction)[1])
        for (rows, fraction, expected) in [(10, 0.25, 3), (10, 0.2, 2), (100, 0.07, 8), (2, 0.01, 1), (3, 0.5, 2)] {
            let data = Dataset::new(Array2::<f64>::zeros((rows, 1)), Array2::zeros((rows, 1))).unwrap();
            let (train, test) = data.split(fraction, &mut Rng::seed_from_u64(0)).unwrap();
            assert_eq!((train.len(), test.len()), (rows - expected, expected), "{rows} rows, {fraction}");
        }
    }

    #[test]
    fn faults_are_named() {
        let data = Dataset::new(Array2::<f64>::zeros((3, 1)), Array2::zeros((3, 1))).unwrap();
        for (fraction, expected) in [
            (0.0, "test_fraction is 0; expected a number above 0 and below 1"),
            (1.0, "test_fraction is 1; expected a number above 0 and below 1"),
            (-0.5, "test_fraction is -0.5; expected a number above 0 and below 1"),
            (f64::NAN, "test_fraction is NaN; expected a number above 0 and below 1"),
            (0.9, "number of training rows is 0; expected at least 1: test_fraction 0.9 takes all 3 for the test"),
        ] {
            assert_eq!(data.split(fraction, &mut Rng::seed_from_u64(0)).unwrap_err().to_string(), expected);
        }
        let labels = Classes::with_ignored(&[0, 0, -100, 1, 1], 2, -100).unwrap();
        let data = Dataset::with_classes(Array2::<f64>::zeros((5, 1)), labels).unwrap();
        let error = data.split_stratified(0.4, &mut Rng::seed_from_u64(0)).unwrap_err().to_string();
        assert_eq!(error, "label of row 2 is ignored; expected a class, to divide each in proportion");
    }
}

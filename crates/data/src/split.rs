use crate::Dataset;
use rand::seq::SliceRandom;
use wane_autodiff::{Error, Float, Rng, number};

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
        if !(test_fraction > 0.0 && test_fraction < 1.0) {
            return Err(Error::option("test_fraction", number(test_fraction), "a number above 0 and below 1"));
        }
        let test_rows = (self.len() as f64 * test_fraction).ceil() as usize;
        if test_rows >= self.len() {
            let expected = format!("at least 1: test_fraction {test_fraction} takes all {} for the test", self.len());
            return Err(Error::data("number of training rows", 0, expected));
        }
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(rng);
        let (test, train) = order.split_at(test_rows);
        Ok((self.select(train)?, self.select(test)?))
    }
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
    }
}

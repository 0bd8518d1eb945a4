use crate::dataset::gather;
use crate::target::OwnedTarget;
use crate::{Dataset, Target};
use ndarray::{Array2, ArrayView2, s};
use rand::seq::SliceRandom;
use wane_autodiff::{Classes, Error, Float, Rng};

/// Mini-batches of a data set, epoch by epoch (PyTorch's `DataLoader`).
///
/// The rows of a batch are copied into buffers that are made once: an epoch allocates nothing. The last batch of an
/// epoch is smaller where the batch size does not divide the rows.
///
/// ```
/// use ndarray::array;
/// use wane_autodiff::{Rng, rand::SeedableRng};
/// use wane_data::{Batches, Dataset};
///
/// let data = Dataset::new(array![[1.0_f32], [2.0], [3.0]], array![[10.0], [20.0], [30.0]])?;
/// let mut batches = Batches::new(&data, 2)?;
///
/// let mut epoch = batches.sequential();
/// assert_eq!(epoch.next().unwrap().x(), array![[1.0], [2.0]]);
/// assert_eq!(epoch.next().unwrap().y(), array![[30.0]]);
/// assert!(epoch.next().is_none());
///
/// let mut rng = Rng::seed_from_u64(0);
/// let mut epoch = batches.epoch(&mut rng);
/// while let Some(batch) = epoch.next() {
///     assert_eq!(batch.x().mapv(|x| 10.0 * x), batch.y());
/// }
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches<'d, T> {
    dataset: &'d Dataset<T>,
    batch_size: usize,
    /// How many rows an epoch shows.
    rows: usize,
    order: Vec<usize>,
    /// The batch at hand: (largest batch, features), and its target.
    x: Array2<T>,
    target: OwnedTarget<T>,
}

impl<'d, T: Float> Batches<'d, T> {
    /// Batches of `batch_size` rows; a single smaller one if there are fewer rows.
    ///
    /// # Errors
    /// A batch size of 0.
    pub fn new(dataset: &'d Dataset<T>, batch_size: usize) -> Result<Self, Error> {
        if batch_size == 0 {
            return Err(Error::option("batch_size", 0, "at least 1"));
        }
        let rows = dataset.len();
        let largest = batch_size.min(rows);
        let x = Array2::zeros((largest, dataset.x.ncols()));
        let target = dataset.target.buffer(largest);
        Ok(Self { dataset, batch_size, rows, order: (0..rows).collect(), x, target })
    }

    /// Leaves out the last batch of an epoch if it is smaller; which rows that hits changes with the shuffle.
    ///
    /// # Errors
    /// A batch size above the number of rows, which would leave out all.
    pub fn drop_last(mut self) -> Result<Self, Error> {
        if self.batch_size > self.rows {
            let expected = format!("at most {}, the number of rows: drop_last would leave out all", self.rows);
            return Err(Error::option("batch_size", self.batch_size, expected));
        }
        self.rows -= self.rows % self.batch_size;
        Ok(self)
    }

    /// The number of batches in an epoch.
    pub fn batches_per_epoch(&self) -> usize {
        self.rows.div_ceil(self.batch_size)
    }

    /// An epoch in an order drawn from `rng`, on which alone it depends: epochs before leave no trace.
    pub fn epoch(&mut self, rng: &mut Rng) -> Epoch<'_, 'd, T> {
        self.reset_order();
        self.order.shuffle(rng);
        Epoch { batches: self, start: 0 }
    }

    /// An epoch in the order of the data set.
    pub fn sequential(&mut self) -> Epoch<'_, 'd, T> {
        self.reset_order();
        Epoch { batches: self, start: 0 }
    }

    fn reset_order(&mut self) {
        self.order.iter_mut().enumerate().for_each(|(row, slot)| *slot = row);
    }
}

/// One pass over the rows, batch by batch.
#[derive(Debug)]
pub struct Epoch<'b, 'd, T> {
    batches: &'b mut Batches<'d, T>,
    start: usize,
}

impl<T: Float> Epoch<'_, '_, T> {
    /// The next batch, or `None` at the end of the epoch. A batch is lent: it ends before the next one begins.
    #[expect(clippy::should_implement_trait, reason = "an Iterator cannot lend its buffers")]
    pub fn next(&mut self) -> Option<Batch<'_, T>> {
        let Batches { dataset, batch_size, rows, order, x, target } = &mut *self.batches;
        let rows = order[self.start..*rows].chunks(*batch_size).next()?;
        self.start += rows.len();
        gather(&dataset.x, rows, x);
        target.gather(&dataset.target, rows);
        Some(Batch { x: x.slice(s![..rows.len(), ..]), target: target.view(rows.len()) })
    }
}

/// The rows of one training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch<'b, T> {
    x: ArrayView2<'b, T>,
    target: Target<'b, T>,
}

impl<'b, T: Float> Batch<'b, T> {
    /// The features, (batch, features).
    pub fn x(&self) -> ArrayView2<'b, T> {
        self.x
    }

    /// The target of a regression, (batch, outputs).
    ///
    /// # Panics
    /// The target is classes.
    #[track_caller]
    pub fn y(&self) -> ArrayView2<'b, T> {
        self.target.values()
    }

    /// The target of a classification.
    ///
    /// # Panics
    /// The target is numbers.
    #[track_caller]
    pub fn classes(&self) -> &'b Classes {
        self.target.classes()
    }

    /// The target, whichever it is.
    pub fn target(&self) -> Target<'b, T> {
        self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;
    use rand::SeedableRng;

    fn counted(rows: usize) -> Dataset<f32> {
        let x = Array1::from_iter((0..rows).map(|row| row as f32)).insert_axis(ndarray::Axis(1));
        let labels: Vec<usize> = (0..rows).collect();
        Dataset::with_classes(x, Classes::new(&labels, rows).unwrap()).unwrap()
    }

    fn sizes(mut epoch: Epoch<'_, '_, f32>) -> Vec<usize> {
        std::iter::from_fn(|| epoch.next().map(|batch| batch.x().nrows())).collect()
    }

    #[test]
    fn the_last_batch_is_smaller_or_dropped() {
        let data = counted(7);
        for (batch_size, kept, dropped) in
            [(3, &[3, 3, 1][..], &[3, 3][..]), (7, &[7], &[7]), (1, &[1; 7], &[1; 7]), (6, &[6, 1], &[6])]
        {
            let mut batches = Batches::new(&data, batch_size).unwrap();
            assert_eq!(sizes(batches.sequential()), kept);
            assert_eq!(batches.batches_per_epoch(), kept.len());
            let mut batches = batches.drop_last().unwrap();
            assert_eq!(sizes(batches.epoch(&mut Rng::seed_from_u64(0))), dropped);
            assert_eq!(batches.batches_per_epoch(), dropped.len());
        }
        assert_eq!(sizes(Batches::new(&data, usize::MAX).unwrap().sequential()), [7]);
    }

    #[test]
    fn faults_are_named() {
        let data = counted(7);
        let error = Batches::new(&data, 0).unwrap_err().to_string();
        assert_eq!(error, "batch_size is 0; expected at least 1");
        let error = Batches::new(&data, 8).unwrap().drop_last().unwrap_err().to_string();
        assert_eq!(error, "batch_size is 8; expected at most 7, the number of rows: drop_last would leave out all");
    }

    #[test]
    fn a_shuffle_depends_on_the_generator_alone() {
        let data = counted(20);
        let mut batches = Batches::new(&data, 20).unwrap();
        let mut order = |seed| batches.epoch(&mut Rng::seed_from_u64(seed)).next().unwrap().classes().labels().to_vec();
        let first = order(1);
        assert_ne!(order(2), first);
        assert_eq!(order(1), first);
    }

    #[test]
    fn buffers_are_reused() {
        let data = counted(20);
        let mut batches = Batches::new(&data, 6).unwrap();
        let mut rng = Rng::seed_from_u64(0);
        let mut places = std::collections::HashSet::new();
        for _ in 0..3 {
            let mut epoch = batches.epoch(&mut rng);
            while let Some(batch) = epoch.next() {
                places.insert((batch.x().as_ptr() as usize, batch.classes().labels().as_ptr() as usize));
            }
        }
        assert_eq!(places.len(), 1);
    }
}

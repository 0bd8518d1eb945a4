//! What holds of any data set, seed and size.

use proptest::prelude::*;
use wane_autodiff::ndarray::{Array1, Array2, Axis};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Classes, Rng};
use wane_data::{Batches, Dataset, StandardScaler};

/// Rows that say which they are, in the features and in the target.
fn counted(rows: usize) -> Dataset<f64> {
    let x = Array1::from_iter((0..rows).map(|row| row as f64)).insert_axis(Axis(1));
    Dataset::new(x.clone(), -x).unwrap()
}

/// The rows of `data`, after a check that the target went with the features.
fn rows_of(data: &Dataset<f64>) -> Vec<usize> {
    assert_eq!(data.y(), -&data.x());
    data.x().iter().map(|&row| row as usize).collect()
}

/// One epoch's rows, batch by batch.
fn epoch_of(batches: &mut Batches<'_, f64>, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = Rng::seed_from_u64(seed);
    let mut epoch = batches.epoch(&mut rng);
    let mut seen = Vec::new();
    while let Some(batch) = epoch.next() {
        assert_eq!(batch.y(), -&batch.x());
        seen.push(batch.x().iter().map(|&row| row as usize).collect());
    }
    seen
}

fn matrix() -> impl Strategy<Value = Array2<f64>> {
    (2..40_usize, 1..6_usize).prop_flat_map(|(rows, columns)| {
        prop::collection::vec(-1e3..1e3_f64, rows * columns)
            .prop_map(move |values| Array2::from_shape_vec((rows, columns), values).unwrap())
    })
}

proptest! {
    #[test]
    fn every_row_is_in_one_part_of_a_split(rows in 2..200_usize, fraction in 0.0..1.0_f64, seed: u64) {
        let data = counted(rows);
        let Ok((train, test)) = data.split(fraction, &mut Rng::seed_from_u64(seed)) else {
            prop_assume!(fraction > 0.0 && ((rows as f64 * fraction).ceil() as usize) < rows);
            panic!("{rows} rows can be split by {fraction}");
        };
        prop_assert_eq!(test.len(), (rows as f64 * fraction).ceil() as usize);
        let mut all = [rows_of(&train), rows_of(&test)].concat();
        all.sort_unstable();
        prop_assert_eq!(all, Vec::from_iter(0..rows));
        prop_assert_eq!(data.split(fraction, &mut Rng::seed_from_u64(seed)).unwrap(), (train, test));
    }

    #[test]
    fn an_epoch_shows_every_row_once(rows in 1..200_usize, batch_size in 1..50_usize, seed: u64) {
        let data = counted(rows);
        let mut batches = Batches::new(&data, batch_size).unwrap();
        for seed in [seed, seed ^ 1] {
            let seen = epoch_of(&mut batches, seed);
            prop_assert_eq!(seen.len(), batches.batches_per_epoch());
            prop_assert!(seen[..seen.len() - 1].iter().all(|batch| batch.len() == batch_size));
            let mut all = seen.concat();
            all.sort_unstable();
            prop_assert_eq!(all, Vec::from_iter(0..rows));
        }
        // The epochs above leave no trace in those below, nor does the batch size in the order.
        let order = epoch_of(&mut batches, seed).concat();
        prop_assert_eq!(epoch_of(&mut Batches::new(&data, rows).unwrap(), seed).concat(), order.clone());
        if batch_size <= rows {
            let dropped = epoch_of(&mut batches.drop_last().unwrap(), seed).concat();
            prop_assert_eq!(&dropped[..], &order[..rows - rows % batch_size]);
        }
    }

    #[test]
    fn batches_of_classes_are_those_of_numbers(rows in 1..60_usize, batch_size in 1..20_usize, seed: u64) {
        let values = counted(rows);
        let labels = Classes::new(&Vec::from_iter(0..rows), rows).unwrap();
        let classes = Dataset::with_classes(values.x().to_owned(), labels).unwrap();
        let mut batches = Batches::new(&classes, batch_size).unwrap();
        let mut rng = Rng::seed_from_u64(seed);
        let mut epoch = batches.epoch(&mut rng);
        for expected in epoch_of(&mut Batches::new(&values, batch_size).unwrap(), seed) {
            let batch = epoch.next().unwrap();
            let labels = batch.classes().labels().iter().map(|&label| label as usize);
            prop_assert_eq!(batch.classes().count(), rows);
            prop_assert_eq!(labels.collect::<Vec<_>>(), expected);
        }
        prop_assert!(epoch.next().is_none());
    }

    #[test]
    fn scaled_columns_have_mean_0_and_deviation_1(x in matrix(), offset in -1e6..1e6_f64) {
        let x = x + offset;
        let scaler = StandardScaler::fit(x.view()).unwrap();
        let z = scaler.transform(x.view()).unwrap();
        // Rounding of the mean, at most half an ulp, seen in units of the scale.
        let smallest = scaler.scale().iter().copied().fold(1.0, f64::min);
        let tolerance = 1e-12 + f64::EPSILON * (offset.abs() + 1e3) / smallest;
        for column in z.columns() {
            prop_assert!(column.mean().unwrap().abs() < tolerance);
            prop_assert!((column.std(0.0) - 1.0).abs() < tolerance);
        }
        let back = scaler.inverse_transform(z.view()).unwrap();
        let furthest = (&back - &x).iter().fold(0.0, |most: f64, error| most.max(error.abs()));
        prop_assert!(furthest <= 4.0 * f64::EPSILON * (offset.abs() + 1e3), "{furthest}");
    }
}

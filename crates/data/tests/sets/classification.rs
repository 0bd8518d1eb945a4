//! Classes and their names: made, divided, and kept through everything that is done to a data set.

use proptest::prelude::*;
use wane_autodiff::ndarray::{Array1, Array2, Axis};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Classes, Error, Rng};
use wane_data::synthetic::{Blobs, BlobsOptions, TwoMoonsOptions, blobs, two_moons};
use wane_data::{Batches, Dataset, StandardScaler};

fn rng() -> Rng {
    Rng::seed_from_u64(7)
}

fn counts(data: &Dataset<f64>) -> Vec<usize> {
    let mut counts = vec![0; data.classes().count()];
    data.classes().labels().iter().for_each(|&label| counts[label as usize] += 1);
    counts
}

/// Rows that say which they are, of the given classes.
fn labelled(labels: &[usize], count: usize) -> Dataset<f64> {
    let x = Array1::from_iter((0..labels.len()).map(|row| row as f64)).insert_axis(Axis(1));
    Dataset::with_classes(x, Classes::new(labels, count).unwrap()).unwrap()
}

fn message<V: std::fmt::Debug>(result: Result<V, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn names_are_kept_through_every_transformation() {
    let data = two_moons::<f64>(&TwoMoonsOptions::default(), &mut rng()).unwrap();
    let data = data.with_names(&["east", "north"], &["moon"]).unwrap();
    let scaled = data.scale_x(&StandardScaler::fit(data.x()).unwrap()).unwrap();
    let (train, test) = scaled.split(0.3, &mut rng()).unwrap();
    let (finer, rest) = train.split_stratified(0.5, &mut rng()).unwrap();
    let renamed = data.clone().with_class_names(&["outer", "inner"]).unwrap();
    for kept in [data.select(&[5, 1]).unwrap(), renamed, data, scaled, train, test, finer, rest] {
        assert_eq!(kept.feature_names(), ["east", "north"]);
        assert_eq!(kept.target_names(), ["moon"]);
        assert_eq!(kept.class_names(), ["outer", "inner"]);
    }
    // A class that no row is left of keeps its name.
    let data = labelled(&[0, 1, 1], 3).with_class_names(&["a", "b", "c"]).unwrap();
    assert_eq!(data.select(&[1]).unwrap().class_names(), ["a", "b", "c"]);
}

#[test]
fn class_name_faults_are_named() {
    let data = labelled(&[0, 1], 2);
    assert!(data.class_names().is_empty());
    for (names, expected) in [
        (&["a"][..], "number of class names is 1; expected 2, one a class"),
        (&["a", "a"], "class name is \"a\"; expected a name that no other class has"),
        (&["", "a"], "class name is \"\"; expected a name that no other class has"),
    ] {
        assert_eq!(message(data.clone().with_class_names(names)), expected);
    }
    let numbers = Dataset::new(Array2::<f64>::zeros((2, 1)), Array2::zeros((2, 1))).unwrap();
    let error = message(numbers.with_class_names(&["a"]));
    assert_eq!(error, "target is numbers; expected classes, which can have names");
}

#[test]
fn stratified_faults_are_named() {
    let split = |data: &Dataset<f64>, fraction| message(data.split_stratified(fraction, &mut rng()));
    let alone = labelled(&[0, 0, 1, 2, 2], 3);
    assert_eq!(split(&alone, 0.5), "number of rows of class 1 is 1; expected at least 2, one for each part");
    let alone = alone.with_class_names(&["cat", "dog", "owl"]).unwrap();
    assert_eq!(split(&alone, 0.5), "number of rows of class \"dog\" is 1; expected at least 2, one for each part");
    let data = labelled(&[0, 0, 0, 1, 1, 1, 2, 2, 2, 2], 4);
    for (fraction, expected) in [
        (0.0, "test_fraction is 0; expected a number above 0 and below 1"),
        (f64::NAN, "test_fraction is NaN; expected a number above 0 and below 1"),
        (0.95, "number of training rows is 0; expected at least 1: test_fraction 0.95 takes all 10 for the test"),
        (0.8, "number of training rows is 2; expected at least 3, the number of classes, at test_fraction 0.8"),
        (0.2, "number of test rows is 2; expected at least 3, the number of classes, at test_fraction 0.2"),
    ] {
        assert_eq!(split(&data, fraction), expected);
    }
    assert!(data.split_stratified(0.3, &mut rng()).is_ok(), "a class without rows is passed by");
    let numbers = Dataset::new(Array2::zeros((4, 1)), Array2::zeros((4, 1))).unwrap();
    assert_eq!(split(&numbers, 0.5), "target is numbers; expected classes, to divide each in proportion");
}

#[test]
fn a_stratified_split_takes_any_row_of_a_class_and_shuffles() {
    let data = labelled(&[0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1], 2);
    let (mut rng, mut taken, mut first) = (rng(), [0; 12], [0; 2]);
    for _ in 0..3000 {
        let (train, test) = data.split_stratified(0.25, &mut rng).unwrap();
        test.x().iter().for_each(|&row| taken[row as usize] += 1);
        first[train.classes().labels()[0] as usize] += 1;
    }
    assert!(taken.iter().all(|times| (650..850).contains(times)), "{taken:?}");
    assert!((900..1100).contains(&first[0]), "{first:?}");
}

#[test]
fn moons_are_noisy_half_circles() {
    let options = TwoMoonsOptions { rows: 20_001, noise: 0.2 };
    let (loud, quiet) = [options, TwoMoonsOptions { noise: 0.0, ..options }]
        .map(|options| two_moons::<f64>(&options, &mut rng()).unwrap())
        .into();
    assert_eq!((loud.classes(), counts(&loud)), (quiet.classes(), vec![10_000, 10_001]));
    let noise = &loud.x() - &quiet.x();
    for column in noise.columns() {
        assert!(column.mean().unwrap().abs() < 0.005 && (column.std(0.0) - 0.2).abs() < 0.005);
    }
    // Classes are shuffled: neighbours differ about half of the time.
    let changes = quiet.classes().labels().windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!((9_500..10_500).contains(&changes), "{changes}");
}

#[test]
fn blobs_lie_around_their_centers() {
    let options = BlobsOptions { rows: 30_000, features: 3, centers: 4, cluster_std: 0.5, low: -2.0, high: 8.0 };
    let Blobs { dataset, centers } = blobs::<f64>(&options, &mut rng()).unwrap();
    assert_eq!(dataset.class_names(), ["blob 0", "blob 1", "blob 2", "blob 3"]);
    assert_eq!(counts(&dataset), [7500; 4]);
    assert!(centers.iter().all(|center| (-2.0..8.0).contains(center)));
    let exact = blobs::<f64>(&BlobsOptions { cluster_std: 0.0, ..options }, &mut rng()).unwrap();
    let rows = Vec::from_iter(dataset.classes().labels().iter().map(|&label| label as usize));
    assert_eq!((exact.dataset.x(), &exact.centers), (centers.select(Axis(0), &rows).view(), &centers));
    for column in (&dataset.x() - &exact.dataset.x()).columns() {
        assert!(column.mean().unwrap().abs() < 0.02 && (column.std(0.0) - 0.5).abs() < 0.02);
    }
    let narrow = blobs::<f32>(&options, &mut rng()).unwrap();
    assert_eq!(narrow.dataset.x(), dataset.x().mapv(|x| x as f32));
}

#[test]
fn generator_faults_are_named() {
    let moons = |rows, noise| message(two_moons::<f64>(&TwoMoonsOptions { rows, noise }, &mut rng()));
    assert_eq!(moons(1, 0.0), "rows is 1; expected at least 2");
    assert_eq!(
        moons(usize::MAX, 0.0),
        format!("rows is {}; expected as many as memory holds of 2 features", usize::MAX)
    );
    assert_eq!(moons(9, -0.1), "noise is -0.1; expected a finite number, 0 or above");
    assert_eq!(moons(9, f64::NAN), "noise is NaN; expected a finite number, 0 or above");
    let blobs = |edit: fn(&mut BlobsOptions)| {
        let mut options = BlobsOptions::default();
        edit(&mut options);
        message(blobs::<f64>(&options, &mut rng()))
    };
    assert_eq!(blobs(|o| o.rows = 2), "rows is 2; expected at least 3, the number of centers");
    assert_eq!(blobs(|o| o.features = 0), "features is 0; expected at least 1");
    assert_eq!(blobs(|o| o.centers = 0), "centers is 0; expected at least 1");
    assert_eq!(blobs(|o| o.cluster_std = f64::NAN), "cluster_std is NaN; expected a finite number, 0 or above");
    assert_eq!(blobs(|o| o.low = f64::INFINITY), "low is inf; expected a finite number");
    assert_eq!(blobs(|o| o.high = -10.0), "high is -10; expected above low, which is -10, by a finite distance");
}

proptest! {
    /// Every row in one part; the sizes those of `split`; each class within one row of its exact proportion.
    #[test]
    fn stratified_parts_are_proportional(
        sizes in prop::collection::vec(prop_oneof![Just(0), 2..40_usize], 1..6), fraction in 0.01..0.99_f64, seed: u64,
    ) {
        let labels = Vec::from_iter(sizes.iter().enumerate().flat_map(|(class, &n)| std::iter::repeat_n(class, n)));
        prop_assume!(!labels.is_empty());
        let data = labelled(&labels, sizes.len());
        let test_rows = (labels.len() as f64 * fraction).ceil() as usize;
        let present = sizes.iter().filter(|&&size| size > 0).count();
        let parts = data.split_stratified(fraction, &mut Rng::seed_from_u64(seed));
        prop_assert_eq!(parts.is_ok(), test_rows >= present && labels.len() - test_rows >= present);
        if let Ok((train, test)) = parts {
            prop_assert_eq!(test.len(), test_rows);
            let mut all = Vec::from_iter(train.x().iter().chain(test.x()).map(|&row| row as usize));
            all.sort_unstable();
            prop_assert_eq!(all, Vec::from_iter(0..labels.len()));
            for part in [&train, &test] {
                let rows = part.x().iter().map(|&row| labels[row as usize]).collect::<Vec<_>>();
                prop_assert!(part.classes().labels().iter().zip(rows).all(|(&label, expected)| label as usize == expected));
                for (count, &size) in counts(part).into_iter().zip(&sizes) {
                    let exact = (size * part.len()) as f64 / labels.len() as f64;
                    prop_assert!((count as f64 - exact).abs() < 1.0, "{count} for {exact}");
                }
            }
            prop_assert_eq!(data.split_stratified(fraction, &mut Rng::seed_from_u64(seed)).unwrap(), (train, test));
        }
    }

    #[test]
    fn class_counts_are_preserved(rows in 5..200_usize, centers in 1..6_usize, batch_size in 1..50_usize, seed: u64) {
        let mut rng = Rng::seed_from_u64(seed);
        let options = BlobsOptions { rows: rows.max(2 * centers), centers, ..Default::default() };
        let data = blobs::<f64>(&options, &mut rng).unwrap().dataset;
        let whole = counts(&data);
        prop_assert!(whole.iter().max().unwrap() - whole.iter().min().unwrap() <= 1);
        let mut shown = vec![0; centers];
        let mut batches = Batches::new(&data, batch_size).unwrap();
        let mut epoch = batches.epoch(&mut rng);
        while let Some(batch) = epoch.next() {
            batch.classes().labels().iter().for_each(|&label| shown[label as usize] += 1);
        }
        prop_assert_eq!(&shown, &whole);
        let (train, test) = data.split(0.3, &mut rng).unwrap();
        prop_assert_eq!(Vec::from_iter(counts(&train).iter().zip(counts(&test)).map(|(a, b)| a + b)), whole);
    }
}

//! scikit-learn's numbers: `data/sklearn.json`, which `scripts/sklearn_data.py` wrote.

use serde::Deserialize;
use std::collections::BTreeSet;
use wane_autodiff::ndarray::Array2;
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Classes, Rng};
use wane_data::synthetic::{BlobsOptions, TwoMoonsOptions, blobs, two_moons};
use wane_data::{Dataset, LabelEncoder, one_hot};

#[derive(Deserialize)]
struct Document {
    splits: Vec<Split>,
    moons: Vec<Moons>,
    blob_sizes: Vec<BlobSizes>,
    labels: Vec<Labels>,
}

#[derive(Deserialize)]
struct Split {
    counts: Vec<usize>,
    fraction: f64,
    train: BTreeSet<Vec<usize>>,
}

#[derive(Deserialize)]
struct Moons {
    rows: usize,
    x: Vec<[f64; 2]>,
    y: Vec<u32>,
}

#[derive(Deserialize)]
struct BlobSizes {
    rows: usize,
    centers: usize,
    sizes: Vec<usize>,
}

#[derive(Deserialize)]
struct Labels {
    texts: Vec<String>,
    names: Vec<String>,
    classes: Vec<u32>,
    one_hot: Vec<Vec<f64>>,
}

fn document() -> Document {
    serde_json::from_str(include_str!("../data/sklearn.json")).unwrap()
}

fn counts(classes: &Classes) -> Vec<usize> {
    let mut counts = vec![0; classes.count()];
    classes.labels().iter().for_each(|&label| counts[label as usize] += 1);
    counts
}

/// Where classes tie, every way in which scikit-learn divides them is drawn, and no other.
#[test]
fn stratified_splits_are_allocated_as_there() {
    for Split { counts: given, fraction, train: expected } in document().splits {
        let labels = Vec::from_iter(given.iter().enumerate().flat_map(|(class, &n)| std::iter::repeat_n(class, n)));
        let classes = Classes::new(&labels, given.len()).unwrap();
        let data = Dataset::with_classes(Array2::<f64>::zeros((labels.len(), 1)), classes).unwrap();
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let (train, test) = data.split_stratified(fraction, &mut Rng::seed_from_u64(seed)).unwrap();
            let (train, test) = (counts(train.classes()), counts(test.classes()));
            assert_eq!(Vec::from_iter(train.iter().zip(test).map(|(a, b)| a + b)), given);
            seen.insert(train);
        }
        assert_eq!(seen, expected, "{given:?} at {fraction}");
    }
}

#[test]
fn moons_are_made_as_there() {
    for Moons { rows, x, y } in document().moons {
        let options = TwoMoonsOptions { rows, noise: 0.0 };
        let data = two_moons::<f64>(&options, &mut Rng::seed_from_u64(1)).unwrap();
        let mut missing = Vec::from_iter(x.iter().zip(&y));
        for (point, class) in data.x().rows().into_iter().zip(data.classes().labels()) {
            // NumPy's sines differ from libm's by an ulp.
            let is_near = |x: &[f64; 2]| (x[0] - point[0]).abs() < 3e-16 && (x[1] - point[1]).abs() < 3e-16;
            let found = missing.iter().position(|(x, y)| *y == class && is_near(x));
            missing.swap_remove(found.unwrap_or_else(|| panic!("{rows} rows: {point} of class {class}")));
        }
        assert!(missing.is_empty());
    }
}

#[test]
fn blobs_have_the_sizes_they_have_there() {
    for BlobSizes { rows, centers, sizes } in document().blob_sizes {
        let options = BlobsOptions { rows, centers, ..Default::default() };
        let data = blobs::<f32>(&options, &mut Rng::seed_from_u64(1)).unwrap();
        assert_eq!(counts(data.dataset.classes()), sizes);
    }
}

#[test]
fn labels_are_encoded_as_there() {
    for Labels { texts, names, classes, one_hot: expected } in document().labels {
        let encoder = LabelEncoder::fit(&texts).unwrap();
        assert_eq!(encoder.names(), names);
        let encoded = encoder.transform(&texts).unwrap();
        assert_eq!(encoded.labels(), classes);
        let hot = Vec::from_iter(one_hot::<f64>(&encoded).rows().into_iter().map(|row| row.to_vec()));
        assert_eq!(hot, expected);
    }
}

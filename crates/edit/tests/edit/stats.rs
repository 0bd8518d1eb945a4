//! Statistics of keys, beside sums over the keys.

use crate::common::{config, largest, network, uniform};
use crate::folder::Folder;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use wane_autodiff::ndarray::{Array2, Axis, concatenate, s};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Activation, Params, Rng};
use wane_edit::{KeyStats, Site};
use wane_layers::Sequential;

/// A layer alone, whose keys are its data.
fn alone(inputs: usize) -> (Sequential<f64>, Params<f64>) {
    let mut params = Params::new();
    let model = Sequential::new().linear(inputs, 1).build(params.root(), &mut Rng::seed_from_u64(0)).unwrap();
    (model, params)
}

fn bytes(stats: &KeyStats) -> Vec<u8> {
    let folder = Folder::new();
    let path = folder.file("stats.wane");
    stats.save(&path).unwrap();
    let loaded = KeyStats::load(&path).unwrap();
    let first = std::fs::read(&path).unwrap();
    assert_eq!(&loaded, stats);
    loaded.save(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first);
    first
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn they_are_the_sums(inputs in 1..6_usize, rows in 1..40_usize, shift in -3.0..3.0_f64, seed in any::<u64>()) {
        let (model, params) = alone(inputs);
        let x = uniform((rows, inputs), &mut Rng::seed_from_u64(seed)) + shift;
        let stats = KeyStats::of(&Site::new(&model, &params, 0).unwrap(), &params, x.view()).unwrap();
        prop_assert_eq!((stats.count(), stats.layer()), (rows as u64, "0.weight"));
        let mean = x.mean_axis(Axis(0)).unwrap();
        prop_assert!((&stats.mean() - &mean).iter().all(|off| off.abs() < 1e-14));
        let moment = x.t().dot(&x) / rows as f64;
        prop_assert!(largest(&(stats.second_moment() - &moment)) < 1e-13);
        let column = mean.insert_axis(Axis(1));
        prop_assert!(largest(&(stats.covariance() + column.dot(&column.t()) - moment)) < 1e-13);
        bytes(&stats);
    }

    #[test]
    fn parts_make_the_whole(sizes in proptest::collection::vec(0..30_usize, 1..5), seed in any::<u64>()) {
        let (model, params) = alone(3);
        let site = Site::new(&model, &params, 0).unwrap();
        let mut rng = Rng::seed_from_u64(seed);
        let parts: Vec<_> = sizes.iter().map(|&rows| uniform((rows, 3), &mut rng) + rows as f64).collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        let all = KeyStats::of(&site, &params, concatenate(Axis(0), &views).unwrap().view()).unwrap();
        let (mut merged, mut streamed) = (KeyStats::new(&site, &params).unwrap(), KeyStats::new(&site, &params).unwrap());
        for part in parts {
            merged.merge(&KeyStats::of(&site, &params, part.view()).unwrap()).unwrap();
            streamed.observe(&site, &params, part.view()).unwrap();
        }
        prop_assert_eq!(&merged, &streamed);
        prop_assert_eq!(merged.count(), all.count());
        prop_assert!((&merged.mean() - &all.mean()).iter().all(|off| off.abs() < 1e-12));
        prop_assert!(largest(&(merged.covariance() - all.covariance())) < 1e-11);
        bytes(&merged);
    }
}

/// Σkkᵀ/n − μμᵀ, from sums, would have lost every digit.
#[test]
fn a_large_mean_costs_no_digits() {
    let (model, params) = alone(4);
    let site = Site::new(&model, &params, 0).unwrap();
    // Multiples of 1/1024, so that the shift rounds nothing.
    let mut x = uniform((5000, 4), &mut Rng::seed_from_u64(1)).mapv(|x| (x * 1024.0).round() / 1024.0);
    x.column_mut(3).fill(0.1);
    let near = KeyStats::of(&site, &params, x.view()).unwrap();
    x.slice_mut(s![.., ..3]).mapv_inplace(|x| x + 1e9);
    let far = KeyStats::of(&site, &params, x.view()).unwrap();
    assert!(largest(&(near.covariance() - far.covariance())) < 1e-9);
    assert!(far.covariance().row(3).iter().all(|&value| value == 0.0), "what never changes has no scatter");
}

#[test]
fn keys_of_f32_models_are_summed_in_f64() {
    let (model, params, x) = network::<f32>(2, Activation::Relu, 5);
    let site = Site::new(&model, &params, 2).unwrap();
    // More rows than are run through the model at once.
    let x = concatenate(Axis(0), &[x.view(); 50]).unwrap();
    let stats = KeyStats::of(&site, &params, x.view()).unwrap();
    let keys = site.keys(&params, x.view()).unwrap().mapv(f64::from);
    assert_eq!((stats.count(), keys.dim()), (2500, (2500, 8)));
    assert!(largest(&(stats.second_moment() - keys.t().dot(&keys) / 2500.0)) < 1e-14);
    // A row alone gives what it gives among others, and weights of the layer itself don't matter.
    let mut edited = params.clone();
    edited.set(site.linear().weight(), &Array2::<f32>::ones((6, 8))).unwrap();
    let mut again = KeyStats::new(&site, &edited).unwrap();
    again.observe(&site, &params, x.view()).unwrap();
    assert_eq!(again, stats);
}

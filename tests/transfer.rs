//! Transfer learning: layers chosen by a pattern are frozen, the others go on, and optimizers keep to it.

use wane::ndarray::Array2;
use wane::optim::Rule;
use wane::prelude::*;
use wane::rand::RngExt;

/// The bits of all parameters whose names begin with `head`.
fn bits(params: &Params<f64>, head: &str) -> Vec<u64> {
    params.iter().filter(|p| p.name.starts_with(head)).flat_map(|p| p.values.iter().map(|x| x.to_bits())).collect()
}

fn frozen_layers_stay<R: Rule>(options: R) {
    let mut rng = Rng::seed_from_u64(5);
    let mut params = Params::<f64>::new();
    let model = Sequential::new()
        .linear(4, 6)
        .tanh()
        .residual(Sequential::new().layer_norm(6).linear(6, 6).relu())
        .linear(6, 2)
        .build(params.root(), &mut rng)
        .unwrap();
    let x = Array2::from_shape_simple_fn((12, 4), || rng.random_range(-1.0..1.0));
    let y = Array2::from_shape_simple_fn((12, 2), || rng.random_range(-1.0..1.0));
    let mut optimizer = Optimizer::new(options).unwrap().group(Group::new(&params.ids())).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let mut train = |params: &mut Params<f64>| {
        for _ in 0..5 {
            let graph = tape.record(params);
            model.forward(graph.input(&x)).mse_loss(graph.input(&y)).backward(&mut grads);
            optimizer.step(params, &grads).unwrap();
        }
    };
    train(&mut params);

    // Frozen with moments already built up: neither they nor decay may move it.
    let first = params.matching("0.*").unwrap();
    params.freeze(&first).unwrap();
    let before = params.clone();
    train(&mut params);
    assert_eq!(bits(&params, "0."), bits(&before, "0."), "{}", R::NAME);
    for part in ["2.0.", "2.1.", "3."] {
        let changed = bits(&params, part).iter().zip(bits(&before, part)).filter(|(a, b)| *a != b).count();
        assert!(changed > 0, "{part} of {}", R::NAME);
    }

    params.unfreeze(&first).unwrap();
    train(&mut params);
    assert_ne!(bits(&params, "0."), bits(&before, "0."));
}

#[test]
fn a_frozen_first_layer_stays_bit_for_bit() {
    frozen_layers_stay(SgdOptions { lr: 0.1, momentum: 0.9, weight_decay: 0.1, ..Default::default() });
    frozen_layers_stay(AdamOptions { weight_decay: 0.1, ..Default::default() });
    frozen_layers_stay(AdamWOptions { weight_decay: 0.1, ..Default::default() });
    frozen_layers_stay(RmsPropOptions { weight_decay: 0.1, ..Default::default() });
    frozen_layers_stay(AdagradOptions { weight_decay: 0.1, ..Default::default() });
}

/// A trained model on few new rows: the first layer frozen, the second pulled toward what it was (L2-SP), a fresh last
/// layer toward zero. The stronger the pull, the nearer each ends to what it is pulled to.
#[test]
fn l2_sp_holds_layers_near_their_start_and_a_fresh_head_near_zero() {
    let end = |lambda: f64| {
        let mut rng = Rng::seed_from_u64(9);
        let mut params = Params::<f64>::new();
        let model = Sequential::new().linear(4, 6).tanh().linear(6, 6).tanh().linear(6, 2);
        let model = model.build(params.root(), &mut rng).unwrap();
        let start = params.clone();
        params.freeze(&params.matching("0.*").unwrap()).unwrap();
        let (middle, head) = (params.matching("2.*").unwrap(), params.matching("4.*").unwrap());
        let decay = Decay::decoupled(lambda).unwrap();
        let mut optimizer = AdamW::new(AdamWOptions { lr: 0.01, ..Default::default() })
            .unwrap()
            .group(Group::new(&middle).decay(decay.clone().toward(&start)))
            .unwrap()
            .group(Group::new(&head).decay(decay))
            .unwrap();
        let x = Array2::from_shape_simple_fn((8, 4), || rng.random_range(-1.0..1.0));
        let y = Array2::from_shape_simple_fn((8, 2), || rng.random_range(-1.0..1.0));
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        for _ in 0..400 {
            let graph = tape.record(&params);
            model.forward(graph.input(&x)).mse_loss(graph.input(&y)).backward(&mut grads);
            optimizer.step(&mut params, &grads).unwrap();
        }
        assert_eq!(bits(&params, "0."), bits(&start, "0."));
        let norm = |ids: &[ParamId], from: &Params<f64>, weight: f64| {
            let distance = |&id: &ParamId| (&params.get(id) - &(&from.get(id) * weight)).mapv(|d| d * d).sum();
            ids.iter().map(distance).sum::<f64>().sqrt()
        };
        (norm(&middle, &start, 1.0), norm(&head, &start, 0.0), norm(&middle, &start, 0.0))
    };
    let (far, large, _) = end(0.01);
    let (near, small, held) = end(10.0);
    assert!(near < 0.3 * far && small < 0.5 * large, "{near} {far} {small} {large}");
    assert!(held > 1.0, "near its start, not near zero: {held}");
}

//! What stands around a step: clipping, the average of the weights, the report.

use crate::common::{bits, constant, gradients, params_of, rng, zeros};
use wane_autodiff::ndarray::{Array1, arr0, array};
use wane_autodiff::{Grads, Params};
use wane_optim::{
    AdamW, AdamWOptions, Decay, DecayKind, Ema, Group, Optimizer, Sgd, SgdOptions, clip_grad_norm, clip_grad_value,
};

fn grads_of(values: &[f32]) -> Grads<f32> {
    let mut params = Params::new();
    let id = params.root().add("w", &Array1::<f32>::zeros(values.len())).unwrap();
    let mut grads = params.grads();
    grads.set(id, &Array1::from(values.to_vec())).unwrap();
    grads
}

#[test]
fn the_norm_is_over_all_parameters_and_comes_back() {
    let params = params_of::<f64>(&mut rng(1), &[&[3, 4], &[5], &[]]);
    let mut grads = gradients(&mut rng(2), &params);
    let before = grads.as_slice().to_vec();
    let norm = before.iter().map(|g| g * g).sum::<f64>().sqrt();
    let got = clip_grad_norm(&mut grads, 2.0 * norm).unwrap();
    assert!((got - norm).abs() <= 1e-15 * norm);
    assert_eq!(bits(grads.as_slice()), bits(&before), "what is below the norm stays");
    assert_eq!(clip_grad_norm(&mut grads, norm / 4.0).unwrap(), got);
    let coefficient = norm / 4.0 / (got + 1e-6);
    for (after, before) in grads.as_slice().iter().zip(before) {
        assert!((after - before * coefficient).abs() <= 1e-15 * before.abs());
    }
}

#[test]
fn norms_of_large_and_small_numbers() {
    for scale in [1e30_f32, 1e-30] {
        let mut grads = grads_of(&[3.0 * scale, 4.0 * scale]);
        let norm = clip_grad_norm(&mut grads, 1.0).unwrap();
        assert!((norm / (5.0 * f64::from(scale)) - 1.0).abs() < 1e-6, "{norm}");
    }
    assert_eq!(clip_grad_norm(&mut grads_of(&[]), 1.0).unwrap(), 0.0);
    // As in PyTorch: NaN spreads, an infinite norm leaves zeros, and NaN where the infinity was.
    let mut grads = grads_of(&[1.0, f32::NAN]);
    assert!(clip_grad_norm(&mut grads, 1.0).unwrap().is_nan() && grads.as_slice().iter().all(|g| g.is_nan()));
    let mut grads = grads_of(&[1.0, f32::INFINITY]);
    assert_eq!(clip_grad_norm(&mut grads, 1.0).unwrap(), f64::INFINITY);
    assert!(grads.as_slice()[0] == 0.0 && grads.as_slice()[1].is_nan());
    let mut grads = grads_of(&[1.0, f32::INFINITY]);
    clip_grad_norm(&mut grads, f64::INFINITY).unwrap();
    assert!(grads.as_slice().iter().all(|g| g.is_nan()), "∞/∞");
}

#[test]
fn values_are_clipped_on_both_sides() {
    let mut grads = grads_of(&[-3.0, -0.5, 0.25, 7.0, f32::NAN, f32::INFINITY]);
    clip_grad_value(&mut grads, 0.5).unwrap();
    assert_eq!(grads.as_slice()[..4], [-0.5, -0.5, 0.25, 0.5]);
    assert!(grads.as_slice()[4].is_nan() && grads.as_slice()[5] == 0.5);
}

#[test]
fn bad_limits_are_refused_by_name() {
    let mut grads = grads_of(&[1.0]);
    for limit in [0.0, -1.0, f64::NAN] {
        let error = clip_grad_norm(&mut grads, limit).unwrap_err().to_string();
        assert_eq!(error, format!("max_norm is {limit}; expected a number above 0"));
        let error = clip_grad_value(&mut grads, limit).unwrap_err().to_string();
        assert_eq!(error, format!("clip_value is {limit}; expected a number above 0"));
    }
    assert_eq!(grads.as_slice(), [1.0]);
}

#[test]
fn the_average_is_its_formula() {
    let mut rng = rng(3);
    let mut params = params_of::<f64>(&mut rng, &[&[4, 2], &[3]]);
    for decay in [0.0, 0.3, 0.5, 0.999, 1.0] {
        let mut ema = Ema::new(&params, decay).unwrap();
        let mut expected = Vec::new();
        for update in 0..6 {
            params.as_mut_slice().iter_mut().for_each(|theta| *theta += 0.5);
            ema.update(&params).unwrap();
            if update == 0 {
                expected = params.as_slice().to_vec();
            } else {
                let pairs = expected.iter_mut().zip(params.as_slice());
                pairs.for_each(|(average, theta)| *average = decay * *average + (1.0 - decay) * theta);
            }
        }
        assert_eq!(ema.updates(), 6);
        for (got, expected) in ema.as_slice().iter().zip(&expected) {
            assert!((got - expected).abs() <= 1e-14, "{decay}: {got} and {expected}");
        }
    }
}

#[test]
fn evaluating_with_the_average_puts_the_weights_back() {
    let mut params = params_of::<f32>(&mut rng(4), &[&[7]]);
    let mut ema = Ema::new(&params, 0.9).unwrap();
    ema.update(&params).unwrap();
    params.as_mut_slice().iter_mut().for_each(|theta| *theta *= 2.0);
    ema.update(&params).unwrap();
    let (weights, average) = (params.as_slice().to_vec(), ema.as_slice().to_vec());
    let seen = ema.evaluate(&mut params, |params| params.as_slice().to_vec()).unwrap();
    assert_eq!((seen, params.as_slice()), (average.clone(), &weights[..]));
    ema.swap(&mut params).unwrap();
    assert_eq!((params.as_slice(), ema.as_slice()), (&average[..], &weights[..]));
}

#[test]
fn bad_averages_are_refused_by_name() {
    let mut params = params_of::<f64>(&mut rng(5), &[&[2]]);
    for decay in [-0.1, 1.1, f64::NAN] {
        let error = Ema::new(&params, decay).unwrap_err().to_string();
        assert_eq!(error, format!("ema decay is {decay}; expected 0 to 1"));
    }
    let mut other = Ema::new(&params_of::<f64>(&mut rng(5), &[&[3]]), 0.5).unwrap();
    let expected = "Ema: layout of the parameters is 0 (2,); expected 0 (3,)";
    assert_eq!(other.update(&params).unwrap_err().to_string(), expected);
    assert_eq!(other.swap(&mut params).unwrap_err().to_string(), expected);
    let mut called = false;
    assert_eq!(other.evaluate(&mut params, |_| called = true).unwrap_err().to_string(), expected);
    assert!(!called);
}

#[test]
fn the_report_says_what_a_step_did() {
    let mut params = Params::<f64>::new();
    let w = params.root().add("w", &array![[3.0, -4.0]]).unwrap();
    let b = params.root().add("b", &array![1.0]).unwrap();
    let options = SgdOptions { lr: 0.5, ..Default::default() };
    let mut optimizer = Sgd::new(options)
        .unwrap()
        .group(Group::new(&[w]).decay(Decay::decoupled(0.5).unwrap()))
        .unwrap()
        .group(Group::new(&[b]))
        .unwrap();
    let mut grads = zeros(&params);
    grads.set(b, &array![2.0]).unwrap();
    let before = params.clone();
    optimizer.step(&mut params, &grads).unwrap();
    let report = optimizer.weight_report(&before, &params, &grads).unwrap();
    let [weights, biases] = &report.groups[..] else { panic!("two groups") };
    assert_eq!((weights.weights, weights.largest, weights.gradient, weights.update), (3.75, 3.0, 0.0, 1.25));
    assert_eq!((weights.rate, weights.averaging_time, weights.kind), (0.25, 4.0, DecayKind::Decoupled));
    assert_eq!((weights.lr, weights.bound), (0.5, None), "a step of SGD is as large as its gradient");
    assert_eq!((biases.weights, biases.gradient, biases.update, biases.rate), (0.0, 2.0, 1.0, 0.0));
    assert_eq!(biases.averaging_time, f64::INFINITY);
    let table = report.to_string();
    assert_eq!(table.lines().count(), 3);
    assert!(table.lines().nth(1).unwrap().contains("3.750e0"), "{table}");

    let coupled = Sgd::<f64>::new(SgdOptions { lr: 0.5, weight_decay: 0.1, ..Default::default() }).unwrap();
    let coupled = coupled.group(Group::new(&[w])).unwrap();
    assert_eq!(coupled.weight_report(&before, &params, &grads).unwrap().groups[0].rate, 0.05);

    let other = params_of::<f64>(&mut rng(6), &[&[3]]);
    let error = optimizer.weight_report(&other, &params, &grads).unwrap_err().to_string();
    assert_eq!(error, "WeightReport: layout of the parameters before is 0 (3,); expected w (1, 2), b (1,)");
}

/// At equilibrium no weight is larger than the report's bound: 1/λ for AdamW, however far away its target is.
#[test]
fn the_bound_of_the_report_holds() {
    for (decay, bound) in [(Decay::decoupled(0.5).unwrap(), 2.0), (Decay::fully_decoupled(0.01).unwrap(), 1.0)] {
        let mut params = Params::<f64>::new();
        let id = params.root().add("w", &array![0.0, 0.0, 0.0]).unwrap();
        let options = AdamWOptions { lr: 0.01, ..Default::default() };
        let mut optimizer = AdamW::new(options).unwrap().group(Group::all(&params).decay(decay)).unwrap();
        let target = array![10.0, -10.0, 0.125];
        let mut grads = params.grads();
        let mut before = params.clone();
        for _ in 0..5000 {
            before = params.clone();
            grads.set(id, &(&params.get(id) - &target)).unwrap();
            optimizer.step(&mut params, &grads).unwrap();
        }
        let report = optimizer.weight_report(&before, &params, &grads).unwrap();
        let group = &report.groups[0];
        assert!((group.bound.unwrap() - bound).abs() < 1e-12, "{group:?}");
        // Close to the bound from below: it says something.
        assert!(group.largest <= bound && group.largest > 0.99 * bound, "{group:?}");
    }
    let mut params = Params::<f64>::new();
    params.root().add("w", &arr0(1.0)).unwrap();
    let none = Optimizer::new(AdamWOptions { weight_decay: 0.0, ..Default::default() }).unwrap();
    let none = none.group(Group::all(&params)).unwrap();
    let grads = constant(&params, |_| arr0(0.0).into_dyn());
    assert_eq!(none.weight_report(&params, &params, &grads).unwrap().groups[0].bound, None);
}

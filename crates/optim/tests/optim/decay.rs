//! What `weight_decay` means: coupled decay is an L2 penalty, decoupled decay is a multiplication.

use crate::common::{
    Perceptron, adagrad, adam, bits, config, constant, decayed, distance, gradients, over_all, params_of, rmsprop, rng,
    sgd, w, zeros,
};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use wane_autodiff::ndarray::{ArrayD, arr1};
use wane_autodiff::{Float, Params, Tape};
use wane_optim::{
    AdagradOptions, AdamOptions, AdamWOptions, Decay, Group, Optimizer, RmsPropOptions, Rule, SgdOptions,
};
use wane_penalties::L2;

/// How far apart 20 steps with decay in the optimizer and with L2 in the loss lead: `decay` on the weights or on
/// everything, beside `L2::new(lambda)` on the same.
fn decay_beside_l2<T: Float, R: Rule>(options: &R, decay: &Decay, lambda: f64, on_biases: bool, seed: u64) -> f64 {
    let (model, params) = Perceptron::<T>::new(seed);
    let penalized = if on_biases { params.ids() } else { model.weights.to_vec() };
    let train = |penalty: L2, decay: &Decay| {
        let mut params = params.clone();
        let others: Vec<_> = params.ids().into_iter().filter(|id| !penalized.contains(id)).collect();
        let mut optimizer = Optimizer::new(decayed(options.clone(), 0.0)).unwrap();
        optimizer =
            optimizer.group(Group::new(&penalized).decay(decay.clone())).unwrap().group(Group::new(&others)).unwrap();
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        for _ in 0..20 {
            let graph = tape.record(&params);
            let loss = model.loss(graph, 0..Perceptron::<T>::ROWS) + graph.penalty(&penalty, &penalized);
            loss.backward(&mut grads);
            optimizer.step(&mut params, &grads).unwrap();
        }
        params
    };
    let in_the_optimizer = train(L2::new(0.0).unwrap(), decay);
    let in_the_loss = train(L2::new(lambda).unwrap(), &Decay::coupled(0.0).unwrap());
    distance(in_the_optimizer.as_slice(), in_the_loss.as_slice())
}

/// The law in f64 and, to f32's rounding, in f32.
fn coupled_is_l2<R: Rule>(options: &R, lambda: f64, on_biases: bool, seed: u64) {
    let decay = Decay::coupled(2.0 * lambda).unwrap();
    let error = decay_beside_l2::<f64, R>(options, &decay, lambda, on_biases, seed);
    assert!(error <= 1e-12, "{error:e}");
    let error = decay_beside_l2::<f32, R>(options, &decay, lambda, on_biases, seed);
    assert!(error <= 1e-3, "float32: {error:e}");
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn sgd_with_decay_2_lambda_is_sgd_with_l2_in_the_loss(
        options in sgd(), lambda in 0.01..0.5_f64, on_biases: bool, seed: u64,
    ) {
        coupled_is_l2(&SgdOptions { maximize: false, ..options }, lambda, on_biases, seed);
    }

    #[test]
    fn adam_with_decay_2_lambda_is_adam_with_l2_in_the_loss(
        options in adam(), lambda in 0.01..0.5_f64, on_biases: bool, seed: u64,
    ) {
        // A larger eps bounds what a rounding of a gradient near zero does to the first steps.
        coupled_is_l2(&AdamOptions { maximize: false, eps: options.eps.max(0.01), ..options }, lambda, on_biases, seed);
    }

    #[test]
    fn rmsprop_and_adagrad_with_decay_2_lambda_are_themselves_with_l2_in_the_loss(
        rmsprop in rmsprop(), adagrad in adagrad(), lambda in 0.01..0.5_f64, on_biases: bool, seed: u64,
    ) {
        // A difference of squares, as `centered` takes it, has no digits left in f32.
        coupled_is_l2(&RmsPropOptions { maximize: false, centered: false, ..rmsprop }, lambda, on_biases, seed);
        let eps = adagrad.eps.max(0.01);
        coupled_is_l2(&AdagradOptions { maximize: false, eps, ..adagrad }, lambda, on_biases, seed);
    }

    #[test]
    fn the_kind_is_all_that_tells_adam_from_adamw(
        options in adam(), lambda in 0.0..2.0_f64, seed: u64, decoupled: bool,
    ) {
        let decay = if decoupled { Decay::decoupled(lambda) } else { Decay::coupled(lambda) }.unwrap();
        let mut rng = rng(seed);
        let mut one = params_of::<f32>(&mut rng, &[&[3, 5], &[], &[9]]);
        let mut other = one.clone();
        let (mut adam, mut adamw) = if decoupled {
            let overridden = Optimizer::new(options).unwrap().group(Group::all(&one).decay(decay.clone())).unwrap();
            (overridden, over_all(decayed(w(options), lambda), &one))
        } else {
            let overridden = Optimizer::new(w(options)).unwrap().group(Group::all(&one).decay(decay.clone())).unwrap();
            (over_all(decayed(options, lambda), &one), overridden)
        };
        for held in [adam.groups()[0].decay(), adamw.groups()[0].decay()] {
            prop_assert_eq!((held.kind(), held.strength()), (decay.kind(), decay.strength()));
        }
        for _ in 0..8 {
            let grads = gradients(&mut rng, &one);
            adam.step(&mut one, &grads).unwrap();
            adamw.step(&mut other, &grads).unwrap();
            prop_assert_eq!(bits(one.as_slice()), bits(other.as_slice()));
        }
    }

    #[test]
    fn decoupled_decay_alone_is_repeated_multiplication_to_the_last_bit(
        sgd in sgd(), adam in adam(), rmsprop in rmsprop(), adagrad in adagrad(), lr in 1e-4..1.0_f64,
        product in 0.0..0.9_f64, seed: u64,
    ) {
        let lambda = product / lr;
        fading::<f64, _>(SgdOptions { lr, ..sgd }, lambda, seed);
        fading::<f32, _>(SgdOptions { lr, ..sgd }, lambda, seed);
        fading::<f64, _>(AdamOptions { lr, ..adam }, lambda, seed);
        fading::<f32, _>(AdamOptions { lr, ..adam }, lambda, seed);
        fading::<f64, _>(AdamWOptions { lr, ..w(adam) }, lambda, seed);
        fading::<f32, _>(AdamWOptions { lr, ..w(adam) }, lambda, seed);
        fading::<f64, _>(RmsPropOptions { lr, ..rmsprop }, lambda, seed);
        fading::<f32, _>(RmsPropOptions { lr, ..rmsprop }, lambda, seed);
        fading::<f64, _>(AdagradOptions { lr, ..adagrad }, lambda, seed);
        fading::<f32, _>(AdagradOptions { lr, ..adagrad }, lambda, seed);
    }

    /// Coupled decay passes through √v: it moves each weight by about lr, whatever λ is.
    #[test]
    fn the_first_step_of_decay_alone_tells_adam_from_adamw(
        lr in 0.01..0.1_f64, lambda in 0.1..2.0_f64, eps in 1e-8..0.5_f64, amsgrad: bool, maximize: bool, seed: u64,
    ) {
        let start = params_of::<f64>(&mut rng(seed), &[&[33]]);
        let options = AdamOptions { lr, eps, weight_decay: lambda, amsgrad, maximize, ..Default::default() };
        let (mut coupled, mut decoupled) = (start.clone(), start.clone());
        over_all(options, &start).step(&mut coupled, &zeros(&start)).unwrap();
        over_all(w(options), &start).step(&mut decoupled, &zeros(&start)).unwrap();
        for (i, &theta) in start.as_slice().iter().enumerate() {
            let moved = [lr * lambda * theta / (lambda * theta.abs() + eps), lr * lambda * theta];
            for (move_, end) in moved.iter().zip([&coupled, &decoupled]) {
                // The difference of two near numbers: its error is theirs.
                let error = (theta - end.as_slice()[i] - move_).abs();
                prop_assert!(error <= 1e-12 * move_.abs() && error <= 1e-15 * theta.abs().max(lr), "{error:e} of {move_}");
            }
        }
    }

    #[test]
    fn maximize_turns_the_gradient_and_leaves_decay_alone(
        sgd in sgd(), adam in adam(), rmsprop in rmsprop(), adagrad in adagrad(), lambda in 0.01..2.0_f64, decoupled: bool, seed: u64,
    ) {
        let decay = if decoupled { Decay::decoupled(lambda) } else { Decay::coupled(lambda) }.unwrap();
        climbing(|maximize| SgdOptions { maximize, ..sgd }, &decay, seed);
        climbing(|maximize| AdamOptions { maximize, ..adam }, &decay, seed);
        climbing(|maximize| AdamWOptions { maximize, ..w(adam) }, &decay, seed);
        climbing(|maximize| RmsPropOptions { maximize, ..rmsprop }, &decay, seed);
        climbing(|maximize| AdagradOptions { maximize, ..adagrad }, &decay, seed);
    }

    #[test]
    fn decay_shrinks_whichever_way_the_loss_goes(
        sgd in sgd(), adam in adam(), rmsprop in rmsprop(), adagrad in adagrad(), lambda in 0.01..0.5_f64, decoupled: bool, seed in any::<u64>(),
    ) {
        let decay = if decoupled { Decay::decoupled(lambda) } else { Decay::coupled(lambda) }.unwrap();
        shrinking(sgd, &decay, seed);
        shrinking(adam, &decay, seed);
        shrinking(w(adam), &decay, seed);
        shrinking(rmsprop, &decay, seed);
        shrinking(adagrad, &decay, seed);
    }
}

/// With gradients of zero, t steps multiply each weight t times by 1 − lr·λ, rounded once.
fn fading<T: Float, R: Rule>(mut options: R, lambda: f64, seed: u64) {
    let mut params = params_of::<T>(&mut rng(seed), &[&[5, 7], &[], &[3]]);
    let factor = T::of(1.0 - *options.lr() * lambda);
    let group = Group::all(&params).decay(Decay::decoupled(lambda).unwrap());
    let mut optimizer = Optimizer::new(decayed(options, 0.0)).unwrap().group(group).unwrap();
    let (mut expected, grads) = (params.as_slice().to_vec(), zeros(&params));
    for step in 0..20 {
        optimizer.step(&mut params, &grads).unwrap();
        expected.iter_mut().for_each(|theta| *theta *= factor);
        assert_eq!(bits(params.as_slice()), bits(&expected), "{} step {step}", R::NAME);
    }
}

/// `maximize` with g is minimizing with −g, decay included.
fn climbing<R: Rule>(options: impl Fn(bool) -> R, decay: &Decay, seed: u64) {
    let mut rng = rng(seed);
    let (mut up, grads) =
        (params_of::<f64>(&mut rng, &[&[3, 5], &[4]]), |params: &Params<f64>, rng: &mut _| gradients(rng, params));
    let mut down = up.clone();
    let over =
        |maximize| Optimizer::new(options(maximize)).unwrap().group(Group::all(&up).decay(decay.clone())).unwrap();
    let (mut climber, mut descender) = (over(true), over(false));
    for _ in 0..8 {
        let mut g = grads(&up, &mut rng);
        climber.step(&mut up, &g).unwrap();
        g.as_mut_slice().iter_mut().for_each(|g| *g = -*g);
        descender.step(&mut down, &g).unwrap();
        assert_eq!(bits(up.as_slice()), bits(down.as_slice()), "{}", R::NAME);
    }
}

/// One step of decay alone brings every weight nearer to zero and takes none across.
fn shrinking<R: Rule>(options: R, decay: &Decay, seed: u64) {
    let lr = *options.clone().lr();
    let mut params = params_of::<f64>(&mut rng(seed), &[&[17]]);
    // Coupled Adam may step by lr.
    params.as_mut_slice().iter_mut().for_each(|theta| *theta += (2.0 * lr).copysign(*theta));
    let before = params.as_slice().to_vec();
    let mut optimizer = Optimizer::new(options).unwrap().group(Group::all(&params).decay(decay.clone())).unwrap();
    let grads = zeros(&params);
    optimizer.step(&mut params, &grads).unwrap();
    for (after, before) in params.as_slice().iter().zip(before) {
        assert!(after.abs() < before.abs() && after * before > 0.0, "{} took {before} to {after}", R::NAME);
    }
}

/// Decoupled decay is another method: AdamW ends elsewhere than Adam with L2 of the same strength.
#[test]
fn adamw_is_not_adam_with_l2_in_the_loss() {
    let options = AdamOptions { lr: 0.05, ..Default::default() };
    for seed in 0..20 {
        for lambda in [0.05, 0.5] {
            let [coupled, decoupled] =
                [Decay::coupled(2.0 * lambda), Decay::decoupled(2.0 * lambda)].map(Result::unwrap);
            let same = decay_beside_l2::<f64, _>(&options, &coupled, lambda, false, seed);
            let other = decay_beside_l2::<f64, _>(&w(options), &decoupled, lambda, false, seed);
            assert!(other > 0.01 && same < 1e-10, "seed {seed}, λ {lambda}: {other:e} beside {same:e}");
        }
    }
}

/// For plain SGD the two kinds are one to rounding: θ − lr(g + λθ) = θ(1 − lr·λ) − lr·g. Momentum tells them apart.
#[test]
fn the_kinds_agree_for_plain_sgd_and_part_with_momentum() {
    let ends = |momentum: f64| {
        let [one, other] = [Decay::coupled(0.5), Decay::decoupled(0.5)].map(|decay| {
            let mut rng = rng(7);
            let mut params = params_of::<f64>(&mut rng, &[&[9]]);
            let options = SgdOptions { lr: 0.1, momentum, ..Default::default() };
            let mut optimizer =
                Optimizer::new(options).unwrap().group(Group::all(&params).decay(decay.unwrap())).unwrap();
            for _ in 0..10 {
                let grads = gradients(&mut rng, &params);
                optimizer.step(&mut params, &grads).unwrap();
            }
            params
        });
        distance(one.as_slice(), other.as_slice())
    };
    assert!(ends(0.0) <= 1e-15);
    assert!(ends(0.9) > 0.1);
}

#[test]
fn a_decay_of_one_over_lr_leaves_zeros() {
    fn check<R: Rule>(options: R) {
        for (lr, lambda) in [(0.5, 2.0), (1.0, 1.0), (0.125, 8.0)] {
            let mut options = decayed(options.clone(), 0.0);
            *options.lr() = lr;
            let mut params = params_of::<f64>(&mut rng(3), &[&[9]]);
            let group = Group::all(&params).decay(Decay::decoupled(lambda).unwrap());
            let mut optimizer = Optimizer::new(options).unwrap().group(group).unwrap();
            let grads = zeros(&params);
            optimizer.step(&mut params, &grads).unwrap();
            assert_eq!(params.as_slice(), [0.0; 9], "{}", R::NAME);
        }
    }
    check(SgdOptions { momentum: 0.9, ..Default::default() });
    check(AdamOptions::default());
    check(AdamWOptions { amsgrad: true, ..Default::default() });
    check(RmsPropOptions { centered: true, momentum: 0.9, ..Default::default() });
    check(AdagradOptions::default());
}

/// Decay reads the weight before the step: (1 − 0.1·0.5)·2 − 0.1 = 1.8, where after the step it would be 1.805.
#[test]
fn decoupled_decay_comes_before_the_update() {
    let mut params = Params::<f64>::new();
    params.root().add("w", &arr1(&[2.0])).unwrap();
    let decay = Decay::decoupled(0.5).unwrap();
    let grads = constant(&params, |_| ArrayD::ones(vec![1]));
    let options = SgdOptions { lr: 0.1, ..Default::default() };
    Optimizer::new(options)
        .unwrap()
        .group(Group::all(&params).decay(decay))
        .unwrap()
        .step(&mut params, &grads)
        .unwrap();
    assert!((params.as_slice()[0] - 1.8).abs() <= 1e-15, "{params:?}");
}

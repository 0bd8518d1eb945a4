//! Which parameters a step moves, and that neither grouping nor micro-batches change how.

use crate::common::{
    Perceptron, adagrad, adam, bits, config, decayed, distance, gradients, over_all, params_of, random, rmsprop, rng,
    sgd, w, zeros,
};
use proptest::array::uniform6;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};
use wane_autodiff::rand::RngExt;
use wane_autodiff::{Grads, ParamId, Params, Tape};
use wane_optim::{
    AdagradOptions, AdamOptions, AdamWOptions, Decay, DecayKind, Group, Optimizer, RmsPropOptions, Rule, SgdOptions,
};
use wane_penalties::L2;

const SHAPES: [&[usize]; 6] = [&[3, 5], &[5], &[], &[0], &[17], &[2, 2]];

/// The ten gradients of a run: now and then a parameter has none.
fn run_of(seed: u64, params: &Params<f64>) -> Vec<Grads<f64>> {
    let mut rng = rng(!seed);
    Vec::from_iter((0..10).map(|_| {
        let mut grads = params.grads();
        for param in params.iter() {
            if rng.random_bool(0.8) {
                grads.set(param.id, &random(&mut rng, param.shape.dims())).unwrap();
            }
        }
        grads
    }))
}

/// The parameters after ten steps, to the last bit.
fn end_of<R: Rule>(options: &R, seed: u64, groups: impl FnOnce(&[ParamId]) -> Vec<Group<f64, R>>) -> Vec<u64> {
    let mut params = params_of::<f64>(&mut rng(seed), &SHAPES);
    let optimizer = Optimizer::new(options.clone()).unwrap();
    let mut optimizer =
        groups(&params.ids()).into_iter().fold(optimizer, |optimizer, group| optimizer.group(group).unwrap());
    for grads in run_of(seed, &params) {
        optimizer.step(&mut params, &grads).unwrap();
    }
    bits(params.as_slice())
}

/// Each parameter's own group: options and decay of both kinds, no two alike.
fn own_group<R: Rule>(id: ParamId) -> Group<f64, R> {
    let i = id.index() as f64;
    let decay = if id.index().is_multiple_of(2) { Decay::coupled(0.1 + i) } else { Decay::decoupled(0.1 + i) };
    Group::new(&[id]).lr(0.01 + 0.01 * i).decay(decay.unwrap())
}

fn order() -> impl Strategy<Value = Vec<usize>> {
    Just(Vec::from_iter(0..SHAPES.len())).prop_shuffle()
}

/// Groups in either order, and parameters in either order within a group.
fn order_is_free<R: Rule>(options: R, seed: u64, order: &[usize]) {
    let straight = end_of(&options, seed, |ids| ids.iter().map(|&id| own_group(id)).collect());
    let shuffled = end_of(&options, seed, |ids| order.iter().map(|&i| own_group(ids[i])).collect());
    assert_eq!(shuffled, straight, "{} {order:?}", R::NAME);

    let options = decayed(options, 0.3);
    let straight = end_of(&options, seed, |ids| vec![Group::new(ids)]);
    let shuffled = end_of(&options, seed, |ids| vec![Group::new(&order.iter().map(|&i| ids[i]).collect::<Vec<_>>())]);
    assert_eq!(shuffled, straight, "{} {order:?}", R::NAME);
}

/// Any partition into groups of the same options is one group.
fn partition_is_free<R: Rule>(options: R, seed: u64, colors: &[usize]) {
    let options = decayed(options, 0.3);
    let whole = end_of(&options, seed, |ids| vec![Group::new(ids)]);
    let parts = end_of(&options, seed, |ids| {
        let part =
            |color| ids.iter().zip(colors).filter(|&(_, &of)| of == color).map(|(&id, _)| id).collect::<Vec<_>>();
        (0..3).map(|color| Group::new(&part(color))).collect()
    });
    assert_eq!(parts, whole, "{} {colors:?}", R::NAME);
}

/// k micro-batches and the penalty once are one batch.
fn micro_batches_add_up<R: Rule>(options: R, k: usize, seed: u64) {
    let (model, params) = Perceptron::<f64>::new(seed);
    let penalty = L2::new(0.05).unwrap();
    let train = |k: usize| {
        let (mut params, mut optimizer) = (params.clone(), over_all(options.clone(), &params));
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        for _ in 0..10 {
            grads.clear();
            let rows = Perceptron::<f64>::ROWS / k;
            for batch in 0..k {
                let loss = model.loss(tape.record(&params), batch * rows..(batch + 1) * rows);
                loss.backward_into(&mut grads, 1.0 / k as f64);
            }
            tape.record(&params).penalty(&penalty, &model.weights).backward_into(&mut grads, 1.0);
            optimizer.step(&mut params, &grads).unwrap();
        }
        params
    };
    let error = distance(train(k).as_slice(), train(1).as_slice());
    assert!(error <= 1e-12, "{} of {k}: {error:e}", R::NAME);
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn the_order_of_groups_and_of_parameters_does_not_matter(
        sgd in sgd(), adam in adam(), rmsprop in rmsprop(), adagrad in adagrad(), order in order(), seed: u64,
    ) {
        order_is_free(sgd, seed, &order);
        order_is_free(adam, seed, &order);
        order_is_free(w(adam), seed, &order);
        order_is_free(rmsprop, seed, &order);
        order_is_free(adagrad, seed, &order);
    }

    #[test]
    fn groups_of_the_same_options_are_one_group(
        sgd in sgd(), adam in adam(), rmsprop in rmsprop(), adagrad in adagrad(), colors in uniform6(0..3_usize), seed: u64,
    ) {
        partition_is_free(sgd, seed, &colors);
        partition_is_free(adam, seed, &colors);
        partition_is_free(w(adam), seed, &colors);
        partition_is_free(rmsprop, seed, &colors);
        partition_is_free(adagrad, seed, &colors);
    }

    #[test]
    fn equal_micro_batches_and_the_penalty_once_are_one_batch(
        sgd in sgd(), adam in adam(), rmsprop in rmsprop(), adagrad in adagrad(), k in 0..5_usize, seed: u64,
    ) {
        let k = [2, 3, 4, 6, 12][k];
        // A larger eps bounds what a rounding of a gradient near zero does to the first steps; climbing diverges.
        let adam = AdamOptions { eps: adam.eps.max(0.01), maximize: false, ..adam };
        micro_batches_add_up(SgdOptions { maximize: false, ..sgd }, k, seed);
        micro_batches_add_up(adam, k, seed);
        micro_batches_add_up(w(adam), k, seed);
        micro_batches_add_up(RmsPropOptions { maximize: false, ..rmsprop }, k, seed);
        micro_batches_add_up(AdagradOptions { eps: adagrad.eps.max(0.01), maximize: false, ..adagrad }, k, seed);
    }

    #[test]
    fn a_parameter_without_gradient_is_passed_by(
        sgd in sgd(), adam in adam(), rmsprop in rmsprop(), adagrad in adagrad(), lambda in 0.1..2.0, decoupled in any::<bool>(), seed: u64,
    ) {
        let decay = if decoupled { Decay::decoupled(lambda) } else { Decay::coupled(lambda) }.unwrap();
        passed_by(sgd, &decay, seed);
        passed_by(adam, &decay, seed);
        passed_by(w(adam), &decay, seed);
        passed_by(rmsprop, &decay, seed);
        passed_by(adagrad, &decay, seed);
    }

    #[test]
    fn a_frozen_parameter_rests_and_an_unfrozen_one_goes_on(sgd in sgd(), adam in adam(), rmsprop in rmsprop(), adagrad in adagrad(), seed: u64,
    ) {
        prop_assert!(frozen(decayed(sgd, 0.1), seed) == u64::from(sgd.momentum != 0.0) * 7);
        prop_assert_eq!(frozen(decayed(adam, 0.1), seed), 7);
        prop_assert_eq!(frozen(decayed(w(adam), 0.1), seed), 7);
        prop_assert_eq!(frozen(decayed(rmsprop, 0.1), seed), 7);
        prop_assert_eq!(frozen(decayed(adagrad, 0.1), seed), 7);
    }
}

/// No gradient: no decay, no state, no step. A gradient of zero: decay.
fn passed_by<R: Rule>(options: R, decay: &Decay, seed: u64) {
    let mut rng = rng(seed);
    let mut params = params_of::<f64>(&mut rng, &[&[3], &[2, 2], &[4]]);
    let [first, silent, last] = params.ids()[..] else { panic!("three parameters") };
    let mut optimizer = Optimizer::new(options).unwrap().group(Group::all(&params).decay(decay.clone())).unwrap();
    let names = ["momentum_buffer", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"];
    let rested = params.get(silent).to_owned();
    for _ in 0..3 {
        let mut grads = params.grads();
        grads.set(first, &random(&mut rng, &[3])).unwrap();
        grads.set(last, &random(&mut rng, &[4])).unwrap();
        optimizer.step(&mut params, &grads).unwrap();
    }
    assert_eq!(params.get(silent), rested);
    assert_eq!(optimizer.steps(silent), 0);
    assert!(names.iter().all(|name| optimizer.state(silent, name).is_none()));

    // Cleared gradients are none.
    let mut grads = gradients(&mut rng, &params);
    grads.clear();
    let state = |optimizer: &Optimizer<f64, R>| names.map(|name| optimizer.state(first, name).map(|b| b.to_owned()));
    let before = (bits(params.as_slice()), state(&optimizer), optimizer.steps(first));
    optimizer.step(&mut params, &grads).unwrap();
    assert_eq!((bits(params.as_slice()), state(&optimizer), optimizer.steps(first)), before);

    let grads = zeros(&params);
    optimizer.step(&mut params, &grads).unwrap();
    assert!(params.get(silent).iter().zip(&rested).all(|(now, before)| now != before), "{} decays", R::NAME);
}

/// How many steps a parameter counts that was frozen for three of ten.
fn frozen<R: Rule>(options: R, seed: u64) -> u64 {
    let (model, mut params) = Perceptron::<f64>::new(seed);
    let mut optimizer = over_all(options, &params);
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let [resting, moving] = [model.weights[0], model.biases[1]];
    for step in 0..10 {
        match step {
            4 => params.freeze(&[resting]).unwrap(),
            7 => params.unfreeze(&[resting]).unwrap(),
            _ => {}
        }
        let before = params.clone();
        model.loss(tape.record(&params), 0..Perceptron::<f64>::ROWS).backward(&mut grads);
        optimizer.step(&mut params, &grads).unwrap();
        assert_eq!(params.get(resting) == before.get(resting), (4..7).contains(&step), "{} {step}", R::NAME);
        assert_ne!(params.get(moving), before.get(moving), "{} {step}", R::NAME);
    }
    assert_eq!(optimizer.steps(moving) == optimizer.steps(resting), optimizer.steps(moving) == 0);
    optimizer.steps(resting)
}

#[test]
fn a_parameter_outside_every_group_rests() {
    let mut rng = rng(1);
    let mut params = params_of::<f64>(&mut rng, &[&[3], &[4], &[5]]);
    let (ids, before) = (params.ids(), params.clone());
    let mut optimizer = Optimizer::new(AdamWOptions::default()).unwrap().group(Group::new(&[ids[0], ids[2]])).unwrap();
    let grads = gradients(&mut rng, &params);
    optimizer.step(&mut params, &grads).unwrap();
    assert_eq!(ids.iter().map(|&id| params.get(id) == before.get(id)).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(ids.iter().map(|&id| optimizer.steps(id)).collect::<Vec<_>>(), [1, 0, 1]);
    assert!(optimizer.state(ids[1], "exp_avg").is_none());
}

#[test]
fn an_empty_group_beside_a_full_one_is_allowed() {
    let mut rng = rng(2);
    let mut params = params_of::<f64>(&mut rng, &[&[3]]);
    let before = params.clone();
    let mut optimizer = Optimizer::new(SgdOptions::default())
        .unwrap()
        .group(Group::new(&[]))
        .unwrap()
        .group(Group::all(&params))
        .unwrap();
    let grads = gradients(&mut rng, &params);
    optimizer.step(&mut params, &grads).unwrap();
    assert_ne!(params.as_slice(), before.as_slice());
}

/// What a group does not say is the optimizer's; what it says last counts.
#[test]
fn groups_inherit_and_override() {
    let params = params_of::<f32>(&mut rng(3), &[&[1], &[1], &[1], &[1]]);
    let one = |i: usize| Group::new(&params.ids()[i..=i]);
    let options = AdamWOptions { lr: 0.1, weight_decay: 0.2, eps: 0.3, ..Default::default() };
    let optimizer = Optimizer::<f32, _>::new(options).unwrap();
    let optimizer = optimizer.group(one(0)).unwrap().group(one(1).lr(0.4).weight_decay(0.5)).unwrap();
    let optimizer =
        optimizer.group(one(2).decay(Decay::coupled(9.0).unwrap()).weight_decay(20.0).lr(5.0).lr(2.0)).unwrap();
    let optimizer =
        optimizer.group(one(3).with(|options| (options.betas, options.amsgrad) = ((0.5, 0.6), true))).unwrap();

    let expected = [
        (options, DecayKind::Decoupled),
        (AdamWOptions { lr: 0.4, weight_decay: 0.5, ..options }, DecayKind::Decoupled),
        (AdamWOptions { lr: 2.0, weight_decay: 20.0, ..options }, DecayKind::Coupled),
        (AdamWOptions { betas: (0.5, 0.6), amsgrad: true, ..options }, DecayKind::Decoupled),
    ];
    assert_eq!(optimizer.groups().len(), 4);
    for (i, (group, (options, kind))) in optimizer.groups().iter().zip(expected).enumerate() {
        assert_eq!((group.params(), group.options()), (&params.ids()[i..=i], &options));
        assert_eq!((group.decay().kind(), group.decay().strength()), (kind, options.weight_decay));
    }
}

#[test]
fn decay_matrices_only_spares_biases() {
    let params = params_of::<f32>(&mut rng(4), &[&[2, 3], &[3], &[], &[2, 1, 2], &[1, 1]]);
    let optimizer = Optimizer::<f32, _>::new(AdamWOptions::default()).unwrap().decay_matrices_only(&params).unwrap();
    let groups: Vec<_> = optimizer
        .groups()
        .iter()
        .map(|group| (group.params().iter().map(|id| id.index()).collect::<Vec<_>>(), group.decay().strength()))
        .collect();
    assert_eq!(groups, [(vec![0, 3, 4], 0.01), (vec![1, 2], 0.0)]);
}

//! Proximal terms: every optimizer comes to the minimum of loss + h, with zeros that are exact.

use crate::common::{adagrad, adam, bits, config, gradients, over_all, params_of, rmsprop, rng, sgd, w};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use std::fmt::Debug;
use std::sync::Arc;
use wane_autodiff::ndarray::{arr1, array};
use wane_autodiff::{Float, Params, Tape};
use wane_optim::{
    AdagradOptions, AdamOptions, AdamWOptions, Decay, Group, Optimizer, RmsPropOptions, Rule, Schedule, SgdL1Options,
    SgdOptions, clip_grad_norm,
};
use wane_penalties::{ElasticNet, GroupLasso, L0, L1, MaxNorm, NonNegative, Prox, Step};

/// Where ½(x − 3)² + ½(y − ½)² + |x| + |y| ends from (1, −1), or its negative climbed.
fn end<T: Float, R: Rule>(options: &R, max_norm: Option<f64>, decay: Decay, steps: usize) -> [T; 2] {
    let mut params = Params::<T>::new();
    let id = params.root().add("w", &arr1(&[T::of(1.0), T::of(-1.0)])).unwrap();
    let group = Group::new(&[id]).prox(L1::new(1.0).unwrap()).decay(decay);
    let mut optimizer = Optimizer::new(options.clone()).unwrap().group(group).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let target = arr1(&[T::of(3.0), T::of(0.5)]);
    let sign = T::of(if options.maximize() { -0.5 } else { 0.5 });
    for _ in 0..steps {
        let graph = tape.record(&params);
        let loss = (graph.param(id) - graph.input(&target)).square().sum() * sign;
        loss.backward(&mut grads);
        if let Some(max_norm) = max_norm {
            clip_grad_norm(&mut grads, max_norm).unwrap();
        }
        optimizer.step(&mut params, &grads).unwrap();
    }
    [params.as_slice()[0], params.as_slice()[1]]
}

fn none() -> Decay {
    Decay::coupled(0.0).unwrap()
}

/// 2, and a zero without sign: plain, climbing, and with every gradient clipped, the one at the minimum too.
fn reaches_2<R: Rule + Debug>(options: R) {
    for max_norm in [None, Some(0.5)] {
        let [x, y] = end::<f64, R>(&options, max_norm, none(), 30_000);
        assert!((x - 2.0).abs() < 1e-9, "{options:?}, {max_norm:?}: {x}");
        assert_eq!(y.to_bits(), 0, "{options:?}, {max_norm:?}: {y}");
        let [x, y] = end::<f32, R>(&options, max_norm, none(), 30_000);
        assert!((x - 2.0).abs() < 1e-4, "{options:?}, {max_norm:?}, float32: {x}");
        assert_eq!(y.to_bits(), 0, "{options:?}, {max_norm:?}, float32: {y}");
    }
    // (x − 3) + ¼x + 1 = 0.
    let [x, _] = end::<f64, R>(&options, None, Decay::coupled(0.25).unwrap(), 30_000);
    assert!((x - 1.6).abs() < 1e-9, "{options:?}, decay: {x}");
}

#[test]
fn every_optimizer_reaches_2() {
    let plain = SgdOptions { lr: 0.02, ..Default::default() };
    let heavy = SgdOptions { momentum: 0.9, ..plain };
    reaches_2(plain);
    reaches_2(heavy);
    reaches_2(SgdOptions { nesterov: true, ..heavy });
    reaches_2(SgdOptions { dampening: 0.5, ..heavy });
    reaches_2(SgdOptions { dampening: -0.5, momentum: 0.5, ..heavy });
    reaches_2(SgdOptions { maximize: true, ..heavy });
    reaches_2(SgdL1Options { lr: 0.02, l1: 0.0, ..Default::default() });
}

#[test]
fn every_adaptive_optimizer_reaches_2() {
    let options = AdamOptions { lr: 0.01, ..Default::default() };
    reaches_2(options);
    reaches_2(AdamOptions { amsgrad: true, ..options });
    reaches_2(AdamOptions { betas: (0.5, 0.9), ..options });
    reaches_2(AdamOptions { betas: (0.0, 0.999), eps: 0.1, ..options });
    reaches_2(AdamOptions { maximize: true, ..options });
    reaches_2(AdamWOptions { lr: 0.01, ..Default::default() });
    let options = RmsPropOptions { lr: 0.01, ..Default::default() };
    reaches_2(options);
    reaches_2(RmsPropOptions { momentum: 0.9, lr: 0.001, ..options });
    reaches_2(RmsPropOptions { maximize: true, ..options });
    // A gradient that stays has no variance but its rounding, which may be below zero: not to the end.
    for momentum in [0.0, 0.5] {
        let options = RmsPropOptions { centered: true, eps: 0.1, momentum, ..options };
        let [x, y] = end::<f64, _>(&options, None, none(), 1200);
        assert!((x - 2.0).abs() < 1e-3, "{options:?}: {x}");
        assert_eq!(y.to_bits(), 0, "{options:?}: {y}");
    }
    reaches_2(AdagradOptions { lr: 0.5, ..Default::default() });
    reaches_2(AdagradOptions { lr: 0.5, lr_decay: 1e-4, initial_accumulator_value: 1.0, ..Default::default() });
}

#[test]
fn the_cumulative_penalty_reaches_2_by_itself() {
    for max_norm in [None, Some(0.5)] {
        for maximize in [false, true] {
            let options = SgdL1Options { lr: 0.02, l1: 1.0, maximize, ..Default::default() };
            let mut params = Params::<f64>::new();
            let id = params.root().add("w", &array![1.0, -1.0, -1.0]).unwrap();
            let mut optimizer = over_all(options, &params);
            let mut grads = params.grads();
            for _ in 0..5_000 {
                let sign = if maximize { -1.0 } else { 1.0 };
                grads.clear();
                grads.set(id, &arr1(&[3.0, 0.5, -3.0]).mapv(|to| -sign * to)).unwrap();
                for (g, &w) in grads.as_mut_slice().iter_mut().zip(params.as_slice()) {
                    *g += sign * w;
                }
                if let Some(max_norm) = max_norm {
                    clip_grad_norm(&mut grads, max_norm).unwrap();
                }
                optimizer.step(&mut params, &grads).unwrap();
            }
            let &[x, y, z] = params.as_slice() else { panic!("three weights") };
            assert!((x - 2.0).abs() < 1e-9 && (z + 2.0).abs() < 1e-9, "{max_norm:?}: {x}, {z}");
            assert_eq!(y.to_bits(), 0, "{max_norm:?}: {y}");
        }
    }
}

/// In float32 too, however long: what is charged is not lost beside what all steps would have charged.
#[test]
fn the_cumulative_penalty_does_not_wear_out() {
    let mut params = Params::<f32>::new();
    let id = params.root().add("w", &array![1.0, -1.0, -1.0]).unwrap();
    let mut optimizer = over_all(SgdL1Options { lr: 0.02, l1: 1.0, ..Default::default() }, &params);
    let mut grads = params.grads();
    for _ in 0..2_000_000 {
        let &[x, y, z] = params.as_slice() else { panic!("three weights") };
        grads.set(id, &arr1(&[x - 3.0, y - 0.5, z + 3.0])).unwrap();
        optimizer.step(&mut params, &grads).unwrap();
    }
    let &[x, y, z] = params.as_slice() else { panic!("three weights") };
    assert!((x - 2.0).abs() < 1e-4 && (z + 2.0).abs() < 1e-4, "{x}, {z}");
    assert_eq!(y.to_bits(), 0, "{y}");
}

/// A decoupled decay is no part of the objective: the minimum with AdamW's own is not at 2, and that of an elastic net is
/// where its term says.
#[test]
fn a_decoupled_decay_moves_the_minimum() {
    let options = AdamWOptions { lr: 0.01, ..Default::default() };
    let mut params = Params::<f64>::new();
    let id = params.root().add("w", &array![1.0]).unwrap();
    let ends = [
        // g + 0.01·√v̂·θ + 1 = 0 with g = θ − 3 and √v̂ = |g|.
        (Group::new(&[id]).prox(L1::new(1.0).unwrap()), 1.9798),
        // θ − 3 + 1 + ½θ = 0.
        (Group::new(&[id]).prox(ElasticNet::new(1.0, 0.25).unwrap()).weight_decay(0.0), 4.0 / 3.0),
    ];
    for (group, wanted) in ends {
        let mut optimizer = Optimizer::new(options).unwrap().group(group).unwrap();
        let mut grads = params.grads();
        for _ in 0..30_000 {
            grads.set(id, &arr1(&[params.as_slice()[0] - 3.0])).unwrap();
            optimizer.step(&mut params, &grads).unwrap();
        }
        assert!((params.as_slice()[0] - wanted).abs() < 5e-5, "{}", params.as_slice()[0]);
    }
}

/// Clipping is of one step: a loop that never clears carries nothing over, and scaling is not clipping.
#[test]
fn a_clip_coefficient_is_of_its_step_alone() {
    let params = params_of::<f64>(&mut rng(1), &[&[3]]);
    let mut grads = params.grads();
    for _ in 0..3 {
        grads.set(params.ids()[0], &arr1(&[3.0, 0.0, 4.0])).unwrap();
        clip_grad_norm(&mut grads, 2.5).unwrap();
        assert!((grads.clipped() - 0.5).abs() < 1e-6, "{}", grads.clipped());
    }
    grads.scale_by(0.25);
    assert!((grads.clipped() - 0.5).abs() < 1e-6, "{}", grads.clipped());
}

/// Algorithm 1 of the paper, weight by weight.
#[test]
fn the_cumulative_penalty_is_the_papers() {
    let (lr, l1) = (0.1, 0.4);
    let mut params = params_of::<f64>(&mut rng(1), &[&[40]]);
    let mut optimizer = over_all(SgdL1Options { lr, l1, ..Default::default() }, &params);
    let (mut theta, mut u, mut q) = (params.as_slice().to_vec(), 0.0, vec![0.0; 40]);
    let mut zeros = 0;
    for step in 0..60 {
        let grads = gradients::<f64>(&mut rng(100 + step), &params);
        optimizer.step(&mut params, &grads).unwrap();
        u += lr * l1;
        for ((theta, q), &g) in theta.iter_mut().zip(&mut q).zip(grads.as_slice()) {
            *theta -= lr * g;
            let z = *theta;
            if z > 0.0 {
                *theta = f64::max(0.0, z - (u + *q));
            } else if z < 0.0 {
                *theta = f64::min(0.0, z + (u - *q));
            }
            *q += *theta - z;
        }
        for (&found, &expected) in params.as_slice().iter().zip(&theta) {
            assert!((found - expected).abs() <= 1e-14, "step {step}: {found} beside {expected}");
            assert_eq!(found == 0.0, expected == 0.0);
        }
        zeros += theta.iter().filter(|&&theta| theta == 0.0).count();
    }
    assert!(zeros > 100, "{zeros}");
}

/// A step without the term, and the soft threshold by the documented metric, written out: the same to rounding.
fn metric_is<R: Rule>(options: &R, seed: u64, scale: f64, reach: impl Fn(&Optimizer<f64, R>, usize, u64) -> f64) {
    let mut params = params_of::<f64>(&mut rng(seed), &[&[3, 5], &[2000]]);
    let ids = params.ids();
    let mut plain = over_all(options.clone(), &params);
    let mut proximal =
        Optimizer::new(options.clone()).unwrap().group(Group::new(&ids).prox(L1::new(0.3).unwrap())).unwrap();
    for step in 1..=5 {
        let mut grads = gradients(&mut rng(seed + step), &params);
        grads.clip_by(scale);
        let mut expected = params.clone();
        plain.step(&mut expected, &grads).unwrap();
        proximal.step(&mut params, &grads).unwrap();
        for (i, (&found, &moved)) in params.as_slice().iter().zip(expected.as_slice()).enumerate() {
            let threshold = scale * 0.3 * reach(&plain, i, step);
            let soft = moved.signum() * (moved.abs() - threshold).max(0.0);
            let near = (found - soft).abs() <= 1e-13 * moved.abs().max(threshold.min(1e3));
            assert!(near, "{options:?}, step {step}: {moved} by {threshold} to {found}");
        }
    }
}

fn buffer<R: Rule>(optimizer: &Optimizer<f64, R>, name: &str, i: usize) -> f64 {
    let (param, i) = if i < 15 { (0, i) } else { (1, i - 15) };
    optimizer.state(optimizer.groups()[0].params()[param], name).unwrap().iter().copied().nth(i).unwrap()
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn sgd_shrinks_by_its_whole_momentum(options in sgd(), seed in 0..1000_u64, scale in 0.1..2.0_f64) {
        let SgdOptions { lr, momentum, dampening, .. } = options;
        if momentum < 1.0 && dampening < 1.0 {
            let repeats = if momentum == 0.0 { 1.0 } else { (1.0 - dampening) / (1.0 - momentum) };
            metric_is(&options, seed, scale, |_, _, _| lr * repeats);
        }
    }

    #[test]
    fn adam_shrinks_in_its_own_metric(options in adam(), seed in 0..1000_u64, scale in 0.1..2.0_f64) {
        let name = if options.amsgrad { "max_exp_avg_sq" } else { "exp_avg_sq" };
        let reach = |v: f64, step: u64| {
            options.lr / ((v / (1.0 - options.betas.1.powf(step as f64))).sqrt() + options.eps)
        };
        metric_is(&options, seed, scale, |optimizer, i, step| reach(buffer(optimizer, name, i), step));
        metric_is(&w(options), seed, scale, |optimizer, i, step| reach(buffer(optimizer, name, i), step));
    }

    #[test]
    fn rmsprop_shrinks_in_its_own_metric(options in rmsprop(), seed in 0..1000_u64, scale in 0.1..2.0_f64) {
        metric_is(&options, seed, scale, |optimizer, i, _| {
            let mean = if options.centered { buffer(optimizer, "grad_avg", i) } else { 0.0 };
            let v = buffer(optimizer, "square_avg", i) - mean * mean;
            options.lr / (1.0 - options.momentum) / (v.sqrt() + options.eps)
        });
    }

    #[test]
    fn adagrad_shrinks_in_its_own_metric(options in adagrad(), seed in 0..1000_u64, scale in 0.1..2.0_f64) {
        metric_is(&options, seed, scale, |optimizer, i, step| {
            let lr = options.lr / (1.0 + (step as f64 - 1.0) * options.lr_decay);
            lr / (buffer(optimizer, "sum", i).sqrt() + options.eps)
        });
    }

    /// A group of rows, of columns and of a whole parameter, beside a vector that moves with it in one run.
    #[test]
    fn groups_shrink_parameter_by_parameter(seed in 0..1000_u64, options in adam()) {
        let terms: [Arc<dyn Prox<f64>>; 3] = [
            Arc::new(GroupLasso::rows(0.5).unwrap()),
            Arc::new(GroupLasso::columns(0.5).unwrap()),
            Arc::new(MaxNorm::whole(0.5).unwrap()),
        ];
        for term in terms {
            let start = params_of::<f64>(&mut rng(seed), &[&[4, 3], &[5, 2]]);
            let grads = gradients(&mut rng(seed + 1), &start);
            let (mut moved, mut found) = (start.clone(), start.clone());
            let mut plain = over_all(options, &start);
            plain.step(&mut moved, &grads).unwrap();
            let mut optimizer = over_all(options, &start);
            optimizer.set_prox(0, Some(Arc::clone(&term))).unwrap();
            optimizer.step(&mut found, &grads).unwrap();
            for param in start.iter() {
                let v = plain.state(param.id, if options.amsgrad { "max_exp_avg_sq" } else { "exp_avg_sq" }).unwrap();
                let each: Vec<f64> = v
                    .iter()
                    .map(|v| options.lr / (v.sqrt() / (1.0 - options.betas.1).sqrt() + options.eps))
                    .collect();
                let mut expected = moved.get(param.id).iter().copied().collect::<Vec<_>>();
                term.apply(&mut expected, param.shape, Step::Each(&each));
                for (&found, expected) in found.get(param.id).iter().zip(expected) {
                    prop_assert!((found - expected).abs() <= 1e-12, "{term:?}: {found} beside {expected}");
                    prop_assert_eq!(found == 0.0, expected == 0.0);
                }
            }
        }
    }
}

#[test]
fn a_rate_that_falls_ends_at_the_same_place() {
    let mut params = Params::<f64>::new();
    let id = params.root().add("w", &array![1.0, -1.0]).unwrap();
    let schedule = Schedule::exponential(0.999).unwrap();
    let group = Group::new(&[id]).prox(L1::new(1.0).unwrap());
    let options = AdamOptions { lr: 0.05, ..Default::default() };
    let mut optimizer = Optimizer::new(options).unwrap().group(group).unwrap().schedule(schedule).unwrap();
    let mut grads = params.grads();
    for _ in 0..6_000 {
        let g = arr1(&[params.as_slice()[0] - 3.0, params.as_slice()[1] - 0.5]);
        grads.set(id, &g).unwrap();
        optimizer.step(&mut params, &grads).unwrap();
        optimizer.advance().unwrap();
    }
    assert!((params.as_slice()[0] - 2.0).abs() < 1e-6, "{params:?}");
    assert_eq!(params.as_slice()[1].to_bits(), 0);
}

#[test]
fn terms_of_groups_are_their_own_and_follow_set_prox() {
    let start = params_of::<f64>(&mut rng(3), &[&[2, 3], &[4], &[3]]);
    let [a, b, c] = start.ids()[..] else { panic!("three") };
    let options = SgdOptions { lr: 0.1, ..Default::default() };
    let mut optimizer = Optimizer::new(options)
        .unwrap()
        .group(Group::new(&[a]).prox(NonNegative::new()))
        .and_then(|optimizer| optimizer.group(Group::new(&[b]).prox(L0::new(1e6).unwrap())))
        .and_then(|optimizer| optimizer.group(Group::new(&[c])))
        .unwrap();
    let mut params = start.clone();
    let grads = gradients(&mut rng(4), &params);
    optimizer.step(&mut params, &grads).unwrap();
    assert!(params.get(a).iter().all(|&w| w >= 0.0) && params.get(a).iter().any(|&w| w > 0.0));
    assert!(params.get(b).iter().all(|w| w.to_bits() == 0));
    let plain = start.get(c).iter().zip(grads.get(c).unwrap()).map(|(w, g)| g.mul_add(-0.1, *w)).collect::<Vec<_>>();
    assert_eq!(params.get(c).iter().copied().collect::<Vec<_>>(), plain);
    assert_eq!(optimizer.groups()[1].prox().unwrap().name(), "l0 penalty");

    // Nothing moves at a rate of 0, and nothing without a gradient.
    optimizer.set_lr(0.0).unwrap();
    optimizer.set_prox(2, Some(Arc::new(L0::new(1e6).unwrap()))).unwrap();
    let before = params.clone();
    optimizer.step(&mut params, &grads).unwrap();
    optimizer.set_lr(0.1).unwrap();
    let unreached = params.grads();
    optimizer.step(&mut params, &unreached).unwrap();
    assert_eq!(bits(params.as_slice()), bits(before.as_slice()));
    optimizer.set_prox(0, None).unwrap();
    optimizer.step(&mut params, &grads).unwrap();
    assert!(params.get(a).iter().any(|&w| w < 0.0));
    assert!(params.get(c).iter().all(|w| w.to_bits() == 0));
}

#[test]
fn a_snapshot_goes_on_bit_for_bit_and_knows_its_term() {
    fn halves<R: Rule>(options: R) {
        let start = params_of::<f32>(&mut rng(5), &[&[4, 3], &[4]]);
        let build = |lambda: f64| over_all(options.clone(), &start).set_prox_of_all(lambda);
        let run = |optimizer: &mut Optimizer<f32, R>, params: &mut Params<f32>, steps: std::ops::Range<u64>| {
            for step in steps {
                optimizer.step(params, &gradients(&mut rng(step), params)).unwrap();
            }
        };
        let (mut whole, mut at_once) = (start.clone(), build(0.05));
        run(&mut at_once, &mut whole, 0..20);
        let (mut params, mut first) = (start.clone(), build(0.05));
        run(&mut first, &mut params, 0..9);
        let snapshot = first.snapshot(&params).unwrap();
        let mut second = build(0.05);
        second.restore(&params, &snapshot).unwrap();
        run(&mut second, &mut params, 9..20);
        assert_eq!(bits(params.as_slice()), bits(whole.as_slice()));
        let refusal = build(0.06).restore(&params, &snapshot).unwrap_err().to_string();
        let expected = format!(
            "{} snapshot: group 0: proximal term is L1 {{ lambda: 0.05 }}; expected L1 {{ lambda: 0.06 }}",
            R::NAME
        );
        assert_eq!(refusal, expected);
        let refusal = over_all(options, &start).restore(&params, &snapshot).unwrap_err().to_string();
        assert!(refusal.ends_with("; expected none"), "{refusal}");
    }
    halves(SgdOptions { momentum: 0.9, ..Default::default() });
    halves(SgdL1Options { l1: 0.1, ..Default::default() });
    halves(AdamWOptions::default());
    halves(RmsPropOptions { momentum: 0.5, centered: true, eps: 0.1, ..Default::default() });
    halves(AdagradOptions::default());
}

trait SetAll {
    fn set_prox_of_all(self, lambda: f64) -> Self;
}

impl<R: Rule> SetAll for Optimizer<f32, R> {
    fn set_prox_of_all(mut self, lambda: f64) -> Self {
        self.set_prox(0, Some(Arc::new(L1::new(lambda).unwrap()))).unwrap();
        self
    }
}

#[test]
fn refusals_name_what_is_wrong() {
    let mut params = params_of::<f64>(&mut rng(6), &[&[2, 3], &[4]]);
    let ids = params.ids();
    let sgd = |momentum, dampening| {
        Optimizer::<f64, _>::new(SgdOptions { momentum, dampening, ..Default::default() }).unwrap()
    };
    let l1 = || L1::new(0.1).unwrap();
    let refusal = |optimizer: Result<Optimizer<f64, SgdOptions>, _>| -> String {
        optimizer.map(drop).map_err(|error: wane_autodiff::Error| error.to_string()).unwrap_err()
    };
    assert_eq!(
        refusal(sgd(0.0, 0.0).group(Group::new(&[]).prox(l1()))),
        "Sgd group 0: parameters of the l1 penalty is none; expected at least one"
    );
    assert_eq!(
        refusal(sgd(1.0, 0.0).group(Group::new(&ids).prox(l1()))),
        "Sgd group 0: l1 penalty: momentum is 1; expected below 1, with a proximal term"
    );
    assert_eq!(
        refusal(sgd(0.5, 1.0).group(Group::new(&ids).prox(l1()))),
        "Sgd group 0: l1 penalty: dampening is 1; expected below 1, with a proximal term"
    );
    assert!(sgd(0.0, 1.0).group(Group::new(&ids).prox(l1())).is_ok());
    let mut optimizer = sgd(0.0, 0.0).group(Group::new(&ids).prox(GroupLasso::columns(0.1).unwrap())).unwrap();
    let (before, grads) = (params.clone(), gradients(&mut rng(7), &params));
    let expected = "group lasso penalty: shape of \"1\" is (4,); expected";
    let error = optimizer.step(&mut params, &grads).unwrap_err().to_string();
    assert!(error.starts_with(&format!("Sgd group 0: {expected}")), "{error}");
    assert_eq!(params.as_slice(), before.as_slice());

    let mut optimizer = sgd(0.0, 0.0).group(Group::new(&ids)).unwrap();
    optimizer.step(&mut params, &grads).unwrap();
    let error = optimizer.set_prox(0, Some(Arc::new(GroupLasso::rows(0.1).unwrap()))).unwrap_err().to_string();
    assert!(error.starts_with(&format!("Sgd group 0: {expected}")), "{error}");
    assert!(optimizer.groups()[0].prox().is_none());
    let error = optimizer.set_prox(1, None).unwrap_err().to_string();
    assert_eq!(error, "Sgd group is 1; expected a number below 1, the number of groups");
    let mut none = sgd(0.0, 0.0).group(Group::new(&[])).unwrap();
    let error = none.set_prox(0, Some(Arc::new(l1()))).unwrap_err().to_string();
    assert_eq!(error, "Sgd group 0: parameters of the l1 penalty is none; expected at least one");
    optimizer.set_prox(0, Some(Arc::new(l1()))).unwrap();
    let error = optimizer.edit_group(0, |options| options.momentum = 1.0).unwrap_err().to_string();
    assert_eq!(error, "Sgd group 0: l1 penalty: momentum is 1; expected below 1, with a proximal term");
}

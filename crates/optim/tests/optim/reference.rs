//! Every optimizer against PyTorch's documented algorithm, one weight at a time.

use crate::common::reference::{Documented, Weight};
use crate::common::{adagrad, adam, config, constant, decayed, of, over_all, params_of, random, rmsprop, rng, sgd, w};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
use wane_autodiff::ndarray::arr0;
use wane_autodiff::rand::RngExt;
use wane_autodiff::{Float, ParamId, Params};
use wane_optim::{AdamOptions, AdamWOptions, DecayKind, Group, Optimizer, RmsPropOptions, Rule, SgdOptions};

/// Lengths below, at and above what fits vectors of 4, 8 and 16 numbers.
const SHAPES: [&[usize]; 8] = [&[7], &[0], &[1], &[], &[8], &[3, 3], &[17], &[33]];

/// |a − b| relative to b, or to 1 where b is smaller: the weights are of that size.
fn off(a: f64, b: f64) -> f64 {
    let error = (a - b).abs() / b.abs().max(1.0);
    if error.is_nan() { f64::INFINITY } else { error }
}

fn group<T: Float, R: Rule>(kind: DecayKind, options: &R, ids: &[ParamId]) -> Group<T, R> {
    let strength = *options.clone().weight_decay();
    Group::new(ids).decay(of(kind, strength))
}

/// The largest error in a weight, and in the state where the run ends. In each step some parameters have no gradient,
/// and some gradients are zero. The options are those of the step, brought in by `edit`.
fn worst_error<T: Float, R: Documented>(
    schedule: &[R],
    kind: DecayKind,
    seed: u64,
    edit: impl Fn(&mut Optimizer<T, R>, &R),
) -> f64 {
    let mut rng = rng(seed);
    let mut params = params_of::<T>(&mut rng, &SHAPES);
    let ids = params.ids();
    let mut optimizer = Optimizer::new(schedule[0].clone()).unwrap().group(group(kind, &schedule[0], &ids)).unwrap();
    let mut weights: Vec<Weight> =
        params.as_slice().iter().map(|&theta| Weight::new(theta, *schedule[0].clone().lr())).collect();
    let mut worst = 0.0_f64;
    for options in schedule {
        edit(&mut optimizer, options);
        let mut grads = params.grads();
        for &id in &ids {
            if rng.random_bool(0.75) {
                let mut gradient = random::<T>(&mut rng, params.get(id).shape());
                gradient.mapv_inplace(|g| if rng.random_bool(0.05) { T::zero() } else { g });
                grads.set(id, &gradient).unwrap();
                let range = params.layout().find(id).unwrap().range();
                weights[range]
                    .iter_mut()
                    .zip(&gradient)
                    .for_each(|(weight, g)| options.advance(weight, kind, g.widen()));
            }
        }
        optimizer.step(&mut params, &grads).unwrap();
        let errors = params.as_slice().iter().zip(&weights).map(|(got, weight)| off(got.widen(), weight.theta));
        worst = errors.fold(worst, f64::max);
    }
    let last = schedule.last().unwrap();
    for entry in params.layout().entries() {
        for (i, weight) in weights[entry.range()].iter().enumerate() {
            for (name, expected) in last.buffers(weight) {
                let buffer = optimizer.state(entry.id(), name).unwrap_or_else(|| panic!("no {name}"));
                assert_eq!(buffer.shape(), entry.shape().dims());
                worst = worst.max(off(buffer.iter().nth(i).unwrap().widen(), expected));
            }
        }
    }
    worst
}

/// The same options at every step but for the learning rate, which changes now and then.
fn with_lr_schedule<T: Float, R: Documented>(options: &R, kind: DecayKind, seed: u64) -> f64 {
    let mut rng = rng(!seed);
    let mut now = options.clone();
    let schedule = Vec::from_iter((0..16).map(|step| {
        // The first is what lr/lr₀ is measured by: not from nearly nothing.
        if step > 0 && rng.random_bool(0.3) {
            *now.lr() = rng.random_range(0.0..0.1);
        }
        now.clone()
    }));
    worst_error::<T, R>(&schedule, kind, seed, |optimizer, options| optimizer.set_lr(*options.clone().lr()).unwrap())
}

/// All options are others at every step.
fn with_any_schedule<R: Documented>(schedule: &[R], kind: DecayKind, seed: u64) -> f64 {
    worst_error::<f64, R>(schedule, kind, seed, |optimizer, options| {
        optimizer.edit_group(0, |group| *group = options.clone()).unwrap();
    })
}

/// Decays that change from step to step, from none to twice λ.
fn varied<R: Rule>(schedule: Vec<R>, lambda: f64) -> Vec<R> {
    schedule.into_iter().enumerate().map(|(i, options)| decayed(options, lambda * (i % 3) as f64)).collect()
}

fn decay() -> impl Strategy<Value = (DecayKind, f64)> {
    let kind = prop_oneof![
        (Just(DecayKind::Coupled), 0.01..2.0_f64),
        (Just(DecayKind::Decoupled), 0.01..2.0_f64),
        // λ itself is the part that is taken off, times twice the rate it began with at the most.
        (Just(DecayKind::FullyDecoupled), 1e-4..0.005_f64),
    ];
    (kind, any::<bool>()).prop_map(|((kind, lambda), none)| (kind, if none { 0.0 } else { lambda }))
}

/// What one f64 rounding may grow to; an f32 run is compared with exact arithmetic on the same numbers.
const TOLERANCE: f64 = 1e-12;
const TOLERANCE_F32: f64 = 1e-4;

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn sgd_is_as_pytorch_documents_it(options in sgd(), (kind, lambda) in decay(), seed: u64) {
        let options = decayed(options, lambda);
        let error = with_lr_schedule::<f64, _>(&options, kind, seed);
        prop_assert!(error <= TOLERANCE, "{error:e}");
        let error = with_lr_schedule::<f32, _>(&options, kind, seed);
        prop_assert!(error <= TOLERANCE_F32, "float32: {error:e}");
    }

    #[test]
    fn adam_is_as_pytorch_documents_it(options in adam(), (kind, lambda) in decay(), seed: u64) {
        let options = decayed(options, lambda);
        let error = with_lr_schedule::<f64, _>(&options, kind, seed);
        prop_assert!(error <= TOLERANCE, "{error:e}");
        let error = with_lr_schedule::<f32, _>(&options, kind, seed);
        prop_assert!(error <= TOLERANCE_F32, "float32: {error:e}");
    }

    #[test]
    fn adamw_is_as_pytorch_documents_it(options in adam(), (kind, lambda) in decay(), seed: u64) {
        let options = decayed(w(options), lambda);
        let error = with_lr_schedule::<f64, _>(&options, kind, seed);
        prop_assert!(error <= TOLERANCE, "{error:e}");
        let error = with_lr_schedule::<f32, _>(&options, kind, seed);
        prop_assert!(error <= TOLERANCE_F32, "float32: {error:e}");
    }

    /// Momentum and amsgrad come and go: a buffer that rests keeps its values, a new one begins as at the first step.
    #[test]
    fn rmsprop_is_as_pytorch_documents_it(options in rmsprop(), (kind, lambda) in decay(), seed: u64) {
        let options = decayed(options, lambda);
        let error = with_lr_schedule::<f64, _>(&options, kind, seed);
        prop_assert!(error <= TOLERANCE, "{error:e}");
        // The variance of little more than the last gradient is a difference that float32 has few digits of.
        let alpha = if options.centered { options.alpha.max(0.2) } else { options.alpha };
        let error = with_lr_schedule::<f32, _>(&RmsPropOptions { alpha, ..options }, kind, seed);
        prop_assert!(error <= TOLERANCE_F32, "float32: {error:e}");
    }

    #[test]
    fn adagrad_is_as_pytorch_documents_it(options in adagrad(), (kind, lambda) in decay(), seed: u64) {
        let options = decayed(options, lambda);
        let error = with_lr_schedule::<f64, _>(&options, kind, seed);
        prop_assert!(error <= TOLERANCE, "{error:e}");
        let error = with_lr_schedule::<f32, _>(&options, kind, seed);
        prop_assert!(error <= TOLERANCE_F32, "float32: {error:e}");
    }

    #[test]
    fn options_may_change_at_every_step(
        sgd in vec(sgd(), 12), adam in vec(adam(), 12), (kind, lambda) in decay(), seed: u64,
    ) {
        let sgd = varied(sgd, lambda);
        let error = with_any_schedule(&sgd, kind, seed);
        prop_assert!(error <= TOLERANCE, "SGD: {error:e}");
        // A step that forgets v, then one without gradient, would leave a small eps alone under m.
        let adam = adam.into_iter().map(|options| AdamOptions { eps: options.eps.max(0.01), ..options }).collect();
        let adam = varied(adam, lambda);
        let error = with_any_schedule(&adam, kind, seed);
        prop_assert!(error <= TOLERANCE, "Adam: {error:e}");
        let error = with_any_schedule(&adam.into_iter().map(w).collect::<Vec<_>>(), kind, seed);
        prop_assert!(error <= TOLERANCE, "AdamW: {error:e}");
    }
}

/// What wane makes of a weight of 1.5, and what the reference does with other options or another kind of decay.
fn apart(ours: AdamOptions, theirs: AdamOptions, kind: DecayKind) -> f64 {
    let mut params = Params::new();
    let id = params.root().add("w", &arr0(1.5)).unwrap();
    let mut optimizer = over_all(ours, &params);
    let mut weight = Weight::new(1.5, theirs.lr);
    for g in [1.0, -0.25, 0.5, 0.1] {
        let grads = constant(&params, |_| arr0(g).into_dyn());
        optimizer.step(&mut params, &grads).unwrap();
        theirs.advance(&mut weight, kind, g);
    }
    (params.get(id).sum() - weight.theta).abs()
}

/// The tolerances above would hide no option: each has an effect far beyond them.
#[test]
fn the_comparison_notices_each_option() {
    let base = AdamOptions { lr: 0.05, betas: (0.9, 0.5), weight_decay: 0.1, ..Default::default() };
    assert!(apart(base, base, DecayKind::Coupled) <= 1e-15);
    for (other, kind) in [
        (base, DecayKind::Decoupled),
        (AdamOptions { amsgrad: true, ..base }, DecayKind::Coupled),
        (AdamOptions { maximize: true, ..base }, DecayKind::Coupled),
        (AdamOptions { weight_decay: 0.0, ..base }, DecayKind::Coupled),
        (AdamOptions { eps: 1e-3, ..base }, DecayKind::Coupled),
        (AdamOptions { betas: (0.9, 0.6), ..base }, DecayKind::Coupled),
        (AdamOptions { betas: (0.8, 0.5), ..base }, DecayKind::Coupled),
        (AdamOptions { lr: 0.051, ..base }, DecayKind::Coupled),
    ] {
        let effect = apart(base, other, kind);
        assert!(effect > 2e-4, "{other:?} {kind:?}: {effect:e}");
    }
}

#[test]
fn sgd_by_hand() {
    let options = SgdOptions { lr: 0.1, momentum: 0.9, dampening: 0.5, weight_decay: 0.5, ..Default::default() };
    let mut params = Params::<f64>::new();
    let id = params.root().add("w", &arr0(2.0)).unwrap();
    let mut optimizer = over_all(options, &params);
    // g = 1 + 0.5·2 = 2 and b = g undampened, then g = 1 + 0.5·1.8 = 1.9 and b = 0.9·2 + 0.5·1.9 = 2.75.
    for expected in [1.8, 1.525] {
        let grads = constant(&params, |_| arr0(1.0).into_dyn());
        optimizer.step(&mut params, &grads).unwrap();
        assert!((params.get(id).sum() - expected).abs() < 1e-15);
    }
}

#[test]
fn defaults_are_pytorchs() {
    let (lr, betas, eps) = (1e-3, (0.9, 0.999), 1e-8);
    let sgd = SgdOptions { lr, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false };
    assert_eq!(SgdOptions::default(), sgd);
    let adam = AdamOptions { lr, betas, eps, weight_decay: 0.0, amsgrad: false, maximize: false };
    assert_eq!(AdamOptions::default(), adam);
    assert_eq!(AdamWOptions::default(), decayed(w(adam), 1e-2));
}

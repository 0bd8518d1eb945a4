//! What is refused, where and in which words.

use crate::common::{bits, gradients, over_all, params_of, rng};
use wane_autodiff::ndarray::{Array1, arr0};
use wane_autodiff::{ErrorKind, Params};
use wane_optim::{
    AdagradOptions, AdamOptions, AdamWOptions, Decay, Group, Optimizer, RmsPropOptions, Rule, Sgd, SgdOptions,
};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;
const NOT_NEGATIVE: &str = "expected a finite number, 0 or above";

/// An option set to a bad value, and the message below the context that the refusing place puts before it.
type Fault<R> = (fn(&mut R, f64), f64, &'static str, &'static str);

/// Each fault is refused in the defaults, in a group's override, in a later group's, and in an edit, which changes
/// nothing.
fn refused_everywhere<R: Rule + PartialEq>(good: &R, faults: &[Fault<R>]) {
    let params = params_of::<f64>(&mut rng(1), &[&[3], &[2, 2]]);
    let ids = params.ids();
    for &(edit, value, given, expected) in faults {
        let check = |context: &str, error: wane_autodiff::Error| {
            assert_eq!(error.to_string(), format!("{}{context}: {given}; {expected}", R::NAME));
            assert_eq!(error.kind(), ErrorKind::Option);
        };
        let mut bad = good.clone();
        edit(&mut bad, value);
        check("", Optimizer::<f64, R>::new(bad).unwrap_err());

        let optimizer = || Optimizer::<f64, R>::new(good.clone()).unwrap();
        let group = |i: usize| Group::new(&ids[i..=i]).with(move |options: &mut R| edit(options, value));
        check(" group 0", optimizer().group(group(0)).unwrap_err());
        let one = optimizer().group(Group::new(&ids[..1])).unwrap();
        check(" group 1", one.group(group(1)).unwrap_err());

        let mut both = over_all(good.clone(), &params);
        check(" group 0", both.edit_group(0, |options| edit(options, value)).unwrap_err());
        assert_eq!(both.groups()[0].options(), good);
    }
}

#[test]
fn sgd_refuses_bad_options_wherever_they_are_given() {
    let lr: fn(&mut SgdOptions, f64) = |options, lr| options.lr = lr;
    let decay: fn(&mut SgdOptions, f64) = |options, decay| options.weight_decay = decay;
    let momentum: fn(&mut SgdOptions, f64) = |options, momentum| options.momentum = momentum;
    let dampening: fn(&mut SgdOptions, f64) = |options, dampening| options.dampening = dampening;
    let nesterov: fn(&mut SgdOptions, f64) =
        |options, momentum| (options.nesterov, options.momentum) = (true, momentum);
    let dampened: fn(&mut SgdOptions, f64) =
        |options, dampening| (options.nesterov, options.momentum, options.dampening) = (true, 0.9, dampening);
    let wanted = "expected momentum above 0 and dampening 0, or nesterov: false";
    refused_everywhere(
        &SgdOptions::default(),
        &[
            (lr, -0.1, "lr is -0.1", NOT_NEGATIVE),
            (lr, NAN, "lr is NaN", NOT_NEGATIVE),
            (lr, INF, "lr is inf", NOT_NEGATIVE),
            (decay, -0.1, "weight_decay is -0.1", NOT_NEGATIVE),
            (decay, NAN, "weight_decay is NaN", NOT_NEGATIVE),
            (decay, INF, "weight_decay is inf", NOT_NEGATIVE),
            (momentum, -0.9, "momentum is -0.9", NOT_NEGATIVE),
            (momentum, NAN, "momentum is NaN", NOT_NEGATIVE),
            (momentum, INF, "momentum is inf", NOT_NEGATIVE),
            (dampening, NAN, "dampening is NaN", "expected a finite number"),
            (dampening, INF, "dampening is inf", "expected a finite number"),
            (dampening, -INF, "dampening is -inf", "expected a finite number"),
            (nesterov, 0.0, "nesterov is true with momentum 0 and dampening 0", wanted),
            (dampened, 0.5, "nesterov is true with momentum 0.9 and dampening 0.5", wanted),
            (dampened, -0.5, "nesterov is true with momentum 0.9 and dampening -0.5", wanted),
        ],
    );
}

/// Adam's faults are AdamW's.
macro_rules! adam_faults {
    ($options:ident) => {{
        let lr: fn(&mut $options, f64) = |options, lr| options.lr = lr;
        let decay: fn(&mut $options, f64) = |options, decay| options.weight_decay = decay;
        let eps: fn(&mut $options, f64) = |options, eps| options.eps = eps;
        let beta1: fn(&mut $options, f64) = |options, beta| options.betas.0 = beta;
        let beta2: fn(&mut $options, f64) = |options, beta| options.betas.1 = beta;
        let below_1 = "expected at least 0 and below 1";
        [
            (lr, -0.1, "lr is -0.1", NOT_NEGATIVE),
            (lr, NAN, "lr is NaN", NOT_NEGATIVE),
            (lr, INF, "lr is inf", NOT_NEGATIVE),
            (decay, -0.1, "weight_decay is -0.1", NOT_NEGATIVE),
            (decay, NAN, "weight_decay is NaN", NOT_NEGATIVE),
            (decay, INF, "weight_decay is inf", NOT_NEGATIVE),
            (eps, -1e-8, "eps is -1e-8", NOT_NEGATIVE),
            (eps, NAN, "eps is NaN", NOT_NEGATIVE),
            (eps, INF, "eps is inf", NOT_NEGATIVE),
            (beta1, 1.0, "betas.0 is 1", below_1),
            (beta1, -0.1, "betas.0 is -0.1", below_1),
            (beta1, NAN, "betas.0 is NaN", below_1),
            (beta1, INF, "betas.0 is inf", below_1),
            (beta2, 1.0, "betas.1 is 1", below_1),
            (beta2, -0.1, "betas.1 is -0.1", below_1),
            (beta2, NAN, "betas.1 is NaN", below_1),
            (beta2, 1.5, "betas.1 is 1.5", below_1),
        ]
    }};
}

#[test]
fn adam_and_adamw_refuse_bad_options_wherever_they_are_given() {
    refused_everywhere(&AdamOptions::default(), &adam_faults!(AdamOptions));
    refused_everywhere(&AdamWOptions::default(), &adam_faults!(AdamWOptions));
}

#[test]
fn rmsprop_and_adagrad_refuse_bad_options_wherever_they_are_given() {
    let lr: fn(&mut RmsPropOptions, f64) = |options, lr| options.lr = lr;
    let alpha: fn(&mut RmsPropOptions, f64) = |options, alpha| options.alpha = alpha;
    let eps: fn(&mut RmsPropOptions, f64) = |options, eps| options.eps = eps;
    let momentum: fn(&mut RmsPropOptions, f64) = |options, momentum| options.momentum = momentum;
    let decay: fn(&mut RmsPropOptions, f64) = |options, decay| options.weight_decay = decay;
    refused_everywhere(
        &RmsPropOptions::default(),
        &[
            (lr, NAN, "lr is NaN", NOT_NEGATIVE),
            (alpha, 1.0, "alpha is 1", "expected at least 0 and below 1"),
            (alpha, -0.1, "alpha is -0.1", "expected at least 0 and below 1"),
            (alpha, NAN, "alpha is NaN", "expected at least 0 and below 1"),
            (eps, -1e-9, "eps is -1e-9", NOT_NEGATIVE),
            (momentum, -0.1, "momentum is -0.1", NOT_NEGATIVE),
            (decay, INF, "weight_decay is inf", NOT_NEGATIVE),
        ],
    );
    let lr: fn(&mut AdagradOptions, f64) = |options, lr| options.lr = lr;
    let lr_decay: fn(&mut AdagradOptions, f64) = |options, lr_decay| options.lr_decay = lr_decay;
    let initial: fn(&mut AdagradOptions, f64) = |options, initial| options.initial_accumulator_value = initial;
    let eps: fn(&mut AdagradOptions, f64) = |options, eps| options.eps = eps;
    refused_everywhere(
        &AdagradOptions::default(),
        &[
            (lr, -1.0, "lr is -1", NOT_NEGATIVE),
            (lr_decay, -1.0, "lr_decay is -1", NOT_NEGATIVE),
            (initial, NAN, "initial_accumulator_value is NaN", NOT_NEGATIVE),
            (eps, INF, "eps is inf", NOT_NEGATIVE),
        ],
    );
}

#[test]
fn decoupled_decay_that_overshoots_zero_is_refused() {
    let lr: fn(&mut AdamWOptions, f64) = |options, lr| options.lr = lr;
    let decay: fn(&mut AdamWOptions, f64) = |options, decay| options.weight_decay = decay;
    refused_everywhere(
        &AdamWOptions { lr: 0.5, weight_decay: 0.25, ..Default::default() },
        &[
            (decay, 2.5, "weight_decay is 2.5 at lr 0.5", "expected at most 1/lr = 2, or decay would overshoot zero"),
            (lr, 8.0, "weight_decay is 0.25 at lr 8", "expected at most 1/lr = 0.125, or decay would overshoot zero"),
        ],
    );
    // Coupled decay of that strength is PyTorch's to take, and lr·λ = 1 shrinks to zero.
    assert!(Sgd::<f32>::new(SgdOptions { lr: 0.5, weight_decay: 2.5, ..Default::default() }).is_ok());
    assert!(Optimizer::<f32, _>::new(AdamWOptions { lr: 0.5, weight_decay: 2.0, ..Default::default() }).is_ok());
}

/// `lr`, `weight_decay` and `decay` of a group are checked as `with` is.
#[test]
fn a_groups_shorthands_are_checked() {
    let params = params_of::<f64>(&mut rng(2), &[&[3]]);
    let group = || Group::all(&params);
    let refusal = |group: Group<f64, SgdOptions>| {
        let options = SgdOptions { lr: 0.5, ..Default::default() };
        Sgd::<f64>::new(options).unwrap().group(group).unwrap_err().to_string()
    };
    assert_eq!(refusal(group().lr(-1.0)), format!("Sgd group 0: lr is -1; {NOT_NEGATIVE}"));
    assert_eq!(refusal(group().lr(NAN)), format!("Sgd group 0: lr is NaN; {NOT_NEGATIVE}"));
    assert_eq!(refusal(group().weight_decay(INF)), format!("Sgd group 0: weight_decay is inf; {NOT_NEGATIVE}"));
    assert_eq!(refusal(group().weight_decay(-2.0)), format!("Sgd group 0: weight_decay is -2; {NOT_NEGATIVE}"));
    assert_eq!(
        refusal(group().decay(Decay::decoupled(3.0).unwrap())),
        "Sgd group 0: weight_decay is 3 at lr 0.5; expected at most 1/lr = 2, or decay would overshoot zero"
    );
    for (lambda, given) in [(-0.1, "-0.1"), (NAN, "NaN"), (INF, "inf"), (-INF, "-inf")] {
        let [coupled, decoupled] = [Decay::coupled(lambda), Decay::decoupled(lambda)].map(|decay| decay.unwrap_err());
        assert_eq!(coupled.to_string(), format!("coupled decay is {given}; {NOT_NEGATIVE}"));
        assert_eq!(decoupled.to_string(), format!("decoupled decay is {given}; {NOT_NEGATIVE}"));
    }
}

#[test]
fn a_parameter_belongs_to_one_group_once() {
    let params = params_of::<f64>(&mut rng(3), &[&[3], &[2], &[1]]);
    let ids = params.ids();
    let sgd = || Sgd::<f64>::new(SgdOptions::default()).unwrap();
    let twice = sgd().group(Group::new(&[ids[1], ids[0], ids[1]])).unwrap_err();
    assert_eq!(twice.to_string(), "Sgd group 0: parameter is number 1, named twice; expected each parameter once");
    let two = sgd().group(Group::new(&ids[..1])).unwrap().group(Group::new(&ids[1..])).unwrap();
    let shared = two.group(Group::new(&ids[2..])).unwrap_err();
    assert_eq!(
        shared.to_string(),
        "Sgd group 2: parameter is number 2, which is in group 1; expected each parameter in one group"
    );
    assert_eq!((twice.kind(), shared.kind()), (ErrorKind::Parameter, ErrorKind::Parameter));
}

/// A refused step leaves the parameters and the optimizer as they were.
#[test]
fn a_step_of_nothing_is_refused() {
    let mut rng = rng(4);
    let mut params = params_of::<f64>(&mut rng, &[&[3]]);
    let (grads, before) = (gradients(&mut rng, &params), bits(params.as_slice()));
    for mut optimizer in [
        Optimizer::new(AdamWOptions::default()).unwrap(),
        Optimizer::new(AdamWOptions::default()).unwrap().group(Group::new(&[])).unwrap(),
    ] {
        for _ in 0..2 {
            let error = optimizer.step(&mut params, &grads).unwrap_err();
            assert_eq!(error.to_string(), "AdamW is without parameters; expected a group with at least one");
        }
        assert_eq!(bits(params.as_slice()), before);
    }
}

#[test]
fn strangers_are_refused() {
    let mut rng = rng(5);
    let mut params = params_of::<f64>(&mut rng, &[&[3], &[2]]);
    let before = bits(params.as_slice());
    let mut others = Params::<f64>::new();
    let stranger = others.root().add("v", &Array1::zeros(3)).unwrap();
    let grads = gradients(&mut rng, &params);

    // A handle of other Params.
    let mut optimizer = Sgd::new(SgdOptions::default()).unwrap().group(Group::new(&params.ids())).unwrap();
    let mixed = Group::new(&[stranger]);
    let mut strange = Sgd::new(SgdOptions::default()).unwrap().group(mixed).unwrap();
    let error = strange.step(&mut params, &grads).unwrap_err();
    assert_eq!(error.to_string(), "Sgd group 0: parameter is #0 of other Params; expected one of 0, 1");

    // Gradients of other Params.
    let error = optimizer.step(&mut params, &gradients(&mut rng, &others)).unwrap_err();
    assert_eq!(error.to_string(), "Sgd: layout of the gradients is v (3,); expected 0 (3,), 1 (2,)");
    assert_eq!(bits(params.as_slice()), before);
    assert_eq!(optimizer.steps(params.ids()[0]), 0);

    // Other Params after the first step.
    optimizer.step(&mut params, &grads).unwrap();
    let (held, other_grads) = (others.clone(), gradients(&mut rng, &others));
    let error = optimizer.step(&mut others, &other_grads).unwrap_err();
    assert_eq!(error.to_string(), "Sgd: layout of the parameters is v (3,); expected 0 (3,), 1 (2,)");
    assert_eq!(others.as_slice(), held.as_slice());

    // A parameter added after the first step.
    let mut grown = params.clone();
    grown.root().add("2", &arr0(1.0)).unwrap();
    let grown_grads = gradients(&mut rng, &grown);
    let error = optimizer.step(&mut grown, &grown_grads).unwrap_err();
    assert_eq!(error.to_string(), "Sgd: layout of the parameters is 0 (3,), 1 (2,), 2 (); expected 0 (3,), 1 (2,)");
    // The same names and shapes are the same layout, whoever made them.
    let mut twin = params_of::<f64>(&mut rng, &[&[3], &[2]]);
    optimizer.step(&mut twin, &grads).unwrap();
}

#[test]
fn a_pattern_that_matches_nothing_is_refused_with_the_names_there_are() {
    let mut params = Params::<f64>::new();
    for name in ["weight", "bias"] {
        params.at("net").at(0).add(name, &arr0(1.0)).unwrap();
    }
    assert_eq!(params.matching("*.weight").unwrap(), [params.id("net.0.weight").unwrap()]);
    let error = params.matching("*.weights").unwrap_err();
    assert_eq!(
        error.to_string(),
        "name pattern is \"*.weights\"; expected a pattern that matches one of net.0.weight, net.0.bias"
    );
}

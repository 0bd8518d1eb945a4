//! L-BFGS beyond PyTorch's numbers: where it converges, what moves, what is refused, and what is no number.

use crate::common::{Perceptron, bits, config, distance, params_of, random, rng};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use wane_autodiff::ndarray::{Array1, arr0, arr1, array};
use wane_autodiff::rand::RngExt;
use wane_autodiff::{Error, ErrorKind, Float, Grads, ParamId, Params, Tape};
use wane_optim::{Lbfgs, LbfgsOptions, LbfgsOutcome, LbfgsStop, LineSearch};
use wane_penalties::L2;

const WOLFE: LineSearch = LineSearch::StrongWolfe;

fn lbfgs<T: Float>(options: LbfgsOptions) -> Lbfgs<T> {
    Lbfgs::new(options).unwrap()
}

/// Σ (y − x²)²·100 + (1 − x)² over neighbours, by hand.
fn rosenbrock<T: Float>(params: &Params<T>, grads: &mut Grads<T>, id: ParamId) -> T {
    let x = params.as_slice();
    let (mut loss, mut g) = (T::zero(), Array1::<T>::zeros(x.len()));
    let [one, two, hundred, four] = [1.0, 2.0, 100.0, 400.0].map(T::of);
    for i in 0..x.len() - 1 {
        let (bend, rest) = (x[i + 1] - x[i] * x[i], one - x[i]);
        loss += hundred * bend * bend + rest * rest;
        g[i] -= four * x[i] * bend + two * rest;
        g[i + 1] += two * hundred * bend;
    }
    grads.set(id, &g).unwrap();
    loss
}

fn climb_down_rosenbrocks_valley<T: Float>(start: &[f64], options: LbfgsOptions) -> (f64, LbfgsOutcome<T>) {
    let mut params = Params::<T>::new();
    let start = Array1::from_iter(start.iter().map(|&x| T::of(x)));
    let id = params.root().add("x", &start).unwrap();
    let outcome = lbfgs(options).step(&mut params, |params, grads| Ok(rosenbrock(params, grads, id))).unwrap();
    (params.as_slice().iter().fold(0.0, |worst: f64, x| worst.max((x.widen() - 1.0).abs())), outcome)
}

#[test]
fn it_finds_the_minimum_of_rosenbrocks_functions() {
    let options = LbfgsOptions { max_iter: 200, line_search: WOLFE, tolerance_change: 1e-14, ..Default::default() };
    for start in [&[-1.2, 1.0][..], &[-3.0, -4.0], &[-1.2, 1.0, -0.5, 2.0, 0.3, -0.1, 1.5, 0.7]] {
        let (error, outcome) = climb_down_rosenbrocks_valley::<f64>(start, options);
        assert!(error < 1e-7 && outcome.stop.is_converged(), "{error:e} {outcome:?}");
        // In f32 the valley's floor is flat to the rounding: 1e-4 from the minimum the loss is below 1e-7.
        let (error, outcome) = climb_down_rosenbrocks_valley::<f32>(start, options);
        assert!(error < 2e-3 && outcome.last_loss < 1e-6, "{error:e} {outcome:?}");
    }
}

/// ½ Σ a(x − c)² for positive a: the minimum is at c.
fn bowl<T: Float>(params: &Params<T>, grads: &mut Grads<T>, id: ParamId, a: &[f64], c: &[f64]) -> T {
    let x = params.get(id);
    let off = Array1::from_iter(x.iter().zip(c).map(|(x, c)| x.widen() - c));
    let g = Array1::from_iter(off.iter().zip(a).map(|(off, a)| T::of(a * off)));
    grads.set(id, &g).unwrap();
    T::of(off.iter().zip(a).map(|(off, a)| a * off * off).sum::<f64>() / 2.0)
}

fn in_a_bowl<T: Float>(seed: u64, n: usize) -> (f64, LbfgsOutcome<T>) {
    let mut rng = rng(seed);
    let a = Vec::from_iter((0..n).map(|_| 10.0_f64.powf(rng.random_range(-1.0..2.0))));
    let c = Vec::from_iter((0..n).map(|_| rng.random_range(-2.0..2.0)));
    let mut params = params_of::<T>(&mut rng, &[&[n]]);
    let id = params.ids()[0];
    let options = LbfgsOptions {
        max_iter: 400,
        tolerance_grad: 1e-4,
        tolerance_change: 0.0,
        line_search: WOLFE,
        ..Default::default()
    };
    let outcome = lbfgs(options).step(&mut params, |params, grads| Ok(bowl(params, grads, id, &a, &c))).unwrap();
    let slopes = params.as_slice().iter().zip(c).zip(a).map(|((x, c), a)| (a * (x.widen() - c)).abs());
    (slopes.fold(0.0, f64::max), outcome)
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn bowls_are_emptied(seed: u64, n in 1..40_usize) {
        let (slope, outcome) = in_a_bowl::<f64>(seed, n);
        prop_assert!(slope <= 1e-4 && outcome.stop == LbfgsStop::Gradient, "{slope:e} {outcome:?}");
        let (slope, outcome) = in_a_bowl::<f32>(seed, n);
        prop_assert!(slope <= 2e-3, "{slope:e} {outcome:?}");
    }

    /// With a line search no step ends higher than it began, and the last loss is that of the parameters.
    #[test]
    fn a_line_search_never_climbs(seed: u64, lr in 1e-3..100.0_f64, max_eval in 1..30_usize, maximize in any::<bool>()) {
        let (perceptron, mut params) = Perceptron::<f64>::new(seed);
        let options = LbfgsOptions { lr, max_eval: Some(max_eval), line_search: WOLFE, maximize, ..Default::default() };
        let (mut optimizer, mut tape) = (lbfgs(options), Tape::new());
        let sign = if maximize { -1.0 } else { 1.0 };
        for _ in 0..4 {
            let outcome = optimizer.step(&mut params, |params, grads| {
                let loss = perceptron.loss(tape.record(params), 0..12) * sign;
                loss.backward(grads);
                Ok(loss.item())
            }).unwrap();
            prop_assert!(sign * outcome.last_loss <= sign * outcome.first_loss);
            prop_assert_eq!(outcome.last_loss, perceptron.loss(tape.record(&params), 0..12).item() * sign);
            prop_assert!(outcome.evaluations <= max_eval + 1);
        }
    }
}

#[test]
fn steps_of_a_few_iterations_are_one_of_many() {
    let (perceptron, start) = Perceptron::<f64>::new(1);
    let run = |max_iter: usize, steps: usize| {
        let options = LbfgsOptions { max_iter, max_eval: Some(100), line_search: WOLFE, ..Default::default() };
        let (mut params, mut optimizer, mut tape) = (start.clone(), lbfgs(options), Tape::new());
        for _ in 0..steps {
            let outcome = optimizer.step(&mut params, |params, grads| {
                let loss = perceptron.loss(tape.record(params), 0..12);
                loss.backward(grads);
                Ok(loss.item())
            });
            assert_eq!(outcome.unwrap().iterations, max_iter);
        }
        params
    };
    assert_eq!(bits(run(12, 1).as_slice()), bits(run(3, 4).as_slice()));
    assert!(distance(run(12, 1).as_slice(), run(3, 3).as_slice()) > 1e-3);
}

/// A parameter that is frozen, or that the loss does not reach, keeps its value to the bit; the others move as if it
/// were not there. Thawed, it moves.
#[test]
fn only_parameters_with_a_gradient_move() {
    let [a, c] = [[3.0, 1.0, 20.0, 0.5], [1.0, -1.0, 0.5, 2.0]];
    let options = LbfgsOptions { max_iter: 4, line_search: WOLFE, ..Default::default() };
    let mut rng = rng(3);
    let mut mixed = params_of::<f64>(&mut rng, &[&[2], &[3], &[0], &[4], &[], &[1]]);
    let [frozen, id, apart] = [0, 3, 4].map(|i| mixed.ids()[i]);
    mixed.freeze(&[frozen]).unwrap();
    let mut alone = Params::new();
    let own = alone.root().add("alone", &mixed.get(id)).unwrap();
    let before = mixed.clone();
    let (mut one, mut other) = (lbfgs(options), lbfgs(options));
    for _ in 0..2 {
        let outcome = one.step(&mut mixed, |params, grads| {
            grads.set(frozen, &array![5.0, -5.0])?;
            Ok(bowl(params, grads, id, &a, &c))
        });
        let expected = other.step(&mut alone, |params, grads| Ok(bowl(params, grads, own, &a, &c)));
        assert_eq!(outcome.unwrap(), expected.unwrap());
    }
    assert_eq!(mixed.get(id), alone.get(own));
    for i in [0, 1, 2, 4, 5] {
        let still = mixed.ids()[i];
        assert_eq!(mixed.get(still), before.get(still));
    }

    // With the thawed parameter the function is another one, of which nothing is remembered.
    mixed.unfreeze(&[frozen]).unwrap();
    let mut copy = mixed.clone();
    let evaluate = |params: &Params<f64>, grads: &mut Grads<f64>| {
        let pulled = params.get(frozen).sum() - 1.0;
        grads.set(frozen, &array![2.0 * pulled, 2.0 * pulled])?;
        grads.set(apart, &arr0(0.0))?;
        Ok(bowl(params, grads, id, &a, &c) + pulled * pulled)
    };
    let outcome = one.step(&mut mixed, evaluate).unwrap();
    assert_eq!(outcome, lbfgs(options).step(&mut copy, evaluate).unwrap());
    assert_eq!(bits(mixed.as_slice()), bits(copy.as_slice()));
    assert_ne!(mixed.get(frozen), before.get(frozen));
}

#[test]
fn an_l2_penalty_is_the_exact_decay() {
    let (lambda, target) = (0.25, [3.0, -2.0]);
    let mut params = Params::<f64>::new();
    let id = params.root().add("w", &array![0.5, 0.5]).unwrap();
    let (mut tape, penalty) = (Tape::new(), L2::new(lambda).unwrap());
    let options =
        LbfgsOptions { line_search: WOLFE, tolerance_grad: 1e-12, tolerance_change: 0.0, ..Default::default() };
    let outcome = lbfgs(options).step(&mut params, |params, grads| {
        let graph = tape.record(params);
        let loss = (graph.param(id) - graph.input(&arr1(&target))).square().sum() + graph.penalty(&penalty, &[id]);
        loss.backward(grads);
        Ok(loss.item())
    });
    assert_eq!(outcome.unwrap().stop, LbfgsStop::Gradient);
    for (w, target) in params.as_slice().iter().zip(target) {
        assert!((w - target / (1.0 + lambda)).abs() < 1e-12);
    }
}

/// x − ln x, whose logarithm is NaN left of 0; or a finite loss whose slope is NaN there.
fn logarithm<T: Float>(params: &Params<T>, grads: &mut Grads<T>, only_slope: bool) -> T {
    let x = params.as_slice()[0];
    let is_fine = x > T::zero() || !only_slope;
    let slope = if is_fine { T::one() - T::one() / x } else { T::nan() };
    grads.set(params.ids()[0], &arr0(slope)).unwrap();
    if only_slope { (x - T::one()).abs() } else { x - x.ln() }
}

fn one_weight<T: Float>(x: f64) -> Params<T> {
    let mut params = Params::new();
    params.root().add("x", &arr0(T::of(x))).unwrap();
    params
}

#[test]
fn a_loss_that_is_no_number_leaves_the_best_point() {
    fn check<T: Float>() {
        for only_slope in [false, true] {
            // From 4 along −g = −¾, a length of 100·min(1, 4/3) leads far left of 0.
            for line_search in [LineSearch::None, WOLFE] {
                let mut params = one_weight::<T>(4.0);
                let mut optimizer = lbfgs(LbfgsOptions { lr: 100.0, line_search, ..Default::default() });
                let outcome =
                    optimizer.step(&mut params, |params, grads| Ok(logarithm(params, grads, only_slope))).unwrap();
                assert_eq!((outcome.stop, outcome.iterations, outcome.evaluations), (LbfgsStop::NonFinite, 0, 2));
                assert_eq!((outcome.last_loss, params.as_slice()), (outcome.first_loss, &[T::of(4.0)][..]));
                assert!(!outcome.stop.is_converged());
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

/// The search goes right as long as the loss falls, twice a step, and falls off an edge at 10: what it saw before that
/// is kept.
#[test]
fn what_a_search_found_before_the_edge_is_kept() {
    let edge = |params: &Params<f64>, grads: &mut Grads<f64>| {
        let x = params.as_slice()[0];
        grads.set(params.ids()[0], &arr0(-2.0)).unwrap();
        Ok(if x < 10.0 { -2.0 * x } else { f64::INFINITY })
    };
    let mut params = one_weight(-20.0);
    let mut optimizer = lbfgs(LbfgsOptions { line_search: WOLFE, max_eval: Some(2), ..Default::default() });
    let mut step = || {
        let outcome = optimizer.step(&mut params, edge).unwrap();
        assert_eq!((outcome.evaluations, outcome.last_loss), (3, -2.0 * params.as_slice()[0]));
        (outcome.stop, params.as_slice()[0])
    };
    // Lengths of ½ and 5 in the direction 2; then of 1, and of 10 over the edge.
    assert_eq!(step(), (LbfgsStop::Evaluations, -10.0));
    assert_eq!(step(), (LbfgsStop::NonFinite, -8.0));
    // All is forgotten, so that the lengths are short again.
    assert_eq!(step(), (LbfgsStop::Evaluations, 2.0));
}

#[test]
fn a_start_that_is_no_number_moves_nothing() {
    for (loss, slope) in [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, f64::NAN), (1.0, -f64::INFINITY), (1.0, 1e200)] {
        for line_search in [LineSearch::None, WOLFE] {
            let mut params = one_weight(2.0);
            let mut optimizer = lbfgs(LbfgsOptions { line_search, ..Default::default() });
            let outcome = optimizer.step(&mut params, |params, grads| {
                grads.set(params.ids()[0], &arr0(slope))?;
                Ok(loss)
            });
            let outcome = outcome.unwrap();
            assert_eq!((outcome.stop, outcome.evaluations), (LbfgsStop::NonFinite, 1));
            assert_eq!(bits(&[outcome.first_loss, outcome.last_loss]), bits(&[loss, loss]));
            assert_eq!(params.as_slice(), [2.0]);
        }
    }
}

#[test]
fn a_closure_that_fails_leaves_the_iterations_start() {
    for line_search in [LineSearch::None, WOLFE] {
        let mut params = Params::new();
        let id = params.root().add("x", &array![-1.2, 1.0]).unwrap();
        let (start, mut reference) = (params.clone(), params.clone());
        let options = LbfgsOptions { lr: 0.5, line_search, max_iter: 3, max_eval: Some(50), ..Default::default() };
        let (mut optimizer, mut untroubled) = (lbfgs(options), lbfgs(options));
        // The first evaluation, and one in the first iteration. Neither teaches anything.
        for failing in [1, 2] {
            let mut calls = 0;
            let error = optimizer.step(&mut params, |params, grads| {
                calls += 1;
                if calls == failing {
                    return Err(Error::data("cell", "x", "a number"));
                }
                Ok(rosenbrock(params, grads, id))
            });
            assert_eq!(error.unwrap_err().to_string(), "cell is x; expected a number");
            assert_eq!(bits(params.as_slice()), bits(start.as_slice()));
        }
        optimizer.step(&mut params, |params, grads| Ok(rosenbrock(params, grads, id))).unwrap();
        untroubled.step(&mut reference, |params, grads| Ok(rosenbrock(params, grads, id))).unwrap();
        assert_eq!(bits(params.as_slice()), bits(reference.as_slice()));
    }
}

/// An option set to a bad value, and the message.
type Fault = (fn(&mut LbfgsOptions), &'static str, &'static str);

#[test]
fn options_out_of_range_are_refused() {
    const INF: f64 = f64::INFINITY;
    let (positive, above) = ("expected a finite number above 0", "expected a finite number, 0 or above");
    let edits: [Fault; 14] = [
        (|o| o.lr = 0.0, "lr is 0", positive),
        (|o| o.lr = -1.0, "lr is -1", positive),
        (|o| o.lr = f64::NAN, "lr is NaN", positive),
        (|o| o.lr = INF, "lr is inf", positive),
        (|o| o.max_iter = 0, "max_iter is 0", "expected at least 1"),
        (|o| o.max_eval = Some(0), "max_eval is 0", "expected at least 1"),
        (|o| o.history_size = 0, "history_size is 0", "expected at least 1"),
        (|o| o.tolerance_grad = -1e-7, "tolerance_grad is -1e-7", above),
        (|o| o.tolerance_grad = f64::NAN, "tolerance_grad is NaN", above),
        (|o| o.tolerance_grad = INF, "tolerance_grad is inf", above),
        (|o| o.tolerance_change = -1.0, "tolerance_change is -1", above),
        (|o| o.tolerance_change = f64::NAN, "tolerance_change is NaN", above),
        (|o| o.tolerance_change = INF, "tolerance_change is inf", above),
        (|o| (o.max_iter, o.max_eval) = (0, Some(3)), "max_iter is 0", "expected at least 1"),
    ];
    for (edit, given, expected) in edits {
        let mut options = LbfgsOptions::default();
        edit(&mut options);
        let error = Lbfgs::<f64>::new(options).unwrap_err();
        assert_eq!(error.to_string(), format!("Lbfgs: {given}; {expected}"));
        assert_eq!(error.kind(), ErrorKind::Option);
    }
    assert_eq!(*lbfgs::<f32>(LbfgsOptions::default()).options(), LbfgsOptions::default());
}

#[test]
fn strangers_and_closures_without_gradient_are_refused() {
    let mut params = params_of::<f64>(&mut rng(5), &[&[2]]);
    let before = bits(params.as_slice());
    let (id, mut others) = (params.ids()[0], Params::<f64>::new());
    others.root().add("v", &random(&mut rng(6), &[3])).unwrap();
    let mut optimizer = lbfgs(LbfgsOptions::default());

    let error = optimizer.step(&mut params, |_, _| Ok(1.0)).unwrap_err();
    let wanted = "expected a loss whose backward(grads) reaches a parameter that is not frozen";
    assert_eq!(error.to_string(), format!("Lbfgs is without a gradient; {wanted}"));
    params.freeze(&[id]).unwrap();
    let error = optimizer.step(&mut params, |params, grads| Ok(rosenbrock(params, grads, id))).unwrap_err();
    assert_eq!(error.to_string(), format!("Lbfgs is without a gradient; {wanted}"));
    params.unfreeze(&[id]).unwrap();

    let error = optimizer.step(&mut params, |_, grads| {
        *grads = others.grads();
        Ok(1.0)
    });
    assert_eq!(error.unwrap_err().to_string(), "Lbfgs: layout of the gradients is v (3,); expected 0 (2,)");
    let mut held = others.clone();
    let error = optimizer.step(&mut held, |_, _| Ok(1.0)).unwrap_err();
    assert_eq!(error.to_string(), "Lbfgs: layout of the parameters is v (3,); expected 0 (2,)");
    assert_eq!((before, held.as_slice()), (bits(params.as_slice()), others.as_slice()));
    assert!(optimizer.step(&mut params, |params, grads| Ok(rosenbrock(params, grads, id))).is_ok());
    // The gradient of an earlier evaluation does not stand in for this one's.
    assert!(optimizer.step(&mut params, |_, _| Ok(1.0)).is_err());
}

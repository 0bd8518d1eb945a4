//! What a tape, its gradients and its parameters promise, beyond the numbers of single ops.

use proptest::collection::vec;
use proptest::prelude::proptest;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use wane_autodiff::ndarray::{Array1, Array2, Array3, ArrayD, ArrayView, ArrayViewD, Dimension, IxDyn, arr0, array, s};
use wane_autodiff::rand::{Rng as _, RngExt, SeedableRng};
use wane_autodiff::{
    Activation, Backward, Classes, Elementwise, Forward, Graph, Op, Operands, ParamId, Params, Rng, Shape, ShapeFault,
    Tape, Unary, Var, gradcheck,
};

use crate::common::config;

/// Parameters `a` = (1, 2) and `b` = (3, 4).
fn two_params() -> (Params<f64>, ParamId, ParamId) {
    let mut params = Params::new();
    let a = params.root().add("a", &array![1.0, 2.0]).unwrap();
    let b = params.root().add("b", &array![3.0, 4.0]).unwrap();
    (params, a, b)
}

fn dynamic<D: Dimension>(view: ArrayView<'_, f64, D>) -> Option<ArrayD<f64>> {
    Some(view.to_owned().into_dyn())
}

#[test]
fn gradients_reach_variables_and_what_lies_between() {
    let (params, a, _) = two_params();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph = tape.record(&params);
    let (x, constant, unused) =
        (graph.variable(&array![5.0, 6.0]), graph.input(&array![1.0, 1.0]), graph.variable(&arr0(1.0)));
    assert_eq!(x.grad(), None, "before any backward pass");
    let product = x * graph.param(a);
    let beside = x.exp();
    let loss = ((product + constant) * 3.0).sum();
    loss.backward(&mut grads);
    assert_eq!(x.grad(), dynamic(array![3.0, 6.0].view()));
    assert_eq!(product.grad(), dynamic(array![3.0, 3.0].view()));
    assert_eq!(loss.grad(), dynamic(arr0(1.0).view()));
    assert_eq!([constant.grad(), unused.grad(), beside.grad(), graph.param(a).grad()], [const { None }; 4]);
    assert_eq!(grads.get(a), Some(array![15.0, 18.0].view().into_dyn()));
}

#[test]
fn a_backward_pass_forgets_the_one_before() {
    let (params, a, b) = two_params();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph = tape.record(&params);
    let x = graph.variable(&array![5.0, 6.0]);
    let (first, second) = ((x * graph.param(a)).sum(), graph.param(b).sum());
    for _ in 0..2 {
        first.backward(&mut grads);
        assert_eq!((grads.reached(), grads.as_slice()), (&[true, false][..], &[5.0, 6.0, 0.0, 0.0][..]));
        assert_eq!(x.grad(), dynamic(array![1.0, 2.0].view()));
        second.backward(&mut grads);
        assert_eq!((grads.reached(), grads.as_slice()), (&[false, true][..], &[0.0, 0.0, 1.0, 1.0][..]));
        assert_eq!(x.grad(), None, "{second:?} does not depend on x");
    }
}

/// Roots that are no ops: a variable, a parameter.
#[test]
fn a_leaf_can_be_the_root() {
    let (params, a, _) = two_params();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph = tape.record(&params);
    let (x, p) = (graph.variable(&array![5.0, 6.0]), graph.param(a));
    let seed = array![7.0, 8.0];
    x.backward_from(&seed, &mut grads);
    assert_eq!((x.grad(), grads.reached()), (dynamic(seed.view()), &[false, false][..]));
    p.backward_from(&seed, &mut grads);
    assert_eq!((x.grad(), grads.as_slice()), (None, &[7.0, 8.0, 0.0, 0.0][..]));
}

/// As in PyTorch: a loss that nothing can be learnt from is a mistake in the program.
#[test]
fn a_value_that_depends_on_nothing_has_no_backward() {
    let (mut params, a, b) = two_params();
    let frozen = [a, b];
    params.freeze(&frozen).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph = tape.record(&params);
    let constant = graph.scalar(1.0);
    for root in [constant, constant * 2.0, graph.variable(&array![1.0]).detach().sum(), graph.param(a).sum()] {
        let panic = catch_unwind(AssertUnwindSafe(|| root.backward(&mut grads))).unwrap_err();
        let message = panic.downcast_ref::<&str>().unwrap();
        assert!(message.starts_with("backward: the value depends on no parameter and no variable"), "{message}");
    }
}

#[test]
fn detach_keeps_the_value_and_stops_the_gradient() {
    let (params, a, b) = two_params();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph = tape.record(&params);
    let product = graph.param(a) * graph.param(b);
    let cut = product.detach();
    assert_eq!(cut.to_array(), product.to_array());
    (cut * graph.param(b)).sum().backward(&mut grads);
    assert_eq!((grads.get(a), cut.grad(), product.grad()), (None, None, None));
    assert_eq!(grads.get(b), Some(array![3.0, 8.0].view().into_dyn()));
}

#[test]
fn a_seed_weighs_the_outputs() {
    let (params, a, b) = two_params();
    let (mut tape, mut grads, mut weighted) = (Tape::new(), params.grads(), params.grads());
    let graph = tape.record(&params);
    let y = graph.param(a).exp() * graph.param(b);
    let seed = array![9.0, -0.5, 9.0, 3.0];
    let seed = seed.slice(s![1..;2]);
    y.backward_from(&seed, &mut grads);
    (y * graph.input(&seed)).sum().backward(&mut weighted);
    assert_eq!((grads.reached(), grads.as_slice()), (&[true, true][..], weighted.as_slice()));
    assert_ne!(grads.as_slice(), &[0.0; 4]);
}

#[test]
fn accumulation_adds_with_a_scale_and_backward_clears() {
    let (params, a, b) = two_params();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    grads.as_mut_slice().fill(f64::NAN);
    let graph = tape.record(&params);
    let (left, right) = (graph.param(a).square().sum(), (graph.param(a) * graph.param(b)).sum());
    left.backward(&mut grads);
    assert_eq!((grads.reached(), grads.as_slice()), (&[true, false][..], &[2.0, 4.0, 0.0, 0.0][..]));
    right.backward_into(&mut grads, 0.5);
    assert_eq!((grads.reached(), grads.as_slice()), (&[true, true][..], &[3.5, 6.0, 0.5, 1.0][..]));
    left.backward_into(&mut grads, -1.0);
    assert_eq!((grads.reached(), grads.as_slice()), (&[true, true][..], &[1.5, 2.0, 0.5, 1.0][..]));
    left.backward(&mut grads);
    assert_eq!((grads.reached(), grads.as_slice()), (&[true, false][..], &[2.0, 4.0, 0.0, 0.0][..]));
}

#[test]
fn frozen_parameters_get_no_gradient() {
    let (mut params, a, b) = two_params();
    for frozen in [false, true, false] {
        if frozen { params.freeze(&[a]) } else { params.unfreeze(&[a]) }.unwrap();
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let graph = tape.record(&params);
        (graph.param(a).exp() * graph.param(b)).sum().backward(&mut grads);
        assert_eq!((grads.get(a).is_none(), grads.reached()), (frozen, &[!frozen, true][..]));
    }
}

#[test]
fn a_gradient_of_zeros_is_a_gradient() {
    let (params, a, b) = two_params();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph = tape.record(&params);
    ((-graph.param(a)).relu() + graph.input(&array![1.0, 1.0])).sum().backward(&mut grads);
    assert_eq!(grads.get(a), Some(array![0.0, 0.0].view().into_dyn()));
    assert_eq!(grads.get(b), None, "not recorded at all");
}

/// Programs of different ops, sizes and depths over the same parameters, w: (3, 4) and b: (3,).
fn program<'g>(kind: usize, rows: usize, graph: Graph<'g, f32>) -> Var<'g, f32> {
    let [w, b] = [0, 1].map(|i| graph.param(graph.params().ids()[i]));
    let x = graph.input(&Array2::from_shape_fn((rows, 4), |(i, j)| ((i * 7 + j * 3) % 11) as f32 * 0.3 - 1.0));
    let labels: Vec<_> = (0..rows).map(|row| row % 3).collect();
    match kind {
        0 => x.linear(w, Some(b), Some(Activation::Gelu)).mse_loss(graph.input(&Array2::ones((rows, 3)))),
        1 => {
            let y = x.linear(w, Some(b), Some(Activation::Relu)).dropout(0.5);
            (y * b).cross_entropy_loss(&Classes::new(&labels, 3).unwrap())
        }
        2 => (0..rows).fold(b.sum(), |sum, i| sum * 0.5 + (w.t() * (b + i as f32)).tanh().log_softmax(0).mean()),
        _ => (w.matmul(x.t()).sum_axis_keepdim(1) + b.reshape(&[3, 1])).square().sum(),
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_tape_used_before_gives_the_bits_of_a_fresh_one(programs in vec((0..4_usize, 1..40_usize), 1..8), seed: u64) {
        let rng = &mut Rng::seed_from_u64(seed);
        let mut params = Params::new();
        params.root().add("w", &Array2::from_shape_simple_fn((3, 4), || rng.random_range(-1.0..1.0))).unwrap();
        params.root().add("b", &Array1::from_shape_simple_fn(3, || rng.random_range(-1.0..1.0))).unwrap();
        let run = |tape: &mut Tape<f32>, grads: &mut _, (kind, rows)| {
            let loss = program(kind, rows, tape.record(&params).training(&mut Rng::seed_from_u64(seed)));
            loss.backward(grads);
            loss.backward_into(grads, 0.25);
            [&[loss.item()], grads.as_slice()].concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        for program in programs {
            let used = run(&mut tape, &mut grads, program);
            assert_eq!(used, run(&mut Tape::new(), &mut params.grads(), program), "{program:?}");
        }
    }
}

#[test]
fn the_first_number_that_is_not_finite_is_named_with_its_line() {
    let mut params = Params::<f64>::new();
    let w = params.at("net").add("w", &array![[1.0, 2.0], [0.0, -1.0]]).unwrap();
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let w_var = graph.param(w);
    assert!(graph.first_non_finite().is_none());
    let (logarithm, line) = (w_var.ln(), line!());
    logarithm.sqrt().sum();
    let found = graph.first_non_finite().unwrap();
    assert_eq!((found.op, found.param.as_deref(), &found.position[..]), ("ln", Some("net.w"), &[1, 0][..]));
    assert_eq!((found.value, found.site.file(), found.site.line()), (f64::NEG_INFINITY, file!(), line));
    assert_eq!(found.to_string(), format!("ln \"net.w\" gave -inf at [1, 0], recorded at {}", found.site));

    let graph = tape.record(&params);
    graph.param(w).exp();
    let (_, line) = (graph.input(&array![0.0, f64::NAN]) * 2.0, line!());
    let found = graph.first_non_finite().unwrap();
    assert_eq!((found.op, found.param.as_deref(), &found.position[..]), ("input", None, &[1][..]));
    assert!(found.value.is_nan() && found.site.line() == line, "{found:?}");

    params.get_mut(w)[[0, 1]] = f64::INFINITY;
    let graph = tape.record(&params);
    graph.param(w).exp();
    let found = graph.first_non_finite().unwrap();
    assert_eq!((found.op, found.param.as_deref(), &found.position[..]), ("parameter", Some("net.w"), &[0, 1][..]));
}

/// A container's parts are attributed to the line that called the container, and what follows to its own.
#[test]
fn a_container_keeps_the_users_line() {
    let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    let graph = tape.record(&params);
    let site = Location::caller();
    let x = graph.attribute(site, || graph.attribute(Location::caller(), || graph.input(&array![-1.0])));
    graph.attribute(site, || x.sqrt());
    assert_eq!(graph.first_non_finite().unwrap().site, site);
    let graph = tape.record(&params);
    graph.attribute(site, || graph.scalar(1.0));
    graph.scalar(-1.0).ln();
    assert_ne!(graph.first_non_finite().unwrap().site, site);
}

#[test]
fn views_enter_in_their_logical_order() {
    let base = Array3::from_shape_fn((3, 4, 2), |(i, j, k)| (i * 100 + j * 10 + k) as f64);
    let scalar = arr0(7.0);
    let views: [ArrayViewD<'_, f64>; 7] = [
        base.view().into_dyn(),
        base.t().into_dyn(),
        base.view().permuted_axes([1, 2, 0]).into_dyn(),
        base.slice(s![.., ..;-1, 1]).into_dyn(),
        base.slice(s![1..;2, 1..3, ..;-1]).into_dyn(),
        base.slice(s![0..0, .., ..]).into_dyn(),
        scalar.broadcast(IxDyn(&[2, 3])).unwrap(),
    ];
    for view in views {
        let mut params = Params::new();
        let id = params.root().add("v", &view).unwrap();
        let mut tape = Tape::new();
        let graph = tape.record(&params);
        assert_eq!(graph.input(&view).to_array(), view);
        assert_eq!(graph.variable(&view).to_array(), view);
        assert_eq!(graph.param(id).to_array(), view);
    }
}

/// A running sum of these in f32 is off by far more.
#[test]
fn the_mean_of_a_million_numbers_is_accurate_in_f32() {
    let n = 1 << 20;
    let x = Array1::from_shape_fn(n, |i| 0.1 + (i % 7) as f32 * 1e-3);
    let exact = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
    let error = |mean: f32| (f64::from(mean) - exact).abs() / exact;
    assert!(error(x.iter().sum::<f32>() / n as f32) > 1e-5, "the effect is there");
    let mut params = Params::<f32>::new();
    let b = params.root().add("b", &arr0(1.0)).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph = tape.record(&params);
    let x = graph.input(&x);
    let (mean, ones) = ((x * graph.param(b)).mean(), graph.input(&Array1::zeros(n)));
    mean.backward(&mut grads);
    let means = [mean, x.mean_axis(0), x.reshape(&[n / 4, 4]).mean_axis(0).mean(), x.l1_loss(ones)].map(Var::item);
    assert!(means.into_iter().all(|mean| error(mean) < 1e-6), "{means:?} for {exact}");
    assert!(error(grads.as_slice()[0]) < 1e-6, "the sum over the axes of a broadcast: {grads:?}");
}

/// x², and a derivative that is wrong above 1 only.
#[derive(Clone, Copy, Debug)]
struct Crooked(f64);

impl Unary<f64> for Crooked {
    const NAME: &'static str = "crooked";

    fn value(&self, x: f64) -> f64 {
        x * x
    }

    fn gradient(&self, x: f64, _y: f64, dy: f64) -> f64 {
        dy * if x > 1.0 { self.0 * x } else { 2.0 * x }
    }
}

#[test]
fn gradcheck_names_the_worst_entry() {
    let mut params = Params::new();
    let a = params.root().add("a", &array![0.5, 1.1]).unwrap();
    let b = params.root().add("b", &array![[-0.5, 0.25, 0.75], [0.5, 1.5, 1.25]]).unwrap();
    let check = |factor: f64| {
        gradcheck(&params, |graph| {
            let [a, b] = [a, b].map(|id| graph.apply(Elementwise(Crooked(factor)), &[graph.param(id)]).sum());
            a + b
        })
    };
    let report = check(2.0).unwrap();
    assert_eq!(report.checked, 8);
    assert!(report.worst < 1e-9, "{report:?}");
    for factor in [2.0001, 1.9999, -2.0, f64::INFINITY] {
        let error = check(factor).unwrap_err();
        assert_eq!(error.tape, factor * if factor.is_finite() { 1.5 } else { 1.1 });
        let (param, position, numeric) = if factor.is_finite() { ("b", vec![1, 1], 3.0) } else { ("a", vec![1], 2.2) };
        assert_eq!((&*error.param, &error.position), (param, &position));
        assert!((error.numeric - numeric).abs() < 1e-8, "{error:?}");
        let message = format!("gradient of {param:?} at {position:?}: the tape says {}, central", error.tape);
        assert!(error.to_string().starts_with(&message), "{error}");
    }
    let nan = check(f64::NAN).unwrap_err();
    assert!(nan.tape.is_nan(), "{nan}");
}

#[test]
fn dropout_drops_in_training_only() {
    let (params, mut tape) = (Params::new(), Tape::new());
    let ones = Array1::<f64>::ones(10_000);
    assert_eq!(tape.record(&params).input(&ones).dropout(0.9).to_array(), ones.view().into_dyn());
    let mut rng = Rng::seed_from_u64(5);
    let mut drawn_once = rng.clone();
    let mut masks = Vec::new();
    for p in [0.25, 0.25, 0.75, 1.0] {
        let graph = tape.record(&params).training(&mut rng);
        assert!(graph.is_training());
        for _ in 0..2 {
            masks.push(graph.input(&ones).dropout(p).to_array());
        }
        drawn_once.next_u64();
        let last = masks.last().unwrap();
        assert!(last.iter().all(|&x| x == 0.0 || x == 1.0 / (1.0 - p)), "dropped, or scaled up");
        // Within five standard deviations.
        let dropped = last.iter().filter(|&&x| x == 0.0).count() as f64;
        assert!((dropped - 1e4 * p).abs() <= 5.0 * (1e4 * p * (1.0 - p)).sqrt(), "{dropped} of p = {p}");
    }
    assert_eq!(rng, drawn_once, "a recording costs the generator one draw");
    for (i, j) in [(0, 1), (0, 2), (1, 2), (1, 3), (4, 5)] {
        assert_ne!(masks[i], masks[j], "masks {i} and {j}: of another layer, or another step");
    }
    let again = tape.record(&params).training(&mut Rng::seed_from_u64(5));
    assert_eq!(again.input(&ones).dropout(0.25).to_array(), masks[0], "the same seed, the same mask");
}

/// An op whose backward panics.
#[derive(Debug)]
struct Broken;

impl Op<f64> for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }
    fn shape(&self, operands: &Operands<'_, f64>) -> Result<Shape, ShapeFault> {
        Ok(operands.shape(0))
    }
    fn forward(&self, mut pass: Forward<'_, f64>) {
        let x = pass.input(0);
        pass.output().copy_from_slice(x);
    }
    fn backward(&self, _: Backward<'_, f64>) {
        panic!("broken");
    }
}

#[test]
fn what_was_not_reached_is_zero_whatever_happened() {
    let (mut params, a, b) = two_params();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let fill = |tape: &mut Tape<f64>, params: &Params<f64>, grads: &mut _| {
        let graph = tape.record(params);
        (graph.param(a) * graph.param(b)).sum().backward(grads);
    };
    fill(&mut tape, &params, &mut grads);
    let graph = tape.record(&params);
    graph.param(a).sum().backward(&mut grads);
    assert_eq!(grads.as_slice(), [1.0, 1.0, 0.0, 0.0], "b, which the pass before had reached");

    fill(&mut tape, &params, &mut grads);
    let graph = tape.record(&params);
    let broken = graph.apply(Broken, &[graph.param(a)]).sum() + graph.param(b).sum();
    assert!(catch_unwind(AssertUnwindSafe(|| broken.backward(&mut grads))).is_err());
    assert_eq!((grads.as_slice(), grads.reached()), (&[0.0, 0.0, 1.0, 1.0][..], &[false, true][..]));

    fill(&mut tape, &params, &mut grads);
    let before = grads.clone();
    params.freeze(&[a, b]).unwrap();
    let graph = tape.record(&params);
    assert!(catch_unwind(AssertUnwindSafe(|| graph.param(a).sum().backward(&mut grads))).is_err());
    assert_eq!(grads.as_slice(), before.as_slice(), "a pass that never began");
}

#[test]
fn passes_add_up() {
    let (params, a, b) = two_params();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph = tape.record(&params);
    let (x, y) = (graph.param(a), graph.param(a).reshape(&[1, 2]));
    // a: by a node of its own, as a factor of a product, and as both factors; b: by its second pass alone.
    let product = y.matmul(y.t()).sum() + (x * x).sum();
    product.backward(&mut grads);
    assert_eq!(grads.as_slice(), [4.0, 8.0, 0.0, 0.0]);
    product.backward_into(&mut grads, 0.5);
    (graph.param(b).reshape(&[1, 2]).matmul(y.t())).sum().backward_into(&mut grads, 1.0);
    assert_eq!(grads.as_slice(), [9.0, 16.0, 1.0, 2.0]);
}

//! What every loss owes: its gradient, the meaning of weights and of ignored rows, finite numbers at large inputs, NaN
//! for NaN.

use crate::common::config;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof, proptest};
use wane_autodiff::ndarray::{Array1, Array2, ArrayD, Axis};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{
    Classes, CrossEntropyOptions, Float, Graph, Loss, LossOptions, Params, Reduction, Rng, Tape, Var, gradcheck,
};

const REDUCTIONS: [Reduction; 4] = [Reduction::Mean, Reduction::Sum, Reduction::None, Reduction::BatchMean];

const LOSSES: [Loss; 17] = [
    Loss::Mse,
    Loss::L1,
    Loss::SmoothL1(0.5),
    Loss::SmoothL1(0.0),
    Loss::Huber(0.5),
    Loss::BceWithLogits,
    Loss::Hinge,
    Loss::HingeEmbedding(1.0),
    Loss::HingeEmbedding(2.0),
    Loss::PoissonNll { log_input: true, full: false, eps: 1e-8 },
    Loss::PoissonNll { log_input: true, full: true, eps: 1e-8 },
    Loss::PoissonNll { log_input: false, full: false, eps: 0.1 },
    Loss::PoissonNll { log_input: false, full: true, eps: 0.0 },
    Loss::KlDiv { log_target: false },
    Loss::KlDiv { log_target: true },
    Loss::Quantile(0.5),
    Loss::Quantile(0.9),
];

fn draw(rng: &mut Rng, dims: &[usize], low: f64, high: f64) -> ArrayD<f64> {
    ArrayD::from_shape_simple_fn(dims, || rng.random_range(low..high))
}

fn signs(rng: &mut Rng, dims: &[usize]) -> ArrayD<f64> {
    draw(rng, dims, -1.0, 1.0).mapv(f64::signum)
}

/// An input and a target in the loss's domain, no element of them near a kink.
fn data(loss: Loss, rng: &mut Rng, dims: &[usize]) -> (ArrayD<f64>, ArrayD<f64>) {
    match loss {
        Loss::Mse | Loss::L1 | Loss::SmoothL1(_) | Loss::Huber(_) | Loss::Quantile(_) => {
            let y = draw(rng, dims, -2.0, 2.0);
            let (near, sign) = (draw(rng, dims, 0.05, 0.9), signs(rng, dims));
            // On both sides of the kinks at 1/2.
            (&y + &(near.mapv(|d| if (d - 0.5).abs() < 0.01 { d + 0.1 } else { d }) * sign), y)
        }
        Loss::Hinge => (draw(rng, dims, 1.1, 3.0) * signs(rng, dims), draw(rng, dims, 0.95, 1.05) * signs(rng, dims)),
        Loss::HingeEmbedding(_) => (draw(rng, dims, 0.1, 0.9) + signs(rng, dims), signs(rng, dims)),
        Loss::PoissonNll { log_input: true, .. } => (draw(rng, dims, -2.0, 2.0), draw(rng, dims, 1.1, 5.0)),
        Loss::PoissonNll { .. } => (draw(rng, dims, 0.2, 4.0), draw(rng, dims, 0.1, 0.9) + 2.0),
        Loss::KlDiv { log_target: true } => (draw(rng, dims, -3.0, 0.0), draw(rng, dims, -3.0, 0.0)),
        Loss::BceWithLogits => (draw(rng, dims, -40.0, 40.0), draw(rng, dims, 0.0, 1.0)),
        _ => (draw(rng, dims, -3.0, 3.0), draw(rng, dims, 0.1, 0.9)),
    }
}

/// Checks the gradient of Σ seed·f(arrays) by every element. The sum's own value is taken off as a constant: the
/// tolerance grows with the value, and should not.
fn check(what: &str, arrays: &[&ArrayD<f64>], f: impl for<'g> Fn(&[Var<'g, f64>]) -> Var<'g, f64>) {
    let mut params = Params::new();
    for (i, array) in arrays.iter().enumerate() {
        params.root().add(&i.to_string(), *array).unwrap();
    }
    let value = seeded(Tape::new().record(&params), &f).item();
    let report = gradcheck(&params, |graph| seeded(graph, &f) - value);
    let report = report.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(report.checked, params.as_slice().len());
}

fn seeded<'g>(graph: Graph<'g, f64>, f: impl Fn(&[Var<'g, f64>]) -> Var<'g, f64>) -> Var<'g, f64> {
    let vars: Vec<_> = graph.params().ids().into_iter().map(|id| graph.param(id)).collect();
    let y = f(&vars);
    let seed = draw(&mut Rng::seed_from_u64(11), y.shape().dims(), 0.5, 1.5);
    (y * graph.input(&seed)).sum()
}

/// An axis in ten is empty.
fn dims() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1 => Just(0), 9 => 1..=3_usize], 0..=4)
}

/// `dims` with length 1 where `mask` has a bit, and without the first `cut` axes: a shape that broadcasts to them.
fn narrowed(dims: &[usize], mask: usize, cut: usize) -> Vec<usize> {
    let axes = dims.iter().enumerate().map(|(axis, &dim)| if mask >> axis & 1 == 1 { 1 } else { dim });
    axes.skip(cut).collect()
}

/// Labels of which the first is never ignored, and about a third are.
fn labels(rng: &mut Rng, rows: usize, classes: usize) -> Vec<i64> {
    let mut label = |row: usize| if row > 0 && rng.random_bool(0.3) { -1 } else { rng.random_range(0..classes as i64) };
    (0..rows).map(&mut label).collect()
}

fn class_options(rng: &mut Rng, classes: usize, kind: usize) -> CrossEntropyOptions {
    let weights: Vec<f64> = (0..classes).map(|_| rng.random_range(0.1..2.0)).collect();
    let options = CrossEntropyOptions::default().label_smoothing([0.0, 0.3, 1.0][kind % 3]).unwrap();
    if kind < 3 { options } else { options.class_weights(&weights, classes).unwrap() }
}

/// The second variable, or the same numbers as a constant.
fn target<'g>(v: &[Var<'g, f64>], is_constant: bool, y: &ArrayD<f64>) -> Var<'g, f64> {
    if is_constant { v[0].graph().input(y) } else { v[1] }
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn gradients_of_pointwise_losses(dims in dims(), mask in 0..16_usize, cut in 0..3_usize, seed: u64) {
        let rng = &mut Rng::seed_from_u64(seed);
        let weights = draw(rng, &narrowed(&dims, mask, cut), 0.2, 2.0);
        for (loss, reduction) in LOSSES.into_iter().flat_map(|loss| REDUCTIONS.map(|reduction| (loss, reduction))) {
            let (x, y) = data(loss, rng, &dims);
            let what = format!("{loss:?}, {reduction:?}");
            // Its target gets no gradient.
            let is_constant = matches!(loss, Loss::HingeEmbedding(_));
            let operands = if is_constant { vec![&x] } else { vec![&x, &y] };
            check(&what, &operands, |v| v[0].loss_with(loss, target(v, is_constant, &y), reduction));
            // Weights of nothing have the gradient of 0/0.
            if !x.is_empty() {
                check(&format!("{what}, weighted"), &[operands, vec![&weights]].concat(), |v| {
                    let options = LossOptions { reduction, weights: v.last().copied() };
                    v[0].loss_with(loss, target(v, is_constant, &y), options)
                });
            }
        }
    }

    #[test]
    fn gradients_with_class_labels(rows in 1..=5_usize, classes in 1..=4_usize, seed: u64) {
        let rng = &mut Rng::seed_from_u64(seed);
        let labels = Classes::with_ignored(&labels(rng, rows, classes), classes, -1).unwrap();
        let (x, weights) = (draw(rng, &[rows, classes], -3.0, 3.0), draw(rng, &[rows], 0.2, 2.0));
        check("cross_entropy_loss", &[&x], |v| v[0].cross_entropy_loss(&labels));
        check("nll_loss", &[&x], |v| v[0].nll_loss(&labels));
        for kind in 0..6 {
            let options = class_options(rng, classes, kind);
            for reduction in REDUCTIONS {
                let what = format!("{options:?}, {reduction:?}");
                check(&what, &[&x], |v| v[0].cross_entropy_loss_with(&labels, &options, reduction));
                check(&format!("{what}, weighted"), &[&x, &weights], |v| {
                    let how = LossOptions { reduction, weights: Some(v[1]) };
                    v[0].cross_entropy_loss_with(&labels, &options, how)
                        + v[0].nll_loss_with(&labels, &options, how) * 0.5
                });
            }
        }
    }

    #[test]
    fn gradients_of_cosines(rows in 1..=4_usize, features in 1..=3_usize, seed: u64) {
        let rng = &mut Rng::seed_from_u64(seed);
        let mut matrix = |dims: &[usize]| draw(rng, dims, 0.2, 1.0) * signs(rng, dims);
        let (a, b, row) = (matrix(&[rows, features]), matrix(&[rows, features]), matrix(&[features]));
        // No length is as large as the larger eps.
        for eps in [1e-8, 10.0] {
            check("similarity of rows", &[&a, &b], |v| v[0].cosine_similarity(v[1], 1, eps));
            check("similarity of columns", &[&a, &b], |v| v[0].cosine_similarity(v[1], 0, eps));
            check("similarity to one row", &[&a, &row], |v| v[0].cosine_similarity(v[1], 1, eps));
            check("similarity of one row", &[&a, &row], |v| v[1].cosine_similarity(v[0], 1, eps));
        }
        let targets = ArrayD::from_shape_fn(vec![rows], |at| [1.0, -1.0][at[0] % 2]);
        for (margin, reduction) in [-1.0, 1.0].into_iter().flat_map(|margin| REDUCTIONS.map(|kind| (margin, kind))) {
            check(&format!("cosine embedding, {margin}, {reduction:?}"), &[&a, &b], |v| {
                v[0].cosine_embedding_loss_with(v[1], v[0].graph().input(&targets), margin, reduction)
            });
        }
    }
}

/// The value of a loss of constants.
fn value(f: impl for<'g> FnOnce(Graph<'g, f64>) -> Var<'g, f64>) -> f64 {
    let (params, mut tape) = (Params::new(), Tape::new());
    let graph = tape.record(&params);
    f(graph).item()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-14 * b.abs().max(1.0)
}

/// A whole weight k is k equal samples, and no weight is weight 1: scikit-learn's sample weights.
#[test]
fn a_weight_is_a_number_of_samples() {
    let rng = &mut Rng::seed_from_u64(5);
    let counts = [2, 0, 3, 1];
    let weights = Array1::from(counts.to_vec()).mapv(|count| count as f64);
    let repeats: Vec<usize> = (0..4).flat_map(|row| vec![row; counts[row]]).collect();
    for loss in LOSSES {
        let (x, y) = data(loss, rng, &[4, 3]);
        for reduction in [Reduction::Mean, Reduction::Sum] {
            let weighted = value(|graph| {
                let weights = Some(graph.input(&weights.view().insert_axis(Axis(1))));
                graph.input(&x).loss_with(loss, graph.input(&y), LossOptions { reduction, weights })
            });
            let [x, y] = [&x, &y].map(|array| array.select(Axis(0), &repeats));
            let repeated = value(|graph| graph.input(&x).loss_with(loss, graph.input(&y), reduction));
            assert!(close(weighted, repeated), "{loss:?}, {reduction:?}: {weighted} {repeated}");
        }
    }
    let (x, classes) = (draw(rng, &[4, 3], -3.0, 3.0), [2, 1, 0, 2]);
    let chosen = repeats.iter().map(|&row| classes[row]).collect::<Vec<_>>();
    let [each, repeated] = [&classes[..], &chosen].map(|labels| Classes::new(labels, 3).unwrap());
    for kind in 0..6 {
        let options = class_options(rng, 3, kind);
        let weighted = value(|graph| {
            let how = LossOptions { weights: Some(graph.input(&weights)), ..Default::default() };
            graph.input(&x).cross_entropy_loss_with(&each, &options, how)
        });
        let x = x.select(Axis(0), &repeats);
        let repeated = value(|graph| graph.input(&x).cross_entropy_loss_with(&repeated, &options, Reduction::Mean));
        assert!(close(weighted, repeated), "{options:?}: {weighted} {repeated}");
    }
}

/// The plain mean is an op of its own, fused; the general way is log_softmax and nll_loss.
#[test]
fn an_ignored_row_is_a_row_that_is_not_there() {
    let rng = &mut Rng::seed_from_u64(6);
    let x = draw(rng, &[5, 3], -3.0, 3.0);
    let ignoring = Classes::with_ignored(&[2, 7, 0, 7, 1], 3, 7).unwrap();
    let (kept, without) = (Classes::new(&[2, 0, 1], 3).unwrap(), x.select(Axis(0), &[0, 2, 4]));
    let (params, mut tape) = (Params::new(), Tape::new());
    let mut run = |x: &ArrayD<f64>, labels: &Classes, is_plain: bool| {
        let x = tape.record(&params).variable(x);
        let ones = x.graph().input(&Array1::ones(labels.len()));
        let how = LossOptions { weights: Some(ones).filter(|_| !is_plain), ..Default::default() };
        let loss = x.cross_entropy_loss_with(labels, &CrossEntropyOptions::default(), how);
        loss.backward(&mut params.grads());
        (loss.item(), x.grad().unwrap())
    };
    for is_plain in [true, false] {
        let (loss, gradient) = run(&x, &ignoring, is_plain);
        let (wanted, rest) = run(&without, &kept, is_plain);
        assert!(close(loss, wanted), "{loss} {wanted}");
        assert!(gradient.select(Axis(0), &[1, 3]).iter().all(|&g| g == 0.0));
        assert!(gradient.select(Axis(0), &[0, 2, 4]).iter().zip(&rest).all(|(&a, &b)| close(a, b)));
    }
    let nobody = Classes::with_ignored(&[7; 5], 3, 7).unwrap();
    for is_plain in [true, false] {
        let (loss, gradient) = run(&x, &nobody, is_plain);
        assert!(loss.is_nan() && gradient.iter().all(|&g| g == 0.0), "{loss} {gradient}");
    }
}

/// Every loss at inputs up to ±1e4 with a target in its domain: value and gradients.
fn stays_finite<T: Float>() {
    let (params, mut tape) = (Params::<T>::new(), Tape::new());
    let ends = [-1e4, -90.0, -1.0, 0.0, 1.0, 90.0, 1e4];
    let pairs: Vec<_> = ends.iter().flat_map(|&x| ends.map(|y| (x, y))).collect();
    for loss in LOSSES {
        let (x, y): (Vec<_>, Vec<_>) = pairs
            .iter()
            .map(|&(x, y)| match loss {
                // The rate itself is beyond f32 above 88.
                Loss::PoissonNll { log_input: true, .. } => (f64::min(x, 80.0), f64::abs(y)),
                Loss::PoissonNll { .. } => (f64::abs(x) + 1e-4, f64::abs(y)),
                Loss::BceWithLogits | Loss::KlDiv { log_target: false } => (x, f64::clamp(y, 1e-30, 1.0)),
                Loss::KlDiv { log_target: true } => (x, -f64::abs(y)),
                Loss::Hinge | Loss::HingeEmbedding(_) => (x, y.signum()),
                _ => (x, y),
            })
            .unzip();
        let graph = tape.record(&params);
        let [x, y] = [x, y].map(|numbers| graph.variable(&Array1::from(numbers).mapv(T::of)));
        let each = x.loss_with(loss, y, Reduction::None);
        (each * T::of(0.5)).sum().backward(&mut params.grads());
        for (what, numbers) in [("value", each.to_array()), ("∂x", x.grad().unwrap()), ("∂y", y.grad().unwrap())] {
            assert!(numbers.iter().all(|number| number.is_finite()), "{what} of {loss:?} in {}: {numbers}", T::NAME);
        }
    }
    let vectors: Vec<_> = pairs.iter().map(|&(x, y)| [x, y, -y]).collect();
    let vectors = Array2::from(vectors).mapv(T::of);
    let labels: Vec<_> = (0..pairs.len() as i64).map(|row| row % 4).collect();
    let labels = Classes::with_ignored(&labels, 3, 3).unwrap();
    for kind in 0..6 {
        let options = class_options(&mut Rng::seed_from_u64(1), 3, kind);
        let x = tape.record(&params).variable(&vectors);
        let other = x.graph().variable(&vectors.slice(wane_autodiff::ndarray::s![..;-1, ..]));
        let target = x.graph().input(&Array1::from_shape_fn(pairs.len(), |i| T::of([1.0, -1.0][i % 2])));
        let loss = x.cross_entropy_loss_with(&labels, &options, Reduction::Mean)
            + x.cosine_similarity(other, 1, 1e-8).mean()
            + x.cosine_embedding_loss(other, target, 0.5);
        loss.backward(&mut params.grads());
        let gradients = [x.grad().unwrap(), other.grad().unwrap()];
        assert!(loss.item().is_finite() && gradients.iter().flatten().all(|g| g.is_finite()), "{options:?}");
    }
}

#[test]
fn large_inputs_give_finite_numbers() {
    stays_finite::<f32>();
    stays_finite::<f64>();
}

fn nan_stays_nan<T: Float>() {
    let (params, mut tape) = (Params::<T>::new(), Tape::new());
    let (one, nan) = (T::one(), T::nan());
    for (loss, reduction) in LOSSES.into_iter().flat_map(|loss| REDUCTIONS.map(|reduction| (loss, reduction))) {
        for (x, y) in [(nan, one), (nan, -one), (one, nan), (nan, nan)] {
            let graph = tape.record(&params);
            let loss_of = |weights| {
                let [x, y] = [x, y].map(|number| graph.input(&Array1::from_elem(1, number)));
                x.loss_with(loss, y, LossOptions { reduction, weights }).item()
            };
            assert!(loss_of(None).is_nan(), "{loss:?}, {reduction:?} at {x}, {y}");
            assert!(loss_of(Some(graph.scalar(T::zero()))).is_nan(), "{loss:?}, {reduction:?} at {x}, {y}, weight 0");
        }
    }
    let labels = Classes::new(&[1], 3).unwrap();
    for (kind, at) in (0..6).flat_map(|kind| (0..3).map(move |at| (kind, at))) {
        let mut x = Array2::from_elem((1, 3), one);
        x[[0, at]] = nan;
        let x = tape.record(&params).input(&x);
        let options = class_options(&mut Rng::seed_from_u64(1), 3, kind);
        assert!(x.cross_entropy_loss_with(&labels, &options, Reduction::Sum).item().is_nan());
        let y = x.graph().input(&Array1::from_elem(1, one));
        for other in [x, x.detach() * T::zero() + one] {
            assert!(other.cosine_similarity(x, 1, 1e-8).item().is_nan());
            assert!(x.cosine_embedding_loss(other, y, 0.0).item().is_nan());
            assert!(other.cosine_embedding_loss(x, -y, 1.0).item().is_nan());
            assert!(other.cosine_embedding_loss(other, y * nan, 1.0).item().is_nan());
        }
    }
}

#[test]
fn nan_in_nan_out() {
    nan_stays_nan::<f32>();
    nan_stays_nan::<f64>();
}

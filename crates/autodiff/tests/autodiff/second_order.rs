//! Hessian-vector products and the penalties built on them, against central differences of exact gradients and values.

use crate::common::config;
use proptest::prelude::{any, proptest};
use wane_autodiff::ndarray::{Array2, ArrayD, array};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{
    Activation, Classes, Dual, Error, ErrorKind, Float, Grads, Graph, ParamId, Params, Rng, SecondOrder, Tape, Var,
};

#[derive(Clone, Copy, Debug)]
enum Loss {
    Mse,
    Huber,
    SmoothL1,
    Bce,
    CrossEntropy,
}

const LOSSES: [Loss; 5] = [Loss::Mse, Loss::Huber, Loss::SmoothL1, Loss::Bce, Loss::CrossEntropy];
const SMOOTH: [Activation; 5] =
    [Activation::Tanh, Activation::Sigmoid, Activation::Gelu, Activation::Silu, Activation::Softplus];
const BENT: [Activation; 3] = [Activation::Relu, Activation::LeakyRelu(0.1), Activation::Elu(0.7)];

/// An MLP of two hidden layers, its data and its loss. It holds handles, so one serves every scalar.
struct Net {
    ids: Vec<ParamId>,
    activation: Activation,
    loss: Loss,
    x: Array2<f64>,
    y: Array2<f64>,
    classes: Classes,
}

fn draw(rng: &mut Rng, dims: (usize, usize), bound: f64) -> Array2<f64> {
    Array2::from_shape_simple_fn(dims, || rng.random_range(-bound..bound))
}

impl Net {
    fn new(activation: Activation, loss: Loss, seed: u64) -> (Self, Params<f64>) {
        let (mut rng, mut params, mut ids) = (Rng::seed_from_u64(seed), Params::new(), Vec::new());
        for (layer, pair) in [3, 5, 4, 3].windows(2).enumerate() {
            let mut scope = params.at(layer);
            ids.push(scope.add("weight", &draw(&mut rng, (pair[1], pair[0]), 1.0)).unwrap());
            ids.push(scope.add("bias", &draw(&mut rng, (1, pair[1]), 1.0).row(0)).unwrap());
        }
        let (x, y) = (draw(&mut rng, (6, 3), 2.0), draw(&mut rng, (6, 3), 0.4).mapv(|y| 0.5 + y));
        let classes = Classes::new(&[0, 2, 1, 1, 0, 2], 3).unwrap();
        (Self { ids, activation, loss, x, y, classes }, params)
    }

    fn output<'g, T: Float>(&self, x: Var<'g, T>) -> Var<'g, T> {
        let param = |i: usize| x.graph().param(self.ids[i]);
        let hidden = x.linear(param(0), Some(param(1)), Some(self.activation));
        hidden.linear(param(2), Some(param(3)), Some(self.activation)).linear(param(4), Some(param(5)), None)
    }

    fn loss_of<'g, T: Float>(&self, x: Var<'g, T>) -> Var<'g, T> {
        let (output, y) = (self.output(x), x.graph().lift(&self.y));
        match self.loss {
            Loss::Mse => output.mse_loss(y),
            Loss::Huber => output.huber_loss(y, 50.0),
            Loss::SmoothL1 => output.smooth_l1_loss(y, 60.0),
            Loss::Bce => output.bce_with_logits_loss(y),
            Loss::CrossEntropy => output.cross_entropy_loss(&self.classes),
        }
    }

    fn record<'g, T: Float>(&self, graph: Graph<'g, T>) -> Var<'g, T> {
        self.loss_of(graph.lift(&self.x))
    }
}

/// A function of parameters, on plain numbers.
type Plain<'a> = &'a dyn for<'g> Fn(Graph<'g, f64>) -> Var<'g, f64>;

fn gradient(params: &Params<f64>, f: Plain<'_>) -> (f64, Grads<f64>) {
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let root = f(tape.record(params));
    root.backward(&mut grads);
    (root.item(), grads)
}

fn moved(params: &Params<f64>, along: &[f64], by: f64) -> Params<f64> {
    let mut moved = params.clone();
    moved.as_mut_slice().iter_mut().zip(along).for_each(|(x, v)| *x += by * v);
    moved
}

fn random(params: &Params<f64>, seed: u64) -> Grads<f64> {
    let (mut rng, mut grads) = (Rng::seed_from_u64(seed), params.grads());
    grads.as_mut_slice().fill_with(|| rng.random_range(-1.0..1.0));
    grads
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn assert_close(found: &[f64], wanted: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), wanted.len());
    let scale = wanted.iter().fold(1e-3_f64, |scale, x| scale.max(x.abs()));
    for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert!((found - wanted).abs() <= tolerance * scale, "{what}, {i}: {found}, wanted {wanted} (of {scale})");
    }
}

/// Loss and gradient are those of plain numbers, and the product is the gradient's central difference along v.
fn check_hvp(
    params: &Params<f64>,
    plain: Plain<'_>,
    dual: impl for<'g> Fn(Graph<'g, Dual<f64>>) -> Var<'g, Dual<f64>>,
    seed: u64,
    what: &str,
) {
    let (direction, mut second) = (random(params, seed), SecondOrder::new(params));
    let found = second.hvp(params, &direction, &dual).unwrap();
    let (loss, grads) = gradient(params, plain);
    assert!((found.loss - loss).abs() <= 1e-13 * loss.abs().max(1.0), "{what}: loss {}, {loss}", found.loss);
    assert_close(found.gradient.as_slice(), grads.as_slice(), 1e-12, what);
    assert_eq!((found.gradient.reached(), found.product.reached()), (grads.reached(), grads.reached()));
    let step = 2e-5;
    let (above, below) = (moved(params, direction.as_slice(), step), moved(params, direction.as_slice(), -step));
    let (above, below) = (gradient(&above, plain).1, gradient(&below, plain).1);
    let difference = |(a, b): (&f64, &f64)| (a - b) / (2.0 * step);
    let numeric: Vec<f64> = above.as_slice().iter().zip(below.as_slice()).map(difference).collect();
    assert_close(found.product.as_slice(), &numeric, 1e-7, what);

    // uᵀHv = vᵀHu.
    let product = found.product.as_slice().to_vec();
    let other = random(params, !seed);
    let mirrored = second.hvp(params, &other, &dual).unwrap().product;
    let (left, right) = (dot(other.as_slice(), &product), dot(direction.as_slice(), mirrored.as_slice()));
    let scale = dot(other.as_slice(), other.as_slice()).sqrt() * dot(&product, &product).sqrt();
    assert!((left - right).abs() <= 1e-13 * scale, "{what}: uᵀHv {left}, vᵀHu {right}");
}

proptest! {
    #![proptest_config(config(32))]

    #[test]
    fn products_of_smooth_nets_are_differences_of_gradients(seed in any::<u64>()) {
        for (activation, loss) in SMOOTH.iter().flat_map(|&a| LOSSES.map(|loss| (a, loss))) {
            let (net, params) = Net::new(activation, loss, seed);
            let what = format!("{activation:?}, {loss:?}, seed {seed}");
            check_hvp(&params, &|graph| net.record(graph), |graph| net.record(graph), seed, &what);
        }
    }
}

/// Seeds that keep every unit away from its kink.
#[test]
fn products_of_bent_nets_are_differences_of_gradients() {
    for (activation, loss) in BENT.iter().flat_map(|&a| LOSSES.map(|loss| (a, loss))) {
        for seed in [1, 2, 3] {
            let (net, params) = Net::new(activation, loss, seed);
            let what = format!("{activation:?}, {loss:?}, seed {seed}");
            check_hvp(&params, &|graph| net.record(graph), |graph| net.record(graph), seed, &what);
        }
    }
}

/// The ops that the nets leave out: shapes, sums, products, quotients, log-softmax, masks.
fn medley<'g, T: Float>(graph: Graph<'g, T>, ids: &[ParamId]) -> Var<'g, T> {
    let graph = graph.training(&mut Rng::seed_from_u64(5));
    let (a, b, c) = (graph.param(ids[0]), graph.param(ids[1]), graph.param(ids[2]));
    let wide = (a * c - b.t() * T::of(0.5)) / (c.square() + T::one());
    let product = wide.matmul(b).tanh().dropout(0.3);
    let lines = (product.reshape(&[2, 2, 4]).transpose(0, 2) * a.mean_axis(0).exp().sum()).log_softmax(1);
    let norms = (a.square().sum_axis_keepdim(1) + T::of(0.1)).sqrt().ln();
    -lines.mean() + (norms * c.abs().mean()).sum() + c.mean_axis_keepdim(0).exp().sum_axis(1).sum()
}

#[test]
fn products_through_every_other_op_are_differences_of_gradients() {
    for seed in 0..20 {
        let (mut rng, mut params) = (Rng::seed_from_u64(seed), Params::new());
        let mut add = |name: &str, dims| {
            let values = draw(&mut rng, dims, 1.0).mapv(|x| x + 0.2 * x.signum());
            params.root().add(name, &values).unwrap()
        };
        let ids = [add("a", (4, 3)), add("b", (3, 4)), add("c", (1, 3))];
        check_hvp(&params, &|graph| medley(graph, &ids), |graph| medley(graph, &ids), seed, &format!("seed {seed}"));
    }
}

#[test]
fn the_product_of_a_quadratic_is_exact() {
    let mut params = Params::<f64>::new();
    let w = params.root().add("w", &array![[1.0], [-2.0], [3.0]]).unwrap();
    let a = array![[4.0, 1.0, -2.0], [1.0, 3.0, 0.5], [-2.0, 0.5, 8.0]];
    let mut direction = params.grads();
    direction.set(w, &array![[2.0], [1.0], [-4.0]]).unwrap();
    let mut second = SecondOrder::new(&params);
    let found = second
        .hvp(&params, &direction, |graph| {
            let w = graph.param(w);
            w.t().matmul(graph.lift(&a)).matmul(w).sum() * Dual::of(0.5) + w.sum()
        })
        .unwrap();
    assert_eq!(found.product.get(w).unwrap(), a.dot(&array![[2.0], [1.0], [-4.0]]).into_dyn());
    assert_eq!(found.gradient.get(w).unwrap(), (a.dot(&array![[1.0], [-2.0], [3.0]]) + 1.0).into_dyn());
}

/// λ‖∇L‖².
fn norm_penalty(lambda: f64, params: &Params<f64>, f: Plain<'_>) -> f64 {
    let (_, grads) = gradient(params, f);
    lambda * dot(grads.as_slice(), grads.as_slice())
}

/// The gradient of a penalty's value, by central differences.
fn differences(params: &Params<f64>, value: impl Fn(&Params<f64>) -> f64) -> Vec<f64> {
    let step = 2e-5;
    let mut unit = vec![0.0; params.as_slice().len()];
    (0..unit.len())
        .map(|i| {
            unit[i] = 1.0;
            let difference = value(&moved(params, &unit, step)) - value(&moved(params, &unit, -step));
            unit[i] = 0.0;
            difference / (2.0 * step)
        })
        .collect()
}

#[test]
fn the_gradient_norm_penalty_is_the_gradient_of_its_value() {
    for (activation, loss) in SMOOTH.iter().flat_map(|&a| LOSSES.map(|loss| (a, loss))) {
        let (net, params) = Net::new(activation, loss, 7);
        let (_, plain) = gradient(&params, &|graph| net.record(graph));
        let (mut grads, mut second) = (plain.clone(), SecondOrder::new(&params));
        let found = second.gradient_norm_penalty(0.3, &params, &mut grads, |graph| net.record(graph)).unwrap();
        let value = |params: &Params<f64>| norm_penalty(0.3, params, &|graph| net.record(graph));
        assert!((found - value(&params)).abs() <= 1e-14 * found);
        let added: Vec<f64> = grads.as_slice().iter().zip(plain.as_slice()).map(|(all, plain)| all - plain).collect();
        assert_close(&added, &differences(&params, value), 1e-7, &format!("{activation:?}, {loss:?}"));
    }
}

/// The mean's gradient by x, and λ/n Σ ‖n·row‖².
fn input_penalty(lambda: f64, net: &Net, params: &Params<f64>) -> (ArrayD<f64>, f64) {
    let mut tape = Tape::new();
    let x = tape.record(params).variable(&net.x);
    net.loss_of(x).backward(&mut params.grads());
    let (slope, n) = (x.grad().unwrap(), net.x.nrows() as f64);
    let squares: f64 = slope.rows().into_iter().map(|row| row.mapv(|g| (n * g).powi(2)).sum()).sum();
    (slope, lambda * squares / n)
}

#[test]
fn the_input_gradient_penalty_is_the_gradient_of_its_value() {
    for (activation, loss) in SMOOTH.iter().flat_map(|&a| LOSSES.map(|loss| (a, loss))) {
        let (net, params) = Net::new(activation, loss, 8);
        let (slope, value) = input_penalty(0.2, &net, &params);
        let (mut grads, mut second) = (params.grads(), SecondOrder::new(&params));
        let found = second.input_gradient_penalty(0.2, &params, &net.x, &slope, &mut grads, |x| net.loss_of(x));
        assert!((found.unwrap() - value).abs() <= 1e-14 * value);
        let numeric = differences(&params, |params| input_penalty(0.2, &net, params).1);
        assert_close(grads.as_slice(), &numeric, 1e-7, &format!("{activation:?}, {loss:?}"));
        assert!(grads.reached().iter().all(|&reached| reached));

        // What lies in another order is read in its own, and a second call adds.
        let once = grads.as_slice().to_vec();
        let (x, slope) = (net.x.t().as_standard_layout().into_owned(), slope.t().as_standard_layout().into_owned());
        let slope = slope.reversed_axes();
        let again = second.input_gradient_penalty(0.2, &params, &x.t(), &slope, &mut grads, |x| net.loss_of(x));
        assert!((again.unwrap() - value).abs() <= 1e-14 * value);
        assert!(grads.as_slice().iter().zip(&once).all(|(twice, once)| *twice == 2.0 * once));
    }
}

#[test]
fn frozen_parameters_are_constants() {
    let (net, mut params) = Net::new(Activation::Tanh, Loss::Mse, 9);
    let mut second = SecondOrder::new(&params);
    let direction = random(&params, 1);
    let frozen = [net.ids[0], net.ids[5]];
    params.freeze(&frozen).unwrap();
    let found = second.hvp(&params, &direction, |graph| net.record(graph)).unwrap();
    for id in frozen {
        assert!(found.gradient.get(id).is_none() && found.product.get(id).is_none());
    }
    let product = found.product.clone();
    assert_eq!(product.reached().iter().filter(|&&reached| reached).count(), 4);

    // The same as a direction that leaves them where they are, restricted to the others.
    params.unfreeze(&frozen).unwrap();
    let mut still = direction.clone();
    frozen.iter().for_each(|id| still.as_mut_slice()[params.layout().entry(*id).unwrap().range()].fill(0.0));
    let free = second.hvp(&params, &still, |graph| net.record(graph)).unwrap();
    for id in params.ids().into_iter().filter(|id| !frozen.contains(id)) {
        assert_close(
            product.get(id).unwrap().as_slice().unwrap(),
            free.product.get(id).unwrap().as_slice().unwrap(),
            1e-13,
            "frozen",
        );
    }
    assert_ne!(
        second.hvp(&params, &direction, |graph| net.record(graph)).unwrap().product.as_slice(),
        product.as_slice()
    );
}

#[test]
fn single_precision_agrees_with_double() {
    let (net, params) = Net::new(Activation::Silu, Loss::CrossEntropy, 10);
    let direction = random(&params, 2);
    let mut second = SecondOrder::new(&params);
    let wanted = second.hvp(&params, &direction, |graph| net.record(graph)).unwrap();

    let mut narrow = Params::<f32>::new();
    for param in params.iter() {
        let values = ArrayD::from_shape_vec(param.shape.dims(), param.values.iter().map(|&x| x as f32).collect());
        narrow.root().add(param.name, &values.unwrap()).unwrap();
    }
    let mut along = narrow.grads();
    along.as_mut_slice().iter_mut().zip(direction.as_slice()).for_each(|(to, &from)| *to = from as f32);
    let mut second = SecondOrder::new(&narrow);
    let found = second.hvp(&narrow, &along, |graph| net.record(graph)).unwrap();
    let found: Vec<f64> = found.product.as_slice().iter().map(|&x| f64::from(x)).collect();
    assert_close(&found, wanted.product.as_slice(), 2e-6, "single precision");
}

fn record<'g>(graph: Graph<'g, Dual<f64>>) -> Var<'g, Dual<f64>> {
    panic!("nothing is recorded: {graph:?}")
}

fn input<'g>(x: Var<'g, Dual<f64>>) -> Var<'g, Dual<f64>> {
    panic!("nothing is recorded: {x:?}")
}

#[test]
fn strangers_and_bad_options_are_refused() {
    let (net, params) = Net::new(Activation::Tanh, Loss::Mse, 11);
    let mut others = Params::<f64>::new();
    others.root().add("w", &array![1.0]).unwrap();
    let mut second = SecondOrder::new(&params);
    let (mut grads, mut strange) = (params.grads(), others.grads());
    let (x, slope) = (&net.x, net.x.to_owned().into_dyn());

    let message = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Parameter);
        error.field().to_owned()
    };
    let error = second.hvp(&params, &strange, record).unwrap_err();
    assert!(error.to_string().starts_with("layout of the direction is w (1,); expected 0.weight (5, 3), "), "{error}");
    assert_eq!(message(second.hvp(&others, &strange, record).unwrap_err()), "layout of the parameters");
    let error = second.gradient_norm_penalty(0.1, &params, &mut strange, record).unwrap_err();
    assert_eq!(message(error), "layout of the gradients");
    let error = second.input_gradient_penalty(0.1, &params, x, &slope, &mut strange, input).unwrap_err();
    assert_eq!(message(error), "layout of the gradients");

    let error = second.gradient_norm_penalty(-0.1, &params, &mut grads, record).unwrap_err();
    assert_eq!(error.to_string(), "gradient norm penalty lambda is -0.1; expected a finite number, 0 or above");
    let error = second.input_gradient_penalty(f64::NAN, &params, x, &slope, &mut grads, input).unwrap_err();
    assert_eq!(error.to_string(), "input gradient penalty lambda is NaN; expected a finite number, 0 or above");
    let short = array![[1.0, 2.0, 3.0]].into_dyn();
    let error = second.input_gradient_penalty(0.1, &params, x, &short, &mut grads, input).unwrap_err();
    assert_eq!(error.to_string(), "shape of the gradient of x is [1, 3]; expected [6, 3]");
    let number = wane_autodiff::ndarray::arr0(1.0);
    let error = second.input_gradient_penalty(0.1, &params, &number, &slope, &mut grads, input).unwrap_err();
    assert_eq!(error.to_string(), "number of axes of x is 0; expected at least 1, the rows");
}

#[test]
fn lifted_data_is_exact() {
    let (params, mut tape) = (Params::<Dual<f32>>::new(), Tape::new());
    let x = tape.record(&params).lift(&array![[0.1_f32, -3.0], [f32::MIN_POSITIVE, f32::NAN]].t());
    let found: Vec<f32> = x.to_array().iter().map(|dual| dual.value).collect();
    assert_eq!(found[..3], [0.1, f32::MIN_POSITIVE, -3.0]);
    assert!(found[3].is_nan() && x.to_array().iter().all(|dual| dual.tangent == 0.0));
}

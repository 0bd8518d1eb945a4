//! L-BFGS against PyTorch's, evaluation by evaluation: `data/lbfgs.json`, which `scripts/torch_lbfgs.py` wrote. In a
//! scripted trace losses and gradients are drawn, so that a line search takes every turn there is.

use serde::Deserialize;
use wane_autodiff::ndarray::{Array2, ArrayD, arr1};
use wane_autodiff::{Graph, Params, Tape, Var};
use wane_optim::{Lbfgs, LbfgsOptions, LbfgsOutcome, LbfgsStop, LineSearch};

#[derive(Deserialize)]
struct Document {
    matrix: Vec<Vec<f64>>,
    vector: Vec<f64>,
    wells: Vec<[f64; 3]>,
    inputs: Vec<Vec<f64>>,
    targets: Vec<Vec<f64>>,
    traces: Vec<Trace>,
}

#[derive(Deserialize)]
struct Trace {
    problem: String,
    options: Options,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Options {
    lr: f64,
    max_iter: usize,
    max_eval: Option<usize>,
    tolerance_grad: f64,
    tolerance_change: f64,
    history_size: usize,
    line_search_fn: Option<String>,
    maximize: bool,
}

#[derive(Deserialize)]
struct Step {
    at: Vec<Vec<f64>>,
    losses: Vec<f64>,
    #[serde(default)]
    gradients: Vec<f64>,
    returned: f64,
    left: Vec<f64>,
}

/// Sums in another order than PyTorch's are differences in the last bit. They grow in the steps, which are ratios of
/// differences of gradients, and most where a line search of lr 100 looks at points far away: there to 1e-10 of a
/// weight, elsewhere to 2e-11 at most. What has no sums agrees to a rounding.
const TOLERANCE: f64 = 3e-10;
const TOLERANCE_WITHOUT_SUMS: f64 = 1e-14;

/// |a − b| relative to b, or to `scale` where b is smaller: near its minimum a loss is a difference of larger numbers.
fn off(a: f64, b: f64, scale: f64) -> f64 {
    let error = if a == b { 0.0 } else { (a - b).abs() / b.abs().max(scale) };
    if error.is_nan() { f64::INFINITY } else { error }
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

impl Document {
    fn read() -> Self {
        serde_json::from_str(include_str!("../data/lbfgs.json")).unwrap()
    }

    fn quadratic<'g>(&self, graph: Graph<'g, f64>) -> Var<'g, f64> {
        let x = graph.param(graph.params().ids()[0]);
        let (a, b) = (graph.input(&matrix(&self.matrix)), graph.input(&arr1(&self.vector)));
        (x.matmul(a) * x).sum() * 0.5 - (x * b).sum()
    }

    fn loss<'g>(&self, problem: &str, graph: Graph<'g, f64>) -> Var<'g, f64> {
        let params = Vec::from_iter(graph.params().ids().into_iter().map(|id| graph.param(id)));
        match problem {
            "quadratic" => self.quadratic(graph),
            "concave" => -self.quadratic(graph),
            "perceptron" => {
                let hidden = graph.input(&matrix(&self.inputs)).linear(params[0], Some(params[1]), None).tanh();
                hidden.linear(params[2], Some(params[3]), None).mse_loss(graph.input(&matrix(&self.targets)))
            }
            _ if problem.starts_with("wells") => {
                let x = params[0];
                let holes =
                    self.wells.iter().map(|&[depth, width, at]| ((x - at).square() * -width).exp().sum() * depth);
                x.square().sum() * 0.05 - holes.reduce(|sum, hole| sum + hole).unwrap()
            }
            _ => {
                let pairs = params.iter().zip(&params[1..]);
                let terms = pairs.map(|(&x, &y)| (y - x.square()).square() * 100.0 + (1.0 - x).square());
                terms.reduce(|sum, term| sum + term).unwrap()
            }
        }
    }
}

impl Trace {
    fn options(&self) -> LbfgsOptions {
        let o = &self.options;
        let line_search = match o.line_search_fn.as_deref() {
            None => LineSearch::None,
            Some("strong_wolfe") => LineSearch::StrongWolfe,
            Some(other) => panic!("{other}"),
        };
        LbfgsOptions {
            lr: o.lr,
            max_iter: o.max_iter,
            max_eval: o.max_eval,
            tolerance_grad: o.tolerance_grad,
            tolerance_change: o.tolerance_change,
            history_size: o.history_size,
            line_search,
            maximize: o.maximize,
        }
    }

    fn params(&self) -> Params<f64> {
        let shapes: &[&[usize]] = match self.problem.as_str() {
            "quadratic" | "concave" => &[&[1, 6]],
            "perceptron" => &[&[4, 3], &[4], &[2, 4], &[2]],
            "rosenbrock" => &[&[], &[]],
            "scripted" => &[&[1]],
            wells if wells.starts_with("wells") => &[&[3]],
            _ => &[&[], &[], &[], &[]],
        };
        let mut params = Params::new();
        let mut rest = self.steps[0].at[0].as_slice();
        for (i, &dims) in shapes.iter().enumerate() {
            let (own, others) = rest.split_at(dims.iter().product());
            params.root().add(&i.to_string(), &ArrayD::from_shape_vec(dims, own.to_vec()).unwrap()).unwrap();
            rest = others;
        }
        params
    }

    /// The largest error of a weight or a loss over all evaluations, with `options` in place of the trace's. Another
    /// number of evaluations is an infinite error.
    fn error(&self, document: &Document, options: LbfgsOptions) -> (f64, Vec<LbfgsOutcome<f64>>) {
        let (mut params, mut tape) = (self.params(), Tape::new());
        let mut optimizer = Lbfgs::new(options).unwrap();
        let (mut weights, mut losses, mut outcomes) = (0.0_f64, 0.0_f64, Vec::new());
        let mut compare = |got: &[f64], expected: &[f64]| {
            let largest = expected.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
            weights = got.iter().zip(expected).fold(weights, |worst, (&a, &b)| worst.max(off(a, b, largest)));
        };
        let scale = self.steps[0].losses[0].abs();
        for step in &self.steps {
            let mut count = 0;
            let outcome = optimizer.step(&mut params, |params, grads| {
                let loss = match step.gradients.get(count) {
                    Some(&gradient) => {
                        grads.set(params.ids()[0], &arr1(&[gradient]))?;
                        step.losses[count]
                    }
                    None if self.problem == "scripted" => f64::NAN,
                    None => {
                        let loss = document.loss(&self.problem, tape.record(params));
                        loss.backward(grads);
                        loss.item()
                    }
                };
                if let Some(at) = step.at.get(count) {
                    compare(params.as_slice(), at);
                    losses = losses.max(off(loss, step.losses[count], scale));
                }
                count += 1;
                Ok(loss)
            });
            let outcome = outcome.unwrap();
            if count != step.at.len() || outcome.evaluations != count {
                return (f64::INFINITY, outcomes);
            }
            compare(params.as_slice(), &step.left);
            losses = losses.max(off(outcome.first_loss, step.returned, scale));
            outcomes.push(outcome);
        }
        (weights.max(losses), outcomes)
    }
}

#[test]
fn every_evaluation_is_pytorchs() {
    let document = Document::read();
    let mut stops = Vec::new();
    for (i, trace) in document.traces.iter().enumerate() {
        let (error, outcomes) = trace.error(&document, trace.options());
        let is_without_sums = ["rosenbrock", "scripted"].iter().any(|name| trace.problem.starts_with(name));
        let tolerance = if is_without_sums { TOLERANCE_WITHOUT_SUMS } else { TOLERANCE };
        assert!(error <= tolerance, "trace {i}, {}: {error:e}", trace.problem);
        stops.extend(outcomes.iter().map(|outcome| outcome.stop));
    }
    use LbfgsStop::{Change, Evaluations, Gradient, Iterations, Loss, Slope};
    for stop in [Gradient, Slope, Change, Loss, Iterations, Evaluations] {
        assert!(stops.contains(&stop), "no trace ends by {stop:?}");
    }
}

/// An option's name, and a change of it.
type Edit = (&'static str, fn(&mut LbfgsOptions));

/// No tolerance hides an option: in some trace each has an effect far beyond it.
#[test]
fn the_comparison_notices_each_option() {
    let document = Document::read();
    let edits: [Edit; 8] = [
        ("lr", |o| o.lr *= 1.0 + 1e-6),
        ("max_iter", |o| o.max_iter += 1),
        ("max_eval", |o| o.max_eval = o.max_eval.map(|max_eval| max_eval + 1)),
        ("max_eval by default", |o| o.max_eval = o.max_eval.or(Some(o.max_iter))),
        ("tolerance_grad", |o| o.tolerance_grad *= 0.1),
        ("tolerance_change", |o| o.tolerance_change *= 0.1),
        ("history_size", |o| o.history_size += 1),
        ("maximize", |o| o.maximize = !o.maximize),
    ];
    for (name, edit) in edits {
        let errors = document.traces.iter().map(|trace| {
            let mut options = trace.options();
            edit(&mut options);
            trace.error(&document, options).0
        });
        let effect = errors.fold(0.0, f64::max);
        assert!(effect > 1e-7, "{name}: {effect:e}");
    }
}

//! PyTorch's values and gradients of every loss, at kinks and in every reduction, with weights and without:
//! `data/losses.json`, which `scripts/torch_losses.py` wrote.

use crate::common::torch::{Number, plain};
use serde::Deserialize;
use std::collections::HashMap;
use wane_autodiff::ndarray::{Array1, Array2, ArrayD};
use wane_autodiff::{Classes, CrossEntropyOptions, Loss, LossOptions, Params, Reduction, Tape, Var};

#[derive(Deserialize)]
struct Document {
    inputs: [Inputs; 1],
    kinks: Vec<Kinks>,
    pointwise: Vec<Pointwise>,
    classes: Vec<ClassLabels>,
    cosine_similarity: Vec<CosineSimilarity>,
    cosine_embedding: Vec<CosineEmbedding>,
}

/// What the cases share.
#[derive(Deserialize)]
struct Inputs {
    weights: HashMap<String, Vec<Number>>,
    row_weights: Vec<Number>,
    /// By the number of axes, from 1.
    seeds: [Vec<Number>; 2],
    logits: Vec<Number>,
    vectors: [Vec<Number>; 2],
}

#[derive(Deserialize)]
#[serde(tag = "loss", rename_all = "snake_case")]
enum Named {
    Mse,
    L1,
    #[serde(rename = "smooth_l1")]
    SmoothL1 {
        beta: f64,
    },
    Huber {
        delta: f64,
    },
    BceWithLogits,
    Hinge,
    HingeEmbedding {
        margin: f64,
    },
    PoissonNll {
        log_input: bool,
        full: bool,
        eps: f64,
    },
    KlDiv {
        log_target: bool,
    },
    Quantile {
        tau: f64,
    },
}

impl Named {
    fn loss(&self) -> Loss {
        match *self {
            Self::Mse => Loss::Mse,
            Self::L1 => Loss::L1,
            Self::SmoothL1 { beta } => Loss::SmoothL1(beta),
            Self::Huber { delta } => Loss::Huber(delta),
            Self::BceWithLogits => Loss::BceWithLogits,
            Self::Hinge => Loss::Hinge,
            Self::HingeEmbedding { margin } => Loss::HingeEmbedding(margin),
            Self::PoissonNll { log_input, full, eps } => Loss::PoissonNll { log_input, full, eps },
            Self::KlDiv { log_target } => Loss::KlDiv { log_target },
            Self::Quantile { tau } => Loss::Quantile(tau),
        }
    }
}

#[derive(Deserialize)]
struct Kinks {
    #[serde(flatten)]
    named: Named,
    x: Vec<Number>,
    y: Vec<Number>,
    value: Vec<Number>,
    by_input: Vec<Number>,
    by_target: Vec<Number>,
}

#[derive(Deserialize)]
struct Pointwise {
    #[serde(flatten)]
    named: Named,
    x: Vec<Number>,
    y: Vec<Number>,
    cases: Vec<PointwiseCase>,
}

#[derive(Deserialize)]
struct PointwiseCase {
    reduction: String,
    weights: Option<String>,
    value: Vec<Number>,
    gradients: Vec<Vec<Number>>,
}

#[derive(Deserialize)]
struct ClassLabels {
    labels: Vec<i64>,
    class_weights: Option<Vec<f64>>,
    smoothing: f64,
    cases: Vec<ClassCase>,
}

#[derive(Deserialize)]
struct ClassCase {
    reduction: String,
    samples: bool,
    value: Vec<Number>,
    gradients: Vec<Vec<Number>>,
    /// The value and the gradient of `nll_loss`.
    nll: Option<[Vec<Number>; 2]>,
}

#[derive(Deserialize)]
struct CosineSimilarity {
    axis: usize,
    eps: f64,
    value: Vec<Number>,
    by_input: Vec<Number>,
    by_other: Vec<Number>,
}

#[derive(Deserialize)]
struct CosineEmbedding {
    target: f64,
    margin: f64,
    reduction: String,
    value: Vec<Number>,
    by_input: Vec<Number>,
    by_other: Vec<Number>,
}

fn document() -> Document {
    serde_json::from_str(include_str!("../data/losses.json")).expect("the script's own format")
}

fn reduction(name: &str) -> Reduction {
    match name {
        "mean" => Reduction::Mean,
        "sum" => Reduction::Sum,
        "none" => Reduction::None,
        "batch_mean" => Reduction::BatchMean,
        _ => panic!("{name}"),
    }
}

/// Numbers as rows of three.
fn rows(numbers: &[Number]) -> Array2<f64> {
    plain(numbers).into_shape_with_order((numbers.len() / 3, 3)).unwrap()
}

fn backward(loss: Var<'_, f64>, inputs: &Inputs) {
    let grads = &mut loss.graph().params().grads();
    match loss.shape().rank() {
        0 => loss.backward(grads),
        1 => loss.backward_from(&plain(&inputs.seeds[0]), grads),
        _ => loss.backward_from(&rows(&inputs.seeds[1]), grads),
    }
}

/// 1e-13, relative to `scale`; NaN is NaN and an infinity the same infinity.
fn agree(ours: f64, torch: f64, scale: f64) -> bool {
    ours == torch || ours.is_nan() && torch.is_nan() || (ours - torch).abs() <= 1e-13 * scale
}

/// Arrays agree relative to their largest element: sums of numbers that cancel have the error of the numbers.
fn compare(what: &dyn Fn() -> String, ours: &ArrayD<f64>, torch: &[Number]) {
    assert_eq!(ours.len(), torch.len(), "{}", what());
    let scale = torch.iter().map(|torch| torch.0.abs()).filter(|torch| torch.is_finite()).fold(0.0, f64::max);
    for (i, (&ours, &Number(torch))) in ours.iter().zip(torch).enumerate() {
        assert!(agree(ours, torch, scale), "{} at {i}: {ours:e}, PyTorch {torch:e}", what());
    }
}

/// What wane gives on purpose where PyTorch gives something else.
fn on_purpose(loss: Loss, part: &str, x: f64, y: f64) -> Option<f64> {
    match loss {
        // NaN in, NaN out: PyTorch compares with the target, and NaN is neither 1 nor −1.
        Loss::HingeEmbedding(_) if y.is_nan() && part == "∂input" => Some(f64::NAN),
        Loss::HingeEmbedding(_) if y.is_nan() && part == "value" && x > f64::NEG_INFINITY => Some(f64::NAN),
        // As l1_loss: a NaN ends in PyTorch's comparisons, and every gradient before it looks sound.
        Loss::Quantile(_) if (x - y).is_nan() && part != "value" => Some(f64::NAN),
        // PyTorch's slope of max(0, NaN) is 0.
        Loss::Hinge if (x * y).is_nan() && !y.is_nan() && part == "∂input" => Some(f64::NAN),
        Loss::Hinge if y.is_nan() && x.is_finite() && part == "∂target" => Some(f64::NAN),
        Loss::HingeEmbedding(_) if x.is_nan() && y != 1.0 && part == "∂input" => Some(f64::NAN),
        // PyTorch takes Stirling's formula out below 1 and leaves its slope's 0·∞ or 0·NaN in.
        Loss::PoissonNll { log_input, full: true, eps } if y <= 0.0 && part == "∂target" => {
            let slope = if log_input { -x } else { -(x + eps).ln() };
            (!slope.is_nan()).then_some(slope)
        }
        // The limit. PyTorch divides 0 by 0.
        Loss::KlDiv { log_target: false } if y == 0.0 && part == "∂target" && !x.is_nan() && x != f64::NEG_INFINITY => {
            Some(f64::NEG_INFINITY)
        }
        _ => None,
    }
}

#[test]
fn kinks() {
    let (params, mut tape) = (Params::new(), Tape::new());
    let (mut compared, mut exceptions, mut differences) = (0, 0, Vec::new());
    for case in document().kinks {
        let loss = case.named.loss();
        let graph = tape.record(&params);
        let (x, y) = (graph.variable(&plain(&case.x)), graph.variable(&plain(&case.y)));
        let each = x.loss_with(loss, y, Reduction::None);
        each.backward_from(&Array1::ones(case.x.len()), &mut params.grads());
        let parts = [
            ("value", each.to_array(), case.value),
            ("∂input", x.grad().unwrap(), case.by_input),
            ("∂target", y.grad().unwrap(), case.by_target),
        ];
        for (part, ours, torch) in parts {
            for (i, (&ours, &Number(torch))) in ours.iter().zip(&torch).enumerate() {
                let (x, y) = (case.x[i].0, case.y[i].0);
                let what = format!("{part} of {loss:?} at {x:e}, {y:e}");
                let exception = on_purpose(loss, part, x, y);
                let wanted = exception.unwrap_or(torch);
                compared += 1;
                exceptions += usize::from(exception.is_some());
                if exception.is_some_and(|wanes| agree(wanes, torch, 0.0)) {
                    differences.push(format!("{what}: not an exception any more"));
                }
                if !agree(ours, wanted, wanted.abs()) {
                    differences.push(format!("{what}: {ours:e}, wanted {wanted:e}, PyTorch {torch:e}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert_eq!((compared, exceptions), (3831, 267));
}

#[test]
fn pointwise_losses_in_every_reduction() {
    let (params, mut tape, Document { inputs: [inputs], pointwise, .. }) = (Params::new(), Tape::new(), document());
    for case in pointwise {
        let loss = case.named.loss();
        for PointwiseCase { reduction: name, weights, value, gradients } in case.cases {
            let graph = tape.record(&params);
            let (x, y) = (graph.variable(&rows(&case.x)), graph.variable(&rows(&case.y)));
            let w = weights.as_ref().map(|weights| match plain(&inputs.weights[weights]) {
                column if weights == "rows" => graph.variable(&column.into_shape_with_order((4, 1)).unwrap()),
                full => graph.variable(&full.into_shape_with_order((4, 3)).unwrap()),
            });
            let options = LossOptions { reduction: reduction(&name), weights: w };
            let total = x.loss_with(loss, y, options);
            backward(total, &inputs);
            let what = format!("{loss:?}, {name}, weights {weights:?}");
            compare(&|| what.clone(), &total.to_array(), &value);
            if value[0].0.is_nan() {
                continue; // 0/0: there is no gradient to agree on.
            }
            let vars = [x, y].into_iter().chain(w);
            for (i, (var, gradient)) in vars.zip(&gradients).enumerate() {
                compare(&|| format!("gradient by operand {i} of {what}"), &var.grad().unwrap(), gradient);
            }
            if weights.is_none() && name == "mean" {
                assert_eq!(x.loss(loss, y).item(), total.item());
            }
        }
    }
}

#[test]
fn class_labels_in_every_reduction() {
    let (params, mut tape, Document { inputs: [inputs], classes, .. }) = (Params::new(), Tape::new(), document());
    let logits = rows(&inputs.logits);
    for ClassLabels { labels: numbers, class_weights, smoothing, cases } in classes {
        let labels = Classes::with_ignored(&numbers, 3, -100).unwrap();
        let mut options = CrossEntropyOptions::default().label_smoothing(smoothing).unwrap();
        if let Some(weights) = &class_weights {
            options = options.class_weights(weights, 3).unwrap();
        }
        for ClassCase { reduction: name, samples, value, gradients, nll } in cases {
            let what = format!("{numbers:?}, {options:?}, {name}, sample weights: {samples}");
            let graph = tape.record(&params);
            let x = graph.variable(&logits);
            let s = samples.then(|| graph.variable(&plain(&inputs.row_weights)));
            let how = LossOptions { reduction: reduction(&name), weights: s };
            let loss = x.cross_entropy_loss_with(&labels, &options, how);
            backward(loss, &inputs);
            compare(&|| format!("cross-entropy, {what}"), &loss.to_array(), &value);
            for (var, gradient) in [x].into_iter().chain(s).zip(&gradients) {
                compare(&|| format!("gradient of cross-entropy, {what}"), &var.grad().unwrap(), gradient);
            }
            // The same by way of log-probabilities, for options that PyTorch's own nll_loss has not.
            let logs = x.log_softmax(1).nll_loss_with(&labels, &options, how);
            compare(&|| format!("nll of log_softmax, {what}"), &logs.to_array(), &value);
            if let Some([value, gradient]) = nll {
                let logs = graph.variable(&x.log_softmax(1).to_array());
                let loss = logs.nll_loss_with(&labels, &options, reduction(&name));
                backward(loss, &inputs);
                compare(&|| format!("nll, {what}"), &loss.to_array(), &value);
                compare(&|| format!("gradient of nll, {what}"), &logs.grad().unwrap(), &gradient);
            }
        }
    }
}

#[test]
fn cosine_similarity() {
    let (params, mut tape, Document { inputs: [inputs], cosine_similarity, .. }) =
        (Params::new(), Tape::new(), document());
    for CosineSimilarity { axis, eps, value, by_input, by_other } in cosine_similarity {
        let graph = tape.record(&params);
        let [a, b] = [0, 1].map(|i| {
            let vectors = rows(&inputs.vectors[i]);
            graph.variable(&if axis == 1 { vectors } else { vectors.reversed_axes() })
        });
        let c = a.cosine_similarity(b, axis, eps);
        let seed = Array1::linspace(-1.0, 2.0, value.len());
        c.backward_from(&seed, &mut params.grads());
        let what = format!("cosine along {axis}, eps {eps}");
        compare(&|| what.clone(), &c.to_array(), &value);
        compare(&|| format!("∂input of {what}"), &a.grad().unwrap(), &by_input);
        compare(&|| format!("∂other of {what}"), &b.grad().unwrap(), &by_other);
    }
}

#[test]
fn cosine_embedding() {
    let (params, mut tape, Document { inputs: [inputs], cosine_embedding, .. }) =
        (Params::new(), Tape::new(), document());
    for CosineEmbedding { target, margin, reduction: name, value, by_input, by_other } in cosine_embedding {
        let graph = tape.record(&params);
        let [a, b] = [0, 1].map(|i| graph.variable(&rows(&inputs.vectors[i])));
        let y = graph.input(&Array1::from_elem(9, target));
        let loss = a.cosine_embedding_loss_with(b, y, margin, reduction(&name));
        loss.backward_from(&ArrayD::ones(loss.shape().dims()), &mut params.grads());
        let what = format!("cosine embedding, target {target}, margin {margin}, {name}");
        compare(&|| what.clone(), &loss.to_array(), &value);
        compare(&|| format!("∂input of {what}"), &a.grad().unwrap(), &by_input);
        compare(&|| format!("∂other of {what}"), &b.grad().unwrap(), &by_other);
        if name == "mean" {
            assert_eq!(a.cosine_embedding_loss(b, y, margin).item(), loss.item());
        }
    }
}

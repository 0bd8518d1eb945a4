//! The model and the loss that a `training` file describes.

use crate::Failure;
use crate::tensor::{Tensor, same_length};
use serde::Deserialize;
use wane_autodiff::ndarray::{Array2, Axis, Slice};
use wane_autodiff::rand::SeedableRng as _;
use wane_autodiff::{Activation, Classes, Graph, Params, Rng, Var};
use wane_layers::{Sequential, SequentialBuilder};

/// Targets: values, or class labels.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum TargetSpec {
    Classes { classes: Vec<usize> },
    Values(Tensor),
}

pub(crate) enum Target {
    Classes(Vec<usize>, usize),
    Values(Array2<f64>),
}

impl TargetSpec {
    /// The targets of `rows` rows and `outputs` outputs.
    pub(crate) fn load(&self, rows: usize, outputs: usize) -> Result<Target, Failure> {
        let target = match self {
            Self::Classes { classes } => Target::Classes(classes.clone(), outputs),
            Self::Values(values) => Target::Values(values.matrix("target", outputs)?),
        };
        let given = match &target {
            Target::Classes(labels, _) => labels.len(),
            Target::Values(values) => values.nrows(),
        };
        same_length("rows of the target", given, rows)?;
        Ok(target)
    }
}

/// The layers of an MLP: an activation between each two.
pub(crate) fn mlp(sizes: &[usize], activation: &str, params: &mut Params<f64>) -> Result<Sequential<f64>, Failure> {
    let activation = match activation {
        "relu" => Activation::Relu,
        "tanh" => Activation::Tanh,
        "sigmoid" => Activation::Sigmoid,
        "gelu" => Activation::Gelu,
        "silu" => Activation::Silu,
        "leaky_relu" => Activation::LeakyRelu(0.01),
        "softplus" => Activation::Softplus,
        "elu" => Activation::Elu(1.0),
        other => return Err(format!("activation {other:?} is not known").into()),
    };
    let mut model: SequentialBuilder<f64> = Sequential::new();
    for (number, pair) in sizes.windows(2).enumerate() {
        if number > 0 {
            model = model.activation(activation);
        }
        model = model.linear(pair[0], pair[1]);
    }
    // The file brings the weights; the generator's do not matter.
    Ok(model.build(params.root(), &mut Rng::seed_from_u64(0))?)
}

/// The loss over the given rows, with PyTorch's default arguments.
pub(crate) fn loss<'g>(
    name: &str,
    graph: Graph<'g, f64>,
    output: Var<'g, f64>,
    target: &Target,
    rows: Slice,
) -> Result<Var<'g, f64>, Failure> {
    let values = match target {
        Target::Classes(labels, count) if name == "cross_entropy" => {
            let range = rows.start as usize..rows.end.unwrap_or(labels.len() as isize) as usize;
            return Ok(output.cross_entropy_loss(&Classes::new(&labels[range], *count)?));
        }
        Target::Classes(..) => return Err(format!("loss {name:?} does not take classes").into()),
        Target::Values(values) => graph.input(&values.slice_axis(Axis(0), rows)),
    };
    Ok(match name {
        "mse" => output.mse_loss(values),
        "l1" => output.l1_loss(values),
        "huber" => output.huber_loss(values, 1.0),
        "smooth_l1" => output.smooth_l1_loss(values, 1.0),
        "bce_with_logits" => output.bce_with_logits_loss(values),
        other => return Err(format!("loss {other:?} is not known").into()),
    })
}

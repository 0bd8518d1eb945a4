//! `training` files: a whole run of an MLP.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::model::{TargetSpec, loss, mlp};
use crate::optimizer::Spec;
use crate::tensor::{Named, Tensor, not_empty, same_length, same_shape};
use serde::Deserialize;
use serde_json::Value;
use wane_autodiff::ndarray::{Axis, Slice};
use wane_autodiff::{Params, Tape};
use wane_layers::Module as _;
use wane_penalties::ElasticNet;

#[derive(Debug, Deserialize)]
struct Run {
    dtype: String,
    sizes: Vec<usize>,
    activation: String,
    loss: String,
    batch_size: Option<usize>,
    penalty_on_weights: Option<PenaltySpec>,
    optimizer: Spec,
    input: Tensor,
    target: TargetSpec,
    params: Vec<Named>,
    losses: Vec<f64>,
    #[serde(rename = "final")]
    last: Vec<Named>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PenaltySpec {
    #[serde(default)]
    l1: f64,
    #[serde(default)]
    l2: f64,
}

pub(crate) fn replay(file: Value) -> Result<Difference, Failure> {
    let run: Run = serde_json::from_value(file)?;
    if run.dtype != "float64" {
        return Err(format!("dtype {:?} is not known for a training run", run.dtype).into());
    }
    let &[inputs, .., outputs] = run.sizes.as_slice() else {
        return Err(format!("sizes {:?}, wanted two or more", run.sizes).into());
    };
    not_empty("losses", &run.losses)?;
    // Before a model of these sizes is made: the file holds all its weights.
    let layers = || run.sizes.windows(2);
    let shapes = layers().flat_map(|pair| [vec![pair[1], pair[0]], vec![pair[1]]]);
    same_length("parameters", 2 * layers().count(), run.params.len())?;
    run.params.iter().zip(shapes).try_for_each(|(named, shape)| same_shape(&named.name, &shape, &named.tensor))?;
    let mut params = Params::<f64>::new();
    let model = mlp(&run.sizes, &run.activation, &mut params)?;
    for named in &run.params {
        params.set(params.id(&named.name)?, &named.tensor.array()?)?;
    }
    let penalty = match &run.penalty_on_weights {
        Some(spec) => Some((ElasticNet::new(spec.l1, spec.l2)?, params.matching("*.weight")?)),
        None => None,
    };
    let mut optimizer = run.optimizer.build(&params)?;
    let input = run.input.matrix("input", inputs)?;
    if !(1..=input.nrows()).contains(&run.batch_size.unwrap_or(1)) {
        return Err(format!("batch_size {:?} of {} rows", run.batch_size, input.nrows()).into());
    }
    let target = run.target.load(input.nrows(), outputs)?;

    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let mut difference = Difference::new(Tolerance { relative: 1e-12, absolute: 1e-14 });
    for (step, &reference) in run.losses.iter().enumerate() {
        let rows = batch(step, run.batch_size, input.nrows());
        let graph = tape.record(&params);
        let output = model.forward(graph.input(&input.slice_axis(Axis(0), rows)));
        let mut value = loss(&run.loss, graph, output, &target, rows)?;
        if let Some((penalty, weights)) = &penalty {
            value = value + graph.penalty(penalty, weights);
        }
        value.backward(&mut grads);
        difference.add(value.item(), reference);
        optimizer.step(&mut params, &grads)?;
    }
    same_length("final parameters", params.len(), run.last.len())?;
    for (id, named) in params.ids().into_iter().zip(&run.last) {
        let got = params.get(id);
        if params.name(id) != named.name {
            return Err(
                format!("final parameter {:?} stands where {:?} was expected", named.name, params.name(id)).into()
            );
        }
        same_shape(&named.name, got.shape(), &named.tensor)?;
        difference.add_all(got.iter().copied(), &named.tensor.data);
    }
    Ok(difference)
}

/// The rows of a step: batches in order and wrapping, the one that reaches the end cut off there.
fn batch(step: usize, size: Option<usize>, rows: usize) -> Slice {
    let size = size.unwrap_or(rows);
    let start = step * size % rows;
    Slice::from(start..(start + size).min(rows))
}

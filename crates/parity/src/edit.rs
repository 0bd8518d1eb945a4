//! `edit` files: changes of one linear layer that send given keys to given values and cost the other keys least.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::tensor::{Tensor, same_length, same_shape};
use serde::Deserialize;
use serde_json::Value;
use wane_autodiff::ndarray::{Array2, ArrayView2};
use wane_autodiff::{Params, Rng, rand::SeedableRng};
use wane_edit::{Edit, EditOptions, Editor, Fit, KeyStats, Measure, Ridge, Site, Wanted};
use wane_layers::Sequential;

#[derive(Debug, Deserialize)]
struct Problem {
    /// (out, in).
    weight: Tensor,
    bias: Tensor,
    /// (rows, in).
    keys: Tensor,
    rho: f64,
    /// (edits, in).
    edit_keys: Tensor,
    /// (edits, out).
    edit_values: Tensor,
    delta_weight: Tensor,
    /// ρ included, as in all of them.
    drift: f64,
    drift_with_identity: f64,
    with_bias: Option<WithBias>,
    soft: Option<Soft>,
}

#[derive(Debug, Deserialize)]
struct WithBias {
    delta_weight: Tensor,
    delta_bias: Tensor,
    drift: f64,
}

#[derive(Debug, Deserialize)]
struct Soft {
    lambda: f64,
    delta_weight: Tensor,
}

const TOLERANCE: Tolerance = Tolerance { relative: 1e-9, absolute: 0.0 };

/// A layer alone, whose keys are what it is given.
struct Layer {
    model: Sequential<f64>,
    params: Params<f64>,
    keys: Array2<f64>,
    edit_keys: Array2<f64>,
    edit_values: Array2<f64>,
}

pub(crate) fn replay(file: Value) -> Result<Difference, Failure> {
    let problem: Problem = serde_json::from_value(file)?;
    let layer = Layer::new(&problem)?;
    let rho = problem.rho;
    let exact = EditOptions { ridge: Ridge::Absolute(rho), ..Default::default() };
    let mut difference = Difference::new(TOLERANCE);

    let edit = layer.edit(exact)?;
    weights(&mut difference, "delta_weight", edit.delta_weight().view(), &problem.delta_weight)?;
    difference.add(edit.report().objective, problem.drift);
    let smallest = layer.edit(EditOptions { measure: Measure::Size, ..exact })?;
    difference.add(smallest.report().objective, problem.drift_with_identity);
    if let Some(reference) = &problem.with_bias {
        let edit = layer.edit(EditOptions { bias: true, ..exact })?;
        weights(&mut difference, "with_bias: delta_weight", edit.delta_weight().view(), &reference.delta_weight)?;
        let bias = edit.delta_bias().ok_or("an edit of the bias without one")?;
        same_length("with_bias: delta_bias", bias.len(), reference.delta_bias.data.len())?;
        add_all(&mut difference, bias.iter().copied(), &reference.delta_bias.data);
        difference.add(edit.report().objective, reference.drift);
    }
    if let Some(reference) = &problem.soft {
        let edit = layer.edit(EditOptions { fit: Fit::Soft(reference.lambda), ..exact })?;
        weights(&mut difference, "soft: delta_weight", edit.delta_weight().view(), &reference.delta_weight)?;
    }
    Ok(difference)
}

impl Layer {
    fn new(problem: &Problem) -> Result<Self, Failure> {
        let &[outputs, inputs] = &problem.weight.shape[..] else {
            return Err(format!("weight has shape {:?}, wanted (out, in)", problem.weight.shape).into());
        };
        // Before a layer is made of that size.
        let weight = problem.weight.matrix("weight", inputs)?;
        let keys = problem.keys.matrix("keys", inputs)?;
        let edit_keys = problem.edit_keys.matrix("edit_keys", inputs)?;
        let edit_values = problem.edit_values.matrix("edit_values", outputs)?;
        let mut params = Params::new();
        let builder = Sequential::new().linear(inputs, outputs);
        let model = builder.build(params.root(), &mut Rng::seed_from_u64(0))?;
        params.set(params.id("0.weight")?, &weight)?;
        params.set(params.id("0.bias")?, &problem.bias.array()?)?;
        Ok(Self { model, params, keys, edit_keys, edit_values })
    }

    fn edit(&self, options: EditOptions) -> Result<Edit, Failure> {
        let site = Site::new(&self.model, &self.params, 0)?;
        let stats = KeyStats::of(&site, &self.params, self.keys.view())?;
        let editor = Editor::new(site, &self.params, stats, options)?;
        Ok(editor.edit(&self.params, self.edit_keys.view(), Wanted::Values(self.edit_values.view()))?)
    }
}

fn weights(
    difference: &mut Difference,
    what: &str,
    got: ArrayView2<'_, f64>,
    reference: &Tensor,
) -> Result<(), Failure> {
    same_shape(what, got.shape(), reference)?;
    add_all(difference, got.iter().copied(), &reference.data);
    Ok(())
}

/// Where terms cancel (a dead unit's weight), what is left is no more exact than they are.
fn add_all(difference: &mut Difference, got: impl Iterator<Item = f64>, reference: &[f64]) {
    let largest = reference.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let tolerance = Tolerance { absolute: 1e-12 * largest, ..TOLERANCE };
    got.zip(reference).for_each(|(got, &reference)| difference.add_within(got, reference, tolerance));
}

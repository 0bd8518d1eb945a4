//! Taking out of a model what its zeros have made useless.

mod chain;
mod report;

pub use report::{ShrinkReport, ShrunkLayer};

use crate::{LayerSpec, Linear, Module, Sequential};
use chain::{Chain, Plain};
use std::collections::HashSet;
use std::sync::Arc;
use wane_autodiff::ndarray::{ArrayD, IxDyn};
use wane_autodiff::{Error, Float, ParamId, Params};

/// How [`Sequential::shrink`] shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShrinkOptions {
    /// Whether features that no neuron listens to are dropped too: the new model then takes in fewer columns,
    /// [`ShrinkReport::inputs`].
    pub drop_inputs: bool,
}

/// What [`Sequential::shrink`] makes.
#[derive(Debug)]
pub struct Shrunk<T> {
    /// The smaller model.
    pub model: Sequential<T>,
    /// Its parameters, under the names of before.
    pub params: Params<T>,
    /// What has gone, and what could not.
    pub report: ShrinkReport,
}

impl<T: Float> Sequential<T> {
    /// The same function with fewer neurons: those that zero weights have cut off are taken out, and the outputs stay what they
    /// were, to rounding. So a penalty that makes whole rows or columns exactly zero
    /// (`wane_penalties::GroupLasso`, as a proximal term of the optimizer) ends as a smaller and faster model.
    ///
    /// - A hidden neuron whose weights out are all 0 goes, whatever goes into it.
    /// - A hidden neuron whose weights in are all 0 is a constant, a = act(bias). It goes, and a times its weights out is added
    ///   to the bias of the next layer. If that has no bias, it goes where a is 0, and otherwise stays
    ///   ([`ShrunkLayer::constants`]).
    ///
    /// This repeats until nothing more goes, since a neuron may have been the last to listen to one before it. A layer of which
    /// all would go keeps one, without any weight in or out: a layer is never of none.
    ///
    /// Neurons are looked for in [`Linear`] layers with nothing but activations and dropout up to the next one (dropout in
    /// evaluation, where it does nothing). Any other layer, and one whose parameters another shares, is left as it is, and
    /// so are the neurons at its border; [`ShrinkReport::untouched`] names it.
    ///
    /// The result is a model like any other: it predicts, is saved, and is trained on. Handles, optimizers and gradients of the
    /// old parameters are refused by the new ones; frozen parameters stay frozen. Parameters of other models, which may stand
    /// among `params`, are passed on as they are.
    ///
    /// ```
    /// use wane_autodiff::{Params, Rng, ndarray::array, rand::SeedableRng};
    /// use wane_layers::{Sequential, ShrinkOptions};
    ///
    /// let (mut params, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
    /// let model = Sequential::new().linear(2, 3).relu().linear(3, 1).build(params.root(), &mut rng)?;
    /// params.set(params.id("0.weight")?, &array![[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])?; // neuron 1 is a constant
    /// params.set(params.id("2.weight")?, &array![[1.0, 2.0, 0.0]])?; // nobody listens to neuron 2
    ///
    /// let small = model.shrink(&params, ShrinkOptions { drop_inputs: true })?;
    /// assert_eq!(small.report.layers[0].kept, [0]);
    /// assert_eq!((small.report.inputs, small.report.dead_inputs), (vec![0], vec![1]));
    /// assert_eq!((small.report.parameters, small.report.dead_features), ((13, 4), vec!["column 1".to_owned()]));
    ///
    /// let (x, x_kept) = (array![[0.5, 7.0], [-2.0, 8.0]], array![[0.5], [-2.0]]);
    /// let (before, after) = (model.predict(&params, x.view())?, small.model.predict(&small.params, x_kept.view())?);
    /// assert!((before - after).iter().all(|error| error.abs() < 1e-15));
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Refit after selection
    ///
    /// A penalty that has chosen features and neurons has also made the weights of those it kept too small. What is left is
    /// trained on without the penalty: shrink with `drop_inputs`, give the data the columns `report.inputs`
    /// (`Dataset::select_features`), and make an optimizer without a proximal term over the new parameters.
    ///
    /// # Errors
    /// Parameters of another model.
    pub fn shrink(&self, params: &Params<T>, options: ShrinkOptions) -> Result<Shrunk<T>, Error> {
        let mut chain = self.chain(params)?;
        chain.settle(&self.layers, params);
        let dead_inputs = chain.dead_inputs();
        if options.drop_inputs {
            chain.drop_inputs(&dead_inputs);
        }
        self.rebuilt(params, &chain, dead_inputs)
    }

    /// The model without the weights that its first linear layer has for other columns of x than `columns`: it takes in these
    /// alone. Where those weights are 0, the outputs stay what they were; [`shrink`](Self::shrink) finds such columns by
    /// itself, and takes neurons out, which this does not.
    ///
    /// # Errors
    /// No column, one that the model does not take in, or an order that does not rise; a model in which another layer comes
    /// before the first linear one; parameters of another model.
    pub fn select_inputs(&self, params: &Params<T>, columns: &[usize]) -> Result<Shrunk<T>, Error> {
        let mut chain = self.chain(params)?;
        let all = chain.inputs().ok_or_else(|| {
            let first = self.layers.first().map_or("none".to_owned(), |first| first.describe().kind);
            Error::option("first layer", first, "linear, with parameters of its own")
        })?;
        if columns.is_empty() {
            return Err(Error::option("number of columns", 0, "at least 1"));
        }
        if let Some(pair) = columns.windows(2).find(|pair| pair[1] <= pair[0]) {
            return Err(Error::option("column", pair[1], format!("above {}, as columns rise", pair[0])));
        }
        if let Some(column) = columns.last().filter(|&&column| column >= all.len()) {
            return Err(Error::option("column", column, format!("below {}", all.len())));
        }
        let mut dead = chain.dead_inputs();
        let dropped: Vec<_> = all.into_iter().filter(|column| !columns.contains(column)).collect();
        chain.drop_inputs(&dropped);
        dead.extend(dropped);
        dead.sort_unstable();
        dead.dedup();
        self.rebuilt(params, &chain, dead)
    }

    fn rebuilt(&self, params: &Params<T>, chain: &Chain<T>, dead_inputs: Vec<usize>) -> Result<Shrunk<T>, Error> {
        let mut shrunk = self.rebuild(params, chain)?;
        let Shrunk { model, report, .. } = &mut shrunk;
        report.inputs = match chain.inputs() {
            Some(inputs) => inputs,
            None => (0..self.describe().widths.map_or(0, |(inputs, _)| inputs)).collect(),
        };
        report.dead_features = dead_inputs.iter().map(|column| format!("column {column}")).collect();
        report.dead_inputs = dead_inputs;
        report.parameters = (self.describe().count(), model.describe().count());
        Ok(shrunk)
    }

    /// The layers as they are seen: linear, element-wise or neither.
    fn chain(&self, params: &Params<T>) -> Result<Chain<T>, Error> {
        let described: Vec<_> = self.layers.iter().map(|layer| layer.describe()).collect();
        let (mut once, mut shared) = (HashSet::new(), HashSet::new());
        for &(id, _) in described.iter().flat_map(|layer| &layer.parameters) {
            params.layout().entry(id)?;
            if !once.insert(id) {
                shared.insert(id);
            }
        }
        let mut chain = Chain::default();
        for (number, (layer, described)) in self.layers.iter().zip(described).enumerate() {
            let ids: Vec<ParamId> = described.parameters.iter().map(|&(id, _)| id).collect();
            match (&self.specs[number], &ids[..]) {
                (Some(LayerSpec::Linear { .. }), _) if ids.iter().any(|id| shared.contains(id)) => {
                    chain.untouched(number, format!("{} with shared parameters", described.kind));
                }
                (Some(LayerSpec::Linear { .. }), &[weight, ref bias @ ..]) => {
                    chain.linear(Plain::new(number, params, weight, bias.first().copied()));
                }
                (Some(LayerSpec::Dropout { .. }), _) => {}
                _ if layer.as_activation().is_some() => {}
                _ => chain.untouched(number, described.kind),
            }
        }
        Ok(chain)
    }

    /// Model and parameters of what is left. Every parameter keeps its name and its place, so that layers which hold
    /// handles of those that are as they were go on with them.
    fn rebuild(&self, params: &Params<T>, chain: &Chain<T>) -> Result<Shrunk<T>, Error> {
        let mut new = Params::new();
        for param in params.iter() {
            let id = match chain.changed(param.id) {
                Some(values) => new.root().add(param.name, &values)?,
                None => {
                    let values = ArrayD::from_shape_vec(IxDyn(param.shape.dims()), param.values.to_vec());
                    new.root().add(param.name, &values.expect("a parameter has the values of its shape"))?
                }
            };
            if param.frozen {
                new.freeze(&[id])?;
            }
        }
        let ids = new.ids();
        let (mut layers, mut specs) = (self.layers.clone(), self.specs.clone());
        for plain in chain.linears() {
            let bias = plain.bias.map(|bias| ids[bias.index()]);
            let linear = Linear::tied(&new, ids[plain.weight.index()], bias)?;
            let (inputs, outputs) = linear.widths();
            specs[plain.number] = Some(LayerSpec::Linear { inputs, outputs, bias: bias.is_some() });
            layers[plain.number] = Arc::new(linear);
        }
        Ok(Shrunk { model: Sequential { layers, specs }, params: new, report: chain.report() })
    }
}

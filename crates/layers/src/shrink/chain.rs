use super::{ShrinkReport, ShrunkLayer};
use crate::Module;
use std::sync::Arc;
use wane_autodiff::ndarray::{Array1, Array2, ArrayD, Axis, Ix2};
use wane_autodiff::{Float, ParamId, Params, Tape};

/// A model's layers, as far as neurons are concerned: what is element-wise leaves no trace.
#[derive(Debug)]
pub(super) struct Chain<T> {
    linears: Vec<Plain<T>>,
    untouched: Vec<(usize, String)>,
}

/// A [`Linear`](crate::Linear) layer with parameters of its own, and which of its weights are still wanted.
#[derive(Debug)]
pub(super) struct Plain<T> {
    pub(super) number: usize,
    pub(super) weight: ParamId,
    pub(super) bias: Option<ParamId>,
    /// (out, in).
    w: Array2<T>,
    b: Option<Vec<T>>,
    outputs: Vec<bool>,
    inputs: Vec<bool>,
    /// Whether what comes in is what the linear layer before gives, or the model's input, element by element.
    is_joined: bool,
}

impl<T> Default for Chain<T> {
    fn default() -> Self {
        Self { linears: Vec::new(), untouched: Vec::new() }
    }
}

impl<T: Float> Plain<T> {
    pub(super) fn new(number: usize, params: &Params<T>, weight: ParamId, bias: Option<ParamId>) -> Self {
        let w =
            params.get(weight).to_owned().into_dimensionality::<Ix2>().expect("a linear layer's weight has two axes");
        let b = bias.map(|bias| params.get(bias).iter().copied().collect());
        let (outputs, inputs) = (vec![true; w.nrows()], vec![true; w.ncols()]);
        Self { number, weight, bias, w, b, outputs, inputs, is_joined: true }
    }

    /// Whether all weights into a neuron, as far as something still comes in, are such.
    fn row_is(&self, row: usize, such: impl Fn(T) -> bool) -> bool {
        self.w.row(row).iter().zip(&self.inputs).all(|(&w, &is_live)| !is_live || such(w))
    }

    fn column_is_zero(&self, column: usize) -> bool {
        self.w.column(column).iter().zip(&self.outputs).all(|(w, &is_live)| !is_live || w.is_zero())
    }

    /// What a neuron gives before its activation, if nothing comes in.
    fn bias_of(&self, row: usize) -> T {
        self.b.as_ref().map_or(T::zero(), |b| b[row])
    }

    fn column_is_finite(&self, column: usize) -> bool {
        self.w.column(column).iter().zip(&self.outputs).all(|(w, &is_live)| !is_live || w.is_finite())
    }

    /// Adds what a constant input brings to the bias; `false` if there is none to take it up, or if it brings no number.
    fn take_up(&mut self, column: usize, constant: T) -> bool {
        if !self.column_is_finite(column) {
            return false;
        }
        if constant.is_zero() {
            return true;
        }
        let Some(b) = self.b.as_mut().filter(|_| constant.is_finite()) else { return false };
        for (b, &w) in b.iter_mut().zip(self.w.column(column)) {
            *b = T::of(constant.widen().mul_add(w.widen(), b.widen()));
        }
        true
    }
}

impl<T: Float> Chain<T> {
    pub(super) fn linear(&mut self, mut plain: Plain<T>) {
        let before = self.linears.last().map(|before| before.number);
        let blocked = self.untouched.last().is_some_and(|&(number, _)| before.is_none_or(|before| before < number));
        plain.is_joined = !blocked;
        self.linears.push(plain);
    }

    pub(super) fn untouched(&mut self, number: usize, kind: String) {
        self.untouched.push((number, kind));
    }

    pub(super) fn linears(&self) -> &[Plain<T>] {
        &self.linears
    }

    /// Takes out neurons until nothing more goes.
    pub(super) fn settle(&mut self, layers: &[Arc<dyn Module<T>>], params: &Params<T>) {
        let mut tape = Tape::new();
        let mut goes_on = true;
        while goes_on {
            goes_on = false;
            for border in 1..self.linears.len() {
                let (before, after) = self.linears.split_at_mut(border);
                let (from, to) = (&mut before[border - 1], &mut after[0]);
                if !to.is_joined {
                    continue;
                }
                // What a constant becomes is what the layers between make of it.
                let between = &layers[from.number + 1..to.number];
                goes_on |= take_out(from, to, |constant| {
                    let x = tape.record(params).input(&Array2::from_elem((1, 1), constant));
                    between.iter().fold(x, |x, layer| layer.forward(x)).item()
                });
            }
        }
    }

    /// The linear layer that the model's input comes to, with nothing but element-wise layers before it.
    fn first(&self) -> Option<&Plain<T>> {
        self.linears.first().filter(|first| first.is_joined)
    }

    /// The columns of x of which nothing is used; none where that can't be told.
    pub(super) fn dead_inputs(&self) -> Vec<usize> {
        let Some(first) = self.first() else { return Vec::new() };
        (0..first.inputs.len()).filter(|&column| first.column_is_zero(column)).collect()
    }

    /// Takes the given columns out of the first layer, but for one if they are all there are.
    pub(super) fn drop_inputs(&mut self, dead: &[usize]) {
        let Some(first) = self.linears.first_mut().filter(|first| first.is_joined) else { return };
        let spared = usize::from(dead.len() == first.inputs.len());
        dead[spared..].iter().for_each(|&column| first.inputs[column] = false);
    }

    /// The columns of x that are taken in, where that can be told.
    pub(super) fn inputs(&self) -> Option<Vec<usize>> {
        self.first().map(|first| kept(&first.inputs))
    }

    /// The values that a parameter of these layers has now.
    pub(super) fn changed(&self, id: ParamId) -> Option<ArrayD<T>> {
        let plain = self.linears.iter().find(|plain| plain.weight == id || plain.bias == Some(id))?;
        let (rows, columns) = (kept(&plain.outputs), kept(&plain.inputs));
        match &plain.b {
            Some(b) if plain.bias == Some(id) => Some(rows.iter().map(|&row| b[row]).collect::<Array1<T>>().into_dyn()),
            _ => Some(plain.w.select(Axis(0), &rows).select(Axis(1), &columns).into_dyn()),
        }
    }

    pub(super) fn report(&self) -> ShrinkReport {
        let layers = self.linears.iter().enumerate().map(|(i, plain)| {
            let neurons = kept(&plain.outputs);
            let is_hidden = self.linears.get(i + 1).is_some_and(|next| next.is_joined);
            let is_constant = |&&row: &&usize| is_hidden && plain.row_is(row, |w| w.is_zero());
            let constants = neurons.iter().filter(is_constant).copied().collect();
            ShrunkLayer { layer: plain.number, is_hidden, neurons: plain.outputs.len(), kept: neurons, constants }
        });
        ShrinkReport { layers: layers.collect(), untouched: self.untouched.clone(), ..Default::default() }
    }
}

/// Takes the neurons out of `from` that `to` has no use for, or for which a constant will do; whether there were any.
fn take_out<T: Float>(from: &mut Plain<T>, to: &mut Plain<T>, mut act: impl FnMut(T) -> T) -> bool {
    let mut left = from.outputs.iter().filter(|&&is_live| is_live).count();
    let before = left;
    let mut is_emptied = false;
    for neuron in 0..from.outputs.len() {
        if !from.outputs[neuron] {
            continue;
        }
        // Zero times a NaN is no zero: weights that are not finite are not for this to hide.
        let is_unheard =
            to.column_is_zero(neuron) && from.row_is(neuron, |w| w.is_finite()) && from.bias_of(neuron).is_finite();
        let is_constant = from.row_is(neuron, |w| w.is_zero());
        if is_unheard && is_constant && left == 1 {
            continue;
        }
        let is_needless = is_unheard || (is_constant && to.take_up(neuron, act(from.bias_of(neuron))));
        if !is_needless {
            continue;
        }
        if left > 1 {
            (from.outputs[neuron], to.inputs[neuron]) = (false, false);
            left -= 1;
        } else {
            from.w.row_mut(neuron).fill(T::zero());
            to.w.column_mut(neuron).fill(T::zero());
            is_emptied = true;
        }
    }
    is_emptied || left < before
}

fn kept(live: &[bool]) -> Vec<usize> {
    (0..live.len()).filter(|&i| live[i]).collect()
}

use std::fmt;

/// What [`Sequential::shrink`](crate::Sequential::shrink) took out, and what it left. Its `Display` is a line a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShrinkReport {
    /// The linear layers, in order.
    pub layers: Vec<ShrunkLayer>,
    /// The layers that were left as they are, each by its number and kind: norms, blocks, layers of one's own, and linear
    /// layers whose parameters another shares. The neurons of the linear layers beside them stay.
    pub untouched: Vec<(usize, String)>,
    /// The columns of x of which nothing is used. None where a layer before the first linear one was left as it is.
    pub dead_inputs: Vec<usize>,
    /// What those are called: the names that `wane_train::Predictor::shrink` has for them, and otherwise "column 7".
    pub dead_features: Vec<String>,
    /// The columns of x that the new model takes in, in its order: all of them, unless
    /// [`drop_inputs`](crate::ShrinkOptions::drop_inputs) was asked for. One stays even if all are dead.
    pub inputs: Vec<usize>,
    /// How many numbers the model learns, before and after.
    pub parameters: (usize, usize),
}

/// A linear layer in a [`ShrinkReport`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShrunkLayer {
    /// Its number in the model.
    pub layer: usize,
    /// Whether its neurons were looked at: the next linear layer takes in what they give, one by one. Others stay, as they are
    /// outputs or go into a layer that was left as it is.
    pub is_hidden: bool,
    /// How many neurons it had.
    pub neurons: usize,
    /// Those it still has, by their numbers of before.
    pub kept: Vec<usize>,
    /// Those among them that are constants, because the next layer has no bias to take them up or a weight for them that is not
    /// finite, or because a layer keeps one neuron.
    pub constants: Vec<usize>,
}

impl ShrunkLayer {
    /// How many neurons have gone.
    pub fn removed(&self) -> usize {
        self.neurons - self.kept.len()
    }
}

impl fmt::Display for ShrinkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ShrunkLayer { layer, neurons, kept, constants, .. } in &self.layers {
            write!(f, "layer {layer}: {} of {neurons} neurons", kept.len())?;
            match constants.len() {
                0 => writeln!(f)?,
                count => writeln!(f, ", {count} of them constant")?,
            }
        }
        for (layer, kind) in &self.untouched {
            writeln!(f, "layer {layer}: {kind}, left as it is")?;
        }
        if !self.dead_inputs.is_empty() {
            let live = self.inputs.iter().filter(|input| !self.dead_inputs.contains(input)).count();
            let all = live + self.dead_inputs.len();
            writeln!(f, "inputs: {live} of {all} used; not {}", self.dead_features.join(", "))?;
        }
        let (before, after) = self.parameters;
        write!(f, "parameters: {after} of {before}")
    }
}

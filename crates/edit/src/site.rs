use crate::checksum::Checksum;
use wane_autodiff::ndarray::{Array2, ArrayView2, Ix2};
use wane_autodiff::{Entry, Error, Float, Params, Tape, Var};
use wane_layers::{Linear, Module, Sequential, check_input};

/// A [`Linear`] layer of a [`Sequential`], as a place where the model can be edited: y = Wk + b, where k, the layer's
/// input, is the key of what the model is given, and y the value that the layers behind it go on with.
#[derive(Clone, Debug)]
pub struct Site<'m, T> {
    model: &'m Sequential<T>,
    index: usize,
    linear: Linear,
    weight: String,
    bias: Option<String>,
}

impl<'m, T: Float> Site<'m, T> {
    /// The layer of that number in [`Sequential::layers`].
    ///
    /// A layer whose weight or bias another layer shares is refused: an edit would change both, and what is known of the
    /// keys of one says nothing of the other's. A Linear inside a block (a residual, say) has no number of its own.
    ///
    /// # Errors
    /// A layer that is no Linear, or that has no parameters of its own; parameters of another model.
    pub fn new(model: &'m Sequential<T>, params: &Params<T>, layer: usize) -> Result<Self, Error> {
        let Some(&linear) = model.layers().get(layer).and_then(|layer| layer.as_linear()) else {
            let given = match model.layers().get(layer) {
                Some(other) => format!("{layer}, which is {}", other.describe().kind),
                None => format!("{layer} of {}", model.layers().len()),
            };
            let linears = (0..model.layers().len()).filter(|&at| model.layers()[at].as_linear().is_some());
            let numbers: Vec<_> = linears.map(|at| at.to_string()).collect();
            let expected = match numbers.len() {
                0 => "a Linear layer, of which the model has none".to_owned(),
                _ => format!("the number of a Linear layer: {}", numbers.join(", ")),
            };
            return Err(Error::option("layer", given, expected));
        };
        let name = |id| params.layout().entry(id).map(|entry| entry.name().to_owned());
        let (weight, bias) = (name(linear.weight())?, linear.bias().map(name).transpose()?);
        let parameters = model.describe().parameters;
        let is_shared = |id| parameters.iter().filter(|&&(other, _)| other == id).count() > 1;
        for (id, name) in [(Some(linear.weight()), Some(&weight)), (linear.bias(), bias.as_ref())] {
            if let (Some(id), Some(name)) = (id, name)
                && (is_shared(id) || linear.is_transposed())
            {
                let given = format!("{layer}, whose {name:?} another layer shares");
                return Err(Error::option("layer", given, "a layer with parameters of its own"));
            }
        }
        let site = Self { model, index: layer, linear, weight, bias };
        site.check(params)?;
        Ok(site)
    }

    /// The model.
    pub fn model(&self) -> &'m Sequential<T> {
        self.model
    }

    /// The layer's number.
    pub fn layer(&self) -> usize {
        self.index
    }

    /// The layer.
    pub fn linear(&self) -> Linear {
        self.linear
    }

    /// The name of the layer's weight, by which messages and files know the layer.
    pub fn name(&self) -> &str {
        &self.weight
    }

    pub(crate) fn bias_name(&self) -> Option<&str> {
        self.bias.as_deref()
    }

    /// The keys of the rows of x: what comes into the layer, evaluated (dropout drops nothing). x is (rows, in), the
    /// result (rows, inputs of the layer).
    ///
    /// # Errors
    /// An x of another width than the model takes in, or with a value that is not finite; a key that is not finite;
    /// parameters of another model.
    pub fn keys(&self, params: &Params<T>, x: ArrayView2<'_, T>) -> Result<Array2<T>, Error> {
        self.check(params)?;
        self.check_input(x)?;
        let mut tape = Tape::new();
        let mut keys = tape.record(params).input(&x);
        for layer in &self.model.layers()[..self.index] {
            keys = layer.forward(keys);
        }
        let keys = matrix(keys, &format!("input of {:?}", self.weight))?;
        match keys.indexed_iter().find(|(_, key)| !key.is_finite()) {
            Some(((row, unit), key)) => {
                Err(Error::data(format!("unit {unit} of the key of row {row}"), key, "a finite number"))
            }
            None => Ok(keys),
        }
    }

    /// Refuses data that the model does not take in.
    pub(crate) fn check_input(&self, x: ArrayView2<'_, T>) -> Result<(), Error> {
        check_input(x, self.model.describe().widths.map(|(inputs, _)| inputs), &[])
    }

    /// The model's output, recorded, where the layer's is `value`: (rows, outputs of the layer).
    pub(crate) fn output<'g>(&self, value: Var<'g, T>) -> Var<'g, T> {
        self.model.layers()[self.index + 1..].iter().fold(value, |value, layer| layer.forward(value))
    }

    /// Whether nothing stands behind the layer, so that its values are the model's outputs.
    pub(crate) fn is_last(&self) -> bool {
        self.index + 1 == self.model.layers().len()
    }

    /// The layer's weight, (out, in), and its bias.
    pub(crate) fn parameters<'p>(&self, params: &'p Params<T>) -> Result<(&'p [T], Option<&'p [T]>), Error> {
        let of = |entry: &Entry| &params.as_slice()[entry.range()];
        let weight = of(params.layout().entry(self.linear.weight())?);
        Ok((weight, self.linear.bias().map(|id| params.layout().entry(id).map(of)).transpose()?))
    }

    /// A checksum of the layer's weight and bias.
    pub(crate) fn checksum(&self, params: &Params<T>) -> Result<u32, Error> {
        let (weight, bias) = self.parameters(params)?;
        Ok(Checksum::of_layer(weight, bias))
    }

    /// A checksum of all that makes keys of data: the layers before this one, and their parameters.
    pub(crate) fn checksum_before(&self, params: &Params<T>) -> Result<u32, Error> {
        let mut checksum = Checksum::new::<T>();
        for layer in &self.model.layers()[..self.index] {
            let described = layer.describe();
            checksum.text(&described.kind);
            for (id, _) in described.parameters {
                checksum.values(&params.as_slice()[params.layout().entry(id)?.range()]);
            }
        }
        Ok(checksum.finish())
    }

    /// Refuses parameters of another model.
    pub(crate) fn check(&self, params: &Params<T>) -> Result<(), Error> {
        self.model.describe().parameters.iter().try_for_each(|&(id, _)| params.layout().entry(id).map(drop))
    }
}

/// The value as a matrix.
pub(crate) fn matrix<T: Float>(value: Var<'_, T>, what: &str) -> Result<Array2<T>, Error> {
    let value = value.to_array();
    let shape = format!("{:?}", value.shape());
    value
        .into_dimensionality::<Ix2>()
        .map_err(|_| Error::data(format!("shape of the {what}"), shape, "two axes, a row of numbers a row of data"))
}

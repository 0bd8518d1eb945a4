use crate::size::check_sizes;
use crate::{Description, Init, Module};
use wane_autodiff::{Activation, Entry, Error, Float, ParamId, Params, Rng, Scope, Var};

/// y = x·Wᵀ + b, with x: (batch, in), W: (out, in), b: (out,).
///
/// Weight and bias start as PyTorch's `nn.Linear` starts them, uniform in ±1/√in, or by an [`Init`] of one's own. A layer
/// may also share what others own: [`tied`](Self::tied), [`tied_transposed`](Self::tied_transposed).
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    weight: ParamId,
    bias: Option<ParamId>,
    inputs: usize,
    outputs: usize,
    /// W is stored as (in, out).
    transposed: bool,
}

impl Linear {
    /// A layer with `weight` and `bias` below `scope`.
    ///
    /// # Errors
    /// A width of zero, or of more weights than memory can hold; a name already taken.
    pub fn new<T: Float>(scope: Scope<'_, T>, inputs: usize, outputs: usize, rng: &mut Rng) -> Result<Self, Error> {
        Self::with_init(scope, (inputs, outputs), start(inputs), Some(start(inputs)), rng)
    }

    /// A layer with `weight` alone (PyTorch's `bias=False`).
    ///
    /// # Errors
    /// A width of zero, or of more weights than memory can hold; a name already taken.
    pub fn without_bias<T: Float>(
        scope: Scope<'_, T>,
        inputs: usize,
        outputs: usize,
        rng: &mut Rng,
    ) -> Result<Self, Error> {
        Self::with_init(scope, (inputs, outputs), start(inputs), None, rng)
    }

    /// A layer of widths (in, out) whose weight starts by one law and whose bias, if there is to be one, by another.
    ///
    /// # Errors
    /// Those of [`new`](Self::new); an init whose options are out of range, or that is not for one axis where it is the
    /// bias's.
    pub fn with_init<T: Float>(
        mut scope: Scope<'_, T>,
        (inputs, outputs): (usize, usize),
        weight: Init,
        bias: Option<Init>,
        rng: &mut Rng,
    ) -> Result<Self, Error> {
        check_sizes("linear", &[("inputs", inputs), ("outputs", outputs)])?;
        scope.all_or_nothing(|mut scope| {
            let mut add = |name: &str, init: Init, dims: &[usize]| {
                scope.add(name, &init.draw(dims, rng).map_err(|error| error.within(name))?)
            };
            let weight = add("weight", weight, &[outputs, inputs])?;
            let bias = bias.map(|init| add("bias", init, &[outputs])).transpose()?;
            Ok(Self { weight, bias, inputs, outputs, transposed: false })
        })
    }

    /// A layer over parameters that exist, such as another layer's: `weight` is (out, in), `bias` (out,). Their gradients
    /// add up, an optimizer moves them once, and a summary counts them once.
    ///
    /// Inside a `new` of one's own, `params` is [`Scope::params`].
    ///
    /// # Errors
    /// A weight of other than two axes; a bias of another length; a handle of other Params.
    pub fn tied<T: Float>(params: &Params<T>, weight: ParamId, bias: Option<ParamId>) -> Result<Self, Error> {
        Self::over(params, weight, bias, false)
    }

    /// A layer over another's weight the other way round, y = x·W + b: `weight` is (in, out), `bias` (out,).
    ///
    /// An autoencoder whose decoder is its encoder transposed:
    ///
    /// ```
    /// use wane_autodiff::ndarray::Array1;
    /// use wane_autodiff::{Error, Float, Params, Rng, Scope, Tape, Var, ndarray::array, rand::SeedableRng};
    /// use wane_layers::{Description, Linear, Module};
    ///
    /// #[derive(Debug)]
    /// struct Autoencoder {
    ///     encoder: Linear,
    ///     decoder: Linear,
    /// }
    ///
    /// impl Autoencoder {
    ///     fn new<T: Float>(mut scope: Scope<'_, T>, width: usize, code: usize, rng: &mut Rng) -> Result<Self, Error> {
    ///         let encoder = Linear::new(scope.at("encoder"), width, code, rng)?;
    ///         let bias = scope.at("decoder").add("bias", &Array1::zeros(width))?;
    ///         let decoder = Linear::tied_transposed(scope.params(), encoder.weight(), Some(bias))?;
    ///         Ok(Self { encoder, decoder })
    ///     }
    /// }
    ///
    /// impl<T: Float> Module<T> for Autoencoder {
    ///     #[track_caller]
    ///     fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
    ///         self.decoder.forward(self.encoder.forward(x).tanh())
    ///     }
    ///     fn describe(&self) -> Description {
    ///         let (width, _) = self.encoder.widths();
    ///         Description::of_parts::<T>("Autoencoder", Some((width, width)), &[&self.encoder, &self.decoder])
    ///     }
    /// }
    ///
    /// let (mut params, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
    /// let model = Autoencoder::new(params.root(), 3, 2, &mut rng)?;
    /// let names: Vec<_> = params.iter().map(|p| p.name).collect();
    /// assert_eq!(names, ["encoder.weight", "encoder.bias", "decoder.bias"]);
    /// assert_eq!(Module::<f64>::describe(&model).count(), 3 * 2 + 2 + 3);
    /// # let mut tape = Tape::new();
    /// # assert_eq!(model.forward(tape.record(&params).input(&array![[1.0, 2.0, 3.0]])).shape().dims(), [1, 3]);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`tied`](Self::tied).
    pub fn tied_transposed<T: Float>(
        params: &Params<T>,
        weight: ParamId,
        bias: Option<ParamId>,
    ) -> Result<Self, Error> {
        Self::over(params, weight, bias, true)
    }

    fn over<T: Float>(
        params: &Params<T>,
        weight: ParamId,
        bias: Option<ParamId>,
        transposed: bool,
    ) -> Result<Self, Error> {
        let refused = |entry: &Entry, expected: String| {
            Err(Error::parameter(format!("shape of {:?}", entry.name()), entry.shape(), expected))
        };
        let entry = params.layout().entry(weight)?;
        let (inputs, outputs) = match *entry.shape().dims() {
            [inputs, outputs] if transposed => (inputs, outputs),
            [outputs, inputs] => (inputs, outputs),
            _ => return refused(entry, "two axes, as the weight of a linear layer has".to_owned()),
        };
        if let Some(entry) = bias.map(|bias| params.layout().entry(bias)).transpose()?
            && entry.shape().dims() != [outputs]
        {
            return refused(entry, format!("({outputs},), as many as the tied weight gives"));
        }
        Ok(Self { weight, bias, inputs, outputs, transposed })
    }

    /// The weight, (out, in), or (in, out) in a layer that is tied the other way round.
    pub fn weight(&self) -> ParamId {
        self.weight
    }

    /// The bias, (out,), if there is one.
    pub fn bias(&self) -> Option<ParamId> {
        self.bias
    }

    /// Features in and features out.
    pub fn widths(&self) -> (usize, usize) {
        (self.inputs, self.outputs)
    }

    /// Whether the weight is stored as (in, out): a layer that is tied the other way round.
    pub fn is_transposed(&self) -> bool {
        self.transposed
    }

    #[track_caller]
    fn apply<'g, T: Float>(&self, x: Var<'g, T>, activation: Option<Activation>) -> Var<'g, T> {
        let graph = x.graph();
        let weight = graph.param(self.weight);
        let weight = if self.transposed { weight.t() } else { weight };
        x.linear(weight, self.bias.map(|bias| graph.param(bias)), activation)
    }
}

/// PyTorch's start of weight and bias.
fn start(inputs: usize) -> Init {
    let bound = 1.0 / (inputs as f64).sqrt();
    Init::Uniform(-bound, bound)
}

impl<T: Float> Module<T> for Linear {
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        self.apply(x, None)
    }

    #[track_caller]
    fn forward_then<'g>(&self, x: Var<'g, T>, activation: Activation) -> Var<'g, T> {
        self.apply(x, Some(activation))
    }

    fn as_linear(&self) -> Option<&Linear> {
        Some(self)
    }

    fn describe(&self) -> Description {
        let kind = match (self.transposed, self.bias.is_some()) {
            (false, true) => "Linear",
            (false, false) => "Linear(bias=false)",
            (true, true) => "Linear(transposed)",
            (true, false) => "Linear(transposed, bias=false)",
        };
        let mut parameters = vec![(self.weight, self.inputs * self.outputs)];
        parameters.extend(self.bias.map(|bias| (bias, self.outputs)));
        Description { kind: kind.to_owned(), widths: Some(self.widths()), parameters }
    }
}

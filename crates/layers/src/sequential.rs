use crate::{CustomLayer, Description, Dropout, Init, LayerNorm, LayerNormOptions, Linear, Module};
use crate::{LayerSpec, Parallel, Residual, RmsNorm, RmsNormOptions};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use wane_autodiff::ndarray::{Array2, ArrayView2};
use wane_autodiff::{Activation, Error, Float, Params, Rng, Scope, Tape, Var, reduce};

/// Layers one after the other, named by their number as PyTorch's `nn.Sequential` names them.
///
/// A model is made for one scalar. For [second derivatives](wane_autodiff::SecondOrder) it gets a twin of the same
/// names, which reads the same parameters:
///
/// ```
/// use wane_autodiff::{Dual, Float, Graph, Params, Rng, SecondOrder, Tape, Var};
/// use wane_autodiff::{ndarray::{Array2, array}, rand::SeedableRng};
/// use wane_layers::{Module, Sequential, SequentialBuilder};
///
/// fn net<T: Float>() -> SequentialBuilder<T> {
///     Sequential::new().linear(2, 8).tanh().linear(8, 1)
/// }
///
/// fn loss<'g, T: Float>(graph: Graph<'g, T>, model: &Sequential<T>, x: &Array2<f32>, y: &Array2<f32>) -> Var<'g, T> {
///     model.forward(graph.lift(x)).mse_loss(graph.lift(y))
/// }
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
/// let model = net().build(params.root(), &mut rng)?;
/// let twin = net::<Dual<f32>>().build(Params::new().root(), &mut rng)?;
/// let (x, y) = (array![[0.5, -1.0], [1.0, 2.0]], array![[0.0], [1.0]]);
///
/// let (mut tape, mut grads, mut second) = (Tape::new(), params.grads(), SecondOrder::new(&params));
/// loss(tape.record(&params), &model, &x, &y).backward(&mut grads);
/// second.gradient_norm_penalty(0.1, &params, &mut grads, |graph| loss(graph, &twin, &x, &y))?;
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Debug)]
pub struct Sequential<T> {
    /// Shared with the models that it is shrunk to.
    pub(crate) layers: Vec<Arc<dyn Module<T>>>,
    pub(crate) specs: Specs,
}

/// The layers as data; `None` for those that only code can make.
pub(crate) type Specs = Vec<Option<LayerSpec>>;

type Build<T> = Box<dyn FnOnce(Scope<'_, T>, &mut Rng) -> Result<Box<dyn Module<T>>, Error>>;

/// A [`Sequential`] as it is written down, before its parameters exist.
pub struct SequentialBuilder<T> {
    layers: Vec<Build<T>>,
    specs: Specs,
}

impl<T: Float> Sequential<T> {
    /// Starts writing a model down; [`build`](SequentialBuilder::build) makes it.
    #[expect(clippy::new_ret_no_self, reason = "a model without layers is of no use, so `new` starts with the layers")]
    pub fn new() -> SequentialBuilder<T> {
        SequentialBuilder { layers: Vec::new(), specs: Vec::new() }
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[Arc<dyn Module<T>>] {
        &self.layers
    }

    /// The layers as data, from which [`SequentialBuilder::specs`] makes them again: what a file holds beside the weights.
    ///
    /// # Errors
    /// A layer that was added by [`SequentialBuilder::layer`], or that holds one: only code can make it, where
    /// [`custom`](SequentialBuilder::custom) gives that code a name.
    pub fn specs(&self) -> Result<Vec<LayerSpec>, Error> {
        let named = self.specs.iter().zip(&self.layers).enumerate().map(|(number, (spec, layer))| {
            spec.clone().ok_or_else(|| {
                let expected = "a layer that SequentialBuilder has a method for (one's own: `custom`), all the way down: \
                                a file holds no code";
                Error::option(format!("layer {number}"), layer.describe().kind, expected)
            })
        });
        named.collect()
    }

    /// The number of features that go in and come out, where the layers fix them.
    fn widths(&self) -> Option<(usize, usize)> {
        widths(self.layers.iter().filter_map(|layer| layer.describe().widths))
    }

    /// The output for data that comes from outside, evaluated (dropout drops nothing): x is (rows, in), the result
    /// (rows, out).
    ///
    /// # Errors
    /// An x of another width than the model takes in, or with a value that is not finite; an output that is not a matrix.
    ///
    /// # Panics
    /// Other parameters than the model's.
    #[track_caller]
    pub fn predict(&self, params: &Params<T>, x: ArrayView2<'_, T>) -> Result<Array2<T>, Error> {
        check_input(x, self.widths().map(|(inputs, _)| inputs), &[])?;
        let mut tape = Tape::new();
        let output = self.forward(tape.record(params).input(&x)).to_array();
        let shape = format!("{:?}", output.shape());
        output.into_dimensionality().map_err(|_| Error::data("shape of the model's output", shape, "two axes"))
    }

    /// A table of layers, output shapes and parameter counts; the total counts a parameter that layers share once.
    pub fn summary(&self) -> String {
        let mut rows = vec![["layer".to_owned(), "kind".to_owned(), "output".to_owned(), "parameters".to_owned()]];
        let mut shape = "?".to_owned();
        for (number, layer) in self.layers.iter().enumerate() {
            let layer = layer.describe();
            if let Some((_, outputs)) = layer.widths {
                shape = format!("(batch, {outputs})");
            }
            let count = layer.count().to_string();
            rows.push([number.to_string(), layer.kind, shape.clone(), count]);
        }
        rows.push(["total".to_owned(), String::new(), String::new(), self.describe().count().to_string()]);
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let [w0, w1, w2, w3] = std::array::from_fn(width);
        let line = |[a, b, c, d]: &[String; 4]| format!("{a:<w0$}  {b:<w1$}  {c:<w2$}  {d:>w3$}\n");
        rows.iter().map(line).collect()
    }
}

/// Checks data that is to go into a model that takes in `inputs` features, or any number: what
/// [`Sequential::predict`] checks. Where features have names, a message gives them.
///
/// # Errors
/// An x of another number of columns; a value that is not finite, by its row and column.
pub fn check_input<T: Float>(x: ArrayView2<'_, T>, inputs: Option<usize>, names: &[String]) -> Result<(), Error> {
    if let Some(inputs) = inputs.filter(|&inputs| inputs != x.ncols()) {
        return Err(Error::data("number of columns of x", x.ncols(), format!("{inputs}, as the model takes in")));
    }
    // Zero times a number is zero unless that is not finite: a sum has no branch to take for each.
    let zeros = match x.as_slice() {
        Some(values) => reduce::sum_of(values, &|value| value * T::zero()),
        None => x.iter().map(|&value| value * T::zero()).sum(),
    };
    if zeros == T::zero() {
        return Ok(());
    }
    x.indexed_iter().filter(|(_, value)| !value.is_finite()).try_for_each(|((row, column), value)| {
        let name = names.get(column).map_or(String::new(), |name| format!(" ({name:?})"));
        Err(Error::data(format!("row {row}, column {column}{name} of x"), value, "a finite number"))
    })
}

/// The features in of the first and out of the last.
fn widths(mut all: impl DoubleEndedIterator<Item = (usize, usize)>) -> Option<(usize, usize)> {
    let (inputs, outputs) = all.next()?;
    Some((inputs, all.next_back().map_or(outputs, |(_, outputs)| outputs)))
}

impl<T: Float> Module<T> for Sequential<T> {
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        x.graph().attribute(Location::caller(), || {
            let mut layers = self.layers.iter().peekable();
            let mut x = x;
            while let Some(layer) = layers.next() {
                x = match layers.peek().and_then(|next| next.as_activation()) {
                    Some(activation) => {
                        layers.next();
                        layer.forward_then(x, activation)
                    }
                    None => layer.forward(x),
                };
            }
            x
        })
    }

    fn describe(&self) -> Description {
        // Each layer is asked once: twice would be 2ⁿ times where n models stand in one another.
        let (mut all, mut parameters) = (Vec::new(), Vec::new());
        for layer in self.layers.iter().map(|layer| layer.describe()) {
            all.extend(layer.widths);
            parameters.extend(layer.parameters);
        }
        Description { kind: "Sequential".to_owned(), widths: widths(all.into_iter()), parameters }
    }
}

impl<T: Float> SequentialBuilder<T> {
    /// Adds a [`Linear`] layer from `inputs` to `outputs` features.
    pub fn linear(self, inputs: usize, outputs: usize) -> Self {
        let spec = LayerSpec::Linear { inputs, outputs, bias: true };
        self.known(Some(spec), move |scope, rng| Linear::new(scope, inputs, outputs, rng))
    }

    /// Adds a [`Linear`] layer without bias.
    pub fn linear_without_bias(self, inputs: usize, outputs: usize) -> Self {
        let spec = LayerSpec::Linear { inputs, outputs, bias: false };
        self.known(Some(spec), move |scope, rng| Linear::without_bias(scope, inputs, outputs, rng))
    }

    /// Adds a [`Linear`] layer whose weight starts by one law and whose bias, if there is to be one, by another.
    pub fn linear_with_init(self, inputs: usize, outputs: usize, weight: Init, bias: Option<Init>) -> Self {
        let spec = LayerSpec::Linear { inputs, outputs, bias: bias.is_some() };
        self.known(Some(spec), move |scope, rng| Linear::with_init(scope, (inputs, outputs), weight, bias, rng))
    }

    /// Adds a [`LayerNorm`] over `width` features with PyTorch's defaults.
    pub fn layer_norm(self, width: usize) -> Self {
        self.layer_norm_with(width, LayerNormOptions::default())
    }

    /// Adds a [`LayerNorm`] over `width` features.
    pub fn layer_norm_with(self, width: usize, options: LayerNormOptions) -> Self {
        let spec = LayerSpec::LayerNorm { width, options };
        self.known(Some(spec), move |scope, _| LayerNorm::new(scope, width, options))
    }

    /// Adds an [`RmsNorm`] over `width` features with PyTorch's defaults.
    pub fn rms_norm(self, width: usize) -> Self {
        self.rms_norm_with(width, RmsNormOptions::default())
    }

    /// Adds an [`RmsNorm`] over `width` features.
    pub fn rms_norm_with(self, width: usize, options: RmsNormOptions) -> Self {
        let spec = LayerSpec::RmsNorm { width, options };
        self.known(Some(spec), move |scope, _| RmsNorm::new(scope, width, options))
    }

    /// Adds x + f(x), where f is a model: see [`Residual`]. The names of f's layers stand below this layer's number.
    pub fn residual(self, mut f: SequentialBuilder<T>) -> Self {
        let spec = f.take_specs().map(LayerSpec::Residual);
        self.known(spec, move |scope, rng| Residual::new(f.build(scope, rng)?))
    }

    /// Adds models side by side: see [`Parallel`]. Each has a number below this layer's.
    pub fn parallel(self, branches: impl IntoIterator<Item = SequentialBuilder<T>>) -> Self {
        let mut branches: Vec<_> = branches.into_iter().collect();
        let spec = branches.iter_mut().map(Self::take_specs).collect::<Option<_>>().map(LayerSpec::Parallel);
        self.known(spec, move |mut scope, rng| {
            let build = |(number, branch): (usize, SequentialBuilder<T>)| -> Result<Box<dyn Module<T>>, Error> {
                let within = |error: Error| error.within(format!("branch {number}"));
                Ok(Box::new(branch.build(scope.at(number), rng).map_err(within)?))
            };
            Parallel::new(branches.into_iter().enumerate().map(build).collect::<Result<_, _>>()?)
        })
    }

    /// The specs of a model that becomes part of another's layer, which has them from then on.
    fn take_specs(&mut self) -> Option<Vec<LayerSpec>> {
        std::mem::take(&mut self.specs).into_iter().collect()
    }

    /// Adds an activation, whose slope or α must be finite.
    pub fn activation(self, activation: Activation) -> Self {
        self.known(Some(LayerSpec::Activation(activation)), move |_, _| match activation {
            Activation::LeakyRelu(scalar) | Activation::Elu(scalar) if !scalar.is_finite() => {
                Err(Error::option(Module::<T>::describe(&activation).kind, scalar, "a finite number"))
            }
            _ => Ok(activation),
        })
    }

    /// Adds [`Activation::Relu`].
    pub fn relu(self) -> Self {
        self.activation(Activation::Relu)
    }

    /// Adds [`Activation::Tanh`].
    pub fn tanh(self) -> Self {
        self.activation(Activation::Tanh)
    }

    /// Adds [`Activation::Sigmoid`].
    pub fn sigmoid(self) -> Self {
        self.activation(Activation::Sigmoid)
    }

    /// Adds [`Activation::LeakyRelu`] with PyTorch's default slope of 0.01.
    pub fn leaky_relu(self) -> Self {
        self.activation(Activation::LeakyRelu(0.01))
    }

    /// Adds [`Activation::Elu`] with PyTorch's default α of 1.
    pub fn elu(self) -> Self {
        self.activation(Activation::Elu(1.0))
    }

    /// Adds [`Activation::Gelu`].
    pub fn gelu(self) -> Self {
        self.activation(Activation::Gelu)
    }

    /// Adds [`Activation::Silu`].
    pub fn silu(self) -> Self {
        self.activation(Activation::Silu)
    }

    /// Adds [`Activation::Softplus`].
    pub fn softplus(self) -> Self {
        self.activation(Activation::Softplus)
    }

    /// Adds [`Dropout`] with probability `p`.
    pub fn dropout(self, p: f64) -> Self {
        self.known(Some(LayerSpec::Dropout { p }), move |_, _| Dropout::new(p))
    }

    /// Adds a layer of any kind, made where the model is built: its parameters go below the scope it is given. A model's
    /// file can't hold it: see [`custom`](Self::custom).
    pub fn layer<M: Module<T> + 'static>(
        self,
        make: impl FnOnce(Scope<'_, T>, &mut Rng) -> Result<M, Error> + 'static,
    ) -> Self {
        self.known(None, make)
    }

    /// Adds a layer of one's own, made from `options`, that a model's file can hold: see [`CustomLayer`].
    pub fn custom(self, layer: CustomLayer<T>, options: impl Into<String>) -> Self {
        let options = options.into();
        let spec = LayerSpec::Custom { name: layer.name.to_owned(), options: options.clone() };
        self.push(Some(spec), Box::new(move |scope, rng| (layer.make)(&options, scope, rng)))
    }

    /// Adds the layers that [`Sequential::specs`] gave; a [`LayerSpec::Custom`] among them is refused where the model is
    /// built.
    pub fn specs(self, specs: &[LayerSpec]) -> Self {
        self.specs_with(specs, &[])
    }

    /// Adds the layers that [`Sequential::specs`] gave, custom ones by the names that `customs` has for them; one of a name
    /// that is not there is refused where the model is built.
    pub fn specs_with(self, specs: &[LayerSpec], customs: &[CustomLayer<T>]) -> Self {
        let inner = |specs: &[LayerSpec]| Sequential::new().specs_with(specs, customs);
        specs.iter().fold(self, |builder, spec| match spec {
            &LayerSpec::Linear { inputs, outputs, bias: true } => builder.linear(inputs, outputs),
            &LayerSpec::Linear { inputs, outputs, bias: false } => builder.linear_without_bias(inputs, outputs),
            &LayerSpec::LayerNorm { width, options } => builder.layer_norm_with(width, options),
            &LayerSpec::RmsNorm { width, options } => builder.rms_norm_with(width, options),
            &LayerSpec::Activation(activation) => builder.activation(activation),
            &LayerSpec::Dropout { p } => builder.dropout(p),
            LayerSpec::Residual(f) => builder.residual(inner(f)),
            LayerSpec::Parallel(branches) => builder.parallel(branches.iter().map(|branch| inner(branch))),
            LayerSpec::Custom { name, options } => match customs.iter().find(|custom| custom.name == name) {
                Some(&custom) => builder.custom(custom, options),
                None => {
                    let known: Vec<_> = customs.iter().map(|custom| custom.name).collect();
                    let error = Error::option(
                        "custom layer",
                        format!("{name:?}"),
                        format!("one of the CustomLayers given: {known:?}"),
                    );
                    builder.push(None, Box::new(|_, _| Err(error)))
                }
            },
        })
    }

    fn known<M: Module<T> + 'static>(
        self,
        spec: Option<LayerSpec>,
        make: impl FnOnce(Scope<'_, T>, &mut Rng) -> Result<M, Error> + 'static,
    ) -> Self {
        self.push(spec, Box::new(|scope, rng| Ok(Box::new(make(scope, rng)?))))
    }

    fn push(mut self, spec: Option<LayerSpec>, make: Build<T>) -> Self {
        self.layers.push(make);
        self.specs.push(spec);
        self
    }

    /// Draws the initial weights and adds them below `scope`, layer by layer; if it fails, none of them.
    ///
    /// # Errors
    /// A layer whose width is not what the layer before gives; options out of range; names already taken.
    pub fn build(self, mut scope: Scope<'_, T>, rng: &mut Rng) -> Result<Sequential<T>, Error> {
        scope.all_or_nothing(|mut scope| {
            let mut layers = Vec::with_capacity(self.layers.len());
            let mut given: Option<(usize, usize)> = None;
            for (number, make) in self.layers.into_iter().enumerate() {
                let layer = make(scope.at(number), rng).map_err(|error| error.within(format!("layer {number}")))?;
                if let Some((inputs, outputs)) = layer.describe().widths {
                    if let Some((from, width)) = given.filter(|&(_, width)| width != inputs) {
                        let expected = format!("{width}, which is what layer {from} gives");
                        return Err(Error::option(format!("layer {number}: inputs"), inputs, expected));
                    }
                    given = Some((number, outputs));
                }
                layers.push(Arc::from(layer));
            }
            Ok(Sequential { layers, specs: self.specs })
        })
    }
}

impl<T> fmt::Debug for SequentialBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequentialBuilder").field("layers", &self.layers.len()).finish()
    }
}

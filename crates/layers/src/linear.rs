use crate::{Description, Module};
use wane_autodiff::ndarray::{Array1, Array2};
use wane_autodiff::rand::RngExt as _;
use wane_autodiff::{Activation, Error, Float, ParamId, Rng, Scope, Var};

/// y = x·Wᵀ + b, with x: (batch, in), W: (out, in), b: (out,).
///
/// Weight and bias start as PyTorch's `nn.Linear` starts them: uniform in ±1/√in.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    weight: ParamId,
    bias: Option<ParamId>,
    inputs: usize,
    outputs: usize,
}

impl Linear {
    /// A layer with `weight` and `bias` below `scope`.
    ///
    /// # Errors
    /// A width of zero, or of more weights than memory can hold; a name already taken.
    pub fn new<T: Float>(mut scope: Scope<'_, T>, inputs: usize, outputs: usize, rng: &mut Rng) -> Result<Self, Error> {
        scope.all_or_nothing(|mut scope| {
            let mut layer = Self::without_bias(scope.reborrow(), inputs, outputs, rng)?;
            let bound = 1.0 / (inputs as f64).sqrt();
            let bias = Array1::from_shape_simple_fn(outputs, || T::of(rng.random_range(-bound..bound)));
            layer.bias = Some(scope.add("bias", &bias)?);
            Ok(layer)
        })
    }

    /// A layer with `weight` alone (PyTorch's `bias=False`).
    ///
    /// # Errors
    /// A width of zero, or of more weights than memory can hold; a name already taken.
    pub fn without_bias<T: Float>(
        mut scope: Scope<'_, T>,
        inputs: usize,
        outputs: usize,
        rng: &mut Rng,
    ) -> Result<Self, Error> {
        for (field, width) in [("linear inputs", inputs), ("linear outputs", outputs)] {
            if width == 0 {
                return Err(Error::option(field, width, "at least 1"));
            }
        }
        // What ndarray can hold of f64.
        if inputs.checked_mul(outputs).is_none_or(|len| len > isize::MAX as usize / 8) {
            let expected = format!("fewer, so that the weight of {inputs} inputs fits in memory");
            return Err(Error::option("linear outputs", outputs, expected));
        }
        let bound = 1.0 / (inputs as f64).sqrt();
        let weight = Array2::from_shape_simple_fn((outputs, inputs), || T::of(rng.random_range(-bound..bound)));
        Ok(Self { weight: scope.add("weight", &weight)?, bias: None, inputs, outputs })
    }

    /// The weight, (out, in).
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

    #[track_caller]
    fn apply<'g, T: Float>(&self, x: Var<'g, T>, activation: Option<Activation>) -> Var<'g, T> {
        let graph = x.graph();
        x.linear(graph.param(self.weight), self.bias.map(|bias| graph.param(bias)), activation)
    }
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

    fn describe(&self) -> Description {
        let (kind, biases) = match self.bias {
            Some(_) => ("Linear", self.outputs),
            None => ("Linear(bias=false)", 0),
        };
        let parameters = self.inputs * self.outputs + biases;
        Description { kind: kind.to_owned(), widths: Some(self.widths()), parameters }
    }
}

use std::fmt::Debug;
use wane_autodiff::{Activation, Float, Var};

/// A part of a model: a function of one value, over parameters it knows by handle.
///
/// ```
/// use wane_autodiff::{Error, Float, ParamId, Params, Rng, Scope, Tape, Var};
/// use wane_autodiff::{ndarray::{Array1, array}, rand::SeedableRng};
/// use wane_layers::{Description, Module, Sequential};
///
/// /// Multiplies each feature by a learnt factor.
/// #[derive(Debug)]
/// struct Scale {
///     factors: ParamId,
///     width: usize,
/// }
///
/// impl Scale {
///     fn new<T: Float>(mut scope: Scope<'_, T>, width: usize) -> Result<Self, Error> {
///         Ok(Self { factors: scope.add("factors", &Array1::from_elem(width, T::one()))?, width })
///     }
/// }
///
/// impl<T: Float> Module<T> for Scale {
///     fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
///         x * x.graph().param(self.factors)
///     }
///     fn describe(&self) -> Description {
///         Description { kind: "Scale".to_owned(), widths: Some((self.width, self.width)), parameters: self.width }
///     }
/// }
///
/// let mut params = Params::<f64>::new();
/// let mut rng = Rng::seed_from_u64(0);
/// let model = Sequential::new().layer(|scope, _| Scale::new(scope, 3)).linear(3, 1).build(params.root(), &mut rng)?;
/// assert_eq!(params.name(params.ids()[0]), "0.factors");
/// # let mut tape = Tape::new();
/// # assert_eq!(model.forward(tape.record(&params).input(&array![[1.0, 2.0, 3.0]])).shape().dims(), [1, 1]);
/// # Ok::<(), Error>(())
/// ```
pub trait Module<T: Float>: Debug + Send + Sync {
    /// The output for a batch `x`: (batch, in) for the layers of this crate.
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T>;

    /// What [`Sequential::summary`](crate::Sequential::summary) says of it.
    fn describe(&self) -> Description;

    /// `forward`, then an activation. A layer that can do both in one pass over memory overrides this.
    #[track_caller]
    fn forward_then<'g>(&self, x: Var<'g, T>, activation: Activation) -> Var<'g, T> {
        self.forward(x).activate(activation)
    }

    /// The activation that this module is, if it is nothing else.
    fn as_activation(&self) -> Option<Activation> {
        None
    }
}

/// A module in a line of a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The kind of layer and its options: `Linear`, `Dropout(p=0.5)`.
    pub kind: String,
    /// Features in and features out; `None` for a module that takes any number and gives as many.
    pub widths: Option<(usize, usize)>,
    /// How many numbers it learns.
    pub parameters: usize,
}

impl<T: Float> Module<T> for Activation {
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        x.activate(*self)
    }

    fn describe(&self) -> Description {
        let kind = match self {
            Self::LeakyRelu(slope) => format!("LeakyRelu(slope={slope})"),
            Self::Elu(alpha) => format!("Elu(alpha={alpha})"),
            other => format!("{other:?}"),
        };
        Description { kind, widths: None, parameters: 0 }
    }

    fn as_activation(&self) -> Option<Activation> {
        Some(*self)
    }
}

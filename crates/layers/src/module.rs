use crate::Linear;
use std::fmt::Debug;
use wane_autodiff::{Activation, Float, ParamId, Var};

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
///         let widths = Some((self.width, self.width));
///         Description { kind: "Scale".to_owned(), widths, parameters: vec![(self.factors, self.width)] }
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
///
/// A module of modules hands each a place of its own, and its `forward` may go any way:
///
/// ```
/// use wane_autodiff::{Error, Float, Params, Rng, Scope, Tape, Var, ndarray::array, rand::SeedableRng};
/// use wane_layers::{Description, Linear, Module, Sequential};
///
/// /// A linear model, and a network for what it misses.
/// #[derive(Debug)]
/// struct WideAndDeep<T> {
///     wide: Linear,
///     deep: Sequential<T>,
/// }
///
/// impl<T: Float> WideAndDeep<T> {
///     fn new(mut scope: Scope<'_, T>, inputs: usize, rng: &mut Rng) -> Result<Self, Error> {
///         let wide = Linear::new(scope.at("wide"), inputs, 1, rng)?;
///         let deep = Sequential::new().linear(inputs, 8).relu().linear(8, 1).build(scope.at("deep"), rng)?;
///         Ok(Self { wide, deep })
///     }
/// }
///
/// impl<T: Float> Module<T> for WideAndDeep<T> {
///     #[track_caller]
///     fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
///         self.wide.forward(x) + self.deep.forward(x)
///     }
///     fn describe(&self) -> Description {
///         Description::of_parts::<T>("WideAndDeep", Some(self.wide.widths()), &[&self.wide, &self.deep])
///     }
/// }
///
/// let (mut params, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
/// let model = WideAndDeep::new(params.at("net"), 3, &mut rng)?;
/// let names: Vec<_> = params.iter().map(|p| p.name).collect();
/// assert_eq!(names[..2], ["net.wide.weight", "net.wide.bias"]);
/// assert_eq!(names[2..], ["net.deep.0.weight", "net.deep.0.bias", "net.deep.2.weight", "net.deep.2.bias"]);
/// assert_eq!(model.describe().count(), params.as_slice().len());
/// # let mut tape = Tape::new();
/// # assert_eq!(model.forward(tape.record(&params).input(&array![[1.0, 2.0, 3.0]])).shape().dims(), [1, 1]);
/// # Ok::<(), Error>(())
/// ```
///
/// What fits in no `forward(x)`, because it takes two inputs or class labels, is a struct with a method of its own: see
/// [`Embedding`](crate::Embedding).
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

    /// The [`Linear`] layer that this module is, if it is nothing else.
    fn as_linear(&self) -> Option<&Linear> {
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
    /// The parameters it learns, each with the number of its elements. One that two parts share stands twice.
    pub parameters: Vec<(ParamId, usize)>,
}

impl Description {
    /// What is said of a module made of `parts`: its parameters are theirs.
    pub fn of_parts<T: Float>(
        kind: impl Into<String>,
        widths: Option<(usize, usize)>,
        parts: &[&dyn Module<T>],
    ) -> Self {
        let parameters = parts.iter().flat_map(|part| part.describe().parameters).collect();
        Self { kind: kind.into(), widths, parameters }
    }

    /// How many numbers it learns: a shared parameter counts once.
    pub fn count(&self) -> usize {
        let mut distinct = self.parameters.clone();
        distinct.sort_unstable();
        distinct.dedup_by_key(|&mut (id, _)| id);
        distinct.iter().map(|&(_, len)| len).sum()
    }

    /// The handles of its parameters, each once: to freeze them, or to put them in a group.
    pub fn ids(&self) -> Vec<ParamId> {
        let mut ids: Vec<_> = self.parameters.iter().map(|&(id, _)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
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
        Description { kind, widths: None, parameters: Vec::new() }
    }

    fn as_activation(&self) -> Option<Activation> {
        Some(*self)
    }
}

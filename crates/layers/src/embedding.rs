use crate::Init;
use crate::size::check_sizes;
use wane_autodiff::{Classes, Error, Float, Graph, ParamId, Rng, Scope, Var};

/// A table of learnt rows, one for each class: `weight`, (num, dim), which starts as N(0, 1) (PyTorch's `nn.Embedding`).
///
/// Its gradient is dense: rows that no label asked for have zeros, so decay and momentum go on for them.
///
/// It takes labels where a [`Module`](crate::Module) takes numbers, so a model that has one is a struct with a method of
/// its own:
///
/// ```
/// use wane_autodiff::{Classes, Error, Float, Params, Rng, Scope, Tape, Var};
/// use wane_autodiff::{ndarray::array, rand::SeedableRng};
/// use wane_layers::{Embedding, Module, Sequential};
///
/// /// Rows of three numbers and the district they come from.
/// #[derive(Debug)]
/// struct Prices<T> {
///     district: Embedding,
///     rest: Sequential<T>,
/// }
///
/// impl<T: Float> Prices<T> {
///     fn new(mut scope: Scope<'_, T>, districts: usize, rng: &mut Rng) -> Result<Self, Error> {
///         let district = Embedding::new(scope.at("district"), districts, 2, rng)?;
///         let rest = Sequential::new().linear(3 + 2, 8).relu().linear(8, 1).build(scope.at("rest"), rng)?;
///         Ok(Self { district, rest })
///     }
///
///     #[track_caller]
///     fn forward<'g>(&self, x: Var<'g, T>, districts: &Classes) -> Var<'g, T> {
///         let graph = x.graph();
///         self.rest.forward(graph.concat(&[x, self.district.lookup(graph, districts)], 1))
///     }
/// }
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
/// let model = Prices::new(params.root(), 4, &mut rng)?;
/// assert_eq!(params.name(model.district.weight()), "district.weight");
///
/// let districts = Classes::new(&[3, 0], 4)?;
/// let mut tape = Tape::new();
/// let x = tape.record(&params).input(&array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(model.forward(x, &districts).shape().dims(), [2, 1]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Embedding {
    weight: ParamId,
    num: usize,
    dim: usize,
}

impl Embedding {
    /// A table of `num` rows of `dim` numbers, as `weight` below `scope`.
    ///
    /// # Errors
    /// A size of zero, or more than memory can hold; a name already taken.
    pub fn new<T: Float>(mut scope: Scope<'_, T>, num: usize, dim: usize, rng: &mut Rng) -> Result<Self, Error> {
        check_sizes("embedding", &[("num", num), ("dim", dim)])?;
        let rows = Init::Normal { mean: 0.0, std: 1.0 }.draw(&[num, dim], rng)?;
        Ok(Self { weight: scope.add("weight", &rows)?, num, dim })
    }

    /// The row of each label: (number of labels, dim).
    ///
    /// # Panics
    /// Labels of another number of classes than `num`.
    #[track_caller]
    pub fn lookup<'g, T: Float>(&self, graph: Graph<'g, T>, labels: &Classes) -> Var<'g, T> {
        graph.param(self.weight).embedding(labels)
    }

    /// The weight, (num, dim).
    pub fn weight(&self) -> ParamId {
        self.weight
    }

    /// The number of classes, and of the numbers that stand for one.
    pub fn sizes(&self) -> (usize, usize) {
        (self.num, self.dim)
    }
}

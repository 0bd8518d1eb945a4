mod path;
mod shrink;

pub use path::LassoNetPathOptions;

use std::panic::Location;
use wane_autodiff::ndarray::Axis;
use wane_autodiff::{Error, Float, ParamId, Params, Rng, Scope, Var, non_negative};
use wane_layers::{Description, Linear, Module, Sequential, SequentialBuilder};
use wane_penalties::HierProx;

/// LassoNet: a linear model and a network beside it, f(x) = skip·x + deep(x), in which a feature can only be of use to the
/// network as far as the linear model uses it: ‖Wⱼ‖∞ ≤ M‖skipⱼ‖₂ for the weights Wⱼ that feature j has in the network's first
/// layer. A penalty λ Σ ‖skipⱼ‖₂ then chooses features for both.
///
/// It is trained dense first, as any [`Module`] is, and then along a [path](Self::path) of rising λ, on which features leave
/// one after the other. Constraint and penalty are held by [`HierProx`] after each step. skip: (outputs, features) has no
/// bias; the network has.
///
/// Lemhadri, Ruan, Abraham and Tibshirani, *LassoNet: A Neural Network with Feature Sparsity* (2021).
///
/// ```
/// use wane_autodiff::{Params, Rng, rand::SeedableRng};
/// use wane_data::synthetic::{Friedman1Options, friedman1};
/// use wane_layers::Sequential;
/// use wane_optim::{Adam, AdamOptions, Group, Sgd, SgdOptions};
/// use wane_train::{LassoNet, LassoNetPathOptions, PathError, Trainer, TrainerOptions};
///
/// let mut rng = Rng::seed_from_u64(0);
/// let data = friedman1::<f64>(&Friedman1Options { rows: 60, features: 8, ..Default::default() }, &mut rng)?.dataset;
/// let (train, validation) = data.split(0.3, &mut rng)?;
/// let mut params = Params::new();
/// let deep = Sequential::new().linear(8, 16).relu().linear(16, 1);
/// let net = LassoNet::new(params.root(), deep, 10.0, &mut rng)?;
///
/// let options = TrainerOptions { epochs: 20, progress: false, ..Default::default() };
/// let mut adam = Adam::new(AdamOptions { lr: 0.01, ..Default::default() })?.group(Group::all(&params))?;
/// Trainer::new(&net, &mut params, &mut adam, options.clone())?.fit(&train, &mut rng)?;
///
/// let options = LassoNetPathOptions {
///     multiplier: 1.5,
///     trainer: TrainerOptions { epochs: 5, ..options },
///     ..Default::default()
/// };
/// let mut sgd = Sgd::new(SgdOptions { lr: 1e-3, momentum: 0.9, ..Default::default() })?.group(Group::all(&params))?;
/// let path = net.path(&mut params, &mut sgd, &options, (&train, &validation), &mut rng);
/// let path = path.map_err(PathError::into_error)?;
/// let chosen = &path.sparsest_within(0.05)?.features;
/// assert!(chosen.len() <= 8 && path.points.last().unwrap().features.is_empty());
///
/// let (small, weights, report) = net.shrink(&path.best().params)?; // to be trained on with train.select_features(&report.inputs)
/// let (model, weights) = small.to_sequential(&weights)?; // to be saved, or to predict
/// # let _ = (model.predict(&weights, validation.select_features(&report.inputs)?.x())?, report);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Debug)]
pub struct LassoNet<T> {
    skip: Linear,
    deep: Sequential<T>,
    first: ParamId,
    m: f64,
}

impl<T: Float> LassoNet<T> {
    /// A linear model beside `deep`, whose first layer must be linear, with the hierarchy's M; the paper's default is 10. The
    /// parameters are called `skip.weight` and `deep.…`. The constraint holds from the first [`prox`](Self::prox) on.
    ///
    /// # Errors
    /// A network that does not begin with a linear layer; those of [`SequentialBuilder::build`]; an M that is negative, NaN or
    /// infinite.
    pub fn new(mut scope: Scope<'_, T>, deep: SequentialBuilder<T>, m: f64, rng: &mut Rng) -> Result<Self, Error> {
        let m = non_negative("LassoNet m", m)?;
        scope.all_or_nothing(|mut scope| {
            let deep = deep.build(scope.at("deep"), rng)?;
            let (first, inputs) = first_weight(&deep)?;
            let outputs = deep.describe().widths.map_or(inputs, |(_, outputs)| outputs);
            let skip = Linear::without_bias(scope.at("skip"), inputs, outputs, rng)?;
            Ok(Self { skip, deep, first, m })
        })
    }

    /// The weight of the linear model, (outputs, features).
    pub fn skip(&self) -> ParamId {
        self.skip.weight()
    }

    /// The weight of the network's first layer, (hidden, features).
    pub fn first(&self) -> ParamId {
        self.first
    }

    /// The hierarchy's M.
    pub fn m(&self) -> f64 {
        self.m
    }

    /// The features that are used: those whose column of skip is not 0.
    ///
    /// # Panics
    /// Other parameters than the model's.
    #[track_caller]
    pub fn features(&self, params: &Params<T>) -> Vec<usize> {
        let skip = params.get(self.skip());
        let columns = skip.axis_iter(Axis(1)).enumerate();
        columns.filter(|(_, column)| column.iter().any(|w| !w.is_zero())).map(|(feature, _)| feature).collect()
    }

    /// Applies penalty and constraint after a step of the loss: [`HierProx`] of each feature. `step` is what the gradient was
    /// multiplied by, lr in plain SGD.
    ///
    /// # Errors
    /// A λ or a step that is negative, NaN or infinite; other parameters than the model's; skip or the first layer's weight
    /// frozen.
    pub fn prox(&self, params: &mut Params<T>, lambda: f64, step: f64) -> Result<(), Error> {
        self.check_params(params)?;
        let (operator, step) = (HierProx::new(lambda, self.m)?, non_negative("step", step)?);
        let features = self.skip.widths().0;
        let (skip, first) = (params.layout().entry(self.skip())?.range(), params.layout().entry(self.first)?.range());
        // The network was added before skip.
        let (below, above) = params.as_mut_slice().split_at_mut(skip.start);
        operator.apply_columns(&mut above[..skip.len()], &mut below[first], features, step);
        Ok(())
    }

    /// A constraint between two parameters has no meaning where one of them may not move.
    fn check_params(&self, params: &Params<T>) -> Result<(), Error> {
        for id in [self.skip(), self.first] {
            let name = params.layout().entry(id)?.name();
            if params.is_frozen(id) {
                return Err(Error::parameter(
                    format!("{name:?}"),
                    "frozen",
                    "one to train, as LassoNet's penalty moves it",
                ));
            }
        }
        Ok(())
    }
}

/// The weight of a network's first layer, and its features.
fn first_weight<T: Float>(deep: &Sequential<T>) -> Result<(ParamId, usize), Error> {
    let refused = |given: String| Error::option("LassoNet deep", given, "a network that begins with a linear layer");
    let first = deep.layers().first().ok_or_else(|| refused("empty".to_owned()))?.describe();
    match (first.kind.as_str(), first.widths, first.parameters.first()) {
        ("Linear" | "Linear(bias=false)", Some((inputs, _)), Some(&(weight, _))) => Ok((weight, inputs)),
        _ => Err(refused(format!("a network that begins with {}", first.kind))),
    }
}

impl<T: Float> Module<T> for LassoNet<T> {
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        x.graph().attribute(Location::caller(), || self.skip.forward(x) + self.deep.forward(x))
    }

    fn describe(&self) -> Description {
        Description::of_parts::<T>("LassoNet", Some(self.skip.widths()), &[&self.skip, &self.deep])
    }
}

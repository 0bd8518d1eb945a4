use super::{LassoNet, first_weight};
use wane_autodiff::ndarray::{Array2, Axis};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Error, Float, Params, Rng};
use wane_layers::{LayerSpec, Linear, Module, Sequential, ShrinkOptions, ShrinkReport, Shrunk};

impl<T: Float> LassoNet<T> {
    /// The same function of fewer features and with fewer neurons, to be trained on without the penalty: columns of x whose
    /// weights are 0 in skip and in the first layer are not taken in any more, and the network's neurons are those that
    /// [`Sequential::shrink`] leaves. The data is to be given the columns [`ShrinkReport::inputs`]
    /// (`Dataset::select_features`).
    ///
    /// # Errors
    /// Parameters of another model; a first layer that shares its parameters.
    pub fn shrink(&self, params: &Params<T>) -> Result<(Self, Params<T>, ShrinkReport), Error> {
        params.layout().entry(self.skip())?;
        let Shrunk { model: deep, params, mut report } = self.deep.shrink(params, ShrinkOptions::default())?;
        let weights = [params.get(self.skip()), params.get(first_weight(&deep)?.0)];
        let is_live = |&column: &usize| {
            weights.iter().any(|weight| weight.index_axis(Axis(1), column).iter().any(|w| !w.is_zero()))
        };
        let (mut inputs, dead) = (0..self.skip.widths().0).partition::<Vec<_>, _>(is_live);
        if inputs.is_empty() {
            inputs.push(0);
        }
        let mut selected = Params::new();
        for param in params.iter() {
            let values = params.get(param.id);
            let values = if param.id == self.skip() { values.select(Axis(1), &inputs) } else { values.to_owned() };
            let id = selected.root().add(param.name, &values)?;
            if param.frozen {
                selected.freeze(&[id])?;
            }
        }
        let Shrunk { model: deep, params, .. } = deep.select_inputs(&selected, &inputs)?;
        let skip = Linear::tied(&params, params.ids()[self.skip().index()], None)?;
        let small = Self { skip, first: first_weight(&deep)?.0, deep, m: self.m };
        report.parameters = (self.describe().count(), small.describe().count());
        report.dead_features = dead.iter().map(|column| format!("column {column}")).collect();
        (report.inputs, report.dead_inputs) = (inputs, dead);
        Ok((small, params, report))
    }

    /// The same function as a [`Sequential`], for [`save_model`](crate::save_model) and [`Predictor`](crate::Predictor), with
    /// parameters of its own: the linear model and the network side by side, and a layer, frozen, that adds them up.
    ///
    /// # Errors
    /// A network with layers that only code can make; parameters of another model.
    pub fn to_sequential(&self, params: &Params<T>) -> Result<(Sequential<T>, Params<T>), Error> {
        let (inputs, outputs) = self.skip.widths();
        let linear = |inputs, outputs| LayerSpec::Linear { inputs, outputs, bias: false };
        let branches = vec![vec![linear(inputs, outputs)], self.deep.specs()?];
        let specs = [LayerSpec::Parallel(branches), linear(2 * outputs, outputs)];
        let mut own = Params::new();
        // All that is drawn is set below.
        let model = Sequential::new().specs(&specs).build(own.root(), &mut Rng::seed_from_u64(0))?;
        let deep = self.deep.describe().parameters;
        let ids = own.ids();
        for (&to, from) in ids.iter().zip([self.skip()].into_iter().chain(deep.into_iter().map(|(id, _)| id))) {
            params.layout().entry(from)?;
            own.set(to, &params.get(from))?;
        }
        let sum = *ids.last().expect("the weight of the last layer");
        let adds = |(row, column): (usize, usize)| if column % outputs == row { T::one() } else { T::zero() };
        own.set(sum, &Array2::from_shape_fn((outputs, 2 * outputs), adds))?;
        own.freeze(&[sum])?;
        Ok((model, own))
    }
}

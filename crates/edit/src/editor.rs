use crate::edit::{Edit, Report};
use crate::metric::Metric;
use crate::{EditOptions, KeyStats, Ledger, Memories, Site, Wanted, solve, values};
use wane_autodiff::ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use wane_autodiff::{Error, Float, Params};

/// Makes [`Edit`]s of one layer: what data its keys come from ([`KeyStats`]) and how edits are to be solved
/// ([`EditOptions`]).
///
/// ```
/// use wane_autodiff::{Params, Rng, ndarray::{Array2, array}, rand::SeedableRng};
/// use wane_edit::{EditOptions, Editor, KeyStats, Site, Wanted};
/// use wane_layers::Sequential;
///
/// let (mut params, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
/// let model = Sequential::new().linear(2, 8).tanh().linear(8, 1).build(params.root(), &mut rng)?;
/// let x = Array2::from_shape_fn((100, 2), |(i, j)| ((i * (j + 3)) as f64).sin());
///
/// let site = Site::new(&model, &params, 2)?;
/// let stats = KeyStats::of(&site, &params, x.view())?;
/// let editor = Editor::new(site, &params, stats, EditOptions::default())?;
/// let edit = editor.edit(&params, array![[0.5, -1.0]].view(), Wanted::Outputs(array![[3.0]].view()))?;
/// edit.apply(&mut params)?;
/// assert!((model.predict(&params, array![[0.5, -1.0]].view())?[[0, 0]] - 3.0).abs() < 1e-12);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Editor<'m, T> {
    site: Site<'m, T>,
    stats: KeyStats,
    metric: Metric,
    options: EditOptions,
}

impl<'m, T: Float> Editor<'m, T> {
    /// An editor of `site`. The eigenvalues of C are found here, O(inputs³); an edit costs O(inputs²).
    ///
    /// # Errors
    /// An option out of range, by name; `bias` where the layer has none; statistics of no key, of another layer, or of other
    /// weights before it.
    pub fn new(site: Site<'m, T>, params: &Params<T>, stats: KeyStats, options: EditOptions) -> Result<Self, Error> {
        options.check()?;
        if options.bias && site.linear().bias().is_none() {
            return Err(Error::option("bias", true, format!("false: the layer of {:?} has no bias", site.name())));
        }
        stats.check(&site, params)?;
        if stats.count() == 0 {
            return Err(Error::data("number of keys in the statistics", 0, "at least 1"));
        }
        let metric = Metric::new(&stats, &options)?;
        Ok(Self { site, stats, metric, options })
    }

    /// The layer.
    pub fn site(&self) -> &Site<'m, T> {
        &self.site
    }

    /// The statistics of its keys.
    pub fn stats(&self) -> &KeyStats {
        &self.stats
    }

    /// How edits are solved for.
    pub fn options(&self) -> &EditOptions {
        &self.options
    }

    /// The edit after which the model does what is wanted for each row of x: (edits, inputs of the model). Nothing is
    /// changed yet: [`Edit::apply`] and [`Ledger::edit`] do that.
    ///
    /// # Errors
    /// Those of [`Site::keys`], [`choose`](Self::choose) and [`solve`](Self::solve).
    pub fn edit(&self, params: &Params<T>, x: ArrayView2<'_, T>, wanted: Wanted<'_, T>) -> Result<Edit, Error> {
        let keys = self.site.keys(params, x)?;
        self.solve(params, self.choose(params, keys.view(), wanted)?)
    }

    /// Chooses the value for each key, (edits, inputs of the layer), by [`ValueOptions`](crate::ValueOptions).
    ///
    /// # Errors
    /// Keys or wanted numbers of other shapes than the layer's and the model's, or that are not finite; a key of 0, as in
    /// [`solve`](Self::solve); classes of another
    /// number than the model has outputs, or ignored; outputs that do not depend on the layer, because every unit behind it
    /// is dead there; a probability or an output that is not reached.
    pub fn choose(
        &self,
        params: &Params<T>,
        keys: ArrayView2<'_, T>,
        wanted: Wanted<'_, T>,
    ) -> Result<Memories, Error> {
        self.stats.check(&self.site, params)?;
        let (inputs, outputs) = self.site.linear().widths();
        let keys = keys.mapv(T::widen);
        // Before a value is chosen for it.
        Memories::new(keys.clone(), Array2::zeros((keys.nrows(), outputs)))?.check((inputs, outputs))?;
        solve::norms(&self.metric, keys.view())?;
        let now = self.layer(params)?.values(keys.view());
        let values = values::choose(&self.site, params, &now, wanted, &self.options.value)?;
        Memories::new(keys, values)
    }

    /// The edit that sends each key to its value.
    ///
    /// # Errors
    /// Keys and values of other widths than the layer's; a key of 0, which no weight moves (a bias does); with
    /// [`Fit::Exact`](crate::Fit::Exact), more keys than the layer has inputs, or dependent ones; weights that are not
    /// finite, before or after; other weights before the layer than the statistics are of.
    pub fn solve(&self, params: &Params<T>, memories: Memories) -> Result<Edit, Error> {
        self.stats.check(&self.site, params)?;
        self.solve_again(params, memories)
    }

    /// [`solve`](Self::solve), for keys that were taken in when the layers before were as the statistics have them.
    pub(crate) fn solve_again(&self, params: &Params<T>, memories: Memories) -> Result<Edit, Error> {
        let layer = self.layer(params)?;
        let base = self.site.checksum(params)?;
        memories.check(self.site.linear().widths())?;
        let dual = solve::solve(&self.metric, &memories, self.options.fit)?;
        let missed = &memories.values() - &layer.values(memories.keys());
        let mut edit = Edit {
            weight: self.site.name().to_owned(),
            bias: self.site.bias_name().map(str::to_owned),
            dtype: T::NAME.to_owned(),
            base,
            memories,
            u: missed.reversed_axes(),
            v: dual.v,
            shift: dual.shift,
            report: Report::default(),
        };
        let (weight, bias) = self.site.parameters(params)?;
        let (weight, bias) = edit.applied(weight, bias)?;
        let after = Layer::new(self.site.linear().widths().0, &weight, bias.as_deref());
        edit.report = self.report(&edit, dual.leverage, &after);
        Ok(edit)
    }

    /// Begins a [`Ledger`] of edits, with the weights as they are as its originals.
    ///
    /// # Errors
    /// Parameters of another model.
    pub fn ledger(self, params: &Params<T>) -> Result<Ledger<'m, T>, Error> {
        Ledger::new(self, params)
    }

    /// The layer in f64, whose weights must be finite.
    fn layer(&self, params: &Params<T>) -> Result<Layer, Error> {
        let (weight, bias) = self.site.parameters(params)?;
        for (name, values) in [(self.site.name(), Some(weight)), (self.site.bias_name().unwrap_or_default(), bias)] {
            if let Some((at, value)) = values.into_iter().flatten().enumerate().find(|(_, value)| !value.is_finite()) {
                return Err(Error::parameter(format!("number {at} of {name:?}"), value, "a finite number"));
            }
        }
        Ok(Layer::new(self.site.linear().widths().0, weight, bias))
    }

    fn report(&self, edit: &Edit, leverage: Array1<f64>, after: &Layer) -> Report {
        let Metric { ridge, rank, condition, .. } = self.metric;
        let delta = edit.delta_weight();
        let drift = self.drift(edit, &delta);
        let missed = &edit.memories().values() - &after.values(edit.memories().keys());
        let missed = missed.iter().fold(0.0, |most: f64, missed| most.max(missed.abs()));
        let squared_norm: f64 = delta.iter().map(|value| value * value).sum();
        Report {
            inputs: delta.ncols(),
            rank,
            condition,
            ridge,
            leverage,
            drift,
            objective: drift + ridge * squared_norm,
            norm: squared_norm.sqrt(),
            missed,
        }
    }

    /// The mean of ‖ΔW k + Δb‖² over the statistics' keys: Σ λᵢ‖ΔW qᵢ‖², and with a bias that of what ΔW μ + Δb adds to
    /// each. A sum along directions is as small as it ought to be; tr(ΔW C ΔWᵀ) would be left with the rounding of terms that
    /// cancel.
    fn drift(&self, edit: &Edit, delta: &Array2<f64>) -> f64 {
        let Metric { directions, moments, .. } = &self.metric;
        let along = |row: ArrayView1<'_, f64>, i: usize| {
            directions.col(i).iter().zip(row).map(|(direction, change)| direction * change).sum::<f64>()
        };
        let square = |i: usize| delta.rows().into_iter().map(|row| along(row, i).powi(2)).sum::<f64>();
        let drift: f64 = moments.iter().enumerate().map(|(i, moment)| moment * square(i)).sum();
        let constant = edit.delta_bias().map(|bias| bias + delta.dot(&self.stats.mean()));
        drift + constant.map_or(0.0, |constant| constant.dot(&constant))
    }
}

/// A linear layer in f64.
struct Layer {
    /// (out, in).
    weight: Array2<f64>,
    bias: Option<Array1<f64>>,
}

impl Layer {
    fn new<T: Float>(inputs: usize, weight: &[T], bias: Option<&[T]>) -> Self {
        let widened = |values: &[T]| values.iter().map(|value| value.widen()).collect::<Array1<f64>>();
        let weight = widened(weight).into_shape_with_order((weight.len() / inputs, inputs)).expect("(out, in)");
        Self { weight, bias: bias.map(widened) }
    }

    /// Wk + b for each key: (edits, inputs) to (edits, outputs).
    fn values(&self, keys: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut values = keys.dot(&self.weight.t());
        self.bias.iter().for_each(|bias| values += &bias.view().insert_axis(Axis(0)));
        values
    }
}

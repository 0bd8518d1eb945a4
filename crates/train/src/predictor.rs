use crate::ModelCard;
use std::sync::Arc;
use wane_autodiff::ndarray::{ArrayView2, ArrayViewMut2, Ix2};
use wane_autodiff::{Error, Float, Params, Tape};
use wane_layers::{Module, Sequential, ShrinkOptions, ShrinkReport, Shrunk, check_input};

/// A model that only predicts: it has all it needs, and after its first call on so many rows it allocates nothing
/// (but what [products](wane_autodiff::gemm) may).
///
/// Each call writes into it, so each thread has one of its own: a clone, moved there, which shares model, weights and card,
/// and has room of its own for what it computes.
///
/// ```
/// use std::thread;
/// use wane_autodiff::{Params, Rng, ndarray::{Array2, Axis}, rand::SeedableRng};
/// use wane_layers::Sequential;
/// use wane_train::{ModelCard, Predictor};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
/// let model = Sequential::new().linear(2, 8).relu().linear(8, 1).build(params.root(), &mut rng)?;
/// let mut predictor = Predictor::new(model, params, ModelCard::default())?;
///
/// let x = Array2::from_shape_fn((100, 2), |(row, column)| (row * (column + 1)) as f32 / 100.0);
/// let outputs: Vec<_> = thread::scope(|scope| {
///     let workers: Vec<_> = x.axis_chunks_iter(Axis(0), 25).map(|rows| {
///         let mut predictor = predictor.clone();
///         scope.spawn(move || predictor.predict(rows).map(|y| y.to_owned()))
///     }).collect();
///     workers.into_iter().map(|worker| worker.join().unwrap()).collect::<Result<_, _>>()
/// })?;
/// assert_eq!(outputs[2], predictor.predict(x.view())?.slice(wane_autodiff::ndarray::s![50..75, ..]));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Debug)]
pub struct Predictor<T: Float> {
    shared: Arc<Shared<T>>,
    tape: Tape<T>,
    scaled: Vec<T>,
    output: Vec<T>,
}

/// What clones have together.
#[derive(Debug)]
struct Shared<T: Float> {
    model: Sequential<T>,
    params: Params<T>,
    card: ModelCard,
    /// The number of features that go in, where the layers fix it.
    inputs: Option<usize>,
}

impl<T: Float> Clone for Predictor<T> {
    fn clone(&self) -> Self {
        Self::over(Arc::clone(&self.shared))
    }
}

impl<T: Float> Predictor<T> {
    /// A predictor of the given model; the card's scalers stand before and behind it.
    ///
    /// # Errors
    /// A card that does not fit the model; parameters of another model.
    pub fn new(model: Sequential<T>, params: Params<T>, card: ModelCard) -> Result<Self, Error> {
        let described = model.describe();
        card.check(described.widths)?;
        described.parameters.iter().try_for_each(|&(id, _)| params.layout().entry(id).map(drop))?;
        let inputs = described.widths.map(|(inputs, _)| inputs);
        Ok(Self::over(Arc::new(Shared { model, params, card, inputs })))
    }

    fn over(shared: Arc<Shared<T>>) -> Self {
        Self { shared, tape: Tape::new(), scaled: Vec::new(), output: Vec::new() }
    }

    /// The outputs for the rows of x, in the units of the data: x is (rows, features), the result (rows, outputs). Dropout
    /// drops nothing.
    ///
    /// # Errors
    /// An x of another width than the model takes in, or with a value that is not finite, by its row, its column and the
    /// name that the card has for it; an output that is not a matrix.
    pub fn predict(&mut self, x: ArrayView2<'_, T>) -> Result<ArrayView2<'_, T>, Error> {
        let Self { shared, tape, scaled, output } = self;
        let Shared { model, params, card, inputs } = &**shared;
        check_input(x, *inputs, &card.feature_names)?;
        let graph = tape.record(params);
        let input = match &card.x_scaler {
            Some(scaler) => {
                scaled.resize(x.len(), T::zero());
                let mut z = ArrayViewMut2::from_shape(x.dim(), scaled).expect("as long as x");
                scaler.transform_into(x, z.view_mut())?;
                graph.input(&z)
            }
            None => graph.input(&x),
        };
        let shape = model.forward(input).with(|values| {
            let fault = || Error::data("shape of the model's output", format!("{:?}", values.shape()), "two axes");
            let values = values.view().into_dimensionality::<Ix2>().map_err(|_| fault())?;
            output.resize(values.len(), T::zero());
            let mut result = ArrayViewMut2::from_shape(values.dim(), output).expect("as long as the output");
            match &card.y_scaler {
                Some(scaler) => scaler.inverse_transform_into(values, result)?,
                None => result.assign(&values),
            }
            Ok(values.dim())
        })?;
        Ok(ArrayView2::from_shape(shape, output).expect("as long as the output"))
    }

    /// The outputs for one row of features.
    ///
    /// # Errors
    /// Those of [`predict`](Self::predict).
    pub fn predict_row(&mut self, x: &[T]) -> Result<&[T], Error> {
        let x = ArrayView2::from_shape((1, x.len()), x).expect("one row");
        self.predict(x)?;
        Ok(&self.output)
    }

    /// The same predictions by a smaller model, for its zeros: [`Sequential::shrink`]. With
    /// [`drop_inputs`](ShrinkOptions::drop_inputs) the card's scaler and names of features are those of the columns that are
    /// still taken in, and the report has the names of those that are not.
    ///
    /// # Errors
    /// None that a predictor does not rule out.
    pub fn shrink(&self, options: ShrinkOptions) -> Result<(Self, ShrinkReport), Error> {
        let Shrunk { model, params, mut report } = self.model().shrink(self.params(), options)?;
        let card = match &report.dead_inputs[..] {
            [] => self.card().clone(),
            _ => self.card().select_features(&report.inputs)?,
        };
        let names = &self.card().feature_names;
        if !names.is_empty() {
            report.dead_features = report.dead_inputs.iter().map(|&column| names[column].clone()).collect();
        }
        Ok((Self::new(model, params, card)?, report))
    }

    /// The model.
    pub fn model(&self) -> &Sequential<T> {
        &self.shared.model
    }

    /// Its weights.
    pub fn params(&self) -> &Params<T> {
        &self.shared.params
    }

    /// What belongs to it.
    pub fn card(&self) -> &ModelCard {
        &self.shared.card
    }

    /// Model, weights and card: to train on.
    ///
    /// # Errors
    /// A clone that is still there, and shares them.
    pub fn into_parts(self) -> Result<(Sequential<T>, Params<T>, ModelCard), Error> {
        let Shared { model, params, card, .. } = Arc::try_unwrap(self.shared).map_err(|shared| {
            let given = format!("shared by {}", Arc::strong_count(&shared));
            Error::parameter("predictor", given, "the only one: its clones dropped")
        })?;
        Ok((model, params, card))
    }
}

use crate::ModelCard;
use wane_autodiff::ndarray::{ArrayView2, ArrayViewMut2, Ix2};
use wane_autodiff::{Error, Float, Params, Tape};
use wane_layers::{Module, Sequential};

/// A model that only predicts: it owns all it needs, and after its first call on so many rows it allocates nothing (where
/// products are small; large ones are packed).
///
/// It is changed by each call, so each thread has one of its own.
#[derive(Debug)]
pub struct Predictor<T: Float> {
    model: Sequential<T>,
    params: Params<T>,
    card: ModelCard,
    /// The number of features that go in, where the layers fix it.
    inputs: Option<usize>,
    tape: Tape<T>,
    scaled: Vec<T>,
    output: Vec<T>,
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
        Ok(Self { model, params, card, inputs, tape: Tape::new(), scaled: Vec::new(), output: Vec::new() })
    }

    /// The outputs for the rows of x, in the units of the data: x is (rows, features), the result (rows, outputs). Dropout
    /// drops nothing. A NaN stays NaN.
    ///
    /// # Errors
    /// An x of another width than the model takes in; an output that is not a matrix.
    pub fn predict(&mut self, x: ArrayView2<'_, T>) -> Result<ArrayView2<'_, T>, Error> {
        let Self { model, params, card, inputs, tape, scaled, output } = self;
        if let Some(inputs) = inputs.filter(|&inputs| inputs != x.ncols()) {
            return Err(Error::data("number of columns of x", x.ncols(), format!("{inputs}, as the model takes in")));
        }
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

    /// The model.
    pub fn model(&self) -> &Sequential<T> {
        &self.model
    }

    /// Its weights.
    pub fn params(&self) -> &Params<T> {
        &self.params
    }

    /// What belongs to it.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Model, weights and card: to train on.
    pub fn into_parts(self) -> (Sequential<T>, Params<T>, ModelCard) {
        (self.model, self.params, self.card)
    }
}

use super::Trainer;
use super::state::{Feed, State};
use crate::file;
use bincode::Options;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;
use wane_autodiff::{Error, Float, Rng};
use wane_optim::{Ema, EmaSnapshot, OptimizerSnapshot, Rule};

const KIND: &str = "checkpoint";

/// What says whether a checkpoint fits; the rest can be decoded only by who knows that it does.
#[derive(Serialize, Deserialize)]
struct Envelope {
    dtype: String,
    optimizer: String,
    params: Vec<Param>,
    body: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Param {
    name: String,
    shape: Vec<usize>,
    frozen: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize, R: Serialize", deserialize = "T: DeserializeOwned, R: DeserializeOwned"))]
struct Body<T, R> {
    values: Vec<T>,
    optimizer: OptimizerSnapshot<T, R>,
    ema: Option<EmaSnapshot<T>>,
    rng: Rng,
    state: State<T>,
}

impl<T: Float + Serialize + DeserializeOwned, R: Rule> Trainer<'_, T, R> {
    /// Saves everything that training depends on into one [file](crate::file): parameters, optimizer, plateau, average,
    /// `rng` and the place in the epoch, history, the best weights so far, and [extra](Self::set_extra).
    ///
    /// Not in it, because they are code: the model's layers, the options, schedules, penalties and data.
    ///
    /// # Errors
    /// A file that cannot be written: then the old one is as it was.
    pub fn save(&self, path: impl AsRef<Path>, rng: &Rng) -> Result<(), Error> {
        let body = Body {
            values: self.params.as_slice().to_vec(),
            optimizer: self.optimizer.snapshot(self.params)?,
            ema: self.ema.as_ref().map(Ema::snapshot),
            rng: rng.clone(),
            state: self.state.clone(),
        };
        let params = self.params.iter().map(|param| Param {
            name: param.name.to_owned(),
            shape: param.shape.dims().to_vec(),
            frozen: param.frozen,
        });
        let envelope = Envelope {
            dtype: T::NAME.to_owned(),
            optimizer: R::NAME.to_owned(),
            params: params.collect(),
            body: encode(KIND, &body)?,
        };
        file::write(path.as_ref(), KIND, &envelope)
    }

    /// Goes on from a checkpoint: [`fit`](Self::fit) then gives the bits that it would have given without the break, if
    /// model, options, penalties and data are the same.
    ///
    /// # Errors
    /// A file that is not there or not whole; a checkpoint of other parameters, another dtype, optimizer, plateau, average
    /// or metrics. Then nothing has changed.
    pub fn resume(&mut self, path: impl AsRef<Path>, rng: &mut Rng) -> Result<(), Error> {
        let path = path.as_ref();
        let envelope: Envelope = file::read(path, KIND)?;
        let within = |error: Error| error.within(format!("{path:?}"));
        self.check_envelope(&envelope).map_err(within)?;
        let body: Body<T, R> = decode(KIND, &envelope.body).map_err(within)?;
        self.check_body(&body).map_err(within)?;
        let ema = body.ema.map(|ema| Ema::restore(self.params, ema)).transpose().map_err(within)?;
        self.optimizer.restore(self.params, &body.optimizer).map_err(within)?;

        self.params.as_mut_slice().copy_from_slice(&body.values);
        let ids = self.params.ids();
        for (&id, param) in ids.iter().zip(&envelope.params) {
            if param.frozen { self.params.freeze(&[id]) } else { self.params.unfreeze(&[id]) }?;
        }
        (self.ema, self.state, *rng) = (ema, body.state, body.rng);
        self.saved = self.state.mark();
        Ok(())
    }

    fn check_envelope(&self, envelope: &Envelope) -> Result<(), Error> {
        for (field, found, wanted) in [("dtype", &envelope.dtype, T::NAME), ("optimizer", &envelope.optimizer, R::NAME)]
        {
            if found != wanted {
                return Err(Error::data(field, format!("{found:?}"), format!("{wanted:?}")));
            }
        }
        if envelope.params.len() != self.params.len() {
            let (found, wanted) = (envelope.params.len(), self.params.len());
            return Err(Error::parameter("number of parameters", found, format!("{wanted}, as the model has")));
        }
        for (number, (found, wanted)) in envelope.params.iter().zip(self.params.iter()).enumerate() {
            if found.name != wanted.name {
                let expected = format!("{:?}, as in the model", wanted.name);
                return Err(Error::parameter(format!("parameter {number}"), format!("{:?}", found.name), expected));
            }
            if found.shape != wanted.shape.dims() {
                let (field, given) = (format!("shape of {:?}", found.name), format!("{:?}", found.shape));
                return Err(Error::parameter(field, given, format!("{:?}, as in the model", wanted.shape.dims())));
            }
        }
        Ok(())
    }

    /// A body that holds what its envelope says, and what this trainer's options ask for.
    fn check_body(&self, body: &Body<T, R>) -> Result<(), Error> {
        let total = self.params.layout().total();
        let best = body.state.best.as_ref().map_or(total, |best| best.weights.len());
        for (field, count) in [("number of weights", body.values.len()), ("number of best weights", best)] {
            if count != total {
                return Err(Error::data(field, count, total.to_string()));
            }
        }
        if let Some(value) = body.values.iter().find(|value| !value.is_finite()) {
            return Err(Error::data("weight", value, "a finite number"));
        }
        let Feed { rows, batch_size, .. } = body.state.feed;
        let most = if batch_size == 0 { 0 } else { rows.div_ceil(batch_size) };
        if body.state.batches > most {
            let expected = format!("at most {most}, for {rows} rows and batch_size {batch_size}");
            return Err(Error::data("batches done of an epoch", body.state.batches, expected));
        }
        let presence = |is_there| if is_there { "in use" } else { "not in use" };
        for (field, found, wanted) in [
            ("ema", body.ema.is_some(), self.options.ema.is_some()),
            ("plateau", body.state.plateau.is_some(), self.options.plateau.is_some()),
        ] {
            if found != wanted {
                let expected = format!("{}, as in the trainer's options", presence(wanted));
                return Err(Error::data(field, presence(found), expected));
            }
        }
        self.check_monitors(&body.state)?;
        let (found, wanted) = (&body.state.history.metrics, &self.options.metrics);
        if found != wanted {
            return Err(Error::data("metrics", format!("{found:?}"), format!("{wanted:?}, the trainer's options")));
        }
        Ok(())
    }
}

impl<T: Float, R: Rule> Trainer<'_, T, R> {
    /// The best of one measure is nothing to hold another against.
    fn check_monitors(&self, state: &State<T>) -> Result<(), Error> {
        let early = state.best.as_ref().zip(self.options.early_stopping);
        let plateau = state.plateau.as_ref().map(|_| (state.plateau_monitor, self.options.plateau_monitor));
        for (field, monitors) in [
            ("early_stopping monitor", early.map(|(best, early)| (best.monitor, early.monitor))),
            ("plateau_monitor", plateau),
        ] {
            if let Some((found, wanted)) = monitors.filter(|(found, wanted)| found != wanted) {
                return Err(Error::data(field, found, format!("{wanted}, as in the trainer's options")));
            }
        }
        Ok(())
    }
}

/// For the parts of a file that is decoded in steps.
pub(super) fn encode<S: Serialize>(what: &str, value: &S) -> Result<Vec<u8>, Error> {
    format().serialize(value).map_err(|error| fault(what, error))
}

pub(super) fn decode<D: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<D, Error> {
    format().deserialize(bytes).map_err(|error| fault(what, error))
}

/// Refuses bytes behind the value: they are most of what tells one type from another.
fn format() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding()
}

fn fault(what: &str, error: bincode::Error) -> Error {
    Error::io(what, error.to_string(), "what this program writes there", error)
}

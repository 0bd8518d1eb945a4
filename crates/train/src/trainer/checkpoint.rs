use super::Trainer;
use super::state::State;
use crate::file::{self, Payload};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::Path;
use wane_autodiff::{Error, Float, Rng, number};
use wane_optim::{Ema, EmaSnapshot, OptimizerSnapshot, Rule};

const KIND: &str = "checkpoint";

/// What says whether a checkpoint fits: the body behind it can be decoded only by who knows that it does.
#[derive(Serialize, Deserialize)]
struct Envelope {
    dtype: String,
    optimizer: String,
    params: Vec<Param>,
}

#[derive(Serialize, Deserialize)]
struct Param {
    name: String,
    shape: Vec<usize>,
    frozen: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize, R: Serialize", deserialize = "T: DeserializeOwned, R: DeserializeOwned"))]
struct Body<'a, T: Clone, R> {
    values: Cow<'a, [T]>,
    optimizer: OptimizerSnapshot<T, R>,
    ema: Option<EmaSnapshot<T>>,
    rng: Cow<'a, Rng>,
    state: Cow<'a, State<T>>,
}

impl<T: Float + Serialize + DeserializeOwned, R: Rule> Trainer<'_, T, R> {
    /// Saves everything that training depends on into one [file](crate::file), of which [`resume`](Self::resume) says what
    /// is in it.
    ///
    /// # Errors
    /// A file that cannot be written, weights that are not finite: then the old file is as it was.
    pub fn save(&self, path: impl AsRef<Path>, rng: &Rng) -> Result<(), Error> {
        let body = Body {
            values: Cow::Borrowed(self.params.as_slice()),
            optimizer: self.optimizer.snapshot(self.params)?,
            ema: self.ema.as_ref().map(Ema::snapshot),
            rng: Cow::Borrowed(rng),
            state: Cow::Borrowed(&self.state),
        };
        // What could not be read again shall not take the place of what can.
        self.check_body(&body)?;
        let params = self.params.iter().map(|param| Param {
            name: param.name.to_owned(),
            shape: param.shape.dims().to_vec(),
            frozen: param.frozen,
        });
        let (dtype, optimizer) = (T::NAME.to_owned(), R::NAME.to_owned());
        let envelope = Envelope { dtype, optimizer, params: params.collect() };
        file::write(path.as_ref(), KIND, &(envelope, body))
    }

    /// Goes on from a checkpoint: [`fit`](Self::fit) then gives the bits that it would have given without the break, if
    /// all that comes from the code is the same.
    ///
    /// From the file come: the values of the parameters and which are frozen; the optimizer's buffers, step counts and
    /// time, and the options of its groups (learning rate, λ, betas, …; PyTorch's `Optimizer.load_state_dict` takes them
    /// too), lr₀ and the weights that decay is toward; the moving average; what the plateau has seen; `rng`, and the
    /// place in the epoch; the history; the best weights so far and how long ago that was; [`extra`](Self::extra).
    ///
    /// From the code come: the model's layers, data, penalties, callbacks, schedules of rates and decays, and the
    /// [options](super::TrainerOptions). What of these the file knows has to agree with it: the dtype, the rule, its groups
    /// and their kinds of decay, the names and shapes of the parameters, metrics, the decay of the moving average, the
    /// plateau's options; and, in the middle of an epoch, the number of rows, `batch_size` and `shuffle`, which
    /// [`fit`](Self::fit) checks. The others may be changed on the way: more epochs, another clipping, early stopping.
    ///
    /// # Errors
    /// A file that is not there or not whole; one that does not agree, by name, with both values. Then nothing has
    /// changed.
    pub fn resume(&mut self, path: impl AsRef<Path>, rng: &mut Rng) -> Result<(), Error> {
        let path = path.as_ref();
        let within = |error: Error| error.within(format!("{path:?}"));
        let mut payload = Payload::open(path, KIND)?;
        let envelope: Envelope = payload.value().map_err(within)?;
        self.check_envelope(&envelope).map_err(within)?;
        let body: Body<'static, T, R> = payload.value().map_err(within)?;
        payload.end().map_err(within)?;
        self.check_body(&body).map_err(within)?;
        let ema = body.ema.map(|ema| Ema::restore(self.params, ema)).transpose().map_err(within)?;
        self.optimizer.restore(self.params, &body.optimizer).map_err(within)?;

        self.params.as_mut_slice().copy_from_slice(&body.values);
        let ids = self.params.ids();
        for (&id, param) in ids.iter().zip(&envelope.params) {
            if param.frozen { self.params.freeze(&[id]) } else { self.params.unfreeze(&[id]) }?;
        }
        (self.ema, self.state, *rng) = (ema, body.state.into_owned(), body.rng.into_owned());
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

    /// A body that holds what its envelope says and what this trainer's options ask for, and with which [`fit`](Self::fit)
    /// can go on. What optimizer and average need, they check themselves.
    fn check_body(&self, body: &Body<'_, T, R>) -> Result<(), Error> {
        let (layout, state) = (self.params.layout(), &body.state);
        let all = [("weights", Some(&*body.values)), ("best weights", state.best.as_ref().map(|best| &*best.weights))];
        for (what, values) in all.into_iter().filter_map(|(what, values)| Some((what, values?))) {
            if values.len() != layout.total() {
                return Err(Error::data(format!("number of {what}"), values.len(), layout.total().to_string()));
            }
            for entry in layout.entries() {
                if let Some(value) = values[entry.range()].iter().find(|value| !value.is_finite()) {
                    return Err(Error::data(format!("{what}: {:?}", entry.name()), value, "finite weights"));
                }
            }
        }
        let decay =
            |decay: Option<f64>| decay.map_or("not in use".to_owned(), |decay| format!("of decay {}", number(decay)));
        let presence = |is_there| if is_there { "in use" } else { "not in use" }.to_owned();
        for (field, found, wanted) in [
            ("ema", decay(body.ema.as_ref().map(|ema| ema.decay)), decay(self.options.ema)),
            ("plateau", presence(state.plateau.is_some()), presence(self.options.plateau.is_some())),
            ("metrics", format!("{:?}", state.history.metrics), format!("{:?}", self.options.metrics)),
        ] {
            if found != wanted {
                return Err(Error::data(field, found, format!("{wanted}, as in the trainer's options")));
            }
        }
        self.check_monitors(state)?;
        if let (Some(own), Some(saved)) = (&self.state.plateau, &state.plateau) {
            own.clone().restore(saved.clone())?;
        }
        state.check(self.optimizer.groups().len())
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

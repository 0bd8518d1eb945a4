use crate::rule::Lerp;
use crate::snapshot::count;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wane_autodiff::{Error, Float, Layout, Params, number};

/// A moving average of the weights (Polyak and Juditsky 1992; PyTorch's `AveragedModel` with `get_ema_multi_avg_fn`):
/// θ̄ ← θ̄ + (1 − decay)(θ − θ̄), the first update being a copy.
///
/// ```
/// use wane_autodiff::{Params, ndarray::array};
/// use wane_optim::Ema;
/// let mut params = Params::<f64>::new();
/// let w = params.root().add("w", &array![1.0])?;
/// let mut ema = Ema::new(&params, 0.75)?;
/// ema.update(&params)?; // after each optimizer step
/// params.set(w, &array![5.0])?;
/// ema.update(&params)?;
/// let averaged = ema.evaluate(&mut params, |params| params.get(w).sum())?;
/// assert_eq!((averaged, params.get(w).sum()), (2.0, 5.0));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ema<T> {
    layout: Arc<Layout>,
    average: Vec<T>,
    decay: f64,
    updates: u64,
}

/// All that an [`Ema`] has to remember.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmaSnapshot<T> {
    /// How much of the average stays in an update.
    pub decay: f64,
    /// [`Ema::updates`].
    pub updates: u64,
    /// The averages, one parameter behind the other.
    pub average: Vec<T>,
}

impl<T: Float> Ema<T> {
    /// An average that has seen no update; until the first it is a copy of `params`.
    ///
    /// # Errors
    /// A decay outside 0..=1.
    pub fn new(params: &Params<T>, decay: f64) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&decay) {
            return Err(Error::option("ema decay", number(decay), "0 to 1"));
        }
        let (layout, average) = (Arc::clone(params.layout()), params.as_slice().to_vec());
        Ok(Self { layout, average, decay, updates: 0 })
    }

    /// Takes the weights of a step into the average. Not between two [`swap`](Self::swap)s, when the average stands where the
    /// weights are.
    ///
    /// # Errors
    /// Parameters of another layout: of a model with other names or shapes.
    pub fn update(&mut self, params: &Params<T>) -> Result<(), Error> {
        self.check(params)?;
        if self.updates == 0 {
            self.average.copy_from_slice(params.as_slice());
        } else {
            let lerp = Lerp::new(1.0 - self.decay);
            let pairs = self.average.iter_mut().zip(params.as_slice());
            pairs.for_each(|(average, &theta)| *average = lerp.apply(*average, theta));
        }
        self.updates += 1;
        Ok(())
    }

    /// How many updates there were.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The averages, one parameter behind the other.
    pub fn as_slice(&self) -> &[T] {
        &self.average
    }

    /// Exchanges weights and averages: once to evaluate with the average, once more to go on training.
    ///
    /// # Errors
    /// Parameters of another layout.
    pub fn swap(&mut self, params: &mut Params<T>) -> Result<(), Error> {
        self.check(params)?;
        self.average.swap_with_slice(params.as_mut_slice());
        Ok(())
    }

    /// Runs `evaluate` on the averages, in the place of the weights, which are put back after it.
    ///
    /// # Errors
    /// Parameters of another layout.
    pub fn evaluate<R>(&mut self, params: &mut Params<T>, evaluate: impl FnOnce(&Params<T>) -> R) -> Result<R, Error> {
        self.swap(params)?;
        let result = evaluate(params);
        self.swap(params)?;
        Ok(result)
    }

    /// All that has to be remembered to go on: for files.
    pub fn snapshot(&self) -> EmaSnapshot<T> {
        EmaSnapshot { decay: self.decay, updates: self.updates, average: self.average.clone() }
    }

    /// The average that `snapshot` was taken of, over parameters of the same layout.
    ///
    /// # Errors
    /// A decay outside 0..=1; another number of weights; more than 2⁵³ updates.
    pub fn restore(params: &Params<T>, snapshot: EmaSnapshot<T>) -> Result<Self, Error> {
        let EmaSnapshot { decay, updates, average } = snapshot;
        if average.len() != params.as_slice().len() {
            return Err(Error::parameter(
                "ema snapshot: number of weights",
                average.len(),
                params.as_slice().len().to_string(),
            ));
        }
        if let Some(value) = average.iter().find(|value| !value.is_finite()) {
            return Err(Error::parameter("ema snapshot: weight", value, "a finite number"));
        }
        let updates = count("ema snapshot: updates", updates)?;
        Ok(Self { average, updates, ..Self::new(params, decay)? })
    }

    fn check(&self, params: &Params<T>) -> Result<(), Error> {
        self.layout.expect_same(params.layout(), "layout of the parameters").map_err(|error| error.within("Ema"))
    }
}

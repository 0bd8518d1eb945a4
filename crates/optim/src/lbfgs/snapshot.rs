use super::line::join;
use super::state::State;
use super::{Lbfgs, LbfgsOptions, NAME};
use serde::{Deserialize, Serialize};
use wane_autodiff::{Error, Float, Params, number};

/// All that an [`Lbfgs`] has to remember to go on where it was, parameters by name: for files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LbfgsSnapshot<T> {
    /// The options.
    pub options: LbfgsOptions,
    /// The names of the parameters that moved in the last step, in the parameters' order. Every vector below has their
    /// weights, one parameter behind the other.
    pub params: Vec<String>,
    /// The pairs that are remembered, the oldest first.
    pub pairs: Vec<LbfgsPair<T>>,
    /// The last iteration, of which the next one learns; none before the first, and where all was forgotten.
    pub last: Option<LbfgsMove<T>>,
}

/// A pair (s, y) in an [`LbfgsSnapshot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LbfgsPair<T> {
    /// By how much the weights moved.
    pub s: Vec<T>,
    /// By how much the gradient changed.
    pub y: Vec<T>,
}

/// An iteration in an [`LbfgsSnapshot`]: θ ← θ + t·d.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LbfgsMove<T> {
    /// How far along `d`.
    pub t: f64,
    /// The direction.
    pub d: Vec<T>,
    /// The gradient where it began.
    pub g: Vec<T>,
}

impl<T: Float> Lbfgs<T> {
    /// All that has to be remembered between two steps.
    pub fn snapshot(&self) -> LbfgsSnapshot<T> {
        let State { moving, memory, d, t, start, .. } = &self.state;
        let entries = self.grads.as_ref().map_or(&[][..], |grads| grads.layout().entries());
        let moves = |at: usize| moving.iter().any(|run| run.contains(&at));
        let moved = entries.iter().filter(|entry| !entry.range().is_empty() && moves(entry.range().start));
        LbfgsSnapshot {
            options: self.options,
            params: moved.map(|entry| entry.name().to_owned()).collect(),
            pairs: memory.pairs().map(|(s, y)| LbfgsPair { s: s.to_vec(), y: y.to_vec() }).collect(),
            last: t.map(|t| LbfgsMove { t, d: d.clone(), g: start.g.clone() }),
        }
    }

    /// Goes on from `snapshot`, over parameters of the layout that it was taken with: the next step then gives the bits
    /// that it would have given there. Its options come with it.
    ///
    /// # Errors
    /// Options out of range; names that the parameters do not have, or in another order; vectors of other lengths; pairs
    /// that could not have been remembered, or too many. Then nothing has changed.
    pub fn restore(&mut self, params: &Params<T>, snapshot: &LbfgsSnapshot<T>) -> Result<(), Error> {
        *self = restored(params, snapshot).map_err(|error| error.within(format!("{NAME} snapshot")))?;
        Ok(())
    }
}

fn restored<T: Float>(params: &Params<T>, snapshot: &LbfgsSnapshot<T>) -> Result<Lbfgs<T>, Error> {
    let LbfgsSnapshot { options, params: names, pairs, last } = snapshot;
    options.check()?;
    let mut lbfgs = Lbfgs { options: *options, grads: None, state: State::new() };
    let layout = params.layout();
    let ids = names.iter().map(|name| layout.id(name)).collect::<Result<Vec<_>, _>>()?;
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] >= pair[1]) {
        let name = |id| layout.entry(id).map(|entry| format!("{:?}", entry.name()));
        let given = format!("{} behind {}", name(pair[1])?, name(pair[0])?);
        return Err(Error::parameter("parameters", given, "the parameters' own order"));
    }
    let ranges = ids.iter().map(|&id| Ok(layout.entry(id)?.range())).collect::<Result<Vec<_>, Error>>()?;
    let state = &mut lbfgs.state;
    join(ranges.into_iter(), &mut state.moving);
    let count = state.moving.iter().map(ExactSizeIterator::len).sum::<usize>();
    let expect = |field: String, values: &[T]| {
        let fits = values.len() == count;
        if fits {
            Ok(())
        } else {
            Err(Error::parameter(field, values.len(), format!("{count}, the weights that move")))
        }
    };
    if pairs.len() > options.history_size {
        let expected = format!("at most {}, the history_size", options.history_size);
        return Err(Error::parameter("number of pairs", pairs.len(), expected));
    }
    for (number, LbfgsPair { s, y }) in pairs.iter().enumerate() {
        expect(format!("pair {number}: numbers in s"), s)?;
        expect(format!("pair {number}: numbers in y"), y)?;
        if !state.memory.recall(s, y) {
            return Err(Error::parameter(format!("pair {number}: curvature"), "too small", "yᵀs finite, above 1e-10"));
        }
    }
    if let Some(LbfgsMove { t, d, g }) = last {
        expect("numbers in d".to_owned(), d)?;
        expect("numbers in g".to_owned(), g)?;
        if !t.is_finite() {
            return Err(Error::parameter("t", number(*t), "a finite number"));
        }
        (state.t, state.d, state.start.g) = (Some(*t), d.clone(), g.clone());
    }
    if !names.is_empty() {
        lbfgs.grads = Some(params.grads());
    }
    Ok(lbfgs)
}

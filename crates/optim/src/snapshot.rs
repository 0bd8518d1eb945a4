use crate::state::State;
use crate::{DecayKind, Optimizer, Rule};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wane_autodiff::{Error, Float, Params};

/// All that an optimizer has to remember to go on where it was, by name: for files.
///
/// Schedules and proximal terms are not in it, but for the latter's description: they are code, and a program that goes on builds the same optimizer before it
/// [restores](Optimizer::restore) this into it. What schedules need is: `time`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSnapshot<T, R> {
    /// [`Rule::NAME`].
    pub rule: String,
    /// [`Optimizer::time`].
    pub time: u64,
    /// The groups, in their order.
    pub groups: Vec<GroupSnapshot<R>>,
    /// What is remembered of each parameter that has taken a step, in the parameters' order.
    pub params: Vec<ParamSnapshot<T>>,
}

/// A group in an [`OptimizerSnapshot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupSnapshot<R> {
    /// The names of its parameters.
    pub params: Vec<String>,
    /// Its options, schedules not applied.
    pub options: R,
    /// The learning rate that it began with.
    pub initial_lr: f64,
    /// The kind of its decay.
    pub decay: DecayKind,
    /// What its decay is toward, one number for each of *all* parameters; none if toward zero.
    pub reference: Option<Vec<f64>>,
    /// Its proximal term, as `Debug` writes it.
    pub prox: Option<String>,
}

/// A parameter in an [`OptimizerSnapshot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParamSnapshot<T> {
    /// Its name.
    pub name: String,
    /// How many steps it has taken.
    pub steps: u64,
    /// Its buffers, each under PyTorch's name, row-major.
    pub buffers: Vec<(String, Vec<T>)>,
}

impl<T: Float, R: Rule> Optimizer<T, R> {
    /// All that has to be remembered; `params` are those that this optimizer moves.
    ///
    /// # Errors
    /// Parameters of another layout than those of the first step; a group's handle of other Params.
    pub fn snapshot(&self, params: &Params<T>) -> Result<OptimizerSnapshot<T, R>, Error> {
        let names = |group: &crate::GroupState<T, R>| -> Result<Vec<_>, Error> {
            group.params().iter().map(|&id| Ok(params.layout().entry(id)?.name().to_owned())).collect()
        };
        let groups = self.groups().iter().map(|group| {
            let reference = group.decay().reference.as_ref().map(|reference| reference.values.to_vec());
            let (options, initial_lr) = (group.options().clone(), group.initial_lr);
            let decay = group.decay().kind();
            let prox = group.prox().map(|prox| format!("{prox:?}"));
            Ok(GroupSnapshot { params: names(group)?, options, initial_lr, decay, reference, prox })
        });
        let remembered = match &self.state {
            Some(state) => {
                state.layout().expect_same(params.layout(), "layout of the parameters")?;
                state.remembered(self.groups())
            }
            None => Vec::new(),
        };
        let groups = groups.collect::<Result<_, Error>>().map_err(|error| error.within(R::NAME))?;
        Ok(OptimizerSnapshot { rule: R::NAME.to_owned(), time: self.time(), groups, params: remembered })
    }

    /// Goes on from `snapshot`, taken of an optimizer with the same groups over parameters of the same layout. Options that
    /// were changed on the way come back with it.
    ///
    /// # Errors
    /// A snapshot of another rule, of other groups, of another kind of decay, proximal term or of other parameters; options out of range;
    /// buffers that are not those of the options, or not as long as their parameter; counts above 2⁵³. Then nothing has
    /// changed.
    pub fn restore(&mut self, params: &Params<T>, snapshot: &OptimizerSnapshot<T, R>) -> Result<(), Error> {
        let restored =
            self.restored(params, snapshot).map_err(|error| error.within(format!("{} snapshot", R::NAME)))?;
        *self = restored;
        Ok(())
    }

    fn restored(&self, params: &Params<T>, snapshot: &OptimizerSnapshot<T, R>) -> Result<Self, Error> {
        if snapshot.rule != R::NAME {
            return Err(Error::parameter("rule", format!("{:?}", snapshot.rule), format!("{:?}", R::NAME)));
        }
        if snapshot.groups.len() != self.groups().len() {
            return Err(Error::parameter("number of groups", snapshot.groups.len(), self.groups().len().to_string()));
        }
        let mut restored = self.clone();
        restored.time = count("time", snapshot.time)?;
        for (number, (group, saved)) in restored.groups.iter_mut().zip(&snapshot.groups).enumerate() {
            let context = format!("group {number}");
            let mut names = Vec::new();
            for &id in group.params() {
                names.push(params.layout().entry(id).map_err(|error| error.within(&context))?.name());
            }
            if names != saved.params {
                let given = format!("{:?}", saved.params);
                return Err(Error::parameter(format!("{context}: parameters"), given, format!("{names:?}")));
            }
            let kinds =
                |kind: DecayKind, toward: bool| format!("{kind:?} toward {}", if toward { "weights" } else { "zero" });
            let given = kinds(saved.decay, saved.reference.is_some());
            let wanted = kinds(group.decay.kind, group.decay.has_reference());
            if given != wanted {
                return Err(Error::parameter(format!("{context}: decay"), given, wanted));
            }
            let known = |prox: Option<&str>| prox.unwrap_or("none").to_owned();
            let wanted = group.prox.as_ref().map(|prox| format!("{prox:?}"));
            if saved.prox != wanted {
                let (given, wanted) = (known(saved.prox.as_deref()), known(wanted.as_deref()));
                return Err(Error::parameter(format!("{context}: proximal term"), given, wanted));
            }
            if let Some(values) = &saved.reference {
                let total = params.layout().total();
                if values.len() != total {
                    let field = format!("{context}: numbers that decay is toward");
                    return Err(Error::parameter(field, values.len(), total.to_string()));
                }
                let (layout, values) = (Arc::clone(params.layout()), values.as_slice().into());
                group.decay.reference = Some(crate::decay::Reference { layout, values });
            }
            group.initial_lr =
                wane_autodiff::non_negative("initial_lr", saved.initial_lr).map_err(|error| error.within(&context))?;
            *group = group
                .edited(snapshot.time, self.schedule.as_ref(), |options| *options = saved.options.clone())
                .map_err(|error| error.within(&context))?;
        }
        restored.state = match snapshot.params.as_slice() {
            [] => None,
            saved => {
                let mut state = State::bind(&restored.groups, params)?;
                state.provide(&restored.groups);
                saved.iter().try_for_each(|param| state.recall(&restored.groups, param))?;
                Some(state)
            }
        };
        Ok(restored)
    }
}

/// Counts go on, without an overflow, and are computed with in f64.
pub(crate) fn count(field: &str, count: u64) -> Result<u64, Error> {
    const MOST: u64 = 1 << 53;
    if count <= MOST { Ok(count) } else { Err(Error::parameter(field, count, format!("at most {MOST}"))) }
}

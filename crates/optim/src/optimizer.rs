use crate::state::State;
use crate::{Decay, Group, Pull, Rule, Schedule};
use std::sync::Arc;
use wane_autodiff::ndarray::ArrayViewD;
use wane_autodiff::{Error, Float, Grads, ParamId, Params, non_negative};
use wane_penalties::Prox;

/// An optimizer: a [`Rule`], the groups of parameters it moves, and its state.
///
/// State is laid out as the parameters are. A parameter that has no gradient in a step is passed by: no decay, no
/// state, no count.
#[derive(Clone, Debug)]
pub struct Optimizer<T, R> {
    defaults: R,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) time: u64,
    pub(crate) groups: Vec<GroupState<T, R>>,
    pub(crate) state: Option<State<T>>,
}

/// A group as an optimizer holds it: its options with all overrides applied.
#[derive(Clone, Debug)]
pub struct GroupState<T, R> {
    pub(crate) params: Vec<ParamId>,
    options: R,
    schedule: Option<Schedule>,
    pub(crate) decay: Decay,
    pub(crate) initial_lr: f64,
    pub(crate) prox: Option<Arc<dyn Prox<T>>>,
    pub(crate) now: Now<R>,
}

/// What holds at the present time: the options with the learning rate of the schedule, and the decay.
#[derive(Clone, Debug)]
pub(crate) struct Now<R> {
    pub(crate) options: R,
    pub(crate) pull: Pull,
}

impl<T: Float, R: Rule> Optimizer<T, R> {
    /// An optimizer with these defaults and no parameter yet: [`group`](Self::group) adds them.
    ///
    /// # Errors
    /// An option out of range, by name.
    pub fn new(options: R) -> Result<Self, Error> {
        GroupState::<T, R>::new(Group::new(&[]), &options, None, 0).map_err(|error| error.within(R::NAME))?;
        Ok(Self { defaults: options, schedule: None, time: 0, groups: Vec::new(), state: None })
    }

    /// Adds a group of parameters.
    ///
    /// # Errors
    /// An override out of range; a parameter named twice, here or in another group; a proximal term without a parameter, or
    /// under a momentum that gives it no metric; after the first step, a handle of other Params, and a proximal term that is
    /// not defined for a parameter's shape (before it, [`step`](Self::step) tells).
    pub fn group(mut self, group: Group<T, R>) -> Result<Self, Error> {
        let context = format!("{} group {}", R::NAME, self.groups.len());
        let mut group = GroupState::new(group, &self.defaults, self.schedule.as_ref(), self.time)
            .map_err(|error| error.within(&context))?;
        let params = &mut group.params;
        params.sort_unstable();
        if let Some(twice) = params.windows(2).find(|pair| pair[0] == pair[1]) {
            let given = format!("number {}, named twice", twice[0].index());
            return Err(Error::parameter(format!("{context}: parameter"), given, "each parameter once"));
        }
        for (number, other) in self.groups.iter().enumerate() {
            if let Some(shared) = params.iter().find(|&id| other.params.binary_search(id).is_ok()) {
                let given = format!("number {}, which is in group {number}", shared.index());
                return Err(Error::parameter(format!("{context}: parameter"), given, "each parameter in one group"));
            }
        }
        if let Some(state) = &self.state {
            state.check(&group).map_err(|error| error.within(&context))?;
        }
        self.groups.push(group);
        Ok(self)
    }

    /// Adds every parameter, in two groups: those of two axes and more with the optimizer's decay, the others (biases,
    /// scales) without.
    ///
    /// # Errors
    /// As [`group`](Self::group).
    pub fn decay_matrices_only(self, params: &Params<T>) -> Result<Self, Error> {
        let (matrices, others) = params.partition(|param| param.rank() > 1);
        self.group(Group::new(&matrices))?.group(Group::new(&others).weight_decay(0.0))
    }

    /// Schedules the learning rate of every group that has no schedule of its own.
    ///
    /// # Errors
    /// A rate that is out of range at the present time, or too large for a group's decay.
    pub fn schedule(mut self, schedule: Schedule) -> Result<Self, Error> {
        self.schedule = Some(schedule);
        self.set_time(self.time)?;
        Ok(self)
    }

    /// One step of every parameter that has a gradient.
    ///
    /// # Errors
    /// No parameter in any group; parameters or gradients of another layout than those of the first step; a decay
    /// toward a reference of another layout; a proximal term that is not defined for a parameter's shape. Then nothing has
    /// moved.
    pub fn step(&mut self, params: &mut Params<T>, grads: &Grads<T>) -> Result<(), Error> {
        let within = |error: Error| error.within(R::NAME);
        params.layout().expect_same(grads.layout(), "layout of the gradients").map_err(within)?;
        let state = match &mut self.state {
            Some(state) => {
                state.layout().expect_same(params.layout(), "layout of the parameters").map_err(within)?;
                state
            }
            unbound => unbound.insert(State::bind(&self.groups, params)?),
        };
        state.provide(&self.groups);
        for (number, group) in self.groups.iter().enumerate() {
            state.step(number, group, params, grads);
        }
        Ok(())
    }

    /// Lets one unit of the schedules' time pass: an epoch or a batch, as they were written. Without schedules it only
    /// counts.
    ///
    /// # Errors
    /// A rate or a decay that is then out of range: nothing has changed, the time included.
    pub fn advance(&mut self) -> Result<(), Error> {
        self.set_time(self.time + 1)
    }

    /// How often time has [advanced](Self::advance).
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Puts the schedules at another time.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn set_time(&mut self, time: u64) -> Result<(), Error> {
        // All groups are tried before one is changed.
        for (number, group) in self.groups.iter().enumerate() {
            group.at(time, self.schedule.as_ref()).map_err(|error| error.within(in_group::<R>(number)))?;
        }
        for group in &mut self.groups {
            group.now = group.at(time, self.schedule.as_ref())?;
        }
        self.time = time;
        Ok(())
    }

    /// The groups, in the order in which they were added.
    pub fn groups(&self) -> &[GroupState<T, R>] {
        &self.groups
    }

    /// Sets the learning rate of every group, and of those that are still to be added. Schedules take it as their base;
    /// the lr₀ of a fully decoupled decay stays what it was.
    ///
    /// # Errors
    /// A rate out of range, or one too large for a group's decay: then nothing is changed.
    pub fn set_lr(&mut self, lr: f64) -> Result<(), Error> {
        let mut defaults = self.defaults.clone();
        *defaults.lr() = lr;
        defaults.check().map_err(|error| error.within(R::NAME))?;
        let edited = |(number, group): (usize, &GroupState<T, R>)| {
            let edited = group.edited(self.time, self.schedule.as_ref(), |options| *options.lr() = lr);
            edited.map_err(|error| error.within(in_group::<R>(number)))
        };
        self.groups = self.groups.iter().enumerate().map(edited).collect::<Result<_, _>>()?;
        self.defaults = defaults;
        Ok(())
    }

    /// Changes the options of one group between steps.
    ///
    /// # Errors
    /// No such group; options out of range, and then nothing is changed.
    pub fn edit_group(&mut self, number: usize, edit: impl FnOnce(&mut R)) -> Result<(), Error> {
        let group = self.groups.get(number).ok_or_else(|| self.no_group(number))?;
        let edited = group.edited(self.time, self.schedule.as_ref(), edit);
        self.groups[number] = edited.map_err(|error| error.within(in_group::<R>(number)))?;
        Ok(())
    }

    /// Gives a group another proximal term, or none, between steps.
    ///
    /// # Errors
    /// As [`edit_group`](Self::edit_group), and as [`group`](Self::group) of proximal terms; then nothing is changed.
    pub fn set_prox(&mut self, number: usize, prox: Option<Arc<dyn Prox<T>>>) -> Result<(), Error> {
        let group = self.groups.get(number).ok_or_else(|| self.no_group(number))?;
        let mut edited = GroupState { prox, ..group.clone() };
        let checked = edited.edited(self.time, self.schedule.as_ref(), |_| {}).and_then(|group| {
            edited = group;
            self.state.as_ref().map_or(Ok(()), |state| state.check(&edited))
        });
        checked.map_err(|error| error.within(in_group::<R>(number)))?;
        self.groups[number] = edited;
        Ok(())
    }

    fn no_group(&self, number: usize) -> Error {
        let expected = format!("a number below {}, the number of groups", self.groups.len());
        Error::option(format!("{} group", R::NAME), number, expected)
    }

    /// A buffer of a parameter's state under PyTorch's name (`exp_avg`, `exp_avg_sq`, `max_exp_avg_sq`,
    /// `momentum_buffer`, …); `None` where there is none yet.
    pub fn state(&self, id: ParamId, name: &str) -> Option<ArrayViewD<'_, T>> {
        let group = self.groups.iter().find(|group| group.params.binary_search(&id).is_ok())?;
        self.state.as_ref().filter(|_| group.options.state().contains(&name))?.buffer(id, name)
    }

    /// How many steps have gone into a parameter's state.
    pub fn steps(&self, id: ParamId) -> u64 {
        self.state.as_ref().map_or(0, |state| state.steps(id))
    }
}

/// How a message calls a group.
fn in_group<R: Rule>(number: usize) -> String {
    format!("{} group {number}", R::NAME)
}

impl<T: Float, R: Rule> GroupState<T, R> {
    fn new(mut group: Group<T, R>, defaults: &R, schedule: Option<&Schedule>, time: u64) -> Result<Self, Error> {
        let mut options = group.options(defaults);
        let initial_lr = *options.lr();
        let decay = group.decay.take().unwrap_or(Decay::of(R::DECAY, 0.0));
        let now = Now { options: options.clone(), pull: Pull::default() };
        let Group { params, schedule: own, prox, .. } = group;
        let state = Self { params, options, schedule: own, decay, initial_lr, prox, now };
        state.edited(time, schedule, |_| {})
    }

    /// The parameters, in the order of their layout.
    pub fn params(&self) -> &[ParamId] {
        &self.params
    }

    /// The options, overrides applied and schedules not.
    pub fn options(&self) -> &R {
        &self.options
    }

    /// The decay: its kind, its strength before any schedule, and what it is toward.
    pub fn decay(&self) -> &Decay {
        &self.decay
    }

    /// The proximal term.
    pub fn prox(&self) -> Option<&Arc<dyn Prox<T>>> {
        self.prox.as_ref()
    }

    /// The learning rate at the present time.
    pub fn lr(&self) -> f64 {
        *self.now.options.clone().lr()
    }

    /// By which part a step shrinks the weights before its update, at the present time: lr·λ of decoupled decay,
    /// (lr/lr₀)·λ of fully decoupled decay, 0 of coupled decay.
    pub fn decay_rate(&self) -> f64 {
        self.now.pull.rate
    }

    /// What holds at `time`.
    fn at(&self, time: u64, schedule: Option<&Schedule>) -> Result<Now<R>, Error> {
        let mut options = self.options.clone();
        let base = *options.lr();
        let schedule = self.schedule.as_ref().or(schedule);
        let lr = schedule.map_or(base, |schedule| schedule.at(time, base));
        *options.lr() = non_negative("lr", lr)?;
        let full_rate = schedule.map_or(self.initial_lr, |schedule| schedule.full_rate(self.initial_lr));
        Ok(Now { options, pull: self.decay.at(time, lr, full_rate)? })
    }

    /// The same group with other options, checked.
    pub(crate) fn edited(
        &self,
        time: u64,
        schedule: Option<&Schedule>,
        edit: impl FnOnce(&mut R),
    ) -> Result<Self, Error> {
        let mut edited = self.clone();
        edit(&mut edited.options);
        edited.options.check()?;
        if let Some(prox) = &edited.prox {
            if edited.params.is_empty() {
                return Err(Error::parameter(format!("parameters of the {}", prox.name()), "none", "at least one"));
            }
            edited.options.check_reach().map_err(|error| error.within(prox.name()))?;
        }
        edited.decay.strength = non_negative("weight_decay", *edited.options.weight_decay())?;
        edited.now = edited.at(time, schedule)?;
        Ok(edited)
    }
}

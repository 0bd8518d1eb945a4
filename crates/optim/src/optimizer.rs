use crate::{Decay, DecayKind, Group, Rule};
use std::ops::Range;
use std::sync::Arc;
use wane_autodiff::ndarray::ArrayViewD;
use wane_autodiff::{Error, Float, Grads, Layout, ParamId, Params};

/// An optimizer: a [`Rule`], the groups of parameters it moves, and its state.
///
/// State is laid out as the parameters are. A parameter that has no gradient in a step is passed by: no decay, no
/// state, no count.
#[derive(Clone, Debug)]
pub struct Optimizer<T, R> {
    defaults: R,
    groups: Vec<GroupState<R>>,
    state: Option<State<T>>,
}

/// A group as an optimizer holds it: its options with all overrides applied.
#[derive(Clone, Debug)]
pub struct GroupState<R> {
    params: Vec<ParamId>,
    options: R,
    kind: DecayKind,
}

#[derive(Clone, Debug)]
struct State<T> {
    layout: Arc<Layout>,
    names: &'static [&'static str],
    buffers: Vec<Vec<T>>,
    steps: Vec<u64>,
}

impl<T: Float, R: Rule> Optimizer<T, R> {
    /// An optimizer with these defaults and no parameter yet: [`group`](Self::group) adds them.
    ///
    /// # Errors
    /// An option out of range, by name.
    pub fn new(options: R) -> Result<Self, Error> {
        check(&options, R::DECAY).map_err(|error| error.within(R::NAME))?;
        Ok(Self { defaults: options, groups: Vec::new(), state: None })
    }

    /// Adds a group of parameters.
    ///
    /// # Errors
    /// An override out of range; a parameter named twice, here or in another group; after the first step, a handle of
    /// other Params (before it, [`step`](Self::step) tells).
    pub fn group(mut self, mut group: Group<R>) -> Result<Self, Error> {
        let context = format!("{} group {}", R::NAME, self.groups.len());
        let options = group.options(&self.defaults);
        let kind = group.kind.unwrap_or(R::DECAY);
        check(&options, kind).map_err(|error| error.within(&context))?;

        let mut params = group.params;
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
            params
                .iter()
                .try_for_each(|&id| state.layout.entry(id).map(drop))
                .map_err(|error| error.within(&context))?;
        }
        self.groups.push(GroupState { params, options, kind });
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

    /// One step of every parameter that has a gradient.
    ///
    /// # Errors
    /// No parameter in any group; parameters or gradients of another layout than those of the first step.
    pub fn step(&mut self, params: &mut Params<T>, grads: &Grads<T>) -> Result<(), Error> {
        params
            .layout()
            .expect_same(grads.layout(), "layout of the gradients")
            .map_err(|error| error.within(R::NAME))?;
        let state = match &mut self.state {
            Some(state) => {
                state
                    .layout
                    .expect_same(params.layout(), "layout of the parameters")
                    .map_err(|error| error.within(R::NAME))?;
                state
            }
            unbound => unbound.insert(State::bind(&self.groups, params)?),
        };
        state.provide(&self.groups);
        for group in &self.groups {
            group.step(state, params, grads);
        }
        Ok(())
    }

    /// The groups, in the order in which they were added.
    pub fn groups(&self) -> &[GroupState<R>] {
        &self.groups
    }

    /// Sets the learning rate of every group, and of those that are still to be added.
    ///
    /// # Errors
    /// A rate out of range, or one too large for a group's decoupled decay: then nothing is changed.
    pub fn set_lr(&mut self, lr: f64) -> Result<(), Error> {
        let (mut defaults, mut changed) = (self.defaults.clone(), self.groups.clone());
        *defaults.lr() = lr;
        defaults.check().map_err(|error| error.within(R::NAME))?;
        for (number, group) in changed.iter_mut().enumerate() {
            *group.options.lr() = lr;
            let context = || format!("{} group {number}", R::NAME);
            check(&group.options, group.kind).map_err(|error| error.within(context()))?;
        }
        (self.defaults, self.groups) = (defaults, changed);
        Ok(())
    }

    /// Changes the options of one group between steps.
    ///
    /// # Errors
    /// No such group; options out of range, and then nothing is changed.
    pub fn edit_group(&mut self, number: usize, edit: impl FnOnce(&mut R)) -> Result<(), Error> {
        let count = self.groups.len();
        let Some(group) = self.groups.get_mut(number) else {
            return Err(Error::option(
                format!("{} group", R::NAME),
                number,
                format!("a number below {count}, the number of groups"),
            ));
        };
        let mut options = group.options.clone();
        edit(&mut options);
        check(&options, group.kind).map_err(|error| error.within(format!("{} group {number}", R::NAME)))?;
        group.options = options;
        Ok(())
    }

    /// A buffer of a parameter's state under PyTorch's name (`exp_avg`, `exp_avg_sq`, `max_exp_avg_sq`,
    /// `momentum_buffer`); `None` where there is none yet.
    pub fn state(&self, id: ParamId, name: &str) -> Option<ArrayViewD<'_, T>> {
        let state = self.state.as_ref()?;
        let entry = state.layout.find(id)?;
        let group = self.groups.iter().find(|group| group.params.binary_search(&id).is_ok())?;
        let buffer = state.names.iter().position(|&known| known == name)?;
        if state.steps[id.index()] == 0 || !group.options.state().contains(&name) {
            return None;
        }
        ArrayViewD::from_shape(entry.shape().dims(), &state.buffers[buffer][entry.range()]).ok()
    }

    /// How many steps have gone into a parameter's state.
    pub fn steps(&self, id: ParamId) -> u64 {
        let counted = |state: &State<T>| state.layout.find(id).map(|_| state.steps[id.index()]);
        self.state.as_ref().and_then(counted).unwrap_or(0)
    }
}

fn check<R: Rule>(options: &R, kind: DecayKind) -> Result<(), Error> {
    options.check()?;
    let mut options = options.clone();
    let lr = *options.lr();
    Decay::of(kind, *options.weight_decay()).check(lr)
}

impl<R: Rule> GroupState<R> {
    /// The parameters, in the order of their layout.
    pub fn params(&self) -> &[ParamId] {
        &self.params
    }

    /// The options, overrides applied.
    pub fn options(&self) -> &R {
        &self.options
    }

    /// The decay: its kind and strength.
    pub fn decay(&self) -> Decay {
        Decay::of(self.kind, *self.options.clone().weight_decay())
    }

    /// Neighbours in memory that are at the same step move together, so that many small parameters cost one loop.
    fn step<T: Float>(&self, state: &mut State<T>, params: &mut Params<T>, grads: &Grads<T>) {
        let stateful = !self.options.state().is_empty();
        let mut run: Option<(u64, Range<usize>)> = None;
        let mut constants = None;
        for &id in &self.params {
            if !grads.reached()[id.index()] || params.is_frozen(id) {
                continue;
            }
            let range = state.layout.entries()[id.index()].range();
            let step = state.steps[id.index()] + 1;
            state.steps[id.index()] += u64::from(stateful);
            match &mut run {
                Some((at, whole)) if *at == step && whole.end == range.start => whole.end = range.end,
                _ => {
                    if let Some(done) = run.replace((step, range)) {
                        self.update(done, &mut constants, state, params, grads);
                    }
                }
            }
        }
        if let Some(last) = run {
            self.update(last, &mut constants, state, params, grads);
        }
    }

    fn update<T: Float>(
        &self,
        (step, range): (u64, Range<usize>),
        memo: &mut Option<(u64, R::Constants<T>)>,
        state: &mut State<T>,
        params: &mut Params<T>,
        grads: &Grads<T>,
    ) {
        let constants = match *memo {
            Some((at, constants)) if at == step => constants,
            _ => self.options.constants(self.decay(), step),
        };
        *memo = Some((step, constants));
        let theta = &mut params.as_mut_slice()[range.clone()];
        let g = &grads.as_slice()[range.clone()];
        let mut buffers = state.buffers.iter_mut().map(|buffer| &mut buffer[range.clone()]);
        // No optimizer here has more than three buffers.
        let mut slices = [(); 3].map(|()| buffers.next().unwrap_or_default());
        R::update(constants, theta, g, &mut slices);
    }
}

impl<T: Float> State<T> {
    /// State for the given parameters, in which every group's handles are found.
    fn bind<R: Rule>(groups: &[GroupState<R>], params: &Params<T>) -> Result<Self, Error> {
        if groups.iter().all(|group| group.params.is_empty()) {
            return Err(Error::parameter(R::NAME, "without parameters", "a group with at least one"));
        }
        for (number, group) in groups.iter().enumerate() {
            let context = || format!("{} group {number}", R::NAME);
            let found = group.params.iter().try_for_each(|&id| params.layout().entry(id).map(drop));
            found.map_err(|error| error.within(context()))?;
        }
        let layout = Arc::clone(params.layout());
        Ok(Self { layout, names: &[], buffers: Vec::new(), steps: vec![0; params.len()] })
    }

    /// Adds the buffers that some group's options need and that are not there yet. The names that one rule needs under
    /// some options begin with those it needs under others.
    fn provide<R: Rule>(&mut self, groups: &[GroupState<R>]) {
        for group in groups {
            let names = group.options.state();
            if names.len() > self.names.len() {
                self.names = names;
                self.buffers.resize_with(names.len(), || vec![T::zero(); self.layout.total()]);
            }
        }
    }
}

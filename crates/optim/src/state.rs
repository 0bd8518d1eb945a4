use crate::decay::{DecayKind, Reference};
use crate::motion::{Motion, SHARE};
use crate::optimizer::GroupState;
use crate::snapshot::{ParamSnapshot, count};
use crate::{Pull, Rule};
use std::ops::Range;
use std::sync::Arc;
use wane_autodiff::ndarray::ArrayViewD;
use wane_autodiff::simd::{Kernel, vectorized};
use wane_autodiff::{Error, Flat, Float, Grads, Layout, ParamId, Params, ShapeFault, parts};

/// What an optimizer remembers of its parameters, laid out as they are.
#[derive(Clone, Debug)]
pub(crate) struct State<T> {
    layout: Arc<Layout>,
    buffers: Vec<(&'static str, Flat<T>)>,
    steps: Vec<u64>,
    /// What each group's decay is toward, where it is not zero.
    references: Vec<Option<Vec<T>>>,
    /// Gradients with coupled decay toward a reference.
    scratch: Vec<T>,
    /// The metric of one parameter's step.
    reach: Vec<T>,
}

impl<T: Float> State<T> {
    /// State for the given parameters, in which every group's handles are found.
    pub(crate) fn bind<R: Rule>(groups: &[GroupState<T, R>], params: &Params<T>) -> Result<Self, Error> {
        if groups.iter().all(|group| group.params.is_empty()) {
            return Err(Error::parameter(R::NAME, "without parameters", "a group with at least one"));
        }
        let layout = Arc::clone(params.layout());
        let state = Self {
            layout,
            buffers: vec![],
            steps: vec![0; params.len()],
            references: vec![],
            scratch: vec![],
            reach: vec![],
        };
        for (number, group) in groups.iter().enumerate() {
            state.check(group).map_err(|error| error.within(format!("{} group {number}", R::NAME)))?;
        }
        Ok(state)
    }

    /// Checks that a group's parameters, and what its decay is toward, are of this layout, and its proximal term defined
    /// for them.
    pub(crate) fn check<R: Rule>(&self, group: &GroupState<T, R>) -> Result<(), Error> {
        for &id in &group.params {
            let entry = self.layout.entry(id)?;
            if let Some(prox) = &group.prox {
                let shape = entry.shape();
                let refused = |fault: ShapeFault| {
                    Error::parameter(format!("shape of {:?}", entry.name()), shape, fault.to_string())
                };
                prox.check(shape).map_err(|fault| refused(fault).within(prox.name()))?;
            }
        }
        match &group.decay.reference {
            Some(reference) => {
                self.layout.expect_same(&reference.layout, "layout of the decay's reference")?;
                match reference.values.iter().find(|value| !value.is_finite()) {
                    Some(value) => Err(Error::parameter("weight that decay is toward", value, "a finite number")),
                    None => Ok(()),
                }
            }
            None => Ok(()),
        }
    }

    /// Every parameter that has taken a step, with the buffers that its group's options use.
    pub(crate) fn remembered<R: Rule>(&self, groups: &[GroupState<T, R>]) -> Vec<ParamSnapshot<T>> {
        let used = |id| group_of(groups, id).map_or(&[][..], |group| group.options().state());
        let taken = self.layout.entries().iter().filter(|entry| self.steps[entry.id().index()] > 0);
        taken
            .map(|entry| {
                let values = |name: &&str| {
                    let (_, buffer) = self.buffers.iter().find(|(known, _)| known == name)?;
                    Some(((*name).to_owned(), buffer[entry.range()].to_vec()))
                };
                let buffers = used(entry.id()).iter().filter_map(values).collect();
                ParamSnapshot { name: entry.name().to_owned(), steps: self.steps[entry.id().index()], buffers }
            })
            .collect()
    }

    /// Takes back what was remembered of one parameter.
    ///
    /// # Errors
    /// A parameter in no group; other buffers than its group's options use; other lengths than its own.
    pub(crate) fn recall<R: Rule>(
        &mut self,
        groups: &[GroupState<T, R>],
        saved: &ParamSnapshot<T>,
    ) -> Result<(), Error> {
        let entry = self.layout.entry(self.layout.id(&saved.name)?)?;
        let (id, range) = (entry.id(), entry.range());
        let Some(group) = group_of(groups, id) else {
            return Err(Error::parameter("parameter", format!("{:?}", saved.name), "a parameter of one of the groups"));
        };
        let mut names: Vec<_> = saved.buffers.iter().map(|(name, _)| name.as_str()).collect();
        let mut wanted = group.options().state().to_vec();
        names.sort_unstable();
        wanted.sort_unstable();
        if names != wanted {
            return Err(Error::parameter(
                format!("state of {}", saved.name),
                format!("{names:?}"),
                format!("{wanted:?}"),
            ));
        }
        for (name, values) in &saved.buffers {
            if values.len() != range.len() {
                let field = format!("numbers in {}.{name}", saved.name);
                return Err(Error::parameter(field, values.len(), range.len().to_string()));
            }
            let (_, buffer) = self.buffers.iter_mut().find(|(known, _)| known == name).expect("provided for its group");
            buffer[range.clone()].copy_from_slice(values);
        }
        self.steps[id.index()] = count(&format!("steps of {}", saved.name), saved.steps)?;
        Ok(())
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn buffer(&self, id: ParamId, name: &str) -> Option<ArrayViewD<'_, T>> {
        let entry = self.layout.find(id).filter(|_| self.steps[id.index()] > 0)?;
        let (_, buffer) = self.buffers.iter().find(|(known, _)| *known == name)?;
        ArrayViewD::from_shape(entry.shape().dims(), &buffer[entry.range()]).ok()
    }

    pub(crate) fn steps(&self, id: ParamId) -> u64 {
        self.layout.find(id).map_or(0, |_| self.steps[id.index()])
    }

    /// Adds the memory that groups need and that is not there yet.
    pub(crate) fn provide<R: Rule>(&mut self, groups: &[GroupState<T, R>]) {
        for group in groups {
            for &name in group.options().state() {
                if self.buffers.iter().all(|(known, _)| *known != name) {
                    self.buffers.push((name, Flat::zeros(self.layout.total())));
                }
            }
        }
        for group in groups.iter().filter(|group| group.prox.as_ref().is_some_and(|prox| !prox.is_separable())) {
            let longest = group.params.iter().map(|id| self.layout.entries()[id.index()].shape().len()).max();
            let len = self.reach.len().max(longest.unwrap_or(0));
            self.reach.resize(len, T::zero());
        }
        for group in &groups[self.references.len()..] {
            let rounded = |reference: &Reference| reference.values.iter().map(|&value| T::of(value)).collect();
            self.references.push(group.decay.reference.as_ref().map(rounded));
            if group.decay.reference.is_some() && group.decay.kind == DecayKind::Coupled {
                self.scratch.resize(self.layout.total(), T::zero());
            }
        }
    }

    /// Moves the parameters of one group. Neighbours in memory that are at the same step move together, so that many
    /// small parameters cost one loop.
    pub(crate) fn step<R: Rule>(
        &mut self,
        number: usize,
        group: &GroupState<T, R>,
        params: &mut Params<T>,
        grads: &Grads<T>,
    ) {
        let stateful = !group.options().state().is_empty();
        let initial = T::of(group.options().initial_state());
        let mut run: Option<(u64, Range<usize>)> = None;
        let mut constants = None;
        for &id in &group.params {
            if !grads.reached()[id.index()] || params.is_frozen(id) {
                continue;
            }
            let range = self.layout.entries()[id.index()].range();
            let step = self.steps[id.index()] + 1;
            if stateful && step == 1 && initial != T::zero() {
                self.buffers.iter_mut().for_each(|(_, buffer)| buffer[range.clone()].fill(initial));
            }
            self.steps[id.index()] += u64::from(stateful);
            match &mut run {
                Some((at, whole)) if *at == step && whole.end == range.start => whole.end = range.end,
                _ => {
                    if let Some(done) = run.replace((step, range)) {
                        self.update(number, group, done, &mut constants, params, grads);
                    }
                }
            }
        }
        if let Some(last) = run {
            self.update(number, group, last, &mut constants, params, grads);
        }
    }

    fn update<R: Rule>(
        &mut self,
        number: usize,
        group: &GroupState<T, R>,
        (step, range): (u64, Range<usize>),
        memo: &mut Option<(u64, R::Constants<T>)>,
        params: &mut Params<T>,
        grads: &Grads<T>,
    ) {
        let options = &group.now.options;
        let reference = self.references[number].as_ref().map(|reference| &reference[range.clone()]);
        let constants = match *memo {
            Some((at, constants)) if at == step => constants,
            _ => options.constants(if reference.is_some() { Pull::default() } else { group.now.pull }, step),
        };
        *memo = Some((step, constants));
        let constants = R::scaled(constants, T::of(grads.clipped()));
        let theta = &mut params.as_mut_slice()[range.clone()];
        let mut g = &grads.as_slice()[range.clone()];
        if let Some(reference) = reference {
            let Pull { coupled, rate } = group.now.pull;
            if coupled != 0.0 {
                // The rule turns its gradient around to climb, so that decay goes in turned around.
                let coupled = if options.maximize() { -coupled } else { coupled };
                let out = &mut self.scratch[range.clone()];
                vectorized(Joined { out, theta, g, reference, coupled: T::of(coupled) });
                g = out;
            }
            if rate != 0.0 {
                vectorized(Drawn { theta, reference, minus_rate: T::of(-rate) });
            }
        }
        // Where nothing moves, nothing shrinks.
        let scale = (*options.clone().lr() != 0.0).then(|| T::of(grads.clipped()));
        let motion = Motion::<T, R> { constants, prox: group.prox.as_deref().zip(scale) };
        let names = options.state();
        let mut slices: [&mut [T]; 3] = Default::default();
        for (name, buffer) in &mut self.buffers {
            if let Some(place) = names.iter().position(|known| known == name) {
                slices[place] = &mut buffer[range.clone()];
            }
        }
        let [x, y, z] = &mut slices;
        motion.run(theta, g, [x, y, z], parts(range.len(), SHARE));
        if motion.prox.is_none_or(|(prox, _)| prox.is_separable()) {
            return;
        }
        for entry in group.params.iter().map(|&id| &self.layout.entries()[id.index()]) {
            let own = entry.range();
            if range.start <= own.start && own.end <= range.end {
                let own = own.start - range.start..own.end - range.start;
                let state = slices.each_ref().map(|buffer| buffer.get(own.clone()).unwrap_or_default());
                motion.shrink(&mut theta[own.clone()], entry.shape(), state, &mut self.reach[..own.len()]);
            }
        }
    }
}

fn group_of<T, R>(groups: &[GroupState<T, R>], id: ParamId) -> Option<&GroupState<T, R>> {
    groups.iter().find(|group| group.params.binary_search(&id).is_ok())
}

/// out ← g + λ(θ − θ⁰).
struct Joined<'a, T> {
    out: &'a mut [T],
    theta: &'a [T],
    g: &'a [T],
    reference: &'a [T],
    coupled: T,
}

impl<T: Float> Kernel for Joined<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let weights = self.theta.iter().zip(self.reference).zip(self.g);
        for (out, ((&theta, &reference), &g)) in self.out.iter_mut().zip(weights) {
            *out = (theta - reference).mul_add(self.coupled, g);
        }
    }
}

/// θ ← θ − rate·(θ − θ⁰): a weight at its reference rests.
struct Drawn<'a, T> {
    theta: &'a mut [T],
    reference: &'a [T],
    minus_rate: T,
}

impl<T: Float> Kernel for Drawn<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (theta, &reference) in self.theta.iter_mut().zip(self.reference) {
            *theta = (*theta - reference).mul_add(self.minus_rate, *theta);
        }
    }
}

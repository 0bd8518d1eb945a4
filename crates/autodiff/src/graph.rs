use crate::op::{Indices, Op, ShapeFault};
use crate::penalty::{Penalty, PenaltyOp};
use crate::tape::{Place, Recording, Source, Training};
use crate::{Float, NonFinite, ParamId, Params, Rng, Shape, Var};
use ndarray::{ArrayBase, Data, Dimension};
use rand::Rng as _;
use std::cell::{RefCell, RefMut};
use std::panic::Location;

/// One recording on a [`Tape`](crate::Tape): where values enter, and where ops are recorded.
///
/// A `Graph` is a `Copy` handle; it lives as long as its tape and its parameters stay borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Graph<'g, T> {
    pub(crate) recording: &'g RefCell<Recording<T>>,
    pub(crate) params: &'g Params<T>,
}

impl<'g, T: Float> Graph<'g, T> {
    pub(crate) fn new(recording: &'g RefCell<Recording<T>>, params: &'g Params<T>) -> Self {
        Self { recording, params }
    }

    /// Makes this a recording for training: dropout drops. One seed is drawn from `rng`; every mask is derived from
    /// it by counting, so that a step costs the generator one draw whatever the model.
    pub fn training(self, rng: &mut Rng) -> Self {
        self.edit().training = Some(Training { seed: rng.next_u64(), draws: 0 });
        self
    }

    /// Whether this recording is one for training.
    pub fn is_training(self) -> bool {
        self.recording.borrow().training.is_some()
    }

    /// A constant: data that wants no gradient, copied in row-major order.
    ///
    /// # Panics
    /// More than four axes.
    #[track_caller]
    pub fn input<S: Data<Elem = T>, D: Dimension>(self, values: &ArrayBase<S, D>) -> Var<'g, T> {
        self.enter(values.shape(), false, |to| copy(values, to))
    }

    /// Data whose gradient is wanted: [`Var::grad`] has it after backward.
    ///
    /// # Panics
    /// More than four axes.
    #[track_caller]
    pub fn variable<S: Data<Elem = T>, D: Dimension>(self, values: &ArrayBase<S, D>) -> Var<'g, T> {
        self.enter(values.shape(), true, |to| copy(values, to))
    }

    /// A constant of another scalar, such as data of a function that is recorded over `f64` and
    /// [`Dual<f64>`](crate::Dual) alike. Dual numbers lose their tangents.
    ///
    /// # Panics
    /// More than four axes.
    #[track_caller]
    pub fn lift<U: Float, S: Data<Elem = U>, D: Dimension>(self, values: &ArrayBase<S, D>) -> Var<'g, T> {
        let convert = |(to, &from): (&mut T, &U)| *to = T::of(from.widen());
        self.enter(values.shape(), false, |to| match values.as_slice() {
            Some(slice) => to.iter_mut().zip(slice).for_each(convert),
            None => to.iter_mut().zip(values).for_each(convert),
        })
    }

    /// A constant of a single number.
    #[track_caller]
    pub fn scalar(self, value: T) -> Var<'g, T> {
        self.enter(&[], false, |to| to.fill(value))
    }

    /// A constant vector of numbers that are held as something else.
    #[track_caller]
    pub(crate) fn vector(self, values: impl ExactSizeIterator<Item = T>) -> Var<'g, T> {
        let site = self.site(Location::caller());
        let mut recording = self.edit();
        let node = recording.push_input(Shape::from_dims(&[values.len()]).expect("one axis"), false, site);
        if let Place::Arena(start, len) = recording.nodes[node as usize].value {
            recording.values.data[start..start + len].iter_mut().zip(values).for_each(|(to, from)| *to = from);
        }
        Var { graph: self, node }
    }

    #[track_caller]
    pub(crate) fn enter(self, dims: &[usize], wants_grad: bool, fill: impl FnOnce(&mut [T])) -> Var<'g, T> {
        let site = self.site(Location::caller());
        let Some(shape) = Shape::from_dims(dims) else {
            panic!("input: the array has {} axes, a tape holds at most 4 (at {site})", dims.len())
        };
        let mut recording = self.edit();
        let node = recording.push_input(shape, wants_grad, site);
        if let Place::Arena(start, len) = recording.nodes[node as usize].value {
            fill(&mut recording.values.data[start..start + len]);
        }
        Var { graph: self, node }
    }

    /// A parameter. Its values are read where they lie; used twice, its gradients add up.
    ///
    /// # Panics
    /// A handle of other Params.
    #[track_caller]
    pub fn param(self, id: ParamId) -> Var<'g, T> {
        let entry = self.params.entry(id);
        let (start, len) = (entry.start, entry.shape.len());
        let grad = if self.params.is_frozen(id) { Place::Nowhere } else { Place::Param(start, len) };
        let site = self.site(Location::caller());
        let source = Source::Param(id.index);
        let node = self.edit().push_node(source, entry.shape, Place::Param(start, len), grad, site);
        Var { graph: self, node }
    }

    /// The sum of `penalty` over the given parameters, a scalar to add to the loss. A parameter given twice counts twice.
    ///
    /// # Panics
    /// No parameter; a handle of other Params; a shape that the penalty is not defined for.
    #[track_caller]
    pub fn penalty<P: Penalty<T> + Clone + 'static>(self, penalty: &P, params: &[ParamId]) -> Var<'g, T> {
        let first = self.recording.borrow().nodes.len() as u32;
        for &id in params {
            self.param(id);
        }
        self.record(PenaltyOp(penalty.clone()), first..first + params.len() as u32, Location::caller())
    }

    /// Records `op` over `operands`: the way of every op, wane's own and a user's.
    ///
    /// # Panics
    /// Operands of another graph; shapes that the op refuses.
    #[track_caller]
    pub fn apply<O: Op<T>>(self, op: O, operands: &[Var<'g, T>]) -> Var<'g, T> {
        let caller = Location::caller();
        for operand in operands {
            if !std::ptr::eq(operand.graph.recording, self.recording) {
                let site = self.site(caller);
                panic!("{}: an operand was recorded on another tape (at {site})", op.name());
            }
        }
        self.record(op, operands.iter().map(|operand| operand.node), caller)
    }

    fn record<O: Op<T>>(
        self,
        op: O,
        operands: impl Iterator<Item = u32>,
        caller: &'static Location<'static>,
    ) -> Var<'g, T> {
        let mut recording = self.edit();
        let site = recording.site.unwrap_or(caller);
        let node = recording.push_op(op, operands, self.params, site);
        drop(recording);
        Var { graph: self, node }
    }

    /// Ends in the panic of shapes that do not fit, where several ops make one that has the name `op`, or where a layer knows
    /// more of its shapes than its ops do.
    ///
    /// # Panics
    /// Always: naming op, fault, the parameter among the operands and the user's line.
    #[cold]
    #[track_caller]
    pub fn refuse(self, op: &str, fault: &ShapeFault, operands: &[Var<'g, T>]) -> ! {
        let ids: Vec<u32> = operands.iter().map(|operand| operand.node).collect();
        let site = self.site(Location::caller());
        self.recording.borrow().shape_panic(op, fault, &ids, self.params, site)
    }

    /// Keeps integers on the tape for an op that is about to be recorded.
    pub fn indices(self, indices: impl IntoIterator<Item = u32>) -> Indices {
        let mut recording = self.edit();
        let start = recording.indices.len();
        recording.indices.extend(indices);
        Indices { start, len: recording.indices.len() - start }
    }

    /// The parameters of this recording.
    pub fn params(self) -> &'g Params<T> {
        self.params
    }

    /// Runs `build` with every op it records attributed to `site`: how a container keeps the user's line in messages.
    pub fn attribute<R>(self, site: &'static Location<'static>, build: impl FnOnce() -> R) -> R {
        let outer = {
            let mut recording = self.edit();
            let outer = recording.site;
            recording.site = outer.or(Some(site));
            outer
        };
        let _restored = Attributed { graph: self, outer };
        build()
    }

    /// The first value, in the order of recording, that is NaN or infinite: which op made it, from which parameter,
    /// and in which line of user code.
    ///
    /// ```
    /// # use wane_autodiff::{Params, Tape, ndarray::array};
    /// let params = Params::<f32>::new();
    /// let mut tape = Tape::new();
    /// let graph = tape.record(&params);
    /// graph.input(&array![[4.0, -1.0]]).sqrt().sum();
    /// let found = graph.first_non_finite().unwrap();
    /// assert_eq!((found.op, found.position.as_slice()), ("sqrt", &[0, 1][..]));
    /// ```
    pub fn first_non_finite(self) -> Option<NonFinite> {
        NonFinite::first(&self.recording.borrow(), self.params)
    }

    pub(crate) fn next_mask_seed(self) -> Option<u64> {
        let mut recording = self.edit();
        let training = recording.training.as_mut()?;
        training.draws += 1;
        Some(training.seed ^ training.draws.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn site(self, caller: &'static Location<'static>) -> &'static Location<'static> {
        self.recording.borrow().site.unwrap_or(caller)
    }

    #[track_caller]
    pub(crate) fn edit(self) -> RefMut<'g, Recording<T>> {
        match self.recording.try_borrow_mut() {
            Ok(recording) => recording,
            Err(_) => panic!("nothing can be recorded while Var::with looks at a value"),
        }
    }
}

fn copy<T: Float, S: Data<Elem = T>, D: Dimension>(from: &ArrayBase<S, D>, to: &mut [T]) {
    match from.as_slice() {
        Some(slice) => to.copy_from_slice(slice),
        None => to.iter_mut().zip(from.iter()).for_each(|(to, &from)| *to = from),
    }
}

/// Puts the outer line back, even if what was recorded panicked and the panic was caught.
struct Attributed<'g, T> {
    graph: Graph<'g, T>,
    outer: Option<&'static Location<'static>>,
}

impl<T> Drop for Attributed<'_, T> {
    fn drop(&mut self) {
        if let Ok(mut recording) = self.graph.recording.try_borrow_mut() {
            recording.site = self.outer;
        }
    }
}

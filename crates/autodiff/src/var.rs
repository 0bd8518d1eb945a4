use crate::tape::{Place, Recording};
use crate::{Float, Grads, Graph, NonFinite, Op, Shape};
use ndarray::{ArrayBase, ArrayD, ArrayViewD, Data, Dimension};
use std::cell::RefMut;

/// A value on a tape: a `Copy` handle of an array of up to four axes.
///
/// Arithmetic operators broadcast as NumPy does, between values and with scalars on either side.
///
/// ```
/// use wane_autodiff::{Params, Tape, ndarray::array};
///
/// let mut params = Params::<f64>::new();
/// let w = params.root().add("w", &array![1.0, 2.0])?;
/// let (mut tape, mut grads) = (Tape::new(), params.grads());
/// let w_var = tape.record(&params).param(w);
/// let loss = (w_var * w_var).sum() * 3.0;
/// loss.backward(&mut grads);
/// assert_eq!(loss.item(), 15.0);
/// assert_eq!(grads.get(w).unwrap(), array![6.0, 12.0].into_dyn());
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Var<'g, T> {
    pub(crate) graph: Graph<'g, T>,
    pub(crate) node: u32,
}

impl<'g, T: Float> Var<'g, T> {
    /// The recording this value is part of.
    pub fn graph(self) -> Graph<'g, T> {
        self.graph
    }

    /// The axis lengths.
    pub fn shape(self) -> Shape {
        self.graph.recording.borrow().nodes[self.node as usize].shape
    }

    /// The value of a single number (of any rank, all axes of length 1).
    ///
    /// # Panics
    /// More or less than one element.
    #[track_caller]
    pub fn item(self) -> T {
        let recording = self.graph.recording.borrow();
        match recording.value(self.node, self.graph.params) {
            &[value] => value,
            _ => panic!("item: the value has shape {}, wanted a single element", self.shape()),
        }
    }

    /// Looks at the value where it lies. Nothing can be recorded meanwhile.
    pub fn with<R>(self, look: impl FnOnce(ArrayViewD<'_, T>) -> R) -> R {
        let recording = self.graph.recording.borrow();
        let shape = recording.nodes[self.node as usize].shape;
        look(crate::params::view(shape, recording.value(self.node, self.graph.params)))
    }

    /// A copy of the value.
    pub fn to_array(self) -> ArrayD<T> {
        self.with(|view| view.to_owned())
    }

    /// The gradient of the last backward pass with respect to this value, or `None` where none arrived: a constant,
    /// a value the root does not depend on, or a parameter (whose gradient is in [`Grads`]).
    pub fn grad(self) -> Option<ArrayD<T>> {
        let recording = self.graph.recording.borrow();
        let node = &recording.nodes[self.node as usize];
        match node.grad {
            Place::Arena(start, len) if recording.is_reached(self.node) => {
                Some(crate::params::view(node.shape, &recording.grads.data[start..start + len]).to_owned())
            }
            _ => None,
        }
    }

    /// The same value as a constant: no gradient passes through.
    #[track_caller]
    pub fn detach(self) -> Self {
        let mut recording = self.graph.edit();
        let node = recording.nodes[self.node as usize];
        let source = crate::tape::Source::Input;
        let node = recording.push_node(source, node.shape, node.value, Place::Nowhere, node.site);
        Self { graph: self.graph, node }
    }

    /// Computes the gradient of this scalar with respect to every parameter into `grads`, which is cleared first.
    ///
    /// # Panics
    /// A value of more than one element (see [`backward_from`](Self::backward_from)); a value that depends on nothing
    /// that wants a gradient; gradients of other Params.
    #[track_caller]
    pub fn backward(self, grads: &mut Grads<T>) {
        self.expect_scalar();
        self.run_backward_anew(grads, |seed| seed.fill(T::one()));
    }

    /// *Adds* `scale` times the gradient of this scalar to `grads`: the way to accumulate over micro-batches.
    ///
    /// # Panics
    /// As [`backward`](Self::backward).
    #[track_caller]
    pub fn backward_into(self, grads: &mut Grads<T>, scale: T) {
        self.expect_scalar();
        self.run_backward(grads, |seed| seed.fill(scale));
    }

    /// Computes the gradient of Σ seed·value into `grads`, which is cleared first: backward from a non-scalar.
    ///
    /// # Panics
    /// A seed of another shape than the value; a value that depends on nothing that wants a gradient; gradients of other
    /// Params.
    #[track_caller]
    pub fn backward_from<S: Data<Elem = T>, D: Dimension>(self, seed: &ArrayBase<S, D>, grads: &mut Grads<T>) {
        if seed.shape() != self.shape().dims() {
            panic!("backward_from: the seed has shape {:?}, the value {}", seed.shape(), self.shape());
        }
        self.run_backward_anew(grads, |to| to.iter_mut().zip(seed.iter()).for_each(|(to, &from)| *to = from));
    }

    /// The first gradient, in the order of [`backward`](Self::backward), that is NaN or infinite: which op passed it on, to
    /// which parameter, and which line of user code recorded that op. For a value that is itself finite: √x is at 0, where
    /// its slope is not.
    ///
    /// Runs the pass anew and looks after every op; `grads` is cleared and then holds what was reached.
    ///
    /// ```
    /// # use wane_autodiff::{Params, Tape, ndarray::array};
    /// let mut params = Params::<f64>::new();
    /// let w = params.root().add("w", &array![4.0, 0.0])?;
    /// let (mut tape, mut grads) = (Tape::new(), params.grads());
    /// let norm = tape.record(&params).param(w).sqrt().sum();
    /// let found = norm.first_non_finite_gradient(&mut grads).unwrap();
    /// assert_eq!((found.op, found.param.as_deref(), found.position.as_slice()), ("sqrt", Some("w"), &[1][..]));
    /// # Ok::<(), wane_autodiff::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`backward`](Self::backward).
    #[track_caller]
    pub fn first_non_finite_gradient(self, grads: &mut Grads<T>) -> Option<NonFinite> {
        grads.clear();
        self.expect_scalar();
        let mut recording = self.differentiable(grads);
        NonFinite::first_gradient(&mut recording, self.node, self.graph.params, grads)
    }

    #[track_caller]
    fn expect_scalar(self) {
        if self.shape().len() != 1 {
            panic!("backward: the value has shape {}, wanted a scalar (or a seed: backward_from)", self.shape());
        }
    }

    #[track_caller]
    fn run_backward(self, grads: &mut Grads<T>, seed: impl FnOnce(&mut [T])) {
        self.differentiable(grads).backward(self.node, seed, self.graph.params, grads);
    }

    #[track_caller]
    fn run_backward_anew(self, grads: &mut Grads<T>, seed: impl FnOnce(&mut [T])) {
        let mut recording = self.differentiable(grads);
        recording.backward(self.node, seed, self.graph.params, &mut grads.forget());
    }

    /// The recording, if a pass from this value can run into `grads`.
    #[track_caller]
    fn differentiable(self, grads: &Grads<T>) -> RefMut<'g, Recording<T>> {
        if let Err(error) = self.graph.params.layout().expect_same(grads.layout(), "layout of the gradients") {
            panic!("backward: {error}");
        }
        let recording = self.graph.edit();
        if matches!(recording.nodes[self.node as usize].grad, Place::Nowhere) {
            panic!(
                "backward: the value depends on no parameter and no variable that wants a gradient (frozen? detached?)"
            );
        }
        recording
    }

    #[track_caller]
    pub(crate) fn apply1<O: Op<T>>(self, op: O) -> Self {
        self.graph.apply(op, &[self])
    }

    #[track_caller]
    pub(crate) fn apply2<O: Op<T>>(self, op: O, other: Self) -> Self {
        self.graph.apply(op, &[self, other])
    }
}

use crate::gemm::Mode;
use crate::op::{Backward, Below, Forward, Op, Operands, Pool, ShapeFault, Values, give_back, take};
use crate::{Float, Grads, Graph, Params, Shape};
use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::Location;

/// The memory of one training step after another: values, gradients and the ops between them.
///
/// [`record`](Tape::record) forgets the last step and keeps its memory, so that after the first step nothing is
/// allocated. A tape belongs to one thread at a time; [`Params`] may be shared by many tapes.
///
/// A value of an older recording can't be used, by the rules of borrowing:
///
/// ```compile_fail,E0499
/// # use wane_autodiff::{Params, Tape};
/// let params = Params::<f32>::new();
/// let mut tape = Tape::new();
/// let old = tape.record(&params).scalar(1.0);
/// let graph = tape.record(&params);
/// let sum = old + graph.scalar(2.0);
/// ```
#[derive(Debug, Default)]
pub struct Tape<T> {
    recording: RefCell<Recording<T>>,
}

impl<T: Float> Tape<T> {
    /// A tape without memory yet.
    pub fn new() -> Self {
        Self { recording: RefCell::default() }
    }

    /// Starts a recording over `params`; what was recorded before is gone.
    ///
    /// Layers that behave differently in training (dropout) evaluate, until [`Graph::training`] says otherwise.
    pub fn record<'g>(&'g mut self, params: &'g Params<T>) -> Graph<'g, T> {
        self.recording.get_mut().restart();
        Graph::new(&self.recording, params)
    }
}

/// Where the numbers of a node lie: (start, length).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Arena(usize, usize),
    Param(usize, usize),
    Nowhere,
}

/// What a node is, besides its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Input,
    Param(u32),
    Op,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) source: Source,
    pub(crate) shape: Shape,
    pub(crate) value: Place,
    pub(crate) grad: Place,
    pub(crate) saved: (usize, usize),
    pub(crate) operands: (usize, usize),
    pub(crate) site: &'static Location<'static>,
}

/// A flat buffer that grows and is never given back: `top` says how much of it is in use.
#[derive(Debug, Default)]
pub(crate) struct Arena<T> {
    pub(crate) data: Vec<T>,
    pub(crate) top: usize,
}

impl<T: Float> Arena<T> {
    /// The start of `len` further numbers, whose values are arbitrary.
    fn reserve(&mut self, len: usize) -> usize {
        let start = self.top;
        self.top += len;
        if self.data.len() < self.top {
            self.data.resize(self.top, T::zero());
        }
        start
    }
}

/// Everything on a tape. Operands lie below results in every list.
#[derive(Debug, Default)]
pub(crate) struct Recording<T> {
    pub(crate) nodes: Vec<Node>,
    /// The op of each node. A slot outlives its recording, so that the next one finds its box to write into.
    ops: Vec<Option<Box<dyn Op<T>>>>,
    pub(crate) operands: Vec<u32>,
    pub(crate) indices: Vec<u32>,
    pub(crate) values: Arena<T>,
    pub(crate) grads: Arena<T>,
    reached: Vec<bool>,
    pool: Pool<T>,
    /// Stands for the line of user code while a container calls its parts.
    pub(crate) site: Option<&'static Location<'static>>,
    pub(crate) training: Option<Training>,
}

/// The seed that training drew for this recording, and how many masks were derived from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training {
    pub(crate) seed: u64,
    pub(crate) draws: u64,
}

impl<T: Float> Recording<T> {
    fn restart(&mut self) {
        self.nodes.clear();
        self.operands.clear();
        self.indices.clear();
        self.values.top = 0;
        self.grads.top = 0;
        self.reached.clear();
        self.site = None;
        self.training = None;
    }

    /// Whether the last backward pass put a gradient here.
    pub(crate) fn is_reached(&self, node: u32) -> bool {
        self.reached.get(node as usize).is_some_and(|&reached| reached)
    }

    /// Adds a node without operands whose values are still to be written, and says where.
    pub(crate) fn push_input(&mut self, shape: Shape, wants_grad: bool, site: &'static Location<'static>) -> u32 {
        let value = Place::Arena(self.values.reserve(shape.len()), shape.len());
        let grad = if wants_grad { self.reserve_grad(shape) } else { Place::Nowhere };
        self.push_node(Source::Input, shape, value, grad, site)
    }

    pub(crate) fn push_node(
        &mut self,
        source: Source,
        shape: Shape,
        value: Place,
        grad: Place,
        site: &'static Location<'static>,
    ) -> u32 {
        let operands = (self.operands.len(), 0);
        self.nodes.push(Node { source, shape, value, grad, saved: (0, 0), operands, site });
        (self.nodes.len() - 1) as u32
    }

    fn reserve_grad(&mut self, shape: Shape) -> Place {
        Place::Arena(self.grads.reserve(shape.len()), shape.len())
    }

    /// Records `op` over `operands` and computes its value.
    pub(crate) fn push_op<O: Op<T>>(
        &mut self,
        op: O,
        operands: impl Iterator<Item = u32>,
        params: &Params<T>,
        site: &'static Location<'static>,
    ) -> u32 {
        let first = self.operands.len();
        self.operands.extend(operands);
        let ids = &self.operands[first..];
        let described = Operands { nodes: &self.nodes, ids, marker: PhantomData };
        let shape = match op.shape(&described) {
            Ok(shape) => shape,
            Err(fault) => self.shape_panic(op.name(), &fault, ids, params, site),
        };
        let saved_len = op.saved_len(&described);
        let start = self.values.reserve(shape.len() + saved_len);
        let (below, above) = self.values.data.split_at_mut(start);
        let (output, saved) = above.split_at_mut(shape.len());
        let values = Values { nodes: &self.nodes, params: params.as_slice(), arena: below, ids };
        let saved = &mut saved[..saved_len];
        op.forward(Forward { values, indices: &self.indices, shape, output, saved, pool: &mut self.pool });

        let wants_grad = ids.iter().any(|&id| !matches!(self.nodes[id as usize].grad, Place::Nowhere));
        let operands = (first, ids.len());
        let grad = if wants_grad { self.reserve_grad(shape) } else { Place::Nowhere };
        let value = Place::Arena(start, shape.len());
        let saved = (start + shape.len(), saved_len);
        self.nodes.push(Node { source: Source::Op, shape, value, grad, saved, operands, site });
        self.store(op);
        (self.nodes.len() - 1) as u32
    }

    /// Puts the op of the newest node into its slot: over the op of the last recording where the kind is the same.
    fn store<O: Op<T>>(&mut self, op: O) {
        let index = self.nodes.len() - 1;
        if self.ops.len() <= index {
            self.ops.resize_with(index + 1, || None);
        }
        let slot = &mut self.ops[index];
        match slot.as_deref_mut().and_then(|old| (old as &mut dyn Any).downcast_mut::<O>()) {
            Some(old) => *old = op,
            None => *slot = Some(Box::new(op)),
        }
    }

    pub(crate) fn op_name(&self, node: u32) -> &'static str {
        match (self.nodes[node as usize].source, &self.ops.get(node as usize)) {
            (Source::Op, Some(Some(op))) => op.name(),
            (Source::Param(_), _) => "parameter",
            _ => "input",
        }
    }

    /// The values of a node.
    pub(crate) fn value<'a>(&'a self, node: u32, params: &'a Params<T>) -> &'a [T] {
        Values { nodes: &self.nodes, params: params.as_slice(), arena: &self.values.data, ids: &[] }.of(node)
    }

    /// The first named parameter among `ids`.
    pub(crate) fn param_name<'a>(&self, ids: &[u32], params: &'a Params<T>) -> Option<&'a str> {
        ids.iter().find_map(|&id| match self.nodes[id as usize].source {
            Source::Param(index) => Some(params.layout().entries()[index as usize].name.as_str()),
            _ => None,
        })
    }

    /// Walks from `root` down and adds to the gradient of everything that wants one.
    pub(crate) fn backward(
        &mut self,
        root: u32,
        seed: impl FnOnce(&mut [T]),
        params: &Params<T>,
        grads: &mut Grads<T>,
    ) {
        self.sow(root, seed, grads);
        for index in (0..=root).rev() {
            self.pass_on(index, params, grads);
        }
    }

    /// One node's part in a backward pass, if it is an op and the pass has reached it.
    #[inline]
    pub(crate) fn pass_on(&mut self, index: u32, params: &Params<T>, grads: &mut Grads<T>) {
        let node = self.nodes[index as usize];
        let (true, Source::Op, Place::Arena(start, len)) = (self.reached[index as usize], node.source, node.grad)
        else {
            return;
        };
        let (arena, above) = self.grads.data.split_at_mut(start);
        let ids = &self.operands[node.operands.0..node.operands.0 + node.operands.1];
        let op = self.ops[index as usize].as_ref().expect("a node that is an op has one");
        let nodes = &self.nodes;
        let (reached, params_reached, param_grads) = (&mut self.reached, &mut grads.reached, &mut grads.values);
        let mut below = Below { nodes, reached, params_reached, arena, params: param_grads };
        op.backward(Backward {
            values: Values { nodes, params: params.as_slice(), arena: &self.values.data, ids },
            indices: &self.indices,
            node: index,
            output_grad: &above[..len],
            below: below.reborrow(),
            pool: &mut self.pool,
        });
        // What the op had nothing to add to has a gradient of zeros.
        for &id in ids {
            below.of(id);
        }
    }

    /// Begins at `root`, which may itself be a parameter.
    pub(crate) fn sow(&mut self, root: u32, seed: impl FnOnce(&mut [T]), grads: &mut Grads<T>) {
        self.reached.clear();
        self.reached.resize(self.nodes.len(), false);
        let (nodes, reached, arena) = (&self.nodes, &mut self.reached, &mut self.grads.data);
        let (params_reached, params) = (&mut grads.reached, &mut grads.values);
        let mut below = Below { nodes, reached, params_reached, arena, params };
        match below.reach(root) {
            Some((grad, Mode::Replace)) => seed(grad),
            Some((grad, Mode::Add)) => {
                let mut sown = take(&mut self.pool, grad.len());
                seed(&mut sown[..grad.len()]);
                grad.iter_mut().zip(&sown).for_each(|(grad, &seed)| *grad += seed);
                give_back(&mut self.pool, sown);
            }
            None => {}
        }
    }

    #[cold]
    pub(crate) fn shape_panic(
        &self,
        op: &str,
        fault: &ShapeFault,
        ids: &[u32],
        params: &Params<T>,
        site: &'static Location<'static>,
    ) -> ! {
        let ids = fault.operand.map_or(ids, |i| &ids[i..=i]);
        let message = &fault.message;
        match self.param_name(ids, params) {
            Some(name) => panic!("{op} {name:?}: {message} (at {site})"),
            None => panic!("{op}: {message} (at {site})"),
        }
    }
}

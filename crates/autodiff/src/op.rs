use crate::gemm::Mode;
use crate::tape::{Node, Place, Source};
use crate::{Float, Shape};
use std::any::Any;
use std::fmt;

/// One operation: its check, its forward and its backward, in one place.
///
/// wane's own ops and a user's go the same way: implement `Op`, then record it with
/// [`Graph::apply`](crate::Graph::apply).
///
/// ```
/// use wane_autodiff::{Backward, Float, Forward, Op, Operands, Params, Shape, ShapeFault, Tape, gradcheck};
/// use wane_autodiff::ndarray::array;
///
/// /// y = x³, element by element.
/// #[derive(Debug)]
/// struct Cube;
///
/// impl<T: Float> Op<T> for Cube {
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///     fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
///         Ok(operands.shape(0))
///     }
///     fn forward(&self, mut pass: Forward<'_, T>) {
///         let x = pass.input(0);
///         for (y, &x) in pass.output().iter_mut().zip(x) {
///             *y = x * x * x;
///         }
///     }
///     fn backward(&self, mut pass: Backward<'_, T>) {
///         let (x, dy) = (pass.input(0), pass.output_grad());
///         if let Some(dx) = pass.input_grad(0) {
///             for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
///                 *dx += dy * T::of(3.0) * x * x;
///             }
///         }
///     }
/// }
///
/// let mut params = Params::<f64>::new();
/// let w = params.root().add("w", &array![1.0, -2.0])?;
/// gradcheck(&params, |graph| graph.apply(Cube, &[graph.param(w)]).sum())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Op<T: Float>: Any + fmt::Debug + Send {
    /// The name that messages use.
    fn name(&self) -> &'static str;

    /// The shape of the result, or what is wrong with the operands' shapes.
    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault>;

    /// How many numbers forward leaves for backward, besides the output.
    fn saved_len(&self, operands: &Operands<'_, T>) -> usize {
        let _ = operands;
        0
    }

    /// Writes every element of the output.
    fn forward(&self, pass: Forward<'_, T>);

    /// *Adds* to the gradients of the operands that want one.
    fn backward(&self, pass: Backward<'_, T>);
}

/// What is wrong with the shapes given to an op; becomes a panic that names op, parameter and line.
#[derive(Clone, Debug)]
pub struct ShapeFault {
    pub(crate) message: String,
    pub(crate) operand: Option<usize>,
}

impl ShapeFault {
    /// A fault in the words of the op: `input is (64, 9), weight wants (_, 10)`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), operand: None }
    }

    /// The same fault, found in operand `i`: if that is a parameter, the message names it, and not the first one.
    #[must_use]
    #[inline]
    pub fn of(self, i: usize) -> Self {
        Self { operand: Some(i), ..self }
    }
}

impl fmt::Display for ShapeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The operands of an op, by their shapes.
#[derive(Debug)]
pub struct Operands<'a, T> {
    pub(crate) nodes: &'a [Node],
    pub(crate) ids: &'a [u32],
    pub(crate) marker: std::marker::PhantomData<T>,
}

impl<T> Operands<'_, T> {
    /// The number of operands.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The shape of operand `i`.
    pub fn shape(&self, i: usize) -> Shape {
        self.nodes[self.ids[i] as usize].shape
    }

    /// The shape of operand `i` as (rows, columns).
    ///
    /// # Errors
    /// Other than two axes: a fault that calls the operand `what`.
    pub fn matrix(&self, i: usize, what: &str) -> Result<(usize, usize), ShapeFault> {
        match self.shape(i).dims() {
            &[rows, columns] => Ok((rows, columns)),
            _ => Err(ShapeFault::new(format!("{what} is {}, wanted two axes", self.shape(i)))),
        }
    }

    /// The common shape of operands `i` and `j`, called input and target.
    ///
    /// # Errors
    /// Two shapes.
    pub fn same(&self, i: usize, j: usize) -> Result<Shape, ShapeFault> {
        let (a, b) = (self.shape(i), self.shape(j));
        if a == b { Ok(a) } else { Err(ShapeFault::new(format!("input is {a}, target is {b}; they must be the same"))) }
    }
}

/// Where values lie: parameters in the `Params`, everything else in the tape's arena.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a, T> {
    pub(crate) nodes: &'a [Node],
    pub(crate) params: &'a [T],
    pub(crate) arena: &'a [T],
    pub(crate) ids: &'a [u32],
}

impl<'a, T> Values<'a, T> {
    #[inline]
    pub(crate) fn of(&self, node: u32) -> &'a [T] {
        match self.nodes[node as usize].value {
            Place::Arena(start, len) => &self.arena[start..start + len],
            Place::Param(start, len) => &self.params[start..start + len],
            Place::Nowhere => &[],
        }
    }
}

/// Buffers that ops borrow for the length of one pass, and that outlive the step.
pub(crate) type Pool<T> = Vec<Vec<T>>;

/// The shortest buffer that is long enough, so that one step finds all the lengths that the step before it needed. A
/// buffer is never shortened, or growing it again would fill it with zeros each time.
pub(crate) fn take<T: Float>(pool: &mut Pool<T>, len: usize) -> Vec<T> {
    if len == 0 {
        return Vec::new();
    }
    let fits = |buffer: &Vec<T>| (buffer.len() < len, buffer.len());
    let best = (0..pool.len()).min_by_key(|&i| fits(&pool[i]));
    let mut buffer = best.map(|i| pool.swap_remove(i)).unwrap_or_default();
    if buffer.len() < len {
        buffer.resize(len, T::zero());
    }
    buffer
}

pub(crate) fn give_back<T>(pool: &mut Pool<T>, buffer: Vec<T>) {
    if buffer.capacity() > 0 {
        pool.push(buffer);
    }
}

/// What an op sees of the tape when it computes its value.
pub struct Forward<'a, T> {
    pub(crate) values: Values<'a, T>,
    pub(crate) indices: &'a [u32],
    pub(crate) shape: Shape,
    pub(crate) output: &'a mut [T],
    pub(crate) saved: &'a mut [T],
    pub(crate) pool: &'a mut Pool<T>,
}

impl<'a, T: Float> Forward<'a, T> {
    /// The values of operand `i`, row-major.
    pub fn input(&self, i: usize) -> &'a [T] {
        self.values.of(self.values.ids[i])
    }

    /// The shape of operand `i`.
    pub fn input_shape(&self, i: usize) -> Shape {
        self.values.nodes[self.values.ids[i] as usize].shape
    }

    /// The number of operands.
    pub fn inputs(&self) -> usize {
        self.values.ids.len()
    }

    /// The shape that [`Op::shape`] gave.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Where the values go; what stands there before is arbitrary.
    pub fn output(&mut self) -> &mut [T] {
        self.output
    }

    /// The output, and the numbers kept for backward ([`Op::saved_len`] of them).
    pub fn output_and_saved(&mut self) -> (&mut [T], &mut [T]) {
        (self.output, self.saved)
    }

    /// Integers recorded beside the op by [`Graph::indices`](crate::Graph::indices).
    pub fn indices(&self, indices: Indices) -> &'a [u32] {
        &self.indices[indices.start..indices.start + indices.len]
    }

    /// A buffer of at least `len` arbitrary numbers, that allocates only the first time; hand it to [`Forward::give_back`].
    pub fn take_buffer(&mut self, len: usize) -> Vec<T> {
        take(self.pool, len)
    }

    /// Returns a buffer for the next op.
    pub fn give_back(&mut self, buffer: Vec<T>) {
        give_back(self.pool, buffer);
    }
}

/// The gradients that a backward pass has still to complete, and which of them it has reached. Those that it has not hold
/// arbitrary numbers: the first op to reach one overwrites it, which saves a pass over all of them.
pub(crate) struct Below<'a, T> {
    pub(crate) nodes: &'a [Node],
    pub(crate) reached: &'a mut [bool],
    pub(crate) params_reached: &'a mut [bool],
    pub(crate) arena: &'a mut [T],
    pub(crate) params: &'a mut [T],
}

impl<T: Float> Below<'_, T> {
    #[inline]
    pub(crate) fn reborrow(&mut self) -> Below<'_, T> {
        let Below { nodes, reached, params_reached, arena, params } = self;
        Below { nodes, reached, params_reached, arena, params }
    }

    #[inline]
    pub(crate) fn reach(&mut self, id: u32) -> Option<(&mut [T], Mode)> {
        let node = &self.nodes[id as usize];
        let was_reached = match node.source {
            Source::Param(param) => {
                self.reached[id as usize] = true;
                &mut self.params_reached[param as usize]
            }
            _ => &mut self.reached[id as usize],
        };
        let grad = match node.grad {
            Place::Arena(start, len) => &mut self.arena[start..start + len],
            Place::Param(start, len) => &mut self.params[start..start + len],
            Place::Nowhere => return None,
        };
        let mode = if *was_reached { Mode::Add } else { Mode::Replace };
        *was_reached = true;
        Some((grad, mode))
    }

    /// The gradient of a node, to add to; `None` if nobody asked for it.
    #[inline]
    pub(crate) fn of(&mut self, id: u32) -> Option<&mut [T]> {
        let (grad, mode) = self.reach(id)?;
        if mode == Mode::Replace {
            grad.fill(T::zero());
        }
        Some(grad)
    }
}

/// What an op sees of the tape when it passes its gradient on.
pub struct Backward<'a, T> {
    pub(crate) values: Values<'a, T>,
    pub(crate) indices: &'a [u32],
    pub(crate) node: u32,
    pub(crate) output_grad: &'a [T],
    pub(crate) below: Below<'a, T>,
    pub(crate) pool: &'a mut Pool<T>,
}

impl<'a, T: Float> Backward<'a, T> {
    /// The values of operand `i`.
    pub fn input(&self, i: usize) -> &'a [T] {
        self.values.of(self.values.ids[i])
    }

    /// The shape of operand `i`.
    pub fn input_shape(&self, i: usize) -> Shape {
        self.values.nodes[self.values.ids[i] as usize].shape
    }

    /// The number of operands.
    pub fn inputs(&self) -> usize {
        self.values.ids.len()
    }

    /// The shape of the output.
    pub fn shape(&self) -> Shape {
        self.values.nodes[self.node as usize].shape
    }

    /// What forward computed.
    pub fn output(&self) -> &'a [T] {
        self.values.of(self.node)
    }

    /// What forward kept.
    pub fn saved(&self) -> &'a [T] {
        let (start, len) = self.values.nodes[self.node as usize].saved;
        &self.values.arena[start..start + len]
    }

    /// The gradient of the root with respect to the output.
    pub fn output_grad(&self) -> &'a [T] {
        self.output_grad
    }

    /// Whether operand `i` wants a gradient.
    pub fn wants(&self, i: usize) -> bool {
        !matches!(self.values.nodes[self.values.ids[i] as usize].grad, Place::Nowhere)
    }

    /// The gradient of operand `i`, to *add* to; `None` if nobody asked for it.
    pub fn input_grad(&mut self, i: usize) -> Option<&mut [T]> {
        self.below.of(self.values.ids[i])
    }

    /// The gradient of operand `i` for a product: what stands there is arbitrary where the mode is to replace it.
    pub fn input_grad_and_mode(&mut self, i: usize) -> Option<(&mut [T], Mode)> {
        self.below.reach(self.values.ids[i])
    }

    /// Integers recorded beside the op by [`Graph::indices`](crate::Graph::indices).
    pub fn indices(&self, indices: Indices) -> &'a [u32] {
        &self.indices[indices.start..indices.start + indices.len]
    }

    /// A buffer of at least `len` arbitrary numbers, that allocates only the first time; hand it to [`Backward::give_back`].
    pub fn take_buffer(&mut self, len: usize) -> Vec<T> {
        take(self.pool, len)
    }

    /// Returns a buffer for the next op.
    pub fn give_back(&mut self, buffer: Vec<T>) {
        give_back(self.pool, buffer);
    }
}

impl<T> fmt::Debug for Forward<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Backward<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backward").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Integers kept on the tape for an op: class labels, rows to select.
#[derive(Clone, Copy, Debug)]
pub struct Indices {
    pub(crate) start: usize,
    pub(crate) len: usize,
}

impl Indices {
    /// How many there are.
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

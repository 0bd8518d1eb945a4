use crate::tape::{Node, Place, Recording, Source};
use crate::{Float, Grads, Params};
use std::fmt;
use std::panic::Location;

/// Where a NaN or an infinity first appeared in a recording.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NonFinite {
    /// The op that made it, or `input` or `parameter`.
    pub op: &'static str,
    /// Whether it is in the gradient that the op passed on, and not in its value.
    pub is_gradient: bool,
    /// The parameter it was made from or passed on to, if the op has one.
    pub param: Option<String>,
    /// The index of the first such element along each axis.
    pub position: Vec<usize>,
    /// The value found there: NaN or ±∞.
    pub value: f64,
    /// The line of user code that recorded the op.
    pub site: &'static Location<'static>,
}

impl NonFinite {
    pub(crate) fn first<T: Float>(recording: &Recording<T>, params: &Params<T>) -> Option<Self> {
        recording.nodes.iter().enumerate().find_map(|(index, node)| {
            let index = index as u32;
            let values = recording.value(index, params);
            let at = values.iter().position(|value| !value.is_finite())?;
            Some(Self {
                op: recording.op_name(index),
                is_gradient: false,
                param: param_of(recording, params, index, node),
                position: node.shape.position(at),
                value: values[at].widen(),
                site: node.site,
            })
        })
    }

    /// Walks as a backward pass from a root whose gradient is 1 does, and looks at what each op has passed on.
    #[cold]
    pub(crate) fn first_gradient<T: Float>(
        recording: &mut Recording<T>,
        root: u32,
        params: &Params<T>,
        grads: &mut Grads<T>,
    ) -> Option<Self> {
        recording.sow(root, |seed| seed.fill(T::one()), grads);
        (0..=root).rev().find_map(|index| {
            let is_op = recording.nodes[index as usize].source == Source::Op && recording.is_reached(index);
            recording.pass_on(index, params, grads);
            is_op.then(|| Self::passed_on(recording, index, params, grads)).flatten()
        })
    }

    /// What is not finite in the gradients of an op's operands.
    fn passed_on<T: Float>(recording: &Recording<T>, index: u32, params: &Params<T>, grads: &Grads<T>) -> Option<Self> {
        let node = &recording.nodes[index as usize];
        let operands = &recording.operands[node.operands.0..node.operands.0 + node.operands.1];
        operands.iter().find_map(|&id| {
            let operand = &recording.nodes[id as usize];
            let gradient = match operand.grad {
                Place::Arena(start, len) => &recording.grads.data[start..start + len],
                Place::Param(start, len) => &grads.as_slice()[start..start + len],
                Place::Nowhere => &[],
            };
            let at = gradient.iter().position(|value| !value.is_finite())?;
            Some(Self {
                op: recording.op_name(index),
                is_gradient: true,
                param: recording
                    .param_name(&[id], params)
                    .or_else(|| recording.param_name(operands, params))
                    .map(str::to_owned),
                position: operand.shape.position(at),
                value: gradient[at].widen(),
                site: node.site,
            })
        })
    }
}

fn param_of<T: Float>(recording: &Recording<T>, params: &Params<T>, index: u32, node: &Node) -> Option<String> {
    let operands = &recording.operands[node.operands.0..node.operands.0 + node.operands.1];
    let own = if matches!(node.source, Source::Param(_)) { &[index][..] } else { operands };
    recording.param_name(own, params).map(str::to_owned)
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pass = if self.is_gradient { "backward of " } else { "" };
        write!(f, "{pass}{}", self.op)?;
        if let Some(param) = &self.param {
            write!(f, " {param:?}")?;
        }
        write!(f, " gave {} at {:?}, recorded at {}", self.value, self.position, self.site)
    }
}

use crate::tape::{Node, Recording, Source};
use crate::{Float, Params};
use std::fmt;
use std::panic::Location;

/// Where a NaN or an infinity first appeared in a recording.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NonFinite {
    /// The op that made it, or `input` or `parameter`.
    pub op: &'static str,
    /// The parameter it was made from, if the op has one.
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
                param: param_of(recording, params, index, node),
                position: node.shape.position(at),
                value: values[at].widen(),
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
        write!(f, "{}", self.op)?;
        if let Some(param) = &self.param {
            write!(f, " {param:?}")?;
        }
        write!(f, " gave {} at {:?}, recorded at {}", self.value, self.position, self.site)
    }
}

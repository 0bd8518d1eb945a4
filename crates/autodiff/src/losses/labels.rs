use crate::op::Indices;
use crate::{Backward, Classes, Float, Forward, Graph, Op, Operands, Shape, ShapeFault};

/// Labels on the tape; an ignored one is [`Classes::IGNORED`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels {
    pub(super) indices: Indices,
    pub(super) classes: usize,
    /// How many are not ignored.
    pub(super) kept: usize,
}

impl Labels {
    pub(super) fn keep<T: Float>(graph: Graph<'_, T>, labels: &Classes) -> Self {
        let kept = labels.labels().iter().filter(|&&label| label != Classes::IGNORED).count();
        Self { indices: graph.indices(labels.labels().iter().copied()), classes: labels.count(), kept }
    }

    /// Whether `input` is (number of labels, number of classes).
    pub(super) fn check(&self, input: Shape) -> Result<(), ShapeFault> {
        let (rows, classes) = (self.indices.len(), self.classes);
        match input.dims() {
            dims if dims == [rows, classes] => Ok(()),
            [_, _] => {
                let message = format!("input is {input}, {rows} labels of {classes} classes want ({rows}, {classes})");
                Err(ShapeFault::new(message))
            }
            _ => Err(ShapeFault::new(format!("input is {input}, wanted two axes"))),
        }
    }

    /// (number of labels,): the shape of a loss that is not reduced.
    pub(super) fn shape(&self) -> Shape {
        Shape::from_dims(&[self.indices.len()]).expect("one axis")
    }
}

/// How much each row counts in a mean: the weight of its label, which is 1 without class weights, and 0 for an ignored
/// one.
#[derive(Clone, Copy, Debug)]
pub(super) struct LabelWeights(pub(super) Labels);

impl<T: Float> Op<T> for LabelWeights {
    fn name(&self) -> &'static str {
        "label weights"
    }

    fn shape(&self, _operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        Ok(self.0.shape())
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (labels, weights) = (pass.indices(self.0.indices), (pass.inputs() > 0).then(|| pass.input(0)));
        for (out, &label) in pass.output().iter_mut().zip(labels) {
            *out = match weights {
                _ if label == Classes::IGNORED => T::zero(),
                Some(weights) => weights[label as usize],
                None => T::one(),
            };
        }
    }

    /// Class weights are constants.
    fn backward(&self, _pass: Backward<'_, T>) {}
}

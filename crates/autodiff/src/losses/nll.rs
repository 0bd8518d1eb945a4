use super::labels::{LabelWeights, Labels};
use super::{CrossEntropyOptions, LossOptions, Reduction};
use crate::{Backward, Classes, Float, Forward, Op, Operands, Shape, ShapeFault, Var, reduce};
use std::panic::Location;

/// −Σ_c w_c·q_c·x_c of each row, with x: (rows, classes), perhaps w: (classes,), and q the label's class smoothed: 1 − ε
/// at the label and ε/classes everywhere. 0 for an ignored row.
#[derive(Clone, Copy, Debug)]
struct Nll<T> {
    name: &'static str,
    labels: Labels,
    smoothing: T,
}

impl<T: Float> Nll<T> {
    fn spread(&self) -> T {
        self.smoothing / T::of(self.labels.classes as f64)
    }
}

/// The weight of a class.
#[inline(always)]
fn weight<T: Float>(weights: Option<&[T]>, class: usize) -> T {
    weights.map_or(T::one(), |weights| weights[class])
}

impl<T: Float> Op<T> for Nll<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        self.labels.check(operands.shape(0))?;
        if operands.len() > 1 && operands.shape(1).dims() != [self.labels.classes] {
            let (given, classes) = (operands.shape(1), self.labels.classes);
            return Err(ShapeFault::new(format!("class weights are {given}, {classes} classes want ({classes},)")));
        }
        Ok(self.labels.shape())
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (x, labels) = (pass.input(0), pass.indices(self.labels.indices));
        let weights = (pass.inputs() > 1).then(|| pass.input(1));
        let rows = x.chunks_exact(self.labels.classes).zip(labels);
        for (loss, (x, &label)) in pass.output().iter_mut().zip(rows) {
            let hard = || -weight(weights, label as usize) * x[label as usize];
            *loss = if label == Classes::IGNORED {
                T::zero()
            } else if self.smoothing == T::zero() {
                // The other classes stay unread: one of them may be −∞.
                hard()
            } else {
                let all = reduce::sum_by(0, x.len(), &|class| -weight(weights, class) * x[class]);
                (T::one() - self.smoothing) * hard() + self.spread() * all
            };
        }
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (dl, labels) = (pass.output_grad(), pass.indices(self.labels.indices));
        let weights = (pass.inputs() > 1).then(|| pass.input(1));
        let Some(dx) = pass.input_grad(0) else { return };
        let rows = dx.chunks_exact_mut(self.labels.classes).zip(labels.iter().zip(dl));
        for (dx, (&label, &dl)) in rows.filter(|&(_, (&label, _))| label != Classes::IGNORED) {
            let label = label as usize;
            dx[label] -= dl * (T::one() - self.smoothing) * weight(weights, label);
            if self.smoothing != T::zero() {
                let dl = dl * self.spread();
                dx.iter_mut().enumerate().for_each(|(class, dx)| *dx -= dl * weight(weights, class));
            }
        }
    }
}

impl<'g, T: Float> Var<'g, T> {
    /// The mean negative log-likelihood of class labels, with x: (rows, classes) being log-probabilities (PyTorch's
    /// `NLLLoss`): −x\[label\], averaged over the rows that are not ignored.
    ///
    /// `x.log_softmax(1).nll_loss(&labels)` is `x.cross_entropy_loss(&labels)`.
    ///
    /// # Panics
    /// An input that is not (number of labels, number of classes).
    #[track_caller]
    pub fn nll_loss(self, labels: &Classes) -> Self {
        self.nll_loss_with(labels, &CrossEntropyOptions::default(), Reduction::Mean)
    }

    /// The negative log-likelihood with class weights, label smoothing, sample weights of shape (rows,), and any
    /// reduction: the loss of [`cross_entropy_loss_with`](Self::cross_entropy_loss_with), of log-probabilities.
    ///
    /// # Panics
    /// As [`nll_loss`](Self::nll_loss); class weights of another number of classes; weights that do not broadcast to
    /// (rows,).
    #[track_caller]
    pub fn nll_loss_with(
        self,
        labels: &Classes,
        classes: &CrossEntropyOptions,
        options: impl Into<LossOptions<'g, T>>,
    ) -> Self {
        let labels = Labels::keep(self.graph, labels);
        let site = Location::caller();
        self.graph.attribute(site, || self.label_loss("nll_loss", labels, classes, options.into()))
    }

    /// [`nll_loss_with`](Self::nll_loss_with) under the name that its user called.
    #[track_caller]
    pub(super) fn label_loss(
        self,
        name: &'static str,
        labels: Labels,
        classes: &CrossEntropyOptions,
        options: LossOptions<'g, T>,
    ) -> Self {
        let weights = classes.class_weights.as_ref();
        let weights = weights.map(|weights| self.graph.vector(weights.iter().map(|&weight| T::of(weight))));
        let nll = Nll { name, labels, smoothing: T::of(classes.label_smoothing) };
        let each = match weights {
            Some(weights) => self.apply2(nll, weights),
            None => self.apply1(nll),
        };
        let is_mean = options.reduction == Reduction::Mean;
        let unit = is_mean.then(|| self.graph.apply(LabelWeights(labels), weights.as_slice()));
        options.reduce(name, each, unit)
    }
}

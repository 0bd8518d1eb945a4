use crate::params::{copy_into, view};
use crate::simd::{Kernel, vectorized};
use crate::{Error, Flat, Float, Layout, ParamId};
use ndarray::{ArrayBase, ArrayViewD, Data, Dimension};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Gradients, laid out as the [`Params`](crate::Params) they belong to, and which parameters a backward pass reached.
///
/// A parameter that was not reached has no gradient, as PyTorch's `grad is None`: optimizers pass it by, without
/// decay and without state. A gradient of zeros is a gradient.
#[derive(Clone, Debug)]
pub struct Grads<T> {
    layout: Arc<Layout>,
    pub(crate) values: Flat<T>,
    pub(crate) reached: Vec<bool>,
    clipped: f64,
}

impl<T: Float> Grads<T> {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        let (values, reached) = (Flat::zeros(layout.total()), vec![false; layout.entries().len()]);
        Self { layout, values, reached, clipped: 1.0 }
    }

    /// Forgets every gradient.
    pub fn clear(&mut self) {
        self.values.fill(T::zero());
        self.reached.fill(false);
        self.clipped = 1.0;
    }

    /// Takes every parameter as not reached, and leaves its numbers for the first op that does reach it to overwrite. What
    /// none has reached in the end, even if one panicked, is cleared.
    pub(crate) fn forget(&mut self) -> Forgotten<'_, T> {
        self.reached.fill(false);
        self.clipped = 1.0;
        Forgotten(self)
    }

    /// The gradient of `id`, or `None` if none was reached.
    ///
    /// # Panics
    /// A handle of other Params.
    #[track_caller]
    pub fn get(&self, id: ParamId) -> Option<ArrayViewD<'_, T>> {
        match self.layout.entry(id) {
            Ok(entry) => self.reached[id.index()].then(|| view(entry.shape, &self.values[entry.range()])),
            Err(error) => panic!("{error}"),
        }
    }

    /// Gives `id` a gradient computed elsewhere.
    ///
    /// # Errors
    /// Another shape than the parameter's; a handle of other Params.
    pub fn set<S: Data<Elem = T>, D: Dimension>(
        &mut self,
        id: ParamId,
        gradient: &ArrayBase<S, D>,
    ) -> Result<(), Error> {
        let entry = self.layout.entry(id)?;
        copy_into(entry, gradient, &mut self.values[entry.range()])?;
        self.reached[id.index()] = true;
        self.clipped = 1.0;
        Ok(())
    }

    /// Which parameters have a gradient, in the parameters' order.
    pub fn reached(&self) -> &[bool] {
        &self.reached
    }

    /// All gradients, one behind the other; zeros where none was reached.
    pub fn as_slice(&self) -> &[T] {
        &self.values
    }

    /// Multiplies every gradient: by 1/k, the sum over k batches becomes their mean. What stands beside the loss, as
    /// proximal terms do, is left as it is.
    pub fn scale_by(&mut self, factor: f64) {
        vectorized(Scaled { values: &mut self.values, by: T::of(factor) });
    }

    /// Multiplies every gradient by a coefficient of clipping, which makes this step a smaller one of the same objective:
    /// optimizers take what stands beside the loss by [`clipped`](Self::clipped) too.
    pub fn clip_by(&mut self, coefficient: f64) {
        self.scale_by(coefficient);
        self.clipped *= T::of(coefficient).widen();
    }

    /// By what [`clip_by`](Self::clip_by) multiplied these gradients: 1, if it did not.
    pub fn clipped(&self) -> f64 {
        self.clipped
    }

    /// All gradients, to clip one by one. Numbers written where there is no gradient are lost to the next pass:
    /// [`set`](Self::set) gives a parameter one.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// The layout that these gradients share with their parameters.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }
}

struct Scaled<'a, T> {
    values: &'a mut [T],
    by: T,
}

impl<T: Float> Kernel for Scaled<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.values.iter_mut().for_each(|value| *value *= self.by);
    }
}

/// Gradients during a pass that began by forgetting them.
pub(crate) struct Forgotten<'a, T: Float>(&'a mut Grads<T>);

impl<T: Float> Deref for Forgotten<'_, T> {
    type Target = Grads<T>;

    fn deref(&self) -> &Grads<T> {
        self.0
    }
}

impl<T: Float> DerefMut for Forgotten<'_, T> {
    fn deref_mut(&mut self) -> &mut Grads<T> {
        self.0
    }
}

impl<T: Float> Drop for Forgotten<'_, T> {
    fn drop(&mut self) {
        let Grads { layout, values, reached, .. } = &mut *self.0;
        let unreached = layout.entries().iter().filter(|entry| !reached[entry.id().index()]);
        unreached.for_each(|entry| values[entry.range()].fill(T::zero()));
    }
}

use crate::Rule;
use wane_autodiff::{Float, Shape};
use wane_penalties::Prox;

/// One step of a rule over neighbouring weights, and of the proximal term that follows it.
#[derive(Debug)]
pub(crate) struct Motion<'a, T: Float, R: Rule> {
    pub(crate) constants: R::Constants<T>,
    /// The term, and by what it is multiplied in this step, as the gradients were.
    pub(crate) prox: Option<(&'a dyn Prox<T>, T)>,
}

/// How many weights at least a thread is given: those of fewer are moved sooner than handed over.
pub(crate) const SHARE: usize = 1 << 16;

/// How many weights are moved before their proximal term is applied, while they are still in the nearest cache.
const BLOCK: usize = 1024;

impl<T: Float, R: Rule> Motion<'_, T, R> {
    /// Moves the weights, in so many parts side by side, and applies a proximal term of single weights.
    pub(crate) fn run(&self, theta: &mut [T], g: &[T], [x, y, z]: [&mut [T]; 3], parts: usize) {
        if parts < 2 {
            return match self.prox {
                Some((prox, scale)) if prox.is_separable() => self.blocks(prox, scale, theta, g, [x, y, z]),
                _ => R::update(self.constants, theta, g, [x, y, z]),
            };
        }
        let middle = (theta.len() * (parts / 2) / parts).next_multiple_of(64);
        let (theta, theta_above) = theta.split_at_mut(middle);
        let (g, g_above) = g.split_at(middle);
        // Buffers that the rule does not use are empty.
        let [(x, x_above), (y, y_above), (z, z_above)] = [x, y, z].map(|x| x.split_at_mut(middle.min(x.len())));
        rayon::join(
            || self.run(theta, g, [x, y, z], parts / 2),
            || self.run(theta_above, g_above, [x_above, y_above, z_above], parts - parts / 2),
        );
    }

    fn blocks(&self, prox: &dyn Prox<T>, scale: T, theta: &mut [T], g: &[T], state: [&mut [T]; 3]) {
        let mut each = [T::zero(); BLOCK];
        let [mut x, mut y, mut z] = state.map(|buffer| buffer.chunks_mut(BLOCK));
        for (theta, g) in theta.chunks_mut(BLOCK).zip(g.chunks(BLOCK)) {
            let [x, y, z] = [&mut x, &mut y, &mut z].map(|chunks| chunks.next().unwrap_or_default());
            R::update(self.constants, theta, g, [&mut *x, &mut *y, &mut *z]);
            let step = R::reach(self.constants, scale, [x, y, z], &mut each[..theta.len()]);
            prox.apply(theta, vector(theta.len()), step);
        }
    }

    /// Applies a proximal term of groups to one parameter, which has moved. `each` is as long.
    pub(crate) fn shrink(&self, theta: &mut [T], shape: Shape, state: [&[T]; 3], each: &mut [T]) {
        if let Some((prox, scale)) = self.prox {
            prox.apply(theta, shape, R::reach(self.constants, scale, state, each));
        }
    }
}

fn vector(len: usize) -> Shape {
    Shape::from_dims(&[len]).expect("part of a parameter, which has a shape")
}

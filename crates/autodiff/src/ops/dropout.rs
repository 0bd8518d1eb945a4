use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var};

/// Each element times 0 with probability p, times 1/(1−p) otherwise.
#[derive(Clone, Copy, Debug)]
struct Dropout {
    p: f64,
    seed: u64,
}

impl Dropout {
    /// What element `i` is multiplied by. A function of the seed and the position alone, so backward need keep no mask.
    #[inline(always)]
    fn factor<T: Float>(&self, i: usize) -> T {
        let mut z = self.seed.wrapping_add((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let uniform = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        if uniform < self.p { T::zero() } else { T::of(1.0 / (1.0 - self.p)) }
    }
}

impl<T: Float> Op<T> for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        Ok(operands.shape(0))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let x = pass.input(0);
        let elements = pass.output().iter_mut().zip(x).enumerate();
        elements.for_each(|(i, (y, &x))| *y = x * self.factor(i));
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let dy = pass.output_grad();
        if let Some(dx) = pass.input_grad(0) {
            let elements = dx.iter_mut().zip(dy).enumerate();
            elements.for_each(|(i, (dx, &dy))| *dx += dy * self.factor(i));
        }
    }
}

impl<T: Float> Var<'_, T> {
    /// In a recording made for [`training`](crate::Graph::training), zeroes each element with probability `p` and
    /// scales the others by 1/(1−p); otherwise the value itself.
    ///
    /// # Panics
    /// `p` outside 0..=1.
    #[track_caller]
    pub fn dropout(self, p: f64) -> Self {
        assert!((0.0..=1.0).contains(&p), "dropout: p is {p}, wanted a probability, 0 to 1");
        match self.graph.next_mask_seed() {
            Some(seed) if p > 0.0 => self.apply1(Dropout { p, seed }),
            _ => self,
        }
    }
}

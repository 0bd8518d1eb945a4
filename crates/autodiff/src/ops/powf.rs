use crate::{Float, Unary, Var};

/// xᵖ, with p and p − 1 rounded each from f64.
#[derive(Clone, Copy, Debug)]
struct Powf<T> {
    p: T,
    less: T,
}

/// xᵖ by products and roots where PyTorch takes them: they differ from the general power at −0 and −∞, in the last bit,
/// and in speed.
#[inline(always)]
fn pow<T: Float>(x: T, p: T) -> T {
    match p.widen() {
        -2.0 => (x * x).recip(),
        -1.0 => x.recip(),
        -0.5 => x.sqrt().recip(),
        0.5 => x.sqrt(),
        1.0 => x,
        2.0 => x * x,
        3.0 => x * x * x,
        _ => x.powf(p),
    }
}

impl<T: Float> Unary<T> for Powf<T> {
    const NAME: &'static str = "powf";

    #[inline(always)]
    fn value(&self, x: T) -> T {
        pow(x, self.p)
    }

    #[inline(always)]
    fn gradient(&self, x: T, _y: T, dy: T) -> T {
        // And not 0·x⁻¹, which is NaN at 0.
        if self.p == T::zero() { T::zero() } else { dy * (self.p * pow(x, self.less)) }
    }
}

impl<T: Float> Var<'_, T> {
    /// x to the power of `exponent`, element by element: PyTorch's `pow` with a scalar exponent.
    ///
    /// The gradient is p·xᵖ⁻¹, and 0 everywhere for p = 0. Below 0, a power that is no integer is NaN; x⁰ is 1, even
    /// of NaN.
    #[track_caller]
    pub fn powf(self, exponent: f64) -> Self {
        self.unary(Powf { p: T::of(exponent), less: T::of(exponent - 1.0) })
    }

    /// x to an integer power: [`powf`](Self::powf) of the same number.
    #[track_caller]
    pub fn powi(self, exponent: i32) -> Self {
        self.powf(f64::from(exponent))
    }
}

use super::activation::{Activation, Visitor};
use crate::gemm::{MatRef, Mode, Product, gemm};
use crate::simd::{Kernel, vectorized};
use crate::threads::by_rows;
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Unary, Var, reduce};

/// y = f(x·Wᵀ + b), with x: (batch, in), W: (out, in), b: (out,), y: (batch, out).
#[derive(Clone, Copy, Debug)]
struct Linear {
    has_bias: bool,
    activation: Option<Activation>,
}

impl<T: Float> Op<T> for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let ((batch, width), (out, inputs)) = (operands.matrix(0, "input")?, operands.matrix(1, "weight")?);
        if width != inputs {
            return Err(ShapeFault::new(format!(
                "input is {}, weight {} wants (_, {inputs})",
                operands.shape(0),
                operands.shape(1)
            )));
        }
        if self.has_bias && operands.shape(2).dims() != [out] {
            return Err(ShapeFault::new(format!("bias is {}, weight wants ({out},)", operands.shape(2))));
        }
        Shape::from_dims(&[batch, out]).ok_or_else(|| ShapeFault::new(format!("({batch}, {out}) is too large")))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let [batch, inputs] = [0, 1].map(|axis| pass.input_shape(0).dims()[axis]);
        let out = pass.input_shape(1).dims()[0];
        let (x, w) = (MatRef::new(pass.input(0), batch, inputs), MatRef::new(pass.input(1), out, inputs));
        let bias = self.has_bias.then(|| pass.input(2));
        let product = Product { a: x, b: w.t(), mode: Mode::Replace };
        let mut scratch = pass.take_buffer(product.scratch_len());
        gemm(product, pass.output(), &mut scratch);
        pass.give_back(scratch);
        by_rows(pass.output(), out, |_, y| {
            let finish = Finish { y, bias };
            match self.activation {
                Some(activation) => activation.visit(finish),
                None => vectorized(Finished { finish, f: |z| z }),
            }
        });
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (y, dy) = (pass.output(), pass.output_grad());
        match self.activation {
            None => self.send(&mut pass, dy),
            Some(activation) => {
                let mut dz = pass.take_buffer(dy.len());
                let out = pass.shape().dims()[1];
                by_rows(&mut dz[..dy.len()], out, |row, dz| {
                    let block = row * out..row * out + dz.len();
                    activation.visit(Undo { dz, y: &y[block.clone()], dy: &dy[block] });
                });
                self.send(&mut pass, &dz[..dy.len()]);
                pass.give_back(dz);
            }
        }
    }
}

impl Linear {
    /// Sends the gradient dz of x·Wᵀ + b on: dx += dz·W, dW += dzᵀ·x, db += Σ dz over the batch.
    fn send<T: Float>(&self, pass: &mut Backward<'_, T>, dz: &[T]) {
        let [batch, inputs] = [0, 1].map(|axis| pass.input_shape(0).dims()[axis]);
        let out = pass.input_shape(1).dims()[0];
        let (x, w) = (MatRef::new(pass.input(0), batch, inputs), MatRef::new(pass.input(1), out, inputs));
        let dz_matrix = MatRef::new(dz, batch, out);
        let to_input = Product { a: dz_matrix, b: w, mode: Mode::Add };
        let to_weight = Product { a: dz_matrix.t(), b: x, mode: Mode::Add };
        let mut scratch = pass.take_buffer(to_input.scratch_len().max(to_weight.scratch_len()));
        if let Some((dx, mode)) = pass.input_grad_and_mode(0) {
            gemm(Product { mode, ..to_input }, dx, &mut scratch);
        }
        if let Some((dw, mode)) = pass.input_grad_and_mode(1) {
            gemm(Product { mode, ..to_weight }, dw, &mut scratch);
        }
        if let Some(db) = self.has_bias.then(|| pass.input_grad(2)).flatten() {
            reduce::sum_middle(dz, batch, out, db, |db, sum| *db += sum);
        }
        pass.give_back(scratch);
    }
}

/// y ← f(y + b), row by row.
struct Finish<'a, T> {
    y: &'a mut [T],
    bias: Option<&'a [T]>,
}

/// Below so many columns a row leaves most of a register empty.
const NARROW: usize = 16;

/// The same, f known.
struct Finished<'a, T, F> {
    finish: Finish<'a, T>,
    f: F,
}

impl<T: Float, F: Fn(T) -> T> Kernel for Finished<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (Finish { y, bias }, f) = (self.finish, self.f);
        match bias {
            None => y.iter_mut().for_each(|y| *y = f(*y)),
            Some([]) => {}
            Some(bias) if bias.len() < NARROW => {
                // Rows too short for a register: as many as repeat themselves after whole registers go together.
                let mut repeated = [T::zero(); NARROW * NARROW];
                let repeated = &mut repeated[..bias.len() * NARROW];
                repeated[..bias.len()].copy_from_slice(bias);
                for doubling in 0..NARROW.ilog2() {
                    let filled = bias.len() << doubling;
                    repeated.copy_within(..filled, filled);
                }
                for rows in y.chunks_mut(repeated.len()) {
                    rows.iter_mut().zip(&*repeated).for_each(|(y, &b)| *y = f(*y + b));
                }
            }
            Some(bias) => {
                for row in y.chunks_exact_mut(bias.len()) {
                    row.iter_mut().zip(bias).for_each(|(y, &b)| *y = f(*y + b));
                }
            }
        }
    }
}

impl<T: Float> Visitor<T> for Finish<'_, T> {
    type Output = ();

    fn visit<U: Unary<T>>(self, unary: U) {
        vectorized(Finished { finish: self, f: |z| unary.value(z) });
    }
}

/// dz = dy·f′, told by y.
struct Undo<'a, T> {
    dz: &'a mut [T],
    y: &'a [T],
    dy: &'a [T],
}

/// The same, f known.
struct Undone<'a, T, U> {
    undo: Undo<'a, T>,
    unary: U,
}

impl<T: Float, U: Unary<T>> Kernel for Undone<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Undo { dz, y, dy } = self.undo;
        for ((dz, &y), &dy) in dz.iter_mut().zip(y).zip(dy) {
            *dz = self.unary.gradient(y, y, dy);
        }
    }
}

impl<T: Float> Visitor<T> for Undo<'_, T> {
    type Output = ();

    fn visit<U: Unary<T>>(self, unary: U) {
        vectorized(Undone { undo: self, unary });
    }
}

impl<T: Float> Var<'_, T> {
    /// x·Wᵀ + b through an optional activation, in one op: what a Linear layer computes (PyTorch's
    /// `torch.nn.functional.linear`).
    ///
    /// This value is x: (batch, in); `weight` is (out, in), `bias` (out,).
    ///
    /// # Panics
    /// Shapes that do not fit.
    #[track_caller]
    pub fn linear(self, weight: Self, bias: Option<Self>, activation: Option<Activation>) -> Self {
        let fused = activation.filter(|activation| activation.is_told_by_output());
        let op = Linear { has_bias: bias.is_some(), activation: fused };
        let y = match bias {
            Some(bias) => self.graph.apply(op, &[self, weight, bias]),
            None => self.graph.apply(op, &[self, weight]),
        };
        match activation {
            Some(activation) if fused.is_none() => y.activate(activation),
            _ => y,
        }
    }
}

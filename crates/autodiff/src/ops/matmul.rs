use crate::gemm::{MatRef, Mode, Product, gemm};
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var};

/// C = A·B, with A: (m, k), B: (k, n).
#[derive(Clone, Copy, Debug)]
struct Matmul;

impl<T: Float> Op<T> for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let ((m, k), (rows, n)) = (operands.matrix(0, "left")?, operands.matrix(1, "right")?);
        if k != rows {
            let message = format!("left is {}, right wants ({k}, _) but is {}", operands.shape(0), operands.shape(1));
            return Err(ShapeFault::new(message));
        }
        Shape::from_dims(&[m, n]).ok_or_else(|| ShapeFault::new(format!("({m}, {n}) is too large")))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let (a, b) = (matrix(pass.input(0), pass.input_shape(0)), matrix(pass.input(1), pass.input_shape(1)));
        let product = Product { a, b, mode: Mode::Replace };
        let mut scratch = pass.take_buffer(product.scratch_len());
        gemm(product, pass.output(), &mut scratch);
        pass.give_back(scratch);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let (a, b) = (matrix(pass.input(0), pass.input_shape(0)), matrix(pass.input(1), pass.input_shape(1)));
        let dc = matrix(pass.output_grad(), pass.shape());
        let to_left = Product { a: dc, b: b.t(), mode: Mode::Add };
        let to_right = Product { a: a.t(), b: dc, mode: Mode::Add };
        let mut scratch = pass.take_buffer(to_left.scratch_len().max(to_right.scratch_len()));
        if let Some((da, mode)) = pass.input_grad_and_mode(0) {
            gemm(Product { mode, ..to_left }, da, &mut scratch);
        }
        if let Some((db, mode)) = pass.input_grad_and_mode(1) {
            gemm(Product { mode, ..to_right }, db, &mut scratch);
        }
        pass.give_back(scratch);
    }
}

fn matrix<T>(values: &[T], shape: Shape) -> MatRef<'_, T> {
    MatRef::new(values, shape.dims()[0], shape.dims()[1])
}

impl<T: Float> Var<'_, T> {
    /// The product of two matrices, (m, k)·(k, n).
    ///
    /// # Panics
    /// Inner sizes that differ; other than two axes.
    #[track_caller]
    pub fn matmul(self, other: Self) -> Self {
        self.apply2(Matmul, other)
    }
}

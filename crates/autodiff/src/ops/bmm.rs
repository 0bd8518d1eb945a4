use crate::gemm::{MatRef, Mode, Product, gemm};
use crate::{Backward, Float, Forward, Op, Operands, Shape, ShapeFault, Var};

/// C = A·B for every matrix of a batch, with A: (…, m, k), B: (…, k, n).
#[derive(Clone, Copy, Debug)]
struct Bmm;

/// (batch, rows, columns) of a batch of matrices.
fn size(shape: Shape) -> (usize, usize, usize) {
    let (batch, matrix) = shape.dims().split_at(shape.rank() - 2);
    (batch.iter().product(), matrix[0], matrix[1])
}

/// Matrix `i` of a batch.
fn matrix<T>(values: &[T], shape: Shape, i: usize) -> MatRef<'_, T> {
    let (_, rows, columns) = size(shape);
    MatRef::new(&values[i * rows * columns..(i + 1) * rows * columns], rows, columns)
}

impl<T: Float> Op<T> for Bmm {
    fn name(&self) -> &'static str {
        "bmm"
    }

    fn shape(&self, operands: &Operands<'_, T>) -> Result<Shape, ShapeFault> {
        let (a, b) = (operands.shape(0), operands.shape(1));
        if let Some((what, shape)) = [("left", a), ("right", b)].into_iter().find(|(_, shape)| shape.rank() < 3) {
            return Err(ShapeFault::new(format!("{what} is {shape}, wanted three axes or four")));
        }
        let (last, n) = (a.rank() - 1, b.dims()[b.rank() - 1]);
        let inner = a.dims()[last];
        if b != a.resized(last - 1, inner).resized(last, n) {
            let batch: String = a.dims()[..last - 1].iter().map(|dim| format!("{dim}, ")).collect();
            return Err(ShapeFault::new(format!("left is {a}, right wants ({batch}{inner}, _) but is {b}")));
        }
        Ok(a.resized(last, n))
    }

    fn forward(&self, mut pass: Forward<'_, T>) {
        let [(a, a_shape), (b, b_shape)] = [0, 1].map(|i| (pass.input(i), pass.input_shape(i)));
        let (batch, m, n) = size(pass.shape());
        let product = |i| Product { a: matrix(a, a_shape, i), b: matrix(b, b_shape, i), mode: Mode::Replace };
        let mut scratch = pass.take_buffer(if batch == 0 { 0 } else { product(0).scratch_len() });
        for (i, c) in pass.output().chunks_exact_mut((m * n).max(1)).enumerate() {
            gemm(product(i), c, &mut scratch);
        }
        pass.give_back(scratch);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let [(a, a_shape), (b, b_shape)] = [0, 1].map(|i| (pass.input(i), pass.input_shape(i)));
        let (dc, c_shape) = (pass.output_grad(), pass.shape());
        let ((batch, m, n), (_, k, _)) = (size(c_shape), size(b_shape));
        let (dc, mode) = (|i| matrix(dc, c_shape, i), Mode::Add);
        let to_left = |i| Product { a: dc(i), b: matrix(b, b_shape, i).t(), mode };
        let to_right = |i| Product { a: matrix(a, a_shape, i).t(), b: dc(i), mode };
        let len = if batch == 0 { 0 } else { to_left(0).scratch_len().max(to_right(0).scratch_len()) };
        let mut scratch = pass.take_buffer(len);
        if let Some((da, mode)) = pass.input_grad_and_mode(0) {
            for (i, da) in da.chunks_exact_mut((m * k).max(1)).enumerate() {
                gemm(Product { mode, ..to_left(i) }, da, &mut scratch);
            }
        }
        if let Some((db, mode)) = pass.input_grad_and_mode(1) {
            for (i, db) in db.chunks_exact_mut((k * n).max(1)).enumerate() {
                gemm(Product { mode, ..to_right(i) }, db, &mut scratch);
            }
        }
        pass.give_back(scratch);
    }
}

impl<T: Float> Var<'_, T> {
    /// The products of two batches of matrices, (batch, m, k)·(batch, k, n), of one leading axis or two (PyTorch's
    /// `bmm`, which takes one). The batch is not broadcast.
    ///
    /// # Panics
    /// Batches or inner sizes that differ; other than three axes or four.
    #[track_caller]
    pub fn bmm(self, other: Self) -> Self {
        self.apply2(Bmm, other)
    }
}

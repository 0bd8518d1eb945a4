use crate::gemm::{MatRef, Mode, Product, gemm, panel_len};
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
        let mut panel = pass.take_buffer(panel_len(size(b_shape).1));
        for i in 0..batch {
            let (a, b) = (matrix(a, a_shape, i), matrix(b, b_shape, i));
            gemm(Product { a, b, mode: Mode::Replace }, &mut pass.output()[i * m * n..(i + 1) * m * n], &mut panel);
        }
        pass.give_back(panel);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let [(a, a_shape), (b, b_shape)] = [0, 1].map(|i| (pass.input(i), pass.input_shape(i)));
        let (dc, c_shape) = (pass.output_grad(), pass.shape());
        let ((_, m, n), (_, k, _)) = (size(c_shape), size(b_shape));
        let mut panel = pass.take_buffer(panel_len(m.max(n)));
        let (a, b, dc) = (|i| matrix(a, a_shape, i), |i| matrix(b, b_shape, i), |i| matrix(dc, c_shape, i));
        if let Some((da, mode)) = pass.input_grad_and_mode(0) {
            for (i, da) in da.chunks_exact_mut((m * k).max(1)).enumerate() {
                gemm(Product { a: dc(i), b: b(i).t(), mode }, da, &mut panel);
            }
        }
        if let Some((db, mode)) = pass.input_grad_and_mode(1) {
            for (i, db) in db.chunks_exact_mut((k * n).max(1)).enumerate() {
                gemm(Product { a: a(i).t(), b: dc(i), mode }, db, &mut panel);
            }
        }
        pass.give_back(panel);
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

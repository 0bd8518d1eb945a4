use rand_distr::{Distribution, StandardNormal};
use wane_autodiff::Rng;
use wane_autodiff::ndarray::{Array2, Axis};

/// A (rows, columns) matrix drawn uniformly (by Haar measure) from those with orthonormal rows, or orthonormal columns if
/// there are more rows than columns.
pub(crate) fn draw(rows: usize, columns: usize, rng: &mut Rng) -> Array2<f64> {
    loop {
        let gaussian = Array2::from_shape_simple_fn((rows, columns), || StandardNormal.sample(rng));
        if let Some(q) = orthonormal(gaussian) {
            return q;
        }
    }
}

/// The columns of `a` turned into an orthonormal basis, or its rows if it is wider than high; `None` if they depend on
/// each other.
fn orthonormal(mut a: Array2<f64>) -> Option<Array2<f64>> {
    if a.nrows() < a.ncols() {
        return orthonormalize(&mut a).then_some(a);
    }
    let mut columns = a.t().as_standard_layout().into_owned();
    orthonormalize(&mut columns).then(|| columns.reversed_axes())
}

/// Turns the rows of `a` into an orthonormal basis of what they span, by modified Gram–Schmidt; says whether they were
/// linearly independent.
///
/// The triangular factor that this leaves out has a positive diagonal, since its diagonal is the norms that are divided
/// by: this is the Q·sign(diag R) that makes Q uniform (Mezzadri 2007), and that `torch.nn.init.orthogonal_` takes.
fn orthonormalize(a: &mut Array2<f64>) -> bool {
    for i in 0..a.nrows() {
        let (done, mut rest) = a.view_mut().split_at(Axis(0), i);
        let mut row = rest.row_mut(0);
        let length = row.dot(&row).sqrt();
        let mut norm = length;
        // A pass that takes most of a row leaves rounding errors along the others, which the next one takes.
        loop {
            for q in done.rows() {
                let along = q.dot(&row);
                row.scaled_add(-along, &q);
            }
            let before = std::mem::replace(&mut norm, row.dot(&row).sqrt());
            if norm <= 1e-12 * length {
                return false;
            }
            if norm > 0.5 * before {
                break;
            }
        }
        row /= norm;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use wane_autodiff::ndarray::array;

    #[derive(Deserialize)]
    struct Document {
        orthogonal: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        shape: (usize, usize),
        gaussian: Vec<f64>,
        q: Vec<f64>,
    }

    /// PyTorch's Q·sign(diag R) of given numbers: `tests/data/inits.json`, which `scripts/torch_inits.py` wrote.
    #[test]
    fn signs_are_pytorchs() {
        let text = include_str!("../tests/data/inits.json");
        let document: Document = serde_json::from_str(text).expect("the script's own format");
        for Case { shape, gaussian, q } in document.orthogonal {
            let [gaussian, expected] = [gaussian, q].map(|values| Array2::from_shape_vec(shape, values).unwrap());
            let given = orthonormal(gaussian).unwrap();
            let worst = (&given - &expected).iter().fold(0.0, |worst: f64, x| worst.max(x.abs()));
            assert!(worst < 1e-13, "{shape:?}: {worst}");
        }
    }

    /// One pass over the rows of a Hilbert matrix leaves them 1e-6 off.
    #[test]
    fn nearly_dependent_rows_come_out_orthonormal() {
        let n = 8;
        let q = orthonormal(Array2::from_shape_fn((n, n), |(i, j)| 1.0 / (i + j + 1) as f64)).unwrap();
        let worst = (q.t().dot(&q) - Array2::<f64>::eye(n)).iter().fold(0.0, |worst: f64, x| worst.max(x.abs()));
        assert!(worst < 1e-14, "{worst}");
    }

    #[test]
    fn dependent_rows_are_told() {
        assert!(!orthonormalize(&mut array![[0.0]]));
        assert!(!orthonormalize(&mut array![[3.0, 4.0], [0.0, 0.0]]));
        assert!(!orthonormalize(&mut array![[0.1, 0.7], [0.3, 2.1]]));
        assert!(orthonormalize(&mut array![[3.0, 4.0], [1.0, 0.0]]));
    }
}

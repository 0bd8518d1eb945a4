use crate::Failure;
use serde::Deserialize;
use wane_autodiff::Float;
use wane_autodiff::ndarray::{Array2, ArrayD, Ix2};

/// An array as the files hold it: row-major.
#[derive(Debug, Deserialize)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

/// A parameter by name.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) tensor: Tensor,
}

impl Tensor {
    pub(crate) fn array<T: Float>(&self) -> Result<ArrayD<T>, Failure> {
        let data = self.data.iter().map(|&x| T::of(x)).collect();
        ArrayD::from_shape_vec(self.shape.clone(), data)
            .map_err(|_| format!("{} values do not make an array of shape {:?}", self.data.len(), self.shape).into())
    }

    /// A matrix of so many columns.
    pub(crate) fn matrix(&self, what: &str, columns: usize) -> Result<Array2<f64>, Failure> {
        match self.array()?.into_dimensionality::<Ix2>() {
            Ok(matrix) if matrix.ncols() == columns => Ok(matrix),
            _ => Err(format!("{what} has shape {:?}, wanted (rows, {columns})", self.shape).into()),
        }
    }
}

/// Checks that the reference is of the shape that it is compared with.
pub(crate) fn same_shape(what: &str, got: &[usize], reference: &Tensor) -> Result<(), Failure> {
    if got != reference.shape {
        return Err(format!("{what} has shape {got:?}, the file holds {:?}", reference.shape).into());
    }
    same_length(what, got.iter().product(), reference.data.len())
}

/// Checks that there is something to compare.
pub(crate) fn not_empty<V>(what: &str, values: &[V]) -> Result<(), Failure> {
    if values.is_empty() { Err(format!("{what}: none").into()) } else { Ok(()) }
}

/// Checks that as many values are there as the reference holds.
pub(crate) fn same_length(what: &str, got: usize, reference: usize) -> Result<(), Failure> {
    if got == reference { Ok(()) } else { Err(format!("{what}: {got} values, the file holds {reference}").into()) }
}

use crate::{EditOptions, KeyStats, Measure, Ridge};
use faer::{Mat, Side};
use wane_autodiff::ndarray::{Array1, Array2};
use wane_autodiff::{Error, number};

/// What an edit costs: the sum, over orthonormal directions qᵢ, of weightᵢ·‖ΔW qᵢ‖².
///
/// With a bias, ΔW k + Δb = ΔW(k − μ) + c with c = Δb + ΔW μ, and the mean square of this is that of ΔW(k − μ), by the
/// covariance, plus ‖c‖²: the directions are the covariance's, and c stands beside them with weight 1.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    /// The eigenvectors of C, or of the covariance if the bias is edited: (inputs, inputs), a direction a column.
    pub(crate) directions: Mat<f64>,
    /// λ for each direction: the eigenvalues, those that are rounding as 0.
    pub(crate) moments: Vec<f64>,
    /// λ + ρ for each direction, and 0 for those that cost nothing; 1 for each under [`Measure::Size`].
    pub(crate) weights: Vec<f64>,
    /// μ, if the bias is edited.
    pub(crate) centre: Option<Array1<f64>>,
    /// ρ.
    pub(crate) ridge: f64,
    /// Of C, or of the covariance if the bias is edited.
    pub(crate) rank: usize,
    /// Its largest eigenvalue over its smallest that is not 0.
    pub(crate) condition: f64,
}

impl Metric {
    pub(crate) fn new(stats: &KeyStats, options: &EditOptions) -> Result<Self, Error> {
        let inputs = stats.mean().len();
        let uncentred = stats.second_moment();
        let ridge = match options.ridge {
            Ridge::Scaled(factor) => factor * uncentred.diag().sum() / inputs as f64,
            Ridge::Absolute(rho) => rho,
        };
        let moment = if options.bias { stats.covariance() } else { uncentred };
        if !ridge.is_finite() {
            return Err(Error::option("ridge", "beyond f64", "one that f64 can hold"));
        }
        let (directions, eigenvalues) = eigen(&moment)?;
        let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
        // Of eigenvalues below it, rounding decides.
        let least = 4.0 * inputs as f64 * f64::EPSILON * largest;
        if let Some(negative) = eigenvalues.iter().find(|&&value| value < -1e-6 * largest || value.is_nan()) {
            let expected = "none below 0, as a second moment has";
            return Err(Error::data("eigenvalue of the statistics", number(*negative), expected));
        }
        let kept = || eigenvalues.iter().copied().filter(|&value| value > least);
        let (rank, smallest) = (kept().count(), kept().fold(f64::INFINITY, f64::min));
        let condition = if rank == 0 { f64::NAN } else { largest / smallest };
        let moments: Vec<f64> =
            eigenvalues.iter().map(|&value| Some(value).filter(|&value| value > least).unwrap_or(0.0)).collect();
        let weight = |value: f64| Some(value + ridge).filter(|&weight| weight > least).unwrap_or(0.0);
        let (weights, centre) = match options.measure {
            Measure::Drift => (moments.iter().map(|&value| weight(value)).collect(), stats.mean().to_owned()),
            Measure::Size => (vec![1.0; inputs], Array1::zeros(inputs)),
        };
        Ok(Self { directions, moments, weights, centre: options.bias.then_some(centre), ridge, rank, condition })
    }
}

/// Orthonormal eigenvectors, a column each, and their eigenvalues.
fn eigen(moment: &Array2<f64>) -> Result<(Mat<f64>, Vec<f64>), Error> {
    let size = moment.nrows();
    let found = Mat::from_fn(size, size, |i, j| moment[(i, j)]).self_adjoint_eigen(Side::Lower).map_err(|error| {
        Error::data("eigenvalues of the statistics", format!("not to be found ({error:?})"), "a second moment")
    })?;
    let values = found.S().column_vector();
    Ok((found.U().to_owned(), (0..size).map(|i| values[i]).collect()))
}

use crate::elastic_net::{ElasticNetOptions, Fit, solve};
use crate::problem::{Problem, check_l1_ratio, check_limits};
use ndarray::{Array1, ArrayView1, ArrayView2};
use wane_autodiff::{Error, non_negative, number};

/// The options of [`path`], under scikit-learn's names.
#[derive(Clone, Debug, PartialEq)]
pub struct PathOptions {
    /// Which part of the penalty is ℓ1, from 0 to 1. A grid wants it above 0.
    pub l1_ratio: f64,
    /// How many alphas the grid has, at least 1.
    pub count: usize,
    /// The grid's smallest alpha over its largest, above 0 and at most 1.
    pub eps: f64,
    /// The alphas themselves, finite and ≥ 0, in any order, instead of a grid.
    pub alphas: Option<Vec<f64>>,
    /// As in [`ElasticNetOptions`], for each alpha.
    pub tol: f64,
    /// As in [`ElasticNetOptions`], for each alpha.
    pub max_iterations: usize,
    /// Whether there is an intercept; it is not penalised.
    pub fit_intercept: bool,
}

impl Default for PathOptions {
    fn default() -> Self {
        let ElasticNetOptions { l1_ratio, tol, max_iterations, fit_intercept, .. } = ElasticNetOptions::default();
        Self { l1_ratio, count: 100, eps: 1e-3, alphas: None, tol, max_iterations, fit_intercept }
    }
}

/// Solutions from the largest alpha to the smallest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Path {
    /// Falling.
    pub alphas: Vec<f64>,
    /// The solution of each alpha.
    pub fits: Vec<Fit>,
}

impl Path {
    /// The columns in the order in which their weights leave zero as alpha falls. Those that do so between the same two
    /// alphas stand in their own order, and those that never do are left out.
    pub fn order_of_entry(&self) -> Vec<usize> {
        let mut order = Vec::new();
        for fit in &self.fits {
            order.extend(fit.support().into_iter().filter(|column| !order.contains(column)).collect::<Vec<_>>());
        }
        order
    }
}

/// The smallest alpha at which all weights of an elastic net with intercept are 0: max_j |x_j·(y − ȳ)| / (n·l1_ratio), with
/// x: (rows, columns), centred, and y: (rows,). It is rounded up, so that the weights are zero to the bit.
///
/// # Errors
/// x without rows or columns; another number of rows in y; a value that is not finite, or whose square overflows; an
/// `l1_ratio` that is not above 0 and at most 1, since ridge makes no weight zero.
pub fn lambda_max(x: ArrayView2<'_, f64>, y: ArrayView1<'_, f64>, l1_ratio: f64) -> Result<f64, Error> {
    largest_alpha(&Problem::new(x, y, true)?, l1_ratio)
}

fn largest_alpha(problem: &Problem, l1_ratio: f64) -> Result<f64, Error> {
    if !(l1_ratio > 0.0 && l1_ratio <= 1.0) {
        let expected = "a number above 0, up to 1: without an l1 part, no alpha makes weights zero";
        return Err(Error::option("l1_ratio", number(l1_ratio), expected));
    }
    Ok(problem.lambda_max(l1_ratio))
}

/// The elastic net at every alpha of a grid, each solution started from the one before it (scikit-learn's `enet_path`,
/// with intercept). x: (rows, columns), y: (rows,).
///
/// The grid is geometric, from [`lambda_max`] down to `eps` times it.
///
/// # Errors
/// Those of [`elastic_net`](crate::elastic_net), with the alpha at which they arise; a grid of other numbers than
/// [`PathOptions`] wants; a grid for a y that no column of x goes with: its largest alpha is 0.
///
/// ```
/// use ndarray::array;
/// use wane_linear::{PathOptions, path};
///
/// let x = array![[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]];
/// let y = array![1.0, 3.0, -1.0, -3.0];
/// let path = path(x.view(), y.view(), &PathOptions { l1_ratio: 1.0, ..Default::default() })?;
/// assert_eq!((path.alphas[0], path.fits[0].support().len()), (1.5, 0));
/// assert_eq!(path.order_of_entry(), [1, 0]);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
pub fn path(x: ArrayView2<'_, f64>, y: ArrayView1<'_, f64>, options: &PathOptions) -> Result<Path, Error> {
    let &PathOptions { l1_ratio, tol, max_iterations, fit_intercept, .. } = options;
    check_l1_ratio(l1_ratio)?;
    check_limits(tol, max_iterations)?;
    let problem = Problem::new(x, y, fit_intercept)?;
    let alphas = match &options.alphas {
        Some(alphas) => falling(alphas)?,
        None => grid(&problem, options)?,
    };
    let mut fits: Vec<Fit> = Vec::with_capacity(alphas.len());
    for &alpha in &alphas {
        let start = fits.last().map_or_else(|| Array1::zeros(x.ncols()), |fit| fit.weights.clone());
        let options = ElasticNetOptions { alpha, l1_ratio, tol, max_iterations, fit_intercept };
        let fit = solve(&problem, start, &options);
        fits.push(fit.map_err(|error| error.within(format!("alpha {}", number(alpha))))?);
    }
    Ok(Path { alphas, fits })
}

fn falling(alphas: &[f64]) -> Result<Vec<f64>, Error> {
    if alphas.is_empty() {
        return Err(Error::option("number of alphas", 0, "at least 1"));
    }
    for (i, &alpha) in alphas.iter().enumerate() {
        non_negative(&format!("alphas[{i}]"), alpha)?;
    }
    let mut alphas = alphas.to_vec();
    alphas.sort_by(|a, b| b.total_cmp(a));
    Ok(alphas)
}

fn grid(problem: &Problem, options: &PathOptions) -> Result<Vec<f64>, Error> {
    let &PathOptions { l1_ratio, count, eps, .. } = options;
    if count == 0 {
        return Err(Error::option("count", 0, "at least 1"));
    }
    if !(eps > 0.0 && eps <= 1.0) {
        return Err(Error::option("eps", number(eps), "a number above 0, up to 1"));
    }
    let largest = largest_alpha(problem, l1_ratio)?;
    if !(largest > 0.0 && largest.is_finite()) {
        let expected = "a finite number above 0, for a grid to start from: does y vary, and with a column of x? \
                        alphas may be given";
        return Err(Error::data("the largest alpha", number(largest), expected));
    }
    let steps = (count - 1).max(1) as f64;
    Ok((0..count).map(|i| largest * eps.powf(i as f64 / steps)).collect())
}

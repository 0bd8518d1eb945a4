use crate::elastic_net::{self, ElasticNetOptions, Fit};
use crate::group_elastic_net::{self, GroupFit};
use crate::group_problem::GroupProblem;
use crate::groups::Groups;
use crate::problem::{Problem, check_l1_ratio};
use crate::search::Limits;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use wane_autodiff::{Error, non_negative, number};

/// The options of [`path`]. l1_ratio, eps, alphas, tol and fit_intercept have scikit-learn's names; count is its `n_alphas`,
/// max_iterations its `max_iter`.
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
pub struct Path<F = Fit> {
    /// Falling.
    pub alphas: Vec<f64>,
    /// The solution of each alpha.
    pub fits: Vec<F>,
}

impl Path {
    /// The columns in the order in which their weights leave zero as alpha falls. Those that do so between the same two
    /// alphas stand in their own order, and those that never do are left out.
    pub fn order_of_entry(&self) -> Vec<usize> {
        in_order(self.fits.iter().map(Fit::support))
    }

    /// The weights of all solutions: (alphas, columns).
    pub fn weights(&self) -> Array2<f64> {
        let columns = self.fits.first().map_or(0, |fit| fit.weights.len());
        Array2::from_shape_fn((self.fits.len(), columns), |(i, column)| self.fits[i].weights[column])
    }
}

impl Path<GroupFit> {
    /// The groups in the order in which they leave zero as alpha falls, as columns do in [`Path::order_of_entry`].
    pub fn order_of_entry(&self) -> Vec<usize> {
        in_order(self.fits.iter().map(|fit| fit.active.clone()))
    }
}

/// What is in the first set, then what is new in the second, and so on.
fn in_order(sets: impl Iterator<Item = Vec<usize>>) -> Vec<usize> {
    let mut order = Vec::new();
    for set in sets {
        let new: Vec<usize> = set.into_iter().filter(|member| !order.contains(member)).collect();
        order.extend(new);
    }
    order
}

/// The smallest alpha at which all weights of an [`elastic_net`](crate::elastic_net) with these options are 0, whatever
/// their own alpha is: max_j |x_j·(y − ȳ)| / (n·l1_ratio), with x: (rows, columns) and y: (rows,). Without an intercept ȳ is
/// 0. It is rounded up, so that the weights are zero to the bit.
///
/// ```
/// use ndarray::array;
/// use wane_linear::{ElasticNetOptions, elastic_net, lambda_max};
///
/// let (x, y) = (array![[1.0], [2.0], [3.0]], array![1.0, 3.0, 5.0]);
/// let lasso = ElasticNetOptions { l1_ratio: 1.0, ..Default::default() };
/// let alpha = lambda_max(x.view(), y.view(), &lasso)?;
/// let fit = elastic_net(x.view(), y.view(), &ElasticNetOptions { alpha: 0.5 * alpha, ..lasso })?;
/// assert_eq!((alpha, fit.weights[0]), (4.0 / 3.0, 1.0));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// x without rows or columns; another number of rows in y; a value that is not finite, or whose square overflows; an
/// `l1_ratio` that is not above 0 and at most 1, since ridge makes no weight zero.
pub fn lambda_max(x: ArrayView2<'_, f64>, y: ArrayView1<'_, f64>, options: &ElasticNetOptions) -> Result<f64, Error> {
    largest_alpha(&Problem::new(x, y, options.fit_intercept)?, options.l1_ratio)
}

/// [`lambda_max`], of [`group_elastic_net`](crate::group_elastic_net): max_g ‖X_gᵀ(Y − Ȳ)‖ / (n·l1_ratio·v_g), with
/// x: (rows, columns) and y: (rows, outputs).
///
/// # Errors
/// Those of [`lambda_max`]; y without outputs; groups of another number of columns.
pub fn group_lambda_max(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    groups: &Groups,
    options: &ElasticNetOptions,
) -> Result<f64, Error> {
    let problem = GroupProblem::new(x, y, groups, options.fit_intercept)?;
    check_makes_zeros(options.l1_ratio)?;
    Ok(problem.lambda_max(options.l1_ratio))
}

fn largest_alpha(problem: &Problem, l1_ratio: f64) -> Result<f64, Error> {
    check_makes_zeros(l1_ratio)?;
    let design = &problem.design;
    let largest = (0..design.columns()).map(|j| design.product(j, &problem.y).abs()).fold(0.0, f64::max);
    Ok(design.alpha_of(largest, l1_ratio, |l1| largest <= l1))
}

fn check_makes_zeros(l1_ratio: f64) -> Result<(), Error> {
    if l1_ratio > 0.0 && l1_ratio <= 1.0 {
        return Ok(());
    }
    let expected = "a number above 0, up to 1: without an l1 part, no alpha makes weights zero";
    Err(Error::option("l1_ratio", number(l1_ratio), expected))
}

/// The elastic net at every alpha of a grid, each solution started from the one before it (scikit-learn's `enet_path`). x: (rows, columns), y: (rows,).
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
    options.check()?;
    let problem = Problem::new(x, y, options.fit_intercept)?;
    let alphas = options.alphas(|| largest_alpha(&problem, options.l1_ratio))?;
    problem.design.keep_gram();
    options.walk(alphas, |options, last: Option<&Fit>| {
        let start = last.map_or_else(|| Array1::zeros(x.ncols()), |fit| fit.weights.clone());
        elastic_net::solve(&problem, start, options)
    })
}

/// [`path`], of [`group_elastic_net`](crate::group_elastic_net) (scikit-learn's `MultiTaskElasticNet.path`).
/// x: (rows, columns), y: (rows, outputs).
///
/// # Errors
/// Those of [`path`]; y without outputs; groups of another number of columns.
pub fn group_path(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    groups: &Groups,
    options: &PathOptions,
) -> Result<Path<GroupFit>, Error> {
    options.check()?;
    let problem = GroupProblem::new(x, y, groups, options.fit_intercept)?;
    let alphas = options.alphas(|| {
        check_makes_zeros(options.l1_ratio)?;
        Ok(problem.lambda_max(options.l1_ratio))
    })?;
    problem.design.keep_gram();
    options.walk(alphas, |options, last: Option<&GroupFit>| {
        let start = last.map_or_else(|| Array2::zeros((x.ncols(), y.ncols())), |fit| fit.weights.clone());
        group_elastic_net::solve(&problem, start, options)
    })
}

impl PathOptions {
    fn check(&self) -> Result<(), Error> {
        check_l1_ratio(self.l1_ratio)?;
        Limits::new(self.tol, self.max_iterations)?;
        Ok(())
    }

    /// The alphas given, or a grid from the largest that counts.
    fn alphas(&self, largest: impl FnOnce() -> Result<f64, Error>) -> Result<Vec<f64>, Error> {
        match &self.alphas {
            Some(alphas) => falling(alphas),
            None => self.grid(largest),
        }
    }

    fn grid(&self, largest: impl FnOnce() -> Result<f64, Error>) -> Result<Vec<f64>, Error> {
        let &Self { count, eps, .. } = self;
        if count == 0 {
            return Err(Error::option("count", 0, "at least 1"));
        }
        if !(eps > 0.0 && eps <= 1.0) {
            return Err(Error::option("eps", number(eps), "a number above 0, up to 1"));
        }
        let largest = largest()?;
        if !(largest > 0.0 && largest.is_finite()) {
            let expected = "a finite number above 0, for a grid to start from: does y vary, and with a column of x? \
                            alphas may be given";
            return Err(Error::data("the largest alpha", number(largest), expected));
        }
        let steps = (count - 1).max(1) as f64;
        Ok((0..count).map(|i| largest * eps.powf(i as f64 / steps)).collect())
    }

    /// The solution of each alpha, which is told the one before it.
    fn walk<F>(
        &self,
        alphas: Vec<f64>,
        solve: impl Fn(&ElasticNetOptions, Option<&F>) -> Result<F, Error>,
    ) -> Result<Path<F>, Error> {
        let &Self { l1_ratio, tol, max_iterations, fit_intercept, .. } = self;
        let mut fits: Vec<F> = Vec::with_capacity(alphas.len());
        for &alpha in &alphas {
            let options = ElasticNetOptions { alpha, l1_ratio, tol, max_iterations, fit_intercept };
            let fit = solve(&options, fits.last());
            fits.push(fit.map_err(|error| error.within(format!("alpha {}", number(alpha))))?);
        }
        Ok(Path { alphas, fits })
    }
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

use crate::certificate::Certificate;
use crate::elastic_net::{ElasticNetOptions, check_rows};
use crate::group_problem::GroupProblem;
use crate::groups::Groups;
use crate::newton;
use ndarray::{Array1, Array2, ArrayView2};
use wane_autodiff::Error;

/// A linear model of one output or several that was fitted with groups.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GroupFit {
    /// (columns, outputs). A weight of a group that the penalty makes zero is +0.
    pub weights: Array2<f64>,
    /// (outputs,): 0 without an intercept.
    pub intercept: Array1<f64>,
    /// The groups whose weights are not all 0.
    pub active: Vec<usize>,
    /// How far from the optimum this can be.
    pub certificate: Certificate,
    /// How many rounds were made; 0 where the solution is a closed form.
    pub iterations: usize,
}

impl GroupFit {
    /// XW + b, with x: (rows, columns), of shape (rows, outputs).
    ///
    /// # Errors
    /// Another number of columns than was fitted; a value that is not finite.
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, Error> {
        check_rows(x, self.weights.nrows())?;
        Ok(x.dot(&self.weights) + &self.intercept)
    }
}

/// The minimum of 1/(2n) ‖Y − XW − 1bᵀ‖² + alpha·l1_ratio Σ_g v_g ‖W_g‖ + alpha(1 − l1_ratio)/2 ‖W‖² over W and b, with
/// x: (rows, columns) and y: (rows, outputs): norms are Frobenius's, and W_g are the rows of W that belong to a group's
/// columns, v_g its weight.
///
/// With `l1_ratio: 1.0` it is the group lasso; with [`Groups::each`] it is scikit-learn's `MultiTaskElasticNet` and
/// `MultiTaskLasso`, and of one output [`elastic_net`](crate::elastic_net).
///
/// A round is a sweep over all groups, which finds those that are not zero (block coordinate descent), and a step of Newton's
/// method on their weights, whose linear system conjugate gradients solve. With alpha·l1_ratio = 0 it is ridge, output by
/// output.
///
/// ```
/// use ndarray::{Axis, array};
/// use wane_linear::{ElasticNetOptions, Groups, group_elastic_net};
///
/// let x = array![[1.0, 0.9, 0.3], [2.0, 2.2, -0.1], [3.0, 2.9, 0.2], [4.0, 4.1, -0.4]];
/// let y = array![2.1, 3.9, 6.2, 7.8];
/// let groups = Groups::new(3, vec![vec![0, 1], vec![2]])?;
/// let group_lasso = ElasticNetOptions { alpha: 0.2, l1_ratio: 1.0, ..Default::default() };
/// let fit = group_elastic_net(x.view(), y.view().insert_axis(Axis(1)), &groups, &group_lasso)?;
/// assert_eq!(fit.active, [0]);
/// assert!(fit.weights[(0, 0)] > 0.0 && fit.weights[(1, 0)] > 0.0 && fit.weights[(2, 0)] == 0.0);
/// assert!(fit.certificate.gap <= 1e-10 * y.var(0.0) && fit.certificate.support_is_certain);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// Those of [`elastic_net`](crate::elastic_net); y without outputs; groups of another number of columns.
#[doc(alias = "group_lasso")]
#[doc(alias = "multi_task_lasso")]
pub fn group_elastic_net(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    groups: &Groups,
    options: &ElasticNetOptions,
) -> Result<GroupFit, Error> {
    options.check()?;
    let problem = GroupProblem::new(x, y, groups, options.fit_intercept)?;
    solve(&problem, Array2::zeros((x.ncols(), y.ncols())), options)
}

/// The solution of a problem.
pub(crate) fn solve(
    problem: &GroupProblem<'_>,
    start: Array2<f64>,
    options: &ElasticNetOptions,
) -> Result<GroupFit, Error> {
    let limits = options.check()?;
    let strengths = problem.design.strengths(options.alpha, options.l1_ratio);
    let mut weights = start;
    let (certificate, iterations) = if strengths.l1 == 0.0 {
        for output in 0..problem.outputs() {
            let solution = problem.design.spectrum()?.ridge(&problem.output(output), strengths.l2);
            weights.column_mut(output).assign(&solution);
        }
        (limits.closed(&problem.conditions(strengths, &weights, &problem.residual(&weights)))?, 0)
    } else {
        let mut residual = problem.residual(&weights);
        limits.search(|| {
            problem.sweep(strengths, &mut weights, &mut residual);
            while newton::step(problem, strengths, &mut weights, &residual) {
                residual = problem.residual(&weights);
            }
            residual = problem.residual(&weights);
            problem.conditions(strengths, &weights, &residual)
        })?
    };
    let (intercept, active) = (problem.intercept(&weights), problem.active(&weights));
    Ok(GroupFit { intercept, active, weights, certificate, iterations })
}

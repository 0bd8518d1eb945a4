use crate::cholesky::{Cholesky, NEAR};
use crate::design::Design;
use crate::problem::Strengths;
use ndarray::ArrayView2;

/// How far from the optimum a solution can be.
///
/// With the residual r = y − Xw − b, q = Xᵀr − n·alpha(1 − l1_ratio)w and λ = n·alpha·l1_ratio, w is the optimum if and
/// only if q_j = λ sign(w_j) where w_j ≠ 0, and |q_j| ≤ λ where w_j = 0. (The intercept's own condition, mean r = 0, holds
/// by its choice.)
///
/// For a group g of weight v_g, these are q_g = λv_g w_g/‖w_g‖ where w_g ≠ 0, and ‖q_g‖ ≤ λv_g where w_g = 0: a column is a
/// group of one, with v = 1. Norms are over all of a group's columns and all outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Certificate {
    /// The objective at the solution, as [`elastic_net`](crate::elastic_net) and
    /// [`group_elastic_net`](crate::group_elastic_net) define it.
    pub objective: f64,
    /// The duality gap: no weights and no intercept have an objective below `objective − gap`.
    ///
    /// The least of what is proven by
    /// - the residual (of the data with the ℓ2 part as further rows), shrunk by s = min(1, λv_g/‖q_g‖ of every g), as a dual
    ///   point, where λ > 0;
    /// - the curvature l2 = n·alpha(1 − l1_ratio) that the objective has at least: the violations' square over 2n·l2;
    /// - least squares, where the penalty is next to nothing: the penalty, and what could still be taken off ‖r‖²/(2n).
    pub gap: f64,
    /// The largest violation of the conditions above, over n.
    pub kkt_violation: f64,
    /// Whether the optimum is proven to be one and to have exactly this solution's zeros (of groups: its groups of zeros).
    ///
    /// With G the gap times n (taken as ε‖y‖² at least, with f64's ε for rounding) and l2 = n·alpha(1 − l1_ratio), that is
    /// - off the support ‖q_g‖ + √(2G(‖X_g‖² + l2)) < λv_g: every optimum has zeros there, since its residual is within √(2G)
    ///   of this one (as in Fercoq, Gramfort and Salmon, *Mind the duality gap*, 2015);
    /// - on it ‖w_g‖² > 2G Σ_{j in g} A⁻¹_jj, with A = XᵀX + l2·I over the support: an optimum there is as near as that.
    pub support_is_certain: bool,
}

/// A penalty that is at most this part of ‖y‖² is next to nothing: a gap by least squares is asked for.
const NEGLIGIBLE: f64 = 1e-8;

/// One column, or one group of them, in the conditions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// λv.
    pub(crate) threshold: f64,
    /// ‖w‖.
    pub(crate) norm: f64,
    /// ‖q‖.
    pub(crate) pull: f64,
    /// w·q.
    pub(crate) along: f64,
    /// By how much the condition is violated.
    pub(crate) violation: f64,
    /// ‖X‖², or more.
    pub(crate) square: f64,
}

/// What the conditions of all weights are about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) design: &'a Design,
    /// ‖y‖².
    pub(crate) y_square: f64,
    pub(crate) strengths: Strengths,
    /// The columns of each part; None if each column is one.
    pub(crate) members: Option<&'a [Vec<usize>]>,
}

/// The optimality conditions of weights, and what follows from how well they are met.
#[derive(Debug)]
pub(crate) struct Conditions<'a> {
    subject: Subject<'a>,
    parts: Vec<Part>,
    /// Both in sums over rows.
    objective: f64,
    gap: f64,
}

impl<'a> Conditions<'a> {
    /// residual: (outputs, rows); `l2_part` is l2‖w‖², in which ‖w‖² alone may be beyond f64.
    pub(crate) fn new(subject: Subject<'a>, parts: Vec<Part>, residual: ArrayView2<'_, f64>, l2_part: f64) -> Self {
        let Subject { design, y_square, strengths: Strengths { l1, l2 }, .. } = subject;
        let ratio = |part: &Part| if part.pull > part.threshold { part.threshold / part.pull } else { 1.0 };
        let shrink = parts.iter().map(ratio).fold(1.0, f64::min);
        let loss = 0.5 * residual.iter().map(|r| r * r).sum::<f64>();
        let square = loss + 0.5 * l2_part;
        let norms: f64 = parts.iter().map(|part| part.threshold * part.norm).sum();
        let objective = square + norms;
        let mut gap = f64::INFINITY;
        if l1 > 0.0 {
            // The primal minus the dual objective, each term of which is 0 or above: nothing is cancelled.
            let slack = |part: &Part| (part.threshold * part.norm - shrink * part.along).max(0.0);
            gap = (1.0 - shrink) * (1.0 - shrink) * square + parts.iter().map(slack).sum::<f64>();
        }
        if l2 > 0.0 {
            gap = gap.min(parts.iter().map(|part| part.violation * part.violation).sum::<f64>() / (2.0 * l2));
        }
        let penalty = norms + 0.5 * l2_part;
        if penalty < gap && penalty <= NEGLIGIBLE * y_square {
            let excess = residual.rows().into_iter().map(|r| 0.5 * design.basis().square_within(r)).sum::<f64>();
            gap = gap.min(penalty + excess);
        }
        Self { subject, parts, objective, gap }
    }

    /// In sums over rows.
    pub(crate) fn objective(&self) -> f64 {
        self.objective
    }

    /// In sums over rows.
    pub(crate) fn gap(&self) -> f64 {
        self.gap
    }

    pub(crate) fn y_square(&self) -> f64 {
        self.subject.y_square
    }

    /// Whether the gap is at most tol·‖y‖².
    pub(crate) fn is_near(&self, tol: f64) -> bool {
        self.gap <= tol * self.subject.y_square
    }

    /// Whether, besides, each condition is met to tol·‖x_j‖‖y‖.
    pub(crate) fn are_met(&self, tol: f64) -> bool {
        let is_met = |part: &Part| part.violation <= tol * (part.square * self.subject.y_square).sqrt();
        self.is_near(tol) && self.parts.iter().all(is_met)
    }

    pub(crate) fn certificate(&self) -> Certificate {
        let rows = self.subject.design.rows();
        Certificate {
            objective: self.objective / rows,
            gap: self.gap / rows,
            kkt_violation: self.parts.iter().map(|part| part.violation).fold(0.0, f64::max) / rows,
            support_is_certain: self.support_is_certain(),
        }
    }

    fn support_is_certain(&self) -> bool {
        let Subject { design, y_square, strengths: Strengths { l1, l2 }, .. } = self.subject;
        let radius = (2.0 * self.gap.max(f64::EPSILON * y_square)).sqrt();
        let stays_zero = |part: &Part| {
            // Columns of zeros bear no weight under any penalty.
            let is_void = part.square == 0.0 && l1 + l2 > 0.0;
            is_void || part.pull + radius * (part.square + l2).sqrt() < part.threshold
        };
        if !self.parts.iter().filter(|part| part.norm == 0.0).all(stays_zero) {
            return false;
        }
        let supporting = || self.parts.iter().enumerate().filter(|(_, part)| part.norm != 0.0);
        let columns: Vec<usize> = supporting().flat_map(|(number, _)| self.columns(number)).collect();
        let Some(inverses) = inverse_diagonal(design, &columns, self.subject.strengths) else {
            return false;
        };
        let mut inverses = inverses.into_iter();
        supporting().all(|(number, part)| {
            let inverse: f64 = inverses.by_ref().take(self.columns(number).len()).sum();
            part.norm > radius * inverse.sqrt()
        })
    }

    fn columns(&self, number: usize) -> Vec<usize> {
        self.subject.members.map_or_else(|| vec![number], |members| members[number].clone())
    }
}

/// The diagonal of A⁻¹, in the order of the columns; None if A has no inverse that is known well.
fn inverse_diagonal(design: &Design, columns: &[usize], Strengths { l1, l2 }: Strengths) -> Option<Vec<f64>> {
    if l1 == 0.0 {
        // The solution is a closed form, which has decomposed x already.
        let inverses = design.spectrum().ok()?.inverse_diagonal(l2)?;
        return Some(columns.iter().map(|&j| inverses[j]).collect());
    }
    let gram = design.gram(columns, l2);
    let mut factor = Cholesky::default();
    for (i, row) in gram.rows().into_iter().enumerate() {
        factor.push(row.iter().take(i + 1).copied().collect(), NEAR).ok()?;
    }
    Some(factor.inverse_diagonal())
}

#[cfg(test)]
mod tests {
    use crate::elastic_net::{ElasticNetOptions, conditions, solve};
    use crate::group_elastic_net;
    use crate::group_problem::GroupProblem;
    use crate::groups::Groups;
    use crate::problem::{Problem, support};
    use ndarray::{Array1, Array2};
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Of weights that are anything but a solution, and of those near one.
        #[test]
        fn a_gap_and_a_certain_support_are_true_of_any_weights(
            x in vec(-3..4_i32, 24),
            y in vec(-3.0..3.0_f64, 8),
            w in vec(-1.0..1.0_f64, 3),
            alpha in prop_oneof![Just(0.0), 0.01..2.0_f64],
            l1_ratio in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64],
            exponent in -7..1_i32,
        ) {
            let x = Array2::from_shape_vec((8, 3), x.into_iter().map(f64::from).collect()).unwrap();
            let problem = Problem::new(x.view(), Array1::from_vec(y).view(), true).unwrap();
            let options = ElasticNetOptions { alpha, l1_ratio, ..Default::default() };
            let best = solve(&problem, Array1::zeros(3), &options).unwrap();
            let moved = |(&best, &w): (&f64, &f64)| {
                if best == 0.0 && exponent < 0 { 0.0 } else { best + w * 10.0_f64.powi(exponent) }
            };
            let weights: Array1<f64> = best.weights.iter().zip(&w).map(moved).collect();
            let strengths = problem.design.strengths(alpha, l1_ratio);
            let residual = problem.residual(&weights);
            let here = conditions(&problem, strengths, &weights, &residual).certificate();
            let rounding = 1e-14 * (1.0 + here.objective);
            prop_assert!(here.gap >= 0.0);
            prop_assert!(here.objective - here.gap <= best.certificate.objective + rounding, "{here:?} {best:?}");
            if here.support_is_certain {
                prop_assert_eq!(support(&weights), best.support());
            }
        }

        /// The same of groups, of several outputs.
        #[test]
        fn a_gap_and_certain_groups_are_true_of_any_weights(
            x in vec(-3..4_i32, 32),
            y in vec(-3.0..3.0_f64, 16),
            w in vec(-1.0..1.0_f64, 8),
            alpha in prop_oneof![Just(0.0), 0.01..2.0_f64],
            l1_ratio in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64],
            exponent in -7..1_i32,
        ) {
            let x = Array2::from_shape_vec((8, 4), x.into_iter().map(f64::from).collect()).unwrap();
            let y = Array2::from_shape_vec((8, 2), y).unwrap();
            let groups = Groups::new(4, vec![vec![3, 1], vec![0], vec![2]]).unwrap();
            let groups = groups.weighted(vec![1.5, 0.7, 1.0]).unwrap();
            let problem = GroupProblem::new(x.view(), y.view(), &groups, true).unwrap();
            let options = ElasticNetOptions { alpha, l1_ratio, ..Default::default() };
            let best = group_elastic_net::solve(&problem, Array2::zeros((4, 2)), &options).unwrap();
            let moved = Array2::from_shape_fn((4, 2), |(j, k)| {
                let best = best.weights[(j, k)];
                if best == 0.0 && exponent < 0 { 0.0 } else { best + w[2 * j + k] * 10.0_f64.powi(exponent) }
            });
            let strengths = problem.design.strengths(alpha, l1_ratio);
            let here = problem.conditions(strengths, &moved, &problem.residual(&moved)).certificate();
            let rounding = 1e-14 * (1.0 + here.objective);
            prop_assert!(here.objective - here.gap <= best.certificate.objective + rounding, "{here:?} {best:?}");
            if here.support_is_certain {
                prop_assert_eq!(problem.active(&moved), best.active);
            }
        }
    }
}

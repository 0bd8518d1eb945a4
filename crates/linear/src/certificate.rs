use crate::basis::Basis;
use crate::cholesky::{Cholesky, NEAR};
use crate::problem::{Problem, Strengths, support};
use ndarray::Array1;

/// How far from the optimum a solution can be.
///
/// With the residual r = y − Xw − b, q = Xᵀr − n·alpha(1 − l1_ratio)w and λ = n·alpha·l1_ratio, w is the optimum if and
/// only if q_j = λ sign(w_j) where w_j ≠ 0, and |q_j| ≤ λ where w_j = 0. (The intercept's own condition, mean r = 0, holds
/// by its choice.)
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Certificate {
    /// The objective at the solution, as [`elastic_net`](crate::elastic_net) defines it.
    pub objective: f64,
    /// The duality gap: no weights and no intercept have an objective below `objective − gap`.
    ///
    /// The dual point is the residual (of the data with the ℓ2 part as further rows), shrunk by s = min(1, λ/‖q‖∞). Where
    /// λ = 0 the gap is that of ridge, ‖q‖²/(2n·l2) with l2 = n·alpha, and of least squares, where it is exact.
    pub gap: f64,
    /// The largest violation of the conditions above, over n.
    pub kkt_violation: f64,
    /// Whether the optimum is proven to be one and to have exactly this solution's zeros.
    ///
    /// With G the gap times n (taken as ε‖y‖² at least, with f64's ε for rounding) and l2 = n·alpha(1 − l1_ratio), that is
    /// - off the support s|q_j| + √(2G(‖x_j‖² + l2)) < λ: every optimum has a zero there, since the dual optimum is within
    ///   √(2G) of the dual point (Fercoq, Gramfort and Salmon, *Mind the duality gap*, 2015);
    /// - on it |w_j| > √(2G·A⁻¹_jj), with A = XᵀX + l2·I over the support: an optimum there is as near as that.
    pub support_is_certain: bool,
}

/// The optimality conditions of weights, and what follows from how well they are met.
#[derive(Debug)]
pub(crate) struct Conditions<'a> {
    problem: &'a Problem,
    strengths: Strengths,
    weights: &'a Array1<f64>,
    /// q.
    pull: Array1<f64>,
    /// s.
    shrink: f64,
    /// Both in sums over rows.
    objective: f64,
    gap: f64,
}

impl<'a> Conditions<'a> {
    pub(crate) fn new(
        problem: &'a Problem,
        strengths: Strengths,
        weights: &'a Array1<f64>,
        residual: &Array1<f64>,
    ) -> Self {
        let Strengths { l1, l2 } = strengths;
        let pull: Array1<f64> =
            (0..problem.columns()).map(|j| problem.product(j, residual) - l2 * weights[j]).collect();
        let largest = pull.iter().fold(0.0, |largest: f64, q| largest.max(q.abs()));
        let shrink = if largest > l1 { l1 / largest } else { 1.0 };
        let square = residual.dot(residual) + l2 * weights.dot(weights);
        let norm: f64 = weights.iter().map(|w| w.abs()).sum();
        let objective = 0.5 * square + l1 * norm;
        let gap = if l1 > 0.0 {
            // The primal minus the dual objective, each term of which is 0 or above: nothing is cancelled.
            let slack = |(&w, &q): (&f64, &f64)| (l1 * w.abs() - shrink * w * q).max(0.0);
            0.5 * (1.0 - shrink) * (1.0 - shrink) * square + weights.iter().zip(&pull).map(slack).sum::<f64>()
        } else if l2 > 0.0 {
            pull.dot(&pull) / (2.0 * l2)
        } else {
            0.5 * Basis::of(problem).square_within(residual)
        };
        Self { problem, strengths, weights, pull, shrink, objective, gap }
    }

    /// Whether the gap is at most tol·‖y‖², and each condition met to tol·‖x_j‖‖y‖.
    pub(crate) fn are_met(&self, tol: f64) -> bool {
        let Problem { y_square, squares, .. } = self.problem;
        let is_met = |j: usize| self.violation(j) <= tol * (squares[j] * y_square).sqrt();
        self.gap <= tol * y_square && (0..squares.len()).all(is_met)
    }

    /// By how much the condition of a weight is violated.
    fn violation(&self, j: usize) -> f64 {
        let (w, q, l1) = (self.weights[j], self.pull[j], self.strengths.l1);
        if w == 0.0 { (q.abs() - l1).max(0.0) } else { (q - l1.copysign(w)).abs() }
    }

    pub(crate) fn certificate(&self) -> Certificate {
        let rows = self.problem.rows();
        Certificate {
            objective: self.objective / rows,
            gap: self.gap / rows,
            kkt_violation: (0..self.pull.len()).map(|j| self.violation(j)).fold(0.0, f64::max) / rows,
            support_is_certain: self.support_is_certain(),
        }
    }

    fn support_is_certain(&self) -> bool {
        let (problem, Strengths { l1, l2 }) = (self.problem, self.strengths);
        let radius = (2.0 * self.gap.max(f64::EPSILON * problem.y_square)).sqrt();
        let stays_zero = |j: usize| {
            // A column of zeros bears no weight under any penalty.
            let is_void = problem.squares[j] == 0.0 && l1 + l2 > 0.0;
            is_void || self.shrink * self.pull[j].abs() + radius * (problem.squares[j] + l2).sqrt() < l1
        };
        if !(0..problem.columns()).filter(|&j| self.weights[j] == 0.0).all(stays_zero) {
            return false;
        }
        let support = support(self.weights);
        let gram = problem.gram(&support, l2);
        let mut factor = Cholesky::default();
        let is_one =
            (0..support.len()).all(|i| factor.push(gram.row(i).iter().take(i + 1).copied().collect(), NEAR).is_ok());
        is_one
            && (support.iter().zip(factor.inverse_diagonal()))
                .all(|(&j, inverse)| self.weights[j].abs() > radius * inverse.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elastic_net::{ElasticNetOptions, solve};
    use ndarray::Array2;
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
            let moved = |(&best, &w): (&f64, &f64)| if best == 0.0 && exponent < 0 { 0.0 } else { best + w * 10.0_f64.powi(exponent) };
            let weights: Array1<f64> = best.weights.iter().zip(&w).map(moved).collect();
            let strengths = problem.strengths(alpha, l1_ratio);
            let residual = problem.residual(&weights);
            let here = Conditions::new(&problem, strengths, &weights, &residual).certificate();
            let rounding = 1e-14 * (1.0 + here.objective);
            prop_assert!(here.gap >= 0.0);
            prop_assert!(here.objective - here.gap <= best.certificate.objective + rounding, "{here:?} {best:?}");
            if here.support_is_certain {
                prop_assert_eq!(support(&weights), best.support());
            }
        }
    }
}

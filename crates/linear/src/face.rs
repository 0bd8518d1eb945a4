//! The minimum over weights that keep their signs, where the objective is quadratic.

use crate::cholesky::{Cholesky, Dependent};
use crate::problem::{Problem, Strengths, support};
use ndarray::{Array1, Array2};

/// The weights of a support, on the way to the minimum among those with their signs (Lee and others, *Efficient sparse
/// coding algorithms*, 2006).
struct Face {
    /// XᵀX + l2·I over the support it began with.
    gram: Array2<f64>,
    /// Over the same: 0 where a weight was dropped.
    weights: Vec<f64>,
    /// Over the same: minus the gradient of the objective.
    descent: Vec<f64>,
    /// Over the same: how far rounding may take that off.
    noise: Vec<f64>,
    /// Which of them are not 0.
    kept: Vec<usize>,
    /// How much the objective may rise by rounding.
    rounding: f64,
}

/// Moves the weights that are not 0 to where their gradient vanishes, and drops, on the way, those that reach 0 and those
/// whose columns depend on others. The objective does not rise. `residual` is that of `weights`.
pub(crate) fn descend(problem: &Problem, strengths: Strengths, weights: &mut Array1<f64>, residual: &Array1<f64>) {
    let Strengths { l1, l2 } = strengths;
    let columns = support(weights);
    let descent = |&j: &usize| problem.design.product(j, residual) - l2 * weights[j] - l1.copysign(weights[j]);
    let gram = problem.design.gram(&columns, l2);
    let rounding = 16.0 * f64::EPSILON * problem.y_square;
    let mut face = Face {
        weights: columns.iter().map(|&j| weights[j]).collect(),
        descent: columns.iter().map(descent).collect(),
        noise: gram.diag().iter().map(|square| 2.0 * (square * f64::EPSILON * rounding).sqrt()).collect(),
        kept: (0..columns.len()).collect(),
        gram,
        rounding,
    };
    while face.step() {}
    columns.iter().zip(face.weights).for_each(|(&j, w)| weights[j] = w);
}

impl Face {
    /// One step, and whether another may be wanted: each but the last drops a weight.
    fn step(&mut self) -> bool {
        let mut factor = Cholesky::default();
        let mut free = Vec::with_capacity(self.kept.len());
        for i in self.kept.clone() {
            free.push(i);
            let row = free.iter().map(|&j| self.gram[(i, j)]).collect();
            if let Err(dependent) = factor.push(row, 0.0) {
                if self.slide(&free, dependent) {
                    return true;
                }
                // It stays where it is beside the step of the others.
                free.pop();
            }
        }
        let direction = factor.solve(free.iter().map(|&i| self.descent[i]).collect());
        let reach = self.reach(&free, &direction);
        self.advance(&free, &direction, reach.min(1.0));
        reach <= 1.0
    }

    /// Moves the weights of columns the last of which depends on the others, in the direction in which the fit does not
    /// change: downhill by the penalty or, where that says nothing, so that the dependent column's weight falls. It ends, and
    /// the answer is yes, where one of them is 0, if the objective does not rise on the way there.
    fn slide(&mut self, columns: &[usize], dependent: Dependent) -> bool {
        let Dependent { coefficients, pivot, rounding } = dependent;
        let last = coefficients.len();
        let fall = -1.0_f64.copysign(self.weights[columns[last]]);
        let mut direction: Vec<f64> = coefficients.iter().map(|c| -fall * c).chain([fall]).collect();
        let along = |values: &[f64]| direction.iter().zip(columns).map(|(d, &i)| d * values[i]).sum::<f64>();
        let slope = along(&self.descent);
        let noise = direction.iter().zip(columns).map(|(d, &i)| d.abs() * self.noise[i]).sum::<f64>();
        if slope < -noise {
            direction.iter_mut().for_each(|d| *d = -*d);
        }
        let reach = self.reach(columns, &direction);
        let (slope, curvature) = (slope.abs(), pivot.max(0.0));
        if reach.is_finite() && reach * (0.5 * reach * curvature - slope) <= self.rounding {
            self.advance(columns, &direction, reach);
            return true;
        }
        if slope > noise {
            self.advance(columns, &direction, reach.min(slope / (curvature + rounding)));
        }
        false
    }

    /// The step at which the first weight is 0.
    fn reach(&self, columns: &[usize], direction: &[f64]) -> f64 {
        let to_zero = direction.iter().zip(columns).map(|(&d, &i)| to_zero(self.weights[i], d));
        to_zero.fold(f64::INFINITY, f64::min)
    }

    fn advance(&mut self, columns: &[usize], direction: &[f64], step: f64) {
        let mut moved = vec![0.0; self.weights.len()];
        for (&d, &i) in direction.iter().zip(columns) {
            let w = self.weights[i];
            self.weights[i] = if to_zero(w, d) <= step { 0.0 } else { w + step * d };
            moved[i] = self.weights[i] - w;
        }
        let moved = Array1::from_vec(moved);
        for &i in &self.kept {
            self.descent[i] -= self.gram.row(i).dot(&moved);
        }
        self.kept.retain(|&i| self.weights[i] != 0.0);
    }
}

/// The step in direction d at which a weight is 0. A smaller step does not take it past 0, since rounding is monotonic.
fn to_zero(w: f64, d: f64) -> f64 {
    if (w > 0.0) == (d > 0.0) || d == 0.0 { f64::INFINITY } else { -w / d }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn no_smaller_step_takes_a_weight_past_zero(
            w in 0.1..4.0_f64,
            d in 0.1..4.0_f64,
            is_positive in any::<bool>(),
            power in -60..60_i32,
            ulps in 1..4_u32,
        ) {
            let (w, d) = if is_positive { (w, -d) } else { (-w, d) };
            let d = d * 2.0_f64.powi(power);
            let step = (0..ulps).fold(to_zero(w, d), |step, _| step.next_down());
            let next = w + step * d;
            prop_assert!(next == 0.0 || (next > 0.0) == (w > 0.0), "{w} + {step}·{d} = {next}");
        }
    }
}

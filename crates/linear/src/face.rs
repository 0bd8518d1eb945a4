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
    let descent = |&j: &usize| problem.product(j, residual) - l2 * weights[j] - l1.copysign(weights[j]);
    let mut face = Face {
        gram: problem.gram(&columns, l2),
        weights: columns.iter().map(|&j| weights[j]).collect(),
        descent: columns.iter().map(descent).collect(),
        kept: (0..columns.len()).collect(),
        rounding: f64::EPSILON * problem.y_square,
    };
    while face.step() {}
    columns.iter().zip(face.weights).for_each(|(&j, w)| weights[j] = w);
}

impl Face {
    /// One step, and whether another may be wanted: each but the last drops a weight.
    fn step(&mut self) -> bool {
        let mut factor = Cholesky::default();
        for i in 0..self.kept.len() {
            let row = self.kept[..=i].iter().map(|&j| self.gram[(self.kept[i], j)]).collect();
            if let Err(dependent) = factor.push(row, 0.0) {
                return self.slide(dependent);
            }
        }
        let direction = factor.solve(self.kept.iter().map(|&i| self.descent[i]).collect());
        let reach = self.reach(&direction);
        self.advance(&direction, reach.min(1.0));
        reach <= 1.0
    }

    /// Moves along a direction in which the fit does not change, until a weight is 0: first with the dependent column's
    /// weight falling. If the objective would rise both ways, the column did matter: it takes its own Newton step.
    fn slide(&mut self, Dependent { coefficients, pivot }: Dependent) -> bool {
        let last = coefficients.len();
        let fall = -1.0_f64.copysign(self.weights[self.kept[last]]);
        let mut direction: Vec<f64> = coefficients.iter().map(|c| -fall * c).chain([fall]).collect();
        let curvature = pivot.max(0.0);
        for _ in 0..2 {
            let reach = self.reach(&direction);
            let rise = reach * (0.5 * reach * curvature - self.slope(&direction));
            if reach.is_finite() && rise <= self.rounding {
                self.advance(&direction, reach);
                return true;
            }
            direction.iter_mut().for_each(|d| *d = -*d);
        }
        let newton = self.slope(&direction) / curvature;
        if newton.is_finite() {
            if newton < 0.0 {
                direction.iter_mut().for_each(|d| *d = -*d);
            }
            let reach = self.reach(&direction);
            self.advance(&direction, newton.abs().min(reach));
        }
        false
    }

    /// How fast the objective falls in a direction, which is that of the first weights kept.
    fn slope(&self, direction: &[f64]) -> f64 {
        direction.iter().zip(&self.kept).map(|(d, &i)| d * self.descent[i]).sum()
    }

    /// The step at which the first weight is 0.
    fn reach(&self, direction: &[f64]) -> f64 {
        let to_zero = direction.iter().zip(&self.kept).map(|(&d, &i)| to_zero(self.weights[i], d));
        to_zero.fold(f64::INFINITY, f64::min)
    }

    fn advance(&mut self, direction: &[f64], step: f64) {
        let mut moved = vec![0.0; self.weights.len()];
        for (&d, &i) in direction.iter().zip(&self.kept) {
            let w = self.weights[i];
            let next = w + step * d;
            // Rounding may take it past 0 just before the step at which it is 0.
            self.weights[i] = if to_zero(w, d) <= step || next * w <= 0.0 { 0.0 } else { next };
            moved[i] = self.weights[i] - w;
        }
        let moved = Array1::from_vec(moved);
        for &i in &self.kept {
            self.descent[i] -= self.gram.row(i).dot(&moved);
        }
        self.kept.retain(|&i| self.weights[i] != 0.0);
    }
}

/// The step in direction d at which a weight is 0.
fn to_zero(w: f64, d: f64) -> f64 {
    if (w > 0.0) == (d > 0.0) || d == 0.0 { f64::INFINITY } else { -w / d }
}

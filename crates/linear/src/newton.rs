//! Newton's method on the groups that are not zero, where the objective is smooth.

use crate::group_problem::{GroupProblem, norm};
use crate::problem::Strengths;
use ndarray::{Array2, ArrayBase, Axis, Data, Ix2, s};
use std::ops::Range;

/// The part of the first residual to which a step's linear system is solved.
const ACCURACY: f64 = 1e-8;

/// A direction whose curvature is at most this part of what its columns have alone is taken to have none.
const FLAT: f64 = 1e-13;

/// A step that leaves at most this part of a group's norm ended at its kink.
const KINK: f64 = 1e-3;

/// How often an interval that holds the best step is halved.
const HALVINGS: usize = 60;

/// The active columns, group by group. Arrays are (columns, outputs).
struct Smooth {
    /// XᵀX + l2·I.
    gram: Array2<f64>,
    groups: Vec<Active>,
    weights: Array2<f64>,
}

/// An active group.
struct Active {
    rows: Range<usize>,
    /// l1·v.
    threshold: f64,
    /// Of its weights, now and before the step.
    norm: f64,
    before: f64,
}

/// Moves the weights of active groups to the minimum in the direction of Newton's step, makes groups zero that do as well
/// without weights or stand in the way, and says whether there was one, so that another step may be wanted. The objective
/// does not rise. `residual` is that of `weights`.
pub(crate) fn step(
    problem: &GroupProblem<'_>,
    Strengths { l1, l2 }: Strengths,
    weights: &mut Array2<f64>,
    residual: &Array2<f64>,
) -> bool {
    let (mut columns, mut groups) = (Vec::new(), Vec::new());
    for group in problem.active(weights) {
        let (members, first) = (&problem.groups.members()[group], columns.len());
        columns.extend_from_slice(members);
        let (rows, threshold) = (first..columns.len(), l1 * problem.groups.weights()[group]);
        let norm = norm(weights.select(Axis(0), members).view());
        groups.push(Active { rows, threshold, norm, before: norm });
    }
    let mut smooth =
        Smooth { gram: problem.design.gram(&columns, l2), groups, weights: weights.select(Axis(0), &columns) };
    let mut loss = problem.products(&columns, residual);
    loss.scaled_add(-l2, &smooth.weights);
    let fall = smooth.directions(&loss).iter().map(|direction| smooth.advance(&mut loss, direction)).sum();
    let dropped = smooth.drop_groups(loss, fall);
    columns.iter().zip(smooth.weights.rows()).for_each(|(&j, w)| weights.row_mut(j).assign(&w));
    dropped
}

impl Smooth {
    /// Minus the gradient of the objective, given that of the loss and the ℓ2 part.
    fn descent(&self, loss: &Array2<f64>) -> Array2<f64> {
        let mut descent = loss.clone();
        for Active { rows, threshold, norm, .. } in &self.groups {
            let w = self.weights.slice(s![rows.clone(), ..]);
            descent.slice_mut(s![rows.clone(), ..]).scaled_add(-threshold / norm, &w);
        }
        descent
    }

    /// Makes groups zero, one after the other, and says whether there was one: where the objective does not rise by it; and
    /// where the step, which lowered it by `fall`, ended at a group's kink, if half of that pays for it.
    fn drop_groups(&mut self, mut loss: Array2<f64>, fall: f64) -> bool {
        let (mut dropped, mut left) = (false, 0.5 * fall);
        for &Active { ref rows, threshold, before, .. } in &self.groups {
            let w = self.weights.slice(s![rows.clone(), ..]).to_owned();
            let without = self.gram.slice(s![.., rows.clone()]).dot(&w);
            let (own, pull, size) =
                (without.slice(s![rows.clone(), ..]), loss.slice(s![rows.clone(), ..]), norm(w.view()));
            let rise = dot(&w, &pull) + 0.5 * dot(&w, &own) - threshold * size;
            if rise <= 0.0 || (size <= KINK * before && rise <= left) {
                left -= rise.max(0.0);
                self.weights.slice_mut(s![rows.clone(), ..]).fill(0.0);
                loss += &without;
                dropped = true;
            }
        }
        dropped
    }

    /// The Hessian's product with p: (XᵀX + l2·I)p, and l1·v/‖w‖ (I − wwᵀ/‖w‖²)p of each group.
    fn hessian(&self, p: &Array2<f64>) -> Array2<f64> {
        let mut product = self.gram.dot(p);
        for Active { rows, threshold, norm, .. } in &self.groups {
            let (w, p) = (self.weights.slice(s![rows.clone(), ..]), p.slice(s![rows.clone(), ..]));
            let along = dot(&w, &p) / norm / norm;
            let mut of_group = product.slice_mut(s![rows.clone(), ..]);
            of_group.scaled_add(threshold / norm, &p);
            of_group.scaled_add(-threshold / norm * along, &w);
        }
        product
    }

    /// A diagonal that the Hessian is at most a few times: its own, but for the part along w.
    fn diagonal(&self) -> Array2<f64> {
        let mut diagonal = Array2::zeros(self.weights.dim());
        for Active { rows, threshold, norm, .. } in &self.groups {
            for row in rows.clone() {
                diagonal.row_mut(row).fill(self.gram[(row, row)] + threshold / norm);
            }
        }
        diagonal
    }

    /// The Hessian's inverse times the descent, by conjugate gradients: any part of the way is downhill. Where it ends in a
    /// flat direction, that one too: a group becomes 0 in it sooner or later.
    fn directions(&self, loss: &Array2<f64>) -> Vec<Array2<f64>> {
        let diagonal = self.diagonal();
        let mut direction = Array2::zeros(loss.dim());
        let mut rest = self.descent(loss);
        let mut p = &rest / &diagonal;
        let mut square = dot(&rest, &p);
        let enough = ACCURACY * ACCURACY * square;
        for _ in 0..2 * rest.len() {
            let product = self.hessian(&p);
            let curvature = dot(&p, &product);
            if curvature <= FLAT * dot(&p, &(&diagonal * &p)) {
                return vec![direction, p];
            }
            direction.scaled_add(square / curvature, &p);
            rest.scaled_add(-square / curvature, &product);
            let scaled = &rest / &diagonal;
            let next = dot(&rest, &scaled);
            if next <= enough {
                break;
            }
            p *= next / square;
            p += &scaled;
            square = next;
        }
        vec![direction]
    }

    /// Moves to where the objective is least in a direction, and says by how much it fell.
    fn advance(&mut self, loss: &mut Array2<f64>, direction: &Array2<f64>) -> f64 {
        let (length, fall) = self.length(loss, direction);
        self.weights.scaled_add(length, direction);
        loss.scaled_add(-length, &self.gram.dot(direction));
        for Active { rows, norm: size, .. } in &mut self.groups {
            *size = norm(self.weights.slice(s![rows.clone(), ..]));
        }
        fall
    }

    /// The step at which the objective is least in a direction, and by how much it is lower there.
    fn length(&self, loss: &Array2<f64>, direction: &Array2<f64>) -> (f64, f64) {
        let (fall, curvature) = (dot(loss, direction), dot(direction, &self.gram.dot(direction)));
        let of_group = |&Active { ref rows, threshold, norm, .. }: &Active| {
            let (w, d) = (self.weights.slice(s![rows.clone(), ..]), direction.slice(s![rows.clone(), ..]));
            Along { threshold, norm, along: dot(&w, &d), square: dot(&d, &d) }
        };
        let groups: Vec<Along> = self.groups.iter().map(of_group).collect();
        let slope = |t: f64| t * curvature - fall + groups.iter().map(|group| group.slope(t)).sum::<f64>();
        let (mut low, mut high) = (0.0, 1.0);
        while slope(high) < 0.0 && high < 1.0 / f64::EPSILON {
            (low, high) = (high, 2.0 * high);
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if slope(middle) < 0.0 { low = middle } else { high = middle }
        }
        (low, low * (fall - 0.5 * low * curvature) - groups.iter().map(|group| group.rise(low)).sum::<f64>())
    }
}

/// A group's norm in a direction d: ‖w + td‖² = ‖w‖² + 2t w·d + t²‖d‖².
struct Along {
    threshold: f64,
    norm: f64,
    along: f64,
    square: f64,
}

impl Along {
    fn at(&self, t: f64) -> f64 {
        (self.norm * self.norm + t * (2.0 * self.along + t * self.square)).max(0.0).sqrt()
    }

    /// The derivative of the norm, times the threshold.
    fn slope(&self, t: f64) -> f64 {
        let norm = self.at(t);
        if norm == 0.0 { 0.0 } else { self.threshold * (self.along + t * self.square) / norm }
    }

    /// By how much the norm is larger, times the threshold, without the cancellation.
    fn rise(&self, t: f64) -> f64 {
        let norms = self.norm + self.at(t);
        if norms == 0.0 { 0.0 } else { self.threshold * t * (2.0 * self.along + t * self.square) / norms }
    }
}

fn dot<A: Data<Elem = f64>, B: Data<Elem = f64>>(a: &ArrayBase<A, Ix2>, b: &ArrayBase<B, Ix2>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

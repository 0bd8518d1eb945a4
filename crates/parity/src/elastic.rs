//! `elastic` files: elastic nets at several strengths, and ridges, of one linear model.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::tensor::{Tensor, not_empty, same_length};
use serde::Deserialize;
use serde_json::Value;
use wane_autodiff::ndarray::{Array1, Array2, ArrayView1, Ix2};
use wane_linear::{ElasticNetOptions, Fit, elastic_net, ridge};

#[derive(Debug, Deserialize)]
struct Problem {
    x: Tensor,
    y: Vec<f64>,
    fits: Vec<ElasticNet>,
    ridge: Vec<Ridge>,
}

#[derive(Debug, Deserialize)]
struct ElasticNet {
    alpha: f64,
    l1_ratio: f64,
    coef: Vec<f64>,
    intercept: f64,
    support: Vec<usize>,
    objective: f64,
}

#[derive(Debug, Deserialize)]
struct Ridge {
    alpha: f64,
    coef: Vec<f64>,
    intercept: f64,
    effective_degrees_of_freedom: f64,
}

const COEFFICIENT: Tolerance = Tolerance { relative: 0.0, absolute: 1e-6 };
const OBJECTIVE: Tolerance = Tolerance { relative: 0.0, absolute: 1e-9 };
/// Of the duality gap, computed here from its definition, over ‖y − ȳ‖²/n.
const GAP: Tolerance = Tolerance { relative: 0.0, absolute: 1e-10 };
const SAME: Tolerance = Tolerance { relative: 0.0, absolute: 0.0 };

/// The objective of scikit-learn's `ElasticNet` minus its dual at the residual r, which adds up to 0: in sums over rows
/// r·y − ½‖r‖² − Σ (|x_j·r| − l1)₊²/(2·l2), and without an ℓ2 part that of as much of r as has |x_j·r| ≤ l1.
fn duality_gap(x: &Array2<f64>, y: &Array1<f64>, fit: &Fit, &ElasticNet { alpha, l1_ratio, .. }: &ElasticNet) -> f64 {
    let n = y.len() as f64;
    let (l1, l2) = (n * alpha * l1_ratio, n * alpha * (1.0 - l1_ratio));
    let w = &fit.weights;
    let r = y - &x.dot(w) - fit.intercept;
    let primal = 0.5 * r.dot(&r) + l1 * w.mapv(f64::abs).sum() + 0.5 * l2 * w.dot(w);
    let pulls = x.t().dot(&r).mapv(f64::abs);
    let largest = pulls.iter().copied().fold(0.0, f64::max);
    let part = if l2 == 0.0 && largest > l1 { l1 / largest } else { 1.0 };
    let excess = |pull: &f64| if l2 > 0.0 { (pull - l1).max(0.0).powi(2) / (2.0 * l2) } else { 0.0 };
    let dual = part * r.dot(y) - 0.5 * part * part * r.dot(&r) - pulls.iter().map(excess).sum::<f64>();
    (primal - dual) / n
}

pub(crate) fn replay(file: Value) -> Result<Difference, Failure> {
    let Problem { x, y, fits, ridge: ridges } = serde_json::from_value(file)?;
    not_empty("fits", &fits)?;
    let x = match x.array::<f64>()?.into_dimensionality::<Ix2>() {
        Ok(x) => x,
        Err(_) => return Err(format!("x has shape {:?}, wanted (rows, columns)", x.shape).into()),
    };
    let y = Array1::from_vec(y);
    let mut difference = Difference::new(COEFFICIENT);
    let coefficients = |difference: &mut Difference, got: ArrayView1<'_, f64>, reference: &[f64]| {
        same_length("coef", got.len(), reference.len())?;
        difference.add_all(got.iter().copied(), reference);
        Ok::<_, Failure>(())
    };
    for reference in &fits {
        let &ElasticNet { alpha, l1_ratio, .. } = reference;
        let fit = elastic_net(x.view(), y.view(), &ElasticNetOptions { alpha, l1_ratio, ..Default::default() })?;
        coefficients(&mut difference, fit.weights.view(), &reference.coef)?;
        difference.add(fit.intercept, reference.intercept);
        difference.add_within(fit.certificate.objective, reference.objective, OBJECTIVE);
        difference.add_within(duality_gap(&x, &y, &fit, reference) / y.var(0.0), 0.0, GAP);
        for column in 0..x.ncols() {
            let is_in = |support: &[usize]| f64::from(u8::from(support.contains(&column)));
            difference.add_within(is_in(&fit.support()), is_in(&reference.support), SAME);
        }
    }
    for reference in &ridges {
        let fit = ridge(x.view(), y.view(), reference.alpha)?;
        coefficients(&mut difference, fit.weights.view(), &reference.coef)?;
        difference.add(fit.intercept, reference.intercept);
        difference.add_within(fit.degrees_of_freedom, reference.effective_degrees_of_freedom, OBJECTIVE);
    }
    Ok(difference)
}

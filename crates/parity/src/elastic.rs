//! `elastic` files: elastic nets at several strengths, and ridges, of one linear model.

use crate::Failure;
use crate::compare::{Difference, Tolerance};
use crate::tensor::{Tensor, not_empty, same_length};
use serde::Deserialize;
use serde_json::Value;
use wane_autodiff::ndarray::{Array1, ArrayView1, Ix2};
use wane_linear::{ElasticNetOptions, elastic_net, ridge};

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
/// Of the duality gap over ‖y − ȳ‖²/n.
const GAP: Tolerance = Tolerance { relative: 0.0, absolute: 1e-10 };
const SAME: Tolerance = Tolerance { relative: 0.0, absolute: 0.0 };

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
        difference.add_within(fit.certificate.gap / y.var(0.0), 0.0, GAP);
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

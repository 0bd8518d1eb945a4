//! Proximal operators: each is the minimum that defines it, in whatever metric, and its zeros are +0.

mod edges;
mod hier;
mod laws;
mod numbers;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy};
use wane_autodiff::{Float, Shape};
use wane_penalties::{Bounds, ElasticNet, GroupLasso, L0, L1, L2, MaxNorm, NonNegative, Prox, SparseGroupLasso, Step};

fn shape(dims: &[usize]) -> Shape {
    Shape::from_dims(dims).unwrap()
}

/// prox(v), `v` being a matrix of `columns` columns.
fn prox<T: Float, P: Prox<T> + ?Sized>(operator: &P, v: &[T], columns: usize, step: Step<'_, T>) -> Vec<T> {
    let mut w = v.to_vec();
    operator.apply(&mut w, shape(&[v.len() / columns, columns]), step);
    w
}

/// A matrix, another one, and a step for each weight.
#[derive(Clone, Debug)]
struct Case {
    columns: usize,
    v: Vec<f64>,
    u: Vec<f64>,
    s: Vec<f64>,
}

impl Case {
    fn prox<P: Prox<f64> + ?Sized>(&self, operator: &P, v: &[f64]) -> Vec<f64> {
        prox(operator, v, self.columns, Step::Each(&self.s))
    }

    /// Σ (xᵢ − vᵢ)²/(2sᵢ) + h(x).
    fn objective<P: Prox<f64> + ?Sized>(&self, operator: &P, x: &[f64]) -> f64 {
        let half_square = self.product(x, &self.v, x, &self.v) / 2.0;
        half_square + operator.value(x, shape(&[x.len() / self.columns, self.columns]))
    }

    /// Σ (aᵢ − bᵢ)(cᵢ − dᵢ)/sᵢ.
    fn product(&self, a: &[f64], b: &[f64], c: &[f64], d: &[f64]) -> f64 {
        let of = |i: usize| (a[i] - b[i]) * (c[i] - d[i]) / self.s[i];
        (0..a.len()).map(of).sum()
    }
}

/// Up to 5 × 20, so that columns come in more than one block, with steps that differ by a factor of up to 100.
fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1..6_usize, 1..21_usize);
    sizes.prop_flat_map(|(rows, columns)| {
        let weights = || vec(-3.0..3.0_f64, rows * columns);
        let steps = vec((-2.0..0.3_f64).prop_map(|log| 10.0_f64.powf(log)), rows * columns);
        let case = (Just(columns), weights(), weights(), steps);
        case.prop_map(|(columns, v, u, s)| Case { columns, v, u, s })
    })
}

type Operator = Box<dyn Prox<f64>>;

/// The convex ones.
fn convex(a: f64, b: f64) -> Vec<Operator> {
    let mut all = groups(a, b);
    all.extend([
        Box::new(L1::new(a).unwrap()) as Operator,
        Box::new(L2::new(a).unwrap()),
        Box::new(ElasticNet::new(a, b).unwrap()),
        Box::new(NonNegative::new()),
        Box::new(NonNegative::with_l1(a).unwrap()),
        Box::new(Bounds::new(-a, b).unwrap()),
        Box::new(Bounds::within(a).unwrap()),
    ]);
    all
}

/// Those of groups.
fn groups(a: f64, b: f64) -> Vec<Operator> {
    let (rows, columns) = (GroupLasso::rows(a).unwrap(), GroupLasso::columns(a).unwrap());
    vec![
        Box::new(rows),
        Box::new(columns),
        Box::new(rows.unweighted()),
        Box::new(columns.unweighted()),
        Box::new(SparseGroupLasso::new(b, rows).unwrap()),
        Box::new(SparseGroupLasso::new(b, columns.unweighted()).unwrap()),
        Box::new(MaxNorm::rows(a).unwrap()),
        Box::new(MaxNorm::columns(a).unwrap()),
        Box::new(MaxNorm::whole(a).unwrap()),
    ]
}

fn all(a: f64, b: f64) -> Vec<Operator> {
    let mut all = convex(a, b);
    all.push(Box::new(L0::new(a).unwrap()));
    all
}

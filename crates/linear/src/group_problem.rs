use crate::certificate::{Conditions, Part, Subject};
use crate::design::{Design, centre};
use crate::groups::Groups;
use crate::problem::{Strengths, target_square};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use wane_autodiff::Error;

/// Checked data with several outputs and grouped columns, centred if there is an intercept.
#[derive(Debug)]
pub(crate) struct GroupProblem<'a> {
    pub(crate) design: Design,
    pub(crate) groups: &'a Groups,
    /// (outputs, rows): each output contiguous.
    y: Array2<f64>,
    /// ‖Y‖².
    pub(crate) y_square: f64,
    y_mean: Array1<f64>,
    /// ‖X_g‖² of each group, or more.
    squares: Vec<f64>,
}

impl<'a> GroupProblem<'a> {
    /// x: (rows, columns), y: (rows, outputs).
    pub(crate) fn new(
        x: ArrayView2<'_, f64>,
        y: ArrayView2<'_, f64>,
        groups: &'a Groups,
        fit_intercept: bool,
    ) -> Result<Self, Error> {
        let design = Design::new(x, y.into_dyn(), fit_intercept)?;
        groups.check(x.ncols())?;
        let mut y = y.t().as_standard_layout().into_owned();
        let mut y_mean = Array1::zeros(y.nrows());
        if fit_intercept {
            y_mean = y.rows_mut().into_iter().map(centre).collect();
        }
        let y_square = target_square(y.view().into_dyn())?;
        let squares = groups.members().iter().map(|members| square_norm(&design, members)).collect();
        Ok(Self { design, groups, y, y_square, y_mean, squares })
    }

    pub(crate) fn outputs(&self) -> usize {
        self.y.nrows()
    }

    pub(crate) fn output(&self, output: usize) -> Array1<f64> {
        self.y.row(output).to_owned()
    }

    /// Y − XW, (outputs, rows), of weights (columns, outputs).
    pub(crate) fn residual(&self, weights: &Array2<f64>) -> Array2<f64> {
        let mut residual = self.y.clone();
        for (column, of_column) in self.design.x.rows().into_iter().zip(weights.rows()) {
            for (mut r, &w) in residual.rows_mut().into_iter().zip(of_column) {
                if w != 0.0 {
                    r.scaled_add(-w, &column);
                }
            }
        }
        residual
    }

    /// XᵀR over some columns, (columns, outputs).
    pub(crate) fn products(&self, columns: &[usize], residual: &Array2<f64>) -> Array2<f64> {
        Array2::from_shape_fn((columns.len(), self.outputs()), |(i, output)| {
            self.design.x.row(columns[i]).dot(&residual.row(output))
        })
    }

    /// The intercepts that are best beside the weights, (outputs,).
    pub(crate) fn intercept(&self, weights: &Array2<f64>) -> Array1<f64> {
        &self.y_mean - &self.design.mean.dot(weights)
    }

    /// Which groups' weights are not all 0.
    pub(crate) fn active(&self, weights: &Array2<f64>) -> Vec<usize> {
        let is_active =
            |&group: &usize| self.groups.members()[group].iter().any(|&j| weights.row(j).iter().any(|&w| w != 0.0));
        (0..self.groups.members().len()).filter(is_active).collect()
    }

    /// The smallest alpha at which all weights are 0: max ‖X_gᵀY‖/v_g, over n·l1_ratio, rounded up.
    pub(crate) fn lambda_max(&self, l1_ratio: f64) -> f64 {
        let pulls: Vec<f64> =
            self.groups.members().iter().map(|members| norm(self.products(members, &self.y).view())).collect();
        let weighted = || pulls.iter().zip(self.groups.weights());
        let largest = weighted().map(|(pull, v)| pull / v).fold(0.0, f64::max);
        self.design.alpha_of(largest, l1_ratio, |l1| weighted().all(|(&pull, v)| pull <= l1 * v))
    }

    /// Each group in turn to the least of a bound on the objective that is exact for a column by itself: with L = ‖X_g‖² and
    /// z = X_gᵀR + L·W_g, it is z·max(0, 1 − l1·v/‖z‖)/(L + l2).
    pub(crate) fn sweep(&self, Strengths { l1, l2 }: Strengths, weights: &mut Array2<f64>, residual: &mut Array2<f64>) {
        for ((members, v), &square) in self.groups.members().iter().zip(self.groups.weights()).zip(&self.squares) {
            let old = weights.select(Axis(0), members);
            let mut next = self.products(members, residual);
            next.scaled_add(square, &old);
            let (size, threshold) = (norm(next.view()), l1 * v);
            let factor =
                if size <= threshold || square == 0.0 { 0.0 } else { (1.0 - threshold / size) / (square + l2) };
            // A zero is +0.
            next.mapv_inplace(|z| z * factor + 0.0);
            for (&j, (old, next)) in members.iter().zip(old.rows().into_iter().zip(next.rows())) {
                for (mut r, (&old, &next)) in residual.rows_mut().into_iter().zip(old.iter().zip(next)) {
                    if next != old {
                        r.scaled_add(old - next, &self.design.x.row(j));
                    }
                }
                weights.row_mut(j).assign(&next);
            }
        }
    }

    /// The optimality conditions of weights, with their residual.
    pub(crate) fn conditions(
        &self,
        strengths: Strengths,
        weights: &Array2<f64>,
        residual: &Array2<f64>,
    ) -> Conditions<'_> {
        let Strengths { l1, l2 } = strengths;
        let part = |((members, v), &square): ((&Vec<usize>, &f64), &f64)| {
            let w = weights.select(Axis(0), members);
            let mut q = self.products(members, residual);
            q.scaled_add(-l2, &w);
            let (size, pull, threshold) = (norm(w.view()), norm(q.view()), l1 * v);
            let along = (&w * &q).sum();
            let violation =
                if size == 0.0 { (pull - threshold).max(0.0) } else { norm((&q - &(&w / size * threshold)).view()) };
            Part { threshold, norm: size, pull, along, violation, square }
        };
        let groups = self.groups.members().iter().zip(self.groups.weights());
        let parts = groups.zip(&self.squares).map(part).collect();
        let (design, y_square) = (&self.design, self.y_square);
        let subject = Subject { design, y_square, strengths, members: Some(self.groups.members()) };
        Conditions::new(subject, parts, residual.view(), weights.iter().map(|w| l2 * w * w).sum())
    }
}

/// ‖X_g‖², or more: what rows of X_gᵀX_g add up to bounds its largest eigenvalue, and so do its eigenvalues' sum.
fn square_norm(design: &Design, members: &[usize]) -> f64 {
    let trace: f64 = members.iter().map(|&j| design.squares[j]).sum();
    if members.len() == 1 {
        return trace;
    }
    let gram = design.gram(members, 0.0);
    let by_rows = gram.rows().into_iter().map(|row| row.iter().map(|g| g.abs()).sum()).fold(0.0, f64::max);
    trace.min(by_rows)
}

/// √Σ z², of any scale.
pub(crate) fn norm(values: ArrayView2<'_, f64>) -> f64 {
    let largest = values.iter().fold(0.0, |largest: f64, z| largest.max(z.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    values.iter().map(|z| z / largest).map(|z| z * z).sum::<f64>().sqrt() * largest
}

use crate::{Graph, Params, Tape, Var};
use std::fmt;

/// The step of the central differences: the cube root of f64's rounding error.
const STEP: f64 = 6e-6;

const TOLERANCE: f64 = 1e-6;

/// What [`gradcheck`] found where it agreed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GradCheck {
    /// How many derivatives were compared.
    pub checked: usize,
    /// The largest |Δ| / max(1, |g|, |f|).
    pub worst: f64,
}

/// The entry at which the tape and the central differences disagree most.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GradCheckError {
    /// The parameter's name.
    pub param: String,
    /// The index along each axis.
    pub position: Vec<usize>,
    /// The tape's derivative; 0 where it has none.
    pub tape: f64,
    /// The central difference.
    pub numeric: f64,
    /// The value of the function.
    pub value: f64,
}

impl GradCheckError {
    /// |Δ| / max(1, |g|, |f|); a NaN anywhere is worse than every number.
    fn error(&self) -> f64 {
        let scale = 1.0_f64.max(self.tape.abs()).max(self.value.abs());
        let error = (self.tape - self.numeric).abs() / scale;
        if error.is_nan() { f64::INFINITY } else { error }
    }
}

/// Compares the tape's gradient of a scalar function of all `params` with central differences in f64, one entry at a
/// time: |Δ| ≤ 1e-6·max(1, |g|, |f|), where g is the tape's derivative and f the function's value.
///
/// Keep the values away from kinks by more than 1e-4. To check an input's gradient, make it a parameter.
///
/// ```
/// use wane_autodiff::{Params, gradcheck, ndarray::array};
///
/// let mut params = Params::new();
/// let w = params.root().add("w", &array![0.3, -0.7])?;
/// let report = gradcheck(&params, |graph| graph.param(w).tanh().square().sum())?;
/// assert_eq!(report.checked, 2);
///
/// // `detach` hides half of the product rule, and is found out:
/// let error = gradcheck(&params, |graph| (graph.param(w) * graph.param(w).detach()).sum()).unwrap_err();
/// assert_eq!(error.param, "w");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The worst entry, if it is out of tolerance or not a number.
///
/// # Panics
/// A function whose value is not a scalar.
pub fn gradcheck(
    params: &Params<f64>,
    f: impl for<'g> Fn(Graph<'g, f64>) -> Var<'g, f64>,
) -> Result<GradCheck, GradCheckError> {
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let root = f(tape.record(params));
    root.backward(&mut grads);
    let value = root.item();

    let mut moved = params.clone();
    let mut at = |index: usize, x: f64| {
        moved.as_mut_slice()[index] = x;
        let value = f(tape.record(&moved)).item();
        moved.as_mut_slice()[index] = params.as_slice()[index];
        value
    };
    let mut worst: Option<GradCheckError> = None;
    let mut checked = 0;
    for param in params.iter().filter(|param| !param.frozen) {
        let start = params.layout().find(param.id).expect("its own parameter").start;
        for (i, &x) in param.values.iter().enumerate() {
            let step = STEP * x.abs().max(1.0);
            let (above, below) = (x + step, x - step);
            let numeric = (at(start + i, above) - at(start + i, below)) / (above - below);
            let (tape, position) = (grads.as_slice()[start + i], param.shape.position(i));
            let entry = GradCheckError { param: param.name.to_owned(), position, tape, numeric, value };
            checked += 1;
            if worst.as_ref().is_none_or(|worst| entry.error() > worst.error()) {
                worst = Some(entry);
            }
        }
    }
    match worst {
        Some(worst) if worst.error() > TOLERANCE => Err(worst),
        worst => Ok(GradCheck { checked, worst: worst.map_or(0.0, |worst| worst.error()) }),
    }
}

impl fmt::Display for GradCheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { param, position, tape, numeric, .. } = self;
        write!(f, "gradient of {param:?} at {position:?}: the tape says {tape}, central differences {numeric}")
    }
}

impl std::error::Error for GradCheckError {}

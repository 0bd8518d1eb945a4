//! What every search for a solution shares: when it ends, and what it says if it ends without one.

use crate::certificate::{Certificate, Conditions};
use wane_autodiff::{Error, non_negative, number};

/// A round that takes at most this part of ‖y‖² off the objective makes no progress by it.
const NOTHING: f64 = 1e-14;

/// After so many rounds without progress what is left is rounding.
const PATIENCE: usize = 10;

/// The options that say when a search ends, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    tol: f64,
    max_iterations: usize,
}

impl Limits {
    pub(crate) fn new(tol: f64, max_iterations: usize) -> Result<Self, Error> {
        non_negative("tol", tol)?;
        if max_iterations == 0 {
            return Err(Error::option("max_iterations", 0, "at least 1"));
        }
        Ok(Self { tol, max_iterations })
    }

    /// The certificate of a solution in closed form.
    ///
    /// # Errors
    /// A gap above the tolerance.
    pub(crate) fn closed(self, conditions: &Conditions<'_>) -> Result<Certificate, Error> {
        if conditions.is_near(self.tol) { Ok(conditions.certificate()) } else { Err(self.rounding(conditions)) }
    }

    /// Makes rounds, each of which says how well the conditions are met after it, until they are, or as well as rounding
    /// lets them be. Gives the certificate, and how many rounds there were.
    ///
    /// # Errors
    /// A gap above the tolerance when rounds are used up, or make no progress any more.
    pub(crate) fn search<'a>(self, mut round: impl FnMut() -> Conditions<'a>) -> Result<(Certificate, usize), Error> {
        let (mut objective, mut gap, mut stale) = (f64::INFINITY, f64::INFINITY, 0);
        let mut iterations = 0;
        loop {
            iterations += 1;
            let conditions = round();
            let falls = conditions.objective() < objective - NOTHING * conditions.y_square();
            stale = if falls || conditions.gap() < 0.5 * gap { 0 } else { stale + 1 };
            objective = objective.min(conditions.objective());
            gap = gap.min(conditions.gap());
            let is_last = stale == PATIENCE || iterations == self.max_iterations;
            if conditions.are_met(self.tol) || (is_last && conditions.is_near(self.tol)) {
                return Ok((conditions.certificate(), iterations));
            }
            if stale == PATIENCE {
                return Err(self.rounding(&conditions));
            }
            if is_last {
                let tol = number(self.tol);
                let expected = format!("more for a tol of {tol}, or a larger tol: {}", reached(&conditions));
                return Err(Error::option("max_iterations", iterations, expected));
            }
        }
    }

    fn rounding(self, conditions: &Conditions<'_>) -> Error {
        let expected = format!("more than rounding leaves here: {}", reached(conditions));
        Error::option("tol", number(self.tol), expected)
    }
}

fn reached(conditions: &Conditions<'_>) -> String {
    let gap = number(conditions.gap() / conditions.y_square());
    let violation = number(conditions.certificate().kkt_violation);
    format!("the duality gap is {gap} of ‖y‖²/n, and the optimality conditions are violated by {violation}")
}

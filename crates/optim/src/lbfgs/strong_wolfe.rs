use super::line::{Halt, Line, Point};
use super::vector::max_abs;
use wane_autodiff::{Error, Float, Grads, Params};

/// How much of the decrease that the first slope promises is enough.
const C1: f64 = 1e-4;
/// How much of the first slope may be left.
const C2: f64 = 0.9;

/// The three points that a search juggles, kept so that their gradients are not allocated anew.
#[derive(Clone, Debug)]
pub(super) struct Search<T> {
    /// Two points with a minimum between them, once [`bracket`](Search::bracket) is through.
    bracket: [Point<T>; 2],
    trial: Point<T>,
}

/// How bracketing ended.
enum Bracketing {
    /// The trial point meets both conditions.
    Met,
    /// The bracket holds points that do.
    Bracketed,
    /// The evaluations are used up.
    Exhausted,
}

impl<T: Float> Search<T> {
    pub(super) fn new() -> Self {
        Self { bracket: [Point::new(), Point::new()], trial: Point::new() }
    }

    /// The point of the line at which the strong Wolfe conditions hold,
    ///
    /// - loss(t) ≤ loss(0) + c₁·t·slope(0)
    /// - |slope(t)| ≤ c₂·|slope(0)|
    ///
    /// or the lowest of the bracket where `budget` evaluations after the first did not find it, or where the bracket
    /// has become too small to move a weight by `tolerance`. The search begins at `t`, and `start` is its point 0.
    /// The rules are those of PyTorch's `_strong_wolfe`, which are minFunc's (Schmidt 2005).
    pub(super) fn run<F>(
        &mut self,
        line: &mut Line<'_, '_, T, F>,
        start: &Point<T>,
        t: f64,
        tolerance: f64,
        budget: usize,
    ) -> Result<&mut Point<T>, Halt>
    where
        F: FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>,
    {
        line.at(t, &mut self.trial)?;
        let mut used = 0;
        let low = match self.bracket(line, start, budget, &mut used)? {
            Bracketing::Met => return Ok(&mut self.trial),
            Bracketing::Bracketed => self.zoom(line, start, tolerance, budget - used)?,
            Bracketing::Exhausted if start.loss <= self.trial.loss => {
                self.bracket[0].copy(start);
                0
            }
            Bracketing::Exhausted => return Ok(&mut self.trial),
        };
        Ok(&mut self.bracket[low])
    }

    /// Goes on from the trial point, further each time, until a minimum must lie behind.
    fn bracket<F>(
        &mut self,
        line: &mut Line<'_, '_, T, F>,
        start: &Point<T>,
        budget: usize,
        used: &mut usize,
    ) -> Result<Bracketing, Halt>
    where
        F: FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>,
    {
        let Self { bracket: [before, beyond], trial } = self;
        before.copy(start);
        while *used < budget {
            let too_high = trial.loss > start.loss + C1 * trial.t * start.slope;
            if too_high || (*used > 1 && trial.loss >= before.loss) {
                std::mem::swap(beyond, trial);
                return Ok(Bracketing::Bracketed);
            }
            if trial.slope.abs() <= -C2 * start.slope {
                return Ok(Bracketing::Met);
            }
            if trial.slope >= 0.0 {
                std::mem::swap(beyond, trial);
                return Ok(Bracketing::Bracketed);
            }
            let bounds = (trial.t + 0.01 * (trial.t - before.t), trial.t * 10.0);
            let t = cubic_minimum(before, trial, bounds);
            std::mem::swap(before, trial);
            line.at(t, trial)?;
            *used += 1;
        }
        Ok(Bracketing::Exhausted)
    }

    /// Shrinks the bracket around the minimum of a cubic; which of its ends is the lowest.
    fn zoom<F>(
        &mut self,
        line: &mut Line<'_, '_, T, F>,
        start: &Point<T>,
        tolerance: f64,
        budget: usize,
    ) -> Result<usize, Halt>
    where
        F: FnMut(&Params<T>, &mut Grads<T>) -> Result<T, Error>,
    {
        let Self { bracket, trial } = self;
        let longest = max_abs(line.d);
        let lower = |bracket: &[Point<T>; 2]| usize::from(bracket[0].loss > bracket[1].loss);
        let mut low = lower(bracket);
        let mut near_an_end = false;
        for _ in 0..budget {
            let (left, right) = ends(bracket);
            if (right - left) * longest < tolerance {
                break;
            }
            let t = inside(cubic_minimum(&bracket[0], &bracket[1], (left, right)), left, right, &mut near_an_end);
            line.at(t, trial)?;
            if trial.loss > start.loss + C1 * t * start.slope || trial.loss >= bracket[low].loss {
                std::mem::swap(&mut bracket[1 - low], trial);
                low = lower(bracket);
                continue;
            }
            let met = trial.slope.abs() <= -C2 * start.slope;
            if !met && trial.slope * (bracket[1 - low].t - bracket[low].t) >= 0.0 {
                bracket.swap(0, 1);
            }
            std::mem::swap(&mut bracket[low], trial);
            if met {
                break;
            }
        }
        Ok(low)
    }
}

fn ends<T>([a, b]: &[Point<T>; 2]) -> (f64, f64) {
    if a.t <= b.t { (a.t, b.t) } else { (b.t, a.t) }
}

/// Moves a `t` within a tenth of either end to that tenth, if it lies on the end or if the last one was as near: such a
/// bracket would hardly shrink.
fn inside(t: f64, left: f64, right: f64, near_an_end: &mut bool) -> f64 {
    let tenth = 0.1 * (right - left);
    let is_near = (right - t).min(t - left) < tenth;
    let move_it = is_near && (*near_an_end || t >= right || t <= left);
    *near_an_end = is_near && !move_it;
    match move_it {
        true if (t - right).abs() < (t - left).abs() => right - tenth,
        true => left + tenth,
        false => t,
    }
}

/// Where the cubic through both points with their slopes has its minimum, kept within `bounds` (Nocedal and Wright 2006,
/// equation 3.59); their middle where it has none.
fn cubic_minimum<T>(a: &Point<T>, b: &Point<T>, (least, most): (f64, f64)) -> f64 {
    let (a, b) = if a.t <= b.t { (a, b) } else { (b, a) };
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.t - b.t);
    let square = d1 * d1 - a.slope * b.slope;
    let d2 = square.sqrt();
    let t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2));
    // A root of a negative number, and 0/0 where the cubic is a straight line: both are NaN.
    if t.is_nan() { (least + most) / 2.0 } else { t.max(least).min(most) }
}

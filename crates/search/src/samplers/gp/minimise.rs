use ndarray::{Array1, Array2, s};

/// How often the inverse Hessian is updated at most.
const ITERATIONS: usize = 200;
/// A decrease relative to the function below which there is nothing left to win.
const DECREASE: f64 = 1e-12;

/// A local minimum of `function` within bounds, from `start`, and its value: BFGS on the coordinates that no bound stops,
/// with steps that bend along the bounds (Bertsekas, 1982). It ends where the projected gradient is at most `tolerance`.
///
/// `function` gives its value and writes its gradient; infinity turns a step back.
pub(super) fn minimise(
    mut function: impl FnMut(&Array1<f64>, &mut Array1<f64>) -> f64,
    start: Array1<f64>,
    bounds: &[(f64, f64)],
    tolerance: f64,
) -> (Array1<f64>, f64) {
    let n = start.len();
    let (mut x, mut gradient, mut next_gradient) = (start, Array1::zeros(n), Array1::zeros(n));
    let mut value = function(&x, &mut gradient);
    let mut inverse: Option<Array2<f64>> = None;
    for _ in 0..ITERATIONS {
        let projected = |i: usize| (x[i] - gradient[i]).clamp(bounds[i].0, bounds[i].1) - x[i];
        if (0..n).all(|i| projected(i).abs() <= tolerance) {
            break;
        }
        let direction = direction(&gradient, inverse.as_ref(), |i| projected(i) != 0.0);
        let mut length = 1.0;
        let accepted = loop {
            let mut next = &x + &(&direction * length);
            next.iter_mut().zip(bounds).for_each(|(x, &(low, high))| *x = x.clamp(low, high));
            let step = &next - &x;
            let next_value = function(&next, &mut next_gradient);
            if next_value <= value + 1e-4 * gradient.dot(&step) && next_value.is_finite() {
                break Some((next, step, next_value));
            }
            length *= 0.5;
            if length < 1e-9 {
                break None;
            }
        };
        match accepted {
            Some((next, step, next_value)) => {
                update(&mut inverse, &step, &(&next_gradient - &gradient));
                let decrease = value - next_value;
                (x, value) = (next, next_value);
                std::mem::swap(&mut gradient, &mut next_gradient);
                if decrease <= DECREASE * value.abs().max(1.0) {
                    break;
                }
            }
            None if inverse.is_some() => inverse = None,
            None => break,
        }
    }
    (x, value)
}

/// Downhill; without an inverse Hessian, by at most the length 1.
fn direction(gradient: &Array1<f64>, inverse: Option<&Array2<f64>>, is_free: impl Fn(usize) -> bool) -> Array1<f64> {
    let mut free = gradient.clone();
    free.iter_mut().enumerate().filter(|(i, _)| !is_free(*i)).for_each(|(_, g)| *g = 0.0);
    let Some(inverse) = inverse else { return &free * (-1.0 / free.dot(&free).sqrt().max(1.0)) };
    let mut direction = -inverse.dot(&free);
    direction.iter_mut().enumerate().filter(|(i, _)| !is_free(*i)).for_each(|(_, d)| *d = 0.0);
    direction
}

/// BFGS: H ← (I − ρsyᵀ)H(I − ρysᵀ) + ρssᵀ with ρ = 1/sᵀy, where the function curves upwards.
fn update(inverse: &mut Option<Array2<f64>>, step: &Array1<f64>, y: &Array1<f64>) {
    let curvature = step.dot(y);
    if curvature <= 1e-10 * (step.dot(step) * y.dot(y)).sqrt() {
        return;
    }
    let h = inverse.get_or_insert_with(|| Array2::eye(y.len()) * (curvature / y.dot(y)));
    let hy = h.dot(y);
    let square = (1.0 + y.dot(&hy) / curvature) / curvature;
    for i in 0..y.len() {
        let mut row = h.slice_mut(s![i, ..]);
        row.scaled_add(-step[i] / curvature, &hy);
        row.scaled_add(square * step[i] - hy[i] / curvature, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rosenbrock(x: &Array1<f64>, gradient: &mut Array1<f64>) -> f64 {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        gradient[0] = -2.0 * a - 400.0 * x[0] * b;
        gradient[1] = 200.0 * b;
        a * a + 100.0 * b * b
    }

    #[test]
    fn a_valley_is_followed_to_its_end_or_to_a_bound() {
        let start = || Array1::from_vec(vec![-1.2, 1.0]);
        let (x, value) = minimise(rosenbrock, start(), &[(f64::NEG_INFINITY, f64::INFINITY); 2], 1e-9);
        assert!((&x - 1.0).iter().all(|off| off.abs() < 1e-6) && value < 1e-12, "{x} {value:e}");
        // With x₀ ≤ ½ the minimum is (½, ¼), with the value ¼.
        let (x, value) = minimise(rosenbrock, start(), &[(-2.0, 0.5), (-2.0, 2.0)], 1e-9);
        assert!(x[0] == 0.5 && (x[1] - 0.25).abs() < 1e-6 && (value - 0.25).abs() < 1e-10, "{x} {value}");
    }
}

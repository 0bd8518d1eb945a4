//! LassoNet's operator: the minimum that defines it, inside its constraint, with zeros that are +0.

use crate::common::{close, config, signed};
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};
use wane_autodiff::Float;
use wane_penalties::HierProx;

/// A feature's weights before the operator, and what it is asked.
#[derive(Clone, Debug)]
struct Case {
    v: Vec<f64>,
    u: Vec<f64>,
    lambda: f64,
    m: f64,
    step: f64,
    /// Directions for competitors.
    others: Vec<(Vec<f64>, Vec<f64>, f64)>,
}

fn cases() -> impl Strategy<Value = Case> {
    (1..4_usize, 0..9_usize).prop_flat_map(|(outputs, hidden)| {
        let weights = move || (vec(signed(1e-3..3.0), outputs), vec(signed(1e-3..3.0), hidden));
        let others = vec((vec(signed(0.0..1.0), outputs), vec(signed(0.0..1.0), hidden), -7.0..1.0_f64), 40);
        let m = (-2.0..1.5_f64).prop_map(|log| 10.0_f64.powf(log));
        (weights(), 0.0..20.0_f64, m, 0.01..1.0_f64, others).prop_map(|((v, u), lambda, m, step, others)| Case {
            v,
            u,
            lambda,
            m,
            step,
            others,
        })
    })
}

fn norm<T: Float>(values: &[T]) -> f64 {
    values.iter().map(|value| value.widen().powi(2)).sum::<f64>().sqrt()
}

fn largest<T: Float>(values: &[T]) -> f64 {
    values.iter().map(|value| value.widen().abs()).fold(0.0, f64::max)
}

impl Case {
    fn apply<T: Float>(&self) -> (Vec<T>, Vec<T>) {
        let [mut b, mut w] =
            [&self.v, &self.u].map(|values| values.iter().map(|&value| T::of(value)).collect::<Vec<T>>());
        HierProx::new(self.lambda, self.m).unwrap().apply(&mut b, &mut w, self.step);
        (b, w)
    }

    fn objective(&self, b: &[f64], w: &[f64]) -> f64 {
        let square = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 2.0;
        square(b, &self.v) + square(w, &self.u) + self.step * self.lambda * norm(b)
    }

    /// ‖b‖ by bisection of the derivative of the objective, least over all b and w of that length.
    fn length(&self) -> f64 {
        let slope = |t: f64| {
            let held: f64 = self.u.iter().map(|u| (u.abs() - self.m * t).max(0.0)).sum();
            t - norm(&self.v) + self.step * self.lambda - self.m * held
        };
        let (mut low, mut high) = (0.0, norm(&self.v) + self.m * self.u.iter().map(|u| u.abs()).sum::<f64>());
        if slope(0.0) >= 0.0 {
            return 0.0;
        }
        for _ in 0..200 {
            let middle = (low + high) / 2.0;
            *if slope(middle) < 0.0 { &mut low } else { &mut high } = middle;
        }
        high
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn nothing_inside_the_constraint_is_less(case in cases()) {
        let (b, w) = case.apply::<f64>();
        let least = case.objective(&b, &w);
        prop_assert!(largest(&w) <= case.m * norm(&b) * (1.0 + 1e-15), "{b:?} {w:?}");
        for (to_b, to_w, log) in &case.others {
            // Near the answer, and around what was given and 0.
            for (from_b, from_w) in [(&b, &w), (&case.v, &case.u), (&vec![0.0; b.len()], &vec![0.0; w.len()])] {
                let moved = |from: &[f64], to: &[f64]| -> Vec<f64> {
                    from.iter().zip(to).map(|(from, to)| from + 10.0_f64.powf(*log) * to).collect()
                };
                let (b, mut w) = (moved(from_b, to_b), moved(from_w, to_w));
                let bound = case.m * norm(&b);
                w.iter_mut().for_each(|w| *w = w.clamp(-bound, bound));
                prop_assert!(least <= case.objective(&b, &w) + 1e-10);
            }
        }
    }

    #[test]
    fn lengths_and_directions_are_those_of_bisection(case in cases()) {
        let (b, w) = case.apply::<f64>();
        let t = case.length();
        prop_assert!((norm(&b) - t).abs() <= 1e-12 * (1.0 + t), "{} is not {t}", norm(&b));
        for (b, v) in b.iter().zip(&case.v) {
            prop_assert!((b - v * t / norm(&case.v)).abs() <= 1e-12 * (1.0 + t));
        }
        for (w, u) in w.iter().zip(&case.u) {
            prop_assert!((w - u.clamp(-case.m * t, case.m * t)).abs() <= 1e-11 * (1.0 + t * case.m));
        }
    }

    #[test]
    fn zeros_are_positive_and_of_the_whole_feature(case in cases()) {
        let threshold = norm(&case.v) + case.m * case.u.iter().map(|u| u.abs()).sum::<f64>();
        for (factor, is_gone) in [(1.0 + 1e-12, true), (1.0 - 1e-9, false)] {
            let (b, w) = Case { lambda: threshold * factor / case.step, ..case.clone() }.apply::<f64>();
            let are_zero = b.iter().chain(&w).all(|weight| weight.to_bits() == 0);
            prop_assert_eq!(are_zero, is_gone, "{:?} {:?}", b, w);
        }
    }

    #[test]
    fn single_precision_holds_the_constraint_of_what_it_stores(case in cases()) {
        let ((b, w), (exact_b, exact_w)) = (case.apply::<f32>(), case.apply::<f64>());
        prop_assert!(largest(&w) <= case.m * norm(&b) * (1.0 + 1e-15));
        for (stored, exact) in b.iter().zip(&exact_b).chain(w.iter().zip(&exact_w)) {
            prop_assert!((f64::from(*stored) - exact).abs() <= 1e-5 * (1.0 + norm(&exact_b) * (1.0 + case.m)));
        }
    }

    #[test]
    fn columns_are_features(case in cases()) {
        let features = case.others.len();
        type Part = fn(&(Vec<f64>, Vec<f64>, f64)) -> &Vec<f64>;
        let matrix = |of: Part, rows: usize| -> Vec<f64> {
            (0..rows).flat_map(|row| case.others.iter().map(move |other| of(other)[row])).collect()
        };
        let (mut skip, mut first) = (matrix(|other| &other.0, case.v.len()), matrix(|other| &other.1, case.u.len()));
        let operator = HierProx::new(case.lambda, case.m).unwrap();
        operator.apply_columns(&mut skip, &mut first, features, case.step);
        for (feature, (b, w, _)) in case.others.iter().enumerate() {
            let (mut b, mut w) = (b.clone(), w.clone());
            operator.apply(&mut b, &mut w, case.step);
            let column = |matrix: &[f64]| matrix.iter().skip(feature).step_by(features).copied().collect::<Vec<_>>();
            prop_assert_eq!((column(&skip), column(&first)), (b, w));
        }
    }
}

#[test]
fn at_the_ends_of_its_options() {
    let apply = |lambda, m, mut b: [f64; 2], mut w: [f64; 2]| {
        HierProx::new(lambda, m).unwrap().apply(&mut b, &mut w, 1.0);
        (b, w)
    };
    // Inside the constraint, no strength moves nothing.
    assert_eq!(apply(0.0, 10.0, [0.6, 0.8], [5.0, -9.0]), ([0.6, 0.8], [5.0, -9.0]));
    // Without a network, a group lasso is left.
    let (b, w) = apply(2.0, 0.0, [3.0, 4.0], [5.0, -9.0]);
    assert!(close(b[0], 1.8, 1e-15) && close(b[1], 2.4, 1e-15));
    assert_eq!(w.map(f64::to_bits), [0, 0]);
    // Where no direction is better than another, all outputs are alike: t = M(5 + 9)/(1 + 2M²) of M = 1.
    let (b, w) = apply(0.0, 1.0, [0.0, 0.0], [5.0, -9.0]);
    assert_eq!(b[0], b[1]);
    assert!(close(norm(&b), 14.0 / 3.0, 1e-15) && close(w[0], 14.0 / 3.0, 1e-15) && close(w[1], -14.0 / 3.0, 1e-15));
    // An M whose square is beyond f64.
    let (b, w) = apply(0.0, 1e300, [0.0, 1e-300], [0.5, -2.0]);
    assert!(b[1] > 0.0 && w[0] == 0.5 && close(w[1], -2.0, 1e-12), "{b:?} {w:?}");
    for (b, w) in [([f64::NAN, 1.0], [1.0, 1.0]), ([1.0, 1.0], [1.0, f64::NAN])] {
        let (b, w) = apply(1.0, 10.0, b, w);
        assert!(b.iter().chain(&w).all(|weight| weight.is_nan()), "{b:?} {w:?}");
    }
}

#[test]
fn options_out_of_range_are_refused() {
    let said = |lambda, m| HierProx::new(lambda, m).unwrap_err().to_string();
    assert_eq!(said(-1.0, 1.0), "HierProx lambda is -1; expected a finite number, 0 or above");
    assert_eq!(said(f64::NAN, 1.0), "HierProx lambda is NaN; expected a finite number, 0 or above");
    assert_eq!(said(1.0, f64::INFINITY), "HierProx m is inf; expected a finite number, 0 or above");
}

#[test]
fn a_step_that_is_none_is_refused() {
    for step in [-0.5, f64::NAN, f64::INFINITY] {
        let operator = HierProx::new(1.0, 1.0).unwrap();
        let one = std::panic::catch_unwind(|| operator.apply(&mut [1.0_f64], &mut [1.0], step));
        let all = std::panic::catch_unwind(|| operator.apply_columns(&mut [1.0_f64], &mut [1.0], 1, step));
        assert!(one.is_err() && all.is_err(), "{step}");
    }
}

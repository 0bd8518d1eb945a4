use crate::groups::row_norm;
use wane_autodiff::{Error, Float, non_negative};

/// λ Σⱼ ‖bⱼ‖₂ under the hierarchy ‖wⱼ‖∞ ≤ M‖bⱼ‖₂: the penalty and constraint of LassoNet, by their proximal operator over
/// two parameters at once.
///
/// Of a feature j, b: (outputs,) are the weights of a linear model, and w: (hidden,) those into the first layer of a network
/// beside it. With a step s that led to v and u, the operator is
///
/// argmin ‖b − v‖²/2 + ‖w − u‖²/2 + sλ‖b‖₂ where ‖w‖∞ ≤ M‖b‖₂:
///
/// b = t·v/‖v‖ and w = sign(u)·min(|u|, Mt), t being the root of t = max(‖v‖ − sλ + M Σ max(|u| − Mt, 0), 0). A feature that
/// the linear model does without is thereby gone from the network too, with weights that are +0, bit for bit. The constraint
/// is not convex; but t alone is looked for, and in t the objective is. Where v is 0, any direction of b is as good, and
/// all outputs are given the same.
///
/// HIER-PROX of Lemhadri, Ruan, Abraham and Tibshirani, *LassoNet* (2021), algorithm 3.
///
/// ```
/// use wane_penalties::HierProx;
///
/// let (mut skip, mut first) = ([3.0_f64], [0.5, -40.0]);
/// HierProx::new(1.0, 10.0)?.apply(&mut skip, &mut first, 1.0);
/// assert!((skip[0] - 402.0 / 101.0).abs() < 1e-12); // 3 − 1, and lifted by what holds −40 up
/// assert_eq!(first[0], 0.5);
/// assert!((first[1] + 10.0 * skip[0]).abs() < 1e-12);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HierProx {
    lambda: f64,
    m: f64,
}

impl HierProx {
    /// The strength λ and the hierarchy's M: at 0 there is no network, and the larger M is, the less the linear model matters.
    ///
    /// # Errors
    /// A λ or an M that is negative, NaN or infinite.
    pub fn new(lambda: f64, m: f64) -> Result<Self, Error> {
        Ok(Self { lambda: non_negative("HierProx lambda", lambda)?, m: non_negative("HierProx m", m)? })
    }

    /// The strength λ.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// The hierarchy's M.
    pub fn m(&self) -> f64 {
        self.m
    }

    /// Takes the weights of one feature, v in `b`: (outputs,) and u in `w`: (hidden,), to where the operator leads. `step` is s,
    /// what multiplied the gradient: lr in plain SGD. A NaN among the weights makes NaN of them all.
    ///
    /// # Panics
    /// A step that is negative, NaN or infinite.
    #[track_caller]
    pub fn apply<T: Float>(&self, b: &mut [T], w: &mut [T], step: f64) {
        check_step(step);
        self.apply_sorted(b, w, step, &mut Vec::new());
    }

    /// The operator of each column of two matrices, skip: (outputs, features) and first: (hidden, features), row-major.
    ///
    /// # Panics
    /// A slice that is no matrix of so many columns; a step that is negative, NaN or infinite.
    #[track_caller]
    pub fn apply_columns<T: Float>(&self, skip: &mut [T], first: &mut [T], features: usize, step: f64) {
        check_step(step);
        if features == 0 {
            assert!(skip.is_empty() && first.is_empty(), "weights of no feature");
            return;
        }
        for (what, len) in [("skip", skip.len()), ("first", first.len())] {
            assert!(len.is_multiple_of(features), "{what}: {len} weights are no matrix of {features} columns");
        }
        let (mut b, mut w, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        for feature in 0..features {
            for (column, matrix) in [(&mut b, &*skip), (&mut w, &*first)] {
                column.clear();
                column.extend(matrix.iter().skip(feature).step_by(features));
            }
            self.apply_sorted(&mut b, &mut w, step, &mut sizes);
            for (column, matrix) in [(&b, &mut *skip), (&w, &mut *first)] {
                matrix.iter_mut().skip(feature).step_by(features).zip(column).for_each(|(to, &from)| *to = from);
            }
        }
    }

    fn apply_sorted<T: Float>(&self, b: &mut [T], w: &mut [T], step: f64, sizes: &mut Vec<f64>) {
        let norm = wide_norm(b, sizes);
        sizes.clear();
        sizes.extend(w.iter().map(|w| w.widen().abs()));
        sizes.sort_unstable_by(|a, b| b.total_cmp(a));
        let t = self.length(norm, step * self.lambda, sizes);
        if t == 0.0 {
            b.fill(T::zero());
            w.fill(T::zero());
            return;
        }
        let even = (b.len() as f64).sqrt().recip();
        for b in &mut *b {
            let direction = if norm == 0.0 { even } else { b.widen() / norm };
            *b = T::of(direction * t) + T::zero();
        }
        // Of b as rounded, so that the constraint holds for what is stored.
        let bound = self.m * wide_norm(b, sizes);
        let rounded = T::of(bound);
        let bound = if rounded.widen() > bound { rounded * (T::one() - T::epsilon()) } else { rounded };
        for w in w {
            let size = w.abs().min_or_nan(bound);
            *w = if size == T::zero() { T::zero() } else { size * w.sign() };
        }
    }

    /// ‖b‖, from ‖v‖, sλ and the sizes of u, largest first.
    ///
    /// Where s of them are held down, it is (‖v‖ − sλ + M·their sum)/(1 + s·M²). As s grows, so does M times this until it
    /// reaches the next size, which is then not held down any more.
    fn length(&self, norm: f64, threshold: f64, sizes: &[f64]) -> f64 {
        let (m, mut sum) = (self.m, 0.0);
        let mut next = sizes.iter();
        for held in 0_u32.. {
            // Divided by M where that is large: its square may be beyond f64.
            let (above, below) = if m > 1.0 {
                ((norm - threshold) / m + sum, m.recip() + f64::from(held) * m)
            } else {
                (norm - threshold + m * sum, 1.0 + f64::from(held) * m * m)
            };
            let t = (above / below).max_or_nan(0.0);
            match next.next() {
                Some(&size) if size > m * t || size.is_nan() => sum += size,
                _ => return t,
            }
        }
        0.0
    }
}

/// A slip of the caller's, which would let weights grow.
#[track_caller]
fn check_step(step: f64) {
    assert!(step.is_finite() && step >= 0.0, "HierProx step is {step}; expected a finite number, 0 or above");
}

/// ‖b‖ as f64 has it; `wide` is room for it.
fn wide_norm<T: Float>(b: &[T], wide: &mut Vec<f64>) -> f64 {
    wide.clear();
    wide.extend(b.iter().map(|b| b.widen()));
    row_norm(wide)
}

//! What any proximal operator obeys, over all of them.

use super::{Case, all, cases, convex, groups, prox};
use crate::common::config;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use wane_autodiff::Regularizer;
use wane_penalties::{Bounds, ElasticNet, GroupLasso, L0, L1, L2, MaxNorm, NonNegative, SparseGroupLasso, Step};

/// Points around x, near and far, and those that the operator makes of other points: they lie inside its constraint.
fn competitors(case: &Case, operator: &dyn wane_penalties::Prox<f64>, x: &[f64]) -> Vec<Vec<f64>> {
    let mix = |a: &[f64], b: &[f64], t: f64| a.iter().zip(b).map(|(&a, &b)| a + t * (b - a)).collect::<Vec<_>>();
    let zeros = vec![0.0; x.len()];
    let mut all = vec![case.v.clone(), zeros.clone(), case.prox(operator, &case.u)];
    for t in [1e-4, 1e-2, 0.1, 0.5, -1e-4, -1e-2, -0.3] {
        all.extend([mix(x, &case.v, t), mix(x, &case.u, t), mix(x, &zeros, t)]);
        all.push(case.prox(operator, &mix(&case.v, &case.u, t)));
    }
    // One weight alone elsewhere.
    for (i, &u) in case.u.iter().enumerate() {
        for to in [0.0, u, x[i] + 1e-3, x[i] - 1e-3] {
            let mut y = x.to_vec();
            y[i] = to;
            all.push(y);
        }
    }
    all
}

proptest! {
    #![proptest_config(config(96))]

    /// A convex h makes an objective that rises by at least half the squared distance from its minimum. So does nothing
    /// but the minimum.
    #[test]
    fn convex_operators_lead_to_the_minimum(case in cases(), a in 0.05..1.5_f64, b in 0.05..1.5_f64) {
        for operator in convex(a, b) {
            let x = case.prox(&*operator, &case.v);
            let least = case.objective(&*operator, &x);
            prop_assert!(least.is_finite(), "{operator:?}");
            for y in competitors(&case, &*operator, &x) {
                let rise = case.product(&y, &x, &y, &x) / 2.0;
                let there = case.objective(&*operator, &y);
                let slack = 1e-12 * (1.0 + least + rise);
                prop_assert!(there >= least + rise - slack, "{operator:?}: {there} at {y:?}, {least} at {x:?}");
            }
        }
    }

    #[test]
    fn the_hard_threshold_leads_to_a_minimum(case in cases(), a in 0.05..1.5_f64) {
        let operator = L0::new(a).unwrap();
        let x = case.prox(&operator, &case.v);
        let least = case.objective(&operator, &x);
        for y in competitors(&case, &operator, &x) {
            prop_assert!(case.objective(&operator, &y) >= least - 1e-12 * least, "{y:?} beats {x:?}");
        }
        for (&x, &v) in x.iter().zip(&case.v) {
            prop_assert!(x == v || x == 0.0, "survivors are not shrunk");
        }
    }

    #[test]
    fn convex_operators_are_firmly_non_expansive_in_their_metric(case in cases(), a in 0.05..1.5_f64, b in 0.05..1.5_f64) {
        for operator in convex(a, b) {
            let (x, y) = (case.prox(&*operator, &case.v), case.prox(&*operator, &case.u));
            let (square, product) = (case.product(&x, &y, &x, &y), case.product(&x, &y, &case.v, &case.u));
            prop_assert!(square <= product + 1e-12 * (1.0 + product.abs()), "{operator:?}: {square} > {product}");
        }
    }

    /// prox of h at v + s · prox of its conjugate at v/s, in the metric of 1/s, is v: a norm's conjugate is the ball of its
    /// dual norm, and λw²'s is z²/(4λ).
    #[test]
    fn penalties_and_their_balls_make_up_the_whole(case in cases(), a in 0.05..1.5_f64) {
        let (rows, columns) = (case.v.len() / case.columns, case.columns);
        let lambda = |size: usize| a * (size as f64).sqrt();
        let pairs: [(super::Operator, super::Operator); 7] = [
            (Box::new(L2::new(a).unwrap()), Box::new(L2::new(0.25 / a).unwrap())),
            (Box::new(NonNegative::with_l1(a).unwrap()), Box::new(Bounds::new(f64::NEG_INFINITY, a).unwrap())),
            (Box::new(L1::new(a).unwrap()), Box::new(Bounds::within(a).unwrap())),
            (Box::new(NonNegative::new()), Box::new(Bounds::new(f64::NEG_INFINITY, 0.0).unwrap())),
            (Box::new(GroupLasso::rows(a).unwrap()), Box::new(MaxNorm::rows(lambda(columns)).unwrap())),
            (Box::new(GroupLasso::columns(a).unwrap()), Box::new(MaxNorm::columns(lambda(rows)).unwrap())),
            (Box::new(GroupLasso::rows(a).unwrap().unweighted()), Box::new(MaxNorm::rows(a).unwrap())),
        ];
        let alike = vec![0.3; case.s.len()];
        for (penalty, ball) in pairs {
            for s in [&case.s, &alike] {
                let turned: Vec<_> = case.v.iter().zip(s).map(|(v, s)| v / s).collect();
                let inverse: Vec<_> = s.iter().map(|s| s.recip()).collect();
                let x = prox(&*penalty, &case.v, columns, Step::Each(s));
                let y = prox(&*ball, &turned, columns, Step::Each(&inverse));
                for i in 0..x.len() {
                    let whole = x[i] + s[i] * y[i];
                    prop_assert!((whole - case.v[i]).abs() <= 2e-14, "{penalty:?}: {whole}, wanted {}", case.v[i]);
                }
            }
            let x = prox(&*penalty, &case.v, columns, Step::Uniform(0.3));
            let turned: Vec<_> = case.v.iter().map(|v| v / 0.3).collect();
            let y = prox(&*ball, &turned, columns, Step::Uniform(0.3_f64.recip()));
            for i in 0..x.len() {
                prop_assert!((x[i] + 0.3 * y[i] - case.v[i]).abs() <= 4e-15, "{penalty:?}");
            }
        }
    }

    /// Where the conjugate is none of the operators: x = prox of h at v, and y = (v − x)/s, if and only if h(x) + h*(y) = x·y.
    #[test]
    fn sums_meet_their_conjugates(case in cases(), a in 0.05..1.5_f64, b in 0.05..1.5_f64) {
        let (rows, columns) = (case.v.len() / case.columns, case.columns);
        let shape = super::shape(&[rows, columns]);
        let soft = |y: f64| (y.abs() - a).max(0.0);
        let rest = |x: &[f64]| x.iter().zip(&case.v).zip(&case.s).map(|((x, v), s)| (v - x) / s).collect::<Vec<_>>();
        let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();

        let net = ElasticNet::new(a, b).unwrap();
        let x = case.prox(&net, &case.v);
        let y = rest(&x);
        // a|w| + bw² has the conjugate (|z| − a)₊²/(4b).
        let sum = net.value(&x, shape) + y.iter().map(|&y| soft(y).powi(2)).sum::<f64>() / (4.0 * b);
        prop_assert!((sum - product(&x, &y)).abs() <= 1e-12 * (1.0 + sum), "{sum} is not {}", product(&x, &y));

        // A sum of norms has that of the sum of their balls, which is where soft(z) is in the second.
        let cases = [
            (GroupLasso::rows(b).unwrap(), true, b * (columns as f64).sqrt()),
            (GroupLasso::columns(b).unwrap().unweighted(), false, b),
        ];
        for (groups, by_rows, radius) in cases {
            let group_of = |i: usize| if by_rows { i / columns } else { i % columns };
            let both = SparseGroupLasso::new(a, groups).unwrap();
            let x = case.prox(&both, &case.v);
            let y = rest(&x);
            let mut squares = vec![0.0; rows.max(columns)];
            y.iter().enumerate().for_each(|(i, &y)| squares[group_of(i)] += soft(y).powi(2));
            prop_assert!(squares.iter().all(|square| square.sqrt() <= radius + 1e-12), "{squares:?} above {radius}");
            let (sum, product) = (both.value(&x, shape), product(&x, &y));
            prop_assert!((sum - product).abs() <= 1e-12 * (1.0 + sum), "{both:?}: {sum} is not {product}");
        }
    }

    #[test]
    fn equal_steps_are_one_step(case in cases(), a in 0.05..1.5_f64, b in 0.05..1.5_f64, s in 0.01..2.0_f64) {
        let steps = vec![s; case.v.len()];
        for operator in all(a, b) {
            let each = prox(&*operator, &case.v, case.columns, Step::Each(&steps));
            let uniform = prox(&*operator, &case.v, case.columns, Step::Uniform(s));
            for (i, (each, uniform)) in each.iter().zip(&uniform).enumerate() {
                let error = (each - uniform).abs() / case.v[i].abs();
                prop_assert!(error <= 4e-15, "{operator:?}: {each} is not {uniform}, of {}", case.v[i]);
            }
        }
        for operator in [Box::new(L1::new(a).unwrap()) as super::Operator, Box::new(L0::new(a).unwrap())] {
            let each = prox(&*operator, &case.v, case.columns, Step::Each(&steps));
            prop_assert_eq!(each, prox(&*operator, &case.v, case.columns, Step::Uniform(s)));
        }
    }

    /// (x − v)/s + λx/‖x‖ = 0 to the last bits, over steps that differ by twelve orders of magnitude.
    #[test]
    fn groups_in_a_metric_end_where_the_slope_is_zero(
        case in cases(), logs in proptest::collection::vec(-12.0..0.0_f64, 100), lambda in 0.05..1.5_f64,
    ) {
        let s: Vec<_> = logs[..case.v.len()].iter().map(|log| 10.0_f64.powf(*log)).collect();
        let x = prox(&GroupLasso::rows(lambda).unwrap().unweighted(), &case.v, case.columns, Step::Each(&s));
        for ((x, v), s) in x.chunks(case.columns).zip(case.v.chunks(case.columns)).zip(s.chunks(case.columns)) {
            let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            if norm == 0.0 {
                let slope = v.iter().zip(s).map(|(v, s)| (v / s) * (v / s)).sum::<f64>().sqrt();
                prop_assert!(slope <= lambda * (1.0 + 1e-14), "{slope} is above {lambda}");
                continue;
            }
            for ((x, v), s) in x.iter().zip(v).zip(s) {
                let wanted = v / (1.0 + lambda * s / norm);
                prop_assert!((x - wanted).abs() <= 1e-14 * v.abs(), "{x}, wanted {wanted}");
            }
        }
        let x = prox(&MaxNorm::rows(lambda).unwrap(), &case.v, case.columns, Step::Each(&s));
        for (x, v) in x.chunks(case.columns).zip(case.v.chunks(case.columns)) {
            let norm = |w: &[f64]| w.iter().map(|w| w * w).sum::<f64>().sqrt();
            let wanted = norm(v).min(lambda);
            prop_assert!((norm(x) - wanted).abs() <= 4e-15 * wanted, "{} is not {wanted}", norm(x));
        }
    }

    /// The operator in f32 is the one in f64 rounded, but for a few of f32's last bits.
    #[test]
    fn single_precision_keeps_its_bits(case in cases(), a in 0.05..1.5_f32) {
        let (v, s) = (case.v.iter().map(|&v| v as f32), case.s.iter().map(|&s| s as f32));
        let (v, s): (Vec<_>, Vec<_>) = (v.collect(), s.collect());
        let widen = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let (wide_v, wide_s, columns) = (widen(&v), widen(&s), case.columns);
        let operator = GroupLasso::columns(f64::from(a)).unwrap();
        for (single, double) in [
            (prox(&operator, &v, columns, Step::Each(&s)), prox(&operator, &wide_v, columns, Step::Each(&wide_s))),
            (prox(&operator, &v, columns, Step::Uniform(0.25)), prox(&operator, &wide_v, columns, Step::Uniform(0.25))),
        ] {
            for ((single, double), v) in single.iter().zip(double).zip(&wide_v) {
                prop_assert!((f64::from(*single) - double).abs() <= 5e-7 * v.abs(), "{single} is not {double}");
            }
        }
        let metric = prox(&operator, &v, columns, Step::Each(&s));
        let exact = prox(&operator, &wide_v, columns, Step::Each(&wide_s));
        for (single, double) in metric.iter().zip(exact) {
            prop_assert_eq!(*single, double as f32, "rounded once");
        }
    }

    #[test]
    fn zeros_are_positive(case in cases(), a in 0.05..1.5_f64, b in 0.05..1.5_f64) {
        // Among the weights: −0, and numbers that any division takes to ±0.
        let tiny = [-0.0, 0.0, -5e-324, 5e-324, -1e-3, 0.5];
        let v: Vec<_> = case.v.iter().enumerate().map(|(i, &v)| if i % 2 == 0 { v } else { tiny[i / 2 % 6] }).collect();
        for operator in all(a, b) {
            for x in [case.prox(&*operator, &v), prox(&*operator, &v, case.columns, Step::Uniform(1.0))] {
                prop_assert!(x.iter().all(|x| *x != 0.0 || x.to_bits() == 0), "{operator:?}: {x:?}");
            }
        }
    }

    #[test]
    fn groups_do_not_feel_their_neighbours(case in cases(), a in 0.05..1.5_f64, b in 0.05..1.5_f64) {
        let columns = case.columns;
        for operator in groups(a, b).iter().filter(|operator| format!("{operator:?}").contains("Rows")) {
            let whole = case.prox(&**operator, &case.v);
            for (row, x) in whole.chunks(columns).enumerate() {
                let members = row * columns..(row + 1) * columns;
                let alone = prox(&**operator, &case.v[members.clone()], columns, Step::Each(&case.s[members]));
                prop_assert_eq!(x, &alone[..], "{:?}", operator);
            }
        }
    }
}

//! One edit, as its equations have it.

use crate::common::{Problem, bias_of, config, largest, problems, ridges, square, uniform};
use proptest::prelude::{any, prop_assert, proptest};
use wane_autodiff::Rng;
use wane_autodiff::ndarray::{Array1, Array2, Axis, concatenate, s};
use wane_autodiff::rand::SeedableRng;
use wane_edit::{EditOptions, Fit, Measure, Memories, Ridge};

/// What is left of `matrix`, (rows, n), beside the span of the `keys`' rows, (edits, n).
fn beside(mut matrix: Array2<f64>, keys: &Array2<f64>) -> Array2<f64> {
    let mut basis: Vec<Array1<f64>> = Vec::new();
    for key in keys.rows() {
        let mut rest = key.to_owned();
        for _ in 0..2 {
            basis.iter().for_each(|direction| {
                let along = direction.dot(&rest);
                rest.scaled_add(-along, direction);
            });
        }
        let norm = rest.dot(&rest).sqrt();
        basis.push(rest / norm);
    }
    for mut row in matrix.rows_mut() {
        for _ in 0..2 {
            basis.iter().for_each(|direction| {
                let along = direction.dot(&row);
                row.scaled_add(-along, direction);
            });
        }
    }
    matrix
}

/// Weight and bias side by side, (outputs, inputs + 1).
fn joined(weight: &Array2<f64>, bias: &Array1<f64>) -> Array2<f64> {
    concatenate(Axis(1), &[weight.view(), bias.view().insert_axis(Axis(1))]).unwrap()
}

/// The keys with a 1 behind each where the bias is edited, and a 0 where not.
fn keys_of(problem: &Problem, bias: bool) -> Array2<f64> {
    let one = Array2::from_elem((problem.memories.len(), 1), f64::from(u8::from(bias)));
    concatenate(Axis(1), &[problem.memories.keys(), one.view()]).unwrap()
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn values_are_hit(problem in problems(), ridge in ridges(), bias in any::<bool>(), size in any::<bool>()) {
        let measure = if size { Measure::Size } else { Measure::Drift };
        let edit = problem.solve(EditOptions { ridge, bias, measure, ..Default::default() }).unwrap();
        let mut params = problem.params.clone();
        edit.apply(&mut params).unwrap();
        let after = problem.model.predict(&params, problem.memories.keys()).unwrap();
        let missed = largest(&(&problem.memories.values() - &after));
        let most = 1.0 + largest(&edit.delta_weight()) + bias_of(&edit).fold(0.0, |most: f64, value| most.max(value.abs()));
        prop_assert!(missed <= 1e-13 * most && edit.report().missed <= 1e-13 * most, "{missed}, {:?}", edit.report());
        prop_assert!(bias || params.as_slice().ends_with(&problem.params.as_slice()[edit.delta_weight().len()..]));
        // Each key is moved by its own column of U alone.
        let mut moved = edit.v().t().dot(&problem.memories.keys().t());
        edit.shift().iter().for_each(|shift| moved += &shift.insert_axis(Axis(1)));
        let most = 1.0 + largest(&edit.v().to_owned());
        prop_assert!(largest(&(moved - Array2::<f64>::eye(problem.memories.len()))) <= 1e-13 * most);
    }

    #[test]
    fn drift_is_as_predicted(problem in problems(), ridge in ridges(), bias in any::<bool>(), soft in any::<bool>()) {
        let fit = if soft { Fit::Soft(0.3) } else { Fit::Exact };
        let edit = problem.solve(EditOptions { ridge, bias, fit, ..Default::default() }).unwrap();
        let (delta, report) = (edit.delta_weight(), edit.report());
        let (measured, norm) = (problem.drift(&delta, &bias_of(&edit)), square(&delta));
        // Where it is 0, rounding is left, squared; where it is small beside C, that of C's eigenvalues.
        let rounding = norm * (1.0 + problem.moment().diag().sum());
        let slack = if measured < 1e-25 * rounding { 1e-25 } else { 1e-15 } * rounding;
        prop_assert!((measured - report.drift).abs() <= 1e-10 * measured + slack, "{measured}, {report:?}");
        let rho = problem.rho(ridge);
        prop_assert!((report.ridge - rho).abs() <= 1e-14 * rho && (report.norm - norm.sqrt()).abs() <= 1e-14 * norm.sqrt());
        let objective = measured + rho * norm;
        prop_assert!((objective - report.objective).abs() <= 1e-10 * objective + slack, "{objective}, {report:?}");
        if let (1, false, false) = (problem.memories.len(), bias, soft) {
            let least = square(&problem.missed()) / report.leverage[0];
            prop_assert!((objective - least).abs() <= 1e-9 * least + slack, "{objective}, not {least}");
        }
    }

    /// Of all edits that hit the values: they differ by what does not move the keys.
    #[test]
    fn no_other_edit_costs_less(problem in problems(), ridge in ridges(), bias in any::<bool>(), seed in any::<u64>()) {
        let edit = problem.solve(EditOptions { ridge, bias, ..Default::default() }).unwrap();
        let inputs = problem.keys.ncols();
        let cost = |change: &Array2<f64>| {
            let (weight, shift) = (change.slice(s![.., ..inputs]).to_owned(), change.column(inputs));
            problem.drift(&weight, &shift.to_owned()) + problem.rho(ridge) * square(&weight)
        };
        let solved = joined(&edit.delta_weight(), &bias_of(&edit));
        let least = cost(&solved);
        let mut rng = Rng::seed_from_u64(seed);
        for size in [1e-4, 1e-2, 1.0, 10.0].repeat(4) {
            let mut other = uniform(solved.dim(), &mut rng);
            if !bias {
                other.column_mut(inputs).fill(0.0);
            }
            let other = &solved + &(size * beside(other, &keys_of(&problem, bias)));
            let slack = 1e-10 * (least + size * least.sqrt()) + 1e-20 * square(&solved);
            prop_assert!(cost(&other) >= least - slack, "{} instead of {least}", cost(&other));
        }
    }

    #[test]
    fn the_bias_never_costs(problem in problems(), ridge in ridges()) {
        let exact = EditOptions { ridge, ..Default::default() };
        let (without, with) = (problem.solve(exact).unwrap(), problem.solve(EditOptions { bias: true, ..exact }).unwrap());
        let slack = 1e-18 * (1.0 + square(&without.delta_weight()));
        let (without, with) = (without.report(), with.report());
        prop_assert!(with.objective <= without.objective * (1.0 + 1e-10) + slack, "{with:?}, {without:?}");
        if ridge == Ridge::Absolute(0.0) {
            prop_assert!(with.drift <= without.drift * (1.0 + 1e-10) + slack, "{with:?}, {without:?}");
        }
        for (with, without) in with.leverage.iter().zip(&without.leverage) {
            prop_assert!(*with >= without * (1.0 - 1e-10), "{with} {without}");
        }
    }

    /// (ΔW K − R)Kᵀ + λΔW(C + ρI) = 0, which nothing but the minimum obeys; of keys that depend on one another too.
    #[test]
    fn soft_edits_are_stationary(problem in problems(), ridge in ridges(), lambda in 1e-3..10.0_f64, twice in any::<bool>()) {
        let mut problem = problem;
        if twice {
            let (keys, values) = (problem.memories.keys(), problem.memories.values());
            let (keys, values) = ([keys, keys], [values, (&values + 1.0).view()].map(|values| values.to_owned()));
            let values = concatenate(Axis(0), &[values[0].view(), values[1].view()]).unwrap();
            problem.memories = Memories::new(concatenate(Axis(0), &keys).unwrap(), values).unwrap();
        }
        let edit = problem.solve(EditOptions { ridge, fit: Fit::Soft(lambda), ..Default::default() }).unwrap();
        let (delta, keys) = (edit.delta_weight(), problem.memories.keys());
        let left = delta.dot(&keys.t()) - problem.missed();
        let moment = problem.moment() + problem.rho(ridge) * Array2::<f64>::eye(keys.ncols());
        let slope = left.dot(&keys) + lambda * delta.dot(&moment);
        let most = largest(&problem.missed()) * largest(&keys.to_owned());
        prop_assert!(largest(&slope) <= 1e-9 * most, "{slope}");
        prop_assert!((edit.report().missed - largest(&left)).abs() <= 1e-12 * (1.0 + largest(&delta)));
    }

    #[test]
    fn soft_edits_become_exact(problem in problems(), ridge in ridges(), bias in any::<bool>()) {
        let exact = EditOptions { ridge, bias, ..Default::default() };
        let goal = problem.solve(exact).unwrap();
        let goal = joined(&goal.delta_weight(), &bias_of(&goal));
        let away = |lambda: f64| {
            let edit = problem.solve(EditOptions { fit: Fit::Soft(lambda), ..exact }).unwrap();
            largest(&(&goal - &joined(&edit.delta_weight(), &bias_of(&edit)))) / (1.0 + largest(&goal))
        };
        let all: Vec<f64> = (0..16).map(|at| away(10_f64.powi(-at))).collect();
        prop_assert!(all[15] <= 1e-9, "{all:?}");
        // In proportion to λ, once that is small beside G.
        for pair in all[6..].windows(2).filter(|pair| pair[1] > 1e-11) {
            prop_assert!((pair[1] / pair[0] - 0.1).abs() < 1e-2, "{all:?}");
        }
    }

    /// ρ → ∞ is C = I.
    #[test]
    fn much_ridge_leads_to_the_smallest_edit(problem in problems()) {
        let options = EditOptions { ridge: Ridge::Absolute(1e9), ..Default::default() };
        let (much, smallest) = (problem.solve(options), problem.solve(EditOptions { measure: Measure::Size, ..options }));
        let (much, smallest) = (much.unwrap().delta_weight(), smallest.unwrap().delta_weight());
        prop_assert!(largest(&(&much - &smallest)) <= 1e-6 * largest(&smallest));
    }

    /// A key with a part in C's null space is edited along that part, at no drift: what small ρ comes to.
    #[test]
    fn no_ridge_is_the_limit_of_little(problem in problems()) {
        let edit = |rho: f64| problem.solve(EditOptions { ridge: Ridge::Absolute(rho), ..Default::default() }).unwrap();
        let (none, little) = (edit(0.0), edit(1e-9));
        let report = none.report();
        let scale = 1.0 + largest(&none.delta_weight());
        // A key with next to no part there comes to its limit late.
        let late = scale * (1.0 + largest(&none.v().to_owned()).powi(2));
        if report.rank > 0 && report.condition < 1e3 {
            prop_assert!(largest(&(none.delta_weight() - little.delta_weight())) <= 1e-5 * late, "{report:?}");
        }
        if report.leverage.iter().all(|leverage| leverage.is_infinite()) && problem.memories.len() + report.rank <= report.inputs {
            prop_assert!(report.drift <= 1e-20 * scale.powi(2), "{report:?}");
        }
    }
}

#[test]
fn reports_say_what_is_known() {
    // Two directions of four, along the axes, with mean squares 4 and 1.
    let keys = Array2::from_shape_vec(
        (4, 4),
        [[2., 1., 0., 0.], [2., -1., 0., 0.], [-2., 1., 0., 0.], [-2., -1., 0., 0.]].concat(),
    );
    let mut problem = Problem::new(1, keys.unwrap(), 1, 0);
    let solve = |problem: &Problem, key: [f64; 4], ridge, bias| {
        let memories =
            Memories::new(Array2::from_shape_vec((1, 4), key.to_vec()).unwrap(), Array2::from_elem((1, 1), 5.0));
        let problem = Problem { memories: memories.unwrap(), ..problem.clone() };
        problem.solve(EditOptions { ridge, bias, ..Default::default() }).unwrap().report().clone()
    };
    let report = solve(&problem, [2., 3., 0., 0.], Ridge::Absolute(0.0), false);
    assert_eq!((report.inputs, report.rank, report.ridge), (4, 2, 0.0));
    assert!((report.condition - 4.0).abs() < 1e-14 && (report.leverage[0] - 10.0).abs() < 1e-14, "{report:?}");
    let report = solve(&problem, [2., 3., 0., 0.], Ridge::Absolute(0.0), true);
    assert!((report.leverage[0] - 11.0).abs() < 1e-14, "{report:?}");
    let report = solve(&problem, [2., 3., 1e-3, 0.], Ridge::Absolute(0.0), false);
    assert!(report.leverage[0].is_infinite() && report.drift < 1e-25, "{report:?}");
    let report = solve(&problem, [2., 3., 1., 0.], Ridge::Scaled(0.8), false);
    assert!((report.ridge - 1.0).abs() < 1e-15 && (report.leverage[0] - (0.8 + 4.5 + 1.0)).abs() < 1e-14, "{report:?}");
    // The default is 10⁻³ of the mean square of a unit.
    let report = solve(&problem, [2., 3., 1., 0.], Ridge::default(), false);
    assert!((report.ridge - 1.25e-3).abs() < 1e-17 && report.rank == 2, "{report:?}");
    problem.keys.fill(0.0);
    let report = solve(&problem, [2., 3., 1., 0.], Ridge::Absolute(0.0), false);
    assert!(report.rank == 0 && report.condition.is_nan() && report.drift == 0.0, "{report:?}");
}

/// An edit means the same in other units of the keys: the default ridge goes with them.
#[test]
fn the_default_ridge_has_no_scale() {
    let mut rng = Rng::seed_from_u64(3);
    let problem = Problem::new(2, uniform((9, 5), &mut rng), 2, 4);
    let edit = problem.solve(EditOptions::default()).unwrap();
    let scale = 1e3;
    let memories = Memories::new(&problem.memories.keys() * scale, problem.memories.values().to_owned()).unwrap();
    let mut other = Problem { keys: &problem.keys * scale, memories, ..problem.clone() };
    let weights = 2 * 5;
    other.params.as_mut_slice()[..weights].iter_mut().for_each(|weight| *weight /= scale);
    let there = other.solve(EditOptions::default()).unwrap();
    assert!(largest(&(there.delta_weight() * scale - edit.delta_weight())) < 1e-12);
    assert!((&there.report().leverage - &edit.report().leverage).iter().all(|off| off.abs() < 1e-11));
    assert!((there.report().drift - edit.report().drift).abs() < 1e-12);
}

/// Directions whose costs differ by many orders of magnitude cost digits of each key's own, which are got back.
#[test]
fn unlike_directions_cost_no_digits() {
    let mut rng = Rng::seed_from_u64(5);
    for seed in 0..20 {
        let mut keys = uniform((40, 6), &mut rng);
        keys.columns_mut().into_iter().enumerate().for_each(|(at, mut column)| column *= 10_f64.powi(-(at as i32)));
        // Not along the axes.
        let mut turn = uniform((6, 6), &mut rng);
        turn += &(2.0 * Array2::<f64>::eye(6));
        let problem = Problem::new(2, keys.dot(&turn), 4, seed);
        let edit = problem.solve(EditOptions { ridge: Ridge::Absolute(0.0), ..Default::default() }).unwrap();
        let moved = edit.v().t().dot(&problem.memories.keys().t());
        let off = largest(&(moved - Array2::<f64>::eye(4)));
        assert!(off <= 1e-14 * (1.0 + largest(&edit.v().to_owned())), "{off}");
    }
}

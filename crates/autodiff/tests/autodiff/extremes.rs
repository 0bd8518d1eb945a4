//! Large numbers, long lines and NaN in the ops that choose, cut and join, in extremes, moments and powers.

use wane_autodiff::ndarray::{Array1, Array2, ArrayD, array};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Float, Graph, Params, Rng, Tape, Var};

type Op<T> = for<'g> fn(Var<'g, T>) -> Var<'g, T>;

/// The value of `f`, and the gradient of its sum.
fn forward_and_back<T: Float>(x: &Array2<T>, f: impl FnOnce(Var<'_, T>) -> Var<'_, T>) -> (ArrayD<T>, ArrayD<T>) {
    let (params, mut tape) = (Params::new(), Tape::new());
    let x = tape.record(&params).variable(x);
    let y = f(x);
    y.sum().backward(&mut params.grads());
    (y.to_array(), x.grad().unwrap())
}

fn tame<T: Float>() -> [(&'static str, Op<T>); 14] {
    [
        ("softmax of rows", |x| x.softmax(1) * x.softmax(1)),
        ("softmax of columns", |x| x.softmax(0) * x.softmax(0)),
        ("logsumexp", |x| x.logsumexp()),
        ("logsumexp of rows", |x| x.logsumexp_axis(1)),
        ("logsumexp of columns", |x| x.logsumexp_axis(0)),
        ("gelu_tanh", |x| x.gelu_tanh()),
        ("var", |x| x.var(1.0)),
        ("var of columns", |x| x.var_axis(0, 0.0)),
        ("std", |x| x.std(1.0)),
        ("std of rows", |x| x.std_axis(1, 1.0)),
        ("max", |x| x.max_axis(1)),
        ("min", |x| x.min_axis(1)),
        ("clamp", |x| x.clamp(-1.0, 1.0)),
        ("powi", |x| x.powi(3)),
    ]
}

fn large_inputs_give_finite_numbers<T: Float>() {
    let rows = [[1e4, -1e4, 0.0], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4], [9999.0, 1e4, -88.0], [0.0, 0.0, 0.0]];
    for (name, f) in tame::<T>() {
        let (y, dx) = forward_and_back(&Array2::from(rows.to_vec()).mapv(T::of), f);
        for (what, numbers) in [("value", y), ("gradient", dx)] {
            assert!(numbers.iter().all(|number| number.is_finite()), "{what} of {name} in {}: {numbers}", T::NAME);
        }
    }
}

#[test]
fn large_inputs_give_finite_numbers_in_both_precisions() {
    large_inputs_give_finite_numbers::<f32>();
    large_inputs_give_finite_numbers::<f64>();
}

/// At 1e4, the last bit of f32 is 1e-3: what a rounded ln Σ eˣ would leave of the gradient.
#[test]
fn a_common_offset_leaves_the_gradient_of_logsumexp_exact() {
    for offset in [0.0_f32, 1e4, -1e4] {
        let (_, dx) = forward_and_back(&(array![[1.0, 2.0, 2.5]] + offset), |x| x.logsumexp_axis(1));
        let (softmax, _) = forward_and_back(&array![[1.0_f64, 2.0, 2.5]], |x| x.softmax(1));
        for (&ours, &exact) in dx.iter().zip(&softmax) {
            assert!((f64::from(ours) - exact).abs() < 1e-7, "{ours} at {offset}, exactly {exact}");
        }
    }
}

/// f32 numbers near 1e4 that differ by hundredths, and their variance in f64. A sum of squares less the square of the
/// sum has no digit of it; differences from a rounded mean have two.
#[test]
fn moments_keep_single_precision_beside_a_large_offset() {
    let mut rng = Rng::seed_from_u64(5);
    let x = Array2::from_shape_simple_fn((2000, 3), || 1e4 + rng.random_range(-0.01..0.01_f32));
    let wide = x.mapv(f64::from);
    let expected = (&wide - &wide.mean_axis(wane_autodiff::ndarray::Axis(0)).unwrap()).mapv(|d| d * d);
    let expected = expected.sum_axis(wane_autodiff::ndarray::Axis(0)) / 1999.0;
    let (var, _) = forward_and_back(&x, |x| x.var_axis(0, 1.0));
    let (std, _) = forward_and_back(&x, |x| x.std_axis(0, 1.0));
    for (column, &expected) in expected.iter().enumerate() {
        let error = |ours: f32, expected: f64| (f64::from(ours) / expected - 1.0).abs();
        assert!(error(var[column], expected) < 5e-7, "{} for {expected}", var[column]);
        assert!(error(std[column], expected.sqrt()) < 5e-7, "{} for {}", std[column], expected.sqrt());
    }
}

/// A tenth is no binary number, and its rounded mean need not be itself.
#[test]
fn equal_elements_have_no_deviation_and_no_gradient() {
    for n in 1..100 {
        let (std, dx) = forward_and_back(&Array2::from_elem((1, n), 0.1_f32), |x| x.std_axis(1, 0.0));
        assert_eq!((std[0], dx.iter().all(|&dx| dx == 0.0)), (0.0, true), "{n} elements");
    }
}

fn nan_stays_nan<T: Float>() {
    let elementwise: [(&str, Op<T>); 12] = [
        ("powi", |x| x.powi(2)),
        ("powi 1", |x| x.powi(1)),
        ("powf", |x| x.powf(-1.3)),
        ("clamp", |x| x.clamp(-1.0, 1.0)),
        ("gelu_tanh", |x| x.gelu_tanh()),
        ("maximum", |x| x.maximum(x.graph().scalar(T::infinity()))),
        ("maximum, right", |x| x.graph().scalar(T::infinity()).maximum(x)),
        ("minimum", |x| x.minimum(x.graph().scalar(T::neg_infinity()))),
        ("minimum, right", |x| x.graph().scalar(T::neg_infinity()).minimum(x)),
        ("where", |x| x.where_(x.graph().scalar(T::one()), x.graph().scalar(T::zero()))),
        ("where, other", |x| x.graph().scalar(T::zero()).where_(x.graph().scalar(T::zero()), x)),
        ("cut and joined", |x| x.graph().concat(&[x.slice_axis(1, ..1), x.select(1, &[1, 2])], 1)),
    ];
    let reductions: [(&str, Op<T>); 7] = [
        ("max", |x| x.max()),
        ("min", |x| x.min_axis(1)),
        ("softmax", |x| x.softmax(1)),
        ("logsumexp", |x| x.logsumexp()),
        ("var", |x| x.var(1.0)),
        ("std", |x| x.std_axis(1, 0.0)),
        ("bmm", |x| x.reshape(&[1, 1, 3]).bmm(x.graph().input(&ArrayD::zeros(vec![1, 3, 2])))),
    ];
    for at in 0..3 {
        let mut x = array![[T::of(0.5), T::of(2.0), T::of(1.0)]];
        x[[0, at]] = T::nan();
        for (name, op) in elementwise {
            let (y, _) = forward_and_back(&x, op);
            let nan: Vec<_> = (0..3).filter(|&i| y[[0, i]].is_nan()).collect();
            assert_eq!(nan, [at], "{name} of {x} in {}: {y}", T::NAME);
        }
        for (name, op) in reductions {
            let (y, _) = forward_and_back(&x, op);
            assert!(y.iter().all(|y| y.is_nan()), "{name} of {x} in {}: {y}", T::NAME);
        }
    }
}

#[test]
fn nan_in_nan_out() {
    nan_stays_nan::<f32>();
    nan_stays_nan::<f64>();
}

/// The values of a parameter decide, and have no gradient: it is as if it had not been used.
#[test]
fn a_condition_is_not_reached() {
    let mut params = Params::new();
    let [x, condition] = ["x", "condition"].map(|name| params.root().add(name, &array![1.0, -2.0]).unwrap());
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let graph: Graph<'_, f64> = tape.record(&params);
    graph.param(x).where_(graph.param(condition), graph.scalar(0.0)).sum().backward(&mut grads);
    assert_eq!(grads.get(x).unwrap(), Array1::<f64>::ones(2).into_dyn());
    assert!(grads.get(condition).is_none());
}

/// The branch that was not chosen has gradient 0, whatever it is and whatever comes back.
#[test]
fn what_was_not_chosen_hears_nothing() {
    let (values, dx) = forward_and_back(&array![[4.0, 0.0, -1.0]], |x| {
        let positive = x.graph().input(&array![[1.0, 0.0, 0.0]]);
        x.where_(positive, x.graph().scalar(1.0)).sqrt().where_(positive, x.graph().scalar(0.0))
    });
    assert_eq!((values, dx), (array![[2.0, 0.0, 0.0]].into_dyn(), array![[0.25, 0.0, 0.0]].into_dyn()));
}

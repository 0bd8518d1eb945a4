//! Dual numbers: the value of every function is that of plain numbers, bit for bit, and its tangent is its derivative.

use crate::common::config;
use num_traits::Float as _;
use proptest::prelude::{prop_assume, proptest};
use wane_autodiff::gemm::{MatRef, Mode, Product, gemm, naive};
use wane_autodiff::{Dual, Float};

type Number = Dual<f64>;

/// A function of three numbers, on dual and on plain ones.
struct Function {
    name: &'static str,
    dual: fn([Number; 3]) -> Number,
    plain: fn([f64; 3]) -> f64,
    /// Brings any three numbers in −1..1 to where the function is smooth.
    domain: fn([f64; 3]) -> [f64; 3],
}

macro_rules! functions {
    ($($name:literal on $domain:ident: |$x:pat_param| $f:expr;)*) => {
        vec![$(Function { name: $name, dual: |$x| $f, plain: |$x| $f, domain: $domain }),*]
    };
}

fn wide(x: [f64; 3]) -> [f64; 3] {
    x.map(|x| 3.0 * x)
}

fn inside(x: [f64; 3]) -> [f64; 3] {
    x.map(|x| 0.9 * x)
}

/// At least 0.1, and so is every difference of neighbours.
fn rising(x: [f64; 3]) -> [f64; 3] {
    let [x, y, z] = x.map(|x| 1.2 + x);
    [x, x + y, x + y + z]
}

fn falling(x: [f64; 3]) -> [f64; 3] {
    let [x, y, z] = rising(x);
    [z, y, x]
}

fn below(x: [f64; 3]) -> [f64; 3] {
    rising(x).map(|x| -x)
}

fn above_one(x: [f64; 3]) -> [f64; 3] {
    rising(x).map(|x| 1.0 + x)
}

/// Away from whole and half numbers, and quotients of the first two too.
fn between(x: [f64; 3]) -> [f64; 3] {
    let [x, y, z] = x.map(|x| 0.25 + 0.2 * x);
    [x + 3.0, y + 1.0 + 0.3, z]
}

fn arithmetic() -> Vec<Function> {
    functions! {
        "add" on wide: |[x, y, _]| x + y;
        "sub" on wide: |[x, y, _]| x - y;
        "mul" on wide: |[x, y, _]| x * y;
        "div" on rising: |[x, y, _]| x / y;
        "div by negative" on below: |[x, y, _]| x / y;
        "rem" on between: |[x, y, _]| x % (y + y);
        "neg" on wide: |[x, _, _]| -x;
        "assignments" on rising: |[x, y, z]| assigned(x, y, z);
        "sum" on wide: |x| x.into_iter().sum();
        "mul_add" on wide: |[x, y, z]| x.mul_add(y, z);
        "powi 3" on wide: |[x, _, _]| x.powi(3);
        "powi 0" on wide: |[x, _, _]| x.powi(0);
        "powi -2" on rising: |[x, _, _]| x.powi(-2);
        "powf" on rising: |[x, y, _]| x.powf(y);
        "log" on above_one: |[x, y, _]| x.log(y);
        "hypot" on below: |[x, y, _]| x.hypot(y);
        "atan2" on wide: |[x, y, _]| (x * x + y * y + one(x)).atan2(y);
        "max" on rising: |[x, y, _]| x.max(y);
        "max, the other way" on falling: |[x, y, _]| x.max(y);
        "min" on rising: |[x, y, _]| x.min(y);
        "max_or_nan" on rising: |[x, y, _]| x.max_or_nan(y);
        "abs_sub" on falling: |[x, y, _]| positive_difference(x, y);
        "abs_sub of the smaller" on rising: |[x, y, _]| positive_difference(x, y);
        "clamp" on rising: |[x, y, z]| y.clamp(x, z);
        "copysign" on below: |[x, y, _]| (-x).copysign(y);
    }
}

fn elementary() -> Vec<Function> {
    functions! {
        "recip" on rising: |[x, _, _]| x.recip();
        "sqrt" on rising: |[x, _, _]| x.sqrt();
        "cbrt" on below: |[x, _, _]| x.cbrt();
        "exp" on wide: |[x, _, _]| x.exp();
        "exp2" on wide: |[x, _, _]| x.exp2();
        "exp_m1" on wide: |[x, _, _]| x.exp_m1();
        "ln" on rising: |[x, _, _]| x.ln();
        "ln_1p" on inside: |[x, _, _]| x.ln_1p();
        "log2" on rising: |[x, _, _]| x.log2();
        "log10" on rising: |[x, _, _]| x.log10();
        "sin" on wide: |[x, _, _]| x.sin();
        "cos" on wide: |[x, _, _]| x.cos();
        "sin_cos" on wide: |[x, _, _]| x.sin_cos().0 * x.sin_cos().1;
        "tan" on inside: |[x, _, _]| x.tan();
        "asin" on inside: |[x, _, _]| x.asin();
        "acos" on inside: |[x, _, _]| x.acos();
        "atan" on wide: |[x, _, _]| x.atan();
        "sinh" on wide: |[x, _, _]| x.sinh();
        "cosh" on wide: |[x, _, _]| x.cosh();
        "tanh" on wide: |[x, _, _]| x.tanh();
        "asinh" on wide: |[x, _, _]| x.asinh();
        "acosh" on above_one: |[x, _, _]| x.acosh();
        "atanh" on inside: |[x, _, _]| x.atanh();
        "erf" on wide: |[x, _, _]| Float::erf(x);
        "to_degrees" on wide: |[x, _, _]| x.to_degrees();
        "to_radians" on wide: |[x, _, _]| x.to_radians();
        "abs" on below: |[x, _, _]| x.abs();
        "fract" on between: |[x, _, _]| x.fract();
        "floor" on between: |[x, _, _]| x.floor();
        "ceil" on between: |[x, _, _]| x.ceil();
        "round" on between: |[x, _, _]| x.round();
        "trunc" on between: |[x, _, _]| x.trunc();
        "signum" on below: |[x, _, _]| x.signum();
        "sign" on below: |[x, _, _]| x.sign();
    }
}

fn one<T: Float>(_like: T) -> T {
    T::one()
}

fn assigned<T: Float>(x: T, y: T, z: T) -> T {
    let mut sum = x;
    sum += y;
    sum *= z;
    sum -= x;
    sum /= y;
    sum
}

fn positive_difference<T: Float>(x: T, y: T) -> T {
    x.abs_sub(y)
}

fn parts(x: Number) -> (f64, f64) {
    (x.value, x.tangent)
}

fn check(f: &Function, x: [f64; 3], t: [f64; 3]) {
    let name = f.name;
    let x = (f.domain)(x);
    let at = |h: f64| (f.plain)(std::array::from_fn(|i| x[i] + h * t[i]));
    let y = (f.dual)(std::array::from_fn(|i| Dual::new(x[i], t[i])));
    assert_eq!(y.value.to_bits(), at(0.0).to_bits(), "value of {name} at {x:?}");
    let step = 6e-6;
    let numeric = (at(step) - at(-step)) / (2.0 * step);
    let error = (y.tangent - numeric).abs() / y.tangent.abs().max(y.value.abs()).max(1.0);
    assert!(error < 1e-8, "{name} at {x:?} along {t:?}: tangent {}, differences {numeric}", y.tangent);
    let still = (f.dual)(x.map(Dual::from));
    assert_eq!(parts(still), (y.value, 0.0), "{name} of constants at {x:?}");
}

/// Products through the front, against three nested loops over dual numbers.
fn product<T: Float>((m, k, n): (usize, usize, usize), tangents: (f64, f64), by_columns: (bool, bool), mode: Mode) {
    let draw = |len: usize, seed: usize, tangent: f64| -> Vec<Dual<T>> {
        let number = |i: usize| T::of(((i * 37 + seed) % 19) as f64 - 9.0);
        (0..len).map(|i| Dual::new(number(i), number(i * 5 + 1) * T::of(tangent))).collect()
    };
    let (a, b) = (draw(m * k, 1, tangents.0), draw(k * n, 2, tangents.1));
    let a = if by_columns.0 { MatRef::new(&a, k, m).t() } else { MatRef::new(&a, m, k) };
    let b = if by_columns.1 { MatRef::new(&b, n, k).t() } else { MatRef::new(&b, k, n) };
    let (mut c, product) = (draw(m * n, 3, 1.0), Product { a, b, mode });
    let mut expected = c.clone();
    naive(product, &mut expected);
    gemm(product, &mut c, &mut Vec::new());
    // Small whole numbers: every order of summation is exact.
    for (i, (c, expected)) in c.iter().zip(&expected).enumerate() {
        assert!(c.value == expected.value && c.tangent == expected.tangent, "{i}: {c}, wanted {expected}");
    }
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn tangents_are_derivatives(x in [-1.0..1.0_f64, -1.0..1.0, -1.0..1.0], t in [-1.0..1.0_f64, -1.0..1.0, -1.0..1.0]) {
        prop_assume!(t.iter().all(|&t| t != 0.0));
        arithmetic().iter().chain(&elementary()).for_each(|f| check(f, x, t));
    }

    #[test]
    fn products_are_those_of_the_nested_loops(
        size in (0..9_usize, 0..40_usize, 0..20_usize),
        moves in (0..2_u8, 0..2_u8),
        by_columns in proptest::prelude::any::<(bool, bool)>(),
        adds in proptest::prelude::any::<bool>(),
    ) {
        let tangents = (f64::from(moves.0), f64::from(moves.1));
        let mode = if adds { Mode::Add } else { Mode::Replace };
        product::<f32>(size, tangents, by_columns, mode);
        product::<f64>(size, tangents, by_columns, mode);
    }
}

#[test]
fn large_products_are_those_of_the_nested_loops() {
    product::<f32>((130, 140, 150), (1.0, 1.0), (true, false), Mode::Add);
    product::<f64>((130, 140, 150), (1.0, 1.0), (false, true), Mode::Replace);
}

#[test]
fn what_does_not_move_stays_where_slopes_are_infinite() {
    let (zero, large) = (Dual::from(0.0), Dual::from(1e3));
    for still in [zero.sqrt(), zero.cbrt(), zero.ln(), large.exp(), Dual::from(1.0).asin(), zero.hypot(zero)] {
        assert_eq!(still.tangent, 0.0, "{still}");
    }
    assert_eq!(parts(zero.powf(Dual::from(0.5))), (0.0, 0.0));
    assert_eq!(Dual::new(0.0, 2.0).sqrt().tangent, f64::INFINITY);
    // The logistic function where its exponential has overflowed.
    let one = Dual::from(1.0);
    assert_eq!(parts(one / (one + Dual::new(800.0, -3.0).exp())), (0.0, 0.0));
    assert!((Dual::from(f64::INFINITY) / Dual::from(f64::INFINITY)).is_nan());
}

#[test]
fn kinks_have_the_derivative_of_plain_numbers_there() {
    assert_eq!(parts(Dual::new(0.0, 5.0).abs()), (0.0, 0.0));
    assert_eq!(parts(Dual::new(0.0, 5.0).sign()), (0.0, 0.0));
    assert_eq!(parts(Dual::new(-2.0, 5.0).abs()), (2.0, -5.0));
}

#[test]
fn comparisons_see_values_alone() {
    let (a, b) = (Dual::new(1.0, 2.0), Dual::new(1.0, -2.0));
    assert!(a == b && a <= b && a >= b && a.partial_cmp(&b).is_some_and(|order| order.is_eq()));
    assert!(Dual::new(0.0, 1.0).is_finite() && Dual::new(0.0, f64::NAN).is_finite());
    let nan = Dual::new(f64::NAN, 1.0);
    assert!(nan != nan && nan.is_nan() && nan.max_or_nan(a).is_nan() && a.max_or_nan(nan).is_nan());
    assert_eq!((nan.max(a).value, a.min(nan).value), (1.0, 1.0));
}

#[test]
fn dual_numbers_of_dual_numbers_have_second_derivatives() {
    let x = Dual::new(Dual::new(1.5, 1.0), Dual::new(1.0, 0.0));
    let y = x * x * x + x.sin();
    assert_eq!(y.value.value, 1.5_f64.powi(3) + 1.5_f64.sin());
    assert!((y.tangent.tangent - (6.0 * 1.5 - 1.5_f64.sin())).abs() < 1e-14);
}

#[test]
fn numbers_enter_and_leave() {
    let x = Dual::<f32>::of(0.1);
    assert_eq!((x.value, x.tangent, x.widen()), (0.1_f32, 0.0, f64::from(0.1_f32)));
    assert_eq!(Dual::new(1.5, -2.0).to_string(), "1.5 + ε·-2");
    assert_eq!(format!("{:.1e}", Dual::new(150.0, 2.0)), "1.5e2 + ε·2.0e0");
    assert_eq!(Dual::<f32>::epsilon().value, f32::EPSILON);
}

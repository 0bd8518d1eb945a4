//! Matrix products: every kernel that this processor has, and the front that chooses among them, against the three nested
//! loops.

#[path = "autodiff/common/mod.rs"]
mod common;

use common::config;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use std::panic::catch_unwind;
use std::sync::Once;
use wane_autodiff::gemm::{self, Kernel, MatRef, Mode, Product, gemm_by};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Float, Rng};

/// The front's own choice, and every kernel that there is here; the others are printed.
fn ways() -> Vec<Option<Kernel>> {
    static ABSENT: Once = Once::new();
    let (here, absent): (Vec<_>, Vec<_>) = Kernel::ALL.into_iter().partition(|kernel| kernel.is_available());
    ABSENT.call_once(|| absent.iter().for_each(|kernel| println!("not run, since it is not available: {kernel:?}")));
    [None].into_iter().chain(here.into_iter().map(Some)).collect()
}

/// The sizes of a product, which factors are stored transposed, and what happens to c.
#[derive(Clone, Debug)]
struct Case {
    size: (usize, usize, usize),
    transposed: (bool, bool),
    mode: Mode,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let small = (0..=40_usize, 0..=40_usize, 0..=40_usize);
    // Thin, flat and cubic ones beyond the tiles' sizes, on both sides of the size from which the library computes.
    let large = vec![
        (300, 260, 270),
        (257, 300, 256),
        (130, 130, 130),
        (130, 3, 5),
        (3, 130, 5),
        (3, 5, 130),
        (128, 129, 128),
        (65, 130, 33),
        (1, 130, 128),
    ];
    let size = prop_oneof![9 => small, 1 => proptest::sample::select(large)];
    let mode = prop_oneof![Just(Mode::Replace), Just(Mode::Add)];
    let parts = (size, any::<(bool, bool)>(), mode, any::<u64>());
    parts.prop_map(|(size, transposed, mode, seed)| Case { size, transposed, mode, seed })
}

/// Both factors, as they are stored, and what stands in c before.
struct Factors<T> {
    a: Vec<T>,
    b: Vec<T>,
    c: Vec<T>,
}

impl Case {
    fn draw<T: Float>(&self, mut element: impl FnMut() -> f64) -> Factors<T> {
        let (m, k, n) = self.size;
        let [a, b, c] = [m * k, k * n, m * n].map(|len| (0..len).map(|_| T::of(element())).collect());
        Factors { a, b, c }
    }

    fn product<'a, T: Float>(&self, a: &'a [T], b: &'a [T]) -> Product<'a, T> {
        let matrix = |data, (rows, columns), transposed| match transposed {
            true => MatRef::new(data, columns, rows).t(),
            false => MatRef::new(data, rows, columns),
        };
        let (m, k, n) = self.size;
        Product { a: matrix(a, (m, k), self.transposed.0), b: matrix(b, (k, n), self.transposed.1), mode: self.mode }
    }

    /// What each way computes, beside what the nested loops do. Replaced numbers are NaN before, and so is the panel.
    fn compute<T: Float>(&self, factors: &Factors<T>, mut compare: impl FnMut(Option<Kernel>, &[T], &[T])) {
        let product = self.product(&factors.a, &factors.b);
        let before = match self.mode {
            Mode::Replace => vec![T::nan(); factors.c.len()],
            Mode::Add => factors.c.clone(),
        };
        let mut expected = before.clone();
        gemm::naive(product, &mut expected);
        for kernel in ways() {
            let mut c = before.clone();
            gemm_by(kernel, product, &mut c, &mut vec![T::nan(); product.scratch_len() + 3]);
            compare(kernel, &c, &expected);
            let mut again = before.clone();
            gemm_by(kernel, product, &mut again, &mut Vec::new());
            assert!(
                c.iter().zip(&again).all(|(x, y)| x.widen().to_bits() == y.widen().to_bits()),
                "{kernel:?} repeats"
            );
        }
    }
}

/// Small integers, whose products and sums are exact in f32: every order of summation gives the same numbers.
fn integers_are_exact<T: Float>(case: &Case) {
    let mut rng = Rng::seed_from_u64(case.seed);
    let factors = case.draw::<T>(|| f64::from(rng.random_range(-8..=8)));
    case.compute(&factors, |kernel, c, expected| assert_eq!(c, expected, "{kernel:?}"));
}

/// Both sums of k products are off by at most (k + 2)·ε/2 of Σ|a||b| + |c|, whatever their order (Higham, *Accuracy and
/// Stability of Numerical Algorithms*, §3.1), so that they differ by at most (k + 2)·ε of it.
fn rounding_is_bounded<T: Float>(case: &Case) {
    let mut rng = Rng::seed_from_u64(case.seed);
    let factors = case.draw::<T>(|| rng.random_range(-1.0..1.0));
    let [a, b, c] = [&factors.a, &factors.b, &factors.c].map(|x| x.iter().map(|x| x.abs()).collect::<Vec<_>>());
    let mut magnitude = c;
    gemm::naive(Product { mode: Mode::Add, ..case.product(&a, &b) }, &mut magnitude);
    let scale = (case.size.1 + 2) as f64 * T::epsilon().widen();
    case.compute(&factors, |kernel, c, expected| {
        for (i, (&c, &expected)) in c.iter().zip(expected).enumerate() {
            let (error, bound) = ((c - expected).abs().widen(), scale * magnitude[i].widen());
            assert!(error <= bound, "{kernel:?} at {i}: {c} for {expected}, off by {error:e} > {bound:e}");
        }
    });
}

/// A few NaN and infinities among small integers: every element is the number that the loops give, NaN for NaN.
fn specials_reach_as_far<T: Float>(case: &Case) {
    let mut rng = Rng::seed_from_u64(case.seed);
    let mut factors = case.draw::<T>(|| f64::from(rng.random_range(-2..=2)));
    for part in [&mut factors.a, &mut factors.b, &mut factors.c] {
        for _ in 0..if part.is_empty() { 0 } else { rng.random_range(0..=2) } {
            let at = rng.random_range(0..part.len());
            part[at] = [T::nan(), T::infinity(), T::neg_infinity()][rng.random_range(0..3)];
        }
    }
    case.compute(&factors, |kernel, c, expected| {
        for (i, (&c, &expected)) in c.iter().zip(expected).enumerate() {
            assert!(c == expected || c.is_nan() && expected.is_nan(), "{kernel:?} at {i}: {c} for {expected}");
        }
    });
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn of_integers_are_exact(case in cases()) {
        integers_are_exact::<f32>(&case);
        integers_are_exact::<f64>(&case);
    }

    #[test]
    fn of_reals_differ_by_rounding_only(case in cases()) {
        rounding_is_bounded::<f32>(&case);
        rounding_is_bounded::<f64>(&case);
    }

    #[test]
    fn of_nan_and_infinities_are_those_of_the_loops(case in cases()) {
        specials_reach_as_far::<f32>(&case);
        specials_reach_as_far::<f64>(&case);
    }
}

/// The library reads and writes through pointers: sizes that lie must not get as far.
#[test]
fn sizes_that_do_not_fit_are_refused() {
    let (six, four) = ([1.0_f64; 6], [1.0_f64; 4]);
    let refused = |a: fn() -> MatRef<'static, f64>| catch_unwind(a).is_err();
    assert!(refused(|| MatRef::new(&[1.0; 5], 2, 3)));
    assert!(refused(|| MatRef::new(&[], 1 << 32, 1 << 32)), "2^64 elements are not none");

    let two_by_three = MatRef::new(&six, 2, 3);
    let vast = Product { a: MatRef::<f64>::new(&[], 1 << 32, 0), b: MatRef::new(&[], 0, 1 << 32), mode: Mode::Replace };
    let inner = Product { a: two_by_three, b: MatRef::new(&four, 2, 2), mode: Mode::Replace };
    let outer = Product { a: two_by_three, b: two_by_three.t(), mode: Mode::Replace };
    for kernel in ways() {
        assert!(
            catch_unwind(|| gemm_by(kernel, vast, &mut [], &mut Vec::new())).is_err(),
            "{kernel:?}: c has 2^64 elements, not none"
        );
        assert!(
            catch_unwind(|| gemm_by(kernel, inner, &mut [0.0; 4], &mut Vec::new())).is_err(),
            "{kernel:?}: inner sizes differ"
        );
        assert!(
            catch_unwind(|| gemm_by(kernel, outer, &mut [0.0; 3], &mut Vec::new())).is_err(),
            "{kernel:?}: c is too short"
        );
        assert!(
            catch_unwind(|| gemm_by(kernel, outer, &mut [0.0; 5], &mut Vec::new())).is_err(),
            "{kernel:?}: c is too long"
        );
    }
}

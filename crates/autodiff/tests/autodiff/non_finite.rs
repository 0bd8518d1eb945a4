//! Where a loss is finite and its gradient is not: the op in whose backward that begins.

use wane_autodiff::ndarray::{Array2, array};
use wane_autodiff::{Float, Grads, Params, Tape, Var};

/// Op, parameter, position and value of the first gradient that is not finite, in the loss of one parameter.
fn first<T: Float>(
    values: Array2<T>,
    loss: fn(Var<'_, T>) -> Var<'_, T>,
) -> Option<(&'static str, Option<String>, Vec<usize>, f64)> {
    let mut params = Params::<T>::new();
    let w = params.root().add("w", &values).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let loss = loss(tape.record(&params).param(w));
    assert!(loss.item().is_finite());
    loss.backward(&mut grads);
    let bits = |grads: &Grads<T>| grads.as_slice().iter().map(|value| value.widen().to_bits()).collect::<Vec<_>>();
    let (before, is_finite) = (bits(&grads), grads.as_slice().iter().all(|value| value.is_finite()));
    let found = loss.first_non_finite_gradient(&mut grads);
    assert_eq!(found.is_none(), is_finite);
    if is_finite {
        assert_eq!(bits(&grads), before, "a whole pass");
    }
    found.map(|found| {
        assert!(found.is_gradient && found.site.file().ends_with("non_finite.rs"), "{found}");
        (found.op, found.param, found.position, found.value)
    })
}

#[test]
fn the_op_that_passes_it_on_to_a_parameter() {
    let w = || Some("w".to_owned());
    // Slopes of ∞ at 0.
    assert_eq!(first(array![[4.0, 0.0]], |w| w.sqrt().sum()), Some(("sqrt", w(), vec![0, 1], f64::INFINITY)));
    assert_eq!(first(array![[4.0], [0.0]], |w| w.powf(0.5).sum()), Some(("powf", w(), vec![1, 0], f64::INFINITY)));
    assert_eq!(first(array![[0.0]], |w| -w.powf(0.5).sum()), Some(("powf", w(), vec![0, 0], f64::NEG_INFINITY)));
    // 10³⁰/x overflows in f32 alone.
    assert_eq!(first(array![[1e-20_f32]], |w| w.ln().sum() * 1e30), Some(("ln", w(), vec![0, 0], f64::INFINITY)));
    assert_eq!(first(array![[1e-20_f64]], |w| w.ln().sum() * 1e30), None);
    assert_eq!(first(array![[4.0, 1.0]], |w| w.sqrt().sum()), None);
}

#[test]
fn the_first_of_those_on_its_way() {
    // It is NaN where it arrives, and not the multiplication's.
    let found = first(array![[1.0, 2.0]], |w| (w * 0.0).sqrt().sum().exp());
    assert_eq!(found, Some(("sqrt", None, vec![0, 0], f64::INFINITY)));
    // Two share an operand: the one that is recorded later passes a finite gradient on.
    let found = first(array![[0.0, 1.0]], |w| {
        let shared = w * 1.0;
        shared.sqrt().sum() + shared.exp().sum()
    });
    assert_eq!(found, Some(("sqrt", None, vec![0, 0], f64::INFINITY)));
    // Each is finite, and only their sum overflows: the one that added last.
    let found = first(array![[1e-300]], |w| {
        let shared = w * 1.0;
        shared.exp().sum() * 1.5e308 + (shared * 1.5e308).sum()
    });
    assert_eq!(found, Some(("exp", None, vec![0, 0], f64::INFINITY)));
}

#[test]
fn a_message_has_it_all() {
    let mut params = Params::<f64>::new();
    let w = params.root().add("w", &array![[0.0]]).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let loss = tape.record(&params).param(w).sqrt().sum();
    let found = loss.first_non_finite_gradient(&mut grads).unwrap().to_string();
    let expected =
        "backward of sqrt \"w\" gave inf at [0, 0], recorded at crates/autodiff/tests/autodiff/non_finite.rs:";
    assert!(found.starts_with(expected), "{found}");
    // A parameter that is the loss itself has a gradient of 1.
    let bare = tape.record(&params).param(w);
    assert!(bare.first_non_finite_gradient(&mut grads).is_none());
    assert_eq!(grads.as_slice(), [1.0]);
}

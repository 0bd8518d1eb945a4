//! What is refused, in whole sentences.

use crate::common::params_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wane_autodiff::ndarray::{Array1, Array3, ArrayD, arr0};
use wane_autodiff::{Error, ErrorKind, Params, Tape};
use wane_penalties::{ElasticNet, GroupLasso, L1, L2};

type Constructor = fn(f64) -> Result<f64, Error>;

/// Every way to give a strength, and the name under which a message knows it.
const CONSTRUCTORS: [(&str, Constructor); 6] = [
    ("L1 lambda", |lambda| L1::new(lambda).map(|penalty| penalty.lambda())),
    ("L2 lambda", |lambda| L2::new(lambda).map(|penalty| penalty.lambda())),
    ("ElasticNet: L1 lambda", |lambda| ElasticNet::new(lambda, 1.0).map(|penalty| penalty.l1().lambda())),
    ("ElasticNet: L2 lambda", |lambda| ElasticNet::new(1.0, lambda).map(|penalty| penalty.l2().lambda())),
    ("GroupLasso lambda", |lambda| GroupLasso::rows(lambda).map(|penalty| penalty.lambda())),
    ("GroupLasso lambda", |lambda| GroupLasso::columns(lambda).map(|penalty| penalty.lambda())),
];

#[test]
fn strengths_that_are_no_strengths_are_refused() {
    for (field, construct) in CONSTRUCTORS {
        for (lambda, given) in [
            (-0.1, "-0.1"),
            (-5e-324, "-5e-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let error = construct(lambda).unwrap_err();
            assert_eq!(error.to_string(), format!("{field} is {given}; expected a finite number, 0 or above"));
            assert_eq!(error.kind(), ErrorKind::Option);
        }
    }
}

#[test]
fn every_other_strength_is_taken_as_it_is() {
    for (field, construct) in CONSTRUCTORS {
        for lambda in [0.0, -0.0, 5e-324, 0.1, 1.0, f64::MAX] {
            assert_eq!(construct(lambda).unwrap().to_bits(), lambda.to_bits(), "{field}");
        }
    }
}

#[test]
fn both_faults_of_an_elastic_net_are_not_both_told() {
    let error = ElasticNet::new(-1.0, -2.0).unwrap_err();
    assert_eq!(error.to_string(), "ElasticNet: L1 lambda is -1; expected a finite number, 0 or above");
}

/// The message of the panic that `f` ends in.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("nothing panicked") };
    payload.downcast_ref::<String>().cloned().expect("a formatted message")
}

#[test]
fn groups_of_anything_but_a_matrix_are_refused_with_parameter_shape_and_line() {
    for (array, shape) in [
        (Array1::zeros(3).into_dyn(), "(3,)"),
        (arr0(1.0).into_dyn(), "()"),
        (Array3::zeros((2, 3, 4)).into_dyn(), "(2, 3, 4)"),
        (ArrayD::zeros(vec![1, 2, 3, 4]), "(1, 2, 3, 4)"),
    ] {
        let mut params = Params::<f64>::new();
        let id = params.at("net").at(0).add("bias", &array).unwrap();
        for penalty in [GroupLasso::rows(0.1).unwrap(), GroupLasso::columns(0.1).unwrap()] {
            let mut tape = Tape::new();
            let line = line!() + 1;
            let said = panic_of(|| tape.record(&params).penalty(&penalty, &[id]));
            let what = "group lasso penalty \"net.0.bias\"";
            let why = format!("a parameter is {shape}, rows and columns want two axes");
            let start = format!("{what}: {why} (at {}:{line}:", file!());
            assert!(said.starts_with(&start) && said.ends_with(')'), "{said}\nwanted {start}");
        }
    }
}

#[test]
fn handles_of_other_params_are_refused_by_name() {
    let params = params_of(&[Array1::<f64>::zeros(3).into_dyn(), arr0(1.0).into_dyn()]);
    let mut others = Params::<f64>::new();
    let stranger = others.root().add("stranger", &Array1::zeros(3)).unwrap();
    let mut tape = Tape::new();
    let said = panic_of(|| tape.record(&params).penalty(&L1::new(0.1).unwrap(), &[stranger]));
    assert_eq!(said, "parameter is #0 of other Params; expected one of 0, 1");
}

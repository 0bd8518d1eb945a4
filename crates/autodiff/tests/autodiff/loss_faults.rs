//! What losses refuse, and in which words.

use std::panic::{AssertUnwindSafe, catch_unwind};
use wane_autodiff::ndarray::{Array2, ArrayD};
use wane_autodiff::{Classes, CrossEntropyOptions, Loss, LossOptions, Params, Reduction, Tape};

const POISSON: fn(f64) -> Loss = |eps| Loss::PoissonNll { log_input: true, full: false, eps };

#[test]
fn options_out_of_range() {
    let (any, positive, finite) = ("a finite number, 0 or above", "a finite number above 0", "a finite number");
    let between = "a number above 0 and below 1";
    let cases = [
        (Loss::SmoothL1(-0.5), "beta is -0.5", any),
        (Loss::SmoothL1(f64::NAN), "beta is NaN", any),
        (Loss::Huber(0.0), "delta is 0", positive),
        (Loss::Huber(f64::INFINITY), "delta is inf", positive),
        (Loss::HingeEmbedding(f64::NAN), "margin is NaN", finite),
        (POISSON(-1e-8), "eps is -1e-8", any),
        (POISSON(f64::NAN), "eps is NaN", any),
        (Loss::Quantile(0.0), "tau is 0", between),
        (Loss::Quantile(1.0), "tau is 1", between),
        (Loss::Quantile(-1e300), "tau is -1e300", between),
        (Loss::Quantile(f64::NAN), "tau is NaN", between),
    ];
    for (loss, given, expected) in cases {
        assert_eq!(loss.checked().unwrap_err().to_string(), format!("{given}; expected {expected}"));
    }
    for loss in [Loss::Mse, Loss::SmoothL1(0.0), Loss::Huber(1e-9), Loss::HingeEmbedding(-1.0), POISSON(0.0)] {
        assert_eq!(loss.checked().unwrap(), loss);
    }
}

#[test]
fn class_options_out_of_range() {
    let weights = |weights: &[f64]| CrossEntropyOptions::default().class_weights(weights, 3).unwrap_err().to_string();
    assert_eq!(weights(&[1.0, 2.0]), "number of class weights is 2; expected 3, one a class");
    assert_eq!(weights(&[1.0, -0.5, 1.0]), "weight of class 1 is -0.5; expected a finite number, 0 or above");
    assert_eq!(weights(&[1.0, 1.0, f64::NAN]), "weight of class 2 is NaN; expected a finite number, 0 or above");
    for (smoothing, given) in [(-0.1, "-0.1"), (1.1, "1.1"), (f64::NAN, "NaN")] {
        let error = CrossEntropyOptions::default().label_smoothing(smoothing).unwrap_err();
        assert_eq!(error.to_string(), format!("label_smoothing is {given}; expected a number from 0 to 1"));
    }
}

#[test]
fn labels_out_of_range() {
    let labels = |labels: &[i64], ignore| Classes::with_ignored(labels, 3, ignore).map_err(|error| error.to_string());
    let message = |row, label, ignore| {
        Err(format!("class index of row {row} is {label}; expected an index below 3, or {ignore} to ignore the row"))
    };
    assert_eq!(labels(&[0, -100, 3], -100), message(2, "3", "-100"));
    assert_eq!(labels(&[0, -1], -100), message(1, "-1", "-100"));
    assert_eq!(labels(&[i64::from(u32::MAX)], -100), message(0, "4294967295", "-100"));
    assert_eq!(labels(&[i64::MIN, 1 << 40], i64::MIN), message(1, "1099511627776", "-9223372036854775808"));
    let none = Classes::with_ignored(&[], 0, -100).unwrap_err().to_string();
    assert_eq!(none, "number of classes is 0; expected at least 1 and below 2^32");
    // As in PyTorch, what is ignored may be a class.
    assert_eq!(labels(&[0, 2, 1], 2).unwrap().labels(), [0, Classes::IGNORED, 1]);
    assert_eq!(labels(&[0, 2, 1], -1), Ok(Classes::new(&[0, 2, 1], 3).unwrap()));
}

/// The message of the panic that `f` ends in.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("nothing panicked") };
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| payload.downcast_ref::<&str>().unwrap().to_string())
}

/// Checks the message of a fault in `f`, up to the column: "… (at file:line:column)".
fn expect<R>(line: u32, message: &str, f: impl FnOnce() -> R) {
    let said = panic_of(f);
    assert!(said.starts_with(&format!("{message} (at {}:{line}:", file!())), "{said}\nwanted {message} at line {line}");
}

/// `fault!(message, expression)` on one line: the line that the message is to name.
macro_rules! fault {
    ($message:expr, $fault:expr) => {
        expect(line!(), $message, || $fault)
    };
}

#[test]
fn shape_faults_name_the_loss_that_was_called_and_the_line() {
    let mut params = Params::<f64>::new();
    let weight = params.root().add("w", &Array2::ones((2, 3))).unwrap();
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let of = |dims: &[usize]| graph.input(&ArrayD::zeros(dims));
    let (w, m, v) = (graph.param(weight), of(&[2, 3]), of(&[3]));
    let weighted = |dims: &[usize]| LossOptions { weights: Some(of(dims)), ..Default::default() };
    let [two, three] = [2, 3].map(|rows| Classes::new(&vec![0; rows], 3).unwrap());
    let (plain, sum, mean) = (CrossEntropyOptions::default(), Reduction::Sum, Reduction::Mean);
    let [of_two, of_three] = [2, 3].map(|n| CrossEntropyOptions::default().class_weights(&vec![1.0; n], n).unwrap());

    fault!("hinge_loss: input is (2, 3), target is (3,); they must be the same", m.loss(Loss::Hinge, v));
    let unfit = "weights are (4, 3), which do not broadcast to (2, 3), the loss's shape";
    fault!(&format!("mse_loss: {unfit}"), w.loss_with(Loss::Mse, m, weighted(&[4, 3])));
    let unfit = "weights are (1, 2, 3), which do not broadcast to (2, 3), the loss's shape";
    fault!(&format!("l1_loss: {unfit}"), m.loss_with(Loss::L1, m, weighted(&[1, 2, 3])));
    let unfit = "input is (2, 3), 3 labels of 3 classes want (3, 3)";
    fault!(&format!("cross_entropy_loss \"w\": {unfit}"), w.cross_entropy_loss_with(&three, &of_three, sum));
    fault!(&format!("nll_loss \"w\": {unfit}"), w.nll_loss(&three));
    fault!("nll_loss: input is (3,), wanted two axes", v.nll_loss(&three));
    fault!("cross_entropy_loss: input is (3,), wanted two axes", v.cross_entropy_loss_with(&two, &plain, sum));
    let unfit = "class weights are (2,), 3 classes want (3,)";
    fault!(&format!("nll_loss: {unfit}"), m.nll_loss_with(&two, &of_two, mean));
    fault!(&format!("cross_entropy_loss: {unfit}"), m.cross_entropy_loss_with(&two, &of_two, mean));
    let unfit = "weights are (3,), which do not broadcast to (2,), the loss's shape";
    fault!(&format!("cross_entropy_loss: {unfit}"), m.cross_entropy_loss_with(&two, &plain, weighted(&[3])));
    let wanted = "they must broadcast, and both have that axis in one length";
    fault!(&format!("cosine_similarity: (2, 3) and (3,) along axis 0; {wanted}"), m.cosine_similarity(v, 0, 1e-8));
    fault!(&format!("cosine_similarity: (2, 3) and (3,) along axis 2; {wanted}"), m.cosine_similarity(v, 2, 1e-8));
    let unfit = format!("cosine_similarity: (2, 3) and (1,) along axis 1; {wanted}");
    fault!(&unfit, m.cosine_similarity(of(&[1]), 1, 0.0));
    let wanted = "wanted (..., features) twice and (...)";
    let unfit = format!("cosine_embedding_loss: input is (2, 3), other is (2, 3), target is (3,); {wanted}");
    fault!(&unfit, m.cosine_embedding_loss(m, v, 0.0));
    let unfit = format!("cosine_embedding_loss: input is (3,), other is (2, 3), target is (); {wanted}");
    fault!(&unfit, v.cosine_embedding_loss(m, of(&[]), 0.0));
    let unfit = format!("cosine_embedding_loss: input is (), other is (), target is (); {wanted}");
    fault!(&unfit, of(&[]).cosine_embedding_loss(of(&[]), of(&[]), 0.0));

    let said = [
        panic_of(|| m.loss(Loss::Quantile(1.5), m)),
        panic_of(|| m.cosine_similarity(m, 1, -1.0)),
        panic_of(|| m.cosine_embedding_loss(m, of(&[2]), 1.5)),
    ];
    let expected = [
        "quantile_loss: tau is 1.5, wanted a number above 0 and below 1",
        "cosine_similarity: eps is -1, wanted a finite number, 0 or above",
        "cosine_embedding_loss: margin is 1.5, wanted a number from -1 to 1",
    ];
    assert_eq!(said, expected);
}

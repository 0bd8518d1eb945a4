//! What a programming error says: the op, the parameter, both shapes, and the line of user code.

use crate::common::faults::{expect, panic_of};
use std::panic::Location;
use wane_autodiff::ndarray::{Array1, Array2, ArrayD, IxDyn, array};
use wane_autodiff::{Classes, Graph, ParamId, Params, Tape, Var};

/// Params of `net.0.weight`: (5, 10) and `net.0.bias`: (5,).
fn layer() -> (Params<f64>, ParamId, ParamId) {
    let mut params = Params::new();
    let weight = params.at("net").at(0).add("weight", &Array2::ones((5, 10))).unwrap();
    let bias = params.at("net").at(0).add("bias", &Array1::ones(5)).unwrap();
    (params, weight, bias)
}

/// `fault!(message, expression)` on one line: the line that the message is to name.
macro_rules! fault {
    ($message:expr, $fault:expr) => {
        expect($message, || $fault)
    };
}

#[test]
fn shape_faults_name_op_parameter_shapes_and_line() {
    let (params, weight, bias) = layer();
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let (w, b) = (graph.param(weight), graph.param(bias));
    let of = |dims: &[usize]| graph.input(&ArrayD::zeros(dims));
    let (x, v, m) = (of(&[64, 9]), of(&[3]), of(&[2, 3]));
    let labels = Classes::new(&[0, 1, 2], 3).unwrap();
    let (five, six) = (ArrayD::zeros(IxDyn(&[1; 5])), ArrayD::zeros(IxDyn(&[0; 6])));

    fault!("linear \"net.0.weight\": input is (64, 9), weight (5, 10) wants (_, 10)", x.linear(w, Some(b), None));
    fault!("linear \"net.0.weight\": bias is (3,), weight wants (5,)", of(&[64, 10]).linear(w, Some(v), None));
    fault!("linear \"net.0.weight\": input is (3,), wanted two axes", v.linear(w, None, None));
    fault!("linear \"net.0.bias\": weight is (5,), wanted two axes", x.linear(b, None, None));
    fault!("linear: input is (64, 9), weight (2, 3) wants (_, 3)", x.linear(m, None, None));
    fault!("matmul \"net.0.weight\": left is (64, 9), right wants (9, _) but is (5, 10)", x.matmul(w));
    fault!("matmul: left is (3,), wanted two axes", v.matmul(m));
    fault!("matmul: right is (3,), wanted two axes", m.matmul(v));
    fault!("add \"net.0.bias\": (64, 9) and (5,) do not broadcast", x + b);
    fault!("sub \"net.0.bias\": (5,) and (64, 9) do not broadcast", b - x);
    fault!("mul: (2, 3) and (64, 9) do not broadcast", m * x);
    fault!("div \"net.0.weight\": (5, 10) and (5,) do not broadcast", w / b);
    fault!("mse_loss: input is (2, 3), target is (3,); they must be the same", m.mse_loss(v));
    fault!("l1_loss \"net.0.bias\": input is (5,), target is (3,); they must be the same", b.l1_loss(v));
    fault!("huber_loss: input is (3,), target is (2, 3); they must be the same", v.huber_loss(m, 1.0));
    fault!("cross_entropy_loss: input is (2, 3), 3 labels of 3 classes want (3, 3)", m.cross_entropy_loss(&labels));
    fault!("cross_entropy_loss: input is (3,), wanted two axes", v.cross_entropy_loss(&labels));
    fault!("reshape \"net.0.weight\": (5, 10) has 50 elements, (4, 12) has 48", w.reshape(&[4, 12]));
    fault!("reshape: (3,) has 3 elements, () has 1", v.reshape(&[]));
    fault!("sum: axis 2 of (2, 3), which has 2 axes", m.sum_axis(2));
    fault!("sum: axis 0 of (), which has 0 axes", graph.scalar(1.0).sum_axis_keepdim(0));
    fault!("sum \"net.0.bias\": axis 1 of (5,), which has 1 axes", b.mean_axis(1));
    fault!("sum: axis 7 of (3,), which has 1 axes", v.mean_axis_keepdim(7));
    fault!("log_softmax: axis 1 of (3,), which has 1 axes", v.log_softmax(1));
    fault!("transpose \"net.0.bias\": axes 0 and 1 of (5,)", b.t());
    fault!("transpose: axes 2 and 0 of (2, 3)", m.transpose(2, 0));
    fault!("input: the array has 5 axes, a tape holds at most 4", graph.input(&five));
    fault!("input: the array has 6 axes, a tape holds at most 4", graph.variable(&six));

    // A fault leaves the recording as it was.
    assert_eq!((m * v + 1.0).sum().item(), 6.0);
}

#[test]
fn a_fault_inside_a_container_names_the_line_that_called_it() {
    let (params, weight, _) = layer();
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let x = graph.input(&Array2::zeros((64, 9)));
    let site = Location::caller();
    let said = panic_of(|| graph.attribute(site, || x.linear(graph.param(weight), None, None)));
    assert!(said.ends_with(&format!("(at {site})")), "{said}");
}

/// Faults that are not about an op's operands: their message stands for itself.
#[test]
fn other_faults() {
    let (params, weight, bias) = layer();
    let mut others = Params::<f64>::new();
    let stranger = others.root().add("v", &array![1.0, 2.0]).unwrap();
    let (mut tape, mut grads, mut strange_grads) = (Tape::new(), params.grads(), others.grads());
    let graph = tape.record(&params);
    let b = graph.param(bias);
    let names = "net.0.weight, net.0.bias";

    let said = [
        panic_of(|| b.item()),
        panic_of(|| b.backward(&mut grads)),
        panic_of(|| b.backward_into(&mut grads, 1.0)),
        panic_of(|| b.backward_from(&array![1.0, 2.0], &mut grads)),
        panic_of(|| b.sum().backward(&mut strange_grads)),
        panic_of(|| graph.param(stranger)),
        panic_of(|| grads.get(stranger)),
        panic_of(|| params.get(stranger)),
        panic_of(|| strange_grads.get(weight)),
        panic_of(|| b.reshape(&[1, 1, 1, 1, 5])),
        panic_of(|| b.dropout(1.5)),
        panic_of(|| b.dropout(f64::NAN)),
        panic_of(|| b.huber_loss(b, 0.0)),
        panic_of(|| b.huber_loss(b, f64::INFINITY)),
        panic_of(|| b.smooth_l1_loss(b, -0.5)),
        panic_of(|| b.with(|_| graph.scalar(1.0))),
    ];
    let not_a_scalar = "the value has shape (5,), wanted a scalar (or a seed: backward_from)";
    let expected = [
        "item: the value has shape (5,), wanted a single element".to_owned(),
        format!("backward: {not_a_scalar}"),
        format!("backward: {not_a_scalar}"),
        "backward_from: the seed has shape [2], the value (5,)".to_owned(),
        "backward: layout of the gradients is v (2,); expected net.0.weight (5, 10), net.0.bias (5,)".to_owned(),
        format!("parameter is #0 of other Params; expected one of {names}"),
        format!("parameter is #0 of other Params; expected one of {names}"),
        format!("parameter is #0 of other Params; expected one of {names}"),
        "parameter is #0 of other Params; expected one of v".to_owned(),
        "reshape: [1, 1, 1, 1, 5] is no shape: at most 4 axes, and as many elements as memory holds".to_owned(),
        "dropout: p is 1.5, wanted a probability, 0 to 1".to_owned(),
        "dropout: p is NaN, wanted a probability, 0 to 1".to_owned(),
        "huber_loss: delta is 0, wanted a finite number above 0".to_owned(),
        "huber_loss: delta is inf, wanted a finite number above 0".to_owned(),
        "smooth_l1_loss: beta is -0.5, wanted a finite number, 0 or above".to_owned(),
        "nothing can be recorded while Var::with looks at a value".to_owned(),
    ];
    for (said, expected) in said.iter().zip(&expected) {
        assert_eq!(said, expected);
    }
}

#[test]
fn operands_of_another_tape_are_refused() {
    fn mixed<'g>(ours: Graph<'g, f64>, theirs: Var<'g, f64>) -> [String; 3] {
        let x = ours.input(&array![[1.0]]);
        [panic_of(|| x + theirs), panic_of(|| theirs + x), panic_of(|| x.linear(x, Some(theirs), None))]
    }
    let params = Params::new();
    let (mut first, mut second) = (Tape::new(), Tape::new());
    let theirs = second.record(&params).input(&array![1.0]);
    for said in mixed(first.record(&params), theirs) {
        let (op, place) = said.split_once(": an operand was recorded on another tape (at ").expect(&said);
        assert!(["add", "linear"].contains(&op) && place.starts_with(file!()), "{said}");
    }
}

//! What the wrong input width says: the op, the parameter's full name, both shapes, and the line of user code that
//! called the model, however deep the layer lies in it.

use crate::common::{built, panic_of, rng};
use wane_autodiff::ndarray::{Array2, ArrayD};
use wane_autodiff::{Activation, Error, Float, Params, Rng, Scope, Tape, Var};
use wane_layers::{Description, Linear, Module, Sequential};

/// Checks the message of a fault in `f`, up to the column: "… (at file:line:column)".
fn expect<R>(line: u32, message: &str, f: impl FnOnce() -> R) {
    let said = panic_of(f);
    let place = said.strip_prefix(message).and_then(|rest| rest.strip_prefix(&format!(" (at {}:{line}:", file!())));
    let column = place.and_then(|rest| rest.strip_suffix(')'));
    assert!(column.is_some_and(|column| column.parse::<u32>().is_ok()), "{said}\nwanted {message} at line {line}");
}

/// `fault!(params, dims of x, message, |x| expression)` on one line: the line that the message is to name.
macro_rules! fault {
    ($params:expr, $dims:expr, $message:expr, |$x:ident| $fault:expr) => {{
        let mut tape = Tape::new();
        let $x = tape.record(&$params).input(&ArrayD::zeros($dims.to_vec()));
        expect(line!(), &$message, || $fault)
    }};
}

/// What a weight of (5, 10) says to inputs of another width.
fn unfit(weight: &str, input: &str) -> String {
    format!("linear {weight:?}: input is {input}, weight (5, 10) wants (_, 10)")
}

/// A user's layer around one of wane's.
#[derive(Debug)]
struct Wrapped(Linear);

impl Wrapped {
    fn new<T: Float>(mut scope: Scope<'_, T>, rng: &mut Rng) -> Result<Self, Error> {
        Ok(Self(Linear::new(scope.at("inner"), 10, 5, rng)?))
    }
}

impl<T: Float> Module<T> for Wrapped {
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        self.0.forward(x) * T::of(2.0)
    }

    fn describe(&self) -> Description {
        Description::of_parts::<T>("Wrapped", None, &[&self.0])
    }
}

#[test]
fn a_layer_alone() {
    let mut params = Params::<f64>::new();
    let layer = Linear::new(params.at("net").at(0), 10, 5, &mut rng(0)).unwrap();
    let plain = Linear::without_bias(params.at("plain"), 10, 5, &mut rng(0)).unwrap();
    let flat = "linear \"net.0.weight\": input is (10,), wanted two axes";
    fault!(params, [64, 9], unfit("net.0.weight", "(64, 9)"), |x| layer.forward(x));
    fault!(params, [1, 11], unfit("plain.weight", "(1, 11)"), |x| plain.forward(x));
    fault!(params, [0, 9], unfit("net.0.weight", "(0, 9)"), |x| layer.forward(x));
    fault!(params, [10], flat, |x| layer.forward(x));
    fault!(params, [64, 9], unfit("net.0.weight", "(64, 9)"), |x| layer.forward_then(x, Activation::Tanh));
    fault!(params, [64, 9], unfit("net.0.weight", "(64, 9)"), |x| layer.forward_then(x, Activation::Gelu));
}

#[test]
fn a_layer_of_a_model() {
    let mut params = Params::<f64>::new();
    let model = Sequential::new().dropout(0.5).linear(10, 5).relu().linear(5, 2);
    let model = model.build(params.at("net"), &mut rng(0)).unwrap();
    fault!(params, [64, 9], unfit("net.1.weight", "(64, 9)"), |x| model.forward(x));
    fault!(params, [64, 9], unfit("net.1.weight", "(64, 9)"), |x| model.forward_then(x, Activation::Tanh));
    fault!(params, [64, 9], unfit("net.1.weight", "(64, 9)"), |x| model.layers()[1].forward(x));

    // Behind the first layer, where no build can foresee it: `Wrapped` doesn't say its widths.
    let late = Sequential::new().layer(Wrapped::new).linear_without_bias(10, 5);
    let late = late.build(params.at("late"), &mut rng(0)).unwrap();
    fault!(params, [64, 9], unfit("late.0.inner.weight", "(64, 9)"), |x| late.forward(x));
    fault!(params, [3, 10], unfit("late.1.weight", "(3, 5)"), |x| late.forward(x));
}

#[test]
fn a_layer_of_a_model_of_a_model() {
    let (params, model) = built::<f32>(0, |m| {
        m.tanh().layer(|scope, rng| {
            let inner = Sequential::new().layer(Wrapped::new).sigmoid();
            Sequential::new().layer(|scope, rng| inner.build(scope, rng)).relu().build(scope, rng)
        })
    });
    fault!(params, [1, 11], unfit("1.0.0.inner.weight", "(1, 11)"), |x| model.forward(x));
}

#[test]
fn a_layer_of_a_users_layer() {
    let mut params = Params::<f64>::new();
    let layer = Wrapped::new(params.at("own"), &mut rng(0)).unwrap();
    fault!(params, [64, 9], unfit("own.inner.weight", "(64, 9)"), |x| layer.forward(x));
    fault!(params, [64, 9], unfit("own.inner.weight", "(64, 9)"), |x| layer.forward_then(x, Activation::Relu));
}

/// A number that is not finite names the same place.
#[test]
fn a_nan_born_in_a_model_names_parameter_and_line() {
    let (mut params, model) = built::<f64>(0, |m| {
        m.tanh().layer(|scope, rng| Sequential::new().linear(2, 3).relu().linear(3, 1).build(scope, rng))
    });
    let second = params.id("1.2.weight").unwrap();
    params.get_mut(second).fill(f64::MAX);
    let first = params.id("1.0.bias").unwrap();
    params.get_mut(first).fill(9.0);
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let x = graph.input(&Array2::from_elem((2, 2), 0.5));
    let (_, line) = (model.forward(x), line!());
    let found = graph.first_non_finite().unwrap();
    assert_eq!(
        (found.op, found.param.as_deref(), found.position.as_slice()),
        ("linear", Some("1.2.weight"), &[0, 0][..])
    );
    assert_eq!((found.value, found.site.file(), found.site.line()), (f64::INFINITY, file!(), line));
}

/// After a fault, the tape serves the next step, and its messages name the line of that one.
#[test]
fn the_next_recording_after_a_fault_is_sound() {
    let (params, model) = built::<f64>(0, |m| m.linear(10, 5).relu());
    let mut tape = Tape::new();
    let wrong = Array2::zeros((64, 9));
    let x = tape.record(&params).input(&wrong);
    expect(line!(), &unfit("0.weight", "(64, 9)"), || model.forward(x));
    let graph = tape.record(&params);
    let (x, weight) = (graph.input(&wrong), graph.param(params.ids()[0]));
    expect(line!(), "matmul \"0.weight\": left is (64, 9), right wants (9, _) but is (5, 10)", || x.matmul(weight));
    assert_eq!(model.forward(graph.input(&Array2::ones((64, 10)))).shape().dims(), [64, 5]);
}

/// A model that has run leaves the lines of what comes after it alone.
#[test]
fn an_op_behind_a_model_names_its_own_line() {
    let (params, model) = built::<f64>(0, |m| m.linear(10, 5).relu());
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let (y, weight) = (model.forward(graph.input(&Array2::ones((64, 10)))), graph.param(params.ids()[0]));
    expect(line!(), "add \"0.weight\": (64, 5) and (5, 10) do not broadcast", || y + weight);
}

//! What L-BFGS remembers goes through a file and comes back to the last bit.

use crate::common::{bits, params_of, rng};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wane_autodiff::ndarray::{Array2, array};
use wane_autodiff::{Error, Float, Grads, Params, Tape};
use wane_optim::{Lbfgs, LbfgsOptions, LbfgsSnapshot, LineSearch};

const SHAPES: [&[usize]; 4] = [&[2, 3], &[3], &[0], &[3, 1]];

/// A small network on four rows; the weights of its third parameter, of none, are left out.
fn evaluate<T: Float>(tape: &mut Tape<T>, params: &Params<T>, grads: &mut Grads<T>) -> Result<T, Error> {
    let ids = params.ids();
    let of = |x: Array2<f64>| x.mapv(T::of);
    let (x, y) = (array![[0.5, -1.0], [1.0, 0.3], [-0.7, 0.9], [0.2, 0.2]], array![[1.0], [-0.5], [0.3], [0.7]]);
    let graph = tape.record(params);
    let hidden = (graph.input(&of(x)).matmul(graph.param(ids[0])) + graph.param(ids[1])).tanh();
    let loss = hidden.matmul(graph.param(ids[3])).mse_loss(graph.input(&of(y)));
    loss.backward(grads);
    Ok(loss.item())
}

fn steps<T: Float>(lbfgs: &mut Lbfgs<T>, params: &mut Params<T>, count: usize) -> Vec<(u64, usize)> {
    let mut tape = Tape::new();
    let mut step = |_| {
        let outcome = lbfgs.step(params, |params, grads| evaluate(&mut tape, params, grads)).unwrap();
        (outcome.last_loss.widen().to_bits(), outcome.evaluations)
    };
    (0..count).map(&mut step).collect()
}

fn goes_on<T: Float + Serialize + DeserializeOwned>(line_search: LineSearch, history_size: usize, freezes: bool) {
    let options =
        LbfgsOptions { lr: 0.3, max_iter: 2, max_eval: Some(50), line_search, history_size, ..Default::default() };
    for stop in [0, 1, 3] {
        let start = || {
            let mut params = params_of::<T>(&mut rng(4), &SHAPES);
            if freezes {
                params.freeze(&params.ids()[1..2]).unwrap();
            }
            params
        };
        let (mut straight, mut whole) = (start(), Lbfgs::new(options).unwrap());
        let expected = steps(&mut whole, &mut straight, 6);

        let (mut params, mut first) = (start(), Lbfgs::new(options).unwrap());
        steps(&mut first, &mut params, stop);
        let text = serde_json::to_string(&first.snapshot()).unwrap();
        let snapshot: LbfgsSnapshot<T> = serde_json::from_str(&text).unwrap();
        let moved = if freezes { vec!["0", "3"] } else { vec!["0", "1", "3"] };
        assert_eq!(snapshot.params, if stop == 0 { vec![] } else { moved });
        assert_eq!(snapshot.pairs.len(), (2 * stop).saturating_sub(1).min(history_size));
        // Options and memory of another run give way.
        let mut second = Lbfgs::new(LbfgsOptions::default()).unwrap();
        steps(&mut second, &mut start(), 1);
        second.restore(&params, &snapshot).unwrap();
        assert_eq!(second.snapshot(), snapshot);
        assert_eq!(steps(&mut second, &mut params, 6 - stop), expected[stop..]);
        assert_eq!(bits(params.as_slice()), bits(straight.as_slice()));
        assert_eq!(second.snapshot(), whole.snapshot());
    }
}

#[test]
fn a_run_goes_on_from_a_snapshot_bit_for_bit() {
    for line_search in [LineSearch::None, LineSearch::StrongWolfe] {
        for (history_size, freezes) in [(100, false), (2, true)] {
            goes_on::<f32>(line_search, history_size, freezes);
            goes_on::<f64>(line_search, history_size, freezes);
        }
    }
}

#[test]
fn a_snapshot_that_does_not_fit_is_refused_and_nothing_changes() {
    let options = LbfgsOptions { lr: 0.3, max_iter: 4, history_size: 3, ..Default::default() };
    let (mut params, mut lbfgs) = (params_of::<f64>(&mut rng(4), &SHAPES), Lbfgs::new(options).unwrap());
    steps(&mut lbfgs, &mut params, 1);
    let good = lbfgs.snapshot();
    assert_eq!(good.pairs.len(), 3);
    type Fault = fn(&mut LbfgsSnapshot<f64>);
    let faults: [(Fault, &str); 11] = [
        (|s| s.options.lr = 0.0, "lr is 0; expected a finite number above 0"),
        (|s| s.params[1] = "9".to_owned(), "parameter name is \"9\"; expected one of 0, 1, 2, 3"),
        (|s| s.params.swap(0, 1), "parameters is \"0\" behind \"1\"; expected the parameters' own order"),
        (|s| s.params[1] = "0".to_owned(), "parameters is \"0\" behind \"0\"; expected the parameters' own order"),
        (|s| drop(s.params.pop()), "pair 0: numbers in s is 12; expected 9, the weights that move"),
        (|s| s.pairs[1].y.truncate(11), "pair 1: numbers in y is 11; expected 12, the weights that move"),
        (|s| s.pairs[2].y.fill(0.0), "pair 2: curvature is too small; expected yᵀs finite, above 1e-10"),
        (|s| s.pairs[2].s[0] = f64::NAN, "pair 2: curvature is too small; expected yᵀs finite, above 1e-10"),
        (|s| s.pairs.push(s.pairs[0].clone()), "number of pairs is 4; expected at most 3, the history_size"),
        (|s| s.last.as_mut().unwrap().d.truncate(11), "numbers in d is 11; expected 12, the weights that move"),
        (|s| s.last.as_mut().unwrap().t = f64::INFINITY, "t is inf; expected a finite number"),
    ];
    for (fault, message) in faults {
        let mut bad = good.clone();
        fault(&mut bad);
        let error = lbfgs.restore(&params, &bad).unwrap_err().to_string();
        assert_eq!(error, format!("Lbfgs snapshot: {message}"));
        assert_eq!(lbfgs.snapshot(), good);
    }
    // Restored over other parameters, they are what it moves.
    let mut others = params_of::<f64>(&mut rng(4), &[&[1]]);
    lbfgs.restore(&params, &good).unwrap();
    let error = lbfgs.step(&mut others, |_, _| Ok(0.0)).unwrap_err().to_string();
    assert!(error.starts_with("Lbfgs: layout of the parameters is"), "{error}");
}

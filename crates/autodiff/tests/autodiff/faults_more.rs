//! What the ops that choose, cut and join say of shapes and indices that do not fit.

use crate::common::faults::expect;
use wane_autodiff::ndarray::{Array1, Array2, ArrayD};
use wane_autodiff::{Params, Tape};

#[test]
fn shape_faults_name_op_parameter_shapes_and_line() {
    let mut params = Params::new();
    let table = params.at("emb").add("weight", &Array2::<f64>::ones((5, 3))).unwrap();
    let bias = params.at("emb").add("bias", &Array1::ones(5)).unwrap();
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let of = |dims: &[usize]| graph.input(&ArrayD::zeros(dims));
    let (w, b) = (graph.param(table), graph.param(bias));
    let (v, m, cube, four, none) = (of(&[3]), of(&[2, 3]), of(&[2, 3, 4]), of(&[1, 2, 3, 4]), of(&[0, 3]));

    expect("slice_axis \"emb.weight\": 2..6 of axis 0 of (5, 3), which has length 5", || w.slice_axis(0, 2..6));
    expect("slice_axis: 1..4 of axis 1 of (2, 3), which has length 3", || m.slice_axis(1, 1..=3));
    expect("slice_axis: 4..3 of axis 0 of (3,), which has length 3", || v.slice_axis(0, 4..));
    #[expect(clippy::reversed_empty_ranges, reason = "what is tested")]
    expect("slice_axis: 2..1 of axis 0 of (3,), which has length 3", || v.slice_axis(0, 2..1));
    expect("slice_axis: axis 1 of (3,), which has 1 axes", || v.slice_axis(1, ..));
    expect("select \"emb.weight\": index 7 of axis 0 of (5, 3), which has length 5", || w.select(0, &[4, 7, 0]));
    expect("select: index 0 of axis 0 of (0, 3), which has length 0", || none.select(0, &[0]));
    let far = format!("select: index {} of axis 1 of (2, 3), which has length 3", usize::MAX);
    expect(&far, || m.select(1, &[usize::MAX]));
    expect("select: axis 2 of (2, 3), which has 2 axes", || m.select(2, &[]));
    expect("concat: no value, wanted one at least", || graph.concat(&[], 0));
    expect("stack: no value, wanted one at least", || graph.stack(&[], 0));
    let differ = "value 0 is (2, 3), value 1 is (5, 3); they may differ along axis 1 only";
    expect(&format!("concat \"emb.weight\": {differ}"), || graph.concat(&[m, w], 1));
    let ranks = "concat: value 0 is (2, 3), value 2 is (3,); they may differ along axis 1 only";
    expect(ranks, || graph.concat(&[m, m, v], 1));
    expect("concat: axis 0 of (), which has 0 axes", || graph.concat(&[v.sum(), v.sum()], 0));
    expect("stack \"emb.bias\": value 0 is (3,), value 1 is (5,); they must be the same", || graph.stack(&[v, b], 0));
    expect("stack: new axis 2 of (3,), which has 1 axes", || graph.stack(&[v], 2));
    let five = "stack: (1, 2, 3, 4) with a new axis has 5 axes, a tape holds at most 4";
    expect(five, || graph.stack(&[four, four], 4));
    expect(five, || graph.stack(&[four], 0));
    let apart = "condition (2, 3), input (3,) and other (5,) do not broadcast";
    expect(&format!("where \"emb.bias\": {apart}"), || v.where_(m, b));
    expect("maximum \"emb.bias\": (3,) and (5,) do not broadcast", || v.maximum(b));
    expect("minimum: (2, 3) and (2, 3, 4) do not broadcast", || m.minimum(cube));
    expect("max: axis 2 of (2, 3), which has 2 axes", || m.max_axis(2));
    expect("max: axis 0 of (0, 3) has no element", || none.max_axis(0));
    expect("min: axis 0 of (0, 3) has no element", || none.min_axis_keepdim(0));
    expect("min: (0, 3) has no element", || none.min());
    expect("softmax: axis 1 of (3,), which has 1 axes", || v.softmax(1));
    expect("logsumexp: axis 1 of (3,), which has 1 axes", || v.logsumexp_axis(1));
    expect("var: axis 1 of (3,), which has 1 axes", || v.var_axis(1, 1.0));
    expect("std \"emb.bias\": axis 3 of (5,), which has 1 axes", || b.std_axis_keepdim(3, 1.0));
    expect("bmm: left is (2, 3, 4), right wants (2, 4, _) but is (2, 3, 4)", || cube.bmm(cube));
    expect("bmm: left is (1, 2, 3, 4), right wants (1, 2, 4, _) but is (2, 3, 4)", || four.bmm(cube));
    expect("bmm: left is (2, 3, 4), right wants (2, 4, _) but is (1, 2, 3, 4)", || cube.bmm(four));
    expect("bmm: left is (2, 3), wanted three axes or four", || m.bmm(cube));
    expect("bmm \"emb.weight\": right is (5, 3), wanted three axes or four", || cube.bmm(w));

    // A fault leaves the recording as it was.
    assert_eq!(w.select(0, &[4, 4]).max_axis(0).sum().item(), 3.0);
}

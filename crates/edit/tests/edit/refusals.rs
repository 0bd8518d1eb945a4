//! What is refused, by name, while not a bit of the model changes.

use crate::common::{Problem, network, refused, uniform};
use wane_autodiff::ndarray::Axis;
use wane_autodiff::ndarray::{Array1, Array2, array, concatenate, s};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Activation, Classes, Params, Rng};
use wane_edit::{EditOptions, Editor, Fit, KeyStats, Memories, Ridge, Site, ValueOptions, Wanted};
use wane_layers::Sequential;

struct Net {
    model: Sequential<f64>,
    params: Params<f64>,
    x: Array2<f64>,
}

fn net() -> Net {
    let (model, params, x) = network(4, Activation::Relu, 7);
    Net { model, params, x }
}

impl Net {
    fn site(&self, layer: usize) -> Site<'_, f64> {
        Site::new(&self.model, &self.params, layer).unwrap()
    }

    fn stats(&self, layer: usize) -> KeyStats {
        KeyStats::of(&self.site(layer), &self.params, self.x.view()).unwrap()
    }

    fn editor(&self, layer: usize, options: EditOptions) -> Editor<'_, f64> {
        Editor::new(self.site(layer), &self.params, self.stats(layer), options).unwrap()
    }
}

#[test]
fn layers_that_are_no_linear() {
    let Net { model, params, .. } = net();
    let message = |model: &Sequential<f64>, layer| Site::new(model, &params, layer).map(drop).unwrap_err().to_string();
    assert_eq!(message(&model, 1), "layer is 1, which is Relu; expected the number of a Linear layer: 0, 2, 4");
    assert_eq!(message(&model, 9), "layer is 9 of 5; expected the number of a Linear layer: 0, 2, 4");
    let mut none = Params::new();
    let norm = Sequential::new().layer_norm(3).build(none.root(), &mut Rng::seed_from_u64(0)).unwrap();
    let message = Site::new(&norm, &none, 0).map(drop).unwrap_err().to_string();
    assert!(message.ends_with("expected a Linear layer, of which the model has none"), "{message}");
    assert!(Site::new(&model, &none, 0).is_err(), "parameters of another model");
}

#[test]
fn options_out_of_range() {
    let net = net();
    let value = |value: ValueOptions| EditOptions { value, ..Default::default() };
    let (plain, chosen) = (EditOptions::default(), ValueOptions::default());
    for (options, expected) in [
        (EditOptions { ridge: Ridge::Scaled(-1e-3), ..plain }, "ridge factor is -0.001; expected"),
        (EditOptions { ridge: Ridge::Scaled(f64::NAN), ..plain }, "ridge factor is NaN; expected"),
        (EditOptions { ridge: Ridge::Scaled(f64::MAX), ..plain }, "ridge is beyond f64; expected"),
        (EditOptions { ridge: Ridge::Absolute(-1.0), ..plain }, "ridge is -1; expected"),
        (EditOptions { ridge: Ridge::Absolute(f64::NAN), ..plain }, "ridge is NaN; expected"),
        (EditOptions { ridge: Ridge::Absolute(f64::INFINITY), ..plain }, "ridge is inf; expected"),
        (EditOptions { fit: Fit::Soft(0.0), ..plain }, "lambda is 0; expected a finite number above 0"),
        (EditOptions { fit: Fit::Soft(-1.0), ..plain }, "lambda is -1; expected a finite number above 0"),
        (EditOptions { fit: Fit::Soft(f64::NAN), ..plain }, "lambda is NaN; expected a finite number above 0"),
        (EditOptions { fit: Fit::Soft(f64::INFINITY), ..plain }, "lambda is inf; expected a finite number above 0"),
        (value(ValueOptions { tolerance: -1.0, ..chosen }), "value: tolerance is -1; expected"),
        (value(ValueOptions { probability: 1.0, ..chosen }), "value: probability is 1; expected"),
        (value(ValueOptions { probability: f64::NAN, ..chosen }), "value: probability is NaN; expected"),
        (value(ValueOptions { lr: f64::NAN, ..chosen }), "value: lr is NaN; expected"),
        (value(ValueOptions { steps: 0, ..chosen }), "value: steps is 0; expected at least 1"),
        (value(ValueOptions { clamp: -1.0, ..chosen }), "value: clamp is -1; expected"),
        (value(ValueOptions { clamp: f64::NAN, ..chosen }), "value: clamp is NaN; expected"),
        (value(ValueOptions { kl: -0.5, ..chosen }), "value: kl is -0.5; expected"),
        (value(ValueOptions { decay: f64::INFINITY, ..chosen }), "value: decay is inf; expected"),
    ] {
        let made = Editor::new(net.site(2), &net.params, net.stats(2), options);
        let message = made.map(drop).expect_err(expected).to_string();
        assert!(message.starts_with(expected), "{message}");
    }
    let mut params = Params::new();
    let model = Sequential::new().linear_without_bias(2, 2).build(params.root(), &mut Rng::seed_from_u64(0)).unwrap();
    let site = Site::new(&model, &params, 0).unwrap();
    let stats = KeyStats::of(&site, &params, array![[1.0, 2.0]].view()).unwrap();
    let made = Editor::new(site, &params, stats, EditOptions { bias: true, ..plain }).map(drop);
    let expected = "bias is true; expected false: the layer of \"0.weight\" has no bias";
    assert_eq!(made.unwrap_err().to_string(), expected);
}

#[test]
fn statistics_of_something_else() {
    let net = net();
    let new = |stats: KeyStats| {
        Editor::new(net.site(2), &net.params, stats, EditOptions::default()).map(drop).unwrap_err().to_string()
    };
    assert!(new(net.stats(4)).starts_with("statistics is those of \"4.weight\", 6 inputs, checksum "));
    let none = KeyStats::new(&net.site(2), &net.params).unwrap();
    assert_eq!(new(none), "number of keys in the statistics is 0; expected at least 1");

    let mut other = net.params.clone();
    other.as_mut_slice()[0] += 1e-9;
    let stats = KeyStats::of(&Site::new(&net.model, &other, 2).unwrap(), &other, net.x.view()).unwrap();
    assert!(new(stats.clone()).starts_with("statistics is those of other weights before \"2.weight\" (checksum "));
    let mut ours = net.stats(2);
    let before = ours.clone();
    for theirs in [&stats, &net.stats(4)] {
        let message = ours.merge(theirs).unwrap_err().to_string();
        assert!(message.starts_with("statistics to merge is those of "), "{message}");
    }
    let message = ours.observe(&net.site(4), &net.params, net.x.view()).unwrap_err().to_string();
    assert!(message.starts_with("statistics is those of \"2.weight\", 8 inputs"), "{message}");
    let message = ours.observe(&net.site(2), &other, net.x.view()).unwrap_err().to_string();
    assert!(message.contains("other weights before \"2.weight\""), "{message}");
    assert_eq!(ours, before);

    // An editor notices that the layers before it have changed.
    let editor = net.editor(2, EditOptions::default());
    let memories = Memories::new(Array2::ones((1, 8)), Array2::ones((1, 6))).unwrap();
    for message in [
        refused(&mut other, |params| editor.solve(params, memories.clone())),
        refused(&mut other, |params| {
            editor.edit(params, net.x.slice(s![..1, ..]), Wanted::Classes(&Classes::new(&[1], 4).unwrap()))
        }),
    ] {
        assert!(message.contains("other weights before \"2.weight\""), "{message}");
    }
}

#[test]
fn data_that_is_none() {
    let net = net();
    let mut stats = net.stats(2);
    let before = stats.clone();
    let mut bad = net.x.clone();
    bad[(49, 1)] = f64::NAN;
    // Further on than the rows that are run through the model at once.
    let bad = concatenate(Axis(0), &[Array2::zeros((1024, 3)).view(), bad.view()]).unwrap();
    for (x, expected) in [
        (Array2::zeros((3, 2)), "number of columns of x is 2; expected 3, as the model takes in"),
        (Array2::zeros((0, 2)), "number of columns of x is 2; expected 3, as the model takes in"),
        (bad, "row 1073, column 1 of x is NaN; expected a finite number"),
        (Array2::from_elem((1, 3), 1e200), "keys is beyond f64; expected keys whose squares can be added up in f64"),
    ] {
        let message = stats.observe(&net.site(2), &net.params, x.view()).expect_err(expected).to_string();
        assert_eq!(message, expected);
        assert_eq!(stats, before);
    }
    // No row is none.
    stats.observe(&net.site(2), &net.params, Array2::zeros((0, 3)).view()).unwrap();
    assert_eq!(stats, before);
    let keys = net.site(2).keys(&net.params, Array2::from_elem((1, 3), 1.7e308).view()).unwrap_err().to_string();
    assert!(keys.starts_with("unit ") && keys.contains(" of the key of row 0 is "), "{keys}");
}

#[test]
fn wishes_that_cannot_be() {
    let mut net = net();
    let mut params = net.params.clone();
    let editor = net.editor(2, EditOptions::default());
    let (one, four) = (net.x.slice(s![..1, ..]), net.x.slice(s![..4, ..]));
    let (nan, wide, tall) = (array![[f64::NAN, 0., 0., 0.]], Array2::zeros((1, 5)), Array2::zeros((2, 4)));
    let values = array![[0., 0., 0., f64::INFINITY, 0., 0.]];
    let (labels, many) = (Classes::new(&[1], 4).unwrap(), Classes::new(&[1], 5).unwrap());
    let ignored = Classes::with_ignored(&[-1], 4, -1).unwrap();
    for (x, wanted, expected) in [
        (one, Wanted::Outputs(nan.view()), "number 0 of the outputs wanted of edit 0 is NaN; expected a finite number"),
        (one, Wanted::Outputs(wide.view()), "width of the outputs wanted is 5; expected 4, as there are"),
        (one, Wanted::Outputs(tall.view()), "number of rows wanted is 2; expected 1, one an edit"),
        (
            one,
            Wanted::Values(values.view()),
            "number 3 of the values wanted of edit 0 is inf; expected a finite number",
        ),
        (one, Wanted::Values(wide.view()), "width of the values wanted is 5; expected 6, as there are"),
        (four, Wanted::Values(wide.view()), "number of rows wanted is 1; expected 4, one an edit"),
        (four, Wanted::Classes(&labels), "number of rows wanted is 1; expected 4, one an edit"),
        (one, Wanted::Classes(&many), "number of classes is 5; expected 4, as the model has outputs, and at least 2"),
        (one, Wanted::Classes(&ignored), "edit 0: class is ignored; expected one below 4"),
        (net.x.slice(s![..0, ..]), Wanted::Classes(&labels), "number of edits is 0; expected at least 1"),
        (net.x.slice(s![..1, ..2]), Wanted::Classes(&labels), "number of columns of x is 2; expected 3, as the model"),
        (nan.slice(s![.., ..3]), Wanted::Classes(&labels), "row 0, column 0 of x is NaN; expected a finite number"),
    ] {
        let message = refused(&mut params, |params| editor.edit(params, x, wanted)?.apply(params));
        assert!(message.starts_with(expected), "{message}");
    }
    let keys = Array2::<f64>::ones((1, 7));
    let message = refused(&mut params, |params| editor.choose(params, keys.view(), Wanted::Classes(&labels)));
    assert_eq!(message, "width of the keys is 7; expected 8, as the layer has");
    for (keys, values, expected) in [
        (Array2::zeros((0, 8)), Array2::zeros((0, 6)), "number of edits is 0; expected at least 1"),
        (Array2::zeros((1, 8)), Array2::zeros((2, 6)), "number of values is 2; expected 1, one a key"),
        (Array2::from_elem((1, 8), f64::NAN), Array2::zeros((1, 6)), "unit 0 of the key of edit 0 is NaN; expected"),
        (Array2::zeros((1, 8)), Array2::from_elem((1, 6), f64::INFINITY), "unit 0 of the value of edit 0 is inf"),
    ] {
        let message = Memories::new(keys, values).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
    // Weights that are no numbers.
    let (bias, before) = (net.params.id("2.bias").unwrap(), net.params.clone());
    net.params.set(bias, &array![0., 0., f64::NAN, 0., 0., 0.]).unwrap();
    let editor = Editor::new(net.site(2), &net.params, net.stats(2), EditOptions::default()).unwrap();
    let message = editor.edit(&net.params, one, Wanted::Classes(&labels)).unwrap_err().to_string();
    assert_eq!(message, "number 2 of \"2.bias\" is NaN; expected a finite number");
    assert!(editor.edit(&before, one, Wanted::Classes(&labels)).is_ok());
}

#[test]
fn keys_that_no_weight_moves() {
    let mut net = net();
    // All units before the layer are dead.
    let bias = net.params.id("0.bias").unwrap();
    net.params.set(bias, &Array1::from_elem(8, -100.0)).unwrap();
    let (mut params, x) = (net.params.clone(), net.x.slice(s![..1, ..]));
    let class = Classes::new(&[1], 4).unwrap();
    let expected = "key of edit 0 is zero; expected a key that weights can move: not one at which all units before the layer \
                    are dead (an edit with a bias can)";
    for fit in [Fit::Exact, Fit::Soft(1.0)] {
        let editor = net.editor(2, EditOptions { fit, ..Default::default() });
        let message = refused(&mut params, |params| editor.edit(params, x, Wanted::Classes(&class))?.apply(params));
        assert_eq!(message, expected);
    }
    // The bias moves it, and all others with it.
    let editor = net.editor(2, EditOptions { bias: true, ..Default::default() });
    let values = array![[1., -2., 3., -4., 5., -6.]];
    let edit = editor.edit(&params, x, Wanted::Values(values.view())).unwrap();
    assert!(edit.delta_weight().iter().all(|change| change.abs() < 1e-12));
    edit.apply(&mut params).unwrap();
    let bias = params.get(params.id("2.bias").unwrap()).flatten().into_owned();
    assert!((&bias - &values.row(0)).iter().all(|off| off.abs() < 1e-12), "{bias}");
}

#[test]
fn more_edits_than_rank() {
    let mut rng = Rng::seed_from_u64(1);
    let mut problem = Problem::new(2, uniform((20, 4), &mut rng), 1, 1);
    let mut refuse = |keys: Array2<f64>, options: EditOptions| {
        problem.memories = Memories::new(keys.clone(), Array2::ones((keys.nrows(), 2))).unwrap();
        let mut params = problem.params.clone();
        refused(&mut params, |params| problem.solve(options)?.apply(params))
    };
    let keys = uniform((6, 4), &mut rng);
    let exact = EditOptions::default();
    let expected = |edit: usize, most: usize| {
        format!(
            "key of edit {edit} is a combination of the keys before it; expected keys of which none is a combination of the \
             others: at most {most}, and no two alike (Fit::Soft takes any)"
        )
    };
    for ridge in [Ridge::default(), Ridge::Absolute(0.0)] {
        let exact = EditOptions { ridge, ..exact };
        assert_eq!(refuse(keys.slice(s![..5, ..]).to_owned(), exact), expected(4, 4));
        assert_eq!(refuse(keys.clone(), EditOptions { bias: true, ..exact }), expected(5, 5));
        let twice = concatenate(Axis(0), &[keys.slice(s![..2, ..]), (&keys.slice(s![..1, ..]) * 2.0).view()]).unwrap();
        assert_eq!(refuse(twice, exact), expected(2, 4));
    }
    for scale in [1e-310, 1e308] {
        let message = refuse(Array2::from_elem((1, 4), scale), exact);
        assert!(message.starts_with("key of edit 0 is of norm "), "{message}");
    }
    // Softly, any may be edited.
    problem.memories = Memories::new(keys, Array2::ones((6, 2))).unwrap();
    problem.solve(EditOptions { fit: Fit::Soft(0.1), ..exact }).unwrap();
}

#[test]
fn edits_of_other_weights() {
    let net = net();
    let editor = net.editor(2, EditOptions { bias: true, ..Default::default() });
    let class = Classes::new(&[1], 4).unwrap();
    let edit = editor.edit(&net.params, net.x.slice(s![..1, ..]), Wanted::Classes(&class)).unwrap();
    // Once applied, the weights are others.
    let mut params = net.params.clone();
    edit.apply(&mut params).unwrap();
    let message = refused(&mut params, |params| edit.apply(params));
    assert!(message.starts_with("checksum of \"2.weight\" and its bias is "), "{message}");
    let mut params = net.params.clone();
    params.freeze(&[params.id("2.bias").unwrap()]).unwrap();
    let message = refused(&mut params, |params| edit.apply(params));
    assert!(message.starts_with("\"2.bias\" is frozen"), "{message}");
    let (_, mut narrow, _) = network::<f32>(4, Activation::Relu, 7);
    let message = refused(&mut narrow, |params| edit.apply(params));
    assert_eq!(message, "type of \"2.weight\" is float32; expected float64");
    let mut none = Params::<f64>::new();
    Sequential::new().linear(3, 8).build(none.root(), &mut Rng::seed_from_u64(0)).unwrap();
    assert!(refused(&mut none, |params| edit.apply(params)).contains("2.weight"));
}

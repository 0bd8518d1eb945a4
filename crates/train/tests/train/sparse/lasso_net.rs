//! LassoNet's path: the constraint holds at every point, features leave as a whole until none is left, and λ is what it says.

use super::{bits, data, options, rng, violation};
use wane_autodiff::ndarray::{Axis, Ix2};
use wane_autodiff::{Error, Params, Tape};
use wane_data::Dataset;
use wane_layers::{Module, Sequential, SequentialBuilder};
use wane_optim::{Group, PlateauOptions, Sgd, SgdOptions};
use wane_penalties::HierProx;
use wane_train::{
    LassoNet, LassoNetPathOptions, ModelCard, PathError, Predictor, TrainedPath, Trainer, TrainerOptions, load_model,
    save_model,
};

fn deep() -> SequentialBuilder<f64> {
    Sequential::new().linear(6, 10).relu().linear(10, 1)
}

fn net(m: f64) -> (LassoNet<f64>, Params<f64>) {
    let mut params = Params::new();
    let net = LassoNet::new(params.root(), deep(), m, &mut rng(1)).unwrap();
    (net, params)
}

fn sgd(params: &Params<f64>, lr: f64, momentum: f64) -> Sgd<f64> {
    Sgd::new(SgdOptions { lr, momentum, ..Default::default() }).unwrap().group(Group::all(params)).unwrap()
}

fn path_options(multiplier: f64, trainer: TrainerOptions) -> LassoNetPathOptions {
    LassoNetPathOptions { multiplier, trainer, ..Default::default() }
}

fn path(options: &LassoNetPathOptions) -> Result<(LassoNet<f64>, TrainedPath<f64>), Error> {
    let (train, validation) = (data(80, 1), data(60, 2));
    let (net, mut params) = net(10.0);
    let mut rng = rng(3);
    let mut dense = sgd(&params, 0.02, 0.9);
    Trainer::new(&net, &mut params, &mut dense, super::options(60, 20))?.fit(&train, &mut rng)?;
    let mut sgd = sgd(&params, 2e-3, 0.9);
    let path = net.path(&mut params, &mut sgd, options, (&train, &validation), &mut rng);
    Ok((net, path.map_err(PathError::into_error)?))
}

fn norm<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

#[test]
fn a_path_ends_without_a_feature_and_keeps_to_its_constraint() {
    let (net, path) = path(&path_options(1.3, options(10, 20))).unwrap();
    let (first, last) = (&path.points[0], path.points.last().unwrap());
    assert_eq!((first.lambda, first.features.len(), last.features.len()), (0.0, 6, 0));
    assert!(path.points[..path.points.len() - 1].iter().all(|point| !point.features.is_empty()));
    for pair in path.points.windows(2).skip(1) {
        assert_eq!(pair[1].lambda, pair[0].lambda * 1.3);
    }
    for point in &path.points {
        let [skip, first] = [net.skip(), net.first()].map(|id| point.params.get(id));
        for (j, (skip, first)) in skip.axis_iter(Axis(1)).zip(first.axis_iter(Axis(1))).enumerate() {
            let (bound, is_live) = (10.0 * norm(skip.iter()), point.features.contains(&j));
            assert!(first.iter().all(|w| w.abs() <= bound * (1.0 + 1e-15)));
            assert_eq!(is_live, bound > 0.0);
            assert!(is_live || skip.iter().chain(&first).all(|w| w.to_bits() == 0), "feature {j} at {}", point.lambda);
        }
        assert_eq!(net.features(&point.params), point.features);
    }
    // What matters most leaves last, and what says nothing first.
    let leaving = |feature| path.points.iter().position(|point| !point.features.contains(&feature)).unwrap();
    let noise = (3..6).map(leaving).max().unwrap();
    assert!(noise < leaving(1) && noise < leaving(2) && leaving(1) < leaving(0), "{}", path.to_csv());
    let chosen = &path.sparsest_within(0.1).unwrap().features;
    assert!(chosen.starts_with(&[0, 1]) && path.best().validation_loss < 0.5 * last.validation_loss);
}

/// At M = 0 the network is a constant, and LassoNet the lasso: with momentum and without, its λ is the one of
/// loss + λ Σ|skip|.
#[test]
fn without_a_network_it_is_the_lasso() {
    let train = data(50, 1);
    let early = |early_stopping| TrainerOptions { early_stopping, ..options(4000, 50) };
    for (lr, momentum, trainer, tolerance) in [
        (0.05, 0.0, early(None), 1e-8),
        (0.01, 0.9, early(None), 1e-8),
        (0.05, 0.0, early(LassoNetPathOptions::default().trainer.early_stopping), 1e-6),
    ] {
        let (is_ended, (net, mut params)) = (trainer.early_stopping.is_some(), net(0.0));
        let mut sgd = sgd(&params, lr, momentum);
        let options = LassoNetPathOptions { lambda_start: Some(0.3), ..path_options(3.0, trainer) };
        let path = net.path(&mut params, &mut sgd, &options, (&train, &train), &mut rng(2)).unwrap();
        let lambdas: Vec<_> = path.points.iter().map(|point| point.lambda).collect();
        assert_eq!(lambdas, [0.0, 0.3, 0.3 * 3.0, 0.3 * 3.0 * 3.0, 0.3 * 3.0 * 3.0 * 3.0]);
        for point in &path.points {
            let w: Vec<_> = point.params.get(net.skip()).iter().copied().collect();
            let mut tape = Tape::new();
            let nothing = wane_autodiff::ndarray::Array2::zeros((1, 6));
            let graph = tape.record(&point.params);
            let b = net.forward(graph.input(&nothing)).item();
            let off = violation(&train, (&w, b), point.lambda);
            assert!(off < tolerance, "λ = {}, momentum {momentum}: off by {off}", point.lambda);
            assert_eq!(point.epochs < 4000, is_ended);
            assert!(point.params.get(net.first()).iter().all(|w| w.to_bits() == 0));
        }
    }
}

#[test]
fn what_was_found_before_an_error_is_not_lost() {
    let (rows, (net, mut params)) = (data(50, 1), net(10.0));
    let mut sgd = sgd(&params, 1e-3, 0.0);
    // 2 and then 2·MAX, which is infinite.
    let options = LassoNetPathOptions { lambda_start: Some(2.0), ..path_options(f64::MAX, options(3, 50)) };
    let error = net.path(&mut params, &mut sgd, &options, (&rows, &rows), &mut rng(2)).unwrap_err();
    assert_eq!(error.error().given(), "inf");
    let lambdas: Vec<_> = error.points().iter().map(|point| point.lambda).collect();
    assert_eq!(lambdas, [0.0, 2.0]);
}

#[test]
fn a_step_is_that_of_the_optimizer_and_then_the_operator() {
    let (net, mut params) = net(2.0);
    let before = params.clone();
    let layout = |params: &Params<f64>, id| params.get(id).to_owned().into_dimensionality::<Ix2>().unwrap();
    let (mut skip, mut first) = (layout(&before, net.skip()), layout(&before, net.first()));
    HierProx::new(0.5, 2.0).unwrap().apply_columns(
        skip.as_slice_mut().unwrap(),
        first.as_slice_mut().unwrap(),
        6,
        0.25,
    );
    net.prox(&mut params, 0.5, 0.25).unwrap();
    assert_eq!((layout(&params, net.skip()), layout(&params, net.first())), (skip, first));
    // The others are left.
    let others = |params: &Params<f64>| -> Vec<u64> {
        let left = params.iter().filter(|param| ![net.skip(), net.first()].contains(&param.id));
        left.flat_map(|param| bits(param.values)).collect()
    };
    assert_eq!(others(&params), others(&before));
}

#[test]
fn it_is_a_module_of_both() {
    let (net, params) = net(10.0);
    let rows = data(7, 1);
    let names: Vec<_> = params.iter().map(|param| param.name).collect();
    assert_eq!(names, ["deep.0.weight", "deep.0.bias", "deep.2.weight", "deep.2.bias", "skip.weight"]);
    let described = net.describe();
    assert_eq!((described.widths, described.count(), net.m()), (Some((6, 1)), 6 * 10 + 10 + 10 + 1 + 6, 10.0));
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let together = net.forward(graph.input(&rows.x())).to_array();
    let mut alone = Params::new();
    let deep = deep().build(alone.root(), &mut rng(9)).unwrap();
    alone.as_mut_slice().copy_from_slice(&params.as_slice()[..81]);
    let skip = params.get(net.skip()).into_dimensionality::<Ix2>().unwrap();
    let expected = rows.x().dot(&skip.t()) + deep.predict(&alone, rows.x()).unwrap();
    assert!(together.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-13));
}

/// What is left of a point is the same function, is trained on, saved, and predicts.
#[test]
fn what_was_selected_is_shrunk_refitted_and_deployed() {
    let (net, path) = path(&path_options(1.3, options(10, 20))).unwrap();
    let (train, test) = (data(80, 1), data(30, 4));
    let output = |net: &LassoNet<f64>, params: &Params<f64>, rows: &Dataset<f64>| {
        let mut tape = Tape::new();
        net.forward(tape.record(params).input(&rows.x())).to_array()
    };
    let counts: Vec<_> = path.points.iter().map(|point| point.features.len()).collect();
    for range in [1..4, 0..1] {
        let place = counts.iter().position(|count| range.contains(count)).unwrap();
        let (point, wanted) = (&path.points[place], counts[place]);
        let (small, mut params, report) = net.shrink(&point.params).unwrap();
        let kept = if wanted == 0 { vec![0] } else { point.features.clone() };
        assert_eq!((&report.inputs, report.dead_inputs.len()), (&kept, 6 - wanted));
        assert_eq!(report.parameters, (net.describe().count(), params.as_slice().len()));
        assert_eq!(small.features(&params).len(), wanted);
        let (train, test_kept) = (train.select_features(&kept).unwrap(), test.select_features(&kept).unwrap());
        let (before, after) = (output(&net, &point.params, &test), output(&small, &params, &test_kept));
        assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-12));

        let mut sgd = sgd(&params, 1e-3, 0.9);
        let mut trainer = Trainer::new(&small, &mut params, &mut sgd, options(40, 20)).unwrap();
        trainer.fit(&train, &mut rng(5)).unwrap();
        assert!(wanted == 0 || trainer.evaluate(&train).unwrap().loss < 0.9 * point.train_loss);
        drop(trainer);

        let (model, weights) = small.to_sequential(&params).unwrap();
        let file = std::env::temp_dir().join(format!("wane-lasso-net-{wanted}-{}.wane", std::process::id()));
        save_model(&file, &model, &weights, &ModelCard::default()).unwrap();
        let mut predictor: Predictor<f64> = load_model(&file).unwrap();
        std::fs::remove_file(file).unwrap();
        let (y, expected) = (predictor.predict(test_kept.x()).unwrap(), output(&small, &params, &test_kept));
        assert!(y.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-13));
    }
    net.shrink(&Params::new()).unwrap_err();
    net.to_sequential(&Params::new()).unwrap_err();
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let new = |deep: SequentialBuilder<f64>, m| {
        let mut params = Params::new();
        let error = LassoNet::new(params.root(), deep, m, &mut rng(1)).unwrap_err().to_string();
        assert!(params.is_empty());
        error
    };
    assert_eq!(new(deep(), f64::NAN), "LassoNet m is NaN; expected a finite number, 0 or above");
    assert_eq!(
        new(Sequential::new().layer_norm(6).linear(6, 1), 1.0),
        "LassoNet deep is a network that begins with LayerNorm(eps=1e-5); expected a network that begins with a linear layer"
    );
    assert_eq!(
        new(Sequential::new(), 1.0),
        "LassoNet deep is empty; expected a network that begins with a linear layer"
    );

    let said = |options| path(&options).unwrap_err().to_string();
    let defaults = || options(1, 80);
    assert_eq!(said(path_options(1.0, defaults())), "multiplier is 1; expected a finite number above 1");
    assert_eq!(said(path_options(f64::NAN, defaults())), "multiplier is NaN; expected a finite number above 1");
    let start = |start| LassoNetPathOptions { lambda_start: Some(start), ..path_options(2.0, defaults()) };
    assert_eq!(said(start(0.0)), "lambda_start is 0; expected a number above 0");
    assert_eq!(said(start(-1.0)), "lambda_start is -1; expected a finite number, 0 or above");
    assert_eq!(
        said(path_options(2.0, TrainerOptions { clip_norm: Some(1.0), ..defaults() })),
        "clip_norm is given; expected none: LassoNet's penalty would not be clipped with it"
    );
    let refused = [
        ("plateau", TrainerOptions { plateau: Some(PlateauOptions::default()), ..defaults() }),
        ("clip_value", TrainerOptions { clip_value: Some(1.0), ..defaults() }),
    ];
    for (field, options) in refused {
        assert!(said(path_options(2.0, options)).starts_with(&format!("{field} is given; expected none: ")));
    }
    assert_eq!(
        said(path_options(2.0, TrainerOptions { ema: Some(0.9), ..defaults() })),
        "ema is given; expected none: an average of weights has no exact zeros"
    );
}

#[test]
fn optimizers_and_weights_that_do_not_fit_are_refused_by_name() {
    let rows = data(20, 1);
    let (net, params) = net(10.0);
    let said = |mut params: Params<f64>, groups: Vec<Group<f64, SgdOptions>>, options: SgdOptions| {
        let sgd = Sgd::new(options).unwrap();
        let mut sgd = groups.into_iter().fold(sgd, |sgd, group| sgd.group(group).unwrap());
        let options = path_options(2.0, super::options(1, 20));
        let before = bits(params.as_slice());
        let error = net.path(&mut params, &mut sgd, &options, (&rows, &rows), &mut rng(1)).unwrap_err();
        assert_eq!(bits(params.as_slice()), before);
        error.to_string()
    };
    let (plain, all) = (SgdOptions { lr: 0.01, ..Default::default() }, || Group::all(&params));
    let error = said(params.clone(), vec![Group::new(&[net.skip()])], plain);
    assert!(error.contains("an optimizer of both, in groups"), "{error}");
    let others: Vec<_> = params.ids().into_iter().filter(|&id| id != net.skip()).collect();
    let error = said(params.clone(), vec![Group::new(&[net.skip()]).lr(0.1), Group::new(&others)], plain);
    assert!(error.starts_with("options of the first layer's group is others"), "{error}");
    let error = said(params.clone(), vec![all()], SgdOptions { maximize: true, ..plain });
    assert_eq!(error, "maximize is true; expected false: LassoNet's path minimises");
    let error = said(params.clone(), vec![all()], SgdOptions { lr: 0.0, ..plain });
    assert_eq!(error, "lr·(1 − dampening)/(1 − momentum) is 0; expected a finite number above 0");
    let mut zeros = params.clone();
    zeros.as_mut_slice().fill(0.0);
    let error = said(zeros, vec![all()], plain);
    assert!(error.contains("zero for every feature"), "{error}");

    for id in [net.skip(), net.first()] {
        let mut frozen = params.clone();
        frozen.freeze(&[id]).unwrap();
        let told = format!("{:?} is frozen; expected one to train, as LassoNet's penalty moves it", params.name(id));
        assert_eq!(said(frozen.clone(), vec![all()], plain), told);
        let before = bits(frozen.as_slice());
        assert_eq!(net.prox(&mut frozen, 0.1, 0.1).unwrap_err().to_string(), told);
        assert_eq!(bits(frozen.as_slice()), before);
    }
    let mut strangers = Params::<f64>::new();
    Sequential::new().linear(6, 1).build(strangers.root(), &mut rng(1)).unwrap();
    net.prox(&mut strangers, 0.1, 0.1).unwrap_err();
    let error = net.prox(&mut params.clone(), f64::NAN, 0.1).unwrap_err().to_string();
    assert_eq!(error, "HierProx lambda is NaN; expected a finite number, 0 or above");
}

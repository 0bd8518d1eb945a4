//! Each λ begins where the last one ended, ends at its own optimum, and is counted as it is.

use super::{bits, data, network, options, rng, violation};
use std::sync::Arc;
use wane_autodiff::{Error, ParamId, Params};
use wane_layers::{Sequential, SequentialBuilder};
use wane_optim::{Adam, AdamOptions, Group, PlateauOptions, Sgd, SgdOptions};
use wane_penalties::{GroupLasso, L1, Prox};
use wane_train::{
    Checkpoint, EarlyStopping, Every, Metric, Monitor, PathError, PathTrainer, TrainedPath, Trainer, TrainerOptions,
};

/// Adam with the first layer's weights in group 0.
fn adam(params: &Params<f64>, lr: f64) -> Adam<f64> {
    let (first, others) = params.partition(|param| param.name == "0.weight");
    let adam = Adam::new(AdamOptions { lr, ..Default::default() }).unwrap();
    adam.group(Group::new(&first)).unwrap().group(Group::new(&others)).unwrap()
}

fn trained(lambdas: &[f64], options: TrainerOptions) -> Result<TrainedPath<f64>, Error> {
    let (model, mut params) = network(1);
    let mut adam = adam(&params, 0.02);
    let mut path = PathTrainer::new(&model, &mut params, &mut adam, options)?.prox(0, GroupLasso::columns)?;
    path.fit(lambdas, &data(60, 2), &data(40, 3), &mut rng(4)).map_err(PathError::into_error)
}

#[test]
fn every_point_of_a_linear_model_is_the_lasso() {
    let (train, validation) = (data(50, 1), data(30, 2));
    for lambdas in [[0.0, 0.2, 1.0, 6.0], [6.0, 1.0, 0.2, 0.0]] {
        let mut params = Params::new();
        let model = Sequential::new().linear(6, 1).build(params.root(), &mut rng(3)).unwrap();
        let (weight, bias) = params.partition(|param| param.name == "0.weight");
        let sgd = Sgd::new(SgdOptions { lr: 0.1, ..Default::default() }).unwrap();
        let mut sgd = sgd.group(Group::new(&weight)).unwrap().group(Group::new(&bias)).unwrap();
        let path = PathTrainer::new(&model, &mut params, &mut sgd, options(600, 50))
            .unwrap()
            .prox(0, L1::new)
            .unwrap()
            .fit(&lambdas, &train, &validation, &mut rng(4))
            .unwrap();
        assert!(path.layers.is_empty());
        for (point, lambda) in path.points.iter().zip(lambdas) {
            let &[ref w @ .., b] = point.params.as_slice() else { panic!("a model of one output has a bias") };
            assert!(violation(&train, (w, b), lambda) < 1e-10, "λ = {lambda}: {w:?}");
            let live: Vec<_> = (0..6).filter(|&j| w[j] != 0.0).collect();
            assert_eq!((point.lambda, &point.features), (lambda, &live));
            assert_eq!(point.zeros, 6 - live.len());
            assert!(w.iter().all(|w| w.to_bits() != (-0.0_f64).to_bits()));
        }
        assert_eq!(path.at(6.0).unwrap().features.len(), 0);
        assert_eq!(path.at(1.0).unwrap().features, [0, 1]);
    }
}

#[test]
fn a_point_begins_where_the_last_one_ended() {
    let (train, validation) = (data(60, 2), data(40, 3));
    let path = trained(&[0.0, 0.05, 0.4], options(4, 16)).unwrap();

    let (model, mut params) = network(1);
    let (mut adam, mut rng) = (adam(&params, 0.02), rng(4));
    for point in &path.points {
        let term: Arc<dyn Prox<f64>> = Arc::new(GroupLasso::columns(point.lambda).unwrap());
        adam.set_prox(0, Some(term)).unwrap();
        let mut trainer = Trainer::new(&model, &mut params, &mut adam, options(4, 16)).unwrap();
        trainer.fit(&train, &mut rng).unwrap();
        let losses = [trainer.evaluate(&train), trainer.evaluate(&validation)].map(|of| of.unwrap().loss);
        assert_eq!(bits(&losses), bits(&[point.train_loss, point.validation_loss]));
        assert_eq!(bits(point.params.as_slice()), bits(trainer.params().as_slice()));
        assert_eq!(point.epochs, 4);
    }
}

#[test]
fn features_and_neurons_that_live_are_counted() {
    let path = trained(&[0.0, 0.1, 0.2, 100.0], options(60, 20)).unwrap();
    assert_eq!(path.layers, [0, 2]);
    let first = |params: &Params<f64>| -> ParamId { params.id("0.weight").unwrap() };
    for point in &path.points {
        let weight = point.params.get(first(&point.params));
        let live = |axis| weight.axis_iter(wane_autodiff::ndarray::Axis(axis)).map(|w| w.iter().any(|&w| w != 0.0));
        let features: Vec<_> = live(1).enumerate().filter(|&(_, is_live)| is_live).map(|(j, _)| j).collect();
        assert_eq!(point.features, features);
        assert_eq!(point.neurons[0], live(0).filter(|&is_live| is_live).count());
        assert_eq!(point.zeros, point.params.as_slice().iter().filter(|&&w| w == 0.0).count());
    }
    let counts: Vec<_> = path.points.iter().map(|point| (point.features.len(), point.neurons.clone())).collect();
    assert_eq!(counts[0], (6, vec![12, 8]));
    assert!((1..6).contains(&counts[2].0) && path.points[2].features[..2] == [0, 1], "{counts:?}");
    // Nothing comes into the second layer either, though its own weights are not zero.
    assert_eq!(counts[3], (0, vec![0, 0]));
}

/// Ended early or not, a λ ends at the minimum of loss + penalty: what is watched has the penalty in it, and no weights of
/// before come back.
#[test]
fn neurons_and_features_that_cant_be_told_are_not_made_up() {
    let counted = |builder: SequentialBuilder<f64>| {
        let mut params = Params::new();
        let model = builder.build(params.root(), &mut rng(1)).unwrap();
        let weights = params.matching("*.weight").unwrap();
        let matrices: Vec<_> = weights.into_iter().filter(|&id| params.get(id).ndim() == 2).collect();
        let sgd = Sgd::new(SgdOptions::default()).unwrap().group(Group::new(&matrices)).unwrap();
        let (rows, mut sgd) = (data(20, 1), sgd);
        let mut path = PathTrainer::new(&model, &mut params, &mut sgd, options(1, 20)).unwrap();
        path = path.prox(0, L1::new).unwrap();
        let path = path.fit(&[1e9], &rows, &rows, &mut rng(1)).unwrap();
        let untouched: Vec<_> = path.untouched.iter().map(|&(layer, _)| layer).collect();
        (path.layers, path.points[0].neurons.clone(), path.points[0].features.len(), untouched)
    };
    // Every weight is zero.
    let plain = Sequential::new().linear(6, 4).relu().linear(4, 3).linear(3, 1);
    assert_eq!(counted(plain), (vec![0, 2], vec![0, 0], 0, vec![]));
    let normed = Sequential::new().linear(6, 4).layer_norm(4).linear(4, 3).relu().linear(3, 1);
    assert_eq!(counted(normed), (vec![2], vec![0], 0, vec![1]));
    let begins_so = Sequential::new().layer_norm(6).linear(6, 4).relu().linear(4, 1);
    assert_eq!(counted(begins_so), (vec![1], vec![0], 6, vec![0]));
}

#[test]
fn early_stopping_ends_at_the_minimum() {
    let train = data(50, 1);
    let early_stopping = Some(EarlyStopping { patience: 2, ..Default::default() });
    for lambdas in [[0.0, 0.2, 0.4, 0.5], [1.0, 0.9, 0.4, 0.2]] {
        let mut params = Params::new();
        let model = Sequential::new().linear(6, 1).build(params.root(), &mut rng(3)).unwrap();
        let (weight, bias) = params.partition(|param| param.name == "0.weight");
        let sgd = Sgd::new(SgdOptions { lr: 0.1, ..Default::default() }).unwrap();
        let mut sgd = sgd.group(Group::new(&weight)).unwrap().group(Group::new(&bias)).unwrap();
        let options = TrainerOptions { early_stopping, ..options(5000, 50) };
        let path = PathTrainer::new(&model, &mut params, &mut sgd, options)
            .unwrap()
            .prox(0, L1::new)
            .unwrap()
            .fit(&lambdas, &train, &train, &mut rng(4))
            .unwrap();
        for point in &path.points {
            let &[ref w @ .., b] = point.params.as_slice() else { panic!("a model of one output has a bias") };
            let off = violation(&train, (w, b), point.lambda);
            assert!(off < 1e-6 && point.epochs < 2000, "λ = {}: off by {off}, {} epochs", point.lambda, point.epochs);
        }
    }
}

#[test]
fn a_path_leaves_the_terms_of_the_groups_as_they_were() {
    let (model, mut params) = network(1);
    let rows = data(20, 1);
    for term in [None, Some(Arc::new(L1::new(0.5).unwrap()) as Arc<dyn Prox<f64>>)] {
        let mut adam = adam(&params, 0.02);
        adam.set_prox(0, term.clone()).unwrap();
        for lambdas in [&[0.1, 0.2][..], &[0.1, 0.9]] {
            let mut path = PathTrainer::new(&model, &mut params, &mut adam, options(1, 20)).unwrap();
            path = path.prox(0, |lambda| GroupLasso::columns(0.5 - lambda)).unwrap();
            assert_eq!(path.fit(lambdas, &rows, &rows, &mut rng(1)).is_err(), lambdas[1] == 0.9);
            drop(path);
            let names = [adam.groups()[0].prox(), term.as_ref()].map(|prox| prox.map(|prox| prox.name()));
            assert_eq!(names[0], names[1]);
        }
    }
}

#[test]
fn what_was_found_before_an_error_is_not_lost() {
    let (model, mut params) = network(1);
    let mut adam = adam(&params, 0.02);
    let (train, validation) = (data(60, 2), data(40, 3));
    let mut path = PathTrainer::new(&model, &mut params, &mut adam, options(4, 16)).unwrap();
    path = path.prox(0, |lambda| GroupLasso::columns(if lambda < 0.3 { lambda } else { f64::NAN })).unwrap();
    let error = path.fit(&[0.0, 0.1, 0.4], &train, &validation, &mut rng(4)).unwrap_err();
    let told = "lambda 0.4: GroupLasso lambda is NaN; expected a finite number, 0 or above";
    assert_eq!((error.to_string(), error.error().to_string(), error.points().len()), (told.into(), told.into(), 2));
    let whole = trained(&[0.0, 0.1], options(4, 16)).unwrap();
    assert_eq!(bits(whole.points[1].params.as_slice()), bits(error.points()[1].params.as_slice()));
    assert_eq!(error.into_path().unwrap().to_csv(), whole.to_csv());
    assert!(path.fit(&[], &train, &validation, &mut rng(4)).unwrap_err().into_path().is_none());
}

#[test]
fn the_best_is_by_validation_and_the_sparsest_near_it() {
    let mut path = trained(&[0.0, 0.1, 0.2, 0.4], options(20, 20)).unwrap();
    let mut set = |values: [(f64, usize, usize); 4]| {
        for (point, (loss, features, zeros)) in path.points.iter_mut().zip(values) {
            (point.validation_loss, point.features, point.zeros) = (loss, (0..features).collect(), zeros);
        }
        let near = |tolerance| path.sparsest_within(tolerance).unwrap().lambda;
        (path.best().lambda, near(0.1), near(1.0))
    };
    assert_eq!(set([(1.0, 6, 0), (1.05, 5, 9), (1.9, 5, 10), (2.1, 1, 0)]), (0.0, 0.1, 0.2));
    // Of equals, the sparser.
    assert_eq!(set([(1.0, 6, 0), (1.0, 6, 1), (1.0, 5, 0), (3.0, 1, 0)]), (0.2, 0.2, 0.2));
    // Losses below 0, such as a likelihood's.
    assert_eq!(set([(-1.0, 6, 0), (-0.95, 5, 0), (-0.5, 4, 0), (0.5, 1, 0)]), (0.0, 0.1, 0.2));
    assert_eq!(set([(f64::NAN, 0, 0), (f64::INFINITY, 3, 0), (2.0, 4, 0), (f64::NAN, 1, 0)]), (0.2, 0.2, 0.2));
    assert_eq!(set([(f64::NAN, 3, 0), (f64::INFINITY, 3, 0), (f64::INFINITY, 2, 0), (f64::NAN, 1, 0)]).0, 0.2);
    assert_eq!(set([(f64::NAN, 3, 0); 4]), (0.0, 0.0, 0.0));
    let refused = path.sparsest_within(-0.1).unwrap_err().to_string();
    assert_eq!(refused, "tolerance is -0.1; expected a finite number, 0 or above");
    let refused = path.at(0.3).unwrap_err().to_string();
    assert_eq!(refused, "lambda is 0.3; expected one of the path's: 0, 0.1, 0.2, 0.4");
}

#[test]
fn a_table_has_a_line_for_each_lambda() {
    let options = TrainerOptions { metrics: vec![Metric::Mae, Metric::R2], ..options(3, 20) };
    let path = trained(&[0.0, 50.0], options).unwrap();
    let csv = path.to_csv();
    let mut lines = csv.lines();
    let names =
        "lambda,epochs,train_loss,validation_loss,validation_mae,validation_r2,zeros,features,neurons_0,neurons_2";
    assert_eq!(lines.next(), Some(names));
    for point in &path.points {
        let numbers: Vec<f64> = lines.next().unwrap().split(',').map(|number| number.parse().unwrap()).collect();
        let (metrics, count) = (&point.validation_metrics, |count: usize| count as f64);
        let losses =
            [point.lambda, count(point.epochs), point.train_loss, point.validation_loss, metrics[0], metrics[1]];
        let counts = [point.zeros, point.features.len(), point.neurons[0], point.neurons[1]].map(count);
        assert_eq!(bits(&numbers), bits(&[&losses[..], &counts[..]].concat()));
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn what_is_no_path_is_refused_by_name() {
    let said = |lambdas: &[f64]| trained(lambdas, options(1, 60)).unwrap_err().to_string();
    assert_eq!(said(&[]), "number of lambdas is 0; expected at least 1");
    assert_eq!(said(&[0.1, f64::NAN]), "lambdas[1] is NaN; expected a finite number, 0 or above");
    assert_eq!(said(&[0.1, -0.2]), "lambdas[1] is -0.2; expected a finite number, 0 or above");
    assert_eq!(said(&[0.1, 0.2, 0.15]), "lambdas[2] is 0.15; expected above 0.2, as the path rises");
    assert_eq!(said(&[0.3, 0.2, 0.2]), "lambdas[2] is 0.2; expected below 0.2, as the path falls");
    assert_eq!(said(&[0.3, 0.3]), "lambdas[1] is 0.3; expected below 0.3, as the path falls");

    let refused = |options| trained(&[0.1], options).unwrap_err().to_string();
    assert_eq!(refused(options(0, 60)), "epochs is 0; expected at least 1");
    let checkpoint = Some(Checkpoint { path: "unused".into(), every: Every::Epochs(1) });
    let told = "checkpoint is given; expected none: a path returns its points";
    assert_eq!(refused(TrainerOptions { checkpoint, ..options(1, 60) }), told);
    let told = "ema is given; expected none: an average of weights has no exact zeros";
    assert_eq!(refused(TrainerOptions { ema: Some(0.9), ..options(1, 60) }), told);
    let told = "plateau is given; expected none: each λ begins at the groups' own rates";
    assert_eq!(refused(TrainerOptions { plateau: Some(PlateauOptions::default()), ..options(1, 60) }), told);
    let told = "clip_value is given; expected none: what is clipped so has its minimum elsewhere";
    assert_eq!(refused(TrainerOptions { clip_value: Some(1.0), ..options(1, 60) }), told);
    let early_stopping = Some(EarlyStopping { monitor: Monitor::TrainLoss, ..Default::default() });
    let told = "early_stopping monitor is train_loss; expected validation_loss, to which a path adds its penalty";
    assert_eq!(refused(TrainerOptions { early_stopping, ..options(1, 60) }), told);
}

#[test]
fn groups_that_do_not_fit_are_refused_by_name() {
    let (model, mut params) = network(1);
    let mut adam = adam(&params, 0.02);
    let rows = data(20, 1);
    let mut path = PathTrainer::new(&model, &mut params, &mut adam, options(1, 20)).unwrap();
    let error = path.fit(&[0.1], &rows, &rows, &mut rng(1)).unwrap_err().to_string();
    assert_eq!(error, "groups with a penalty is none; expected at least one, given by prox");
    let error = path.prox(2, GroupLasso::columns).unwrap_err().to_string();
    assert_eq!(error, "group of the penalty is 2; expected a number below 2, the number of groups");
    let path = PathTrainer::new(&model, &mut params, &mut adam, options(1, 20)).unwrap();
    let path = path.prox(0, GroupLasso::columns).unwrap();
    let error = path.prox(0, GroupLasso::rows).unwrap_err().to_string();
    assert_eq!(error, "group of the penalty is 0, given twice; expected each group once");

    // A penalty that can't be made, or is not one of that parameter, says at which λ.
    let mut path = PathTrainer::new(&model, &mut params, &mut adam, options(1, 20)).unwrap();
    path = path.prox(0, |lambda| GroupLasso::rows(0.5 - lambda)).unwrap();
    let error = path.fit(&[0.25, 1.0], &rows, &rows, &mut rng(1)).unwrap_err().to_string();
    assert_eq!(error, "lambda 1: GroupLasso lambda is -0.5; expected a finite number, 0 or above");
    drop(path);
    let mut path = PathTrainer::new(&model, &mut params, &mut adam, options(1, 20)).unwrap();
    path = path.prox(1, GroupLasso::columns).unwrap();
    let error = path.fit(&[0.25], &rows, &rows, &mut rng(1)).unwrap_err().to_string();
    assert!(error.starts_with("lambda 0.25: ") && error.contains("0.bias"), "{error}");
}

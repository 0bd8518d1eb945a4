//! Class weights, ignored labels, and what a chart can't show.

use crate::common::{classification, place};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Classes, CrossEntropyOptions, Params, Rng, Tape};
use wane_data::Dataset;
use wane_layers::{Module, Sequential};
use wane_optim::{Group, Sgd, SgdOptions};
use wane_train::{EarlyStopping, History, Trainer, TrainerOptions};

/// The history of training for `epochs` on `data` at a rate of `lr`, by one starting point.
fn trained(data: &Dataset<f64>, batch_size: usize, lr: f64, cross_entropy: CrossEntropyOptions) -> History {
    let (mut rng, mut params) = (Rng::seed_from_u64(3), Params::<f64>::new());
    let model = Sequential::new().linear(2, 3).build(params.root(), &mut rng).unwrap();
    let options = SgdOptions { lr, ..Default::default() };
    let mut sgd = Sgd::new(options).unwrap().group(Group::all(&params)).unwrap();
    let options = TrainerOptions { epochs: 2, batch_size, cross_entropy, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut sgd, options).unwrap().validation(data);
    trainer.fit(data, &mut rng).unwrap();
    trainer.history().clone()
}

/// A weighted mean over all rows is the mean of the batches' means, each by the weight of its labels.
#[test]
fn the_loss_of_an_epoch_does_not_depend_on_the_batches() {
    let data = classification::<f64>(100, 5);
    let weights = CrossEntropyOptions::default().class_weights(&[1.0, 20.0, 0.25], 3).unwrap();
    let whole = trained(&data, 100, 0.0, weights.clone());
    for batch_size in [1, 7, 16] {
        let parts = trained(&data, batch_size, 0.0, weights.clone());
        let (parts, whole) = (&parts.epochs[0], &whole.epochs[0]);
        assert!((parts.train_loss - whole.train_loss).abs() < 1e-12, "{batch_size}");
        assert!((parts.validation_loss.unwrap() - whole.train_loss).abs() < 1e-12, "{batch_size}");
    }
}

#[test]
fn batches_without_a_label_are_passed_by() {
    let data = classification::<f64>(40, 6);
    let labels: Vec<i64> = (0..40).map(|row| if row < 37 { -1 } else { row % 3 }).collect();
    let sparse = Dataset::with_classes(data.x().to_owned(), Classes::with_ignored(&labels, 3, -1).unwrap()).unwrap();
    let history = trained(&sparse, 4, 0.1, CrossEntropyOptions::default());
    assert!(history.epochs.iter().all(|record| record.train_loss.is_finite()));
    assert!(history.epochs[1].train_loss < history.epochs[0].train_loss);

    let none = Classes::with_ignored(&[-1; 40], 3, -1).unwrap();
    let none = Dataset::with_classes(data.x().to_owned(), none).unwrap();
    let (mut rng, mut params) = (Rng::seed_from_u64(3), Params::<f64>::new());
    let model = Sequential::new().linear(2, 3).build(params.root(), &mut rng).unwrap();
    let mut sgd = Sgd::new(SgdOptions::default()).unwrap().group(Group::all(&params)).unwrap();
    let mut trainer = Trainer::new(&model, &mut params, &mut sgd, TrainerOptions::default()).unwrap();
    let error = trainer.fit(&none, &mut rng).unwrap_err().to_string();
    assert_eq!(error, "training data: labels is all ignored; expected a row with a label of some weight");
}

/// An error at the end of a run does not take the best weights with it.
#[test]
fn the_best_weights_survive_an_error() {
    let data = classification::<f64>(60, 7);
    let (mut rng, mut params) = (Rng::seed_from_u64(3), Params::<f64>::new());
    let model = Sequential::new().linear(2, 3).build(params.root(), &mut rng).unwrap();
    let options = SgdOptions { lr: 0.1, ..Default::default() };
    let mut sgd = Sgd::new(options).unwrap().group(Group::all(&params)).unwrap();
    let early = Some(EarlyStopping { patience: 100, min_delta: 0.0, ..Default::default() });
    let options = TrainerOptions { epochs: 50, early_stopping: early, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut sgd, options).unwrap().validation(&data);
    trainer = trainer.on_epoch(|end| match end.record.epoch {
        8 => Err(wane_autodiff::Error::data("epoch", 8, "another one")),
        _ => Ok(std::ops::ControlFlow::Continue(())),
    });
    assert!(trainer.fit(&data, &mut rng).is_err());
    let best = trainer.history().best().unwrap().validation_loss.unwrap();
    drop(trainer);
    let mut tape = Tape::new();
    let output = model.forward(tape.record(&params).input(&data.x()));
    assert!((output.cross_entropy_loss(data.classes()).item() - best).abs() < 1e-12);
}

#[cfg(feature = "plot")]
#[test]
fn what_a_chart_cannot_show_is_said_and_not_drawn_for_ever() {
    let mut history = trained(&classification::<f64>(30, 8), 10, 0.1, CrossEntropyOptions::default());
    let path = place("hostile.svg");
    history.epochs.iter_mut().for_each(|record| record.groups[0].weight_norm = f64::INFINITY);
    history.plot(&path).unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().contains("Weights: no finite number"));
    history.epochs[0].train_loss = f64::MAX;
    history.epochs[1].train_loss = -f64::MAX;
    let error = history.plot(&path).unwrap_err().to_string();
    assert!(error.contains("beyond what a chart can show"), "{error}");
}

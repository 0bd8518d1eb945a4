//! What early stopping and a plateau may watch, and which values of it are better.

use crate::common::{bits, network, place, regression};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Error, Params, Rng};
use wane_data::Dataset;
use wane_optim::{Better, Group, PlateauOptions, Sgd, SgdOptions};
use wane_train::{
    Checkpoint, EarlyStopping, EpochRecord, Every, History, Metric, Monitor, Stop, Trainer, TrainerOptions,
};

fn sgd(params: &Params<f64>) -> Sgd<f64> {
    Sgd::new(SgdOptions { lr: 0.1, ..Default::default() }).unwrap().group(Group::all(params)).unwrap()
}

fn plateau(mode: Better) -> PlateauOptions {
    PlateauOptions { mode, patience: 0, factor: 0.5, threshold: 0.02, eps: 0.0, ..Default::default() }
}

/// The value that is watched, read from a record by hand; metrics are R² and the mean absolute error.
fn watched(monitor: Monitor, record: &EpochRecord) -> f64 {
    match monitor {
        Monitor::ValidationLoss => record.validation_loss.unwrap(),
        Monitor::TrainLoss => record.train_loss,
        Monitor::Metric(Metric::R2) => record.validation_metrics[0],
        _ => record.validation_metrics[1],
    }
}

/// Training on rows whose target is y, validation on rows whose target is half of it: what is learnt is soon too much.
struct Run {
    stop: Result<Stop, Error>,
    history: History,
    weights: Vec<u64>,
}

fn run(options: TrainerOptions, resumed: bool) -> Run {
    let data = regression::<f64>(40, 1);
    let other = Dataset::new(data.x().to_owned(), data.y().mapv(|y| 0.5 * y)).unwrap();
    let mut rng = Rng::seed_from_u64(1);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut optimizer = sgd(&params);
    let path = options.checkpoint.as_ref().map(|checkpoint| checkpoint.path.clone());
    let options = TrainerOptions { metrics: vec![Metric::R2, Metric::Mae], ..options };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap().validation(&other);
    if resumed {
        trainer.resume(path.unwrap(), &mut rng).unwrap();
    }
    let stop = trainer.fit(&data, &mut rng);
    Run { stop, history: trainer.history().clone(), weights: bits(trainer.params().as_slice()) }
}

const MONITORS: [Monitor; 4] =
    [Monitor::ValidationLoss, Monitor::TrainLoss, Monitor::Metric(Metric::R2), Monitor::Metric(Metric::Mae)];

#[test]
fn early_stopping_watches_what_it_is_told_to() {
    for monitor in MONITORS {
        let (patience, min_delta) = (3, if monitor == Monitor::TrainLoss { 1e-3 } else { 0.0 });
        let early = EarlyStopping { patience, min_delta, monitor };
        let early = TrainerOptions { epochs: 300, early_stopping: Some(early), ..Default::default() };
        let Run { stop, history, weights } = run(early, false);
        assert_eq!(stop.unwrap(), Stop::Early, "{monitor}");
        let values: Vec<f64> = history.epochs.iter().map(|record| watched(monitor, record)).collect();
        let sign = if monitor == Monitor::Metric(Metric::R2) { -1.0 } else { 1.0 };
        let mut best = 0;
        for epoch in 1..values.len() {
            if sign * values[epoch] < sign * values[best] - min_delta {
                best = epoch;
            }
        }
        assert!(best > 0, "{monitor}: {values:?}");
        assert_eq!(values.len(), best + 1 + 4, "{monitor}: {values:?}");
        let straight = run(TrainerOptions { epochs: best + 1, ..Default::default() }, false);
        assert_eq!(weights, straight.weights, "{monitor}: the weights of epoch {}", best + 1);
    }
}

#[test]
fn a_plateau_watches_what_it_is_told_to() {
    let mut rates = Vec::new();
    for plateau_monitor in MONITORS {
        let mode = plateau_monitor.better();
        let options =
            TrainerOptions { epochs: 30, plateau: Some(plateau(mode)), plateau_monitor, ..Default::default() };
        let Run { history, .. } = run(options, false);
        let (mut best, mut lr) = (None::<f64>, 0.1);
        for record in &history.epochs {
            assert_eq!(record.groups[0].lr, lr, "{plateau_monitor}, epoch {}", record.epoch);
            let value = watched(plateau_monitor, record);
            let is_better = best.is_none_or(|best| match mode {
                Better::Min => value < best * (1.0 - 0.02),
                Better::Max => value > best * (1.0 + 0.02),
            });
            if is_better { best = Some(value) } else { lr *= 0.5 }
        }
        assert!(lr < 0.1, "{plateau_monitor}");
        rates.push(history.epochs.iter().map(|record| record.groups[0].lr.to_bits()).collect::<Vec<_>>());
    }
    rates.sort();
    rates.dedup();
    assert!(rates.len() > 1, "the monitors are told apart");
}

#[test]
fn a_run_with_monitors_goes_on_bit_for_bit() {
    for (number, monitor) in MONITORS.into_iter().enumerate() {
        let options = |epochs, checkpoint: Option<Checkpoint>| TrainerOptions {
            epochs,
            early_stopping: Some(EarlyStopping { patience: 4, min_delta: 1e-3, monitor }),
            plateau: Some(plateau(monitor.better())),
            plateau_monitor: monitor,
            checkpoint,
            ..Default::default()
        };
        let straight = run(options(60, None), false);
        for broken_off in [1, 2, 5, straight.history.epochs.len()] {
            let path = place(&format!("monitor-{number}-{broken_off}"));
            let checkpoint = Some(Checkpoint { path, every: Every::Epochs(1) });
            run(options(broken_off, checkpoint.clone()), false);
            let resumed = run(options(60, checkpoint), true);
            assert_eq!(resumed.weights, straight.weights, "{monitor}, {broken_off}");
            assert_eq!(resumed.history.to_json(), straight.history.to_json(), "{monitor}, {broken_off}");
            assert_eq!(resumed.stop.unwrap(), *straight.stop.as_ref().unwrap());
        }
    }
}

#[test]
fn a_value_that_is_nan_is_never_better_and_never_the_last_word() {
    // One row of validation has no R².
    let data = regression::<f64>(20, 1);
    let one = data.select(&[0]).unwrap();
    let mut rng = Rng::seed_from_u64(1);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut optimizer = sgd(&params);
    let early = Some(EarlyStopping { patience: 2, monitor: Monitor::Metric(Metric::R2), ..Default::default() });
    let options = TrainerOptions { epochs: 9, metrics: vec![Metric::R2], early_stopping: early, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap().validation(&one);
    assert_eq!(trainer.fit(&data, &mut rng).unwrap(), Stop::Early);
    assert_eq!(trainer.history().epochs.len(), 4);
}

#[test]
fn what_cannot_be_watched_is_refused_by_name() {
    let refusal = |change: fn(&mut TrainerOptions)| {
        let mut options = TrainerOptions { epochs: 1, metrics: vec![Metric::R2, Metric::Mae], ..Default::default() };
        change(&mut options);
        let mut rng = Rng::seed_from_u64(1);
        let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
        let mut optimizer = sgd(&params);
        let result = Trainer::new(&model, &mut params, &mut optimizer, options);
        result.and_then(|mut trainer| trainer.fit(&regression(20, 1), &mut rng)).map_err(|error| error.to_string())
    };
    let unmeasured = refusal(|o| {
        o.early_stopping = Some(EarlyStopping { monitor: Monitor::Metric(Metric::Rmse), ..Default::default() });
    });
    let expected = "early_stopping monitor is rmse; expected a loss, or one of metrics, which has [r2, mae]";
    assert_eq!(unmeasured.unwrap_err(), expected);
    let unmeasured = refusal(|o| {
        (o.plateau, o.plateau_monitor) = (Some(plateau(Better::Min)), Monitor::Metric(Metric::Rmse));
    });
    let expected = "plateau_monitor is rmse; expected a loss, or one of metrics, which has [r2, mae]";
    assert_eq!(unmeasured.unwrap_err(), expected);
    let wrong_way = refusal(|o| {
        (o.plateau, o.plateau_monitor) = (Some(plateau(Better::Min)), Monitor::Metric(Metric::R2));
    });
    assert_eq!(wrong_way.unwrap_err(), "plateau mode is Min; expected Max, as plateau_monitor is validation_r2");
    let wrong_way = refusal(|o| o.plateau = Some(plateau(Better::Max)));
    assert_eq!(wrong_way.unwrap_err(), "plateau mode is Max; expected Min, as plateau_monitor is validation_loss");
    let no_validation = refusal(|o| {
        o.early_stopping = Some(EarlyStopping { monitor: Monitor::Metric(Metric::R2), ..Default::default() });
    });
    let expected = "early_stopping is given without validation data; expected validation(&data) to watch";
    assert_eq!(no_validation.unwrap_err(), expected);
    // The training loss is there without.
    let trains = refusal(|o| {
        o.early_stopping = Some(EarlyStopping { monitor: Monitor::TrainLoss, ..Default::default() });
        (o.plateau, o.plateau_monitor) = (Some(plateau(Better::Min)), Monitor::TrainLoss);
    });
    assert_eq!(trains, Ok(Stop::Epochs));
}

#[test]
fn a_checkpoint_of_other_monitors_is_refused_by_name() {
    let options = |early, plateau_monitor| TrainerOptions {
        epochs: 2,
        metrics: vec![Metric::R2],
        early_stopping: Some(EarlyStopping { monitor: early, ..Default::default() }),
        plateau: Some(plateau(Better::Min)),
        plateau_monitor,
        ..Default::default()
    };
    let data = regression::<f64>(20, 1);
    let mut rng = Rng::seed_from_u64(1);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut optimizer = sgd(&params);
    let usual = options(Monitor::ValidationLoss, Monitor::TrainLoss);
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, usual).unwrap().validation(&data);
    trainer.fit(&data, &mut rng).unwrap();
    let path = place("other-monitors");
    trainer.save(&path, &rng).unwrap();
    drop(trainer);
    for (early, plateau, expected) in [
        (
            Monitor::Metric(Metric::R2),
            Monitor::TrainLoss,
            "early_stopping monitor is validation_loss; expected validation_r2, as in the trainer's options",
        ),
        (
            Monitor::ValidationLoss,
            Monitor::ValidationLoss,
            "plateau_monitor is train_loss; expected validation_loss, as in the trainer's options",
        ),
    ] {
        let mut trainer =
            Trainer::new(&model, &mut params, &mut optimizer, options(early, plateau)).unwrap().validation(&data);
        let error = trainer.resume(&path, &mut rng).unwrap_err().to_string();
        assert_eq!(error, format!("{path:?}: {expected}"));
    }
}

//! The trainer against the bare loop, and where it stops.

use crate::common::{bits, classification, network, place, regression};
use std::ops::ControlFlow;
use wane_autodiff::ndarray::array;
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Loss, Params, Rng, Tape};
use wane_data::{Batches, Dataset};
use wane_layers::{Module, Sequential};
use wane_optim::{
    AdamW, AdamWOptions, Ema, Group, PlateauOptions, Schedule, Sgd, SgdOptions, clip_grad_norm, clip_grad_value,
};
use wane_penalties::{L1, L2};
use wane_train::{Advance, Checkpoint, EarlyStopping, Every, Metric, Stop, Trainer, TrainerOptions};

fn sgd(params: &Params<f64>, lr: f64) -> Sgd<f64> {
    Sgd::new(SgdOptions { lr, ..Default::default() }).unwrap().group(Group::all(params)).unwrap()
}

#[test]
fn the_trainer_is_the_bare_loop_for_numbers() {
    let data = regression::<f32>(37, 1);
    let schedule = || Schedule::cosine(20, 0.1).unwrap();
    let (l1, l2) = (L1::new(1e-3).unwrap(), L2::new(1e-2).unwrap());
    let build = |params: &Params<f32>| {
        let options = AdamWOptions { lr: 0.01, ..Default::default() };
        AdamW::new(options).unwrap().decay_matrices_only(params).unwrap().schedule(schedule()).unwrap()
    };

    let mut rng = Rng::seed_from_u64(4);
    let (model, mut params) = network::<f32>(1, 0.3, &mut rng);
    let (ids, mut optimizer) = (params.ids(), build(&params));
    let mut ema = Ema::new(&params, 0.9).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let mut batches = Batches::new(&data, 8).unwrap();
    for _ in 0..6 {
        let mut epoch = batches.epoch(&mut rng);
        while let Some(batch) = epoch.next() {
            let graph = tape.record(&params).training(&mut rng);
            let loss = model.forward(graph.input(&batch.x())).huber_loss(graph.input(&batch.y()), 0.5)
                + graph.penalty(&l1, &ids[..1])
                + graph.penalty(&l2, &ids);
            loss.backward(&mut grads);
            clip_grad_norm(&mut grads, 0.2).unwrap();
            clip_grad_value(&mut grads, 0.05).unwrap();
            optimizer.step(&mut params, &grads).unwrap();
            ema.update(&params).unwrap();
            optimizer.advance().unwrap();
        }
    }

    let mut again = Rng::seed_from_u64(4);
    let (model, mut trained) = network::<f32>(1, 0.3, &mut again);
    let mut optimizer = build(&trained);
    let options = TrainerOptions {
        epochs: 6,
        batch_size: 8,
        loss: Loss::Huber(0.5),
        clip_norm: Some(0.2),
        clip_value: Some(0.05),
        advance: Advance::Batch,
        ema: Some(0.9),
        metrics: vec![Metric::Mae],
        ..Default::default()
    };
    let mut trainer = Trainer::new(&model, &mut trained, &mut optimizer, options).unwrap();
    trainer = trainer.penalty(&l1, &ids[..1]).penalty(&l2, &ids).validation(&data);
    assert_eq!(trainer.fit(&data, &mut again).unwrap(), Stop::Epochs);
    assert_eq!(bits(trainer.params().as_slice()), bits(params.as_slice()));
    assert_eq!(bits(trainer.into_ema().unwrap().as_slice()), bits(ema.as_slice()));
    assert_eq!(again, rng);
}

#[test]
fn the_trainer_is_the_bare_loop_for_classes() {
    let data = classification::<f64>(50, 1);
    let mut rng = Rng::seed_from_u64(4);
    let (model, mut params) = network::<f64>(3, 0.0, &mut rng);
    let mut optimizer = sgd(&params, 0.5);
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let mut batches = Batches::new(&data, 16).unwrap();
    for _ in 0..40 {
        let mut epoch = batches.sequential();
        while let Some(batch) = epoch.next() {
            let graph = tape.record(&params);
            model.forward(graph.input(&batch.x())).cross_entropy_loss(batch.classes()).backward(&mut grads);
            optimizer.step(&mut params, &grads).unwrap();
        }
    }

    let mut again = Rng::seed_from_u64(4);
    let (model, mut trained) = network::<f64>(3, 0.0, &mut again);
    let mut optimizer = sgd(&trained, 0.5);
    let metrics = vec![Metric::Accuracy, Metric::LogLoss];
    let options = TrainerOptions { epochs: 40, batch_size: 16, shuffle: false, metrics, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut trained, &mut optimizer, options).unwrap().validation(&data);
    trainer.fit(&data, &mut again).unwrap();
    let last = trainer.history().epochs.last().unwrap();
    let output = model.predict(&params, data.x()).unwrap();
    let accuracy = Metric::Accuracy.of(output.view(), data.target()).unwrap();
    assert_eq!(last.validation_metrics[0], accuracy);
    assert!(accuracy > 0.8, "{accuracy}");
    assert!((last.validation_metrics[1] - last.validation_loss.unwrap()).abs() < 1e-12);
    assert_eq!(bits(trainer.params().as_slice()), bits(params.as_slice()));
}

/// A model that has learnt what there is to learn and then only moves away.
#[test]
fn early_stopping_hands_out_the_best_and_goes_on_from_the_last() {
    let data = regression::<f64>(40, 1);
    let other = Dataset::new(data.x().to_owned(), data.y().mapv(|y| 0.5 * y)).unwrap();
    let run = |epochs: usize, early: Option<EarlyStopping>| {
        let mut rng = Rng::seed_from_u64(1);
        let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
        let mut optimizer = sgd(&params, 0.1);
        let options = TrainerOptions { epochs, early_stopping: early, ..Default::default() };
        let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap().validation(&other);
        let stop = trainer.fit(&data, &mut rng).unwrap();
        let weights = bits(trainer.params().as_slice());
        let losses: Vec<f64> = trainer.history().epochs.iter().map(|record| record.validation_loss.unwrap()).collect();
        // Called again, there is nothing to do, and nothing changes.
        assert_eq!(trainer.fit(&data, &mut rng).unwrap(), stop);
        assert_eq!(bits(trainer.params().as_slice()), weights);
        (stop, losses, weights)
    };
    let early = EarlyStopping { patience: 3, min_delta: 0.0, ..Default::default() };
    let (stop, losses, weights) = run(200, Some(early));
    assert_eq!(stop, Stop::Early);
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
    assert_eq!(losses.len(), best + 1 + 4, "{losses:?}");
    assert_eq!(weights, run(best + 1, None).2, "the weights of epoch {}", best + 1);
    assert_ne!(weights, run(losses.len(), None).2);

    // An improvement below min_delta is none.
    let (stop, losses, _) = run(200, Some(EarlyStopping { patience: 0, min_delta: 10.0, ..Default::default() }));
    assert_eq!((stop, losses.len()), (Stop::Early, 2));
}

#[test]
fn a_loss_that_is_not_finite_stops_before_the_step() {
    let data = Dataset::new(array![[1.0, 1.0], [1.0, 2.0], [1.0, 1e200]], array![[0.0], [0.0], [0.0]]).unwrap();
    let mut rng = Rng::seed_from_u64(1);
    let mut params = Params::<f64>::new();
    let model = Sequential::new().linear(2, 2).linear(2, 1).build(params.root(), &mut rng).unwrap();
    let first = params.id("0.weight").unwrap();
    params.set(first, &array![[0.5, 1e150], [0.5, -1e150]]).unwrap();
    let mut optimizer = sgd(&params, 0.0);
    let path = place("not-finite.wane");
    let checkpoint = Some(Checkpoint { path: path.clone(), every: Every::Batches(2) });
    let options = TrainerOptions { batch_size: 1, shuffle: false, checkpoint, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap();
    let before = trainer.params().as_slice().to_vec();
    let error = trainer.fit(&data, &mut rng).unwrap_err().to_string();
    let expected = "epoch 1, batch 3: loss is NaN; expected a finite number: linear \"0.weight\" gave inf at [0, 0], ";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.contains("recorded at"), "{error}");
    assert_eq!(trainer.params().as_slice(), before);
    trainer.resume(&path, &mut rng).unwrap();
    assert!(trainer.fit(&data, &mut rng).is_err());
}

#[test]
fn gradients_and_weights_that_are_not_finite_are_named() {
    let mut rng = Rng::seed_from_u64(1);
    let data = Dataset::new(array![[1e170, 1.0]], array![[0.0]]).unwrap();
    let mut params = Params::<f64>::new();
    let model = Sequential::new().linear(2, 1).build(params.root(), &mut rng).unwrap();
    params.as_mut_slice().copy_from_slice(&[1e-20, 0.0, 0.0]);
    let before = params.as_slice().to_vec();
    let mut optimizer = sgd(&params, 1.0);
    // The loss is 1e150, the gradient 2e320.
    let options = TrainerOptions { loss: Loss::Huber(1e200), epochs: 1, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options.clone()).unwrap();
    let error = trainer.fit(&data, &mut rng).unwrap_err().to_string();
    assert!(
        error.starts_with("epoch 1, batch 1: gradient of \"0.weight\" is inf; expected a finite number"),
        "{error}"
    );
    assert_eq!(trainer.params().as_slice(), before);
    drop(trainer);

    let data = Dataset::new(array![[1e10, 1.0]], array![[0.0]]).unwrap();
    let mut optimizer = sgd(&params, 1e300);
    params.as_mut_slice().copy_from_slice(&[1.0, 0.0, 0.0]);
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap();
    let error = trainer.fit(&data, &mut rng).unwrap_err().to_string();
    assert!(error.starts_with("epoch 1, after batch 1: \"0.weight\" is -inf; expected finite weights"), "{error}");
}

#[test]
fn callbacks_see_each_epoch_and_may_stop() {
    let data = regression::<f64>(20, 1);
    let mut rng = Rng::seed_from_u64(1);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut optimizer = sgd(&params, 0.1);
    let mut seen = Vec::new();
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, TrainerOptions::default()).unwrap();
    trainer = trainer.on_epoch(|end| {
        seen.push(end.record.epoch);
        Ok(if end.record.epoch == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    assert_eq!(trainer.fit(&data, &mut rng).unwrap(), Stop::Callback);
    assert_eq!(trainer.history().epochs.len(), 3);
    drop(trainer);
    assert_eq!(seen, [1, 2, 3]);
}

#[test]
fn options_are_refused_by_name() {
    let with = |change: fn(&mut TrainerOptions)| {
        let mut options = TrainerOptions { epochs: 1, ..Default::default() };
        change(&mut options);
        let mut rng = Rng::seed_from_u64(1);
        let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
        let mut optimizer = sgd(&params, 0.1);
        let data = regression::<f64>(20, 1);
        let result = Trainer::new(&model, &mut params, &mut optimizer, options);
        result.and_then(|mut trainer| trainer.fit(&data, &mut rng)).unwrap_err().to_string()
    };
    assert_eq!(with(|o| o.epochs = 0), "epochs is 0; expected at least 1");
    assert_eq!(with(|o| o.batch_size = 0), "batch_size is 0; expected at least 1");
    assert_eq!(with(|o| o.loss = Loss::Huber(-1.0)), "delta is -1; expected a finite number above 0");
    assert_eq!(with(|o| o.clip_norm = Some(0.0)), "clip_norm is 0; expected a number above 0");
    assert_eq!(with(|o| o.clip_value = Some(f64::NAN)), "clip_value is NaN; expected a number above 0");
    assert_eq!(with(|o| o.ema = Some(1.5)), "ema decay is 1.5; expected 0 to 1");
    let plateau = |o: &mut TrainerOptions| o.plateau = Some(PlateauOptions { factor: 2.0, ..Default::default() });
    assert_eq!(with(plateau), "plateau factor is 2; expected at least 0 and below 1");
    let early = |o: &mut TrainerOptions| {
        o.early_stopping = Some(EarlyStopping { patience: 1, min_delta: -1.0, ..Default::default() })
    };
    assert_eq!(with(early), "early_stopping min_delta is -1; expected a finite number, 0 or above");
    let early = |o: &mut TrainerOptions| {
        o.early_stopping = Some(EarlyStopping { patience: 1, min_delta: 0.0, ..Default::default() })
    };
    assert_eq!(with(early), "early_stopping is given without validation data; expected validation(&data) to watch");
    assert_eq!(
        with(|o| o.plateau = Some(PlateauOptions::default())),
        "plateau is given without validation data; expected validation(&data) to watch"
    );
    let never = |o: &mut TrainerOptions| o.checkpoint = Some(Checkpoint { path: "x".into(), every: Every::Epochs(0) });
    assert_eq!(with(never), "checkpoint every epochs is 0; expected at least 1");
    let never = |o: &mut TrainerOptions| o.checkpoint = Some(Checkpoint { path: "x".into(), every: Every::Batches(0) });
    assert_eq!(with(never), "checkpoint every batches is 0; expected at least 1");
    let metric = |o: &mut TrainerOptions| o.metrics = vec![Metric::Accuracy];
    assert_eq!(with(metric), "metric is accuracy; expected one of numbers, as the target is");
}

#[test]
fn data_that_does_not_fit_is_refused_by_name() {
    let mut rng = Rng::seed_from_u64(1);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut optimizer = sgd(&params, 0.1);
    let good = regression::<f64>(20, 1);
    let wide = Dataset::new(array![[1.0, 2.0, 3.0]], array![[1.0]]).unwrap();
    let many = Dataset::new(array![[1.0, 2.0]], array![[1.0, 2.0]]).unwrap();
    let classes = classification::<f64>(9, 1);
    for (train, validation, expected) in [
        (&wide, &good, "training data: number of features is 3; expected 2, as the model takes in"),
        (&good, &many, "validation data: number of outputs is 2; expected 1, as the model gives"),
        (&classes, &good, "training data: number of classes is 3; expected 1, as the model gives"),
    ] {
        let options = TrainerOptions::default();
        let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap().validation(validation);
        assert_eq!(trainer.fit(train, &mut rng).unwrap_err().to_string(), expected);
    }
}

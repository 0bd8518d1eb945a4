//! After training the checkpoint is its end, and a place that can't be written to is refused before the first batch.

use crate::common::{bits, network, regression};
use crate::folder::Folder;
use std::ops::ControlFlow;
use std::path::Path;
use wane_autodiff::rand::{Rng as _, SeedableRng};
use wane_autodiff::{Error, Params, Rng};
use wane_optim::{Group, Sgd, SgdOptions};
use wane_train::{Checkpoint, EarlyStopping, Every, Stop, Trainer, TrainerOptions};

fn sgd(params: &Params<f64>) -> Sgd<f64> {
    Sgd::new(SgdOptions { lr: 0.1, ..Default::default() }).unwrap().group(Group::all(params)).unwrap()
}

fn options(path: &Path, epochs: usize, every: Every) -> TrainerOptions {
    let checkpoint = Some(Checkpoint { path: path.to_owned(), every });
    TrainerOptions { epochs, batch_size: 8, checkpoint, ..Default::default() }
}

/// Weights, history and the generator's next number, of a trainer that has resumed.
fn resumed(path: &Path) -> (Vec<u64>, String, u64) {
    let mut rng = Rng::seed_from_u64(9);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut optimizer = sgd(&params);
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, TrainerOptions::default()).unwrap();
    trainer.resume(path, &mut rng).unwrap();
    (bits(trainer.params().as_slice()), trainer.history().to_json(), rng.next_u64())
}

#[test]
fn the_file_is_the_final_state() {
    let folder = Folder::new();
    let (data, valid) = (regression::<f64>(20, 1), regression::<f64>(9, 2));
    let early = Some(EarlyStopping { patience: 1, min_delta: 0.05, ..Default::default() });
    for (name, every, early, stops) in [
        ("epochs", Every::Epochs(4), None, false),
        ("every epoch", Every::Epochs(1), None, false),
        ("never", Every::Epochs(100), None, false),
        ("batches", Every::Batches(4), None, false),
        ("early", Every::Epochs(100), early, false),
        ("early, every epoch", Every::Epochs(1), early, false),
        ("callback", Every::Epochs(4), None, true),
    ] {
        let path = folder.file(name);
        let mut rng = Rng::seed_from_u64(1);
        let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
        let mut optimizer = sgd(&params);
        let options = TrainerOptions { early_stopping: early, ..options(&path, 7, every) };
        let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap().validation(&valid);
        trainer = trainer.on_epoch(move |end| {
            Ok(if stops && end.record.epoch == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        let stop = trainer.fit(&data, &mut rng).unwrap();
        assert_eq!(stop == Stop::Early, early.is_some(), "{name}");
        let ended = (bits(trainer.params().as_slice()), trainer.history().to_json(), rng.clone().next_u64());
        assert_eq!(resumed(&path), ended, "{name}");
        // There is nothing more to do, and nothing is written.
        if !stops {
            std::fs::remove_file(&path).unwrap();
            trainer.fit(&data, &mut rng).unwrap();
            assert!(!path.exists(), "{name}");
        }
    }
}

#[test]
fn what_an_error_has_left_unsaved_is_saved_in_the_end() {
    let folder = Folder::new();
    let path = folder.file("run");
    let mut rng = Rng::seed_from_u64(1);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut optimizer = sgd(&params);
    let data = regression::<f64>(20, 1);
    let mut faults = 1;
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options(&path, 3, Every::Epochs(2))).unwrap();
    trainer = trainer.on_epoch(|end| match end.record.epoch == 3 && faults > 0 {
        true => {
            faults -= 1;
            Err(Error::data("epoch", 3, "another"))
        }
        false => Ok(ControlFlow::Continue(())),
    });
    trainer.fit(&data, &mut rng).unwrap_err();
    let file = std::fs::read(&path).unwrap();
    trainer.fit(&data, &mut rng).unwrap();
    assert_ne!(std::fs::read(&path).unwrap(), file);
    assert_eq!(resumed(&path).1, trainer.history().to_json());
}

#[test]
fn a_place_that_cannot_be_written_to_is_refused_at_once() {
    let folder = Folder::new();
    let (file, inner) = (folder.file("file"), folder.file("folder"));
    std::fs::write(&file, "somebody's").unwrap();
    std::fs::create_dir(&inner).unwrap();
    let data = regression::<f64>(20, 1);
    for path in [folder.file("missing").join("run"), file.join("run"), inner, "/".into(), "..".into()] {
        let mut rng = Rng::seed_from_u64(1);
        let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
        let (mut optimizer, before) = (sgd(&params), (bits(params.as_slice()), rng.clone()));
        let options = options(&path, 3, Every::Epochs(1));
        let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap();
        let error = trainer.fit(&data, &mut rng).unwrap_err().to_string();
        assert!(error.starts_with(&format!("checkpoint: {path:?}: file is not writable (")), "{error}");
        assert_eq!((bits(trainer.params().as_slice()), rng), before);
    }
    assert_eq!(folder.names(), ["file", "folder"]);
}

/// What is tried leaves the old file as it is, and nothing beside it.
#[test]
fn an_old_file_is_not_touched_before_there_is_a_new_one() {
    let folder = Folder::new();
    let path = folder.file("run");
    std::fs::write(&path, "an old run's").unwrap();
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    let mut rng = Rng::seed_from_u64(1);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut optimizer = sgd(&params);
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options(&path, 3, Every::Epochs(2))).unwrap();
    trainer = trainer.on_epoch(|_| Err(Error::data("epoch", 1, "none")));
    trainer.fit(&regression::<f64>(20, 1), &mut rng).unwrap_err();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "an old run's");
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), before);
    assert_eq!(folder.names(), ["run"]);
}

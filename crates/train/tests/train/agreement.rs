//! What a checkpoint knows of the options has to agree with them; what is code may change.

use crate::common::{bits, network, place, regression};
use crate::run::{Run, in_the_middle};
use wane_autodiff::Rng;
use wane_autodiff::rand::SeedableRng;
use wane_optim::{Group, PlateauOptions, Schedule, Sgd, SgdOptions, Threshold};
use wane_train::{EarlyStopping, Trainer, TrainerOptions};

fn options() -> TrainerOptions {
    let plateau = PlateauOptions { patience: 1, ..Default::default() };
    TrainerOptions { epochs: 3, ema: Some(0.9), plateau: Some(plateau), progress: false, ..Default::default() }
}

/// Trains with `options()` and resumes with changed ones; the message where that is refused.
fn resumed(name: &str, change: impl FnOnce(&mut TrainerOptions)) -> Option<String> {
    let (path, data) = (place(name), regression(40, 1));
    let mut rng = Rng::seed_from_u64(3);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut sgd = Sgd::new(SgdOptions::default()).unwrap().group(Group::all(&params)).unwrap();
    let mut trainer = Trainer::new(&model, &mut params, &mut sgd, options()).unwrap().validation(&data);
    trainer.fit(&data, &mut rng).unwrap();
    trainer.save(&path, &rng).unwrap();
    let weights = bits(trainer.params().as_slice());
    drop(trainer);

    let mut changed = TrainerOptions { epochs: 5, ..options() };
    change(&mut changed);
    params.as_mut_slice().fill(0.5);
    let mut trainer = Trainer::new(&model, &mut params, &mut sgd, changed).unwrap().validation(&data);
    match trainer.resume(&path, &mut rng) {
        Ok(()) => {
            assert_eq!(bits(trainer.params().as_slice()), weights);
            trainer.fit(&data, &mut rng).unwrap();
            assert_eq!(trainer.history().epochs.len(), 5);
            None
        }
        Err(error) => {
            assert!(trainer.params().as_slice().iter().all(|&weight| weight == 0.5));
            Some(error.to_string().replace(&format!("{path:?}: "), ""))
        }
    }
}

#[test]
fn options_that_the_file_knows_have_to_agree() {
    let refused = |name: &str, change: fn(&mut TrainerOptions)| resumed(name, change).unwrap();
    let expected = "ema is of decay 0.9; expected of decay 0.99, as in the trainer's options";
    assert_eq!(refused("ema", |o| o.ema = Some(0.99)), expected);
    let expected = "ema is of decay 0.9; expected not in use, as in the trainer's options";
    assert_eq!(refused("no ema", |o| o.ema = None), expected);
    let expected = "plateau is in use; expected not in use, as in the trainer's options";
    assert_eq!(refused("no plateau", |o| o.plateau = None), expected);
    type Change = fn(&mut PlateauOptions);
    let changes: [(Change, &str); 7] = [
        (|o| o.factor = 0.5, "plateau factor is 0.1; expected 0.5"),
        (|o| o.patience = 2, "plateau patience is 1; expected 2"),
        (|o| o.threshold = 0.1, "plateau threshold is 0.0001; expected 0.1"),
        (|o| o.threshold_mode = Threshold::Abs, "plateau threshold_mode is Rel; expected Abs"),
        (|o| o.cooldown = 7, "plateau cooldown is 0; expected 7"),
        (|o| o.min_lr = 1e-9, "plateau min_lr is 0; expected 1e-9"),
        (|o| o.eps = 0.0, "plateau eps is 1e-8; expected 0"),
    ];
    for (change, expected) in changes {
        let message = resumed("plateau", |options| change(options.plateau.as_mut().unwrap())).unwrap();
        assert_eq!(message, expected);
    }
}

#[test]
fn other_options_may_change_between_epochs() {
    let early = EarlyStopping { patience: 9, min_delta: 0.0, ..Default::default() };
    assert_eq!(resumed("early", |o| o.early_stopping = Some(early)), None);
    assert_eq!(resumed("batches", |o| (o.batch_size, o.shuffle, o.clip_norm) = (7, false, Some(1.0))), None);
}

#[test]
fn rates_come_from_the_file_and_schedules_from_the_code() {
    let path = place("rates");
    let mut rng = Rng::seed_from_u64(3);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let built = |lr: f64, gamma: f64, params: &_| {
        let sgd = Sgd::new(SgdOptions { lr, momentum: 0.5, weight_decay: lr / 10.0, ..Default::default() }).unwrap();
        sgd.schedule(Schedule::exponential(gamma).unwrap()).unwrap().group(Group::all(params)).unwrap()
    };
    let mut sgd = built(0.1, 0.5, &params);
    sgd.set_lr(0.2).unwrap();
    sgd.set_time(2).unwrap();
    Trainer::new(&model, &mut params, &mut sgd, TrainerOptions::default()).unwrap().save(&path, &rng).unwrap();
    let mut sgd = built(0.4, 0.1, &params);
    let mut trainer = Trainer::new(&model, &mut params, &mut sgd, TrainerOptions::default()).unwrap();
    trainer.resume(&path, &mut rng).unwrap();
    let group = &trainer.optimizer().groups()[0];
    assert_eq!((group.options().lr, group.options().weight_decay, group.decay().strength()), (0.2, 0.01, 0.01));
    assert_eq!(group.lr(), Schedule::exponential(0.1).unwrap().at(2, 0.2));
}

#[test]
fn weights_that_are_not_finite_are_not_saved() {
    let path = place("not finite");
    let old = in_the_middle(&path, 3);
    let mut rng = Rng::seed_from_u64(3);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    params.as_mut_slice()[13] = f64::NAN;
    let mut sgd = Sgd::new(SgdOptions::default()).unwrap().group(Group::all(&params)).unwrap();
    let trainer = Trainer::new(&model, &mut params, &mut sgd, TrainerOptions::default()).unwrap();
    let error = trainer.save(&path, &rng).unwrap_err().to_string();
    assert_eq!(error, "weights: \"0.bias\" is NaN; expected finite weights");
    assert!(std::fs::read(&path).unwrap() == old);
}

#[test]
fn a_checkpoint_is_the_same_bytes_whenever_it_is_written() {
    let (path, again) = (place("there"), place("back"));
    let whole = in_the_middle(&path, 3);
    let mut run = Run::new(3);
    let (mut trainer, _, rng) = run.trainer(4, None);
    trainer.resume(&path, rng).unwrap();
    trainer.save(&again, rng).unwrap();
    assert!(std::fs::read(again).unwrap() == whole);
}

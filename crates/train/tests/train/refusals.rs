//! A checkpoint that does not fit is refused by name, and nothing has changed.

use crate::common::{bits, network, place, regression};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Error, Float, Params, Rng};
use wane_layers::Sequential;
use wane_optim::{AdamOptions, Optimizer, PlateauOptions, Rule, SgdOptions};
use wane_train::{Checkpoint, Every, Metric, Trainer, TrainerOptions};

type Model<T> = (Sequential<T>, Params<T>);

fn wider<T: Float>(rng: &mut Rng) -> Model<T> {
    let mut params = Params::new();
    let model = Sequential::new().linear(2, 7).tanh().linear(7, 1).build(params.root(), rng).unwrap();
    (model, params)
}

fn renamed<T: Float>(rng: &mut Rng) -> Model<T> {
    let mut params = Params::new();
    let model = Sequential::new().linear(2, 6).tanh().dropout(0.0).linear(6, 1).build(params.at("net"), rng).unwrap();
    (model, params)
}

fn deeper<T: Float>(rng: &mut Rng) -> Model<T> {
    let mut params = Params::new();
    let model = Sequential::new().linear(2, 6).linear(6, 6).linear(6, 1).build(params.root(), rng).unwrap();
    (model, params)
}

fn same<T: Float>(rng: &mut Rng) -> Model<T> {
    network(1, 0.0, rng)
}

fn written(name: &str) -> std::path::PathBuf {
    let path = place(name);
    let mut rng = Rng::seed_from_u64(3);
    let (model, mut params) = same::<f64>(&mut rng);
    let mut optimizer = Optimizer::new(SgdOptions { momentum: 0.9, ..Default::default() })
        .unwrap()
        .decay_matrices_only(&params)
        .unwrap();
    let checkpoint = Some(Checkpoint { path: path.clone(), every: Every::Batches(3) });
    let options = TrainerOptions { epochs: 1, batch_size: 5, checkpoint, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap();
    trainer = trainer.on_epoch(|_| Err(Error::data("epoch", 1, "one that does not break off")));
    trainer.fit(&regression(20, 1), &mut rng).unwrap_err();
    path
}

/// The message of a resume into another setting; checks that it has changed nothing.
fn refusal<T: Float + serde::Serialize + serde::de::DeserializeOwned, R: Rule>(
    name: &str,
    model: fn(&mut Rng) -> Model<T>,
    rule: R,
    options: TrainerOptions,
) -> String {
    let path = written(name);
    let mut rng = Rng::seed_from_u64(8);
    let (model, mut params) = model(&mut rng);
    let mut optimizer = Optimizer::new(rule).unwrap().decay_matrices_only(&params).unwrap();
    let (before, untouched) = (bits(params.as_slice()), rng.clone());
    let data = regression(20, 1);
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap().validation(&data);
    let error = trainer.resume(&path, &mut rng).unwrap_err().to_string();
    assert_eq!(bits(trainer.params().as_slice()), before);
    assert!(trainer.history().epochs.is_empty());
    assert!(trainer.optimizer().snapshot(trainer.params()).unwrap().params.is_empty());
    assert_eq!(rng, untouched);
    error.strip_prefix(&format!("{path:?}: ")).unwrap_or(&error).to_owned()
}

#[test]
fn what_does_not_fit_is_named_and_changes_nothing() {
    let sgd = || SgdOptions { momentum: 0.9, ..Default::default() };
    let options = TrainerOptions::default;
    assert_eq!(refusal("a", same::<f32>, sgd(), options()), "dtype is \"float64\"; expected \"float32\"");
    assert_eq!(refusal("b", same::<f64>, AdamOptions::default(), options()), "optimizer is \"Sgd\"; expected \"Adam\"");
    assert_eq!(
        refusal("c", deeper::<f64>, sgd(), options()),
        "number of parameters is 4; expected 6, as the model has"
    );
    assert_eq!(
        refusal("d", renamed::<f64>, sgd(), options()),
        "parameter 0 is \"0.weight\"; expected \"net.0.weight\", as in the model"
    );
    assert_eq!(
        refusal("e", wider::<f64>, sgd(), options()),
        "shape of \"0.weight\" is [6, 2]; expected [7, 2], as in the model"
    );
    let averaged = TrainerOptions { ema: Some(0.9), ..options() };
    assert_eq!(
        refusal("f", same::<f64>, sgd(), averaged),
        "ema is not in use; expected of decay 0.9, as in the trainer's options"
    );
    let plateau = TrainerOptions { plateau: Some(PlateauOptions::default()), ..options() };
    assert_eq!(
        refusal("g", same::<f64>, sgd(), plateau),
        "plateau is not in use; expected in use, as in the trainer's options"
    );
    let measured = TrainerOptions { metrics: vec![Metric::R2], ..options() };
    assert_eq!(refusal("h", same::<f64>, sgd(), measured), "metrics is []; expected [R2], as in the trainer's options");
}

#[test]
fn the_middle_of_an_epoch_wants_the_same_batches() {
    let path = written("middle");
    let mut rng = Rng::seed_from_u64(8);
    let (model, mut params) = same::<f64>(&mut rng);
    let mut optimizer = Optimizer::new(SgdOptions { momentum: 0.9, ..Default::default() })
        .unwrap()
        .decay_matrices_only(&params)
        .unwrap();
    let options = TrainerOptions { epochs: 2, batch_size: 4, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap();
    trainer.resume(&path, &mut rng).unwrap();
    assert_eq!(
        trainer.fit(&regression(20, 1), &mut rng).unwrap_err().to_string(),
        "training data is 20 rows, batch_size 4, shuffle true; expected 20 rows, batch_size 5, shuffle true: training is \
         in the middle of an epoch"
    );
}

#[test]
fn what_the_caller_keeps_comes_back_as_its_type() {
    let mut rng = Rng::seed_from_u64(8);
    let (model, mut params) = same::<f64>(&mut rng);
    let mut optimizer = Optimizer::new(SgdOptions::default()).unwrap().decay_matrices_only(&params).unwrap();
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, TrainerOptions::default()).unwrap();
    assert_eq!(trainer.extra::<u64>().unwrap(), None);
    trainer.set_extra(&(7_u8, "seven")).unwrap();
    let path = place("extra");
    trainer.save(&path, &rng).unwrap();
    trainer.set_extra(&0_u8).unwrap();
    trainer.resume(&path, &mut rng).unwrap();
    assert_eq!(trainer.extra::<(u8, String)>().unwrap(), Some((7, "seven".to_owned())));
    assert!(trainer.extra::<u8>().is_err(), "a part of it is not it");
    assert!(trainer.extra::<[u64; 4]>().unwrap_err().to_string().starts_with("extra is "));
}

#[test]
fn frozen_parameters_stay_frozen() {
    let path = place("frozen");
    let mut rng = Rng::seed_from_u64(8);
    let (model, mut params) = same::<f64>(&mut rng);
    let mut optimizer = Optimizer::new(SgdOptions::default()).unwrap().decay_matrices_only(&params).unwrap();
    let ids = params.ids();
    params.freeze(&ids[..2]).unwrap();
    let trainer = Trainer::new(&model, &mut params, &mut optimizer, TrainerOptions::default()).unwrap();
    trainer.save(&path, &rng).unwrap();
    drop(trainer);
    params.unfreeze(&ids).unwrap();
    params.freeze(&ids[3..]).unwrap();
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, TrainerOptions::default()).unwrap();
    trainer.resume(&path, &mut rng).unwrap();
    let frozen: Vec<bool> = trainer.params().iter().map(|param| param.frozen).collect();
    assert_eq!(frozen, [true, true, false, false]);
}

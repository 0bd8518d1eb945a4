//! Training that was broken off and goes on in another process gives the bits of training that was not.

mod common;

use common::{bits, network, place, regression};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::process::Command;
use wane_autodiff::rand::{Rng as _, SeedableRng};
use wane_autodiff::{Error, Float, Params, Rng};
use wane_optim::{
    AdagradOptions, AdamOptions, AdamWOptions, Optimizer, PlateauOptions, RmsPropOptions, Rule, Schedule, SgdOptions,
};
use wane_penalties::L1;
use wane_train::{Advance, Checkpoint, EarlyStopping, Every, Metric, Trainer, TrainerOptions};

const ALL: usize = 9;
const BROKEN_OFF: usize = 4;
const RULES: [&str; 5] = ["sgd", "adam", "adamw", "rmsprop", "adagrad"];
const SCHEDULES: [&str; 3] = ["none", "epoch", "batch"];
const PARTS: [&str; 2] = ["bare", "full"];
const BREAKS: [&str; 3] = ["epoch", "middle", "end"];
const DTYPES: [&str; 2] = ["f32", "f64"];

/// Where a case is told to the second process, and where it writes to.
const CASE: &str = "RESUME_CASE";

#[derive(Clone, Copy)]
struct Case<'a> {
    rule: &'a str,
    schedule: &'a str,
    parts: &'a str,
    broken: &'a str,
    dtype: &'a str,
}

impl<'a> Case<'a> {
    fn parse(name: &'a str) -> Self {
        let [rule, schedule, parts, broken, dtype] = name.split('-').collect::<Vec<_>>()[..] else { panic!("{name}") };
        Self { rule, schedule, parts, broken, dtype }
    }

    fn run(self, how: &How) -> String {
        match self.dtype {
            "f32" => self.run_with::<f32>(how),
            _ => self.run_with::<f64>(how),
        }
    }

    fn run_with<T: Float + Serialize + DeserializeOwned>(self, how: &How) -> String {
        match self.rule {
            "sgd" => self.train::<T, _>(SgdOptions { lr: 0.05, momentum: 0.9, ..Default::default() }, how),
            "adam" => self.train::<T, _>(AdamOptions { lr: 0.02, amsgrad: true, ..Default::default() }, how),
            "adamw" => self.train::<T, _>(AdamWOptions { lr: 0.02, weight_decay: 0.1, ..Default::default() }, how),
            "rmsprop" => self.train::<T, _>(RmsPropOptions { momentum: 0.5, ..Default::default() }, how),
            _ => self.train::<T, _>(AdagradOptions { lr: 0.1, ..Default::default() }, how),
        }
    }

    fn options(self, how: &How) -> TrainerOptions {
        let is_full = self.parts == "full";
        let every = if self.broken == "middle" { Every::Batches(13) } else { Every::Epochs(3) };
        TrainerOptions {
            epochs: how.epochs,
            batch_size: 8,
            shuffle: is_full,
            metrics: vec![Metric::R2, Metric::Mae],
            clip_norm: is_full.then_some(0.5),
            advance: if self.schedule == "batch" { Advance::Batch } else { Advance::Epoch },
            plateau: is_full.then(|| PlateauOptions {
                patience: 0,
                factor: 0.7,
                threshold: 0.05,
                ..Default::default()
            }),
            ema: is_full.then_some(0.8),
            early_stopping: is_full.then_some(EarlyStopping { patience: 20, min_delta: 0.0, ..Default::default() }),
            checkpoint: how.saves.then(|| Checkpoint { path: how.path.clone(), every }),
            ..Default::default()
        }
    }

    fn train<T: Float + Serialize + DeserializeOwned, R: Rule>(self, options: R, how: &How) -> String {
        let mut rng = Rng::seed_from_u64(11);
        let (train, valid) = (regression(37, 1), regression(16, 2));
        let dropout = if self.parts == "full" { 0.2 } else { 0.0 };
        let (model, mut params) = network::<T>(1, dropout, &mut rng);
        let weights = params.matching("*.weight").unwrap();
        let mut optimizer = Optimizer::new(options).unwrap().decay_matrices_only(&params).unwrap();
        match self.schedule {
            "epoch" => optimizer = optimizer.schedule(Schedule::exponential(0.9).unwrap()).unwrap(),
            "batch" => optimizer = optimizer.schedule(Schedule::cosine(30, 0.1).unwrap()).unwrap(),
            _ => {}
        }
        if how.resumes {
            scramble(&mut params, &mut rng);
        }
        let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, self.options(how)).unwrap();
        trainer = trainer.validation(&valid).penalty(&L1::new(1e-3).unwrap(), &weights).on_epoch(|end| {
            end.set_extra(&("epochs", end.record.epoch))?;
            match end.record.epoch == BROKEN_OFF && how.saves && self.broken != "end" {
                true => Err(Error::data("epoch", BROKEN_OFF, "one that is not broken off")),
                false => Ok(std::ops::ControlFlow::Continue(())),
            }
        });
        if how.resumes {
            trainer.resume(&how.path, &mut rng).unwrap();
            let (_, epoch): (String, usize) = trainer.extra().unwrap().unwrap();
            assert_eq!(epoch, trainer.history().epochs.len());
        }
        let ended = trainer.fit(&train, &mut rng);
        assert_eq!(ended.is_err(), how.saves && self.broken != "end");
        let (weights, history) = (bits(trainer.params().as_slice()), trainer.history().to_json());
        let average = trainer.into_ema().map(|ema| bits(ema.as_slice()));
        format!("{weights:?}\n{average:?}\n{history}\n{}", rng.next_u64())
    }
}

/// What a run of a case is to do.
struct How {
    path: PathBuf,
    epochs: usize,
    saves: bool,
    resumes: bool,
}

/// Another start, which a checkpoint has to overwrite.
fn scramble<T: Float>(params: &mut Params<T>, rng: &mut Rng) {
    params.as_mut_slice().iter_mut().for_each(|weight| *weight += T::one());
    rng.next_u64();
}

fn output_of(path: &Path) -> PathBuf {
    path.with_extension("out")
}

#[test]
fn another_process_goes_on_bit_for_bit() {
    let executable = std::env::current_exe().unwrap();
    let mut cases = Vec::new();
    for rule in RULES {
        for schedule in SCHEDULES {
            for parts in PARTS {
                for broken in BREAKS {
                    cases.extend(DTYPES.map(|dtype| format!("{rule}-{schedule}-{parts}-{broken}-{dtype}")));
                }
            }
        }
    }
    for name in &cases {
        let case = Case::parse(name);
        let path = place(name);
        let straight = case.run(&How { path: path.clone(), epochs: ALL, saves: false, resumes: false });
        case.run(&How { path: path.clone(), epochs: BROKEN_OFF, saves: true, resumes: false });
        let told = format!("{name}={}", path.display());
        let child = Command::new(&executable).args(["--exact", "second_process"]).env(CASE, told).output().unwrap();
        assert!(child.status.success(), "{name}: {}", String::from_utf8_lossy(&child.stdout));
        let resumed = std::fs::read_to_string(output_of(&path)).unwrap();
        assert_eq!(resumed, straight, "{name}");
    }
}

/// Does nothing, unless [`another_process_goes_on_bit_for_bit`] has started it.
#[test]
fn second_process() {
    let Ok(told) = std::env::var(CASE) else { return };
    let (name, path) = told.split_once('=').unwrap();
    let path = PathBuf::from(path);
    let resumed = Case::parse(name).run(&How { path: path.clone(), epochs: ALL, saves: false, resumes: true });
    std::fs::write(output_of(&path), resumed).unwrap();
}

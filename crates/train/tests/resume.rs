//! Training that was broken off and goes on in another process gives the bits of training that was not.

mod common;
mod folder;

use common::{bits, network, regression};
use folder::Folder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::process::Command;
use wane_autodiff::rand::{Rng as _, SeedableRng};
use wane_autodiff::{Error, Float, Params, Rng};
use wane_optim::{
    AdagradOptions, AdamOptions, AdamWOptions, Cyclic, CyclicMode, Decay, Group, OneCycle, Optimizer, PlateauOptions,
    RmsPropOptions, Rule, Schedule, SgdOptions,
};
use wane_penalties::L1;
use wane_train::{Advance, Checkpoint, EarlyStopping, Every, Metric, Trainer, TrainerOptions};

const ALL: usize = 7;
const BROKEN_OFF: usize = 4;
const RULES: [&str; 7] = ["sgd", "momentum", "adam", "amsgrad", "adamw", "rmsprop", "adagrad"];
const DECAYS: [&str; 6] = ["default", "coupled", "decoupled", "fully-decoupled", "normalised", "toward"];
const SCHEDULES: [&str; 17] = [
    "none",
    "constant",
    "constant-until",
    "step",
    "multi-step",
    "exponential",
    "polynomial",
    "cosine",
    "restarts",
    "normalised-restarts",
    "linear",
    "one-cycle",
    "cyclic",
    "exp-range",
    "lambda",
    "sequential",
    "warmup",
];
const BREAKS: [&str; 3] = ["an epoch's end", "the middle of an epoch", "the end of a shorter run"];

/// The folder of the cases, told to the second process.
const FOLDER: &str = "WANE_TEST_RESUMES_IN";

/// One run. Every rule meets every schedule and every decay in both precisions; what else there is to a run takes turns.
#[derive(Clone, Debug)]
struct Case {
    rule: &'static str,
    schedule: &'static str,
    decay: &'static str,
    is_f64: bool,
    broken: &'static str,
    advance: Advance,
    dropout: bool,
    shuffle: bool,
    ema: bool,
    plateau: bool,
    early_stopping: bool,
}

fn cases() -> Vec<Case> {
    let (mut cases, mut number) = (Vec::new(), 0);
    for rule in RULES {
        for schedule in SCHEDULES {
            for decay in DECAYS {
                for is_f64 in [false, true] {
                    // 37 has no divisor in common with 192 = 3·2⁶, so that every combination has its turn.
                    let turn = number * 37 % 192;
                    let flag = |bit: usize| ((turn / 3) >> bit) & 1 == 1;
                    number += 1;
                    cases.push(Case {
                        rule,
                        schedule,
                        decay,
                        is_f64,
                        broken: BREAKS[turn % 3],
                        advance: if flag(0) { Advance::Batch } else { Advance::Epoch },
                        dropout: flag(1),
                        shuffle: flag(2),
                        ema: flag(3),
                        plateau: flag(4),
                        early_stopping: flag(5),
                    });
                }
            }
        }
    }
    cases
}

/// The schedule of a name, of a length that the run outlasts where it has one.
fn schedule(name: &str) -> Result<Option<Schedule>, Error> {
    Ok(Some(match name {
        "constant" => Schedule::constant(),
        "constant-until" => Schedule::constant_until(0.5, 5)?,
        "step" => Schedule::step(3, 0.7)?,
        "multi-step" => Schedule::multi_step(&[2, 5, 17], 0.6)?,
        "exponential" => Schedule::exponential(0.9)?,
        "polynomial" => Schedule::polynomial(20, 1.5)?,
        "cosine" => Schedule::cosine(6, 0.001)?,
        "restarts" => Schedule::cosine_restarts(3, 2, 0.001)?,
        "normalised-restarts" => Schedule::normalised_restarts(3, 2)?,
        "linear" => Schedule::linear(0.2, 0.9, 6)?,
        "one-cycle" => Schedule::one_cycle(OneCycle { max_lr: 0.05, total_steps: 20, ..Default::default() })?,
        "cyclic" | "exp-range" => {
            let mode = if name == "cyclic" { CyclicMode::Triangular2 } else { CyclicMode::ExpRange(0.95) };
            Schedule::cyclic(Cyclic {
                max_lr: 0.05,
                step_size_up: 3,
                step_size_down: Some(2),
                mode,
                ..Default::default()
            })?
        }
        "lambda" => Schedule::lambda(|t| 1.0 / (1.0 + t as f64)),
        "sequential" => Schedule::sequential(vec![Schedule::exponential(0.8)?, Schedule::step(2, 0.9)?], &[4])?,
        "warmup" => Schedule::cosine(10, 0.0)?.after_warmup(3, 0.1, 13)?,
        _ => return Ok(None),
    }))
}

impl Case {
    fn run(&self, how: &How<'_>) -> String {
        if self.is_f64 { self.run_in::<f64>(how) } else { self.run_in::<f32>(how) }
    }

    fn run_in<T: Float + Serialize + DeserializeOwned>(&self, how: &How<'_>) -> String {
        let text = match self.rule {
            "sgd" => self.train::<T, _>(SgdOptions { lr: 0.05, ..Default::default() }, how),
            "momentum" => {
                self.train::<T, _>(SgdOptions { lr: 0.05, momentum: 0.9, nesterov: true, ..Default::default() }, how)
            }
            "adam" => self.train::<T, _>(AdamOptions { lr: 0.02, ..Default::default() }, how),
            "amsgrad" => self.train::<T, _>(AdamOptions { lr: 0.02, amsgrad: true, ..Default::default() }, how),
            "adamw" => self.train::<T, _>(AdamWOptions { lr: 0.02, ..Default::default() }, how),
            "rmsprop" => {
                self.train::<T, _>(RmsPropOptions { momentum: 0.5, centered: true, ..Default::default() }, how)
            }
            _ => self.train::<T, _>(AdagradOptions { lr: 0.1, lr_decay: 0.01, ..Default::default() }, how),
        };
        text.unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }

    fn options(&self, how: &How<'_>) -> TrainerOptions {
        let every = if self.broken == BREAKS[1] { Every::Batches(13) } else { Every::Epochs(3) };
        let plateau = PlateauOptions { patience: 0, factor: 0.7, threshold: 0.05, ..Default::default() };
        TrainerOptions {
            epochs: how.epochs,
            batch_size: 8,
            shuffle: self.shuffle,
            metrics: vec![Metric::R2, Metric::Mae],
            clip_norm: self.shuffle.then_some(0.5),
            advance: self.advance,
            plateau: self.plateau.then_some(plateau),
            ema: self.ema.then_some(0.8),
            early_stopping: self.early_stopping.then_some(EarlyStopping {
                patience: 2,
                min_delta: 0.02,
                ..Default::default()
            }),
            checkpoint: how.saves.then(|| Checkpoint { path: how.path.to_owned(), every }),
            progress: false,
            ..Default::default()
        }
    }

    /// The optimizer as its program builds it, over weights that decay is toward.
    fn optimizer<T: Float, R: Rule>(&self, rule: R, params: &Params<T>) -> Result<Optimizer<T, R>, Error> {
        let mut optimizer = Optimizer::new(rule)?;
        if let Some(schedule) = schedule(self.schedule)? {
            optimizer = optimizer.schedule(schedule)?;
        }
        let decay = match self.decay {
            "coupled" => Decay::coupled(0.05)?,
            "decoupled" => Decay::decoupled(0.1)?.scheduled(Schedule::exponential(0.9)?),
            "fully-decoupled" => Decay::fully_decoupled(0.01)?.scheduled(Schedule::linear(0.1, 1.0, 20)?),
            "normalised" => Decay::normalised(0.05, 8, 37, 3)?.scheduled(Schedule::normalised_restarts(3, 2)?),
            "toward" => Decay::decoupled(0.1)?.toward(params),
            _ => return optimizer.decay_matrices_only(params),
        };
        let (weights, biases) = params.partition(|param| param.rank() > 1);
        optimizer.group(Group::new(&weights).decay(decay))?.group(Group::new(&biases))
    }

    fn train<T: Float + Serialize + DeserializeOwned, R: Rule>(&self, rule: R, how: &How<'_>) -> Result<String, Error> {
        let mut rng = Rng::seed_from_u64(11);
        let (train, valid) = (regression(37, 1), regression(16, 2));
        let (model, mut params) = network::<T>(1, if self.dropout { 0.2 } else { 0.0 }, &mut rng);
        if how.resumes {
            scramble(&mut params, &mut rng);
        }
        let weights = params.matching("*.weight")?;
        let mut optimizer = self.optimizer(rule, &params)?;
        let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, self.options(how))?;
        trainer = trainer.validation(&valid).penalty(&L1::new(1e-3)?, &weights).on_epoch(|end| {
            end.set_extra(&("epochs", end.record.epoch))?;
            match end.record.epoch == BROKEN_OFF && how.saves && self.broken != BREAKS[2] {
                true => Err(Error::data("epoch", BROKEN_OFF, "one that is not broken off")),
                false => Ok(std::ops::ControlFlow::Continue(())),
            }
        });
        if how.resumes {
            trainer.resume(how.path, &mut rng)?;
            assert_eq!(trainer.extra()?, Some(("epochs".to_owned(), trainer.history().epochs.len())));
        }
        let ended = trainer.fit(&train, &mut rng);
        assert_eq!(ended.is_err(), how.saves && self.broken != BREAKS[2], "{ended:?}");
        let (weights, history) = (bits(trainer.params().as_slice()), trainer.history().to_json());
        let average = trainer.into_ema().map(|ema| bits(ema.as_slice()));
        Ok(format!("{weights:?}\n{average:?}\n{history}\n{}", rng.next_u64()))
    }
}

/// What a run of a case is to do.
struct How<'a> {
    path: &'a PathBuf,
    epochs: usize,
    saves: bool,
    resumes: bool,
}

/// Another start, which a checkpoint has to overwrite.
fn scramble<T: Float>(params: &mut Params<T>, rng: &mut Rng) {
    params.as_mut_slice().iter_mut().for_each(|weight| *weight += T::one());
    rng.next_u64();
}

fn place(folder: &Path, number: usize, what: &str) -> PathBuf {
    folder.join(format!("{number}.{what}"))
}

#[test]
fn another_process_goes_on_bit_for_bit() {
    let folder = Folder::new();
    let cases = cases();
    // Most of the time goes by in waiting for the disk.
    std::thread::scope(|scope| {
        for part in 0..4 {
            let (cases, folder) = (&cases, folder.path());
            scope.spawn(move || {
                for (number, case) in cases.iter().enumerate().skip(part).step_by(4) {
                    let path = &place(folder, number, "wane");
                    case.run(&How { path, epochs: BROKEN_OFF, saves: true, resumes: false });
                }
            });
        }
    });
    let mut second = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "second_process"])
        .env(FOLDER, folder.path())
        .spawn()
        .unwrap();
    let straight = cases.iter().enumerate().map(|(number, case)| {
        let path = &place(folder.path(), number, "wane");
        case.run(&How { path, epochs: ALL, saves: false, resumes: false })
    });
    let straight: Vec<_> = straight.collect();
    assert!(second.wait().unwrap().success());
    for (number, case) in cases.iter().enumerate() {
        let resumed = std::fs::read_to_string(place(folder.path(), number, "txt")).unwrap();
        assert_eq!(resumed, straight[number], "{case:?}");
    }
}

/// Does nothing, unless [`another_process_goes_on_bit_for_bit`] has started it.
#[test]
fn second_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    for (number, case) in cases().iter().enumerate() {
        let path = &place(folder, number, "wane");
        let resumed = case.run(&How { path, epochs: ALL, saves: false, resumes: true });
        std::fs::write(place(folder, number, "txt"), resumed).unwrap();
    }
}

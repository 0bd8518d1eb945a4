//! A run that leaves nothing out of its checkpoints.
#![allow(dead_code, reason = "each test uses its part")]

use std::path::Path;
use wane_autodiff::ndarray::{Array2, Axis};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Params, Rng};
use wane_data::Dataset;
use wane_layers::Sequential;
use wane_optim::{AdamW, AdamWOptions, Decay, Group, PlateauOptions, Schedule};
use wane_train::{Advance, Checkpoint, EarlyStopping, Every, Metric, Trainer, TrainerOptions};

pub(crate) type Subject<'a> = Trainer<'a, f64, AdamWOptions>;

pub(crate) struct Run {
    model: Sequential<f64>,
    params: Params<f64>,
    optimizer: AdamW<f64>,
    train: Dataset<f64>,
    valid: Dataset<f64>,
    rng: Rng,
}

/// y = x₀² + x₁.
fn data(rows: usize, rng: &mut Rng) -> Dataset<f64> {
    let x = Array2::from_shape_simple_fn((rows, 2), || rng.random_range(-1.0..1.0));
    let y = x.map_axis(Axis(1), |row| row[0] * row[0] + row[1]).insert_axis(Axis(1));
    Dataset::new(x, y).unwrap()
}

impl Run {
    /// A network of `hidden` units that has learnt nothing yet, with five batches an epoch.
    pub(crate) fn new(hidden: usize) -> Self {
        let mut rng = Rng::seed_from_u64(5);
        let (train, valid, mut params) = (data(37, &mut rng), data(16, &mut rng), Params::new());
        let layers = Sequential::new().linear(2, hidden).tanh().dropout(0.1).linear(hidden, 1);
        let model = layers.build(params.root(), &mut rng).unwrap();
        let (weights, biases) = params.partition(|param| param.rank() > 1);
        let decay = Decay::decoupled(0.05).unwrap().scheduled(Schedule::exponential(0.99).unwrap()).toward(&params);
        let optimizer = AdamW::new(AdamWOptions { lr: 0.02, amsgrad: true, ..Default::default() })
            .and_then(|optimizer| optimizer.schedule(Schedule::cosine(40, 1e-3)?))
            .and_then(|optimizer| optimizer.group(Group::new(&weights).decay(decay)))
            .and_then(|optimizer| optimizer.group(Group::new(&biases)))
            .unwrap();
        Self { model, params, optimizer, train, valid, rng }
    }

    /// The trainer that goes as far as `epochs`, its data, and its generator. Where a `path` is given, it is saved to
    /// after so many batches.
    pub(crate) fn trainer(
        &mut self,
        epochs: usize,
        path: Option<(&Path, u64)>,
    ) -> (Subject<'_>, &Dataset<f64>, &mut Rng) {
        let options = TrainerOptions {
            epochs,
            batch_size: 8,
            metrics: vec![Metric::Mae, Metric::R2],
            clip_norm: Some(1.0),
            advance: Advance::Batch,
            plateau: Some(PlateauOptions {
                patience: 1,
                factor: 0.9,
                threshold: 0.1,
                cooldown: 1,
                ..Default::default()
            }),
            ema: Some(0.9),
            // The first epoch stays the best, and how long ago that was is counted.
            early_stopping: Some(EarlyStopping { patience: 1 << 40, min_delta: 1e9, ..Default::default() }),
            checkpoint: path.map(|(path, every)| Checkpoint { path: path.to_owned(), every: Every::Batches(every) }),
            progress: false,
            ..Default::default()
        };
        let trainer = Trainer::new(&self.model, &mut self.params, &mut self.optimizer, options);
        let mut trainer = trainer.unwrap().validation(&self.valid);
        trainer.set_extra(&("kept", 7_u8)).unwrap();
        (trainer, &self.train, &mut self.rng)
    }
}

/// The bytes of a checkpoint of batch 3 of epoch 4.
pub(crate) fn in_the_middle(path: &Path, hidden: usize) -> Vec<u8> {
    let mut run = Run::new(hidden);
    let (mut trainer, data, rng) = run.trainer(4, Some((path, 18)));
    trainer.fit(data, rng).unwrap();
    std::fs::read(path).unwrap()
}

/// The bytes of a file with the length and the checksum that its payload has.
pub(crate) fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(length) = bytes.len().checked_sub(40) {
        bytes[28..36].copy_from_slice(&(length as u64).to_le_bytes());
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&bytes[..36]);
        checksum.update(&bytes[40..]);
        bytes[36..40].copy_from_slice(&checksum.finalize().to_le_bytes());
    }
    bytes
}

//! A loss or a gradient that is not finite stops training: named by epoch, batch, op and parameter, and the last checkpoint
//! stays.

use crate::common::place;
use wane_autodiff::ndarray::{Array2, array};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Params, Penalty, Regularizer, Rng, Shape, Var};
use wane_data::Dataset;
use wane_layers::Sequential;
use wane_optim::{Group, Sgd, SgdOptions};
use wane_train::{Checkpoint, Every, Trainer, TrainerOptions};

/// One weight and no bias: the output is w·x, with w = 2.
fn line() -> (Sequential<f64>, Params<f64>, Rng) {
    let (mut rng, mut params) = (Rng::seed_from_u64(1), Params::new());
    let model = Sequential::new().linear(1, 1).build(params.root(), &mut rng).unwrap();
    params.as_mut_slice().copy_from_slice(&[2.0, 0.0]);
    (model, params, rng)
}

fn data(x: &[f64]) -> Dataset<f64> {
    let x = Array2::from_shape_fn((x.len(), 1), |(row, _)| x[row]);
    Dataset::new(x.clone(), x).unwrap()
}

fn options() -> TrainerOptions {
    TrainerOptions { epochs: 2, batch_size: 1, shuffle: false, ..Default::default() }
}

/// The message of a run with a loss of one's own that ends in its third batch, and whose checkpoint is written after each.
fn message(name: &str, loss: impl for<'g> Fn(Var<'g, f64>) -> Var<'g, f64>) -> String {
    let (model, mut params, mut rng) = line();
    let (mut optimizer, train, path) = (sgd(&params), data(&[1.0, 4.0, 0.0]), place(name));
    let checkpoint = Some(Checkpoint { path: path.clone(), every: Every::Batches(1) });
    let options = TrainerOptions { checkpoint, ..options() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap();
    trainer = trainer.loss_fn(|output, _| loss(output));
    let message = trainer.fit(&train, &mut rng).unwrap_err().to_string();
    let (stopped, file) = (trainer.params().as_slice().to_vec(), std::fs::read(&path).unwrap());
    trainer.resume(&path, &mut rng).unwrap();
    assert_eq!(trainer.params().as_slice(), stopped, "the state before the batch");
    assert_eq!(trainer.fit(&train, &mut rng).unwrap_err().to_string(), message);
    assert_eq!(std::fs::read(&path).unwrap(), file, "the last good file stays");
    message
}

fn sgd(params: &Params<f64>) -> Sgd<f64> {
    Sgd::new(SgdOptions { lr: 0.0, ..Default::default() }).unwrap().group(Group::all(params)).unwrap()
}

/// √(w·x) has a slope of ∞ where x is 0, and a power and a logarithm fare likewise.
#[test]
fn the_op_of_a_loss_of_ones_own_is_named() {
    let found = message("sqrt", |output| output.sqrt().mean());
    let expected = "epoch 1, batch 3: gradient of \"0.weight\" is NaN; expected a finite number, as the loss is (0): \
                    backward of sqrt gave inf at [0, 0], recorded at crates/train/tests/train/not_finite.rs:";
    assert!(found.starts_with(expected), "{found}");
    let found = message("powf", |output| output.powf(0.25).mean());
    assert!(found.contains("as the loss is (0): backward of powf gave inf at [0, 0]"), "{found}");
    let found = message("ln", |output| output.ln().mean());
    let expected = "epoch 1, batch 3: loss is -inf; expected a finite number: ln gave -inf at [0, 0], recorded at ";
    assert!(found.starts_with(expected), "{found}");
}

#[derive(Clone, Debug)]
struct Root;

/// Σ√|w − 2|: a value of 0 and no slope where every w is 2.
impl Regularizer<f64> for Root {
    fn name(&self) -> &'static str {
        "root"
    }

    fn value(&self, w: &[f64], _: Shape) -> f64 {
        w.iter().map(|w| (w - 2.0).abs().sqrt()).sum()
    }
}

impl Penalty<f64> for Root {
    fn add_gradient(&self, w: &[f64], _: Shape, scale: f64, gradient: &mut [f64]) {
        for (gradient, w) in gradient.iter_mut().zip(w) {
            *gradient += scale * 0.5 * (w - 2.0).signum() / (w - 2.0).abs().sqrt();
        }
    }
}

#[test]
fn a_penalty_is_named_with_its_parameter_and_line() {
    let (model, mut params, mut rng) = line();
    let (ids, mut optimizer, train) = (params.ids(), sgd(&params), data(&[1.0]));
    let trainer = Trainer::new(&model, &mut params, &mut optimizer, options()).unwrap();
    let mut trainer = trainer.penalty(&Root, &ids[1..]).penalty(&Root, &ids[..1]);
    let found = trainer.fit(&train, &mut rng).unwrap_err().to_string();
    let expected = "epoch 1, batch 1: gradient of \"0.weight\" is inf; expected a finite number, as the loss is (";
    assert!(found.starts_with(expected), "{found}");
    let expected =
        "backward of root \"0.weight\" gave inf at [0, 0], recorded at crates/train/tests/train/not_finite.rs:";
    assert!(found.contains(expected), "{found}");
}

/// The loss, 4·10³⁸ times a difference that is tiny, is within f32; its slope by the weight is not.
#[test]
fn an_overflow_in_f32_is_named() {
    let (mut rng, mut params) = (Rng::seed_from_u64(1), Params::<f32>::new());
    let model = Sequential::new().linear(1, 1).build(params.root(), &mut rng).unwrap();
    params.as_mut_slice().copy_from_slice(&[1e-10, 0.0]);
    let mut optimizer = Sgd::new(SgdOptions::default()).unwrap().group(Group::all(&params)).unwrap();
    let train = Dataset::new(array![[1e25_f32]], array![[0.0]]).unwrap();
    let options = TrainerOptions { batch_size: 1, ..options() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap();
    let found = trainer.fit(&train, &mut rng).unwrap_err().to_string();
    let expected = "epoch 1, batch 1: gradient of \"0.weight\" is inf; expected a finite number, as the loss is (";
    assert!(found.starts_with(expected), "{found}");
    assert!(found.contains("): backward of linear \"0.weight\" gave inf at [0, 0], recorded at "), "{found}");
}

#[test]
fn validation_names_its_batch() {
    let (model, mut params, mut rng) = line();
    let (mut optimizer, train) = (sgd(&params), data(&[1.0]));
    let far: Vec<f64> = (0..600).map(|row| if row < 512 { 1.0 } else { 1e200 }).collect();
    let validation = data(&far);
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options()).unwrap().validation(&validation);
    let found = trainer.fit(&train, &mut rng).unwrap_err().to_string();
    let expected = "epoch 1, validation, batch 3: loss is inf; expected a finite number: mse_loss gave inf at [], ";
    assert!(found.starts_with(expected), "{found}");
}

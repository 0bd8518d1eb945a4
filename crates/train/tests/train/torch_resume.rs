//! Runs that PyTorch began go on here, to its last digits (written by scripts/torch_resume.py).

use crate::folder::Folder;
use safetensors::SafeTensors;
use std::path::PathBuf;
use wane_autodiff::ndarray::Array2;
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Params, Rng, Tape};
use wane_layers::{Module, Sequential};
use wane_optim::{Adam, AdamOptions, AdamW, AdamWOptions, Group, Optimizer, Rule, Sgd, SgdOptions};
use wane_train::{OtherPrecision, load_optimizer_safetensors, load_safetensors, save_optimizer_safetensors};

fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name].iter().collect()
}

/// What PyTorch did: the entries of a file, as they stand there.
struct Run(Vec<u8>);

impl Run {
    fn values(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = file.tensor(name).unwrap();
        let values = tensor.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()));
        (tensor.shape().to_vec(), values.collect())
    }

    fn matrix(&self, name: &str) -> Array2<f64> {
        let (shape, values) = self.values(name);
        Array2::from_shape_vec((shape[0], shape[1]), values).unwrap()
    }
}

/// The largest relative difference from PyTorch's parameters over its next ten steps.
fn resumed<R: Rule>(name: &str, optimizer: Optimizer<f64, R>) -> f64 {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
    let model = Sequential::new().linear(3, 4).tanh().linear(4, 2).build(params.root(), &mut rng).unwrap();
    let (weights, biases) = params.partition(|param| param.rank() > 1);
    let mut optimizer =
        optimizer.group(Group::new(&weights)).unwrap().group(Group::new(&biases).weight_decay(0.0)).unwrap();
    load_safetensors(data(&format!("{name}_model.safetensors")), &mut params, OtherPrecision::Refuse).unwrap();
    let state = data(&format!("{name}_state.safetensors"));
    load_optimizer_safetensors(&state, &mut optimizer, &params, OtherPrecision::Refuse).unwrap();
    goes_there_and_back(&optimizer, &params);

    let run = Run(std::fs::read(data(&format!("{name}_run.safetensors"))).unwrap());
    let (x, y) = (run.matrix("x"), run.matrix("y"));
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let mut largest = 0.0_f64;
    for step in 1..=10 {
        let graph = tape.record(&params);
        model.forward(graph.input(&x)).mse_loss(graph.input(&y)).backward(&mut grads);
        optimizer.step(&mut params, &grads).unwrap();
        for param in params.iter() {
            let (shape, expected) = run.values(&format!("{step}/{}", param.name));
            assert_eq!(shape, param.shape.dims());
            for (&ours, theirs) in param.values.iter().zip(expected) {
                largest = largest.max((ours - theirs).abs() / theirs.abs());
            }
        }
    }
    largest
}

/// A file of ours holds all that a file of PyTorch's held.
fn goes_there_and_back<R: Rule>(optimizer: &Optimizer<f64, R>, params: &Params<f64>) {
    let folder = Folder::new();
    let path = folder.file("state.safetensors");
    save_optimizer_safetensors(&path, optimizer, params).unwrap();
    let groups = optimizer.snapshot(params).unwrap().groups;
    let mut other = Optimizer::<f64, R>::new(groups[0].options.clone()).unwrap();
    for group in &groups {
        let ids: Vec<_> = group.params.iter().map(|name| params.id(name).unwrap()).collect();
        other = other.group(Group::new(&ids)).unwrap();
    }
    load_optimizer_safetensors(&path, &mut other, params, OtherPrecision::Refuse).unwrap();
    let text = |optimizer: &Optimizer<f64, R>| serde_json::to_string(&optimizer.snapshot(params).unwrap()).unwrap();
    assert_eq!(text(&other), text(optimizer));
    let bytes = std::fs::read(&path).unwrap();
    save_optimizer_safetensors(&path, &other, params).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "the same state, the same file");
}

#[test]
fn sgd_goes_on() {
    let largest = resumed("sgd", Sgd::new(SgdOptions { momentum: 0.5, ..Default::default() }).unwrap());
    assert!(largest < 1e-12, "{largest:e}");
}

#[test]
fn adam_goes_on() {
    let largest = resumed("adam", Adam::new(AdamOptions { amsgrad: true, ..Default::default() }).unwrap());
    assert!(largest < 1e-12, "{largest:e}");
}

#[test]
fn adamw_goes_on() {
    let largest = resumed("adamw", AdamW::new(AdamWOptions::default()).unwrap());
    assert!(largest < 1e-12, "{largest:e}");
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
    Sequential::new().linear(3, 4).tanh().linear(4, 1).build(params.root(), &mut rng).unwrap();
    let path = data("adamw_state.safetensors");
    let mut optimizer = AdamW::new(AdamWOptions::default()).unwrap().group(Group::all(&params)).unwrap();
    let before = serde_json::to_string(&optimizer.snapshot(&params).unwrap()).unwrap();
    let mut load = |precision| {
        let error = load_optimizer_safetensors(&path, &mut optimizer, &params, precision).unwrap_err();
        error.to_string().replace(&format!("{path:?}: "), "")
    };
    let message = load(OtherPrecision::Refuse);
    let shapes = "misshapen: 2.bias.exp_avg (2,) for (1,), 2.bias.exp_avg_sq (2,) for (1,), \
                  2.weight.exp_avg (2, 4) for (1, 4), 2.weight.exp_avg_sq (2, 4) for (1, 4)";
    let expected = "for each parameter its step and its buffers, shaped as it is, float64 (OtherPrecision::Convert takes \
                    float16, bfloat16, float32 and float64)";
    assert_eq!(message, format!("list of entries is {shapes}; expected {expected}"));
    assert_eq!(serde_json::to_string(&optimizer.snapshot(&params).unwrap()).unwrap(), before);

    let mut other = Params::<f64>::new();
    Sequential::new().linear(3, 4).tanh().linear(4, 2).build(other.root(), &mut rng).unwrap();
    let mut adam = Adam::new(AdamOptions::default()).unwrap().group(Group::all(&other)).unwrap();
    let error = load_optimizer_safetensors(&path, &mut adam, &other, OtherPrecision::Refuse).unwrap_err().to_string();
    assert!(error.ends_with("Adam snapshot: rule is \"AdamW\"; expected \"Adam\""), "{error}");
    let weights = data("adamw_model.safetensors");
    let error = load_optimizer_safetensors(&weights, &mut adam, &other, OtherPrecision::Refuse).unwrap_err();
    assert!(error.to_string().contains("metadata is without wane_optimizer"), "{error}");
}

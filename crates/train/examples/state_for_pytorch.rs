//! Writes the optimizer state that `scripts/torch_resume.py FOLDER FILE` lets PyTorch go on from: that of the vendored AdamW
//! run, read by wane and written again.
//!
//! usage: state_for_pytorch FILE

use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Error, Params, Rng};
use wane_layers::Sequential;
use wane_optim::{AdamW, AdamWOptions, Group};
use wane_train::{OtherPrecision, load_optimizer_safetensors, save_optimizer_safetensors};

fn main() -> Result<(), Error> {
    let Some(path) = std::env::args_os().nth(1) else {
        println!("usage: state_for_pytorch FILE");
        return Ok(());
    };
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
    Sequential::new().linear(3, 4).tanh().linear(4, 2).build(params.root(), &mut rng)?;
    let (weights, biases) = params.partition(|param| param.rank() > 1);
    let optimizer = AdamW::new(AdamWOptions::default())?;
    let mut optimizer = optimizer.group(Group::new(&weights))?.group(Group::new(&biases))?;
    let state = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/adamw_state.safetensors");
    load_optimizer_safetensors(state, &mut optimizer, &params, OtherPrecision::Refuse)?;
    save_optimizer_safetensors(path, &optimizer, &params)
}

//! A network that PyTorch trained predicts here what it predicted there (data/, written by scripts/torch_model.py).

use wane::ndarray::{Array2, s};
use wane::prelude::*;

fn main() -> Result<(), Error> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    // nn.Sequential(Linear, LayerNorm, GELU, Dropout, Linear, Tanh, Linear): the same layers make the same names.
    let mut params = Params::<f32>::new();
    let model = Sequential::new()
        .linear(6, 16)
        .layer_norm(16)
        .gelu()
        .dropout(0.2)
        .linear(16, 16)
        .tanh()
        .linear(16, 3)
        .build(params.root(), &mut Rng::seed_from_u64(0))?;
    load_safetensors(format!("{folder}/torch_mlp.safetensors"), &mut params, OtherPrecision::Refuse)?;
    println!("{}", model.summary());

    // The recorded inputs and outputs, as one table: six columns of x and two of y, the last of y apart.
    let data = Dataset::<f32>::from_csv(format!("{folder}/torch_mlp.csv"), "y2")?;
    let (x, mut expected) = (data.x().slice_move(s![.., ..6]), Array2::zeros((data.len(), 3)));
    expected.slice_mut(s![.., ..2]).assign(&data.x().slice(s![.., 6..]));
    expected.slice_mut(s![.., 2..]).assign(&data.y());

    let mut predictor = Predictor::new(model, params, ModelCard::default())?;
    let outputs = predictor.predict(x)?;
    let largest = (&outputs - &expected).iter().fold(0.0, |largest: f32, difference| largest.max(difference.abs()));
    let scale = expected.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    println!("{} rows of outputs up to {scale:.2}: the largest difference from PyTorch is {largest:.1e}", data.len());
    assert!(largest <= 1e-5 * scale, "the networks differ");
    Ok(())
}

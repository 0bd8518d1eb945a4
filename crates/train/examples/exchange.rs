//! The other side of `scripts/exchange.py`: reads the weights of a 3-4-2 network from a safetensors file, doubles them
//! and writes them to another.
//!
//! usage: exchange float32|float64 refuse|convert IN OUT

use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Error, Float, Params, Rng};
use wane_layers::Sequential;
use wane_train::{OtherPrecision, load_safetensors, save_safetensors};

fn main() -> Result<(), Error> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (dtype, precision, from, to) = match arguments[..] {
        [dtype, "refuse", from, to] => (dtype, OtherPrecision::Refuse, from, to),
        [dtype, "convert", from, to] => (dtype, OtherPrecision::Convert, from, to),
        _ => {
            println!("usage: exchange float32|float64 refuse|convert IN OUT");
            return Ok(());
        }
    };
    match dtype {
        "float32" => double::<f32>(precision, from, to),
        _ => double::<f64>(precision, from, to),
    }
}

fn double<T: Float>(precision: OtherPrecision, from: &str, to: &str) -> Result<(), Error> {
    let mut params = Params::<T>::new();
    Sequential::new().linear(3, 4).tanh().linear(4, 2).build(params.root(), &mut Rng::seed_from_u64(0))?;
    load_safetensors(from, &mut params, precision)?;
    params.as_mut_slice().iter_mut().for_each(|value| *value = *value + *value);
    save_safetensors(to, &params)
}

//! One op a file: its forward, its backward, its check, and the method by which it is recorded.

mod abs;
mod activation;
mod add;
mod concat;
mod div;
mod dropout;
mod elementwise;
mod elu;
mod embedding;
mod exp;
mod gelu;
mod layer_norm;
mod leaky_relu;
mod linear;
mod ln;
pub(crate) mod log_softmax;
mod matmul;
mod mul;
mod norm;
mod pairwise;
mod relu;
mod reshape;
mod rms_norm;
mod scalar;
mod sigmoid;
mod silu;
mod softplus;
mod sqrt;
mod square;
mod sub;
mod sum;
mod tanh;
mod transpose;

pub use activation::Activation;
pub use elementwise::{Elementwise, Unary};

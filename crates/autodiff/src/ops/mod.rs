//! One op a file: its forward, its backward, its check, and the method by which it is recorded.

mod abs;
mod activation;
mod add;
mod cosine_similarity;
mod div;
mod dropout;
mod elementwise;
mod elu;
mod exp;
mod gelu;
mod leaky_relu;
mod linear;
mod ln;
pub(crate) mod log_softmax;
mod matmul;
mod mul;
mod pairwise;
mod relu;
mod reshape;
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

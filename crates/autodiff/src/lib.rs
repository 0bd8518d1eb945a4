//! Tape-based automatic differentiation for small neural networks.
//!
//! [`Params`] hold the weights in one flat buffer; a [`Tape`] records a forward pass over them and walks it back into
//! [`Grads`]. After the first step nothing is allocated.
//!
//! ```
//! use wane_autodiff::{Params, Tape, ndarray::array};
//!
//! let mut params = Params::<f32>::new();
//! let weight = params.root().add("weight", &array![[0.5, -1.0]])?; // (out, in)
//! let bias = params.root().add("bias", &array![0.1])?; //             (out,)
//!
//! let (mut tape, mut grads) = (Tape::new(), params.grads());
//! let graph = tape.record(&params);
//! let x = graph.input(&array![[1.0, 2.0], [3.0, 4.0]]); //            (batch, in)
//! let y = graph.input(&array![[0.0], [1.0]]);
//! let output = x.linear(graph.param(weight), Some(graph.param(bias)), None);
//! let loss = output.mse_loss(y);
//! loss.backward(&mut grads);
//! assert_eq!(grads.get(bias).unwrap().len(), 1);
//! # Ok::<(), wane_autodiff::Error>(())
//! ```

mod broadcast;
mod classes;
mod dual;
mod error;
mod flat;
mod float;
pub mod gemm;
mod gradcheck;
mod grads;
mod graph;
mod layout;
mod losses;
mod non_finite;
mod op;
mod ops;
mod params;
mod penalty;
pub mod reduce;
mod second_order;
mod shape;
#[doc(hidden)]
pub mod simd;
mod tape;
mod threads;
mod var;

pub use classes::Classes;
pub use dual::Dual;
#[doc(hidden)]
pub use error::number;
pub use error::{Error, ErrorKind, non_negative};
#[doc(hidden)]
pub use flat::{Bytes, Flat};
pub use float::Float;
pub use gradcheck::{GradCheck, GradCheckError, gradcheck};
pub use grads::Grads;
pub use graph::Graph;
pub use layout::{Entry, Layout};
pub use losses::{CrossEntropyOptions, Loss, LossOptions, Reduction};
pub use ndarray;
pub use non_finite::NonFinite;
pub use op::{Backward, Forward, Indices, Op, Operands, ShapeFault};
pub use ops::{Activation, Elementwise, Unary};
pub use params::{Param, ParamId, Params, Scope};
pub use penalty::{Penalty, Regularizer};
pub use rand;
pub use second_order::{HessianProduct, SecondOrder};
pub use shape::{MAX_RANK, Shape};
pub use tape::Tape;
pub use threads::Threads;
#[doc(hidden)]
pub use threads::parts;
pub use var::Var;

/// wane's generator: xoshiro256++, portable, cloneable and serializable. Seed it with `Rng::seed_from_u64`.
pub type Rng = rand::rngs::Xoshiro256PlusPlus;

//! The tests of this crate, in one program: each more would be linked anew.

mod common;
mod concat;
mod dual;
mod extremes;
mod faults;
mod faults_more;
mod gradients;
mod gradients_more;
mod kinks;
mod loss_faults;
mod loss_laws;
mod losses;
mod non_finite;
mod norms;
mod second_derivatives;
mod second_order;
mod stability;
mod tape;
mod torch_ops;
mod values;

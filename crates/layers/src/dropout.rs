use crate::{Description, Module};
use wane_autodiff::{Error, Float, Var, number};

/// In training, zeroes each element with probability p and scales the others by 1/(1−p); otherwise does nothing.
///
/// Whether a recording is one for training is said once, by [`Graph::training`](wane_autodiff::Graph::training).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    p: f64,
}

impl Dropout {
    /// Dropout with probability `p`.
    ///
    /// # Errors
    /// A `p` outside 0..=1.
    pub fn new(p: f64) -> Result<Self, Error> {
        if (0.0..=1.0).contains(&p) {
            Ok(Self { p })
        } else {
            Err(Error::option("dropout p", number(p), "a probability, 0 to 1"))
        }
    }

    /// The probability of a zero.
    pub fn p(&self) -> f64 {
        self.p
    }
}

impl<T: Float> Module<T> for Dropout {
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        x.dropout(self.p)
    }

    fn describe(&self) -> Description {
        Description { kind: format!("Dropout(p={})", self.p), widths: None, parameters: Vec::new() }
    }
}

use crate::{Description, Module};
use std::panic::Location;
use wane_autodiff::{Error, Float, ShapeFault, Var};

/// y = x + f(x), with any module as f (He et al. 2016). Its parameters keep the names they have in f.
#[derive(Debug)]
pub struct Residual<T> {
    f: Box<dyn Module<T>>,
}

impl<T: Float> Residual<T> {
    /// The sum of a module's input and its output.
    ///
    /// # Errors
    /// A module that gives another number of features than it takes.
    pub fn new(f: impl Module<T> + 'static) -> Result<Self, Error> {
        match f.describe().widths {
            Some((inputs, outputs)) if inputs != outputs => {
                let expected = format!("{inputs}, the features it takes, to be added to them");
                Err(Error::option("residual outputs", outputs, expected))
            }
            _ => Ok(Self { f: Box::new(f) }),
        }
    }

    /// The module that is f.
    pub fn inner(&self) -> &dyn Module<T> {
        &*self.f
    }
}

impl<T: Float> Module<T> for Residual<T> {
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        x.graph().attribute(Location::caller(), || {
            let y = self.f.forward(x);
            // A sum would broadcast.
            if y.shape() != x.shape() {
                let message = format!("input is {}, what is added to it {}", x.shape(), y.shape());
                x.graph().refuse("residual", &ShapeFault::new(message), &[]);
            }
            x + y
        })
    }

    fn describe(&self) -> Description {
        let inner = self.f.describe();
        Description { kind: format!("Residual({})", inner.kind), ..inner }
    }
}

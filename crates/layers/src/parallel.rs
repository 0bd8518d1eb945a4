use crate::{Description, Module};
use std::panic::Location;
use wane_autodiff::{Error, Float, Var};

/// Modules on the same input, with their outputs side by side along the last axis: (batch, Σ out).
///
/// An empty [`Sequential`](crate::Sequential) as a branch hands the input on: beside f, the two give x and f(x).
#[derive(Debug)]
pub struct Parallel<T> {
    branches: Vec<Box<dyn Module<T>>>,
    widths: Option<(usize, usize)>,
}

impl<T: Float> Parallel<T> {
    /// The given modules side by side.
    ///
    /// # Errors
    /// No branch; branches that take different numbers of features; several branches that all take any number, from which
    /// the number they give together cannot be told.
    pub fn new(branches: Vec<Box<dyn Module<T>>>) -> Result<Self, Error> {
        let all: Vec<_> = branches.iter().map(|branch| branch.describe().widths).collect();
        let fixed = all.iter().enumerate().find_map(|(number, widths)| Some((number, (*widths)?.0)));
        let widths = match fixed {
            None if branches.len() == 1 => None,
            None => {
                let expected = "branches of which at least one fixes its number of inputs, as Linear does";
                return Err(Error::option("parallel", format!("{} branches", branches.len()), expected));
            }
            Some((first, inputs)) => {
                let mut outputs = 0;
                for (number, widths) in all.iter().enumerate() {
                    let (takes, gives) = widths.unwrap_or((inputs, inputs));
                    if takes != inputs {
                        let expected = format!("{inputs}, which is what branch {first} takes");
                        return Err(Error::option(format!("branch {number}: inputs"), takes, expected));
                    }
                    outputs += gives;
                }
                Some((inputs, outputs))
            }
        };
        Ok(Self { branches, widths })
    }

    /// The modules, in order.
    pub fn branches(&self) -> &[Box<dyn Module<T>>] {
        &self.branches
    }
}

/// The outputs of all branches side by side: by halves, so that no list of them need be allocated in a step.
fn side_by_side<'g, T: Float>(branches: &[Box<dyn Module<T>>], x: Var<'g, T>) -> Var<'g, T> {
    match branches {
        [only] => only.forward(x),
        _ => {
            let (left, right) = branches.split_at(branches.len() / 2);
            let (left, right) = (side_by_side(left, x), side_by_side(right, x));
            x.graph().concat(&[left, right], left.shape().rank().saturating_sub(1))
        }
    }
}

impl<T: Float> Module<T> for Parallel<T> {
    #[track_caller]
    fn forward<'g>(&self, x: Var<'g, T>) -> Var<'g, T> {
        x.graph().attribute(Location::caller(), || side_by_side(&self.branches, x))
    }

    fn describe(&self) -> Description {
        let parts: Vec<_> = self.branches.iter().map(|branch| &**branch).collect();
        Description::of_parts(format!("Parallel({})", parts.len()), self.widths, &parts)
    }
}

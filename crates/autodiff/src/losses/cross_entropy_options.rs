use crate::{Error, non_negative};

/// How much each class, and every other class than the label, counts in [`Var::cross_entropy_loss_with`] and
/// [`Var::nll_loss_with`]; by default classes count alike, and only the label does.
///
/// [`Var::cross_entropy_loss_with`]: crate::Var::cross_entropy_loss_with
/// [`Var::nll_loss_with`]: crate::Var::nll_loss_with
///
/// ```
/// use wane_autodiff::CrossEntropyOptions;
/// let options = CrossEntropyOptions::default().class_weights(&[1.0, 5.0, 5.0], 3)?.label_smoothing(0.1)?;
/// let error = options.label_smoothing(1.5).unwrap_err();
/// assert_eq!(error.to_string(), "label_smoothing is 1.5; expected a number from 0 to 1");
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropyOptions {
    pub(super) class_weights: Option<Vec<f64>>,
    pub(super) label_smoothing: f64,
}

impl CrossEntropyOptions {
    /// One weight for each of `count` classes (PyTorch's `weight`).
    ///
    /// # Errors
    /// Another number of weights; a weight that is negative or not finite, by its class.
    pub fn class_weights(mut self, weights: &[f64], count: usize) -> Result<Self, Error> {
        if weights.len() != count {
            return Err(Error::option("number of class weights", weights.len(), format!("{count}, one a class")));
        }
        for (class, &weight) in weights.iter().enumerate() {
            non_negative(&format!("weight of class {class}"), weight)?;
        }
        self.class_weights = Some(weights.to_vec());
        Ok(self)
    }

    /// The weight of a class: 1 where none was given.
    pub fn class_weight(&self, class: usize) -> f64 {
        self.class_weights.as_ref().and_then(|weights| weights.get(class)).map_or(1.0, |&weight| weight)
    }

    /// The share of the target that is spread evenly over all classes, the label among them (PyTorch's
    /// `label_smoothing`).
    ///
    /// # Errors
    /// A number outside 0..=1.
    pub fn label_smoothing(mut self, smoothing: f64) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&smoothing) {
            return Err(Error::option("label_smoothing", crate::number(smoothing), "a number from 0 to 1"));
        }
        self.label_smoothing = smoothing;
        Ok(self)
    }
}

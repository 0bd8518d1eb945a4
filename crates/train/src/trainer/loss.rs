use super::TrainerOptions;
use wane_autodiff::{Classes, CrossEntropyOptions, Error, Float, LossOptions, Var};
use wane_data::Target;

/// A loss of the caller's own.
pub(super) type LossFn<'a, T> = dyn for<'g> Fn(Var<'g, T>, Target<'_, T>) -> Var<'g, T> + 'a;

/// The loss of data without penalties.
pub(super) fn data_loss<'g, T: Float>(
    options: &TrainerOptions,
    own: Option<&LossFn<'_, T>>,
    output: Var<'g, T>,
    target: Target<'_, T>,
) -> Result<Var<'g, T>, Error> {
    if let Some(own) = own {
        let loss = own(output, target);
        return match loss.shape().len() {
            1 => Ok(loss),
            _ => Err(Error::option("loss_fn", format!("a value of shape {}", loss.shape()), "a mean: a single number")),
        };
    }
    Ok(match target {
        Target::Values(y) => output.loss(options.loss, output.graph().input(&y)),
        // The fused op wherever it will do: it is what a bare loop takes.
        Target::Classes(classes) if options.cross_entropy == CrossEntropyOptions::default() => {
            output.cross_entropy_loss(classes)
        }
        Target::Classes(classes) => {
            output.cross_entropy_loss_with(classes, &options.cross_entropy, LossOptions::default())
        }
    })
}

/// What a batch's mean loss was divided by: its rows with a label, each by the weight of its class.
pub(super) fn counted<T: Float>(options: &TrainerOptions, own: Option<&LossFn<'_, T>>, target: Target<'_, T>) -> f64 {
    match target {
        Target::Values(y) => y.nrows() as f64,
        Target::Classes(classes) => {
            let labelled = classes.labels().iter().filter(|&&label| label != Classes::IGNORED);
            match own {
                Some(_) => labelled.count() as f64,
                None => labelled.map(|&label| options.cross_entropy.class_weight(label as usize)).sum(),
            }
        }
    }
}

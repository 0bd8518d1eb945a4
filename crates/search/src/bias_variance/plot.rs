use super::{BiasVariance, ErrorParts};
use std::path::Path;
use wane_autodiff::Error;
use wane_train::{ErrorCurve, LambdaCurves};

/// Draws bias², variance, noise and test error (the unbiased averages) over λ, on a logarithmic axis, with bars of one
/// standard error, into an SVG file.
///
/// # Errors
/// No λ; a λ that is negative, or not finite; λs that do not rise; another number of decompositions than of λ; a file that
/// cannot be written.
pub fn plot_bias_variance(
    lambdas: &[f64],
    decompositions: &[BiasVariance],
    path: impl AsRef<Path>,
) -> Result<(), Error> {
    if decompositions.len() != lambdas.len() {
        let expected = format!("{}, one for each λ", lambdas.len());
        return Err(Error::data("number of decompositions", decompositions.len(), expected));
    }
    let averages = || decompositions.iter().map(|parts| &parts.average);
    let knows_noise = averages().all(|average| average.unbiased.noise.is_some());
    type Part = fn(&ErrorParts<f64>) -> f64;
    let mut parts: Vec<(&str, Part)> = vec![
        (if knows_noise { "bias²" } else { "bias² + noise" }, |parts| parts.bias_squared),
        ("variance", |parts| parts.variance),
    ];
    if knows_noise {
        parts.push(("noise", |parts| parts.noise.unwrap_or(0.0)));
    }
    parts.push(("test error", |parts| parts.mse));
    let numbers = Vec::from_iter(parts.iter().map(|(name, part)| {
        let errors = Vec::from_iter(averages().map(|average| part(&average.unbiased)));
        let standard_errors = Vec::from_iter(averages().map(|average| part(&average.standard_errors)));
        (*name, errors, standard_errors)
    }));
    let curve = |(name, errors, standard_errors)| ErrorCurve { name, errors, standard_errors };
    let curves = Vec::from_iter(numbers.iter().map(|(name, errors, bars)| curve((*name, &errors[..], &bars[..]))));
    LambdaCurves { title: "Bias and variance", lambdas, error: "mean squared error", curves: &curves }.plot(path)
}

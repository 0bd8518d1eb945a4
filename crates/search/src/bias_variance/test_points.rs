use ndarray::{Array2, Array3, ArrayView2, Axis, Dimension, Ix, NdIndex};
use std::fmt::Debug;
use wane_autodiff::{Error, non_negative, number};
use wane_data::Dataset;

/// Where [`bias_variance`](super::bias_variance) looks at predictions, and what it holds them against.
#[derive(Clone, Debug, PartialEq)]
pub struct TestPoints {
    /// (points, features).
    x: Array2<f64>,
    /// The truth, or the mean of the targets: (points, outputs).
    center: Array2<f64>,
    pub(super) noise: Noise,
}

/// What is known of the noise.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Noise {
    /// Its variance.
    Known(f64),
    /// One target a point: bias² and noise are one number.
    Unknown,
    /// Targets from which it is estimated, (repeats, points, outputs).
    Repeated(Array3<f64>),
}

impl TestPoints {
    /// Points where the truth f is known, and the variance σ² of what the targets have beside it: x: (points, features),
    /// truth: (points, outputs).
    ///
    /// # Errors
    /// No point, feature or output; another number of rows in the truth; a value that is not finite; a variance that is
    /// negative, NaN or infinite.
    pub fn known(x: Array2<f64>, truth: Array2<f64>, noise_variance: f64) -> Result<Self, Error> {
        non_negative("noise_variance", noise_variance)?;
        check("x", &x)?;
        check("truth", &truth)?;
        check_points("truth", truth.nrows(), &x)?;
        Ok(Self { x, center: truth, noise: Noise::Known(noise_variance) })
    }

    /// Rows with one target each. What they don't tell is kept together: `bias_squared` is then bias² + noise.
    ///
    /// # Errors
    /// Targets that are classes.
    pub fn observed(data: &Dataset<f64>) -> Result<Self, Error> {
        let center = crate::cv::numbers(data)?.to_owned();
        Ok(Self { x: data.x().to_owned(), center, noise: Noise::Unknown })
    }

    /// Points with several independent targets each, from which the noise is estimated: x: (points, features), targets:
    /// (repeats, points, outputs).
    ///
    /// # Errors
    /// No point, feature or output; fewer than 2 repeats; another number of points in the targets; a value that is not
    /// finite.
    pub fn repeated(x: Array2<f64>, targets: Array3<f64>) -> Result<Self, Error> {
        check("x", &x)?;
        if targets.len_of(Axis(0)) < 2 {
            return Err(Error::data("number of repeats of the targets", targets.len_of(Axis(0)), "at least 2"));
        }
        check("targets", &targets)?;
        check_points("targets", targets.len_of(Axis(1)), &x)?;
        // Of equal targets, the mean is exactly the target.
        let first = targets.index_axis(Axis(0), 0);
        let center = &first + (&targets - &first).mean_axis(Axis(0)).expect("two repeats");
        Ok(Self { x, center, noise: Noise::Repeated(targets) })
    }

    /// The points, (points, features).
    pub fn x(&self) -> ArrayView2<'_, f64> {
        self.x.view()
    }

    /// What a bias is the distance from: the truth or, if it is not known, the mean of a point's targets; (points, outputs).
    pub fn center(&self) -> ArrayView2<'_, f64> {
        self.center.view()
    }
}

fn check<D: Dimension>(name: &str, values: &ndarray::Array<f64, D>) -> Result<(), Error>
where
    D::Pattern: Debug + NdIndex<D>,
{
    if values.is_empty() {
        return Err(Error::data(
            format!("shape of {name}"),
            format!("{:?}", values.dim()),
            "at least 1 along each axis",
        ));
    }
    match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some((place, &value)) => Err(Error::data(format!("{name} at {place:?}"), number(value), "a finite number")),
        None => Ok(()),
    }
}

fn check_points(name: &str, points: Ix, x: &Array2<f64>) -> Result<(), Error> {
    if points == x.nrows() {
        Ok(())
    } else {
        Err(Error::data(format!("number of points of the {name}"), points, format!("{}, as in x", x.nrows())))
    }
}

//! Data made from a known truth, so that a model can be held against it.
//!
//! Each regression returns the noise-free truth beside the data. On fresh rows no model's mean squared error is expected
//! to be below noise²: that is the floor to compare with. The draws do not depend on the noise or on `T`: from one state
//! of the generator come the same features of a regression, whatever the noise, and the same rows of a classification.
//!
//! ```
//! use wane_autodiff::{Rng, rand::SeedableRng};
//! use wane_data::synthetic::{Friedman1Options, friedman1};
//!
//! let mut rng = Rng::seed_from_u64(0);
//! let options = Friedman1Options { rows: 1000, noise: 0.5, ..Default::default() };
//! let (train, test) = (friedman1::<f64>(&options, &mut rng)?, friedman1::<f64>(&options, &mut rng)?);
//! let floor = (&test.dataset.y() - &test.truth).mapv(|error| error * error).mean().unwrap();
//! assert!((floor - 0.25).abs() < 0.05);
//! # assert_ne!(train.truth, test.truth);
//! # Ok::<(), wane_autodiff::Error>(())
//! ```

mod classification;
mod regression;

pub use classification::{Blobs, BlobsOptions, TwoMoonsOptions, blobs, two_moons};
pub use regression::{Friedman1Options, Linear, LinearOptions, SineOptions, Synthetic, friedman1, linear, sine};

use rand::RngExt;
use wane_autodiff::{Error, Rng, number};

fn uniform(low: f64, high: f64, rng: &mut Rng) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

fn check_rows(rows: usize, features: usize) -> Result<(), Error> {
    at_least("rows", rows, 1)?;
    // What ndarray can hold of f64.
    let fits = rows.checked_mul(features).is_some_and(|len| len <= isize::MAX as usize / 8);
    if fits {
        Ok(())
    } else {
        Err(Error::option("rows", rows, format!("as many as memory holds of {features} features")))
    }
}

fn at_least(field: &str, given: usize, least: usize) -> Result<(), Error> {
    if given < least { Err(Error::option(field, given, format!("at least {least}"))) } else { Ok(()) }
}

fn check_span(low: f64, high: f64) -> Result<(), Error> {
    for (field, value) in [("low", low), ("high", high)] {
        if !value.is_finite() {
            return Err(Error::option(field, number(value), "a finite number"));
        }
    }
    if !(low < high && (high - low).is_finite()) {
        let expected = format!("above low, which is {}, by a finite distance", number(low));
        return Err(Error::option("high", number(high), expected));
    }
    Ok(())
}

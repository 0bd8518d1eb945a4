use super::Sampler;
use crate::{Distribution, StudyView};
use rand::RngExt;
use wane_autodiff::{Error, Rng};

/// Every value as likely as any other: of its distribution, or of its logarithm.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomSampler;

impl Sampler for RandomSampler {
    fn sample_independent(
        &self,
        _: &StudyView<'_>,
        _: &str,
        distribution: &Distribution,
        rng: &mut Rng,
    ) -> Result<f64, Error> {
        Ok(distribution.at(rng.random()))
    }
}

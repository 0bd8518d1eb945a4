use super::{RandomSampler, Sampler, Sequence};
use crate::{Distribution, StudyView};
use wane_autodiff::{Error, Rng};

/// The points that sobol_burley keeps apart.
const POINTS: usize = 1 << 16;

/// Points that fill the space more evenly than random ones: Sobol's sequence with Owen's scrambling (Burley 2020, "Practical
/// Hash-based Owen Scrambling"), by the crate `sobol_burley`.
///
/// The k-th parameter that a trial asks for is the point's k-th coordinate. Workers share one sequence; with up to 2¹⁶
/// trials and 256 parameters; coordinates have 24 bits. Trials from the queue, and parameters beyond the 256th, are
/// random.
#[derive(Clone, Copy, Debug)]
pub struct QmcSampler {
    seed: u32,
}

impl QmcSampler {
    /// Of the many scrambled sequences, the one of this seed. Workers that share a study use the same.
    pub fn new(seed: u32) -> Self {
        Self { seed }
    }
}

impl Sampler for QmcSampler {
    fn sequence(&self) -> Option<Sequence> {
        Some(Sequence { name: format!("sobol_burley, seed {}", self.seed), len: POINTS })
    }

    fn sample_independent(
        &self,
        view: &StudyView<'_>,
        name: &str,
        distribution: &Distribution,
        rng: &mut Rng,
    ) -> Result<f64, Error> {
        let dimension = view.trial.params.len();
        match view.rank {
            Some(rank) if rank < POINTS && dimension < sobol_burley::NUM_DIMENSIONS as usize => {
                let point = sobol_burley::sample(rank as u32, dimension as u32, self.seed);
                Ok(distribution.at(point.into()))
            }
            _ => RandomSampler.sample_independent(view, name, distribution, rng),
        }
    }
}

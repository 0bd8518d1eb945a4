use super::{Sampler, Sequence};
use crate::{Choice, Distribution, StudyView};
use rand::seq::SliceRandom;
use std::collections::BTreeMap;
use wane_autodiff::{Error, Rng};

/// The most points whose order can be random.
const MOST_SHUFFLED: usize = 1 << 24;

/// Every point of a grid once, in the order of scikit-learn's `ParameterGrid`: the names sorted, the values of the last one
/// varying fastest. Or, [shuffled](Self::shuffled), in any order, as `RandomizedSearchCV` draws from lists.
///
/// [`Study::optimize`](crate::Study::optimize) ends after the last point. However many workers there are, each point is one
/// trial's, and a study that is taken up again, by a grid of the same values, goes on at the next one, whatever other samplers
/// have done in it; the point of a trial that its process left behind
/// is [`requeue_running`](crate::Study::requeue_running)'s. A distribution of one value has that one, as in Optuna, whatever
/// the grid has under its name.
///
/// ```
/// use wane_search::samplers::GridSampler;
/// use wane_search::{Study, StudyOptions};
///
/// let grid = GridSampler::new([
///     ("penalty", vec!["l1".into(), "l2".into()]),
///     ("alpha", vec![0.1.into(), 1.0.into(), 10.0.into()]),
/// ])?;
/// assert_eq!(grid.len(), 6);
/// let study = Study::create(StudyOptions { sampler: std::sync::Arc::new(grid), ..Default::default() })?;
/// study.optimize(100, |trial| {
///     let alpha = trial.suggest_float_log("alpha", 1e-3..=1e3)?;
///     let penalty = trial.suggest_categorical("penalty", &["l1", "l2", "none"])?;
///     Ok((alpha - 1.0).abs() + f64::from(u8::from(penalty == "l1")))
/// })?;
/// let order: Vec<_> = study.trials()?.iter().map(|trial| trial.value()).collect();
/// assert_eq!(order, [1.9, 0.9, 1.0, 0.0, 10.0, 9.0].map(Some));
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GridSampler {
    values: BTreeMap<String, Vec<Choice>>,
    len: usize,
    /// Of values and order, taken once: there may be millions of points.
    checksum: u32,
    /// Which point comes when, unless it is the grid's own order.
    order: Option<Vec<usize>>,
}

impl GridSampler {
    /// The points that take one of its values for each name.
    ///
    /// # Errors
    /// No names; a name without values, or that comes twice; more points than a `usize` counts.
    pub fn new<'a>(grid: impl IntoIterator<Item = (&'a str, Vec<Choice>)>) -> Result<Self, Error> {
        let mut values = BTreeMap::new();
        let mut len = 1_usize;
        for (name, list) in grid {
            if list.is_empty() {
                return Err(Error::option(format!("{name}: number of values"), 0, "at least 1"));
            }
            let expected = || "a grid with no more points than can be counted";
            let fault = || Error::option(name, format!("{} values", list.len()), expected());
            len = len.checked_mul(list.len()).ok_or_else(fault)?;
            if values.insert(name.into(), list).is_some() {
                return Err(Error::option("grid", format!("{name:?}, twice"), "every name once"));
            }
        }
        if values.is_empty() {
            return Err(Error::option("number of names", 0, "at least 1"));
        }
        let checksum = crc32fast::hash(format!("{values:?}").as_bytes());
        Ok(Self { values, len, checksum, order: None })
    }

    /// The same points in any order, each as likely.
    ///
    /// # Errors
    /// More than 2²⁴ points.
    pub fn shuffled(mut self, rng: &mut Rng) -> Result<Self, Error> {
        if self.len > MOST_SHUFFLED {
            return Err(Error::option("number of points", self.len, "at most 2^24, to be shuffled"));
        }
        let mut order: Vec<usize> = (0..self.len).collect();
        order.shuffle(rng);
        let mut hasher = crc32fast::Hasher::new_with_initial(self.checksum);
        order.iter().for_each(|&place| hasher.update(&(place as u64).to_le_bytes()));
        self.checksum = hasher.finalize();
        self.order = Some(order);
        Ok(self)
    }

    /// How many points there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The values at the point that comes after `rank` others.
    pub fn point(&self, rank: usize) -> Option<BTreeMap<&str, &Choice>> {
        let mut place = match &self.order {
            Some(order) => *order.get(rank)?,
            None => (rank < self.len).then_some(rank)?,
        };
        let mut point = BTreeMap::new();
        for (name, values) in self.values.iter().rev() {
            point.insert(name.as_str(), &values[place % values.len()]);
            place /= values.len();
        }
        Some(point)
    }
}

impl Sampler for GridSampler {
    /// The same for grids of the same values in the same order.
    fn sequence(&self) -> Option<Sequence> {
        Some(Sequence { name: format!("grid of {} points, {:08x}", self.len, self.checksum), len: self.len })
    }

    fn sample_independent(
        &self,
        view: &StudyView<'_>,
        name: &str,
        distribution: &Distribution,
        _: &mut Rng,
    ) -> Result<f64, Error> {
        let expected = "one with all parameters, when the sampler is a grid";
        let fault = || Error::parameter("trial from the queue", "without this parameter", expected);
        let rank = view.rank.ok_or_else(fault)?;
        let fault = || Error::parameter("rank", rank, format!("below {}, the number of points", self.len));
        let point = self.point(rank).ok_or_else(fault)?;
        let names = || format!("one of {:?}", self.values.keys().collect::<Vec<_>>());
        let value = *point.get(name).ok_or_else(|| Error::parameter("grid", "without this parameter", names()))?;
        let internal = distribution.internal(value)?;
        if distribution.contains(internal) {
            Ok(internal)
        } else {
            Err(Error::data("value of the grid", value, format!("one of {distribution}")))
        }
    }
}

use crate::Distribution;
use crate::range::Range;
use crate::space::SearchSpace;
use ndarray::Array2;
use rand::RngExt;
use wane_autodiff::Rng;

/// A search space on the unit cube. A choice is its index instead.
#[derive(Debug)]
pub(super) struct Cube(Vec<Axis>);

/// One parameter.
#[derive(Debug)]
pub(super) enum Axis {
    /// Of an interval.
    Continuous(Range),
    /// Of a grid of that many values.
    Grid(Range, usize),
    /// Of that many choices.
    Choices(usize),
}

impl Cube {
    pub(super) fn of(space: &SearchSpace) -> Self {
        let axis = |distribution: &Distribution| match (Range::of(distribution), distribution) {
            (Some(range), _) => match range.step {
                Some(step) => Axis::Grid(range, ((range.high - range.low) / step).round() as usize + 1),
                None => Axis::Continuous(range),
            },
            (None, Distribution::Categorical { choices }) => Axis::Choices(choices.len()),
            (None, _) => unreachable!("every other distribution has a range"),
        };
        Self(space.values().map(axis).collect())
    }

    pub(super) fn axes(&self) -> &[Axis] {
        &self.0
    }

    pub(super) fn is_categorical(&self) -> Vec<bool> {
        self.0.iter().map(|axis| matches!(axis, Axis::Choices(_))).collect()
    }

    /// The place of a point given by internal values.
    pub(super) fn place(&self, internal: &[f64]) -> Vec<f64> {
        self.0.iter().zip(internal).map(|(axis, &value)| axis.place(value)).collect()
    }

    /// The internal values at a place.
    pub(super) fn internal(&self, place: &[f64]) -> Vec<f64> {
        self.0.iter().zip(place).map(|(axis, &place)| axis.internal(place)).collect()
    }

    /// `n` points of a scrambled Sobol sequence.
    pub(super) fn fill(&self, n: usize, rng: &mut Rng) -> Array2<f64> {
        let (d, seed) = (self.0.len(), rng.random());
        Array2::from_shape_fn((n, d), |(i, j)| {
            let unit: f64 = match u32::try_from(j) {
                Ok(j) if j < sobol_burley::NUM_DIMENSIONS => sobol_burley::sample(i as u32, j, seed).into(),
                _ => rng.random(),
            };
            match self.0[j] {
                Axis::Choices(n) => (unit * n as f64).floor(),
                Axis::Continuous(_) => unit,
                Axis::Grid(..) => self.0[j].place(self.0[j].internal(unit)),
            }
        })
    }
}

impl Axis {
    fn place(&self, internal: f64) -> f64 {
        match self {
            Self::Continuous(range) | Self::Grid(range, _) => {
                let (low, high) = range.bounds();
                (range.transform(internal) - low) / (high - low)
            }
            Self::Choices(_) => internal,
        }
    }

    fn internal(&self, place: f64) -> f64 {
        match self {
            Self::Continuous(range) | Self::Grid(range, _) => {
                let (low, high) = range.bounds();
                range.value(low + place * (high - low))
            }
            Self::Choices(_) => place,
        }
    }

    /// How many places there are, if they can be counted.
    pub(super) fn len(&self) -> Option<usize> {
        match *self {
            Self::Continuous(_) => None,
            Self::Grid(_, n) | Self::Choices(n) => Some(n),
        }
    }

    /// The place of one of the countable values.
    pub(super) fn nth(&self, i: usize) -> f64 {
        match *self {
            Self::Grid(range, _) => self.place((range.low + i as f64 * range.step.unwrap_or(0.0)).min(range.high)),
            _ => i as f64,
        }
    }

    /// The index of the value at a place.
    pub(super) fn index(&self, place: f64) -> usize {
        match *self {
            Self::Grid(range, _) => ((self.internal(place) - range.low) / range.step.unwrap_or(1.0)).round() as usize,
            _ => place as usize,
        }
    }
}

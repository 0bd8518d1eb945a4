use crate::{EpochRecord, Metric};
use serde::{Deserialize, Serialize};
use std::fmt;
use wane_autodiff::Error;
use wane_optim::Better;

/// What early stopping or a plateau watches, an epoch at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Monitor {
    /// The validation loss.
    #[default]
    ValidationLoss,
    /// The training loss, penalties not included.
    TrainLoss,
    /// A metric of the validation rows, one of [`TrainerOptions::metrics`](super::TrainerOptions::metrics).
    Metric(Metric),
}

impl Monitor {
    /// Which of two values is better: as of the [metric](Metric::better), and the smaller of losses.
    pub fn better(self) -> Better {
        match self {
            Self::ValidationLoss | Self::TrainLoss => Better::Min,
            Self::Metric(metric) => metric.better(),
        }
    }

    pub(super) fn wants_validation(self) -> bool {
        self != Self::TrainLoss
    }

    /// The value of an epoch; `metrics` are those of its record.
    pub(super) fn value(self, record: &EpochRecord, metrics: &[Metric]) -> Option<f64> {
        match self {
            Self::ValidationLoss => record.validation_loss,
            Self::TrainLoss => Some(record.train_loss),
            Self::Metric(metric) => {
                let place = metrics.iter().position(|&other| other == metric)?;
                record.validation_metrics.get(place).copied()
            }
        }
    }

    pub(super) fn check(self, field: &str, metrics: &[Metric]) -> Result<(), Error> {
        match self {
            Self::Metric(metric) if !metrics.contains(&metric) => {
                let names = metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ");
                Err(Error::option(field, metric, format!("a loss, or one of metrics, which has [{names}]")))
            }
            _ => Ok(()),
        }
    }
}

/// The column of [`History::to_csv`](crate::History::to_csv).
impl fmt::Display for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ValidationLoss => f.write_str("validation_loss"),
            Self::TrainLoss => f.write_str("train_loss"),
            Self::Metric(metric) => write!(f, "validation_{metric}"),
        }
    }
}

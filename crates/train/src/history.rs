use crate::Metric;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use wane_autodiff::Error;

/// What training was like, epoch by epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct History {
    /// Which metrics the records have, in their order.
    pub metrics: Vec<Metric>,
    /// One record a finished epoch.
    pub epochs: Vec<EpochRecord>,
}

/// One epoch in a [`History`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochRecord {
    /// The number of the epoch, the first being 1.
    pub epoch: usize,
    /// The mean training loss a row, penalties not included, of each batch before its step.
    #[serde(with = "crate::json")]
    pub train_loss: f64,
    /// The mean of the penalties, batch by batch.
    #[serde(with = "crate::json")]
    pub penalty: f64,
    /// The metrics of the training rows, of each batch before its step; dropout drops.
    #[serde(with = "crate::json")]
    pub train_metrics: Vec<f64>,
    /// The mean validation loss a row, after the epoch: of the moving average of the weights if there is one.
    #[serde(with = "crate::json")]
    pub validation_loss: Option<f64>,
    /// The metrics of the validation rows.
    #[serde(with = "crate::json")]
    pub validation_metrics: Vec<f64>,
    /// The optimizer's groups, in their order.
    pub groups: Vec<GroupRecord>,
    /// ‖g‖₂ of all gradients before clipping, the mean over the batches.
    #[serde(with = "crate::json")]
    pub gradient_norm: f64,
    /// How many weights are exactly zero after the epoch.
    pub zeros: usize,
}

/// A group of the optimizer in an [`EpochRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupRecord {
    /// The learning rate of the epoch's last step.
    #[serde(with = "crate::json")]
    pub lr: f64,
    /// ‖θ‖₂ after the epoch.
    #[serde(with = "crate::json")]
    pub weight_norm: f64,
}

impl History {
    /// The record of the epoch with the least validation loss, or training loss without validation data; the first of
    /// equals.
    pub fn best(&self) -> Option<&EpochRecord> {
        let loss = |record: &EpochRecord| record.validation_loss.unwrap_or(record.train_loss);
        let finite = self.epochs.iter().filter(|record| !loss(record).is_nan());
        finite.min_by(|a, b| loss(a).total_cmp(&loss(b)))
    }

    /// A table with one line an epoch under a line of names: `epoch,train_loss,penalty,train_<metric>…,
    /// validation_loss,validation_<metric>…,lr_<group>,weight_norm_<group>…,gradient_norm,zeros`. A cell is empty where
    /// there is no such number; numbers are written so that reading gives the same bits.
    pub fn to_csv(&self) -> String {
        let groups = self.epochs.iter().map(|record| record.groups.len()).max().unwrap_or(0);
        let mut csv = String::from("epoch,train_loss,penalty");
        self.metrics.iter().for_each(|metric| csv += &format!(",train_{metric}"));
        csv += ",validation_loss";
        self.metrics.iter().for_each(|metric| csv += &format!(",validation_{metric}"));
        (0..groups).for_each(|group| csv += &format!(",lr_{group},weight_norm_{group}"));
        csv += ",gradient_norm,zeros\n";
        for record in &self.epochs {
            csv += &record.epoch.to_string();
            let mut cell = |value: Option<f64>| {
                csv.push(',');
                if let Some(value) = value {
                    write!(csv, "{value:?}").expect("a String takes all");
                }
            };
            cell(Some(record.train_loss));
            cell(Some(record.penalty));
            (0..self.metrics.len()).for_each(|metric| cell(record.train_metrics.get(metric).copied()));
            cell(record.validation_loss);
            (0..self.metrics.len()).for_each(|metric| cell(record.validation_metrics.get(metric).copied()));
            for group in 0..groups {
                let group = record.groups.get(group);
                cell(group.map(|group| group.lr));
                cell(group.map(|group| group.weight_norm));
            }
            cell(Some(record.gradient_norm));
            writeln!(csv, ",{}", record.zeros).expect("a String takes all");
        }
        csv
    }

    /// The history as JSON, under the names of its fields; [`from_json`](Self::from_json) reads it. A number that is not
    /// finite is a text, `"NaN"`, `"Infinity"` or `"-Infinity"`, and one that isn't there `null`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a history has only names, lists and numbers")
    }

    /// The history that [`to_json`](Self::to_json) has written, with the same bits (of a NaN, that it is one).
    ///
    /// # Errors
    /// Anything else.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let fault = |error: serde_json::Error| {
            Error::io("history", format!("not readable ({error})"), "JSON as to_json writes it", error)
        };
        serde_json::from_str(json).map_err(fault)
    }
}

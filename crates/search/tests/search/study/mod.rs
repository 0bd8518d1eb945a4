//! Studies from end to end: what they suggest, record, refuse and go on from.

mod distributions;
mod laws;
mod pruners;
mod refusals;
mod report;
mod running;
mod samplers;
mod trials;

use std::sync::Arc;
use wane_search::samplers::Sampler;
use wane_search::{Study, StudyOptions, TrialRecord};

fn study() -> Study {
    Study::create(StudyOptions::default()).unwrap()
}

fn study_with(sampler: impl Sampler + 'static) -> Study {
    Study::create(StudyOptions { sampler: Arc::new(sampler), ..Default::default() }).unwrap()
}

/// The trials without their times.
fn bare(study: &Study) -> Vec<TrialRecord> {
    let timeless = |trial: &Arc<TrialRecord>| TrialRecord { started: None, completed: None, ..(**trial).clone() };
    study.trials().unwrap().iter().map(timeless).collect()
}

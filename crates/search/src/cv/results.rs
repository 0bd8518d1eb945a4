use super::{Setting, Value};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use wane_autodiff::Error;
use wane_train::Metric;

/// What one fold gave.
#[derive(Debug)]
#[non_exhaustive]
pub struct FoldScore {
    /// The score of the test rows; NaN if the fold failed.
    pub test: f64,
    /// The score of the training rows, if it was asked for; NaN if the fold failed.
    pub train: Option<f64>,
    /// Seconds that the fit took.
    pub fit_time: f64,
    /// Seconds that scoring took.
    pub score_time: f64,
    /// Why the fold failed, if it did.
    pub fault: Option<Error>,
}

/// What every fold gave, for one estimator.
#[derive(Debug)]
#[non_exhaustive]
pub struct FoldScores {
    /// One a split.
    pub folds: Vec<FoldScore>,
}

impl FoldScores {
    /// The score of each split's test rows.
    pub fn test_scores(&self) -> Vec<f64> {
        self.of(|fold| fold.test)
    }

    /// Their mean; NaN if a fold failed.
    pub fn mean(&self) -> f64 {
        mean(&self.test_scores())
    }

    /// Their standard deviation, over k and not k − 1.
    pub fn std(&self) -> f64 {
        std(&self.test_scores())
    }

    /// The standard error of their mean, taken as that of k independent scores: their deviation over k − 1, by √k.
    pub fn standard_error(&self) -> f64 {
        self.std() / (self.folds.len() as f64 - 1.0).sqrt()
    }

    fn of(&self, what: impl Fn(&FoldScore) -> f64) -> Vec<f64> {
        self.folds.iter().map(what).collect()
    }
}

/// The results of a search (scikit-learn's `cv_results_`).
#[derive(Debug)]
#[non_exhaustive]
pub struct CvResults {
    /// What the scores are made of.
    pub metric: Metric,
    /// Each setting and its scores, in the order of the grid.
    pub settings: Vec<(Setting, FoldScores)>,
}

impl CvResults {
    /// The mean score of each setting; NaN if a fold of it failed.
    pub fn mean_test_scores(&self) -> Vec<f64> {
        self.settings.iter().map(|(_, scores)| scores.mean()).collect()
    }

    /// The rank of each setting, 1 the best. Equals share the best of their ranks, and NaN is last.
    pub fn ranks(&self) -> Vec<usize> {
        let means = self.mean_test_scores();
        let mut order = Vec::from_iter(0..means.len());
        order.sort_by(|&a, &b| best_first(means[a], means[b]));
        let mut ranks = vec![1; means.len()];
        for (place, pair) in order.windows(2).enumerate() {
            let is_tie = best_first(means[pair[0]], means[pair[1]]).is_eq();
            ranks[pair[1]] = if is_tie { ranks[pair[0]] } else { place + 2 };
        }
        ranks
    }

    /// The first setting of rank 1 (`best_index_`).
    pub fn best_index(&self) -> usize {
        let means = self.mean_test_scores();
        let best = (0..means.len()).min_by(|&a, &b| best_first(means[a], means[b]));
        best.expect("a grid has a setting")
    }

    /// The setting of [`best_index`](Self::best_index) (`best_params_`).
    pub fn best_setting(&self) -> &Setting {
        &self.settings[self.best_index()].0
    }

    /// The setting with the largest value of the parameter `strength` whose mean score is within one standard error of the
    /// best mean, the other parameters being those of the best setting (glmnet's `lambda.1se`). The error is that of the
    /// best; among settings that are equally good, of the one with the largest `strength`.
    ///
    /// # Errors
    /// A parameter that the best setting doesn't have, or that isn't a number; fewer than two splits; no setting whose folds
    /// all worked.
    pub fn one_standard_error(&self, strength: &str) -> Result<usize, Error> {
        let (best, means) = (self.best_index(), self.mean_test_scores());
        let (setting, scores) = &self.settings[best];
        setting.float(strength)?;
        if scores.folds.len() < 2 {
            return Err(Error::data("number of splits", scores.folds.len(), "at least 2, for a standard error"));
        }
        if means[best].is_nan() {
            return Err(Error::data("number of settings whose folds all worked", 0, "at least 1"));
        }
        let others = |setting: &'_ Setting| {
            let others = setting.iter().filter(|(name, _)| *name != strength);
            others.map(|(name, value)| (name.to_owned(), value.clone())).collect::<Vec<_>>()
        };
        let fixed = others(setting);
        let beside = self.settings.iter().enumerate().filter(|(_, (setting, _))| others(setting) == fixed);
        let point = |(place, (setting, scores)): (usize, &(Setting, FoldScores))| {
            Some((place, [setting.float(strength).ok()?, means[place], scores.standard_error()]))
        };
        let (places, points): (Vec<_>, Vec<_>) = beside.filter_map(point).unzip();
        Ok(strongest(&points).map_or(best, |(_, within)| places[within]))
    }

    /// A row a setting, under the names and in the order of scikit-learn's `cv_results_`; behind them, if a fold failed, a
    /// column with the reasons.
    pub fn to_csv(&self) -> String {
        let names =
            BTreeSet::from_iter(self.settings.iter().flat_map(|(setting, _)| setting.iter().map(|(name, _)| name)));
        let (ranks, any_failed) = (self.ranks(), self.faults().next().is_some());
        let mut csv = csv::Writer::from_writer(Vec::new());
        let mut lines = Vec::from_iter(self.settings.iter().zip(ranks).map(|((setting, scores), rank)| {
            let mut line = Line::default();
            line.summary("fit_time", &scores.of(|fold| fold.fit_time));
            line.summary("score_time", &scores.of(|fold| fold.score_time));
            for &name in &names {
                line.add(format!("param_{name}"), setting.get(name).map_or(String::new(), Value::to_string));
            }
            line.add("params", setting);
            line.scores("test_score", &scores.test_scores());
            line.add("rank_test_score", rank);
            if scores.folds.iter().any(|fold| fold.train.is_some()) {
                line.scores("train_score", &scores.of(|fold| fold.train.unwrap_or(f64::NAN)));
            }
            if any_failed {
                let faults = scores.folds.iter().enumerate();
                let faults =
                    faults.filter_map(|(split, fold)| Some(format!("split {split}: {}", fold.fault.as_ref()?)));
                line.add("faults", Vec::from_iter(faults).join("; "));
            }
            line
        }));
        let header = lines.first_mut().map(|line| std::mem::take(&mut line.names)).unwrap_or_default();
        let records = std::iter::once(&header).chain(lines.iter().map(|line| &line.values));
        for record in records {
            csv.write_record(record).expect("memory takes all, and records are of one length");
        }
        String::from_utf8(csv.into_inner().expect("memory takes all")).expect("made of text")
    }

    /// The folds that failed: setting, split and reason.
    pub fn faults(&self) -> impl Iterator<Item = (&Setting, usize, &Error)> {
        self.settings.iter().flat_map(|(setting, scores)| {
            let faults = scores.folds.iter().enumerate();
            faults.filter_map(move |(split, fold)| Some((setting, split, fold.fault.as_ref()?)))
        })
    }
}

/// The order of mean scores: NaN last.
fn best_first(a: f64, b: f64) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then(b.partial_cmp(&a).unwrap_or(Ordering::Equal))
}

/// A row of a table, and what its columns are called.
#[derive(Default)]
struct Line {
    names: Vec<String>,
    values: Vec<String>,
}

impl Line {
    fn add(&mut self, name: impl ToString, value: impl ToString) {
        self.names.push(name.to_string());
        self.values.push(value.to_string());
    }

    fn summary(&mut self, name: &str, values: &[f64]) {
        self.add(format!("mean_{name}"), mean(values));
        self.add(format!("std_{name}"), std(values));
    }

    fn scores(&mut self, name: &str, values: &[f64]) {
        values.iter().enumerate().for_each(|(split, value)| self.add(format!("split{split}_{name}"), value));
        self.summary(name, values);
    }
}

/// Of points (strength, mean score, its standard error), a larger score being better: the place of the best, of equals the
/// strongest, and that of the strongest within one standard error of it. None if all scores are NaN.
pub(crate) fn strongest(points: &[[f64; 3]]) -> Option<(usize, usize)> {
    let largest = |least: f64| {
        let within = points.iter().enumerate().filter(|(_, point)| point[1] >= least);
        within.max_by(|a, b| a.1[0].total_cmp(&b.1[0])).map(|(place, _)| place)
    };
    let best = largest(points.iter().map(|point| point[1]).reduce(f64::max)?)?;
    Some((best, largest(points[best][1] - points[best][2]).unwrap_or(best)))
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn std(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64).sqrt()
}

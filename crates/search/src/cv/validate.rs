use super::results::{CvResults, FoldScore, FoldScores};
use super::{Estimator, ParameterGrid, Predict, Setting, Split, Splitter};
use crate::{Workspace, sweep};
use ndarray::Array2;
use rand::SeedableRng;
use std::time::Instant;
use wane_autodiff::{Error, Rng};
use wane_data::{Dataset, Target};
use wane_optim::Better;
use wane_train::Metric;

/// How models are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CvOptions {
    /// What a score is: the metric, or −metric where smaller is better (scikit-learn's `neg_mean_squared_error`), so that
    /// larger scores are better.
    pub metric: Metric,
    /// What every fit's generator starts from (`random_state`): all settings and folds begin alike.
    pub seed: u64,
    /// Whether the training rows are scored too.
    pub return_train_score: bool,
    /// Whether a fold that fails ends all (`error_score="raise"`). If not, its scores are NaN, and its reason is kept.
    pub raise: bool,
}

impl Default for CvOptions {
    fn default() -> Self {
        Self { metric: Metric::Mse, seed: 0, return_train_score: false, raise: false }
    }
}

/// Fits the estimator on every split's training rows and scores it on its test rows (scikit-learn's `cross_validate`), side
/// by side as [`sweep`] does.
///
/// # Errors
/// Those of the splitter; a metric of the other kind of target; folds that fail, all of them or, with `raise`, any.
///
/// ```
/// use ndarray::Array2;
/// use wane_data::Dataset;
/// use wane_search::{CvOptions, KFold, Ridge, Scaled, cross_validate};
///
/// let x = Array2::from_shape_fn((20, 2), |(row, column)| ((3 * row + 7 * column * row) % 11) as f64);
/// let y = Array2::from_shape_fn((20, 1), |(row, _)| 2.0 * x[(row, 0)] - x[(row, 1)]);
/// let data = Dataset::new(x, y)?;
/// let ridge = Scaled { estimator: Ridge { alpha: 1e-9 }, scale_y: false };
/// let scores = cross_validate(&ridge, &data, &KFold::new(5)?, &CvOptions::default())?;
/// assert!(scores.mean() > -1e-9);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
pub fn cross_validate<E: Estimator>(
    estimator: &E,
    data: &Dataset<f64>,
    splitter: &dyn Splitter,
    options: &CvOptions,
) -> Result<FoldScores, Error> {
    let folds = Folds::new(data, splitter, options)?;
    let numbers = Vec::from_iter(0..folds.parts.len());
    let scores = sweep(&numbers, |&number, workspace| folds.score(estimator, number, workspace))?;
    let folds = checked(scores, options, |number| format!("split {number}"))?;
    Ok(FoldScores { folds })
}

/// A search over every setting of a grid by cross-validation (scikit-learn's `GridSearchCV`).
///
/// ```
/// use ndarray::Array2;
/// use wane_data::Dataset;
/// use wane_search::{GridSearch, KFold, ParameterGrid, Predict, Ridge, Setting};
///
/// let x = Array2::from_shape_fn((30, 2), |(row, column)| ((3 * row + 7 * column * row) % 11) as f64);
/// let y = Array2::from_shape_fn((30, 1), |(row, _)| 2.0 * x[(row, 0)] - x[(row, 1)]);
/// let data = Dataset::new(x, y)?;
///
/// let grid = ParameterGrid::new().values("alpha", [0.0, 10.0, 1000.0])?;
/// let search = GridSearch::new(grid, |setting: &Setting| Ok(Ridge { alpha: setting.float("alpha")? }));
/// let results = search.run(&data, &KFold::new(5)?)?;
/// assert_eq!(results.best_setting().float("alpha")?, 0.0);
/// let model = search.refit(&data, results.best_setting())?;
/// assert!((model.weights[0] - 2.0).abs() < 1e-9);
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GridSearch<F> {
    /// What is tried.
    pub grid: ParameterGrid,
    /// Makes the estimator of a setting.
    pub make: F,
    /// How it is judged.
    pub options: CvOptions,
}

impl<F> GridSearch<F> {
    /// A search judged by mean squared error.
    pub fn new<E: Estimator>(grid: ParameterGrid, make: F) -> Self
    where
        F: Fn(&Setting) -> Result<E, Error> + Sync,
    {
        Self { grid, make, options: CvOptions::default() }
    }

    /// The same search, judged by other options.
    #[must_use]
    pub fn options(self, options: CvOptions) -> Self {
        Self { options, ..self }
    }

    /// Scores every setting on every split, all side by side as [`sweep`] does.
    ///
    /// # Errors
    /// Those of grid and splitter; a setting of which no estimator can be made; a metric of the other kind of target;
    /// folds that fail, all of them or, with `raise`, any.
    pub fn run<E: Estimator>(&self, data: &Dataset<f64>, splitter: &dyn Splitter) -> Result<CvResults, Error>
    where
        F: Fn(&Setting) -> Result<E, Error> + Sync,
    {
        let settings = self.grid.settings()?;
        let folds = Folds::new(data, splitter, &self.options)?;
        let make = |setting| (self.make)(setting).map_err(|error| error.within(setting));
        let estimators = settings.iter().map(make).collect::<Result<Vec<_>, _>>()?;
        let splits = folds.parts.len();
        let jobs = Vec::from_iter((0..settings.len() * splits).map(|job| (job / splits, job % splits)));
        let scores = sweep(&jobs, |&(place, split), workspace| folds.score(&estimators[place], split, workspace))?;
        let name = |job| format!("{}: split {}", settings[job / splits], job % splits);
        let mut scores = checked(scores, &self.options, name)?.into_iter();
        let scored = |setting| (setting, FoldScores { folds: scores.by_ref().take(splits).collect() });
        Ok(CvResults { metric: self.options.metric, settings: settings.into_iter().map(scored).collect() })
    }

    /// The model of a setting, fitted on all rows.
    ///
    /// # Errors
    /// A setting of which no estimator can be made; a fit that fails.
    pub fn refit<E: Estimator>(&self, data: &Dataset<f64>, setting: &Setting) -> Result<E::Model, Error>
    where
        F: Fn(&Setting) -> Result<E, Error> + Sync,
    {
        let mut rng = Rng::seed_from_u64(self.options.seed);
        let fitted =
            (self.make)(setting).and_then(|estimator| estimator.fit(data, &mut rng, &mut Workspace::default()));
        fitted.map_err(|error| error.within(setting))
    }
}

/// The rows of every split, gathered once for all settings.
struct Folds<'a> {
    parts: Vec<(Dataset<f64>, Dataset<f64>)>,
    options: &'a CvOptions,
}

impl<'a> Folds<'a> {
    fn new(data: &Dataset<f64>, splitter: &dyn Splitter, options: &'a CvOptions) -> Result<Self, Error> {
        // Whether the metric is of such a target is known before a fit.
        let outputs = match data.target() {
            Target::Values(y) => y.ncols(),
            Target::Classes(classes) => classes.count(),
        };
        options.metric.of(Array2::zeros((data.len(), outputs)).view(), data.target())?;
        let select = |Split { train, test }: Split| Ok((data.select(&train)?, data.select(&test)?));
        let parts = splitter.split_dataset(data)?.into_iter().map(select).collect::<Result<_, Error>>()?;
        Ok(Self { parts, options })
    }

    fn score<E: Estimator>(&self, estimator: &E, split: usize, workspace: &mut Workspace) -> FoldScore {
        let (train, test) = &self.parts[split];
        let mut rng = Rng::seed_from_u64(self.options.seed);
        let begin = Instant::now();
        let model = estimator.fit(train, &mut rng, workspace);
        let fit_time = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let scores = model.and_then(|model| {
            let score = |data| score(&model, data, self.options.metric);
            Ok((score(test)?, self.options.return_train_score.then(|| score(train)).transpose()?))
        });
        let score_time = begin.elapsed().as_secs_f64();
        match scores {
            Ok((test, train)) => FoldScore { test, train, fit_time, score_time, fault: None },
            Err(fault) => {
                let train = self.options.return_train_score.then_some(f64::NAN);
                FoldScore { test: f64::NAN, train, fit_time, score_time, fault: Some(fault) }
            }
        }
    }
}

/// The scores, unless all folds have failed, or one that must not.
fn checked(
    mut scores: Vec<FoldScore>,
    options: &CvOptions,
    name: impl Fn(usize) -> String,
) -> Result<Vec<FoldScore>, Error> {
    let count = scores.len();
    let failed = scores.iter().filter(|score| score.fault.is_some()).count();
    if failed > 0 && (options.raise || failed == count) {
        let faults = scores.iter_mut().enumerate().map(|(number, score)| (number, score.fault.take()));
        if let Some((number, fault)) = faults.into_iter().find_map(|(number, fault)| Some((number, fault?))) {
            let fault = fault.within(name(number));
            return Err(if failed == count {
                fault.within(format!("all {count} fits failed; the first"))
            } else {
                fault
            });
        }
    }
    Ok(scores)
}

fn score(model: &impl Predict, data: &Dataset<f64>, metric: Metric) -> Result<f64, Error> {
    let output = model.predict(data.x())?;
    if let Some(((row, _), value)) = output.indexed_iter().find(|(_, value)| !value.is_finite()) {
        return Err(Error::data(format!("prediction for row {row}"), value, "a finite number"));
    }
    let value = metric.of(output.view(), data.target())?;
    Ok(if metric.better() == Better::Min { -value } else { value })
}

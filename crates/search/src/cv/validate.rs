use super::results::{CvResults, FoldScore, FoldScores};
use super::{Estimator, ParameterGrid, Predict, Setting, Split, Splitter};
use crate::Workspace;
use crate::sweep::try_sweep;
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
    /// Whether a fold that fails ends all (`error_score="raise"`): no further fit begins. If not, its scores are NaN, and its
    /// reason is kept.
    pub raise: bool,
}

impl Default for CvOptions {
    fn default() -> Self {
        Self { metric: Metric::Mse, seed: 0, return_train_score: false, raise: false }
    }
}

/// Fits the estimator on every split's training rows and scores it on its test rows (scikit-learn's `cross_validate`), side
/// by side as [`sweep`](crate::sweep) does.
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
    let numbers = Vec::from_iter(0..folds.splits.len());
    let score = |&number: &usize, workspace: &mut Workspace| folds.score(estimator, number, workspace);
    let folds = scored(&numbers, options, score, |number| format!("split {number}"))?;
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

    /// Scores every setting on every split, all side by side as [`sweep`](crate::sweep) does.
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
        // One split after the other, so that its rows are gathered once for all settings.
        let jobs = (0..folds.splits.len()).flat_map(|split| (0..settings.len()).map(move |place| (place, split)));
        let jobs = Vec::from_iter(jobs);
        let score = |&(place, split): &(usize, usize), workspace: &mut Workspace| {
            folds.score(&estimators[place], split, workspace)
        };
        let name = |&(place, split): &(usize, usize)| format!("{}: split {split}", settings[place]);
        let scores = scored(&jobs, &self.options, score, name)?;
        let mut results =
            Vec::from_iter(settings.iter().map(|setting| (setting.clone(), FoldScores { folds: Vec::new() })));
        jobs.iter().zip(scores).for_each(|(&(place, _), score)| results[place].1.folds.push(score));
        Ok(CvResults { metric: self.options.metric, settings: results })
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

/// What estimators are judged on.
struct Folds<'a> {
    data: &'a Dataset<f64>,
    splits: Vec<Split>,
    options: &'a CvOptions,
}

/// The rows of the split that a worker has been at last.
#[derive(Default)]
struct Gathered(Option<(usize, Part)>);

/// The rows to learn from and those to be judged by.
struct Part {
    train: Dataset<f64>,
    test: Dataset<f64>,
}

impl<'a> Folds<'a> {
    fn new(data: &'a Dataset<f64>, splitter: &dyn Splitter, options: &'a CvOptions) -> Result<Self, Error> {
        // Whether the metric is of such a target is known before a fit.
        let outputs = match data.target() {
            Target::Values(y) => y.ncols(),
            Target::Classes(classes) => classes.count(),
        };
        options.metric.of(Array2::zeros((data.len(), outputs)).view(), data.target())?;
        let splits = splitter.split_dataset(data)?;
        for rows in splits.iter().flat_map(|split| [&split.train, &split.test]) {
            if rows.is_empty() {
                return Err(Error::data("number of rows of a split", 0, "at least 1"));
            }
            if let Some(row) = rows.iter().find(|&&row| row >= data.len()) {
                return Err(Error::data("row of a split", row, format!("a row below {}", data.len())));
            }
        }
        Ok(Self { data, splits, options })
    }

    /// Rows are gathered by the worker that needs them: those of all splits at once would be far more than the data.
    fn part(&self, split: usize, workspace: &mut Workspace) -> Part {
        match std::mem::take(workspace.of::<Gathered>()) {
            Gathered(Some((gathered, part))) if gathered == split => part,
            _ => {
                let select = |rows: &[usize]| self.data.select(rows).expect("rows that were checked");
                Part { train: select(&self.splits[split].train), test: select(&self.splits[split].test) }
            }
        }
    }

    fn score<E: Estimator>(&self, estimator: &E, split: usize, workspace: &mut Workspace) -> FoldScore {
        let part = self.part(split, workspace);
        let score = self.score_part(estimator, &part, workspace);
        workspace.of::<Gathered>().0 = Some((split, part));
        score
    }

    fn score_part<E: Estimator>(
        &self,
        estimator: &E,
        Part { train, test }: &Part,
        workspace: &mut Workspace,
    ) -> FoldScore {
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

/// What `score` gives for each job, unless all folds fail, or one that must not.
fn scored<J: Sync>(
    jobs: &[J],
    options: &CvOptions,
    score: impl Fn(&J, &mut Workspace) -> FoldScore + Sync,
    name: impl Fn(&J) -> String + Sync,
) -> Result<Vec<FoldScore>, Error> {
    let mut scores = try_sweep(jobs, |job, workspace| {
        let mut score = score(job, workspace);
        match score.fault.take_if(|_| options.raise) {
            Some(fault) => Err(fault.within(name(job))),
            None => Ok(score),
        }
    })?;
    if scores.iter().all(|score| score.fault.is_some()) {
        let all = format!("all {} fits failed; the first", jobs.len());
        if let Some(fault) = scores.first_mut().and_then(|score| score.fault.take()) {
            return Err(fault.within(name(&jobs[0])).within(all));
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

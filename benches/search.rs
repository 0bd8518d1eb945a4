//! How near each sampler comes to the optimum of a ridge with two penalties: the median regret over seeds, as a table.
//!
//! The data are the diabetes measurements: λ₁ shrinks their 10 columns, λ₂ the 55 products of two of them. The objective is
//! the mean squared error of 5-fold cross-validation in parts of the target's variance, which has a closed form, over
//! ln λ₁ and ln λ₂. The regret is what the best of n trials has above the optimum of a fine grid, refined.

use std::error::Error;
use std::sync::Arc;
use wane::linear::ridge;
use wane::ndarray::{Array1, Array2, Axis};
use wane::prelude::*;
use wane::search::samplers::{GpSampler, GridSampler, QmcSampler, RandomSampler, Sampler, TpeOptions, TpeSampler};
use wane::search::{KFold, OptimizeOptions, Splitter, Study, StudyOptions, sweep};

const SEEDS: u64 = 15;
const AT: [usize; 3] = [10, 20, 40];
/// The decimal logarithms that λ₁ and λ₂ lie between.
const RANGE: (f64, f64) = (-4.0, 5.0);

/// The rows of one fold, scaled by what its training rows say.
struct Fold {
    train: (Array2<f64>, Array1<f64>),
    test: (Array2<f64>, Array1<f64>),
}

struct Problem {
    folds: Vec<Fold>,
    columns: usize,
    variance: f64,
}

impl Problem {
    fn diabetes() -> Result<Self, Box<dyn Error>> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/diabetes.csv");
        let data = Dataset::<f64>::from_csv(file, "progression")?;
        let (columns, y) = (data.x().ncols(), data.y().index_axis(Axis(1), 0).to_owned());
        let folds = KFold::new(5)?.shuffled(0).split(data.len(), None)?.into_iter().map(|split| {
            let scaler = StandardScaler::fit(data.x().select(Axis(0), &split.train).view())?;
            let x = with_products(&scaler.transform(data.x())?);
            let scaler = StandardScaler::fit(x.select(Axis(0), &split.train).view())?;
            let x = scaler.transform(x.view())?;
            let rows = |rows: &[usize]| (x.select(Axis(0), rows), y.select(Axis(0), rows));
            Ok(Fold { train: rows(&split.train), test: rows(&split.test) })
        });
        let folds = folds.collect::<Result<_, Box<dyn Error>>>()?;
        Ok(Self { folds, columns, variance: y.var(0.0) })
    }

    /// With columns divided by √λ, a ridge of strength 1 has a penalty of λ for each of the weights.
    fn error(&self, logs: [f64; 2]) -> Result<f64, wane::Error> {
        let scales = logs.map(|log| 10_f64.powf(-0.5 * log));
        let scaled = |x: &Array2<f64>| {
            let mut x = x.clone();
            let columns = x.axis_iter_mut(Axis(1)).enumerate();
            columns.for_each(|(j, mut column)| column *= scales[usize::from(j >= self.columns)]);
            x
        };
        let (mut sum, mut rows) = (0.0, 0);
        for fold in &self.folds {
            let fit = ridge(scaled(&fold.train.0).view(), fold.train.1.view(), 1.0)?;
            let residuals = fit.predict(scaled(&fold.test.0).view())? - &fold.test.1;
            sum += residuals.pow2().sum();
            rows += residuals.len();
        }
        Ok(sum / rows as f64 / self.variance)
    }

    /// The least error on a grid of 61 by 61 points, and on ever finer ones of 9 by 9 around the best so far.
    fn optimum(&self) -> Result<([f64; 2], f64), wane::Error> {
        let (mut centre, mut half, mut side) = ([0.5 * (RANGE.0 + RANGE.1); 2], 0.5 * (RANGE.1 - RANGE.0), 61);
        let mut least = f64::INFINITY;
        while half > 1e-6 {
            let place =
                |c: f64, i: usize| (c + half * (2.0 * i as f64 / (side - 1) as f64 - 1.0)).clamp(RANGE.0, RANGE.1);
            let points: Vec<[f64; 2]> =
                (0..side * side).map(|i| [place(centre[0], i / side), place(centre[1], i % side)]).collect();
            for (point, error) in points.iter().zip(sweep(&points, |&point, _| self.error(point))?) {
                let error = error?;
                if error < least {
                    (centre, least) = (*point, error);
                }
            }
            (half, side) = (if side == 61 { half / 15.0 } else { half / 2.0 }, 9);
        }
        Ok((centre, least))
    }

    /// The least error after each trial.
    fn run(&self, sampler: Arc<dyn Sampler>, seed: u64) -> Result<Vec<f64>, wane::Error> {
        let study = Study::create(StudyOptions { sampler, seed, ..Default::default() })?;
        let options = OptimizeOptions { n_trials: Some(AT[AT.len() - 1]), progress: false, ..Default::default() };
        study.optimize(options, |trial| {
            let (low, high) = (10_f64.powf(RANGE.0), 10_f64.powf(RANGE.1));
            let columns = trial.suggest_float_log("lambda_columns", low..=high)?;
            let products = trial.suggest_float_log("lambda_products", low..=high)?;
            Ok(self.error([columns.log10(), products.log10()])?)
        })?;
        let least = study.trials()?.into_iter().scan(f64::INFINITY, |least, trial| {
            *least = least.min(trial.value().unwrap_or(f64::INFINITY));
            Some(*least)
        });
        Ok(least.collect())
    }
}

/// The columns, and the products of each two of them.
fn with_products(x: &Array2<f64>) -> Array2<f64> {
    let n = x.ncols();
    let pairs: Vec<_> = (0..n).flat_map(|i| (i..n).map(move |j| (i, j))).collect();
    Array2::from_shape_fn((x.nrows(), n + pairs.len()), |(row, j)| match j.checked_sub(n) {
        None => x[(row, j)],
        Some(pair) => x[(row, pairs[pair].0)] * x[(row, pairs[pair].1)],
    })
}

type Named = (&'static str, Arc<dyn Sampler>);

fn samplers(seed: u64) -> Result<Vec<Named>, wane::Error> {
    let univariate = TpeSampler::new(TpeOptions { multivariate: false, ..Default::default() })?;
    // 40 points whose rows and columns are evenly spread by their logarithms, in any order.
    let spread = |count: usize| {
        let at = |i: usize| 10_f64.powf(RANGE.0 + (RANGE.1 - RANGE.0) * (i as f64 + 0.5) / count as f64);
        (0..count).map(|i| at(i).into()).collect()
    };
    let grid = GridSampler::new([("lambda_columns", spread(8)), ("lambda_products", spread(5))])?;
    Ok(vec![
        ("random", Arc::new(RandomSampler)),
        ("grid of 8 by 5", Arc::new(grid.shuffled(&mut Rng::seed_from_u64(seed))?)),
        ("quasi-random", Arc::new(QmcSampler::new(seed as u32))),
        ("TPE, univariate", Arc::new(univariate)),
        ("TPE", Arc::new(TpeSampler::default())),
        ("GP", Arc::new(GpSampler::default())),
    ])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    let problem = Problem::diabetes()?;
    let (place, least) = problem.optimum()?;
    println!("optimum: error {least:.6} at lambda 10^{:.3} (columns), 10^{:.3} (products)\n", place[0], place[1]);
    println!("median regret of {SEEDS} seeds, and of random's after {} trials", AT[AT.len() - 1]);
    println!("{:<16} {:>9} {:>9} {:>9}   of random's", "trials", AT[0], AT[1], AT[2]);
    let seeds = Vec::from_iter(0..SEEDS);
    let mut random = f64::NAN;
    for (number, (name, _)) in samplers(0)?.into_iter().enumerate() {
        let runs = sweep(&seeds, |&seed, _| problem.run(samplers(seed)?.swap_remove(number).1, seed))?;
        let runs = runs.into_iter().collect::<Result<Vec<_>, _>>()?;
        let regrets = AT.map(|n| median(runs.iter().map(|run| run[n - 1] - least).collect()));
        if number == 0 {
            random = regrets[2];
        }
        let [a, b, c] = regrets;
        println!("{name:<16} {a:>9.1e} {b:>9.1e} {c:>9.1e}   {:.2}", c / random);
    }
    Ok(())
}

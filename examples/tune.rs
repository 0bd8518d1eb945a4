//! How strong a penalty, and how large a network? A small network for the diabetes data is searched for by grid, random
//! choice and TPE, judged by 10-fold cross-validation, and put beside ridge regression and the same network without a
//! penalty. The study becomes a page with charts. `--full` searches longer.

use std::sync::Arc;
use wane::prelude::*;
use wane::search::samplers::{GridSampler, RandomSampler, Sampler, TpeSampler};
use wane::search::{
    Choice, CvOptions, Estimator, FoldScores, GridSearch, KFold, MlpRegressor, OptimizeOptions, ParameterGrid, Ridge,
    Scaled, Setting, Study, StudyOptions, Trial, TrialRecord, cross_validate,
};

/// The penalty's strengths for the curve: from 1e-2 to 1e3, three a decade.
const STRENGTHS: std::ops::RangeInclusive<i32> = -6..=9;

struct Task {
    data: Dataset<f64>,
    epochs: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let is_full = std::env::args().any(|argument| argument == "--full");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/diabetes.csv");
    let task = Task { data: Dataset::from_csv(file, "progression")?, epochs: if is_full { 200 } else { 40 } };
    let n_trials = if is_full { 96 } else { 48 };
    let folds = KFold::new(10)?;

    let run = |sampler: Arc<dyn Sampler>| task.search(sampler, n_trials, &folds);
    let grid = task.grid(is_full)?.shuffled(&mut Rng::seed_from_u64(0))?;
    let studies = [run(Arc::new(grid))?, run(Arc::new(RandomSampler))?, run(Arc::new(TpeSampler::default()))?];
    println!("least mean squared error of 10 folds after so many trials\n");
    println!("trials     grid   random      TPE");
    let least = studies.each_ref().map(best_so_far);
    for number in [n_trials / 8, n_trials / 4, n_trials / 2, n_trials] {
        println!(
            "{number:>6} {:>8.1} {:>8.1} {:>8.1}",
            least[0][number - 1],
            least[1][number - 1],
            least[2][number - 1]
        );
    }

    let tpe = &studies[2];
    task.vary_strength(tpe, &folds)?;
    let (best, chosen) = (tpe.best_params()?, values_of(&*tpe.one_standard_error("lambda")?)?);
    println!("\nTPE's network: {}", described(&best));
    println!("the largest lambda within one standard error of it: {}", described(&chosen));

    let ridge = best_ridge(&task.data, &folds)?;
    let others = KFold::new(10)?.shuffled(1);
    println!("\nmean squared error ± one standard error    these folds     other folds");
    let row = |name: &str, scores: [FoldScores; 2]| {
        let [these, others] = scores.map(|scores| (-scores.mean(), scores.standard_error()));
        println!("{name:<40} {:>6.0} ± {:>3.0}    {:>6.0} ± {:>3.0}", these.0, these.1, others.0, others.1);
        these
    };
    let both = |network: &MlpRegressor| Ok::<_, Error>([task.score(network, &folds)?, task.score(network, &others)?]);
    let scores = |ridge: Ridge| {
        let ridge = Scaled { estimator: ridge, scale_y: false };
        Ok::<_, Error>([score(&ridge, &task.data, &folds)?, score(&ridge, &task.data, &others)?])
    };
    let (line, error) = row(&format!("ridge, alpha {:.3}", ridge.alpha), scores(ridge)?);
    let network = task.network(&best)?;
    let (penalised, _) = row("network, penalised", both(&network)?);
    row("network, one standard error", both(&task.network(&chosen)?)?);
    row("network, without a penalty", both(&MlpRegressor { alpha: 0.0, ..network })?);
    println!(
        "\nStrengths and sizes were chosen by these folds, which flatters them; the other folds are of the same rows."
    );
    assert!(penalised <= line + error, "the penalised network is within one standard error of ridge");

    let page = tpe.report(std::env::temp_dir().join(format!("wane-tune-{}", std::process::id())))?;
    println!("charts and trials: {}", page.display());
    Ok(())
}

impl Task {
    /// As many points as trials, the strengths first.
    fn grid(&self, is_full: bool) -> Result<GridSampler, Error> {
        let strengths = if is_full { 12 } else { 6 };
        let lambda = (0..strengths).map(|i| 10_f64.powf(-2.0 + 5.0 * f64::from(i) / f64::from(strengths - 1)));
        GridSampler::new([
            ("lambda", lambda.map(Choice::from).collect()),
            ("lr", vec![3e-3.into(), 1e-2.into()]),
            ("width", vec![8.into(), 32.into()]),
            ("depth", vec![1.into(), 2.into()]),
        ])
    }

    fn search(&self, sampler: Arc<dyn Sampler>, n_trials: usize, folds: &KFold) -> Result<Study, Error> {
        let study = Study::create(StudyOptions { name: "diabetes".into(), sampler, ..Default::default() })?;
        self.optimize(&study, n_trials, folds)?;
        Ok(study)
    }

    /// A trial's folds are fitted side by side.
    fn optimize(&self, study: &Study, n_trials: usize, folds: &KFold) -> Result<(), Error> {
        study.optimize(OptimizeOptions::from(n_trials), |trial: &mut Trial| {
            trial.suggest_float_log("lambda", 1e-2..=1e3)?;
            trial.suggest_int("depth", 1..=2)?;
            trial.suggest_int_log("width", 4..=64)?;
            trial.suggest_float_log("lr", 1e-3..=3e-2)?;
            let network = self.network(&values_of(trial.record())?)?;
            let errors: Vec<f64> = self.score(&network, folds)?.test_scores().iter().map(|score| -score).collect();
            Ok(trial.set_fold_values(&errors)?)
        })
    }

    /// Trials with the best one's network, and one strength after the other.
    fn vary_strength(&self, study: &Study, folds: &KFold) -> Result<(), Error> {
        let mut params = study.best_params()?;
        for third in STRENGTHS {
            params.insert("lambda".into(), 10_f64.powf(f64::from(third) / 3.0).into());
            study.enqueue(params.iter().map(|(name, value)| (name.as_str(), value.clone())))?;
        }
        self.optimize(study, STRENGTHS.count(), folds)
    }

    fn network(&self, params: &Chosen) -> Result<MlpRegressor, Error> {
        let number = |name: &str| {
            let expected = || Error::option(name, "missing", "a number");
            params.get(name).and_then(Choice::number).ok_or_else(expected)
        };
        Ok(MlpRegressor {
            hidden: vec![number("width")? as usize; number("depth")? as usize],
            alpha: number("lambda")?,
            lr: number("lr")?,
            batch_size: 64,
            epochs: self.epochs,
            ..Default::default()
        })
    }

    fn score(&self, network: &MlpRegressor, folds: &KFold) -> Result<FoldScores, Error> {
        score(&Scaled { estimator: network.clone(), scale_y: true }, &self.data, folds)
    }
}

/// The parameters of a trial.
type Chosen = std::collections::BTreeMap<String, Choice>;

fn values_of(trial: &TrialRecord) -> Result<Chosen, Error> {
    trial.params.iter().map(|(name, param)| Ok((name.clone(), param.value()?))).collect()
}

fn score(estimator: &impl Estimator, data: &Dataset<f64>, folds: &KFold) -> Result<FoldScores, Error> {
    cross_validate(estimator, data, folds, &CvOptions { raise: true, ..Default::default() })
}

fn best_ridge(data: &Dataset<f64>, folds: &KFold) -> Result<Ridge, Error> {
    let alphas = (-12..=12).map(|quarter| 10_f64.powf(f64::from(quarter) / 4.0));
    let ridge = |setting: &Setting| Ok(Ridge { alpha: setting.float("alpha")? });
    let scaled = |setting: &Setting| Ok(Scaled { estimator: ridge(setting)?, scale_y: false });
    let results = GridSearch::new(ParameterGrid::new().values("alpha", alphas)?, scaled).run(data, folds)?;
    ridge(results.best_setting())
}

fn best_so_far(study: &Study) -> Vec<f64> {
    let values = study.trials().into_iter().flatten().map(|trial| trial.value().unwrap_or(f64::INFINITY));
    let least = values.scan(f64::INFINITY, |least, value| {
        *least = least.min(value);
        Some(*least)
    });
    least.collect()
}

fn described(params: &Chosen) -> String {
    let named = params.iter().map(|(name, value)| match value.number() {
        Some(value) if value.fract() != 0.0 => format!("{name} {value:.4}"),
        _ => format!("{name} {value}"),
    });
    Vec::from_iter(named).join(", ")
}

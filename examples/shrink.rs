//! A network for handwritten digits, made smaller: a group lasso on its neurons, and what their zeros leave.
//!
//! data/digits.csv holds the test part of *Optical Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, UCI
//! Machine Learning Repository, 1998, CC BY 4.0), as in scikit-learn's `load_digits`: 1797 images of 8 × 8 pixels, 0 to 16.

use std::fs;
use std::time::Instant;
use wane::layers::{ShrinkOptions, ShrinkReport};
use wane::ndarray::{ArrayView2, Axis};
use wane::prelude::*;
use wane::train::{PathError, PathPoint, PathTrainer, TrainedPath};

const SPLITS: usize = 5;
const LAMBDAS: [f64; 6] = [0.0, 0.00025, 0.0005, 0.001, 0.002, 0.004];

/// A network before and after, and the test rows for each.
struct Pair {
    before: Predictor<f32>,
    after: Predictor<f32>,
    report: ShrinkReport,
    test: Dataset<f32>,
    kept: Dataset<f32>,
}

fn main() -> Result<(), Error> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    let data = Dataset::<f32>::classes_from_csv(path, "digit")?;
    let card = ModelCard { feature_names: data.feature_names().to_vec(), ..Default::default() };
    let data = Dataset::with_classes(&data.x() / 16.0, data.classes().clone())?;
    println!("A 64-256-128-10 network for {} images; a group lasso of strength λ on each hidden neuron.", data.len());
    println!(
        "{SPLITS} splits: a quarter of the images for the test, a quarter of the others to choose λ by. The rule: the"
    );
    println!(
        "strongest λ whose validation accuracy is within one standard error of the dense network's. Both networks are"
    );
    println!("then trained on, after as many epochs at λ = 0 as the other has had up to its λ.\n");
    println!("                                            test accuracy, %, and trained on");
    println!("split  chosen λ     neurons  parameters        dense        shrunk   outputs apart");

    let mut rng = Rng::seed_from_u64(1);
    let (mut differences, mut is_smaller, mut last) = (Vec::new(), true, None);
    for split in 1..=SPLITS {
        let (rest, test) = data.split_stratified(0.25, &mut rng)?;
        let (train, validation) = rest.split_stratified(0.25, &mut rng)?;
        let mut params = Params::new();
        let model = Sequential::new().linear(64, 256).relu().linear(256, 128).relu().linear(128, 10);
        let model = model.build(params.root(), &mut rng)?;
        let path = train_path(&model, &mut params, &LAMBDAS, (&train, &validation), &mut rng)?;
        let sparse = choose(&path, validation.len())?;

        let unpenalised = path.at(0.0)?.params.clone();
        let dense_before = accuracy(model.predict(&unpenalised, test.x())?.view(), &test)?;
        let dense = dense(&model, unpenalised, sparse.lambda, [&train, &validation, &test], &mut rng)?;

        let mut before = Predictor::new(model, sparse.params.clone(), card.clone())?;
        let (mut after, report) = before.shrink(ShrinkOptions { drop_inputs: true })?;
        let kept = test.select_features(&report.inputs)?;
        let (large, small) = (before.predict(test.x())?, after.predict(kept.x())?);
        let apart = large.iter().zip(small).fold(0.0_f32, |apart, (a, b)| apart.max((a - b).abs()));
        let shrunk = accuracy(small, &kept)?;
        let rows = train.select_features(&report.inputs)?;
        let refit = refit(after.model(), after.params().clone(), &rows, &kept, &mut rng)?;

        let neurons =
            report.layers.iter().take(2).map(|layer| layer.kept.len().to_string()).collect::<Vec<_>>().join(" + ");
        println!(
            "{split:>5} {:>9} {neurons:>11} {:>11} {dense_before:>7.2} {dense:>5.2} {shrunk:>7.2} {refit:>5.2} {apart:>15.1e}",
            sparse.lambda, report.parameters.1
        );
        is_smaller &= report.layers[..2].iter().all(|layer| layer.removed() > 0);
        differences.push(refit - dense);
        last = Some(Pair { before, after, report, test, kept });
    }
    if let Some(pair) = last {
        measure(pair)?;
    }

    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let variance = differences.iter().map(|difference| (difference - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let error = (variance / count).sqrt();
    println!("\nGoals: fewer neurons in both layers of every split: {};", met(is_smaller));
    println!("a mean test accuracy, both trained on, not below the dense network's: {}", met(mean >= 0.0));
    println!("({mean:+.2} % ± {error:.2}, the standard error over the splits).");
    Ok(())
}

/// The strongest λ within one standard error of the dense network's accuracy.
fn choose(path: &TrainedPath<f32>, rows: usize) -> Result<&PathPoint<f32>, Error> {
    let dense = path.at(0.0)?;
    let accuracy = dense.validation_metrics[0];
    let least = accuracy - (accuracy * (1.0 - accuracy) / rows as f64).sqrt();
    Ok(path.points.iter().rfind(|point| point.validation_metrics[0] >= least).unwrap_or(dense))
}

/// What the last split's network takes, before and after.
fn measure(pair: Pair) -> Result<(), Error> {
    let Pair { mut before, mut after, report, test, kept } = pair;
    println!("\nThe last of them:\n{report}\n");
    println!("                    before      after");
    let sizes = [file_size(&before)?, file_size(&after)?];
    let times = sizes[0] as f64 / sizes[1] as f64;
    println!("file, bytes     {:>10} {:>10}   {times:.1} times smaller", sizes[0], sizes[1]);
    for rows in [1, test.len()] {
        let [x, x_kept] = [&test, &kept].map(|data| data.x().split_at(Axis(0), rows).0.to_owned());
        let (slow, fast) = (time(&mut before, x.view())?, time(&mut after, x_kept.view())?);
        println!("μs, {rows:>3} rows    {slow:>10.1} {fast:>10.1}   {:.1} times faster", slow / fast);
    }
    Ok(())
}

/// In per cent.
fn accuracy(output: ArrayView2<'_, f32>, data: &Dataset<f32>) -> Result<f64, Error> {
    Ok(100.0 * Metric::Accuracy.of(output, data.target())?)
}

/// Trains the network at each λ, from the weights of the λ before. Both hidden layers have their neurons as groups.
fn train_path(
    model: &Sequential<f32>,
    params: &mut Params<f32>,
    lambdas: &[f64],
    (train, validation): (&Dataset<f32>, &Dataset<f32>),
    rng: &mut Rng,
) -> Result<TrainedPath<f32>, Error> {
    let (hidden, others) = params.partition(|param| ["0.weight", "2.weight"].contains(&param.name));
    let options = TrainerOptions {
        epochs: 30,
        metrics: vec![Metric::Accuracy],
        advance: Advance::Batch,
        progress: false,
        ..Default::default()
    };
    // At a rate that ends at 0, the noise of the batches does not bring back what has gone.
    let steps = (options.epochs * train.len().div_ceil(options.batch_size)) as u64;
    let mut adam = Adam::new(AdamOptions { lr: 2e-3, ..Default::default() })?
        .group(Group::new(&hidden))?
        .group(Group::new(&others))?
        .schedule(Schedule::cosine(steps, 0.0)?)?;
    PathTrainer::new(model, params, &mut adam, options)?
        .prox(0, GroupLasso::rows)?
        .fit(lambdas, train, validation, rng)
        .map_err(PathError::into_error)
}

/// The test accuracy of the dense network after as many epochs as the one at `lambda` has had, trained on like that.
fn dense(
    model: &Sequential<f32>,
    mut params: Params<f32>,
    lambda: f64,
    [train, validation, test]: [&Dataset<f32>; 3],
    rng: &mut Rng,
) -> Result<f64, Error> {
    for _ in LAMBDAS.iter().filter(|&&other| 0.0 < other && other <= lambda) {
        train_path(model, &mut params, &[0.0], (train, validation), rng)?;
    }
    refit(model, params, train, test, rng)
}

/// The test accuracy of a network trained on without a penalty, which has made the weights that it kept too small.
fn refit(
    model: &Sequential<f32>,
    mut params: Params<f32>,
    train: &Dataset<f32>,
    test: &Dataset<f32>,
    rng: &mut Rng,
) -> Result<f64, Error> {
    let mut adam = Adam::new(AdamOptions { lr: 1e-3, ..Default::default() })?.group(Group::all(&params))?;
    let options = TrainerOptions { epochs: 30, progress: false, ..Default::default() };
    Trainer::new(model, &mut params, &mut adam, options)?.fit(train, rng)?;
    accuracy(model.predict(&params, test.x())?.view(), test)
}

fn file_size(predictor: &Predictor<f32>) -> Result<u64, Error> {
    let path = std::env::temp_dir().join(format!("wane-shrink-{}.wane", std::process::id()));
    save_model(&path, predictor.model(), predictor.params(), predictor.card())?;
    let failed = |error: std::io::Error| Error::io("model file", format!("{path:?}"), "a file that is there", error);
    let size = fs::metadata(&path).map_err(failed)?.len();
    fs::remove_file(&path).map_err(failed)?;
    Ok(size)
}

/// The median time of a prediction, in microseconds.
fn time(predictor: &mut Predictor<f32>, x: ArrayView2<'_, f32>) -> Result<f64, Error> {
    let mut times = Vec::new();
    for _ in 0..300 {
        let begin = Instant::now();
        predictor.predict(x)?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "not met" }
}

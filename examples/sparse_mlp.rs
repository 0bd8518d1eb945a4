//! Which features does a network need? Friedman's first problem with 15 features that say nothing beside the 5 that do: a
//! group lasso on each feature, by its proximal operator; an L1 penalty in the loss; and no penalty.

use wane::data::synthetic::{Friedman1Options, friedman1};
use wane::layers::{ShrinkOptions, Shrunk};
use wane::prelude::*;
use wane::train::{PathError, PathTrainer};

const FEATURES: usize = 20;
const REAL: usize = 5;
const ROWS: usize = 300;
const TEST: usize = 2000;
const SEEDS: u64 = 10;
const LAMBDAS: [f64; 12] = [0.0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3];
const L1_LAMBDAS: [f64; 6] = [0.001, 0.003, 0.005, 0.01, 0.02, 0.05];
/// By how much a λ's validation loss may be above the least.
const TOLERANCE: f64 = 0.05;

struct Data {
    train: Dataset<f64>,
    validation: Dataset<f64>,
    test: Dataset<f64>,
}

/// A penalty's choice: the features kept, and the test error before and after what follows it.
struct Found {
    lambda: f64,
    features: Vec<usize>,
    error: f64,
    refit: f64,
}

impl Found {
    fn real(&self) -> usize {
        self.features.iter().filter(|&&feature| feature < REAL).count()
    }

    fn unreal(&self) -> usize {
        self.features.len() - self.real()
    }
}

fn main() -> Result<(), Error> {
    println!(
        "{ROWS} rows to train on, {ROWS} to choose by, {TEST} for the test; errors are mean squared ones of a target of variance 1."
    );
    println!(
        "The rule, in every seed: of the λ whose validation loss is within {:.0} % of the least, the one that keeps the",
        100.0 * TOLERANCE
    );
    println!(
        "fewest features. The loss is that after the refit: shrunk, without the features that are zero, and trained on"
    );
    println!("without a penalty until the validation loss rises, as the dense network is.\n");
    println!("      dense    group lasso, proximal: real and              L1 in the loss: real and");
    println!("seed  error        λ   other kept   error   refit         λ  other kept   error   refit");

    let (mut dense_errors, mut group, mut l1) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 1..=SEEDS {
        let data = data(seed)?;
        let (dense, found) = group_lasso(&data, seed)?;
        let other = l1_in_the_loss(&data, seed)?;
        println!(
            "{seed:>4} {dense:>6.3} {:>8} {:>7}, {:>2} {:>7.3} {:>7.3} {:>9} {:>7}, {:>2} {:>7.3} {:>7.3}",
            found.lambda,
            found.real(),
            found.unreal(),
            found.error,
            found.refit,
            other.lambda,
            other.real(),
            other.unreal(),
            other.error,
            other.refit
        );
        dense_errors.push(dense);
        group.push(found);
        l1.push(other);
    }

    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / SEEDS as f64;
    let most = |found: &[Found]| found.iter().map(Found::unreal).max().unwrap_or(0);
    let all_real = group.iter().filter(|found| found.real() == REAL).count();
    let no_worse = group.iter().zip(&dense_errors).filter(|(found, dense)| found.refit <= **dense).count();
    println!(
        "\nmean test error: dense {:.3}; group lasso {:.3}, refit {:.3}; L1 in the loss {:.3}, refit {:.3}",
        mean(&mut dense_errors.iter().copied()),
        mean(&mut group.iter().map(|found| found.error)),
        mean(&mut group.iter().map(|found| found.refit)),
        mean(&mut l1.iter().map(|found| found.error)),
        mean(&mut l1.iter().map(|found| found.refit))
    );
    println!(
        "L1 in the loss makes weights small but none 0: it keeps up to {} of the {} others.",
        most(&l1),
        FEATURES - REAL
    );
    println!("\nGoals of the group lasso, and what was found:");
    println!("all 5 real features kept in each seed: in {all_real} of {SEEDS}, {}", met(all_real == group.len()));
    let (most, half) = (most(&group), (FEATURES - REAL) / 2);
    println!("at most half of the 15 others ({half}) kept in each: at most {most}, {}", met(most <= half));
    println!(
        "test error after the refit not above the dense network's: in {no_worse} of {SEEDS}, {}",
        met(no_worse == group.len())
    );
    Ok(())
}

fn data(seed: u64) -> Result<Data, Error> {
    let mut rng = Rng::seed_from_u64(seed);
    let mut rows =
        |rows| friedman1::<f64>(&Friedman1Options { rows, features: FEATURES, ..Default::default() }, &mut rng);
    let (train, validation, test) = (rows(ROWS)?.dataset, rows(ROWS)?.dataset, rows(TEST)?.dataset);
    let (x, y) = (StandardScaler::fit(train.x())?, StandardScaler::fit(train.y())?);
    let scaled = |data: Dataset<f64>| data.scale_x(&x)?.scale_y(&y);
    Ok(Data { train: scaled(train)?, validation: scaled(validation)?, test: scaled(test)? })
}

fn network(rng: &mut Rng) -> Result<(Sequential<f64>, Params<f64>), Error> {
    let mut params = Params::new();
    let model = Sequential::new().linear(FEATURES, 32).relu().linear(32, 1).build(params.root(), rng)?;
    Ok((model, params))
}

fn options(epochs: usize) -> TrainerOptions {
    TrainerOptions { epochs, batch_size: ROWS, advance: Advance::Batch, progress: false, ..Default::default() }
}

/// Adam whose rate falls to 0, so that it comes to rest: at a constant rate its steps need not shrink with the gradient.
fn adam(epochs: usize) -> Result<Adam<f64>, Error> {
    Adam::new(AdamOptions { lr: 0.01, ..Default::default() })?.schedule(Schedule::cosine(epochs as u64, 0.0)?)
}

fn error(model: &Sequential<f64>, params: &Params<f64>, data: &Dataset<f64>) -> Result<f64, Error> {
    Metric::Mse.of(model.predict(params, data.x())?.view(), data.target())
}

/// The dense network's test error, and what a path from there finds.
fn group_lasso(data: &Data, seed: u64) -> Result<(f64, Found), Error> {
    const EPOCHS: usize = 400;
    let mut rng = Rng::seed_from_u64(seed);
    let (model, mut params) = network(&mut rng)?;
    let (first, others) = params.partition(|param| param.name == "0.weight");
    // A second layer that grows as the first one shrinks would evade the penalty.
    let mut adam = adam(EPOCHS)?.group(Group::new(&first))?.group(Group::new(&others).weight_decay(0.003))?;
    let mut path = PathTrainer::new(&model, &mut params, &mut adam, options(EPOCHS))?.prox(0, GroupLasso::columns)?;
    let path = path.fit(&LAMBDAS, &data.train, &data.validation, &mut rng).map_err(PathError::into_error)?;
    let fits = path.points.iter().map(|point| fit(&model, &point.params, point.lambda, data, &mut rng));
    let fits = fits.collect::<Result<_, Error>>()?;
    Ok((dense(data, seed)?, choose(fits)?))
}

/// The test error of the network without a penalty, stopped where its validation loss is least.
fn dense(data: &Data, seed: u64) -> Result<f64, Error> {
    let mut rng = Rng::seed_from_u64(seed);
    let (model, params) = network(&mut rng)?;
    Ok(train_on(&model, params, data, &mut rng)?.1)
}

/// What a penalty has kept, with the validation loss after the refit: trained on without it, and without what is zero.
fn fit(
    model: &Sequential<f64>,
    params: &Params<f64>,
    lambda: f64,
    data: &Data,
    rng: &mut Rng,
) -> Result<(f64, Found), Error> {
    let Shrunk { model: small, params: kept, report } = model.shrink(params, ShrinkOptions { drop_inputs: true })?;
    let select = |data: &Dataset<f64>| data.select_features(&report.inputs);
    let selected =
        Data { train: select(&data.train)?, validation: select(&data.validation)?, test: select(&data.test)? };
    let (loss, refit) = train_on(&small, kept, &selected, rng)?;
    let error = error(model, params, &data.test)?;
    let features = report.inputs.iter().copied().filter(|input| !report.dead_inputs.contains(input)).collect();
    Ok((loss, Found { lambda, features, error, refit }))
}

fn train_on(model: &Sequential<f64>, mut params: Params<f64>, data: &Data, rng: &mut Rng) -> Result<(f64, f64), Error> {
    let mut adam = Adam::new(AdamOptions { lr: 0.003, ..Default::default() })?.group(Group::all(&params))?;
    let early_stopping = Some(EarlyStopping { patience: 20, ..Default::default() });
    let options = TrainerOptions { early_stopping, ..options(1000) };
    Trainer::new(model, &mut params, &mut adam, options)?.validation(&data.validation).fit(&data.train, rng)?;
    Ok((error(model, &params, &data.validation)?, error(model, &params, &data.test)?))
}

/// The one rule: of those whose validation loss is near the least, the one with the fewest features, and then the least loss.
fn choose(mut fits: Vec<(f64, Found)>) -> Result<Found, Error> {
    let least = fits.iter().map(|&(loss, _)| loss).fold(f64::INFINITY, f64::min);
    fits.retain(|&(loss, _)| loss <= (1.0 + TOLERANCE) * least);
    fits.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let sparsest = fits.into_iter().min_by_key(|(_, found)| found.features.len());
    sparsest.map(|(_, found)| found).ok_or_else(|| Error::data("validation loss", "NaN", "a number"))
}

/// The subgradient of L1 beside that of the loss, at each λ and with the same rule.
fn l1_in_the_loss(data: &Data, seed: u64) -> Result<Found, Error> {
    const EPOCHS: usize = 400;
    let mut fits = Vec::new();
    for lambda in L1_LAMBDAS {
        let mut rng = Rng::seed_from_u64(seed);
        let (model, mut params) = network(&mut rng)?;
        let first = params.id("0.weight")?;
        let mut adam = adam(EPOCHS)?.group(Group::all(&params))?;
        Trainer::new(&model, &mut params, &mut adam, options(EPOCHS))?
            .penalty(&L1::new(lambda)?, &[first])
            .fit(&data.train, &mut rng)?;
        fits.push(fit(&model, &params, lambda, data, &mut rng)?);
    }
    choose(fits)
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "not met" }
}

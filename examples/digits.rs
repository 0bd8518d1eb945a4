//! Handwritten digits: ten stratified splits, each of which chooses its recipe without a look at its test rows.
//!
//! data/digits.csv holds the test part of *Optical Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, UCI
//! Machine Learning Repository, 1998, CC BY 4.0), as in scikit-learn's `load_digits`: 1797 images of 8 × 8 pixels, 0 to 16.

use wane::ndarray::Array2;
use wane::prelude::*;

const SPLITS: usize = 10;
const DROPOUTS: [f64; 3] = [0.0, 0.3, 0.6];
const DECAYS: [f64; 3] = [0.0, 0.03, 0.1];

/// How a network is kept from learning the training rows by heart.
#[derive(Clone, Copy)]
struct Recipe {
    dropout: f64,
    weight_decay: f64,
}

/// A trained network.
struct Fitted {
    model: Sequential<f32>,
    params: Params<f32>,
    history: History,
}

fn main() -> Result<(), Error> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    let data = Dataset::<f32>::classes_from_csv(path, "digit")?;
    let data = Dataset::with_classes(&data.x() / 16.0, data.classes().clone())?;
    println!(
        "{} images, {SPLITS} stratified splits, a quarter of the rows for the test. In each split the recipe",
        data.len()
    );
    println!(
        "with the least loss on a fifth of the training rows is chosen; the network is then trained on all of them,"
    );
    println!("and sees the test rows once.\n");
    println!("split   dropout   decay   validation loss   test accuracy");

    let mut rng = Rng::seed_from_u64(1);
    let (mut accuracies, mut confusion, mut chosen) = (Vec::new(), Array2::zeros((10, 10)), None);
    for split in 1..=SPLITS {
        let (train, test) = data.split_stratified(0.25, &mut rng)?;
        let (part, validation) = train.split_stratified(0.2, &mut rng)?;
        // The same start and the same batches for every recipe.
        let start = rng.clone();
        let mut best = (f64::INFINITY, Recipe { dropout: 0.0, weight_decay: 0.0 });
        for recipe in DROPOUTS.iter().flat_map(|&dropout| DECAYS.map(|weight_decay| Recipe { dropout, weight_decay })) {
            rng = start.clone();
            let fitted = fit(&part, Some(&validation), recipe, &mut rng)?;
            let loss = fitted.history.epochs.last().and_then(|epoch| epoch.validation_loss).unwrap_or(f64::INFINITY);
            if loss < best.0 {
                (best, chosen) = ((loss, recipe), Some(fitted.history));
            }
        }
        let (loss, recipe) = best;
        let fitted = fit(&train, None, recipe, &mut rng)?;
        let output = fitted.model.predict(&fitted.params, test.x())?;
        let accuracy = Metric::Accuracy.of(output.view(), test.target())?;
        confusion += &confusion_matrix(output.view(), test.classes())?;
        let Recipe { dropout, weight_decay } = recipe;
        println!("{split:>5} {dropout:>9} {weight_decay:>7} {loss:>17.4} {:>13.2} %", 100.0 * accuracy);
        accuracies.push(accuracy);
    }

    let mean = accuracies.iter().sum::<f64>() / SPLITS as f64;
    let worst = accuracies.iter().copied().fold(f64::INFINITY, f64::min);
    println!("\nmean test accuracy {:.2} %, worst split {:.2} %\n", 100.0 * mean, 100.0 * worst);
    println!("how often each digit (row) was taken for each digit (column), over all splits:");
    println!("{}", ConfusionMatrix::new(confusion)?);
    if let Some(history) = chosen {
        let chart = std::env::temp_dir().join("digits.svg");
        history.plot(&chart)?;
        println!("\nloss and weights of the last split's choice: {}", chart.display());
    }
    Ok(())
}

fn fit(
    train: &Dataset<f32>,
    validation: Option<&Dataset<f32>>,
    recipe: Recipe,
    rng: &mut Rng,
) -> Result<Fitted, Error> {
    let mut params = Params::new();
    let model =
        Sequential::new().linear(64, 128).relu().dropout(recipe.dropout).linear(128, 10).build(params.root(), rng)?;
    let options = TrainerOptions { epochs: 40, advance: Advance::Batch, progress: false, ..Default::default() };
    let steps = (options.epochs * train.len().div_ceil(options.batch_size)) as u64;
    let mut optimizer = AdamW::new(AdamWOptions { lr: 4e-3, weight_decay: recipe.weight_decay, ..Default::default() })?
        .decay_matrices_only(&params)?
        .schedule(Schedule::cosine(steps, 0.0)?)?;

    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options)?;
    if let Some(validation) = validation {
        trainer = trainer.validation(validation);
    }
    trainer.fit(train, rng)?;
    let history = trainer.history().clone();
    drop(trainer);
    Ok(Fitted { model, params, history })
}

//! A small network on data whose truth is known, beside the noise floor and ordinary least squares; then the same on
//! a real data set, with and without weight decay.

use faer::linalg::solvers::SolveLstsq;
use wane::data::synthetic::{Friedman1Options, friedman1};
use wane::ndarray::{Array2, ArrayView2};
use wane::prelude::*;

/// Mean squared errors on the training and on the test rows.
type Errors = (f32, f32);

/// How a network is trained.
struct Recipe {
    width: usize,
    epochs: usize,
    weight_decay: f64,
}

fn main() -> Result<(), Error> {
    known_truth(&mut Rng::seed_from_u64(42))?;
    diabetes(&mut Rng::seed_from_u64(7))
}

fn known_truth(rng: &mut Rng) -> Result<(), Error> {
    println!("Friedman's first problem: y = 10 sin(π x₀ x₁) + 20 (x₂ − ½)² + 10 x₃ + 5 x₄ + noise of σ = 1;");
    println!("five of ten features say nothing. 500 rows to learn from, 5000 fresh ones to be judged by.\n");
    let train = friedman1::<f32>(&Friedman1Options { rows: 500, noise: 1.0, ..Default::default() }, rng)?;
    let test = friedman1::<f32>(&Friedman1Options { rows: 5000, noise: 1.0, ..Default::default() }, rng)?;

    // The same start and the same batches with decay and without.
    let start = rng.clone();
    let mut recipe = Recipe { width: 64, epochs: 150, weight_decay: 1.0 };
    let decayed = fit(&recipe, &train.dataset, &test.dataset, rng, |epoch, loss| {
        if epoch == 1 || epoch % 15 == 0 {
            // In these units the mean of the targets, as a model, has a loss of 1.
            println!("epoch {epoch:>4}   loss {loss:.4}   {}", "█".repeat((50.0 * loss.min(1.0)).round() as usize));
        }
    })?;
    recipe.weight_decay = 0.0;
    *rng = start;
    let undecayed = fit(&recipe, &train.dataset, &test.dataset, rng, |_, _| {})?;

    println!("\nmean squared error                  train       test");
    line("the truth (noise floor)", (mse(&train.truth, train.dataset.y()), mse(&test.truth, test.dataset.y())), 3);
    line("10-64-64-1, weight decay 1", decayed, 3);
    line("10-64-64-1, no decay", undecayed, 3);
    line("ordinary least squares", least_squares(&train.dataset, &test.dataset), 3);
    Ok(())
}

fn diabetes(rng: &mut Rng) -> Result<(), Error> {
    const SPLITS: usize = 10;
    const DECAYS: [f64; 5] = [0.0, 1.0, 3.0, 10.0, 30.0];
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/diabetes.csv");
    let data = Dataset::<f32>::from_csv(path, "progression")?;
    let (rows, features) = data.x().dim();
    println!(
        "\ndiabetes.csv: {rows} patients, {features} features; means over {SPLITS} random splits, a quarter for the test\n"
    );

    let mut models = vec![("ordinary least squares".to_owned(), Errors::default())];
    models.extend(DECAYS.map(|decay| (format!("10-32-32-1, weight decay {decay}"), Errors::default())));
    models.push(("the mean of the targets".to_owned(), Errors::default()));
    for _ in 0..SPLITS {
        let (train, test) = data.split(0.25, rng)?;
        let mut errors = vec![least_squares(&train, &test)];
        // The same start and the same batches for every decay.
        let start = rng.clone();
        for weight_decay in DECAYS {
            *rng = start.clone();
            errors.push(fit(&Recipe { width: 32, epochs: 100, weight_decay }, &train, &test, rng, |_, _| {})?);
        }
        errors.push(mean(&train, &test));
        for ((_, mean), errors) in models.iter_mut().zip(errors) {
            *mean = (mean.0 + errors.0 / SPLITS as f32, mean.1 + errors.1 / SPLITS as f32);
        }
    }
    println!("mean squared error                  train       test");
    models.iter().for_each(|(name, errors)| line(name, *errors, 0));
    Ok(())
}

fn line(name: &str, (train, test): Errors, decimals: usize) {
    println!("{name:<30} {train:>10.decimals$} {test:>10.decimals$}");
}

/// Trains a network on scaled data; its errors are in the units of y.
fn fit(
    recipe: &Recipe,
    train: &Dataset<f32>,
    test: &Dataset<f32>,
    rng: &mut Rng,
    mut report: impl FnMut(usize, f32),
) -> Result<Errors, Error> {
    let (x_scaler, y_scaler) = (StandardScaler::fit(train.x())?, StandardScaler::fit(train.y())?);
    let scaled = train.scale_x(&x_scaler)?.scale_y(&y_scaler)?;

    let mut params = Params::new();
    let &Recipe { width, epochs, weight_decay } = recipe;
    let model = Sequential::new()
        .linear(train.x().ncols(), width)
        .relu()
        .linear(width, width)
        .relu()
        .linear(width, 1)
        .build(params.root(), rng)?;
    let mut optimizer =
        AdamW::new(AdamWOptions { lr: 1e-3, weight_decay, ..Default::default() })?.decay_matrices_only(&params)?;

    let (mut tape, mut grads) = (Tape::new(), params.grads());
    let mut batches = Batches::new(&scaled, 32)?;
    for epoch in 1..=epochs {
        let mut total = 0.0;
        let mut shuffled = batches.epoch(rng);
        while let Some(batch) = shuffled.next() {
            let graph = tape.record(&params);
            let loss = model.forward(graph.input(&batch.x())).mse_loss(graph.input(&batch.y()));
            loss.backward(&mut grads);
            total += loss.item() * batch.x().nrows() as f32;
            optimizer.step(&mut params, &grads)?;
        }
        report(epoch, total / train.len() as f32);
    }

    let error = |data: &Dataset<f32>| {
        let output = model.predict(&params, x_scaler.transform(data.x())?.view())?;
        Ok(mse(&y_scaler.inverse_transform(output.view())?, data.y()))
    };
    Ok((error(train)?, error(test)?))
}

/// The best linear model with an intercept, by a QR decomposition in f64.
fn least_squares(train: &Dataset<f32>, test: &Dataset<f32>) -> Errors {
    let design = |data: &Dataset<f32>| {
        let x = data.x();
        faer::Mat::from_fn(x.nrows(), x.ncols() + 1, |i, j| if j == 0 { 1.0 } else { f64::from(x[[i, j - 1]]) })
    };
    let y = train.y();
    let weights = design(train).col_piv_qr().solve_lstsq(faer::Mat::from_fn(y.nrows(), 1, |i, _| f64::from(y[[i, 0]])));
    let error = |data: &Dataset<f32>| {
        let output = design(data) * &weights;
        mse(&Array2::from_shape_fn(data.y().dim(), |(i, _)| output[(i, 0)] as f32), data.y())
    };
    (error(train), error(test))
}

/// The mean of the training targets, whatever the features say.
fn mean(train: &Dataset<f32>, test: &Dataset<f32>) -> Errors {
    let mean = train.y().mean().expect("at least one row");
    let error = |data: &Dataset<f32>| mse(&Array2::from_elem(data.y().dim(), mean), data.y());
    (error(train), error(test))
}

fn mse(output: &Array2<f32>, target: ArrayView2<'_, f32>) -> f32 {
    (output - &target).mapv(|error| error * error).mean().expect("at least one row")
}

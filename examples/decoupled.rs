//! Why L2 in Adam is not weight decay, on one screen.

use wane::data::synthetic::{Friedman1Options, Synthetic, friedman1};
use wane::ndarray::{Array1, arr1};
use wane::optim::Rule;
use wane::prelude::*;

fn main() -> Result<(), Error> {
    first_steps()?;
    grids()
}

/// One step from each θ with a loss gradient of zero: nothing but the decay moves it.
fn first_steps() -> Result<(), Error> {
    const LR: f64 = 0.01;
    const THETA: [f64; 3] = [1.0, 0.1, 0.01];
    println!("One step with lr = {LR} and a loss gradient of zero: how far θ moves towards 0.");
    println!("Coupled, λθ passes through Adam's root and moves lr·λ|θ|/(λ|θ| + ε); decoupled, lr·λ·|θ|.\n");
    println!("      λ       θ   Adam, L2  the formula      AdamW  the formula");
    for weight_decay in [1e-6, 1e-3, 1.0] {
        let adam = AdamOptions { lr: LR, weight_decay, ..Default::default() };
        let adamw = AdamWOptions { lr: LR, weight_decay, ..Default::default() };
        let (coupled, decoupled) = (moved(adam, &THETA)?, moved(adamw, &THETA)?);
        for (i, theta) in THETA.into_iter().enumerate() {
            let (pull, own) = (weight_decay * theta, LR * weight_decay * theta);
            let formula = LR * pull / (pull + adam.eps);
            println!(
                "{weight_decay:>7e} {theta:>7} {:>10.3e} {formula:>12.3e} {:>10.3e} {own:>12.3e}",
                coupled[i], decoupled[i]
            );
        }
    }
    Ok(())
}

fn moved<R: Rule>(options: R, theta: &[f64]) -> Result<Vec<f64>, Error> {
    let mut params = Params::new();
    let id = params.root().add("theta", &arr1(theta))?;
    let mut optimizer = Optimizer::new(options)?.group(Group::all(&params))?;
    let mut grads = params.grads();
    grads.set(id, &Array1::zeros(theta.len()))?;
    optimizer.step(&mut params, &grads)?;
    Ok(theta.iter().zip(params.as_slice()).map(|(before, after)| before - after).collect())
}

/// A network trained with every lr and λ by both.
fn grids() -> Result<(), Error> {
    const LR: [f64; 4] = [1e-3, 3e-3, 1e-2, 3e-2];
    let mut rng = Rng::seed_from_u64(1);
    let train = friedman1::<f32>(&Friedman1Options { rows: 200, ..Default::default() }, &mut rng)?;
    let test = friedman1::<f32>(&Friedman1Options { rows: 2000, ..Default::default() }, &mut rng)?;
    println!(
        "\nTest error of a 10-32-1 network on 200 rows of Friedman's first problem (noise floor 1), * the row's best.\n"
    );
    grid("Adam, L2", [0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0], &LR, |lr, weight_decay| {
        error(AdamOptions { lr, weight_decay, ..Default::default() }, &train, &test)
    })?;
    grid("AdamW", [0.0, 1e-2, 1e-1, 1.0, 3.0, 10.0], &LR, |lr, weight_decay| {
        error(AdamWOptions { lr, weight_decay, ..Default::default() }, &train, &test)
    })?;
    println!("The same λ is not the same decay: the best L2 is 0.01 at every lr, the best decay 0.1 to 1.");
    println!("Which of the two predicts better is for the data to say: here, L2 does.");
    Ok(())
}

fn grid(
    name: &str,
    decays: [f64; 6],
    rates: &[f64],
    error: impl Fn(f64, f64) -> Result<f32, Error>,
) -> Result<(), Error> {
    let heads: String = decays.iter().map(|decay| format!("{:>10}", format!("λ={decay}"))).collect();
    println!("{name:<10}{heads}");
    for &lr in rates {
        let errors = decays.iter().map(|&decay| error(lr, decay)).collect::<Result<Vec<_>, _>>()?;
        let best = errors.iter().copied().fold(f32::INFINITY, f32::min);
        let cells = errors.iter().map(|&error| format!("{error:>9.2}{}", if error == best { '*' } else { ' ' }));
        println!("{:<10}{}", format!("lr={lr}"), cells.collect::<String>());
    }
    println!();
    Ok(())
}

/// The test error after 200 epochs, the mean of three starts.
fn error<R: Rule>(options: R, train: &Synthetic<f32>, test: &Synthetic<f32>) -> Result<f32, Error> {
    const STARTS: u64 = 3;
    let (x_scaler, y_scaler) = (StandardScaler::fit(train.dataset.x())?, StandardScaler::fit(train.dataset.y())?);
    let scaled = |data: &Dataset<f32>| data.scale_x(&x_scaler)?.scale_y(&y_scaler);
    let (train, test) = (scaled(&train.dataset)?, scaled(&test.dataset)?);
    let mut sum = 0.0;
    for start in 0..STARTS {
        let mut rng = Rng::seed_from_u64(start);
        let mut params = Params::<f32>::new();
        let model = Sequential::new().linear(10, 32).relu().linear(32, 1).build(params.root(), &mut rng)?;
        let mut optimizer = Optimizer::new(options.clone())?.decay_matrices_only(&params)?;
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let mut batches = Batches::new(&train, 25)?;
        for _ in 0..200 {
            let mut epoch = batches.epoch(&mut rng);
            while let Some(batch) = epoch.next() {
                let graph = tape.record(&params);
                model.forward(graph.input(&batch.x())).mse_loss(graph.input(&batch.y())).backward(&mut grads);
                optimizer.step(&mut params, &grads)?;
            }
        }
        let graph = tape.record(&params);
        sum += model.forward(graph.input(&test.x())).mse_loss(graph.input(&test.y())).item();
    }
    // Back in the units of the target.
    Ok(sum / STARTS as f32 * (y_scaler.scale()[0] as f32).powi(2))
}

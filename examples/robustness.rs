//! What L2 does to a network, in figures: its error, how steep it is, and what noise on its inputs costs, beside L1 with
//! exact zeros, decoupled decay, no penalty, and the truth.

use std::f64::consts::{PI, TAU};
use wane::data::synthetic::{Friedman1Options, friedman1};
use wane::ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use wane::prelude::*;
use wane::rand::RngExt;
use wane::train::{ErrorCurve, TradeOff, plot_weights};

const SETTINGS: u64 = 16;
/// Of the noise on each feature, in its standard deviations.
const SIGMAS: [f64; 4] = [0.0, 0.1, 0.2, 0.5];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nothing,
    /// λ Σ|w|: `Group::prox`.
    L1,
    /// λ Σw²: in the loss.
    L2,
    /// w ← w(1 − lr·λ): AdamW's.
    Decay,
}

/// A training set, rows to judge by and a start, all of its own. Columns are scaled by the training set's.
struct Setting {
    train: Dataset<f64>,
    validation: Dataset<f64>,
    test: Dataset<f64>,
    /// Normal, of the shape of the test features.
    noise: Array2<f64>,
    x_scaler: StandardScaler,
    y_scaler: StandardScaler,
    start: Rng,
}

/// What a function of the features is like on the test rows, in units of y and standard deviations of x.
struct Figures {
    /// The mean squared error with noise of each σ.
    errors: [f64; 4],
    /// The mean of ‖∂f/∂x‖, and of its square.
    slope: f64,
    square_slope: f64,
}

/// A network after training.
struct Run {
    figures: Figures,
    train: f64,
    validation: f64,
    weights: Vec<f64>,
}

/// A penalty, and one run a setting.
struct Row {
    kind: Kind,
    lambda: f64,
    runs: Vec<Run>,
}

fn main() -> Result<(), Error> {
    println!("Friedman's first problem (noise floor 1), 150 rows to learn from, a 10-64-1 network under Adam. Means");
    println!(
        "over {SETTINGS} settings of data and start ± a standard error; noise on the features in their deviations.\n"
    );
    let settings = (0..SETTINGS).map(Setting::new).collect::<Result<Vec<_>, _>>()?;
    let penalties = [0.0003, 0.001, 0.002, 0.003, 0.005, 0.01, 0.03];
    let grid = [
        (Kind::Nothing, vec![0.0]),
        (Kind::L1, penalties.to_vec()),
        (Kind::L2, penalties.to_vec()),
        (Kind::Decay, vec![0.03, 0.1, 0.3, 0.5, 1.0, 3.0]),
    ];
    let mut rows = Vec::new();
    for (kind, lambda) in grid.iter().flat_map(|(kind, lambdas)| lambdas.iter().map(|&lambda| (*kind, lambda))) {
        let runs = settings.iter().map(|setting| setting.run(kind, lambda)).collect::<Result<_, _>>()?;
        rows.push(Row { kind, lambda, runs });
    }
    let truth = settings.iter().map(Setting::truth).collect::<Result<Vec<_>, _>>()?;
    table(&rows, &truth);
    words(&rows, &truth);
    pictures(&rows)
}

impl Setting {
    fn new(seed: u64) -> Result<Self, Error> {
        let mut rng = Rng::seed_from_u64(seed);
        let mut draw = |rows| friedman1::<f64>(&Friedman1Options { rows, ..Default::default() }, &mut rng);
        let [train, validation, test] = [draw(150)?.dataset, draw(500)?.dataset, draw(1000)?.dataset];
        let (x_scaler, y_scaler) = (StandardScaler::fit(train.x())?, StandardScaler::fit(train.y())?);
        let scale = |data: Dataset<f64>| data.scale_x(&x_scaler)?.scale_y(&y_scaler);
        let [train, validation, test] = [scale(train)?, scale(validation)?, scale(test)?];
        let mut normal = || (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt() * (TAU * rng.random::<f64>()).cos();
        let noise = Array2::from_shape_simple_fn(test.x().dim(), &mut normal);
        Ok(Self { train, validation, test, noise, x_scaler, y_scaler, start: rng })
    }

    fn run(&self, kind: Kind, lambda: f64) -> Result<Run, Error> {
        let (mut params, mut rng) = (Params::new(), self.start.clone());
        let model = Sequential::new().linear(10, 64).relu().linear(64, 1).build(params.root(), &mut rng)?;
        let (weights, biases) = params.partition(|param| param.rank() > 1);
        let group = match kind {
            Kind::L1 => Group::new(&weights).prox(L1::new(lambda)?),
            Kind::Decay => Group::new(&weights).weight_decay(lambda),
            Kind::Nothing | Kind::L2 => Group::new(&weights),
        };
        let l2 = (kind == Kind::L2).then(|| L2::new(lambda)).transpose()?;
        let options = AdamWOptions { lr: 5e-3, weight_decay: 0.0, ..Default::default() };
        let mut optimizer = AdamW::new(options)?.group(group)?.group(Group::new(&biases))?;
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let mut batches = Batches::new(&self.train, 25)?;
        for _ in 0..200 {
            let mut epoch = batches.epoch(&mut rng);
            while let Some(batch) = epoch.next() {
                let graph = tape.record(&params);
                let mut loss = model.forward(graph.input(&batch.x())).mse_loss(graph.input(&batch.y()));
                if let Some(l2) = &l2 {
                    loss = loss + graph.penalty(l2, &weights);
                }
                loss.backward(&mut grads);
                optimizer.step(&mut params, &grads)?;
            }
        }

        // A row's output depends on that row alone: the gradient of the sum holds each row's own.
        let x = tape.record(&params).variable(&self.test.x());
        model.forward(x).sum().backward(&mut grads);
        let slopes = x.grad().expect("the gradient of a variable");
        let slopes = slopes.mapv(|slope| slope * slope).sum_axis(Axis(1)).into_iter().map(f64::sqrt);
        let output = |x: ArrayView2<'_, f64>| model.predict(&params, x);
        Ok(Run {
            figures: self.figures(slopes, output)?,
            train: self.error(output(self.train.x())?, self.train.y()),
            validation: self.error(output(self.validation.x())?, self.validation.y()),
            weights: weights.iter().flat_map(|&id| params.get(id).to_owned()).collect(),
        })
    }

    /// The figures of the function that the data are made of.
    fn truth(&self) -> Result<Figures, Error> {
        let output = |x: ArrayView2<'_, f64>| {
            let x = self.x_scaler.inverse_transform(x)?;
            let y = |x: ArrayView1<'_, f64>| {
                10.0 * (PI * x[0] * x[1]).sin() + 20.0 * (x[2] - 0.5).powi(2) + 10.0 * x[3] + 5.0 * x[4]
            };
            self.y_scaler.transform(x.map_axis(Axis(1), y).insert_axis(Axis(1)).view())
        };
        let slopes = self.x_scaler.inverse_transform(self.test.x())?.map_axis(Axis(1), |x| {
            let wave = 10.0 * PI * (PI * x[0] * x[1]).cos();
            let slopes = [wave * x[1], wave * x[0], 40.0 * (x[2] - 0.5), 10.0, 5.0];
            slopes.iter().zip(self.x_scaler.scale()).map(|(slope, sd)| (slope * sd).powi(2)).sum::<f64>().sqrt()
        });
        self.figures(slopes.into_iter().map(|slope| slope / self.y_scaler.scale()[0]), output)
    }

    /// From ‖∂f/∂x‖ of each test row, and f.
    fn figures(
        &self,
        slopes: impl Iterator<Item = f64>,
        output: impl Fn(ArrayView2<'_, f64>) -> Result<Array2<f64>, Error>,
    ) -> Result<Figures, Error> {
        let slopes = Vec::from_iter(slopes.map(|slope| slope * self.y_scaler.scale()[0]));
        let mut errors = [0.0; 4];
        for (error, sigma) in errors.iter_mut().zip(SIGMAS) {
            // Noise and its mirror image: what is odd in it cancels.
            for sigma in [sigma, -sigma] {
                let output = output((&self.test.x() + &(sigma * &self.noise)).view())?;
                *error += 0.5 * self.error(output, self.test.y());
            }
        }
        let mean = |of: fn(f64) -> f64| slopes.iter().map(|&slope| of(slope)).sum::<f64>() / slopes.len() as f64;
        Ok(Figures { errors, slope: mean(|slope| slope), square_slope: mean(|slope| slope * slope) })
    }

    /// The mean squared error, in units of y.
    fn error(&self, output: Array2<f64>, y: ArrayView2<'_, f64>) -> f64 {
        let off = (output - y) * self.y_scaler.scale()[0];
        off.mapv(|off| off * off).mean().expect("at least one row")
    }
}

impl Row {
    fn name(&self) -> String {
        match self.kind {
            Kind::Nothing => "no penalty".to_owned(),
            Kind::Decay => format!("decay, λ = {}", self.lambda),
            kind => format!("{kind:?}, λ = {}", self.lambda),
        }
    }

    fn mean(&self, of: impl Fn(&Run) -> f64) -> (f64, f64) {
        mean(self.runs.iter().map(of))
    }

    fn zeros(&self) -> f64 {
        self.mean(|run| run.weights.iter().filter(|weight| weight.to_bits() == 0).count() as f64).0
    }
}

/// The mean and its standard error.
fn mean(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let numbers = Vec::from_iter(numbers);
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    (mean, (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt())
}

/// The row of each kind that has the least validation error.
fn chosen(rows: &[Row], kind: Kind) -> &Row {
    let error = |row: &&Row| row.mean(|run| run.validation).0;
    let of_kind = rows.iter().filter(|row| row.kind == kind);
    of_kind.min_by(|a, b| error(a).total_cmp(&error(b))).expect("a row of each kind")
}

fn table(rows: &[Row], truth: &[Figures]) {
    let sigmas = SIGMAS.map(|sigma| format!("{:>14}", format!("σ = {sigma}"))).concat();
    println!("{:33}   test error, noise of\n{:>33}{sigmas}   exact zeros", "", "mean ‖∂f/∂x‖");
    let cell = |(mean, error): (f64, f64)| format!("{:>14}", format!("{mean:.2} ± {error:.2}"));
    for row in rows {
        let errors = (0..SIGMAS.len()).map(|i| cell(row.mean(|run| run.figures.errors[i]))).collect::<String>();
        let slope = cell(row.mean(|run| run.figures.slope));
        let is_chosen = row.kind != Kind::Nothing && std::ptr::eq(row, chosen(rows, row.kind));
        let star = if is_chosen { "*" } else { "" };
        println!("{:<19}{slope}{errors} {:>6.0} of {}", row.name() + star, row.zeros(), row.runs[0].weights.len());
    }
    let errors = (0..SIGMAS.len()).map(|i| cell(mean(truth.iter().map(|truth| truth.errors[i])))).collect::<String>();
    println!("{:<19}{}{errors}", "the truth", cell(mean(truth.iter().map(|truth| truth.slope))));
    println!("* the λ of least error on validation rows");
}

fn words(rows: &[Row], truth: &[Figures]) {
    let [nothing, l1, l2, decay] = [Kind::Nothing, Kind::L1, Kind::L2, Kind::Decay].map(|kind| chosen(rows, kind));
    let slope = |row: &Row| row.mean(|run| run.figures.slope).0;
    let of_l2 = Vec::from_iter(rows.iter().filter(|row| row.kind == Kind::L2));
    let (first, last) = (of_l2[0], of_l2[of_l2.len() - 1]);
    println!(
        "\nmean ‖∂f/∂x‖: {:.2} under L2, λ = {}, and {:.2} at {};",
        slope(first),
        first.lambda,
        slope(last),
        last.lambda
    );
    let of_truth = mean(truth.iter().map(|truth| truth.slope)).0;
    println!("{:.2} without penalty; that of the truth is {of_truth:.2}.", slope(nothing));
    println!("Test error at the λ marked *, setting by setting:");
    for (row, other) in [(l2, nothing), (l1, nothing), (decay, nothing), (l1, l2), (decay, l2)] {
        let pairs = row.runs.iter().zip(&other.runs);
        let (difference, error) = mean(pairs.map(|(run, other)| run.figures.errors[0] - other.figures.errors[0]));
        println!("  {:<13} − {:<13} {difference:>6.2} ± {error:.2}", row.name(), other.name());
    }

    let figures = || rows.iter().flat_map(|row| row.runs.iter().map(|run| &run.figures)).chain(truth);
    let cost = |figures: &Figures, i: usize| {
        (figures.errors[i] - figures.errors[0]) / (SIGMAS[i].powi(2) * figures.square_slope)
    };
    println!("What noise adds to the error, over σ² times the mean of ‖∂f/∂x‖²:");
    for (i, sigma) in SIGMAS.iter().enumerate().skip(1) {
        let costs = || figures().map(|figures| cost(figures, i));
        let (least, most) = (costs().fold(f64::INFINITY, f64::min), costs().fold(0.0, f64::max));
        println!(
            "  σ = {sigma}: {:.2} in the mean, {least:.2} to {most:.2} over all {} functions",
            mean(costs()).0,
            costs().count()
        );
    }
    for (i, sigma) in SIGMAS.iter().enumerate() {
        let error = |row: &Row| row.mean(|run| run.figures.errors[i]).0;
        let best = rows.iter().min_by(|a, b| error(a).total_cmp(&error(b))).expect("a row");
        let truth = mean(truth.iter().map(|truth| truth.errors[i])).0;
        println!("Least error at σ = {sigma}: {:.2} by {}; the truth has {truth:.2}.", error(best), best.name());
    }
}

/// The weights at the λ marked *, and what the zeros of L1 cost.
fn pictures(rows: &[Row]) -> Result<(), Error> {
    let sets = [Kind::Nothing, Kind::L1, Kind::L2, Kind::Decay].map(|kind| {
        let row = chosen(rows, kind);
        (row.name(), row.runs.iter().flat_map(|run| run.weights.iter().copied()).collect::<Vec<_>>())
    });
    let weights = std::env::temp_dir().join("robustness_weights.svg");
    plot_weights(&sets.each_ref().map(|(name, weights)| (name.as_str(), weights.as_slice())), &weights)?;

    let rows = Vec::from_iter(rows.iter().filter(|row| matches!(row.kind, Kind::Nothing | Kind::L1)));
    let column = |of: &dyn Fn(&Row) -> f64| Vec::from_iter(rows.iter().map(|row| of(row)));
    let errors = |of: fn(&Run) -> f64| [column(&|row| row.mean(of).0), column(&|row| row.mean(of).1)];
    let (train, test) = (errors(|run| run.train), errors(|run| run.figures.errors[0]));
    let trade_off = std::env::temp_dir().join("robustness_trade_off.svg");
    TradeOff {
        count: &format!("weights that are exactly 0, of {} (L1)", rows[0].runs[0].weights.len()),
        counts: &column(&|row| row.zeros()),
        lambdas: &column(&|row| row.lambda),
        error: "mean squared error (units of y²)",
        curves: &[
            ErrorCurve { name: "training", errors: &train[0], standard_errors: &train[1] },
            ErrorCurve { name: "test", errors: &test[0], standard_errors: &test[1] },
        ],
    }
    .plot(&trade_off)?;
    println!("\nweights of all settings: {}\nerror over zeros: {}", weights.display(), trade_off.display());
    Ok(())
}

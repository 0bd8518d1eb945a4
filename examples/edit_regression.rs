//! Editing a network that predicts how diabetes goes on: one patient's prediction is moved by two standard deviations, and
//! what that does to the patients nearest to them and to all others is measured, beside what training on that one
//! patient does, and the smallest edit whatever patients there are.

use wane::edit::{Bystanders, EditOptions, Editor, FineTuneOptions, KeyStats, Measure, Site, Wanted, fine_tune};
use wane::ndarray::{Array2, ArrayView2, Axis, s};
use wane::prelude::*;

const EDITS: usize = 40;
const NEIGHBOURS: usize = 10;
/// In standard deviations of y, as all that follows.
const MOVE: f32 = 2.0;
const RATES: [f64; 6] = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3];

/// What can be done to the layer of that number.
#[derive(Clone, Copy)]
enum Method {
    Edit(usize, Measure),
    TrainLayer(usize, f64),
    TrainAll(f64),
}

/// The means over all edits.
#[derive(Default)]
struct Outcome {
    /// The share that comes to y* within 0.01. (Where units behind a layer die on the way to it, none does.)
    efficacy: f64,
    /// √ of the mean square of y′ − y over the neighbours, and over all rows but the edited one.
    neighbours: f64,
    others: f64,
    /// The mean squared error over all rows.
    error: f64,
}

struct Network {
    model: Sequential<f32>,
    params: Params<f32>,
    train: Dataset<f32>,
}

fn main() -> Result<(), Error> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/diabetes.csv");
    let mut rng = Rng::seed_from_u64(3);
    let (rest, held_out) = Dataset::<f32>::from_csv(path, "progression")?.split(0.25, &mut rng)?;
    let (train, validation) = rest.split(0.25, &mut rng)?;
    let (x, y) = (StandardScaler::fit(train.x())?, StandardScaler::fit(train.y())?);
    let [train, validation, held_out] = [train, validation, held_out].map(|data| data.scale_x(&x)?.scale_y(&y));
    let (network, held_out) = (Network::trained(train?, &mut rng)?, held_out?);

    // The rate that reaches most on the validation data, and moves the other patients least.
    let validation = validation?;
    let best = |method: &dyn Fn(f64) -> Method| {
        let mut best = ((f64::INFINITY, f64::INFINITY), RATES[0]);
        for rate in RATES {
            let Outcome { efficacy, others, .. } = network.outcome(method(rate), &validation)?;
            if (-efficacy, others) < best.0 {
                best = ((-efficacy, others), rate);
            }
        }
        Ok::<_, Error>(method(best.1))
    };
    let untouched = network.error(&network.params, &held_out)?;
    println!("10-32-32-1 on {} patients; on {} others, error {untouched:.3}", network.train.len(), held_out.len());
    println!("(mean squared, y having a variance of 1). {EDITS} of these, each moved by {MOVE} standard deviations:\n");
    println!("{:<32} efficacy  neighbours  others   error", "");
    for method in [
        Method::Edit(4, Measure::Drift),
        Method::Edit(4, Measure::Size),
        best(&|rate| Method::TrainLayer(4, rate))?,
        Method::Edit(2, Measure::Drift),
        Method::Edit(2, Measure::Size),
        best(&|rate| Method::TrainLayer(2, rate))?,
        best(&Method::TrainAll)?,
    ] {
        let name = match method {
            Method::Edit(layer, Measure::Drift) => format!("ROME, layer {layer}"),
            Method::Edit(layer, _) => format!("smallest (C = I), layer {layer}"),
            Method::TrainLayer(layer, rate) => format!("training layer {layer}, {rate}"),
            Method::TrainAll(rate) => format!("training all, {rate}"),
        };
        let Outcome { efficacy, neighbours, others, error } = network.outcome(method, &held_out)?;
        println!("{name:<32} {:>6.1} % {neighbours:>11.3} {others:>7.3} {error:>7.3}", 100.0 * efficacy);
    }
    println!(
        "\n(neighbours, others: how far the predictions for the {NEIGHBOURS} nearest patients move, and for all others)"
    );
    Ok(())
}

impl Network {
    fn trained(train: Dataset<f32>, rng: &mut Rng) -> Result<Self, Error> {
        let mut params = Params::new();
        let builder = Sequential::new().linear(10, 32).relu().linear(32, 32).relu().linear(32, 1);
        let model = builder.build(params.root(), rng)?;
        let options = AdamWOptions { weight_decay: 1.0, ..Default::default() };
        let mut optimizer = AdamW::new(options)?.decay_matrices_only(&params)?;
        let options = TrainerOptions { epochs: 100, progress: false, ..Default::default() };
        Trainer::new(&model, &mut params, &mut optimizer, options)?.fit(&train, rng)?;
        Ok(Self { model, params, train })
    }

    fn error(&self, params: &Params<f32>, data: &Dataset<f32>) -> Result<f64, Error> {
        Metric::Mse.of(self.model.predict(params, data.x())?.view(), data.target())
    }

    /// Moves the predictions for the first rows, one at a time.
    fn outcome(&self, method: Method, data: &Dataset<f32>) -> Result<Outcome, Error> {
        let everyone = Bystanders::new(&self.model, &self.params, data.x())?;
        let mut outcome = Outcome::default();
        for row in 0..EDITS {
            let x = data.x().slice_move(s![row..=row, ..]);
            let wanted = everyone.before().slice(s![row..=row, ..]).mapv(|y| y as f32 + MOVE);
            let edited = self.edited(method, x, wanted.view())?;
            let near = data.x().select(Axis(0), &nearest(data.x(), row));
            let near = Bystanders::new(&self.model, &self.params, near.view())?;

            let missed = self.model.predict(&edited, x)?[[0, 0]] - wanted[[0, 0]];
            outcome.efficacy += if missed.abs() <= 0.01 { 1.0 / EDITS as f64 } else { 0.0 };
            outcome.neighbours += near.locality(&edited, x)?.drift / EDITS as f64;
            outcome.others += everyone.locality(&edited, x)?.drift / EDITS as f64;
            outcome.error += self.error(&edited, data)? / EDITS as f64;
        }
        Ok(outcome)
    }

    fn edited(&self, method: Method, x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> Result<Params<f32>, Error> {
        let (mut params, wanted) = (self.params.clone(), Wanted::Outputs(y));
        let site = |layer| Site::new(&self.model, &self.params, layer);
        let (trained, lr) = match method {
            Method::Edit(layer, measure) => {
                let stats = KeyStats::of(&site(layer)?, &params, self.train.x())?;
                let editor = Editor::new(site(layer)?, &params, stats, EditOptions { measure, ..Default::default() })?;
                if let Ok(edit) = editor.edit(&params, x, wanted) {
                    edit.apply(&mut params)?;
                }
                return Ok(params);
            }
            Method::TrainLayer(layer, lr) => {
                let linear = site(layer)?.linear();
                ([Some(linear.weight()), linear.bias()].into_iter().flatten().collect(), lr)
            }
            Method::TrainAll(lr) => (params.ids(), lr),
        };
        let options = FineTuneOptions { lr, steps: 20_000, ..Default::default() };
        fine_tune(&self.model, &mut params, &trained, (x, wanted), &options)?;
        Ok(params)
    }
}

/// The rows nearest to `row`, without it.
fn nearest(x: ArrayView2<'_, f32>, row: usize) -> Vec<usize> {
    let squares: Array2<f32> = (&x - &x.row(row)).mapv(|apart| apart * apart);
    let distances = squares.sum_axis(Axis(1));
    let mut rows: Vec<usize> = (0..x.nrows()).filter(|&other| other != row).collect();
    rows.sort_by(|&a, &b| distances[a].total_cmp(&distances[b]));
    rows.truncate(NEIGHBOURS);
    rows
}

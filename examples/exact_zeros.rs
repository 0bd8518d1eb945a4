//! One lasso, eight ways to minimise it: which of them reach its minimum, and which its zeros.
//!
//! The problem is scikit-learn's `Lasso` on data/diabetes.csv with scaled columns: 1/(2n) ‖y − Xw − b‖² + α‖w‖₁, for an α of a
//! tenth of the one that makes every weight zero. The columns have mean 0, so that b is the mean of y, whatever w is.

use wane::linear::{ElasticNetOptions, Fit, elastic_net, lambda_max};
use wane::ndarray::{Array1, Array2, Axis};
use wane::optim::Rule;
use wane::prelude::*;

const BATCH: usize = 34;
/// 1539 epochs of 13 batches: where an epoch is cut short, what it has not seen is missing from the weights.
const STEPS: u64 = 1539 * 13;

/// What becomes of α‖w‖₁.
#[derive(Clone, Copy, PartialEq)]
enum Term {
    /// It is added to the loss, and α sign(w) to the gradient.
    InTheLoss,
    /// `Group::prox`: each step is followed by a threshold in its own metric.
    Proximal,
    /// Each step is followed by a threshold of lr·α, whatever the step was.
    Unscaled { lr: f64 },
    /// The optimizer has it among its options.
    AnOption,
}

struct Problem {
    /// Scaled columns, and y − b.
    data: Dataset<f64>,
    alpha: f64,
    lasso: Fit,
}

/// Where a method ended.
struct End {
    zeros: usize,
    /// max |Δw| to the minimum.
    off: f64,
}

fn main() -> Result<(), Error> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/diabetes.csv");
    let data = Dataset::<f64>::from_csv(path, "progression")?;
    let data = data.scale_x(&StandardScaler::fit(data.x())?)?;
    let (x, y) = (data.x(), data.y().index_axis_move(Axis(1), 0));
    let options = ElasticNetOptions { l1_ratio: 1.0, ..Default::default() };
    let alpha = 0.1 * lambda_max(x, y, &options)?;
    let lasso = elastic_net(x, y, &ElasticNetOptions { alpha, ..options })?;
    let problem = Problem { data: Dataset::new(x.to_owned(), &data.y() - lasso.intercept)?, alpha, lasso };
    problem.introduce(data.feature_names());

    let sgd = SgdOptions { lr: 0.2, ..Default::default() };
    let adam = AdamOptions { lr: 0.1, ..Default::default() };
    let noisy = SgdOptions { lr: 0.1, ..Default::default() };
    let cumulative = SgdL1Options { lr: noisy.lr, l1: alpha, ..Default::default() };
    let constant = Schedule::constant();
    let falling = Schedule::exponential(0.009_f64.powf(1.0 / STEPS as f64))?;
    let whole = data.len();
    problem.row("gradient descent, α sign(w) in the loss", sgd, Term::InTheLoss, whole, &constant)?;
    problem.row("gradient descent, proximal (ISTA)", sgd, Term::Proximal, whole, &constant)?;
    problem.row("Adam, α sign(w) in the loss", adam, Term::InTheLoss, whole, &constant)?;
    problem.row("Adam, α sign(w) in the loss, lr falls", adam, Term::InTheLoss, whole, &falling)?;
    let unscaled = problem.row("Adam, threshold lr·α", adam, Term::Unscaled { lr: adam.lr }, whole, &constant)?;
    let proximal = problem.row("Adam, proximal", adam, Term::Proximal, whole, &constant)?;
    problem.row("SGD, proximal, batches of 34, lr falls", noisy, Term::Proximal, BATCH, &falling)?;
    problem.row("SgdL1 (cumulative), batches and lr as above", cumulative, Term::AnOption, BATCH, &falling)?;

    let End { zeros, off } = proximal;
    println!(
        "\nAdam moves a weight by lr·m/√v: by lr, however large its gradient is. A threshold of lr·α stands against that,"
    );
    println!(
        "not against the gradient: at α = {alpha:.2} it leaves {} weights zero. In the metric of the step, in which",
        unscaled.zeros
    );
    println!("`Group::prox` measures, it leaves {zeros}, and no weight further than {off:.0e} from the lasso's.");
    Ok(())
}

impl Problem {
    fn introduce(&self, features: &[String]) {
        let names = |is_zero: bool| {
            let chosen = features.iter().zip(&self.lasso.weights).filter(|(_, w)| (w.to_bits() == 0) == is_zero);
            chosen.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let gap = self.lasso.certificate.gap;
        println!(
            "The lasso's minimum, certified to {gap:.0e}: {} stay, {} are exactly zero.",
            names(false),
            names(true)
        );
        println!("{STEPS} steps from w = 0, of all {} rows where nothing else is said:\n", self.data.len());
        println!("{:<46} {:>11} {:>10} {:>15}", "", "exact zeros", "max |Δw|", "above minimum");
    }

    /// Trains, prints and returns where it ended.
    fn row<R: Rule>(&self, name: &str, options: R, term: Term, batch: usize, lr: &Schedule) -> Result<End, Error> {
        let w = self.train(options, term, batch, lr)?;
        let zeros = w.iter().filter(|w| w.to_bits() == 0).count();
        let off = (&w - &self.lasso.weights).iter().fold(0.0, |most: f64, off| most.max(off.abs()));
        // Below 0 only by rounding.
        let above = (self.objective(&w) - self.objective(&self.lasso.weights)).max(0.0);
        println!("{name:<46} {:>11} {off:>10.1e} {above:>15.1e}", format!("{zeros} of {}", w.len()));
        Ok(End { zeros, off })
    }

    fn train<R: Rule>(&self, options: R, term: Term, batch: usize, lr: &Schedule) -> Result<Array1<f64>, Error> {
        let mut params = Params::new();
        let w = params.root().add("weight", &Array2::zeros((1, self.data.x().ncols())))?;
        let l1 = L1::new(self.alpha)?;
        let group = Group::new(&[w]);
        let group = if term == Term::Proximal { group.prox(l1) } else { group };
        let mut optimizer = Optimizer::new(options)?.group(group)?.schedule(lr.clone())?;
        let (mut tape, mut grads) = (Tape::new(), params.grads());
        let (mut batches, mut rng) = (Batches::new(&self.data, batch)?, Rng::seed_from_u64(0));
        while optimizer.time() < STEPS {
            let mut epoch = batches.epoch(&mut rng);
            while let Some(batch) = epoch.next() {
                let graph = tape.record(&params);
                let output = graph.input(&batch.x()).linear(graph.param(w), None, None);
                let mut loss = output.mse_loss(graph.input(&batch.y())) * 0.5;
                if term == Term::InTheLoss {
                    loss = loss + graph.penalty(&l1, &[w]);
                }
                loss.backward(&mut grads);
                optimizer.step(&mut params, &grads)?;
                if let Term::Unscaled { lr } = term {
                    let by = lr * self.alpha;
                    params.get_mut(w).mapv_inplace(|w| if w.abs() <= by { 0.0 } else { w - by.copysign(w) });
                }
                optimizer.advance()?;
            }
        }
        Ok(Array1::from_vec(params.as_slice().to_vec()))
    }

    fn objective(&self, w: &Array1<f64>) -> f64 {
        let residual = &self.data.y().index_axis(Axis(1), 0) - &self.data.x().dot(w);
        residual.dot(&residual) / (2.0 * self.data.len() as f64) + self.alpha * w.mapv(f64::abs).sum()
    }
}

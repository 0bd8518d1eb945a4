//! Editing a network that reads digits: one prediction is changed at a time, and what else changes is counted, beside
//! what training on that one image does, and the smallest edit whatever images there are.
//!
//! Draws which predictions flip into a file edit.svg in the system's folder for temporary files.

use plotters::prelude::*;
use std::error::Error as StdError;
use wane::edit::{
    Bystanders, EditOptions, Editor, Effect, EffectOptions, FineTuneOptions, KeyStats, Locality, Measure, Site,
    ValueOptions, Wanted, fine_tune,
};
use wane::ndarray::{Array2, ArrayView2, s};
use wane::prelude::*;
use wane::rand::RngExt;

const EDITS: usize = 40;
/// The middle one of 64-64-64-10.
const LAYER: usize = 2;
const RATES: [f64; 5] = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2];

/// What can be done for one image to be taken for another digit.
#[derive(Clone, Copy)]
enum Method {
    Rome(EditOptions),
    FineTune { all: bool, lr: f64 },
}

/// A network, and what is known of the layer that is edited.
struct Subject<'m> {
    site: Site<'m, f32>,
    stats: KeyStats,
    params: Params<f32>,
}

/// What became of the edits of one method.
struct Outcome {
    name: &'static str,
    effect: Effect,
    locality: Locality,
    accuracy: f64,
    /// Of each edit, the rows that flip.
    flipped: Vec<Vec<usize>>,
}

fn main() -> Result<(), Box<dyn StdError>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    let data = Dataset::<f32>::classes_from_csv(path, "digit")?;
    let data = Dataset::with_classes(&data.x() / 16.0, data.classes().clone())?;
    let mut rng = Rng::seed_from_u64(1);
    let (rest, held_out) = data.split_stratified(0.3, &mut rng)?;
    let (train, validation) = rest.split_stratified(0.2, &mut rng)?;
    let (model, params) = trained(&train, &mut rng)?;
    let right = 100.0 * accuracy(&model, &params, &held_out)?;
    println!("64-64-64-10 on {} digits: {right:.2} % of {} held-out ones right\n", train.len(), held_out.len());

    let site = Site::new(&model, &params, LAYER)?;
    let stats = KeyStats::of(&site, &params, train.x())?;
    let subject = Subject { site, stats, params };
    subject.mistakes(&held_out)?;
    let outcomes = subject.compare(&validation, &held_out, &mut rng)?;
    let chart = std::env::temp_dir().join("edit.svg");
    draw(&chart, &outcomes, &held_out)?;
    println!("\nwhich predictions flip: {}", chart.display());
    Ok(())
}

fn trained(train: &Dataset<f32>, rng: &mut Rng) -> Result<(Sequential<f32>, Params<f32>), Error> {
    let mut params = Params::new();
    let model =
        Sequential::new().linear(64, 64).relu().linear(64, 64).relu().linear(64, 10).build(params.root(), rng)?;
    let mut optimizer = AdamW::new(AdamWOptions::default())?.decay_matrices_only(&params)?;
    let options = TrainerOptions { epochs: 60, progress: false, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options)?;
    trainer.fit(train, rng)?;
    drop(trainer);
    Ok((model, params))
}

fn accuracy(model: &Sequential<f32>, params: &Params<f32>, data: &Dataset<f32>) -> Result<f64, Error> {
    Metric::Accuracy.of(model.predict(params, data.x())?.view(), data.target())
}

impl Subject<'_> {
    fn editor(&self, options: EditOptions) -> Result<Editor<'_, f32>, Error> {
        Editor::new(self.site.clone(), &self.params, self.stats.clone(), options)
    }

    /// Corrects the network's mistakes, one after the other, in a ledger; then takes them all back.
    fn mistakes(&self, held_out: &Dataset<f32>) -> Result<(), Error> {
        let (model, mut params) = (self.site.model(), self.params.clone());
        let output = model.predict(&params, held_out.x())?;
        let labels = held_out.classes().labels();
        let is_wrong = |&row: &usize| largest(output.row(row).iter()) != labels[row] as usize;
        let mut ledger = self.editor(EditOptions::default())?.ledger(&params)?;
        println!("its mistakes, corrected one after the other:  right   leverage  ‖ΔW‖ of all");
        for (number, row) in (0..held_out.len()).filter(is_wrong).enumerate() {
            let image = held_out.select(&[row])?;
            let edit = ledger.edit(&mut params, image.x(), Wanted::Classes(image.classes()))?;
            let (leverage, norm) = (edit.report().leverage[number], edit.report().norm);
            let (right, label) = (100.0 * accuracy(model, &params, held_out)?, labels[row]);
            println!("  image {row:>4}, a {label} {right:>33.2} % {leverage:>9.1} {norm:>12.1}");
        }
        ledger.clear(&mut params)?;
        let is_same = params.as_slice() == self.params.as_slice();
        println!("taken back: the weights are {} to the bit", if is_same { "the same" } else { "others" });
        Ok(())
    }

    /// All methods on the same images, and a table of what they do.
    fn compare(
        &self,
        validation: &Dataset<f32>,
        held_out: &Dataset<f32>,
        rng: &mut Rng,
    ) -> Result<Vec<Outcome>, Error> {
        let rome = EditOptions::default();
        let methods = [
            ("ROME", Method::Rome(rome)),
            ("ROME, bias too", Method::Rome(EditOptions { bias: true, ..rome })),
            ("smallest (C = I)", Method::Rome(EditOptions { measure: Measure::Size, ..rome })),
            ("training the layer", self.tuned(false, validation, rng)?),
            ("training all", self.tuned(true, validation, rng)?),
        ];
        println!(
            "\n{EDITS} held-out images, each to be taken for a digit that it is not; the means of what that does:\n"
        );
        println!("{:<26} efficacy  copies  neighbours   flips  accuracy      KL   drift", "");
        let mut outcomes = Vec::new();
        for (name, method) in methods {
            let outcome = self.run(name, method, (held_out, EDITS), &mut rng.clone())?;
            let label = match method {
                Method::Rome(_) => name.to_owned(),
                Method::FineTune { lr, .. } => format!("{name}, {lr}"),
            };
            let (Effect { efficacy, generalisation, specificity, .. }, Locality { flips, kl, drift, .. }) =
                (outcome.effect, outcome.locality);
            let percent = [efficacy, generalisation, specificity, flips, outcome.accuracy].map(|share| 100.0 * share);
            let [efficacy, generalisation, specificity, flips, accuracy] = percent;
            print!("{label:<26} {efficacy:>6.1} % {generalisation:>5.1} % {specificity:>9.1} % {flips:>5.2} %");
            println!(" {accuracy:>7.2} % {kl:>7.4} {drift:>7.3}");
            outcomes.push(outcome);
        }
        println!("\n(copies: with noise of σ = 0.05, taken for the digit too; neighbours: the ten nearest images that");
        println!("were taken for the same digit as the edited one, still taken for it)");
        Ok(outcomes)
    }

    /// Training at the rate that flips the fewest predictions of validation images.
    fn tuned(&self, all: bool, validation: &Dataset<f32>, rng: &Rng) -> Result<Method, Error> {
        let mut best = (f64::INFINITY, RATES[0]);
        for lr in RATES {
            let outcome = self.run("", Method::FineTune { all, lr }, (validation, EDITS / 2), &mut rng.clone())?;
            if outcome.effect.efficacy > 1.0 - 1e-9 && outcome.locality.flips < best.0 {
                best = (outcome.locality.flips, lr);
            }
        }
        Ok(Method::FineTune { all, lr: best.1 })
    }

    /// Edits so many of the rows, one at a time, each into a class that the network does not take it for.
    fn run(
        &self,
        name: &'static str,
        method: Method,
        (data, edits): (&Dataset<f32>, usize),
        rng: &mut Rng,
    ) -> Result<Outcome, Error> {
        let model = self.site.model();
        let bystanders = Bystanders::new(model, &self.params, data.x())?;
        let mut outcome = Outcome {
            name,
            effect: Effect::default(),
            locality: Locality::default(),
            accuracy: 0.0,
            flipped: Vec::new(),
        };
        for _ in 0..edits {
            let row = rng.random_range(0..data.len());
            let taken_for = largest(bystanders.before().row(row).iter());
            let class = (taken_for + rng.random_range(1..10)) % 10;
            let (x, class) = (data.x().slice(s![row..=row, ..]).to_owned(), Classes::new(&[class], 10)?);
            let edited = self.edited(method, x.view(), &class)?;
            let effect = bystanders.effect(&edited, (x.view(), &class), &EffectOptions::default(), rng)?;
            let locality = bystanders.locality(&edited, x.view())?;
            let share = 1.0 / edits as f64;
            outcome.effect.efficacy += share * effect.efficacy;
            outcome.effect.generalisation += share * effect.generalisation;
            outcome.effect.specificity += share * effect.specificity;
            outcome.locality.flips += share * locality.flips;
            outcome.locality.kl += share * locality.kl;
            outcome.locality.drift += share * locality.drift;
            outcome.accuracy += share * accuracy(model, &edited, data)?;
            outcome.flipped.push(bystanders.flipped(&edited, x.view())?.iter().map(|flip| flip.row).collect());
        }
        Ok(outcome)
    }

    fn edited(&self, method: Method, x: ArrayView2<'_, f32>, class: &Classes) -> Result<Params<f32>, Error> {
        let (mut params, site) = (self.params.clone(), &self.site);
        match method {
            Method::Rome(options) => {
                self.editor(options)?.edit(&params, x, Wanted::Classes(class))?.apply(&mut params)?;
            }
            Method::FineTune { all, lr } => {
                let layer = [Some(site.linear().weight()), site.linear().bias()].into_iter().flatten().collect();
                let trained: Vec<_> = if all { params.ids() } else { layer };
                let options =
                    FineTuneOptions { lr, probability: ValueOptions::default().probability, ..Default::default() };
                fine_tune(site.model(), &mut params, &trained, (x, Wanted::Classes(class)), &options)?;
            }
        }
        Ok(params)
    }
}

fn largest<'a>(outputs: impl Iterator<Item = &'a (impl PartialOrd + 'a)>) -> usize {
    outputs.enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best }).map_or(0, |best| best.0)
}

fn draw(path: &std::path::Path, outcomes: &[Outcome], held_out: &Dataset<f32>) -> Result<(), Box<dyn StdError>> {
    // Rows in the order of what is on them.
    let labels = held_out.classes().labels();
    let mut order: Vec<usize> = (0..held_out.len()).collect();
    order.sort_by_key(|&row| labels[row]);
    let mut grid = Array2::from_elem((EDITS, held_out.len()), false);
    let (width, height) = (held_out.len() as i32, EDITS as i32);
    let root = SVGBackend::new(path, (1240, 60 + 190 * outcomes.len() as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let root =
        root.titled("Which held-out predictions flip (a line an edit, a column an image)", ("sans-serif", 24))?;
    for (outcome, area) in outcomes.iter().zip(root.split_evenly((outcomes.len(), 1))) {
        let title = format!("{}: {:.2} %", outcome.name, 100.0 * outcome.locality.flips);
        // Below the edits is room for the digits.
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 18))
            .margin_left(16)
            .margin_right(24)
            .margin_bottom(8)
            .y_label_area_size(56)
            .build_cartesian_2d(0..width, -8..height)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .disable_x_axis()
            .disable_y_axis()
            .y_desc("edit")
            .label_style(("sans-serif", 14))
            .draw()?;
        grid.fill(false);
        for (edit, flipped) in outcome.flipped.iter().enumerate() {
            flipped.iter().for_each(|&row| grid[[edit, row]] = true);
        }
        let mut runs = Vec::new();
        for edit in 0..EDITS {
            let mut column = 0;
            for run in order.chunk_by(|&a, &b| grid[[edit, a]] == grid[[edit, b]]) {
                let end = column + run.len() as i32;
                if grid[[edit, run[0]]] {
                    runs.push(Rectangle::new(
                        [(column, edit as i32), (end, edit as i32 + 1)],
                        RGBColor(0, 114, 178).filled(),
                    ));
                }
                column = end;
            }
        }
        chart.draw_series(runs)?;
        for digit in 0..10 {
            let of = |digit: u32| order.iter().filter(|&&row| labels[row] < digit).count() as i32;
            let (from, to) = (of(digit), of(digit + 1));
            chart.draw_series([PathElement::new(vec![(from, 0), (from, height)], BLACK.mix(0.3))])?;
            chart.draw_series([Text::new(digit.to_string(), ((from + to) / 2, -1), ("sans-serif", 16))])?;
        }
    }
    root.present()?;
    Ok(())
}

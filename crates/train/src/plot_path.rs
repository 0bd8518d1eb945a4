use crate::plot::{Area, Chart, Curve, Drawn, SIZE, line, look, marker, save, tick};
use crate::plot_weights::tick_within;
use plotters::coord::combinators::WithKeyPoints;
use plotters::prelude::*;
use std::iter::repeat_n;
use std::path::Path;
use wane_autodiff::ndarray::ArrayView2;
use wane_autodiff::{Error, number};

/// The height of a line of text, and what a chart takes beside the lines' room.
const LINE: i32 = 17;
const AROUND: i32 = 120;

/// How long the lines are that lead from curves to labels.
const LEAD: i32 = 36;

/// How many curves have a label, and how many letters it has.
const LABELS: usize = 80;
const LETTERS: usize = 30;

/// λ falls along x.
type Falling<'a> = Chart<'a, WithKeyPoints<LogCoord<f64>>>;

/// Draws the weights of a linear model, or any one number a feature, over a falling λ into an SVG file: a line a feature,
/// with its name at its end.
///
/// A line begins where its weight leaves 0. Features whose weights are 0 throughout share a label; of more than 80 others,
/// the 80 whose last weights are the largest have one. Dashes and markers tell neighbours apart in black and white too.
///
/// weights: (λ, features), as `Path::weights` of wane-linear has them.
///
/// ```
/// use wane_autodiff::ndarray::array;
///
/// # let file = std::env::temp_dir().join(format!("wane-plot-path-{}.svg", std::process::id()));
/// let weights = array![[0.0, 0.0], [1.5, 0.0], [2.0, -0.4]];
/// wane_train::plot_path(&[2.0, 0.5, 0.1], weights.view(), &["bmi", "age"], &file)?;
/// # std::fs::remove_file(file).unwrap();
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// No λ; a λ that is not finite and above 0 (its axis is logarithmic), or above the one before it; no feature; another
/// number of rows of weights than of λ, or of columns than of names; a weight that is not finite; weights too far apart
/// to be drawn; a file that cannot be written.
pub fn plot_path(
    lambdas: &[f64],
    weights: ArrayView2<'_, f64>,
    names: &[impl AsRef<str>],
    file: impl AsRef<Path>,
) -> Result<(), Error> {
    check(lambdas, weights, names.len())?;
    let (low, high) = weights.iter().fold((0.0_f64, 0.0_f64), |(low, high), &w| (low.min(w), high.max(w)));
    let margin = 0.05 * (high - low).max(1e-12);
    if !(high - low + 2.0 * margin).is_finite() {
        let given = format!("from {} to {}", number(low), number(high));
        return Err(Error::data("span of the weights to plot", given, "one that is finite"));
    }
    let is_zero = |&column: &usize| weights.column(column).iter().all(|&w| w == 0.0);
    let (zeros, live) = (0..names.len()).partition::<Vec<_>, _>(is_zero);
    let curve = |column: usize| {
        let points = lambdas.iter().copied().zip(weights.column(column).into_iter().copied());
        let zeros = points.clone().take_while(|point| point.1 == 0.0).count();
        Curve { name: shortened(names[column].as_ref()), points: points.skip(zeros.saturating_sub(1)).collect() }
    };
    let mut curves = Vec::from_iter(live.into_iter().map(curve));
    curves.sort_by(|a, b| end(b).abs().total_cmp(&end(a).abs()));
    let zeros = match zeros[..] {
        [] => None,
        [zero] => Some(shortened(names[zero].as_ref())),
        _ => Some(format!("{} that stay 0", zeros.len())),
    };
    let picture = Picture { lambdas, curves, zeros, y: (low - margin, high + margin) };
    save(file.as_ref(), |svg| picture.draw(svg))
}

fn check(lambdas: &[f64], weights: ArrayView2<'_, f64>, names: usize) -> Result<(), Error> {
    if lambdas.is_empty() {
        return Err(Error::data("number of λ", 0, "at least 1"));
    }
    for (i, &lambda) in lambdas.iter().enumerate() {
        let field = || format!("λ {i}");
        if !(lambda > 0.0 && lambda.is_finite()) {
            return Err(Error::data(field(), number(lambda), "a finite number above 0, for a logarithmic axis"));
        }
        if i > 0 && lambda > lambdas[i - 1] {
            let expected = format!("at most {}, the one before it", number(lambdas[i - 1]));
            return Err(Error::data(field(), number(lambda), expected));
        }
    }
    if names == 0 {
        return Err(Error::data("number of names", 0, "at least 1"));
    }
    if weights.nrows() != lambdas.len() {
        let expected = format!("{}, one for each λ", lambdas.len());
        return Err(Error::data("number of rows of weights", weights.nrows(), expected));
    }
    if weights.ncols() != names {
        return Err(Error::data(
            "number of columns of weights",
            weights.ncols(),
            format!("{names}, one for each name"),
        ));
    }
    match weights.indexed_iter().find(|(_, w)| !w.is_finite()) {
        Some(((row, column), &w)) => {
            Err(Error::data(format!("row {row}, column {column} of weights"), number(w), "a finite number"))
        }
        None => Ok(()),
    }
}

/// The weight at the last λ.
fn end(curve: &Curve) -> f64 {
    curve.points.last().map_or(0.0, |point| point.1)
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LETTERS) {
        Some(_) => name.chars().take(LETTERS - 1).chain(['…']).collect(),
        None => name.to_owned(),
    }
}

/// The λ with a label: 1, 10, 100, …, and 2 and 5 times these where they are few; the ends where there is none.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let digits: &[f64] = if last - first <= 4 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let powers = (first..=last).step_by(1 + (last - first) as usize / 8);
    let ticks = powers.flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)));
    let within = Vec::from_iter(ticks.filter(|tick| (low..=high).contains(tick)));
    if within.is_empty() { vec![high, low] } else { within }
}

/// The places nearest to those wanted, in the same order, that are `LINE` or more apart and from `top` to `bottom`: by
/// least squares, which pools those that would overlap (isotonic regression).
fn apart(wanted: &[i32], top: i32, bottom: i32) -> Vec<i32> {
    let mut order = Vec::from_iter(0..wanted.len());
    order.sort_by_key(|&i| wanted[i]);
    // Less the lines above it, each place is to be at or below the one before: sums and counts of those at one level.
    let mut pools: Vec<(i32, i32)> = Vec::new();
    for (above, &i) in order.iter().enumerate() {
        let mut pool = (wanted[i] - LINE * above as i32, 1);
        while let Some(last) = pools.pop_if(|last| last.0 * pool.1 > pool.0 * last.1) {
            pool = (pool.0 + last.0, pool.1 + last.1);
        }
        pools.push(pool);
    }
    let levels = pools.iter().flat_map(|&(sum, count)| repeat_n(sum / count, count as usize));
    let lowest = (bottom - LINE * (wanted.len() as i32 - 1)).max(top);
    let mut places = vec![top; wanted.len()];
    for ((above, &i), level) in order.iter().enumerate().zip(levels) {
        places[i] = level.clamp(top, lowest) + LINE * above as i32;
    }
    places
}

struct Picture<'a> {
    lambdas: &'a [f64],
    /// Those that leave 0, by the size of their ends.
    curves: Vec<Curve>,
    /// The label of those that do not.
    zeros: Option<String>,
    y: (f64, f64),
}

impl Picture<'_> {
    fn draw(&self, svg: &mut String) -> Drawn {
        let named = self.curves.len().min(LABELS);
        let names = self.curves[..named].iter().map(|curve| &curve.name).chain(&self.zeros);
        let letters = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let height = (AROUND + LINE * (named as i32 + 1)).max(SIZE.1 as i32 * 2 / 3);
        let root = SVGBackend::with_string(svg, (SIZE.0, height as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        let (area, _) = root.split_horizontally(SIZE.0 as i32 - LEAD - 30 - 9 * letters as i32);
        let (high, low) = (self.lambdas[0], self.lambdas[self.lambdas.len() - 1]);
        // A single λ has room around it.
        let (left, right) = if low < high { (high, low) } else { ((2.0 * high).min(f64::MAX), 0.5 * low) };
        let key_points = ticks(right, left);
        let caption = match self.curves.len() {
            count if count > named => format!("Path of the weights: {named} of {count} with their names"),
            _ => "Path of the weights".to_owned(),
        };
        let mut chart = ChartBuilder::on(&area)
            .caption(caption, ("sans-serif", 24))
            .margin(12)
            .x_label_area_size(48)
            .y_label_area_size(84)
            .build_cartesian_2d((left..right).log_scale().with_key_points(key_points), self.y.0..self.y.1)?;
        chart
            .configure_mesh()
            .x_desc("λ, falling")
            .y_desc("weight")
            .x_label_formatter(&|lambda| tick(*lambda))
            .y_label_formatter(&|weight| tick_within(self.y.1 - self.y.0, *weight))
            .max_light_lines(0)
            .axis_desc_style(("sans-serif", 18))
            .label_style(("sans-serif", 16))
            .draw()?;
        chart.draw_series([PathElement::new([(left, 0.0), (right, 0.0)], BLACK.mix(0.35))])?;
        for (number, curve) in self.curves.iter().enumerate() {
            line(&mut chart, number, curve)?;
        }
        self.labels(&chart, &root, low, height)?;
        root.present()?;
        Ok(())
    }

    /// The names at the right, in the order of the curves' ends, and lines that lead there.
    fn labels(&self, chart: &Falling<'_>, root: &Area<'_>, last: f64, height: i32) -> Drawn {
        let curves = self.curves.iter().take(LABELS).enumerate();
        let curves = curves.map(|(number, curve)| (&curve.name, end(curve), Some(number)));
        let labels = Vec::from_iter(curves.chain(self.zeros.iter().map(|zeros| (zeros, 0.0, None))));
        let ends = Vec::from_iter(labels.iter().map(|&(_, end, _)| chart.backend_coord(&(last, end))));
        let right = chart.plotting_area().get_x_axis_pixel_range().end;
        let wanted = Vec::from_iter(ends.iter().map(|end| end.1));
        let font = ("sans-serif", 16).into_font();
        for ((&(name, _, number), from), y) in labels.iter().zip(ends).zip(apart(&wanted, LINE, height - LINE)) {
            let colour = number.map_or(BLACK, |number| look(number).0);
            root.draw(&PathElement::new([from, (right + 4, from.1), (right + LEAD, y)], colour.mix(0.6)))?;
            if let Some(number) = number {
                root.draw(&marker(number, (right + LEAD + 6, y), colour))?;
            }
            root.draw(&Text::new(name.clone(), (right + LEAD + 16, y - LINE / 2), font.clone()))?;
        }
        Ok(())
    }
}

use crate::plot::{Area, COLOURS, Drawn, MOST, SIZE, save, tick};
use plotters::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use wane_autodiff::{Error, Float, number};

/// The height of a panel, and the width of the strip for the legend at its right.
const HEIGHT: u32 = 300;
const STRIP: u32 = 220;

/// How many bins there are at most.
const BINS: f64 = 60.0;

/// Where the bars begin, below a single weight: a logarithmic scale has no 0.
const FLOOR: f64 = 0.5;

/// Draws the histograms of named sets of weights, such as those of one network under L1 and under L2, into an SVG file: one
/// panel a set, all over the same two scales.
///
/// Weights that are exactly 0, of either sign, are in no bin: a solid bar of their own counts them, and the legend says how
/// many they are. The scale of the counts is logarithmic, so that a single weight can be seen beside thousands.
///
/// ```
/// # let path = std::env::temp_dir().join(format!("wane-plot-weights-{}.svg", std::process::id()));
/// let (sparse, dense) = ([0.0, 0.0, 0.7, -0.3], [0.01, -0.02, 0.5, -0.2]);
/// wane_train::plot_weights(&[("L1", &sparse), ("L2", &dense)], &path)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
///
/// # Errors
/// No set, or more than 12; a set without weights; a weight that is not finite; weights too far apart for the difference to
/// be finite; a file that cannot be written.
pub fn plot_weights<T: Float>(sets: &[(&str, &[T])], path: impl AsRef<Path>) -> Result<(), Error> {
    if sets.is_empty() || sets.len() > MOST {
        return Err(Error::data("number of sets of weights to plot", sets.len(), format!("1 to {MOST}")));
    }
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for (name, weights) in sets {
        if weights.is_empty() {
            return Err(Error::data(format!("number of weights of {name:?}"), 0, "at least 1"));
        }
        for (i, weight) in weights.iter().map(|weight| weight.widen()).enumerate() {
            if !weight.is_finite() {
                return Err(Error::data(format!("weight {i} of {name:?}"), number(weight), "a finite number"));
            }
            (low, high) = (low.min(weight), high.max(weight));
        }
    }
    if !(high - low).is_finite() {
        let given = format!("from {} to {}", number(low), number(high));
        return Err(Error::data("span of the weights to plot", given, "one that is finite"));
    }
    let width = bin_width(high - low);
    let panels = Vec::from_iter(sets.iter().map(|(name, weights)| Panel::new(name, weights, width)));
    save(path.as_ref(), |svg| draw(svg, &panels, width))
}

/// A round number of which about `BINS` fill the span: 1, 2 or 5 times a power of ten.
fn bin_width(span: f64) -> f64 {
    let least = if span == 0.0 { 1.0 } else { span.max(1e-12) } / BINS;
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|&width| width >= least).unwrap_or(least)
}

fn draw(svg: &mut String, panels: &[Panel<'_>], width: f64) -> Drawn {
    let root = SVGBackend::with_string(svg, (SIZE.0, HEIGHT * panels.len() as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let bins = || panels.iter().flat_map(|panel| panel.bins.keys().copied()).chain([0]);
    // Half a bin, and half a bin of room.
    let end = |bin: Option<i64>, side: f64| (bin.unwrap_or(0) as f64 + side) * width;
    let x = end(bins().min(), -1.0)..end(bins().max(), 1.0);
    let counts = panels.iter().flat_map(|panel| panel.bins.values().copied().chain([panel.zeros]));
    let most = counts.max().unwrap_or(1);
    for (number, (panel, area)) in panels.iter().zip(root.split_evenly((panels.len(), 1))).enumerate() {
        panel.draw(&area, number, width, x.clone(), most)?;
    }
    root.present()?;
    Ok(())
}

/// The label at a value of an axis of this span: where plotters comes to 0 in steps, it misses by rounding.
pub(crate) fn tick_within(span: f64, value: f64) -> String {
    tick(if value.abs() < 1e-9 * span { 0.0 } else { value })
}

/// The counts with a label: 1, 10, 100, …, and 2 and 5 times these where they are few.
fn ticks(most: usize) -> Vec<f64> {
    let digits: &[f64] = if most < 500 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let powers = (0..=19).flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)));
    powers.take_while(|&tick| tick <= most as f64).collect()
}

/// A histogram.
struct Panel<'a> {
    name: &'a str,
    zeros: usize,
    others: usize,
    /// Of each bin that is not empty, how many weights are nearest to so many times its width.
    bins: BTreeMap<i64, usize>,
}

impl<'a> Panel<'a> {
    fn new<T: Float>(name: &'a str, weights: &[T], width: f64) -> Self {
        let zeros = weights.iter().filter(|weight| weight.is_zero()).count();
        let mut bins = BTreeMap::new();
        for weight in weights.iter().filter(|weight| !weight.is_zero()) {
            *bins.entry((weight.widen() / width).round() as i64).or_default() += 1;
        }
        Self { name, zeros, others: weights.len() - zeros, bins }
    }

    fn draw(&self, area: &Area<'_>, number: usize, width: f64, x: Range<f64>, most: usize) -> Drawn {
        let (area, strip) = area.split_horizontally(SIZE.0 - STRIP);
        let (colour, span) = (COLOURS[number % COLOURS.len()], x.end - x.start);
        let mut chart = ChartBuilder::on(&area)
            .caption(self.name, ("sans-serif", 24))
            .margin(12)
            .x_label_area_size(48)
            .y_label_area_size(84)
            .build_cartesian_2d(x, (FLOOR..1.4 * most as f64).log_scale().with_key_points(ticks(most)))?;
        chart
            .configure_mesh()
            .x_labels(8)
            .x_desc("weight")
            .y_desc("number of weights")
            .x_label_formatter(&|value| tick_within(span, *value))
            .y_label_formatter(&|count| tick(*count))
            .max_light_lines(0)
            .axis_desc_style(("sans-serif", 18))
            .label_style(("sans-serif", 16))
            .draw()?;
        let bar = |middle: f64, width: f64, count: usize, style: ShapeStyle| {
            Rectangle::new([(middle - 0.5 * width, FLOOR), (middle + 0.5 * width, count as f64)], style)
        };
        for (&bin, &count) in &self.bins {
            let middle = bin as f64 * width;
            let looks = [colour.mix(0.25).filled(), colour.into()];
            chart.draw_series(looks.map(|look| bar(middle, width, count, look)))?;
        }
        if self.zeros > 0 {
            chart.draw_series([bar(0.0, 0.5 * width, self.zeros, BLACK.filled())])?;
        }
        self.legend(&strip, colour, width)
    }

    fn legend(&self, strip: &Area<'_>, colour: RGBColor, width: f64) -> Drawn {
        let total = self.zeros + self.others;
        let share = 100.0 * self.zeros as f64 / total as f64;
        let (large, small) = (("sans-serif", 18).into_font(), ("sans-serif", 16).into_font());
        let at = |line: i32| (36, 50 + 24 * line);
        let square = |line: i32| [(8, 54 + 24 * line), (26, 66 + 24 * line)];
        strip.draw(&Rectangle::new([(14, 52), (20, 68)], BLACK.filled()))?;
        strip.draw(&Text::new("exactly 0", at(0), large.clone()))?;
        strip.draw(&Text::new(format!("{} of {total}", self.zeros), at(1), small.clone()))?;
        strip.draw(&Text::new(format!("({share:.1} %)"), at(2), small.clone()))?;
        strip.draw(&Rectangle::new(square(4), colour.mix(0.25).filled()))?;
        strip.draw(&Rectangle::new(square(4), colour))?;
        strip.draw(&Text::new("other weights", at(4), large))?;
        strip.draw(&Text::new(format!("{} of {total}", self.others), at(5), small.clone()))?;
        strip.draw(&Text::new(format!("in bins of {}", tick(width)), at(6), small))?;
        Ok(())
    }
}

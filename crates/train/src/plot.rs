use crate::{EpochRecord, History};
use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use std::path::Path;
use wane_autodiff::Error;

pub(crate) const SIZE: (u32, u32) = (960, 720);

/// The strip for the legend, at the right of a panel, and the height of its lines.
pub(crate) const LEGEND: (u32, i32) = (180, 24);

/// How many curves a panel shows; the legend says how many more there are.
pub(crate) const MOST: usize = 12;

/// Colours that are told apart by the colour-blind (Okabe and Ito 2008).
pub(crate) const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

/// Dash and gap in pixels; no gap is a solid line. There are as many as colours and one less than markers, so that in
/// black and white each of 20 curves has a pair of its own.
const DASHES: [(u32, u32); 4] = [(1, 0), (8, 5), (2, 4), (16, 4)];
const MARKERS: usize = 5;

pub(crate) type Drawn = Result<(), Box<dyn std::error::Error>>;
pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Chart<'a, X = RangedCoordf64> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, RangedCoordf64>>;

pub(crate) struct Curve {
    pub(crate) name: String,
    /// (x, y).
    pub(crate) points: Vec<(f64, f64)>,
}

/// Writes what `draw` makes to a file.
pub(crate) fn save(path: &Path, draw: impl FnOnce(&mut String) -> Drawn) -> Result<(), Error> {
    let mut svg = String::new();
    let drawn = draw(&mut svg).map_err(|error| error.to_string());
    let fault =
        |error: std::io::Error| Error::io(format!("{path:?}"), error.to_string(), "a file that can be written", error);
    drawn.map_err(std::io::Error::other).map_err(fault)?;
    crate::file::replace(path, svg.as_bytes()).map_err(fault)
}

impl History {
    /// Draws the losses and the weight norms of each group over the epochs into an SVG file. Dashes and markers tell the
    /// curves apart in black and white too. Of more than 12 groups, the first 12 are drawn.
    ///
    /// # Errors
    /// No finished epoch; a file that cannot be written.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        if self.epochs.is_empty() {
            return Err(Error::data("number of epochs to plot", 0, "at least 1"));
        }
        save(path, |svg| self.draw(svg))
    }

    fn draw(&self, svg: &mut String) -> Drawn {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (upper, lower) = root.split_vertically(SIZE.1 / 2);
        let mut losses = vec![self.curve("training", |record| Some(record.train_loss))];
        losses.push(self.curve("validation", |record| record.validation_loss));
        panel(&upper, "Loss", "mean loss (a row)", &losses)?;
        let groups = self.epochs.iter().map(|record| record.groups.len()).max().unwrap_or(0);
        let norm = |group: usize| {
            self.curve(&format!("group {group}"), |record| record.groups.get(group).map(|group| group.weight_norm))
        };
        panel(&lower, "Weights", "norm ‖θ‖₂ (units of the weights)", &(0..groups).map(norm).collect::<Vec<_>>())?;
        root.present()?;
        Ok(())
    }

    fn curve(&self, name: &str, value: impl Fn(&EpochRecord) -> Option<f64>) -> Curve {
        let point = |record| value(record).filter(|value| value.is_finite()).map(|value| (record.epoch as f64, value));
        Curve { name: name.to_owned(), points: self.epochs.iter().filter_map(point).collect() }
    }
}

fn panel(area: &Area<'_>, title: &str, label: &str, curves: &[Curve]) -> Drawn {
    let mut curves = Vec::from_iter(curves.iter().filter(|curve| !curve.points.is_empty()));
    if curves.is_empty() {
        area.titled(&format!("{title}: no finite number"), ("sans-serif", 24))?;
        return Ok(());
    }
    let (area, strip) = area.split_horizontally(SIZE.0 - LEGEND.0);
    legend(&strip, &curves)?;
    curves.truncate(MOST);
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let least = |value: fn(&(f64, f64)) -> f64| points().map(value).fold(f64::INFINITY, f64::min);
    let most = |value: fn(&(f64, f64)) -> f64| points().map(value).fold(f64::NEG_INFINITY, f64::max);
    let (first, last) = (least(|point| point.0), most(|point| point.0));
    // A flat line has room around it.
    let (low, high) = (least(|point| point.1), most(|point| point.1));
    if !(high - low).is_finite() {
        return Err(format!("{label} goes from {low:e} to {high:e}, which is beyond what a chart can show").into());
    }
    let margin = 0.05 * (high - low).max(0.1 * high.abs()).max(1e-12);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 24))
        .margin(12)
        .x_label_area_size(48)
        .y_label_area_size(84)
        .build_cartesian_2d(first..last.max(first + 1.0), low - margin..high + margin)?;
    chart
        .configure_mesh()
        .x_desc("epoch (passes over the training data)")
        .y_desc(label)
        .x_label_formatter(&|epoch| if epoch.fract() == 0.0 { format!("{epoch}") } else { String::new() })
        .y_label_formatter(&|value| tick(*value))
        .max_light_lines(0)
        .axis_desc_style(("sans-serif", 18))
        .label_style(("sans-serif", 16))
        .draw()?;
    curves.iter().enumerate().try_for_each(|(number, &curve)| line(&mut chart, number, curve))
}

/// A line a curve: how it is drawn, and its name.
pub(crate) fn legend(strip: &Area<'_>, curves: &[&Curve]) -> Drawn {
    let font = ("sans-serif", 18).into_font();
    for (number, curve) in curves.iter().take(MOST).enumerate() {
        let (colour, dash, gap) = look(number);
        let (style, at) = (colour.stroke_width(2), (8, 50 + LEGEND.1 * number as i32));
        let ends = [at, (at.0 + 54, at.1)];
        match gap {
            0 => strip.draw(&PathElement::new(ends, style))?,
            _ => strip.draw(&DashedPathElement::new(ends, dash, gap, style))?,
        }
        strip.draw(&marker(number, (at.0 + 27, at.1), colour))?;
        strip.draw(&Text::new(curve.name.clone(), (at.0 + 64, at.1 - 9), font.clone()))?;
    }
    if curves.len() > MOST {
        let more = format!("and {} more", curves.len() - MOST);
        strip.draw(&Text::new(more, (8, 41 + LEGEND.1 * MOST as i32), font))?;
    }
    Ok(())
}

/// Colour, dash and gap of a curve.
pub(crate) fn look(number: usize) -> (RGBColor, u32, u32) {
    let (dash, gap) = DASHES[number % DASHES.len()];
    (COLOURS[number % COLOURS.len()], dash, gap)
}

pub(crate) fn tick(value: f64) -> String {
    let is_plain = value == 0.0 || (1e-3..1e5).contains(&value.abs());
    if is_plain {
        format!("{:.4}", value).trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.1e}")
    }
}

/// One curve, with a marker at about ten of its points.
pub(crate) fn line<'a, X>(chart: &mut Chart<'a, X>, number: usize, curve: &Curve) -> Drawn
where
    X: Ranged<ValueType = f64> + 'a,
{
    let (colour, dash, gap) = look(number);
    let style = colour.stroke_width(2);
    let points = curve.points.iter().copied();
    match gap {
        0 => chart.draw_series(LineSeries::new(points, style))?,
        _ => chart.draw_series(DashedLineSeries::new(points, dash, gap, style))?,
    };
    let every = curve.points.len().div_ceil(10);
    let marked = curve.points.iter().step_by(every);
    chart.draw_series(marked.map(|&point| EmptyElement::at(point) + marker(number, (0, 0), colour)))?;
    Ok(())
}

pub(crate) fn marker<DB: DrawingBackend>(
    number: usize,
    at: (i32, i32),
    colour: RGBColor,
) -> DynElement<'static, DB, (i32, i32)> {
    let square = |size: i32| [(at.0 - size, at.1 - size), (at.0 + size, at.1 + size)];
    match number % MARKERS {
        0 => Circle::new(at, 4, colour.filled()).into_dyn(),
        1 => TriangleMarker::new(at, 6, colour.filled()).into_dyn(),
        2 => Cross::new(at, 5, colour.stroke_width(2)).into_dyn(),
        3 => Circle::new(at, 5, colour.stroke_width(2)).into_dyn(),
        _ => Rectangle::new(square(4), colour.filled()).into_dyn(),
    }
}

use crate::plot::{Area, Chart, Curve, Drawn, LEGEND, MOST, SIZE, legend, line, look, save, tick};
use crate::plot_weights::tick_within;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;
use wane_autodiff::{Error, number};

/// How many pixels lie between the middles of two λ's at least, and which part of the height is theirs.
const APART: i32 = 84;
const BAND: f64 = 0.14;

/// What sparsity costs: errors over how many weights are exactly 0, or how many features are left, under several λ.
///
/// ```
/// use wane_train::{ErrorCurve, TradeOff};
///
/// # let path = std::env::temp_dir().join(format!("wane-trade-off-{}.svg", std::process::id()));
/// let curve = |name, errors| ErrorCurve { name, errors, standard_errors: &[] };
/// TradeOff {
///     count: "weights that are exactly 0, of 480",
///     counts: &[0.0, 231.0, 402.0],
///     lambdas: &[0.0, 0.01, 0.1],
///     error: "mean squared error",
///     curves: &[curve("training", &[0.2, 0.8, 2.1]), curve("validation", &[3.1, 1.9, 2.5])],
/// }
/// .plot(&path)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TradeOff<'a> {
    /// What is counted along x, for its axis: "weights that are exactly 0, of 480", "live features".
    pub count: &'a str,
    /// The count, or its mean over several runs, under each λ.
    pub counts: &'a [f64],
    /// Each λ, in the order in which the points are joined.
    pub lambdas: &'a [f64],
    /// Which error stands along y, with its unit, for its axis.
    pub error: &'a str,
    /// The errors themselves, one to 12 curves.
    pub curves: &'a [ErrorCurve<'a>],
}

/// A curve of a [`TradeOff`].
#[derive(Clone, Copy, Debug)]
pub struct ErrorCurve<'a> {
    /// What the errors are of: "training", "validation".
    pub name: &'a str,
    /// The error under each λ.
    pub errors: &'a [f64],
    /// The standard error of each, drawn as a bar of one in both directions; empty for none.
    pub standard_errors: &'a [f64],
}

impl TradeOff<'_> {
    /// Draws the curves into an SVG file. Where there is room, λ stands above its points: first at the least error of the
    /// last curve, then in their order.
    ///
    /// # Errors
    /// No λ; no curve, or more than 12; another number of counts, errors or standard errors than of λ; a number that is not
    /// finite, a negative standard error, or numbers too far apart to be drawn; a file that cannot be written.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.check()?;
        let [x, y] = self.spans()?;
        save(path.as_ref(), |svg| self.draw(svg, x, y))
    }

    fn check(&self) -> Result<(), Error> {
        check(self.lambdas, self.curves)?;
        check_numbers("count", "", self.counts, self.lambdas.len())
    }

    /// The ends of both axes, with room around the points and, at the top, for λ.
    fn spans(&self) -> Result<[(f64, f64); 2], Error> {
        let errors = self.curves.iter().flat_map(|curve| curve.bars().flat_map(|(low, high)| [low, high]));
        let x = ends("counts", BAND, self.counts.iter().copied())?;
        let y = ends("errors", BAND, errors)?;
        Ok([(x.0, x.1), (y.0, y.2)])
    }

    fn draw(&self, svg: &mut String, x: (f64, f64), y: (f64, f64)) -> Drawn {
        let root = SVGBackend::with_string(svg, (SIZE.0, SIZE.1 * 2 / 3)).into_drawing_area();
        root.fill(&WHITE)?;
        let (area, strip) = root.split_horizontally(SIZE.0 - LEGEND.0);
        let points = |curve: &ErrorCurve<'_>| self.counts.iter().copied().zip(curve.errors.iter().copied()).collect();
        let curves = self.curves.iter().map(|curve| Curve { name: curve.name.to_owned(), points: points(curve) });
        let curves = Vec::from_iter(curves);
        legend(&strip, &curves.iter().collect::<Vec<_>>())?;
        let mut chart = ChartBuilder::on(&area)
            .caption("Error and sparsity", ("sans-serif", 24))
            .margin(12)
            .x_label_area_size(48)
            .y_label_area_size(84)
            .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
        chart
            .configure_mesh()
            .x_desc(self.count)
            .y_desc(self.error)
            .x_label_formatter(&|count| tick_within(x.1 - x.0, *count))
            .y_label_formatter(&|error| tick_within(y.1 - y.0, *error))
            .max_light_lines(0)
            .axis_desc_style(("sans-serif", 18))
            .label_style(("sans-serif", 16))
            .draw()?;
        self.lambdas(&mut chart, &root, y)?;
        for (number, (given, curve)) in self.curves.iter().zip(&curves).enumerate() {
            given.draw_bars(&mut chart, number, self.counts)?;
            line(&mut chart, number, curve)?;
        }
        root.present()?;
        Ok(())
    }

    /// λ above the points that have room for it, and a thin line down to the highest.
    fn lambdas<'a>(&self, chart: &mut Chart<'a>, root: &Area<'a>, (low, high): (f64, f64)) -> Drawn {
        let errors = self.curves.last().map_or(&[][..], |curve| curve.errors);
        let best = (0..errors.len()).min_by(|&a, &b| errors[a].total_cmp(&errors[b]));
        let style = ("sans-serif", 15).into_font().into_text_style(root).pos(Pos::new(HPos::Center, VPos::Top));
        let mut taken: Vec<i32> = Vec::new();
        for i in best.into_iter().chain(0..self.lambdas.len()) {
            let (x, top) = chart.backend_coord(&(self.counts[i], high));
            if taken.iter().any(|other| (other - x).abs() < APART) {
                continue;
            }
            taken.push(x);
            root.draw(&Text::new(format!("λ = {}", tick(self.lambdas[i])), (x, top + 6), style.clone()))?;
            let bars = self.curves.iter().filter_map(|curve| curve.bars().nth(i));
            let ends = [high - 0.5 * BAND * (high - low), bars.map(|bar| bar.1).fold(f64::NEG_INFINITY, f64::max)];
            chart.draw_series([PathElement::new(ends.map(|y| (self.counts[i], y)), BLACK.mix(0.35))])?;
        }
        Ok(())
    }
}

impl ErrorCurve<'_> {
    /// From one standard error below each error to one above.
    pub(crate) fn bars(&self) -> impl Iterator<Item = (f64, f64)> {
        let spread = self.standard_errors.iter().copied().chain(std::iter::repeat(0.0));
        self.errors.iter().zip(spread).map(|(&error, spread)| (error - spread, error + spread))
    }

    pub(crate) fn draw_bars<'a>(&self, chart: &mut Chart<'a>, number: usize, x: &[f64]) -> Drawn {
        let style = look(number).0.stroke_width(1);
        for (&x, (low, high)) in x.iter().zip(self.bars()).filter(|(_, (low, high))| low < high) {
            let cap = |y| EmptyElement::at((x, y)) + PathElement::new([(-4, 0), (4, 0)], style);
            chart.draw_series([PathElement::new([(x, low), (x, high)], style)])?;
            chart.draw_series([low, high].map(cap))?;
        }
        Ok(())
    }
}

/// Refuses curves that can't be drawn over these λ.
pub(crate) fn check(lambdas: &[f64], curves: &[ErrorCurve<'_>]) -> Result<(), Error> {
    if lambdas.is_empty() {
        return Err(Error::data("number of λ", 0, "at least 1"));
    }
    if curves.is_empty() || curves.len() > MOST {
        return Err(Error::data("number of curves", curves.len(), format!("1 to {MOST}")));
    }
    check_numbers("λ", "", lambdas, lambdas.len())?;
    for &ErrorCurve { name, errors, standard_errors } in curves {
        let of = format!(" of {name:?}");
        check_numbers("error", &of, errors, lambdas.len())?;
        if !standard_errors.is_empty() {
            check_numbers("standard error", &of, standard_errors, lambdas.len())?;
        }
        if let Some((i, &found)) = standard_errors.iter().enumerate().find(|(_, found)| **found < 0.0) {
            return Err(Error::data(format!("standard error {i}{of}"), number(found), "0 or above"));
        }
    }
    Ok(())
}

fn check_numbers(what: &str, of: &str, numbers: &[f64], wanted: usize) -> Result<(), Error> {
    if numbers.len() != wanted {
        let field = format!("number of {what}s{of}");
        return Err(Error::data(field, numbers.len(), format!("{wanted}, one for each λ")));
    }
    match numbers.iter().enumerate().find(|(_, number)| !number.is_finite()) {
        Some((i, &found)) => Err(Error::data(format!("{what} {i}{of}"), number(found), "a finite number")),
        None => Ok(()),
    }
}

/// The ends of an axis, with room around the numbers; and where it ends with so large a part of it left above them.
pub(crate) fn ends(what: &str, band: f64, numbers: impl Iterator<Item = f64>) -> Result<(f64, f64, f64), Error> {
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (x.min(low), x.max(high)));
    let margin = 0.06 * (high - low).max(0.1 * high.abs()).max(1e-12);
    let band = band / (1.0 - band) * (high - low + 2.0 * margin);
    if (high - low + 3.0 * margin + band).is_finite() {
        Ok((low - margin, high + margin, high + margin + band))
    } else {
        let given = format!("from {} to {}", number(low), number(high));
        Err(Error::data(format!("span of the {what}"), given, "one that is finite"))
    }
}

use crate::plot::{Area, Chart, Curve, Drawn, LEGEND, SIZE, legend, line, save, tick};
use crate::plot_trade_off::{ErrorCurve, check, ends};
use crate::plot_weights::tick_within;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;
use wane_autodiff::{Error, number};

/// How many pixels lie between the middles of two labels of λ at least, and which part of the height is for the label of
/// the best.
const APART: i32 = 56;
const BAND: f64 = 0.08;

/// Errors over λ, on a logarithmic axis.
///
/// ```
/// use wane_train::{ErrorCurve, LambdaCurves};
///
/// # let path = std::env::temp_dir().join(format!("wane-lambda-curves-{}.svg", std::process::id()));
/// let curve = |name, errors, standard_errors| ErrorCurve { name, errors, standard_errors };
/// LambdaCurves {
///     title: "Ridge",
///     lambdas: &[0.0, 0.01, 0.1, 1.0],
///     error: "mean squared error",
///     curves: &[curve("training", &[0.2, 0.4, 0.8, 2.1], &[]), curve("test", &[3.1, 2.6, 1.9, 2.5], &[0.2; 4])],
/// }
/// .plot(&path)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), wane_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LambdaCurves<'a> {
    /// What stands above.
    pub title: &'a str,
    /// Each λ, from least to largest. λ = 0 has its place at the left, outside the logarithmic scale.
    pub lambdas: &'a [f64],
    /// Which error stands along y, with its unit, for its axis.
    pub error: &'a str,
    /// The errors themselves, one to 12 curves.
    pub curves: &'a [ErrorCurve<'a>],
}

impl LambdaCurves<'_> {
    /// Draws the curves into an SVG file, and a thin line at the λ of the least error of the last curve.
    ///
    /// # Errors
    /// No λ; a negative λ, or one that is not above the one before; no curve, or more than 12; another number of errors or
    /// standard errors than of λ; a number that is not finite, a negative standard error, or numbers too far apart to be
    /// drawn; a file that cannot be written.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        check(self.lambdas, self.curves)?;
        if let Some(&negative) = self.lambdas.iter().find(|&&lambda| lambda < 0.0) {
            return Err(Error::data("λ", number(negative), "0 or above"));
        }
        if let Some(pair) = self.lambdas.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Error::data("λ", number(pair[1]), format!("above the one before, {}", number(pair[0]))));
        }
        let places = self.places();
        let errors = self.curves.iter().flat_map(|curve| curve.bars().flat_map(|(low, high)| [low, high]));
        let (low, _, high) = ends("errors", BAND, errors)?;
        let (left, right, _) = ends("logarithms of λ", 0.0, places.iter().copied())?;
        save(path.as_ref(), |svg| self.draw(svg, &places, left..right, low..high))
    }

    /// The logarithms of λ. That of 0 is as far to the left of the others as these are from each other, in the mean.
    fn places(&self) -> Vec<f64> {
        let mut places = Vec::from_iter(self.lambdas.iter().map(|lambda| lambda.log10()));
        if self.lambdas[0] == 0.0 {
            places[0] = match places[1..] {
                [] => 0.0,
                [only] => only - 1.0,
                [first, .., last] => first - (last - first) / (places.len() - 2) as f64,
            };
        }
        places
    }

    fn draw(&self, svg: &mut String, places: &[f64], x: std::ops::Range<f64>, y: std::ops::Range<f64>) -> Drawn {
        let root = SVGBackend::with_string(svg, (SIZE.0, SIZE.1 * 2 / 3)).into_drawing_area();
        root.fill(&WHITE)?;
        let (area, strip) = root.split_horizontally(SIZE.0 - LEGEND.0);
        let curves = Vec::from_iter(self.curves.iter().map(|curve| Curve {
            name: curve.name.to_owned(),
            points: places.iter().copied().zip(curve.errors.iter().copied()).collect(),
        }));
        legend(&strip, &curves.iter().collect::<Vec<_>>())?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 24))
            .margin(12)
            .x_label_area_size(56)
            .y_label_area_size(84)
            .build_cartesian_2d(x, y.clone())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(0)
            .x_desc(if self.lambdas[0] == 0.0 { "λ (logarithmic, and 0 beside it)" } else { "λ (logarithmic)" })
            .y_desc(self.error)
            .y_label_formatter(&|error| tick_within(y.end - y.start, *error))
            .max_light_lines(0)
            .axis_desc_style(("sans-serif", 18))
            .label_style(("sans-serif", 16))
            .draw()?;
        self.labels(&chart, &root, places, y.start)?;
        self.best(&mut chart, &root, places, y)?;
        for (number, (given, curve)) in self.curves.iter().zip(&curves).enumerate() {
            given.draw_bars(&mut chart, number, places)?;
            line(&mut chart, number, curve)?;
        }
        root.present()?;
        Ok(())
    }

    /// A tick at each λ, and its value where there is room.
    fn labels(&self, chart: &Chart<'_>, root: &Area<'_>, places: &[f64], low: f64) -> Drawn {
        let style = ("sans-serif", 16).into_font().into_text_style(root).pos(Pos::new(HPos::Center, VPos::Top));
        let mut end = i32::MIN;
        for (&place, &lambda) in places.iter().zip(self.lambdas) {
            let (x, bottom) = chart.backend_coord(&(place, low));
            root.draw(&PathElement::new([(x, bottom), (x, bottom + 5)], BLACK))?;
            if x >= end {
                root.draw(&Text::new(tick(lambda), (x, bottom + 9), style.clone()))?;
                end = x + APART;
            }
        }
        Ok(())
    }

    /// Where the last curve is least, and the λ of it.
    fn best<'a>(&self, chart: &mut Chart<'a>, root: &Area<'a>, places: &[f64], y: std::ops::Range<f64>) -> Drawn {
        let curve = &self.curves[self.curves.len() - 1];
        let Some((best, &error)) = curve.errors.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)) else {
            return Ok(());
        };
        let style = ("sans-serif", 16).into_font().into_text_style(root).pos(Pos::new(HPos::Center, VPos::Top));
        let (x, top) = chart.backend_coord(&(places[best], y.end));
        let text = format!("least {} at λ = {}", curve.name, tick(self.lambdas[best]));
        root.draw(&Text::new(text, (x.clamp(220, SIZE.0 as i32 - LEGEND.0 as i32 - 130), top + 6), style))?;
        let ends = [y.end - 0.8 * BAND * (y.end - y.start), error];
        chart.draw_series([PathElement::new(ends.map(|y| (places[best], y)), BLACK.mix(0.35))])?;
        Ok(())
    }
}

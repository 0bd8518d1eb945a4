//! One chart as SVG: its frame, and what is drawn in it. Colours are the page's, by class.

use super::axis::Axis;
use super::text::{clipped, escape, place};
use std::fmt::Write;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const TOP: f64 = 20.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 50.0;
/// About how wide a character of a tick's name is.
const CHARACTER: f64 = 8.0;
const LONGEST_TICK: usize = 14;
const LONGEST_LABEL: usize = 48;

/// A point, or None where it cannot be placed.
pub(super) type Point = (f64, f64);

/// How a class of trials is marked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    Dot,
    Cross,
    Ring,
}

#[derive(Debug)]
pub(super) struct Chart {
    title: String,
    x: Axis,
    y: Axis,
    left: f64,
    drawn: String,
    /// Class, sign and name.
    legend: Vec<(&'static str, char, String)>,
}

impl Chart {
    pub(super) fn new(title: &str, x: Axis, y: Axis) -> Self {
        let widest = y.ticks(5).iter().map(|(_, name)| name.chars().count().min(LONGEST_TICK)).max().unwrap_or(1);
        let left = 36.0 + CHARACTER * widest as f64;
        Self { title: title.to_owned(), x, y, left, drawn: String::new(), legend: Vec::new() }
    }

    fn x(&self, value: f64) -> Option<f64> {
        Some(self.left + self.x.part(value)? * (WIDTH - RIGHT - self.left))
    }

    fn y(&self, value: f64) -> Option<f64> {
        Some(HEIGHT - BOTTOM - self.y.part(value)? * (HEIGHT - BOTTOM - TOP))
    }

    fn point(&self, (x, y): Point) -> Option<Point> {
        Some((self.x(x)?, self.y(y)?))
    }

    /// A mark at each point; all of a class are one path, so that thousands stay small.
    pub(super) fn marks(&mut self, class: &'static str, mark: Mark, points: &[Point]) -> &mut Self {
        let (mut path, mut count) = (String::new(), 0);
        for (x, y) in points.iter().filter_map(|&point| self.point(point)) {
            let (dx, dy, shape) = match mark {
                Mark::Dot => (0.0, 0.0, "h0"),
                Mark::Cross => (-3.0, -3.0, "l6 6m0-6l-6 6"),
                Mark::Ring => (-6.0, 0.0, "a6 6 0 1 0 12 0a6 6 0 1 0-12 0"),
            };
            path.push('M');
            place(&mut path, x + dx);
            path.push(' ');
            place(&mut path, y + dy);
            path.push_str(shape);
            count += 1;
        }
        if count > 0 {
            let kind = match mark {
                Mark::Dot => "dot",
                Mark::Cross => "cross",
                Mark::Ring => "ring",
            };
            self.push(format_args!(r#"<path class="{kind} {class}" d="{path}"/>"#));
        }
        self
    }

    /// Straight lines from point to point.
    pub(super) fn line(&mut self, class: &'static str, points: &[Point]) -> &mut Self {
        let mut list = String::new();
        for (x, y) in points.iter().filter_map(|&point| self.point(point)) {
            place(&mut list, x);
            list.push(',');
            place(&mut list, y);
            list.push(' ');
        }
        if !list.is_empty() {
            self.push(format_args!(r#"<polyline class="line {class}" points="{}"/>"#, list.trim_end()));
        }
        self
    }

    /// An upright bar at x from one value to another.
    pub(super) fn whiskers(&mut self, class: &'static str, bars: &[(f64, f64, f64)]) -> &mut Self {
        let mut path = String::new();
        for &(x, low, high) in bars {
            // Of a logarithmic axis, the end of what has no logarithm.
            let (Some(x), Some(top)) = (self.x(x), self.y(high)) else { continue };
            let bottom = self.y(low).unwrap_or(HEIGHT - BOTTOM);
            for (dx, y, command) in [(0.0, top, 'V'), (-3.0, top, 'h'), (-3.0, bottom, 'h')] {
                path.push('M');
                place(&mut path, x + dx);
                path.push(' ');
                place(&mut path, y);
                path.push(command);
                place(&mut path, if command == 'V' { bottom } else { 6.0 });
            }
        }
        if !path.is_empty() {
            self.push(format_args!(r#"<path class="line {class}" d="{path}"/>"#));
        }
        self
    }

    /// A line across the whole height.
    pub(super) fn upright(&mut self, class: &'static str, x: f64) -> &mut Self {
        if let Some(x) = self.x(x) {
            self.push(format_args!(r#"<path class="line {class}" d="M{x:.1} {TOP}V{:.1}"/>"#, HEIGHT - BOTTOM));
        }
        self
    }

    pub(super) fn explain(&mut self, class: &'static str, sign: char, name: impl Into<String>) -> &mut Self {
        self.legend.push((class, sign, name.into()));
        self
    }

    fn push(&mut self, markup: std::fmt::Arguments<'_>) {
        self.drawn.write_fmt(markup).expect("a string takes all");
    }

    /// A figure: title, legend and drawing.
    pub(super) fn finish(&self) -> String {
        let title = escape(&self.title);
        let mut figure = format!("<figure>\n<figcaption>{title}</figcaption>\n");
        if !self.legend.is_empty() {
            let key = |(class, sign, name): &(&str, char, String)| {
                format!(r#"<li><span class="{class}" aria-hidden="true">{sign}</span> {}</li>"#, escape(name))
            };
            let keys: String = self.legend.iter().map(key).collect();
            figure += &format!("<ul class=\"legend\">{keys}</ul>\n");
        }
        figure += &format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">"#);
        self.frame(&mut figure);
        figure += &self.drawn;
        figure += "</svg>\n</figure>\n";
        figure
    }

    fn frame(&self, svg: &mut String) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (value, name) in self.y.ticks(5) {
            let Some(y) = self.y(value) else { continue };
            *svg += &format!(r#"<path class="grid" d="M{:.1} {y:.1}H{right}"/>"#, self.left);
            let name = escape(&clipped(&name, LONGEST_TICK));
            *svg += &format!(r#"<text class="end" x="{:.1}" y="{:.1}">{name}</text>"#, self.left - 6.0, y + 5.0);
        }
        let ticks = self.x.ticks(5);
        let room = (right - self.left) / ticks.len().max(1) as f64 / CHARACTER;
        for (value, name) in ticks {
            let Some(x) = self.x(value) else { continue };
            *svg += &format!(r#"<path class="grid" d="M{x:.1} {TOP}V{bottom}"/>"#);
            let name = escape(&clipped(&name, (room as usize).clamp(3, 2 * LONGEST_TICK)));
            *svg += &format!(r#"<text class="middle" x="{x:.1}" y="{:.1}">{name}</text>"#, bottom + 19.0);
        }
        *svg += &format!(r#"<path class="axis" d="M{:.1} {TOP}V{bottom}H{right}"/>"#, self.left);
        let label = |axis: &Axis| escape(&clipped(&axis.label, LONGEST_LABEL));
        let (x, y) = (0.5 * (self.left + right), 0.5 * (TOP + bottom));
        *svg += &format!(r#"<text class="middle label" x="{x:.1}" y="{:.1}">{}</text>"#, HEIGHT - 8.0, label(&self.x));
        *svg += &format!(
            r#"<text class="middle label" transform="translate(16 {y:.1}) rotate(-90)">{}</text>"#,
            label(&self.y)
        );
    }
}

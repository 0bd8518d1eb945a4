//! Text for a page: whatever names and reasons hold, it is text and not markup.

use std::fmt::Write;
use wane_autodiff::number;

/// The text as HTML and SVG show it, in an element or an attribute. Characters that HTML doesn't allow become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            character if character.is_control() => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}

/// The first characters of a text that is too long for its place.
pub(super) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// A number in six digits.
pub(super) fn short(value: f64) -> String {
    let rounded = format!("{value:.5e}").parse().unwrap_or(value);
    number(rounded)
}

/// The numbers of a path or a list of points, in tenths of a unit.
pub(super) fn place(svg: &mut String, value: f64) {
    let tenths = (value * 10.0).round() / 10.0;
    write!(svg, "{tenths}").expect("a string takes all");
}

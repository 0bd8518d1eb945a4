//! Charts of many groups: every curve has a look of its own, and a limit is said.

use crate::common::place;
use std::collections::HashSet;
use wane_train::History;

/// A run of 25 epochs with so many groups, whose weights shrink at different rates.
fn history(groups: usize) -> History {
    let epochs = (1..=25).map(|epoch| {
        let group = |group: usize| {
            let norm = 1.0 + group as f64 + 4.0 * (-(epoch as f64) / (4.0 + group as f64)).exp();
            serde_json::json!({ "lr": 0.1, "weight_norm": norm })
        };
        serde_json::json!({
            "epoch": epoch, "train_loss": 1.0 / epoch as f64, "penalty": 0.0, "train_metrics": [],
            "validation_loss": 0.2 + 1.0 / epoch as f64, "validation_metrics": [], "gradient_norm": 1.0, "zeros": 0,
            "groups": (0..groups).map(group).collect::<Vec<_>>(),
        })
    });
    let json = serde_json::json!({ "metrics": [], "epochs": epochs.collect::<Vec<_>>() });
    History::from_json(&json.to_string()).unwrap()
}

/// The chart of so many groups, in a file of the test's own: tests run side by side.
fn drawn(test: &str, groups: usize) -> String {
    let path = place(&format!("{test}-{groups}.svg"));
    history(groups).plot(&path).unwrap();
    std::fs::read_to_string(path).unwrap()
}

/// The first coordinate in an element, and its shape: what is left of it without colour and place.
fn shape(element: &str) -> Option<(f64, String)> {
    let attribute = |name: &str| element.split_once(&format!(" {name}=\""))?.1.split('"').next();
    let kind = element.strip_prefix('<')?.split(' ').next()?;
    let filled = attribute("fill") == Some("none");
    let points: Vec<f64> = match attribute("points") {
        Some(points) => points.split([' ', ',']).filter_map(|number| number.parse().ok()).collect(),
        None => vec![attribute("cx").or(attribute("x"))?.parse().ok()?],
    };
    let size: Vec<f64> = points.iter().step_by(2).map(|x| x - points[0]).collect();
    Some((points[0], format!("{kind} {filled} {size:?} {:?}", attribute("r"))))
}

/// How each name in the legend, which stands at the right, is drawn in black and white.
fn looks(svg: &str, names: &[String]) -> Vec<String> {
    let (mut looks, mut shapes) = (vec![String::new(); names.len()], Vec::new());
    for line in svg.lines() {
        if let Some(found) = names.iter().position(|name| name == line) {
            looks[found] = std::mem::take(&mut shapes).join("; ");
        } else if let Some((_, shape)) = shape(line).filter(|(x, _)| *x >= 788.0 && !line.starts_with("<text")) {
            shapes.push(shape);
        }
    }
    looks
}

#[test]
fn every_group_has_a_look_of_its_own_in_black_and_white() {
    let names: Vec<String> = (0..12).map(|group| format!("group {group}")).collect();
    let looks = looks(&drawn("looks", 12), &names);
    assert!(looks.iter().all(|look| look.contains("polyline")), "{looks:#?}");
    assert_eq!(looks.iter().collect::<HashSet<_>>().len(), 12, "{looks:#?}");
}

#[test]
fn the_legend_says_how_many_groups_are_not_drawn() {
    assert!(!drawn("legend", 12).contains(" more\n"));
    let svg = drawn("legend", 15);
    assert!(svg.contains("\ngroup 11\n") && svg.contains("\nand 3 more\n") && !svg.contains("group 12"));
}

/// Nothing of a curve, nor its markers, reaches into the strip of the legend.
#[test]
fn curves_end_before_the_legend() {
    for line in drawn("edges", 3).lines() {
        let x = shape(line).filter(|_| !line.starts_with("<rect x=\"0\""));
        assert!(x.as_ref().is_none_or(|(x, _)| *x <= 775.0 || *x >= 788.0), "{line}");
    }
}

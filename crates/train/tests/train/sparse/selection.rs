//! What is left of data, a model's card and a predictor.

use super::{data, network};
use wane_autodiff::ndarray::{Axis, array};
use wane_data::{Dataset, StandardScaler};
use wane_layers::ShrinkOptions;
use wane_train::{ModelCard, Predictor};

fn named() -> Dataset<f64> {
    data(30, 1).with_names(&["a", "b", "c", "d", "e", "f"], &["y"]).unwrap()
}

#[test]
fn data_keeps_the_columns_with_their_names() {
    let rows = named();
    let kept = rows.select_features(&[4, 0]).unwrap();
    assert_eq!(kept.feature_names(), ["e", "a"]);
    assert_eq!(
        (kept.x(), kept.y(), kept.target_names()),
        (rows.x().select(Axis(1), &[4, 0]).view(), rows.y(), rows.target_names())
    );
    let said = |columns: &[usize]| rows.select_features(columns).unwrap_err().to_string();
    assert_eq!(said(&[]), "number of features selected is 0; expected at least 1");
    assert_eq!(said(&[0, 6]), "selected feature is 6; expected a column below 6");
    assert_eq!(said(&[1, 0, 1]), "selected feature is 1, given twice; expected each column once");
}

#[test]
fn a_card_keeps_what_belongs_to_the_columns() {
    let (rows, scaler) = (named(), StandardScaler::fit(data(30, 1).x()).unwrap());
    let card = ModelCard {
        x_scaler: Some(scaler.clone()),
        feature_names: rows.feature_names().to_vec(),
        output_names: vec!["y".to_owned()],
        ..Default::default()
    };
    let kept = card.select_features(&[5, 2]).unwrap();
    assert_eq!(
        (&kept.feature_names[..], &kept.output_names[..]),
        (&["f".to_owned(), "c".to_owned()][..], &["y".to_owned()][..])
    );
    let kept = kept.x_scaler.unwrap();
    assert_eq!(
        (kept.mean(), kept.scale()),
        (&[scaler.mean()[5], scaler.mean()[2]][..], &[scaler.scale()[5], scaler.scale()[2]][..])
    );
    let said = |columns: &[usize]| card.select_features(columns).unwrap_err().to_string();
    assert_eq!(said(&[6]), "selected feature is 6; expected a feature below 6");
    assert_eq!(said(&[]), "number of features selected is 0; expected at least 1");
    assert_eq!(ModelCard::default().select_features(&[7]).unwrap(), ModelCard::default());
}

#[test]
fn a_smaller_predictor_predicts_the_same() {
    let (model, mut params) = network(1);
    let (rows, scaler) = (
        named(),
        StandardScaler::fit(array![[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3.0, 5.0, 7.0, 9.0, 11.0, 13.0]].view()).unwrap(),
    );
    let first = params.id("0.weight").unwrap();
    let mut weight = params.get(first).to_owned();
    for (axis, dead) in [(0, &[1, 2, 7][..]), (1, &[0, 3][..])] {
        dead.iter().for_each(|&i| weight.index_axis_mut(Axis(axis), i).fill(0.0));
    }
    params.set(first, &weight).unwrap();
    let card = ModelCard { x_scaler: Some(scaler), feature_names: rows.feature_names().to_vec(), ..Default::default() };
    let mut before = Predictor::new(model, params, card).unwrap();
    for drop_inputs in [false, true] {
        let (mut after, report) = before.shrink(ShrinkOptions { drop_inputs }).unwrap();
        assert_eq!((report.layers[0].removed(), &report.dead_inputs[..]), (3, &[0, 3][..]));
        assert_eq!(report.dead_features, ["a", "d"]);
        assert!(report.to_string().contains("\ninputs: 4 of 6 used; not a, d\n"), "{report}");
        let names = if drop_inputs { vec!["b", "c", "e", "f"] } else { vec!["a", "b", "c", "d", "e", "f"] };
        assert_eq!(after.card().feature_names, names);
        let kept = rows.select_features(&report.inputs).unwrap();
        let (y, small) = (before.predict(rows.x()).unwrap(), after.predict(kept.x()).unwrap());
        assert!(y.iter().zip(small).all(|(a, b)| (a - b).abs() < 1e-13));
    }
}

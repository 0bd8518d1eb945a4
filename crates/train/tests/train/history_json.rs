//! Every history reads back from its own JSON, and nothing else makes it panic.

use crate::common::{network, place, regression};
use proptest::prelude::*;
use wane_autodiff::Rng;
use wane_autodiff::rand::SeedableRng;
use wane_optim::{Group, Sgd, SgdOptions};
use wane_train::{History, Metric, Trainer, TrainerOptions};

/// Any number, those that JSON has no word for among them.
fn number() -> impl Strategy<Value = f64> {
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX];
    prop_oneof![any::<f64>(), prop::sample::select(special.to_vec())]
}

/// A text for a number, as the documentation has it.
fn told(value: f64) -> serde_json::Value {
    match value {
        _ if value.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        _ => value.into(),
    }
}

/// The JSON of a history with every field drawn, written without the crate.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let group =
        (number(), number()).prop_map(|(lr, norm)| serde_json::json!({"lr": told(lr), "weight_norm": told(norm)}));
    let numbers = || prop::collection::vec(number().prop_map(told), 2);
    let validation = prop::option::of(number());
    let record =
        (number(), number(), number(), numbers(), numbers(), validation, prop::collection::vec(group, 0..3), 0..9);
    let record = record.prop_map(|(loss, penalty, norm, train, valid, validation, groups, zeros)| {
        serde_json::json!({
            "epoch": zeros + 1, "train_loss": told(loss), "penalty": told(penalty), "train_metrics": train,
            "validation_loss": validation.map(told), "validation_metrics": valid, "groups": groups,
            "gradient_norm": told(norm), "zeros": zeros,
        })
    });
    prop::collection::vec(record, 0..4)
        .prop_map(|epochs| serde_json::json!({"metrics": ["Mae", "R2"], "epochs": epochs}))
}

/// The bits of every number, all NaN being one.
fn bits(history: &History) -> Vec<Option<u64>> {
    let one = |value: f64| Some(if value.is_nan() { u64::MAX } else { value.to_bits() });
    let mut bits = Vec::new();
    for record in &history.epochs {
        bits.extend([one(record.train_loss), one(record.penalty), one(record.gradient_norm)]);
        bits.push(record.validation_loss.and_then(one));
        bits.extend(record.train_metrics.iter().chain(&record.validation_metrics).map(|&value| one(value)));
        bits.extend(record.groups.iter().flat_map(|group| [one(group.lr), one(group.weight_norm)]));
    }
    bits
}

proptest! {
    #[test]
    fn every_history_comes_back(json in json()) {
        let history = History::from_json(&json.to_string()).unwrap();
        let written = history.to_json();
        let again = History::from_json(&written).unwrap();
        prop_assert_eq!(bits(&again), bits(&history));
        prop_assert_eq!(again.to_json(), written.clone());
        // What is written is what was read, name by name.
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), json);
    }

    #[test]
    fn damaged_text_is_refused_or_read(json in json(), at in any::<prop::sample::Index>(), byte in 32_u8..127) {
        let mut text = json.to_string().into_bytes();
        let place = at.index(text.len());
        text[place] = byte;
        if let Ok(history) = History::from_json(std::str::from_utf8(&text).unwrap()) {
            history.to_csv();
        }
    }
}

#[test]
fn what_is_no_history_is_refused_by_name() {
    let error =
        History::from_json("{\"metrics\": [], \"epochs\": [{\"epoch\": 1, \"train_loss\": \"inf\"}]}").unwrap_err();
    let expected = "history is not readable (invalid value: string \"inf\", expected a number, \"NaN\", \"Infinity\" or \
                    \"-Infinity\" at line 1 column 59); expected JSON as to_json writes it";
    assert_eq!(error.to_string(), expected);
    assert!(History::from_json("").is_err());
}

/// A checkpoint is no text: there, numbers that are not finite are what they are.
#[test]
fn a_checkpoint_keeps_what_is_not_finite() {
    let data = regression::<f64>(20, 1);
    let single = data.select(&[0]).unwrap();
    let mut rng = Rng::seed_from_u64(1);
    let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
    let mut sgd = Sgd::new(SgdOptions::default()).unwrap().group(Group::all(&params)).unwrap();
    let options = TrainerOptions { epochs: 1, metrics: vec![Metric::R2], ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut sgd, options).unwrap().validation(&single);
    trainer.fit(&data, &mut rng).unwrap();
    let before = trainer.history().clone();
    assert!(before.epochs[0].validation_metrics[0].is_nan());
    trainer.save(place("not-finite-history"), &rng).unwrap();
    trainer.resume(place("not-finite-history"), &mut rng).unwrap();
    assert_eq!(bits(trainer.history()), bits(&before));
    assert_eq!(bits(&History::from_json(&before.to_json()).unwrap()), bits(&before));
}

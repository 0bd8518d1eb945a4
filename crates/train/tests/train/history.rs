//! The history of a run that can be computed by hand: every number of it is exact.

use crate::common::place;
use wane_autodiff::ndarray::array;
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Params, Rng};
use wane_data::Dataset;
use wane_layers::Sequential;
use wane_optim::{Group, Schedule, Sgd, SgdOptions};
use wane_penalties::L1;
use wane_train::{History, Metric, Trainer, TrainerOptions};

/// w = 0 and lr 1/4, halved each epoch; ½|w| is added to the loss, the bias is frozen at 0.
///
/// Epoch 1: errors −2 and 0, gradients −4 and ½, w = 1 and then 7/8.
/// Epoch 2: errors −9/8 and 3/16, gradients −7/4 and 5/4, w = 35/32 and then 15/16.
fn by_hand() -> History {
    let train = Dataset::new(array![[1.0], [2.0]], array![[2.0], [2.0]]).unwrap();
    let validation = Dataset::new(array![[3.0]], array![[2.0]]).unwrap();
    let mut rng = Rng::seed_from_u64(0);
    let mut params = Params::<f64>::new();
    let model = Sequential::new().linear(1, 1).build(params.root(), &mut rng).unwrap();
    params.as_mut_slice().fill(0.0);
    let ids = params.ids();
    params.freeze(&ids[1..]).unwrap();
    let sgd = Sgd::new(SgdOptions { lr: 0.25, ..Default::default() }).unwrap().group(Group::all(&params)).unwrap();
    let mut sgd = sgd.schedule(Schedule::exponential(0.5).unwrap()).unwrap();
    let options =
        TrainerOptions { epochs: 2, batch_size: 1, shuffle: false, metrics: vec![Metric::Mae], ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut sgd, options).unwrap();
    trainer = trainer.validation(&validation).penalty(&L1::new(0.5).unwrap(), &ids[..1]);
    trainer.fit(&train, &mut rng).unwrap();
    trainer.history().clone()
}

#[test]
fn csv_has_every_number() {
    let csv = by_hand().to_csv();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "epoch,train_loss,penalty,train_mae,validation_loss,validation_mae,lr_0,weight_norm_0,gradient_norm,zeros"
    );
    assert_eq!(lines[1], "1,2.0,0.25,1.0,0.390625,0.625,0.25,0.875,2.25,1");
    assert_eq!(lines[2], "2,0.650390625,0.4921875,0.65625,0.66015625,0.8125,0.125,0.9375,1.5,1");
    assert_eq!(lines.len(), 3);
    assert_eq!(History::default().to_csv(), "epoch,train_loss,penalty,validation_loss,gradient_norm,zeros\n");
}

#[test]
fn json_comes_back_as_it_was() {
    let mut history = by_hand();
    let value: serde_json::Value = serde_json::from_str(&history.to_json()).unwrap();
    assert_eq!(value["epochs"][0]["groups"][0]["weight_norm"], 0.875);
    assert_eq!(value["epochs"][1]["validation_loss"], 0.66015625);
    assert_eq!(value["metrics"][0], "Mae");
    history.epochs[0].train_loss = 0.1 + 0.2;
    assert_eq!(serde_json::from_str::<History>(&history.to_json()).unwrap(), history);
    assert_eq!(history.best().unwrap().epoch, 1);
}

#[cfg(feature = "plot")]
#[test]
fn a_chart_says_what_it_shows() {
    let path = place("history.svg");
    by_hand().plot(&path).unwrap();
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    for text in
        ["training", "validation", "group 0", "epoch (passes over the training data)", "mean loss (a row)", "norm ‖θ‖₂"]
    {
        assert!(svg.contains(text), "{text}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    let error = History::default().plot(&path).unwrap_err().to_string();
    assert_eq!(error, "number of epochs to plot is 0; expected at least 1");
    let error = by_hand().plot("/nowhere/at/all.svg").unwrap_err().to_string();
    assert!(error.starts_with("\"/nowhere/at/all.svg\" is "), "{error}");
}

//! The confusion matrix against scikit-learn (`scripts/sklearn_confusion.py` wrote the values), and an evaluation against
//! a loop of one's own.

use crate::common::{classification, network, regression};
use serde_json::Value;
use wane_autodiff::ndarray::{Array2, array};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Classes, CrossEntropyOptions, LossOptions, Params, Rng, Tape};
use wane_data::Dataset;
use wane_layers::Module;
use wane_optim::{Group, Sgd, SgdOptions};
use wane_train::{ConfusionMatrix, EarlyStopping, Metric, Trainer, TrainerOptions, confusion_matrix};

const VALUES: &str = include_str!("../data/confusion.json");

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).unwrap()
}

fn sgd(params: &Params<f64>, lr: f64) -> Sgd<f64> {
    Sgd::new(SgdOptions { lr, ..Default::default() }).unwrap().group(Group::all(params)).unwrap()
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let values: Value = serde_json::from_str(VALUES).unwrap();
    for case in values.as_array().unwrap() {
        let (labels, taken) = (list::<usize>(&case["labels"]), list::<usize>(&case["taken"]));
        let (rows, support) = (list::<Vec<u64>>(&case["counts"]), list::<u64>(&case["support"]));
        let logits = Array2::from_shape_fn((taken.len(), rows.len()), |(row, class)| f64::from(taken[row] == class));
        let counts = confusion_matrix(logits.view(), &Classes::new(&labels, rows.len()).unwrap()).unwrap();
        let matrix = ConfusionMatrix::new(counts).unwrap();
        assert_eq!(matrix.counts(), Array2::from_shape_fn((rows.len(), rows.len()), |(row, column)| rows[row][column]));
        assert_eq!(matrix.accuracy(), case["accuracy"].as_f64().unwrap());
        for (class, &support) in support.iter().enumerate() {
            let scores = matrix.scores(class);
            let expected = |name: &str| case[name][class].as_f64().unwrap();
            assert_eq!(scores.precision, expected("precision"), "{class}");
            assert_eq!(scores.recall, expected("recall"), "{class}");
            assert_eq!(scores.f1, expected("f1"), "{class}");
            assert_eq!(scores.support, support);
        }
    }
}

#[test]
fn a_matrix_is_shown_as_a_table() {
    let matrix = ConfusionMatrix::new(array![[40, 1, 0], [0, 7, 3], [0, 0, 0]]).unwrap();
    let expected = [
        "           0  1  2  precision  recall      f1  support",
        "0         40  1  0     1.0000  0.9756  0.9877       41",
        "1          0  7  3     0.8750  0.7000  0.7778       10",
        "2          0  0  0     0.0000  0.0000  0.0000        0",
        "accuracy  0.9216",
    ];
    assert_eq!(matrix.to_string().lines().collect::<Vec<_>>(), expected);
    let named = matrix.with_labels(&["setosa", "versicolor", "γ"]).unwrap();
    let expected = [
        "            setosa  versicolor  γ  precision  recall      f1  support",
        "setosa          40           1  0     1.0000  0.9756  0.9877       41",
        "versicolor       0           7  3     0.8750  0.7000  0.7778       10",
        "γ                0           0  0     0.0000  0.0000  0.0000        0",
        "accuracy    0.9216",
    ];
    assert_eq!(named.to_string().lines().collect::<Vec<_>>(), expected);
    assert!(ConfusionMatrix::new(array![[0]]).unwrap().accuracy().is_nan());
}

#[test]
fn what_does_not_fit_is_named() {
    let error = ConfusionMatrix::new(Array2::zeros((2, 3))).unwrap_err().to_string();
    assert_eq!(error, "shape of the counts is (2, 3); expected a row and a column a class");
    assert!(ConfusionMatrix::new(Array2::zeros((0, 0))).is_err());
    let error = ConfusionMatrix::new(array![[1]]).unwrap().with_labels(&["a", "b"]).unwrap_err().to_string();
    assert_eq!(error, "number of labels is 2; expected 1, one a class");
}

#[test]
fn an_evaluation_is_what_a_loop_of_ones_own_would_measure() {
    // More rows than are evaluated at once, some without a label, and classes of different weight.
    let data = classification::<f64>(700, 3);
    let labels: Vec<i64> =
        data.classes().labels().iter().zip(0..).map(|(&l, i)| if i % 5 == 0 { -1 } else { l.into() }).collect();
    let classes = Classes::with_ignored(&labels, 3, -1).unwrap();
    let test = Dataset::with_classes(data.x().to_owned(), classes).unwrap().with_class_names(&["a", "b", "c"]).unwrap();
    let cross_entropy = CrossEntropyOptions::default().class_weights(&[1.0, 3.0, 0.5], 3).unwrap();
    let mut rng = Rng::seed_from_u64(4);
    let (model, mut params) = network::<f64>(3, 0.4, &mut rng);
    let mut optimizer = sgd(&params, 0.2);
    let metrics = vec![Metric::LogLoss, Metric::Accuracy];
    let options = TrainerOptions { epochs: 3, cross_entropy: cross_entropy.clone(), metrics, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap().validation(&test);
    trainer.fit(&data, &mut rng).unwrap();
    let evaluation = trainer.evaluate(&test).unwrap();

    let last = trainer.history().epochs.last().unwrap();
    assert_eq!(Some(evaluation.loss), last.validation_loss);
    assert_eq!(evaluation.metrics.iter().map(|(_, value)| *value).collect::<Vec<_>>(), last.validation_metrics);
    let mut tape = Tape::new();
    let output = model.forward(tape.record(trainer.params()).input(&test.x()));
    let whole = output.cross_entropy_loss_with(test.classes(), &cross_entropy, LossOptions::default()).item();
    assert!((evaluation.loss - whole).abs() < 1e-12, "{} {whole}", evaluation.loss);
    let counts = confusion_matrix(model.predict(trainer.params(), test.x()).unwrap().view(), test.classes()).unwrap();
    let confusion = evaluation.confusion.as_ref().unwrap();
    assert_eq!(confusion.counts(), counts);
    assert_eq!((confusion.counts().sum(), confusion.labels()), (560, test.class_names()));
    assert_eq!(evaluation.metric(Metric::Accuracy), Some(confusion.accuracy()));
    assert_eq!(evaluation.metric(Metric::Mse), None);
}

/// With an average and early stopping, an evaluation is of the weights that the best validation was of.
#[test]
fn an_evaluation_is_of_the_weights_that_validation_sees() {
    let data = regression::<f64>(40, 1);
    let other = Dataset::new(data.x().to_owned(), data.y().mapv(|y| 0.5 * y)).unwrap();
    for early in [None, Some(EarlyStopping { patience: 3, ..Default::default() })] {
        let mut rng = Rng::seed_from_u64(1);
        let (model, mut params) = network::<f64>(1, 0.0, &mut rng);
        let mut optimizer = sgd(&params, 0.1);
        let options = TrainerOptions { epochs: 60, early_stopping: early, ema: Some(0.9), ..Default::default() };
        let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap().validation(&other);
        trainer.fit(&data, &mut rng).unwrap();
        let before = trainer.params().as_slice().to_vec();
        let evaluation = trainer.evaluate(&other).unwrap();
        assert_eq!(trainer.params().as_slice(), before);
        let expected = match early {
            Some(_) => trainer.history().best(),
            None => trainer.history().epochs.last(),
        };
        assert_eq!(Some(evaluation.loss), expected.unwrap().validation_loss);
        assert_eq!(evaluation.confusion, None);
    }
}

#[test]
fn an_evaluation_of_other_data_is_refused_by_name() {
    let mut rng = Rng::seed_from_u64(1);
    let (model, mut params) = network::<f64>(3, 0.0, &mut rng);
    params.as_mut_slice()[0] = f64::NAN;
    let mut optimizer = sgd(&params, 0.1);
    let options = TrainerOptions { metrics: vec![Metric::Accuracy], ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut optimizer, options).unwrap();
    let error = trainer.evaluate(&regression(4, 1)).unwrap_err().to_string();
    assert_eq!(error, "evaluation data: number of outputs is 1; expected 3, as the model gives");
    let numbers = Dataset::new(array![[1.0, 2.0]], array![[1.0, 2.0, 3.0]]).unwrap();
    let error = trainer.evaluate(&numbers).unwrap_err().to_string();
    assert_eq!(error, "metric is accuracy; expected one of numbers, as the target is");
    let error = trainer.evaluate(&classification(9, 1)).unwrap_err().to_string();
    let expected =
        "evaluation, batch 1: loss is NaN; expected a finite number: parameter \"0.weight\" gave NaN at [0, 0], ";
    assert!(error.starts_with(expected), "{error}");
}

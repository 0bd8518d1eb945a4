//! A loss of one's own: in place of the options' to the last bit, and what only it can be.

use crate::common::{bits, classification, network, regression};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Classes, CrossEntropyOptions, Loss, Reduction, Rng, Var};
use wane_data::{Dataset, Target};
use wane_optim::{Adam, AdamOptions, Group, Sgd, SgdOptions};
use wane_penalties::L2;
use wane_train::{History, Metric, Trainer, TrainerOptions};

type Own = for<'g> fn(Var<'g, f64>, Target<'_, f64>) -> Var<'g, f64>;

/// History and weights of a run on `data`, with dropout, a penalty and a validation set.
fn trained(data: &Dataset<f64>, outputs: usize, metric: Metric, own: Option<Own>) -> (History, Vec<u64>) {
    let mut rng = Rng::seed_from_u64(2);
    let (model, mut params) = network::<f64>(outputs, 0.2, &mut rng);
    let ids = params.ids();
    let mut sgd = Sgd::new(SgdOptions { lr: 0.1, ..Default::default() }).unwrap().group(Group::all(&params)).unwrap();
    let options = TrainerOptions { epochs: 5, batch_size: 7, metrics: vec![metric], ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut sgd, options).unwrap();
    trainer = trainer.penalty(&L2::new(0.01).unwrap(), &ids).validation(data);
    if let Some(own) = own {
        trainer = trainer.loss_fn(own);
    }
    trainer.fit(data, &mut rng).unwrap();
    (trainer.history().clone(), bits(trainer.params().as_slice()))
}

#[test]
fn the_options_loss_written_out_gives_the_same_bits() {
    let data = regression::<f64>(33, 1);
    let own: Own = |output, target| output.loss(Loss::Mse, output.graph().input(&target.values()));
    assert_eq!(trained(&data, 1, Metric::Mse, Some(own)), trained(&data, 1, Metric::Mse, None));

    // Some rows have no label: a batch counts by those that have one.
    let data = classification::<f64>(33, 1);
    let labels: Vec<i64> =
        data.classes().labels().iter().zip(0..).map(|(&l, row)| if row % 4 == 0 { -1 } else { l.into() }).collect();
    let data = Dataset::with_classes(data.x().to_owned(), Classes::with_ignored(&labels, 3, -1).unwrap()).unwrap();
    let own: Own = |output, target| output.cross_entropy_loss(target.classes());
    assert_eq!(trained(&data, 3, Metric::Accuracy, Some(own)), trained(&data, 3, Metric::Accuracy, None));
    let other: Own = |output, target| output.cross_entropy_loss(target.classes()) * 2.0;
    assert_ne!(trained(&data, 3, Metric::Accuracy, Some(other)).1, trained(&data, 3, Metric::Accuracy, None).1);
}

/// The focal loss (Lin et al. 2017), (1 − p)²·(−ln p) of the label's probability p.
#[test]
fn a_loss_of_labels_is_trained_and_validated() {
    let data = classification::<f64>(60, 1);
    let focal: Own = |output, target| {
        let entropy =
            output.cross_entropy_loss_with(target.classes(), &CrossEntropyOptions::default(), Reduction::None);
        ((1.0 - (-entropy).exp()).square() * entropy).mean()
    };
    let (history, _) = trained(&data, 3, Metric::Accuracy, Some(focal));
    let (first, last) = (&history.epochs[0], &history.epochs[4]);
    assert!(last.validation_loss.unwrap() < 0.8 * first.validation_loss.unwrap());
}

/// Two outputs for one target: its mean and the logarithm of its variance, by the likelihood of a normal law.
#[test]
fn outputs_may_be_of_another_number_than_targets() {
    let data = regression::<f64>(60, 1);
    let mut rng = Rng::seed_from_u64(2);
    let (model, mut params) = network::<f64>(2, 0.0, &mut rng);
    let mut adam =
        Adam::new(AdamOptions { lr: 0.02, ..Default::default() }).unwrap().group(Group::all(&params)).unwrap();
    let options = TrainerOptions { epochs: 100, batch_size: 20, ..Default::default() };
    let mut trainer = Trainer::new(&model, &mut params, &mut adam, options).unwrap().validation(&data);
    trainer = trainer.loss_fn(|output, target| {
        let (mean, log_variance) = (output.slice_axis(1, 0..1), output.slice_axis(1, 1..2));
        let error = mean - output.graph().input(&target.values());
        (log_variance + error.square() * (-log_variance).exp()).mean() * 0.5
    });
    trainer.fit(&data, &mut rng).unwrap();
    let loss = trainer.history().epochs.last().unwrap().validation_loss.unwrap();
    let evaluation = trainer.evaluate(&data).unwrap();
    assert_eq!((evaluation.loss, evaluation.confusion), (loss, None));
    drop(trainer);
    let output = model.predict(&params, data.x()).unwrap();
    let rows =
        output.rows().into_iter().zip(data.y()).map(|(row, y)| 0.5 * (row[1] + (row[0] - y).powi(2) / row[1].exp()));
    assert!((rows.sum::<f64>() / 60.0 - loss).abs() < 1e-12);
    assert!(loss < -0.5, "{loss}");
}

#[test]
fn what_does_not_fit_is_named() {
    let data = regression::<f64>(6, 1);
    let mut rng = Rng::seed_from_u64(2);
    let (model, mut params) = network::<f64>(2, 0.0, &mut rng);
    let mut refusal = |metrics: Vec<Metric>, own: Option<Own>| {
        let mut sgd = Sgd::new(SgdOptions::default()).unwrap().group(Group::all(&params)).unwrap();
        let options = TrainerOptions { metrics, batch_size: 6, ..Default::default() };
        let mut trainer = Trainer::new(&model, &mut params, &mut sgd, options).unwrap();
        if let Some(own) = own {
            trainer = trainer.loss_fn(own);
        }
        trainer.fit(&data, &mut rng).unwrap_err().to_string()
    };
    let unreduced: Own = |output, _| output.square();
    assert_eq!(
        refusal(vec![], Some(unreduced)),
        "loss_fn is a value of shape (6, 2); expected a mean: a single number"
    );
    let fine: Own = |output, _| output.square().mean();
    assert_eq!(
        refusal(vec![Metric::Mse], Some(fine)),
        "shape of the output is (6, 2); expected (6, 1), as the target has it"
    );
    assert_eq!(refusal(vec![], None), "training data: number of outputs is 1; expected 2, as the model gives");
}
